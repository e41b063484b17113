"""How right and how fast `predict` is.

Right: against a 30-digit matrix exponential of the moments of the same diffusion (no modes, no
kernels), at fractions of the critical learning rate. Fast: one call in a warm process, and what
of it is the singular value decomposition that all calls on a problem share. Half a minute.
"""

import sys
import time
import warnings
from pathlib import Path

import numpy as np

import hsgd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.hsgd.reference import exact_states, generator


def largest_error(fraction: float) -> float:
    """Largest relative error of the training risk over 12 epochs; n = 9, d = 4, ridge 0.3."""
    rng = np.random.default_rng(0)
    A, b, x0 = rng.normal(size=(9, 4)) / 2, rng.normal(size=9), rng.normal(size=4)
    problem = hsgd.LeastSquares(A, b, ridge=0.3, x0=x0)
    rate = fraction * hsgd.critical_learning_rate(problem)
    expected = exact_states(problem, 1.0, rate, 1.0, 12, digits=30) @ generator(problem, 1.0)[2]
    curve = hsgd.predict(problem, hsgd.SGD(rate), np.arange(13.0), rtol=1e-11)
    return float(np.abs(curve.empirical_risk / expected - 1).max())


def timings(n: int, d: int) -> tuple[float, float, float]:
    """Seconds of the decomposition, a constant rate and a cosine schedule (401 times)."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(n, d)) / np.sqrt(d)
    problem = hsgd.LeastSquares(A, A @ rng.normal(size=d) + rng.normal(size=n), ridge=0.1)
    began = time.perf_counter()
    critical = hsgd.critical_learning_rate(problem)
    decomposed = time.perf_counter() - began
    times = np.linspace(0.0, 20.0, 401)
    spent = []
    for rate in (0.5 * critical, hsgd.CosineDecay(0.5 * critical, 20.0)):
        hsgd.predict(problem, hsgd.SGD(rate), times)
        laps = []
        for _ in range(5):
            began = time.perf_counter()
            hsgd.predict(problem, hsgd.SGD(rate), times)
            laps.append(time.perf_counter() - began)
        spent.append(float(np.median(laps)))
    return decomposed, *spent


def main() -> None:
    """Print both tables."""
    warnings.simplefilter("ignore", UserWarning)
    for fraction in (0.5, 0.95, 0.99, 1.02):
        print(f"at {fraction:4} of critical: relative error {largest_error(fraction):.1e}")
    print(f"{'n':>5} {'d':>5} {'SVD':>8} {'constant':>9} {'cosine':>8}   seconds, median of 5")
    for n, d in ((600, 300), (2000, 1000)):
        print(f"{n:5d} {d:5d} {'{:8.3f} {:9.3f} {:8.3f}'.format(*timings(n, d))}")


if __name__ == "__main__":
    main()
