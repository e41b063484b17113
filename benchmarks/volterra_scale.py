"""What a solution costs against the number of rates, and against the horizon.

Power law i^-1.7 at 0.9 of critical, forcing of as many terms, 10^4 log-spaced times, rtol 1e-8.
Three tables: seconds against the number of rates (10^3 to 10^7, with and without compression as
long as the latter is affordable), seconds against the horizon (10^3 to 10^12) at 10^6 rates, and
where compressing begins to pay. `--figure PATH` draws the first two (needs matplotlib);
`--largest 6` stops at 10^6 rates. Seconds are of processor time, of one thread mostly. Two minutes
and 1 GB for all of it.
"""

import argparse
import time
from pathlib import Path

import numpy as np

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


def seconds(modes: int, horizon: float, method: str, times: int = 10_000) -> tuple[float, dict]:
    """Median processor time of a solve (busy neighbours do not count), and what it says."""
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
        "status": solution.status.name,
    }
    return float(np.median(laps)), said


def against_size(largest: int) -> list[tuple[int, float, float]]:
    """Print and return rates, seconds compressed, seconds exact (NaN where not affordable)."""
    print("rates      compressed   nodes  reported error            exact")
    rows = []
    for modes in (size for size in SIZES if size <= largest):
        spent, said = seconds(modes, 1e9, "compressed")
        exact = seconds(modes, 1e9, "exact")[0] if modes <= 1_000 else np.nan
        rows.append((modes, spent, exact))
        print(
            f"{modes:9d} {spent:9.3f} s {said['modes']:7d}  {said['error']:.1e} "
            f"{said['status']:>12} {exact:9.3f} s"
        )
    return rows


def against_horizon(modes: int) -> list[tuple[float, float]]:
    """Print and return horizon and seconds."""
    print(f"\nhorizon    compressed   at {modes} rates")
    rows = []
    for horizon in HORIZONS:
        rows.append((horizon, seconds(modes, horizon, "compressed")[0]))
        print(f"{horizon:7.0e} {rows[-1][1]:11.3f} s")
    return rows


def crossover() -> None:
    """Print where compressing begins to pay, for 400 times."""
    print("\nrates      compressed       exact   (400 times)")
    for modes in SHORT:
        compressed, exact = (seconds(modes, 1e6, m, 400)[0] for m in ("compressed", "exact"))
        print(f"{modes:9d} {1e3 * compressed:9.1f} ms {1e3 * exact:8.1f} ms")


def draw(
    sizes: list[tuple[int, float, float]], horizons: list[tuple[float, float]], path: Path
) -> None:
    """The cost against the number of rates and against the horizon."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), sharey=True, layout="tight")
    modes, compressed, exact = np.array(sizes).T
    left.loglog(modes, compressed, "o-", label="compressed")
    left.loglog(modes, exact, "s", color="C1", label="exact")
    known = exact[0] * (modes / modes[0]) ** 2
    left.loglog(modes[:3], known[:3], ":", color="C1", label="exact, extrapolated")
    fixed = compressed.min()
    linear = fixed + (compressed[-1] - fixed) * modes / modes[-1]
    left.loglog(modes, linear, "k--", lw=1, label="constant + linear")
    left.set(xlabel="number of rates", ylabel="seconds of processor time")
    left.set(title="10,000 times up to 1e9, rtol 1e-8")
    left.legend()
    horizon, spent = np.array(horizons).T
    right.loglog(horizon, spent, "o-")
    right.set(xlabel="last time", title=f"{int(min(modes[-1], 1e6)):,} rates")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Print the three tables; draw if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--figure", type=Path, help="where to write the figure (PNG)")
    parser.add_argument("--largest", type=int, default=7, help="power of ten of rates to stop at")
    options = parser.parse_args()
    sizes = against_size(10**options.largest)
    horizons = against_horizon(min(10**6, 10**options.largest))
    crossover()
    if options.figure:
        draw(sizes, horizons, options.figure)


if __name__ == "__main__":
    main()
