"""The multi-pass engine against what the machine's caches and memory give, on one core and on all.

    python benchmarks/engine_limits.py [--rounds 7] [--dimension 1000]

The rows (of float64) fit into the second-level cache, the third, or neither. Every figure is a
median over rounds in which all contestants run in turn; compilation is excluded.

- "reading" adds up the entries of random rows: one load per entry.
- "reading ahead" does so while it fetches the next row, as the engine does.
- "three loads, one store" passes over parameters, one row and the next, and writes the
  parameters: a step of SGD without its residual, so that no row waits for the one before.
- "engine" is `simulate.sgd`, all of it, on as many replicates as cores.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
from _records import Figure, interleaved, main, median, ratios

import simulate
from hsgd.algorithms.sgd import SGD
from hsgd.machine import threads
from hsgd.problems.least_squares import LeastSquares
from simulate.engines.cpu.kernels.dense import fetch_long_piece, update_and_dot
from simulate.engines.cpu.layout import aligned_zeros, laid_out
from simulate.engines.cpu.prefetching import LONG_PIECE
from simulate.numba_policy import OPTIONS

SIZES = {"second-level cache": 100, "third-level cache": 2000, "memory": 40_000}
STEPS = {"second-level cache": 3_000_000, "third-level cache": 2_000_000, "memory": 500_000}


@numba.njit(**OPTIONS)
def reading(A, rows, x):
    """Add up the entries of the rows."""
    total = 0.0
    for i in rows:
        for j in range(A.shape[1]):
            total += A[i, j]
    return total


@numba.njit(**OPTIONS)
def reading_ahead(A, rows, x):
    """The same while the next row is fetched."""
    total = 0.0
    for k in range(rows.size):
        row, following = A[rows[k]], rows[min(k + 1, rows.size - 1)]
        for first in range(0, row.size, LONG_PIECE):
            fetch_long_piece(A, following, first)
            # A slice, for the compiler makes vectors of loops whose length it does not know.
            some, part = row[first : min(first + LONG_PIECE, row.size)], 0.0
            for j in range(some.size):
                part += some[j]
            total += part
    return total


@numba.njit(**OPTIONS)
def three_loads(A, rows, x):
    """Steps that do not wait for their residuals."""
    total = 0.0
    for k in range(2, rows.size):
        total += update_and_dot(x, A, rows[k - 2], rows[k - 1], rows[k], 0.999, 1e-9)
    return total


LOOPS = {
    "reading": reading,
    "reading ahead": reading_ahead,
    "three loads, one store": three_loads,
}


def contestants(n: int, d: int, steps: int, cores: int) -> dict[str, Callable[[], Any]]:
    """Name → what to run: `steps` rows on each of the cores."""
    generator = np.random.default_rng(0)
    problem = LeastSquares(generator.standard_normal((n, d)) / np.sqrt(d), np.ones(n))
    A = laid_out(problem.A, np.dtype(np.float64))
    orders = [generator.integers(0, n, steps) for _ in range(cores)]

    def looped(loop: Any) -> Callable[[], Any]:
        def work() -> None:
            with ThreadPoolExecutor(cores) as pool:
                xs = [aligned_zeros(A.shape[1]) for _ in orders]
                list(pool.map(lambda rows, x: loop(A, rows, x), orders, xs))

        return work

    def engine() -> None:
        with threads.limited(cores):
            simulate.sgd(
                problem,
                SGD(0.5),
                [steps / n],
                statistics="distance",
                num_replicates=cores,
                seed=0,
            )

    problem.solution  # noqa: B018  (what "distance" needs is no part of a run)
    return {name: looped(loop) for name, loop in LOOPS.items()} | {"engine": engine}


def measure(rounds: int = 7, dimension: int = 1000) -> Iterator[Figure]:
    """Nanoseconds a row, and the engine's speed over that of every loop."""
    for place, n in SIZES.items():
        engine = {}
        for cores in sorted({1, threads.available()}):
            table = contestants(n, dimension, STEPS[place], cores)
            found = interleaved(table, rounds)
            row, engine[cores] = f"{place}, {cores} core{'s'[: cores - 1]}", found["engine"]
            for name, seconds in found.items():
                each = [1e9 * one / STEPS[place] for one in seconds]
                yield median(f"{row} / {name}", each, "ns")
            for name in LOOPS:
                speed = ratios(found[name], found["engine"])
                yield median(f"{row} / engine × {name}", speed, "×", "higher")
        for cores in set(engine) - {1}:
            speed = [cores * a / b for a, b in zip(engine[1], engine[cores], strict=True)]
            yield median(f"{place} / {cores} cores over one", speed, "×", "higher")


if __name__ == "__main__":
    main(measure)
