"""How often `validation.compare` is wrong: false alarms on a true theory, power on a wrong one.

False alarms: 2,000 comparisons of 32 runs of SGD with their exact mean (nothing is allowed for
finite n), at levels 1% and 5%, at a quarter and at half of critical; the share must lie in the
binomial 99% interval. At 0.8 the variance of the runs is infinite, or nearly: a mean that is
too low is then undecided, and the share lies below the interval.
Power: a curve 3% off, Gaussian rows, n = 2000, a quarter of critical, 64 runs. Some minutes;
`python benchmarks/calibration.py --quick` takes d = 200 and 400 comparisons.
"""

import sys

import numpy as np
import scipy.stats

import hsgd
import simulate
from validation import compare
from validation.data import coefficients

QUICK = "--quick" in sys.argv
TRIALS = 400 if QUICK else 2000


def gaussian(n: int, d: int) -> hsgd.LeastSquares:
    """Rows N(0, I/d), signal and label noise of order one."""
    beta = coefficients(d, np.sqrt(d))
    return hsgd.GaussianRows(np.full(d, 1 / d), beta, 0.5, ridge=0.1 / n).sample(n, seed=0)


def setting(n: int, d: int, fraction: float, times: np.ndarray, replicates: int):
    """Exact mean and runs of one problem."""
    problem = gaussian(n, d)
    sgd = hsgd.SGD(fraction * hsgd.critical_learning_rate(problem))
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


def false_alarms() -> None:
    """Print the table of false alarms."""
    print(f"false alarms over {TRIALS} comparisons of 32 runs, n = 60, d = 20, 20 times")
    print(
        f"{'γ/critical':>10} {'level':>6} {'share':>7} {'99% interval':>15} "
        f"{'undecided':>9} {'skewness':>9}"
    )
    for fraction in (0.25, 0.5, 0.8):
        exact, runs = setting(60, 20, fraction, np.linspace(0, 4, 21), 32 * TRIALS)
        skewness = scipy.stats.skew(runs.empirical_risk.isel(time=-1).values)
        for level in (0.01, 0.05):
            share, undecided = outcomes(exact, runs, 32, false_alarm=level)
            low, high = scipy.stats.binom.interval(0.99, TRIALS, level)
            print(
                f"{fraction:10.2f} {level:6.0%} {share:7.2%} "
                f"{low / TRIALS:7.2%} {high / TRIALS:7.2%} "
                f"{undecided:9.2%} {skewness:9.2f}"
            )


def power() -> None:
    """Print how often a curve that is 3% off is rejected."""
    n, d = (400, 200) if QUICK else (2000, 1000)
    trials, group = 50, 64
    exact, runs = setting(n, d, 0.25, np.linspace(0, 8, 41), trials * group)
    wrong = exact.copy()
    for name in ("empirical_risk", "population_risk"):
        wrong[name] = exact[name] * np.where(exact.iteration > 0, 1.03, 1.0)
    share, _ = outcomes(wrong, runs, group)
    alarms, _ = outcomes(exact, runs, group)
    print(f"power at 3%, n = {n}, d = {d}, {group} runs: {share:.0%} of {trials} comparisons")
    print(f"the true curve is rejected in {alarms:.0%} of them")


if __name__ == "__main__":
    false_alarms()
    power()
