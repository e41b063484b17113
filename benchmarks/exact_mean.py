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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from _records import Figure, fixed, main

import hsgd
from validation import data
from validation.features import random_features

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.hsgd import arnoldi

# The peak of memory is told in kilobytes, on macOS in bytes.
KILOBYTES_PER_GB = 1e9 if sys.platform == "darwin" else 1e6


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
    sgd = hsgd.SGD(fraction * hsgd.critical_learning_rate(problem, method="hsgd"))
    times = np.arange(0.0, epochs + 0.1, 0.2)
    return hsgd.exact_mean(problem, sgd, times, statistics="empirical_risk", **options)


def seconds(name: str, value: float) -> Figure:
    """Seconds that were measured once."""
    return Figure(name, value, "s")


def accuracy() -> Iterator[Figure]:
    """Against both witnesses; processor seconds of all three."""
    for n, d, fraction in ((300, 100, 0.5), (300, 100, 0.9), (600, 200, 0.8), (1200, 400, 0.8)):
        row, problem = f"digits {n} x {d}, {fraction}", digits(n, d)
        fast, _, quick = timed(lambda p=problem, f=fraction: solve(p, f, 20, method="row_basis"))
        yield fixed(f"{row} / estimate", float(fast.estimated_error), "")
        yield seconds(f"{row} / row basis", quick)
        risk = fast.empirical_risk.values
        if n < 1200:  # else too long for the recursion
            plain, _, slow = timed(
                lambda p=problem, f=fraction: solve(p, f, 20, method="recursion")
            )
            error = np.abs(risk / plain.empirical_risk.values - 1).max()
            yield fixed(f"{row} / from the recursion", error, "")
            yield seconds(f"{row} / recursion", slow)
        rate, iterations = float(fast.learning_rate[0]), fast.iteration.values
        size = 200 if n < 1200 else 250
        witness, _, third = timed(
            lambda p=problem, r=rate, k=iterations, s=size: arnoldi.risks(p, r, 1.0, k, s)
        )
        yield fixed(f"{row} / from Arnoldi", np.abs(risk / witness - 1).max(), "")
        yield seconds(f"{row} / Arnoldi", third)


def cost() -> Iterator[Figure]:
    """Against n, d and the number of epochs."""
    table = {
        "digits 600 x 200": digits(600, 200),
        "digits 1200 x 400": digits(1200, 400),
        "patches 3000 x 800": patches(3000, 800),
        "digits 1200 x 1500": digits(1200, 1500, 0.1),
    }
    for name, problem in table.items():
        problem.svd  # noqa: B018  (not counted)
        for fraction, epochs in ((0.5, 20), (0.8, 20), (0.8, 1000), (0.95, 20)):
            found, clock, processor = timed(
                lambda p=problem, f=fraction, e=epochs: solve(p, f, e, method="row_basis")
            )
            row = f"{name}, {fraction}, {epochs} epochs"
            yield seconds(f"{row} / seconds", clock)
            yield seconds(f"{row} / processor", processor)
            yield fixed(f"{row} / half-applications", found.num_half_applications, "")
            yield fixed(f"{row} / basis", found.basis_size, "")
            yield fixed(f"{row} / estimate", float(found.estimated_error), "")
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / KILOBYTES_PER_GB
            yield Figure(f"{row} / peak", peak, "GB")


def threshold() -> Iterator[Figure]:
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
    for name, problem in table.items():
        problem.svd  # noqa: B018  (not counted)
        found, _, processor = timed(lambda p=problem: hsgd.exact_stability(p))
        exact = "mean_square_critical_learning_rate"
        width = 1 - float(found[f"{exact}_lower"] / found[f"{exact}_upper"])
        over = float(found.mean_square_over_critical)
        yield fixed(f"{name} / HSGD", float(found.critical_learning_rate), "", better="")
        yield fixed(f"{name} / exact over HSGD", over, "×", better="")
        yield fixed(f"{name} / bracket", width, "")
        yield fixed(f"{name} / steps", found.num_steps, "")
        yield seconds(f"{name} / processor", processor)


def measure(parts: tuple[str, ...] = ("accuracy", "cost", "threshold")) -> Iterator[Figure]:
    """The parts that are asked for."""
    known = {"accuracy": accuracy, "cost": cost, "threshold": threshold}
    for name in parts:
        yield from known[name]()


if __name__ == "__main__":
    main(measure)
