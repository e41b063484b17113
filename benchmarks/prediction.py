"""How right and how fast `predict` is.

Right: against a 30-digit matrix exponential of the moments of the same diffusion (no modes, no
kernels), at fractions of the critical learning rate. Fast: one call in a warm process, and what
of it is the singular value decomposition that all calls on a problem share. Half a minute.
"""

import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from _records import Figure, fixed, interleaved, main, median

import hsgd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.hsgd.reference import exact_states, generator


def largest_error(fraction: float) -> float:
    """Largest relative error of the training risk over 12 epochs; n = 9, d = 4, ridge 0.3."""
    rng = np.random.default_rng(0)
    A, b, x0 = rng.normal(size=(9, 4)) / 2, rng.normal(size=9), rng.normal(size=4)
    problem = hsgd.LeastSquares(A, b, ridge=0.3, x0=x0)
    rate = fraction * hsgd.critical_learning_rate(problem, method="hsgd")
    expected = exact_states(problem, 1.0, rate, 1.0, 12, digits=30) @ generator(problem, 1.0)[2]
    curve = hsgd.predict(problem, hsgd.SGD(rate), np.arange(13.0), method="hsgd", rtol=1e-11)
    return float(np.abs(curve.empirical_risk / expected - 1).max())


def timings(n: int, d: int, rounds: int) -> Iterator[Figure]:
    """Seconds of the decomposition, a constant rate and a cosine schedule (401 times)."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(n, d)) / np.sqrt(d)
    b = A @ rng.normal(size=d) + rng.normal(size=n)
    decomposed = []
    for _ in range(rounds):
        problem = hsgd.LeastSquares(A, b, ridge=0.1)
        began = time.perf_counter()
        critical = hsgd.critical_learning_rate(problem, method="hsgd")
        decomposed.append(time.perf_counter() - began)
    times = np.linspace(0.0, 20.0, 401)
    constant, cosine = 0.5 * critical, hsgd.CosineDecay(0.5 * critical, 20.0)
    table = {
        "constant rate": lambda: hsgd.predict(problem, hsgd.SGD(constant), times, method="hsgd"),
        "cosine schedule": lambda: hsgd.predict(problem, hsgd.SGD(cosine), times, method="hsgd"),
    }
    for name, seconds in ({"SVD, once": decomposed} | interleaved(table, rounds)).items():
        yield median(f"n = {n}, d = {d} / {name}", seconds, "s")


def measure(rounds: int = 5) -> Iterator[Figure]:
    """Errors, then seconds."""
    warnings.simplefilter("ignore", UserWarning)
    for fraction in (0.5, 0.95, 0.99, 1.02):
        yield fixed(f"relative error / {fraction} of critical", largest_error(fraction), "")
    for n, d in ((600, 300), (2000, 1000)):
        yield from timings(n, d, rounds)


if __name__ == "__main__":
    main(measure)
