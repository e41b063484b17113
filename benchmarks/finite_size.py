"""Homogenized SGD against the exact mean as n grows: the error falls like 1/n.

Gaussian rows, n = 2d, learning rate 0.8, ridge 0.1, label noise 0.5; the largest relative error
of the training risk over epochs 1 to 8, mean over 16 seeds per size. About a minute.
"""

import warnings
from collections.abc import Iterator

import numpy as np
from _records import Figure, fixed, main

import hsgd

SIZES, SEEDS, TIMES = (20, 40, 80, 160), range(16), np.arange(1.0, 9.0)


def largest_error(d: int, seed: int) -> float:
    """Largest relative error of the theory over the epochs, for one draw of the data."""
    coefficients = np.random.default_rng(1000 + seed).normal(size=d)
    rows = hsgd.GaussianRows(np.ones(d) / d, coefficients, 0.5, ridge=0.1 / (2 * d))
    problem, sgd = rows.sample(2 * d, seed), hsgd.SGD(0.8)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # so small a problem is no news here
        theory = hsgd.predict(problem, sgd, TIMES, statistics="empirical_risk", method="hsgd")
    exact = hsgd.exact_mean(problem, sgd, TIMES, statistics="empirical_risk")
    return float(np.abs(theory.empirical_risk / exact.empirical_risk - 1).max())


def slope(sizes: tuple[int, ...], errors: np.ndarray) -> tuple[float, float]:
    """Log-log slope of the mean error and its standard error; `errors` is (sizes, seeds)."""
    means = errors.mean(axis=1)
    relative = errors.std(axis=1, ddof=1) / np.sqrt(errors.shape[1]) / means
    x = np.log(sizes) - np.mean(np.log(sizes))
    return float(x @ np.log(means) / (x @ x)), float(np.sqrt(x**2 @ relative**2) / (x @ x))


def measure() -> Iterator[Figure]:
    """Errors in per cent by size, and the slopes."""
    errors = np.array([[largest_error(d, seed) for seed in SEEDS] for d in SIZES])
    for d, row in zip(SIZES, 100 * errors, strict=True):
        spread = row.std(ddof=1) / len(row) ** 0.5
        yield fixed(f"d = {d}, n = {2 * d} / mean error", row.mean(), "%")
        yield fixed(f"d = {d}, n = {2 * d} / standard error", spread, "%", better="")
    for count in (3, 4):
        value, uncertainty = slope(SIZES[:count], errors[:count])
        yield fixed(f"first {count} sizes / slope", value, "", better="")
        yield fixed(f"first {count} sizes / standard error", uncertainty, "", better="")


if __name__ == "__main__":
    main(measure)
