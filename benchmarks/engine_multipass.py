"""Speed of the multi-pass engines against NumPy's loop and against reading the same rows.

    python benchmarks/engine_multipass.py [--rounds 7] [--epochs 100] [--rows 2000]

Every figure of the table is a median over rounds in which all contestants run in turn, so that a
machine that others use slows all of them alike. Compilation is excluded.

- The loop is what a user would write first, `x -= g*(a@x - b)*a`, one thread, the rows drawn ahead.
- "Whole call" is `simulate.sgd`, all of it: checks, random numbers, threads, labels.
- "JAX" is a jitted `vmap` over replicates of a `scan` over steps, double precision, on the CPU, if
  it is installed; its rows are drawn ahead, too.
- "Reading" is a compiled loop that only adds up the entries of random rows, one per core: what the
  memory gives to any algorithm that touches each row once. With --rows 40000 --epochs 2 the data
  are in memory rather than in a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from _records import Figure, interleaved, main, median, ratios

import simulate
from hsgd.algorithms.sgd import SGD
from hsgd.problems.least_squares import LeastSquares
from simulate import threads

REPLICATES, NUM_RECORDS = 32, 100
LOOP_STEPS, READ_STEPS, JAX_STEPS = 10_000, 100_000, 2_000


def numpy_loop(problem: LeastSquares, rows: np.ndarray, g: float) -> np.ndarray:
    """The loop to beat."""
    A, b, x = problem.A, problem.b, problem.x0.copy()
    for i in rows:
        a = A[i]
        x -= g * (a @ x - b[i]) * a
    return x


def jax_runs(problem: LeastSquares, g: float) -> Callable[[], object] | None:
    """The replicates as an array program; None where JAX is not installed."""
    try:
        import jax
    except ImportError:
        return None
    jax.config.update("jax_enable_x64", True)
    A, b, x0 = (jax.numpy.asarray(array) for array in (problem.A, problem.b, problem.x0))
    orders = np.random.default_rng(1).integers(0, len(problem.b), (REPLICATES, JAX_STEPS))

    def step(x: object, i: object) -> tuple[object, None]:
        a = A[i]
        return x - g * (a @ x - b[i]) * a, None

    run = jax.jit(jax.vmap(lambda order: jax.lax.scan(step, x0, order)[0]))
    return lambda: run(orders).block_until_ready()


@numba.njit(nogil=True, fastmath={"reassoc"})
def read_rows(A, rows):
    """Add up the entries of the rows."""
    total = 0.0
    for i in rows:
        for j in range(A.shape[1]):
            total += A[i, j]
    return total


def contestants(n: int, d: int, epochs: int) -> dict[str, tuple[Callable[[], object], float]]:
    """Name → (what to run, how many steps that is)."""
    generator = np.random.default_rng(0)
    rows = generator.standard_normal((n, d)) / np.sqrt(d)
    problem = LeastSquares(rows, generator.standard_normal(n))
    order = generator.integers(0, n, READ_STEPS)
    num_threads = threads.available()
    records = np.geomspace(1 / n, epochs, NUM_RECORDS)
    steps = float(REPLICATES * epochs * n)

    def run(times: object, batch_size: int = 1) -> Callable[[], object]:
        algorithm = SGD(0.5, batch_size)
        return lambda: simulate.sgd(
            problem,
            algorithm,
            times,
            statistics="empirical_risk",
            num_replicates=REPLICATES,
            seed=0,
        )

    def read() -> None:
        with ThreadPoolExecutor(num_threads) as pool:
            list(pool.map(lambda _: read_rows(problem.A, order), range(num_threads)))

    array_program = jax_runs(problem, 0.5)
    jax = {"JAX": (array_program, REPLICATES * JAX_STEPS)} if array_program else {}
    return {
        "numpy loop": (lambda: numpy_loop(problem, order[:LOOP_STEPS], 0.5), LOOP_STEPS),
        **jax,
        "reading": (read, READ_STEPS * num_threads),
        "whole call": (run([float(epochs)]), steps),
        "with 100 records": (run(records), steps),
        "batches of 8": (run([epochs / 8], 8), steps),
    }


def measure(
    rounds: int = 7, epochs: int = 100, rows: int = 2000, dimension: int = 1000
) -> Iterator[Figure]:
    """Rows a second, and speeds over the loop's and over that of reading."""
    table = contestants(rows, dimension, epochs)
    taken = interleaved({name: work for name, (work, _) in table.items()}, rounds)
    each = {name: [one / table[name][1] for one in seconds] for name, seconds in taken.items()}
    for name, seconds in each.items():
        yield median(f"{name} / speed", [1 / one for one in seconds], "rows/s", "higher")
        for other in ("numpy loop", "reading"):
            speed = ratios(each[other], seconds)
            yield median(f"{name} / against {other}", speed, "×", "higher")
    added = [100 * (r - 1) for r in ratios(taken["with 100 records"], taken["whole call"])]
    yield median(f"{NUM_RECORDS} records / add", added, "%")


if __name__ == "__main__":
    main(measure)
