"""What a solution costs against the number of rates, and against the horizon.

Power law i^-1.7 at 0.9 of critical, forcing of as many terms, 10^4 log-spaced times, rtol 1e-8.
Three tables: seconds against the number of rates (10^3 to 10^7, with and without compression as
long as the latter is affordable), seconds against the horizon (10^3 to 10^12) at 10^6 rates, and
where compressing begins to pay. `--figure PATH` draws the first two (needs matplotlib);
`--largest 6` stops at 10^6 rates. Seconds are of processor time, of one thread mostly. Two minutes
and 1 GB for all of it.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from _records import Figure, fixed, main, median

from volterra import SumOfExponentials, solve

ROUNDS = 3
SIZES = (10**3, 10**4, 10**5, 10**6, 10**7)
HORIZONS = (1e3, 1e6, 1e9, 1e12)
SHORT = (100, 200, 300, 400, 600, 1000, 2000)


def equation(modes: int) -> tuple[SumOfExponentials, SumOfExponentials]:
    """Forcing and kernel."""
    rates = np.arange(1, modes + 1) ** -1.7
    weights = rates**2
    kernel = SumOfExponentials(rates, weights * (0.9 / np.sum(weights / rates)))
    return SumOfExponentials(rates, rates, constant=0.1), kernel


def seconds(
    modes: int, horizon: float, method: str, times: int = 10_000
) -> tuple[list[float], dict]:
    """Processor times of a solve (busy neighbours do not count), and what it says."""
    forcing, kernel = equation(modes)
    t = np.geomspace(1e-2, horizon, times)
    laps = []
    for _ in range(ROUNDS):
        began = time.process_time()
        solution = solve(forcing, kernel, t, method=method, rtol=1e-8)
        laps.append(time.process_time() - began)
    said = {
        "modes": solution.work.get("compressed_modes", modes),
        "error": float(np.max(solution.error / solution.y)),
    }
    return laps, said


def against_size(largest: int) -> Iterator[Figure]:
    """At 10,000 times to 1e9; exactly as well, where that is affordable."""
    for modes in (size for size in SIZES if size <= largest):
        row, (laps, said) = f"{modes:.0e} rates", seconds(modes, 1e9, "compressed")
        yield median(f"{row} / compressed", laps, "s")
        yield fixed(f"{row} / nodes", said["modes"], "")
        yield fixed(f"{row} / reported error", said["error"], "")
        if modes <= 1_000:
            yield median(f"{row} / exact", seconds(modes, 1e9, "exact")[0], "s")


def against_horizon(modes: int) -> Iterator[Figure]:
    """Seconds by the last time."""
    for horizon in HORIZONS:
        laps, _ = seconds(modes, horizon, "compressed")
        yield median(f"{modes:.0e} rates / to {horizon:.0e}", laps, "s")


def crossover() -> Iterator[Figure]:
    """Where compressing begins to pay, for 400 times."""
    for modes in SHORT:
        for method in ("compressed", "exact"):
            laps, _ = seconds(modes, 1e6, method, 400)
            yield median(f"{modes} rates, 400 times / {method}", [1e3 * s for s in laps], "ms")


def draw(found: dict[str, Figure], largest: int, path: Path) -> None:
    """The cost against the number of rates and against the horizon."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="tight")
    modes = np.array([size for size in SIZES if size <= largest])
    compressed = np.array([found[f"{size:.0e} rates / compressed"].value for size in modes])
    exact = found["1e+03 rates / exact"].value
    left.loglog(modes, compressed, "o-", label="compressed")
    left.loglog(modes[:1], exact, "s", color="C1", label="exact")
    known = exact * (modes / modes[0]) ** 2
    left.loglog(modes[:3], known[:3], ":", color="C1", label="exact, extrapolated")
    fixed_cost = compressed.min()
    linear = fixed_cost + (compressed[-1] - fixed_cost) * modes / modes[-1]
    left.loglog(modes, linear, "k--", lw=1, label="constant + linear")
    left.set(xlabel="number of rates", ylabel="seconds of processor time")
    left.set(title="10,000 times up to 1e9, rtol 1e-8")
    left.legend()
    at = min(10**6, largest)
    spent = [found[f"{at:.0e} rates / to {horizon:.0e}"].value for horizon in HORIZONS]
    right.loglog(HORIZONS, spent, "o-")
    right.set(xlabel="last time", title=f"{at:,} rates")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def measure(figure: str = "", largest: int = 7) -> Iterator[Figure]:
    """Three tables, with up to 10^largest rates; a figure, if a file is named for it."""
    found = {}
    for table in (
        against_size(10**largest),
        against_horizon(min(10**6, 10**largest)),
        crossover(),
    ):
        for one in table:
            found[one.name] = one
            yield one
    if figure:
        draw(found, 10**largest, Path(figure))


if __name__ == "__main__":
    main(measure)
