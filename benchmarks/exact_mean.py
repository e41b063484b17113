"""The exact mean by the row basis: against the plain recursion and Arnoldi, and what it costs.

    python benchmarks/exact_mean.py [accuracy] [cost] [threshold]

`accuracy` holds it against the plain recursion at every fifth of an epoch, and against Arnoldi in a
space of 200 dimensions. `cost` measures time after the singular value decomposition (wall clock and
processor), and the peak memory of the whole process so far. `threshold` compares homogenized SGD's
critical learning rate with the exact one. All three: about ten minutes on two cores.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import hsgd
from validation import data
from validation.features import random_features

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.hsgd import arnoldi


def digits(n: int, d: int, ridge: float = 0.01) -> hsgd.LeastSquares:
    """Random features of handwritten digits."""
    split = data.digits(n, seed=0)
    features, _ = random_features(split.inputs, split.inputs_test, d, seed=1)
    return hsgd.LeastSquares(features, split.targets, ridge=ridge)


def patches(n: int, d: int) -> hsgd.LeastSquares:
    """Random features of photograph patches."""
    split = data.photograph_patches(n, 10, remove_mean=True, seed=0)
    features, _ = random_features(split.inputs, split.inputs_test, d, seed=1)
    return hsgd.LeastSquares(features, split.targets, ridge=0.1)


def gaussian(n: int, d: int, spread: float = 0.0) -> hsgd.LeastSquares:
    """Gaussian rows, with lognormal norms."""
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(n, d)) / np.sqrt(d) * np.exp(spread * rng.normal(size=n))[:, None]
    return hsgd.LeastSquares(rows, rng.normal(size=n), ridge=0.1)


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, seconds by the clock, seconds of processor."""
    clock, processor = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - clock, time.process_time() - processor


def solve(problem: hsgd.LeastSquares, fraction: float, epochs: float, **options: Any) -> Any:
    """The exact mean of the training risk at a fraction of homogenized SGD's critical rate."""
    sgd = hsgd.SGD(fraction * hsgd.critical_learning_rate(problem))
    times = np.arange(0.0, epochs + 0.1, 0.2)
    return hsgd.exact_mean(problem, sgd, times, statistics="empirical_risk", **options)


def accuracy() -> None:
    """Against both witnesses."""
    print(f"{'problem':16} {'γ':>5} {'estimate':>9} {'recursion':>10} {'Arnoldi':>9}", end="")
    print(f" {'processor seconds: row basis, recursion, Arnoldi':>50}")
    for n, d, fraction in ((300, 100, 0.5), (300, 100, 0.9), (600, 200, 0.8)):
        problem = digits(n, d)
        fast, _, quick = timed(lambda p=problem, f=fraction: solve(p, f, 20, method="row_basis"))
        plain, _, slow = timed(lambda p=problem, f=fraction: solve(p, f, 20, method="recursion"))
        rate = float(fast.learning_rate[0])
        witness, _, third = timed(
            lambda p=problem, r=rate, k=fast.iteration.values: arnoldi.risks(p, r, 1.0, k, 200)
        )
        risk = fast.empirical_risk.values
        errors = [np.abs(risk / other - 1).max() for other in (plain.empirical_risk, witness)]
        print(
            f"digits {n} x {d:<4} {fraction:5.2f} {fast.estimated_error:9.1e} "
            f"{errors[0]:10.1e} {errors[1]:9.1e} {quick:16.1f} {slow:16.1f} {third:16.1f}"
        )
    problem = digits(1200, 400)  # too long for the recursion
    fast, _, quick = timed(lambda: solve(problem, 0.8, 20, method="row_basis"))
    witness, _, third = timed(
        lambda: arnoldi.risks(
            problem, float(fast.learning_rate[0]), 1.0, fast.iteration.values, 250
        )
    )
    error = np.abs(fast.empirical_risk.values / witness - 1).max()
    print(
        f"digits 1200 x 400   0.80 {fast.estimated_error:9.1e} {'':10} {error:9.1e} "
        f"{quick:16.1f} {'':16} {third:16.1f}"
    )


def cost() -> None:
    """Against n, d and the number of epochs."""
    table = {
        "digits 600 x 200": digits(600, 200),
        "digits 1200 x 400": digits(1200, 400),
        "patches 3000 x 800": patches(3000, 800),
        "digits 1200 x 1500": digits(1200, 1500, 0.1),
    }
    columns = ("problem", "γ", "epochs", "seconds", "processor", "half-apps", "basis", "estimate")
    print("{:20} {:>5} {:>7} {:>8} {:>9} {:>9} {:>6} {:>9} {:>8}".format(*columns, "peak GB"))
    for name, problem in table.items():
        problem.svd  # noqa: B018  (not counted)
        for fraction, epochs in ((0.5, 20), (0.8, 20), (0.8, 1000), (0.95, 20)):
            found, clock, processor = timed(
                lambda p=problem, f=fraction, e=epochs: solve(p, f, e, method="row_basis")
            )
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
            print(
                f"{name:20} {fraction:5.2f} {epochs:7d} {clock:8.1f} {processor:9.1f} "
                f"{found.num_half_applications:9d} {found.basis_size:6d} "
                f"{found.estimated_error:9.1e} {peak:8.2f}",
                flush=True,
            )


def threshold() -> None:
    """How much earlier than homogenized SGD the given rows turn unstable."""
    table = {
        "digits 600 x 200": digits(600, 200),
        "digits 1200 x 400": digits(1200, 400),
        "patches 3000 x 800": patches(3000, 800),
        "Gaussian 600 x 300": gaussian(600, 300),
        "lognormal 0.3, 120 x 60": gaussian(120, 60, 0.3),
        "lognormal 0.3, 600 x 300": gaussian(600, 300, 0.3),
        "lognormal 0.3, 80 x 140": gaussian(80, 140, 0.3),
        "lognormal 0.8, 600 x 300": gaussian(600, 300, 0.8),
    }
    columns = ("rows", "HSGD", "exact/HSGD", "bracket", "steps", "processor")
    print("{:26} {:>8} {:>11} {:>9} {:>6} {:>10}".format(*columns))
    for name, problem in table.items():
        problem.svd  # noqa: B018  (not counted)
        found, _, processor = timed(lambda p=problem: hsgd.exact_stability(p))
        exact = "mean_square_critical_learning_rate"
        width = 1 - float(found[f"{exact}_lower"] / found[f"{exact}_upper"])
        print(
            f"{name:26} {float(found.critical_learning_rate):8.4f} "
            f"{float(found.mean_square_over_critical):11.5f} {width:9.0e} "
            f"{found.num_steps:6d} {processor:10.1f}"
        )


def main() -> None:
    """Print the tables that are asked for."""
    parts = {"accuracy": accuracy, "cost": cost, "threshold": threshold}
    for name in sys.argv[1:] or parts:
        parts[name]()
        print()


if __name__ == "__main__":
    main()
