"""Speed of the streaming engine against the same loop fed by NumPy's generator, on one core.

    python benchmarks/engine_streaming.py [--rounds 9]

Every figure is a median over rounds in which all contestants run in turn; compilation is excluded.

- "numpy loop" is what a user would write: blocks of rows from `Generator.standard_normal`, then
  `x -= g*(a @ (x - beta) - noise)*a` row by row, in NumPy.
- "same loop, numpy rows" is a compiled loop that takes such rows: only the normals differ.
- "engine" is `simulate.sgd`, all of it, on one thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

os.environ["NUMBA_NUM_THREADS"] = "1"

import numba
import numpy as np
from _records import Figure, interleaved, main, median, ratios

import simulate
from hsgd.algorithms.sgd import StreamingSGD
from hsgd.problems.gaussian_rows import GaussianRows
from simulate.numba_policy import OPTIONS

BLOCK = 64


def numpy_loop(x: Any, beta: Any, root: Any, noise: float, g: float, steps: int) -> Any:
    """The loop to beat."""
    generator = np.random.default_rng(0)
    for _ in range(0, steps, BLOCK):
        rows = generator.standard_normal((BLOCK, len(x))) * root
        labels = noise * generator.standard_normal(BLOCK)
        for a, label in zip(rows, labels, strict=True):
            x -= g * (a @ (x - beta) - label) * a
    return x


@numba.njit(**OPTIONS)
def take_steps(x, beta, root, labels, g, rows):
    """The compiled loop over a block of normals."""
    for i in range(len(rows)):
        residual = -labels[i]
        for j in range(x.size):
            rows[i, j] *= root[j]
            residual += rows[i, j] * (x[j] - beta[j])
        for j in range(x.size):
            x[j] -= g * residual * rows[i, j]


def fed_by_numpy(x: Any, beta: Any, root: Any, noise: float, g: float, steps: int) -> Any:
    """The same loop, compiled, with NumPy's normals."""
    generator = np.random.default_rng(0)
    rows = np.empty((BLOCK, len(x)))
    for _ in range(0, steps, BLOCK):
        generator.standard_normal(out=rows)
        take_steps(x, beta, root, noise * generator.standard_normal(BLOCK), g, rows)
    return x


def contestants(d: int, steps: int) -> dict[str, Callable[[], Any]]:
    """Name → what to run."""
    values, beta = np.linspace(0.5, 1.5, d) / d, np.ones(d)
    population = GaussianRows(values, beta, 0.1)
    rotated = np.linalg.qr(np.random.default_rng(0).standard_normal((d, d)))[0]
    dense = GaussianRows((rotated * values) @ rotated.T, rotated @ beta, 0.1)
    common = (beta, np.sqrt(values), 0.1, 0.5, steps)

    def engine(problem: GaussianRows, dtype: str = "float64") -> Callable[[], Any]:
        return lambda: simulate.sgd(
            problem,
            StreamingSGD(0.5),
            [steps / d],
            statistics="population_risk",
            seed=0,
            dtype=dtype,
        )

    return {
        "numpy loop": lambda: numpy_loop(np.zeros(d), *common),
        "same loop, numpy rows": lambda: fed_by_numpy(np.zeros(d), *common),
        "engine": engine(population),
        "engine, float32 rows": engine(population, "float32"),
        "engine, dense covariance": engine(dense),
    }


def measure(rounds: int = 9, dimension: int = 1000, steps: int = 12_800) -> Iterator[Figure]:
    """Nanoseconds an entry of a row, and speeds over that of the loop fed by NumPy."""
    taken = interleaved(contestants(dimension, steps), rounds)
    for name, seconds in taken.items():
        each = [1e9 * one / (steps * dimension) for one in seconds]
        yield median(f"{name} / an entry", each, "ns")
        speed = ratios(taken["same loop, numpy rows"], seconds)
        yield median(f"{name} / against the loop", speed, "×", "higher")


if __name__ == "__main__":
    main(measure)
