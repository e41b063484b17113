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

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np

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


def seconds(work: Callable[[], object]) -> float:
    """Time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


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


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--dimension", type=int, default=1000)
    options = parser.parse_args()
    table = contestants(options.rows, options.dimension, options.epochs)
    for work, _ in table.values():
        work()
    taken: dict[str, list[float]] = {name: [] for name in table}
    for _ in range(options.rounds):
        for name, (work, _) in table.items():
            taken[name].append(seconds(work))
    median = {name: float(np.median(values)) for name, values in taken.items()}
    rate = {name: table[name][1] / median[name] for name in table}
    print(
        f"n = {options.rows}, d = {options.dimension}, {REPLICATES} replicates, "
        f"{options.epochs} epochs, {threads.available()} threads, "
        f"medians of {options.rounds} rounds"
    )
    print(f"{'':18s} {'seconds':>9s} {'rows/s':>11s} {'GB/s':>7s} {'x loop':>7s} {'x reading':>9s}")
    for name in table:
        print(
            f"{name:18s} {median[name]:9.3f} {rate[name]:11.3e} "
            f"{8e-9 * options.dimension * rate[name]:7.1f} {rate[name] / rate['numpy loop']:7.1f} "
            f"{rate[name] / rate['reading']:9.2f}"
        )
    ratios = np.array(taken["with 100 records"]) / np.array(taken["whole call"]) - 1
    print(f"recording {NUM_RECORDS} times adds {100 * np.median(ratios):.0f}%")


if __name__ == "__main__":
    main()
