"""How often `validation.compare` is wrong: false alarms on a true theory, power on a wrong one.

False alarms: 2,000 comparisons of 32 runs of SGD with their exact mean (nothing is allowed for
finite n), at levels 1% and 5%, at a quarter and at half of critical; the share must lie in the
binomial 99% interval. At 0.8 the variance of the runs is infinite, or nearly: a mean that is
too low is then undecided, and the share lies below the interval.
Power: a curve 3% off, Gaussian rows, n = 2000, a quarter of critical, 64 runs. Some minutes;
`python benchmarks/calibration.py --quick` takes d = 200 and 400 comparisons.
"""

from collections.abc import Iterator

import numpy as np
import scipy.stats
from _records import Figure, fixed, main

import hsgd
import simulate
from validation import compare
from validation.data import coefficients


def gaussian(n: int, d: int) -> hsgd.LeastSquares:
    """Rows N(0, I/d), signal and label noise of order one."""
    beta = coefficients(d, np.sqrt(d))
    return hsgd.GaussianRows(np.full(d, 1 / d), beta, 0.5, ridge=0.1 / n).sample(n, seed=0)


def setting(n: int, d: int, fraction: float, times: np.ndarray, replicates: int):
    """Exact mean and runs of one problem."""
    problem = gaussian(n, d)
    sgd = hsgd.SGD(fraction * hsgd.critical_learning_rate(problem, method="hsgd"))
    options = {"statistics": ("empirical_risk", "population_risk")}
    exact = hsgd.exact_mean(problem, sgd, times, **options)
    runs = simulate.sgd(problem, sgd, times, num_replicates=replicates, seed=1, **options)
    return exact, runs


def outcomes(reference, runs, group: int, **options) -> tuple[float, float]:
    """Shares of the disjoint groups of runs that reject the reference, or leave it undecided."""
    count = runs.sizes["replicate"] // group
    parts = (runs.isel(replicate=slice(k * group, (k + 1) * group)) for k in range(count))
    found = [compare(reference, part, **options).attrs for part in parts]
    rejected = sum(1 - attrs["agrees"] for attrs in found)
    return rejected / count, sum(1 - attrs["decided"] for attrs in found) / count


def false_alarms(trials: int) -> Iterator[Figure]:
    """Small problems: n = 60, d = 20, 20 times."""
    for fraction in (0.25, 0.5, 0.8):
        exact, runs = setting(60, 20, fraction, np.linspace(0, 4, 21), 32 * trials)
        skewness = scipy.stats.skew(runs.empirical_risk.isel(time=-1).values)
        for level in (0.01, 0.05):
            share, undecided = outcomes(exact, runs, 32, false_alarm=level)
            low, high = scipy.stats.binom.interval(0.99, trials, level)
            row = f"{fraction:.2f} of critical, level {level:.0%}"
            yield fixed(f"{row} / share", 100 * share, "%", better="")
            yield fixed(f"{row} / 99% from", 100 * low / trials, "%", better="")
            yield fixed(f"{row} / 99% to", 100 * high / trials, "%", better="")
            yield fixed(f"{row} / undecided", 100 * undecided, "%")
            yield fixed(f"{row} / skewness", skewness, "", better="")


def power(n: int, d: int) -> Iterator[Figure]:
    """How often a curve that is 3% off is rejected, by 64 runs."""
    trials, group = 50, 64
    exact, runs = setting(n, d, 0.25, np.linspace(0, 8, 41), trials * group)
    wrong = exact.copy()
    for name in ("empirical_risk", "population_risk"):
        wrong[name] = exact[name] * np.where(exact.iteration > 0, 1.03, 1.0)
    for name, curve, better in (("3% off", wrong, "higher"), ("true", exact, "lower")):
        share, _ = outcomes(curve, runs, group)
        yield fixed(f"n = {n}, d = {d}, {name} / rejected", 100 * share, "%", better)


def measure(quick: bool = False) -> Iterator[Figure]:
    """Both."""
    yield from false_alarms(400 if quick else 2000)
    yield from power(*((400, 200) if quick else (2000, 1000)))


if __name__ == "__main__":
    main(measure)
