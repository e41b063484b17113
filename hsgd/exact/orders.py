"""The exact mean over all orders of few rows that are reshuffled.

What a pass does depends on its order, and n! of them are too many. But given *which* rows have been
visited, the last batch is any of them with equal chance: so the second moments given a set of
visited rows follow from those given the sets with one batch less, 2ⁿ sets in place of n! orders.
At the end of a pass there is one set, and the next order knows nothing of the last one. An order
that is kept for ever has no such end, and all of them are run, side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations, permutations

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.sgd import SGD
from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.problems.least_squares import LeastSquares

MOST_ROWS = {"reshuffle": 14, "single_shuffle": 8}
"""Rows up to which it takes seconds a pass, by the sampling."""


def refusal(problem: LeastSquares, algorithm: SGD) -> str:
    """Why the mean over orders is out of reach, in one sentence; empty if it is not."""
    n, most = problem.num_rows, MOST_ROWS[algorithm.sampling]
    if n > most:
        return (
            f"exact_mean needs independent batches, or at most {most} rows of "
            f"sampling={algorithm.sampling!r}, and there are {n}: ask hsgd.predict, or simulate it."
        )
    if algorithm.averaging is not None or algorithm.has_batch_schedule:
        return (
            "exact_mean of reshuffled rows knows one batch size and no averages: pass one integer "
            "and averaging=None, or simulate it."
        )
    if n % int(algorithm.largest_batch_size):
        return (
            f"exact_mean of reshuffled rows needs batches that divide the {n} rows: pass such a "
            "batch_size, or simulate it."
        )
    return ""


def solve(
    problem: LeastSquares,
    algorithm: SGD,
    statistics: tuple[Statistic, ...],
    iterations: NDArray[np.int64],
    report: Callable[[int], None],
) -> tuple[Array, Array]:
    """q(E x_k) and ½⟨M, V_k⟩ of each statistic at the ascending `iterations`, shapes (T, s)."""
    svd = problem.svd
    inside = svd.right.T @ problem.x0
    outside = problem.x0 - svd.right @ inside
    curvatures = [svd.right.T @ s.matrix() @ svd.right for s in statistics]
    means, noise = (np.empty((len(iterations), len(statistics))) for _ in range(2))
    rates = algorithm.schedule(np.arange(iterations[-1]) / problem.num_rows)
    fade = np.concatenate(([1.0], np.cumprod(1.0 - rates * problem.ridge / problem.num_rows)))
    kept = algorithm.sampling == "single_shuffle"
    states = (_each_order if kept else _sets)(problem, algorithm, rates, inside)
    now = -1
    for position, iteration in enumerate(iterations):
        while now < iteration:
            second = next(states)
            now += 1
        report(int(iteration) - (int(iterations[position - 1]) if position else 0))
        mean = second[:-1, -1]
        covariance = second[:-1, :-1] - np.outer(mean, mean)
        point = (svd.right @ mean + fade[iteration] * outside)[None, :]
        means[position] = [float(s.values(point)[0]) for s in statistics]
        noise[position] = [0.5 * float(np.vdot(M, covariance)) for M in curvatures]
    return means, noise


def _step(problem: LeastSquares, rate: float, batch: tuple[int, ...]) -> Array:
    """What a batch does to (x, 1), x in the right singular basis; shape (r+1, r+1)."""
    svd, rows = problem.svd, list(batch)
    A = svd.left[rows] * svd.singular_values
    step = np.eye(A.shape[1] + 1)
    step[:-1, :-1] -= rate * (A.T @ A / len(rows))
    step[:-1, :-1] -= rate * problem.ridge / problem.num_rows * np.eye(A.shape[1])
    step[:-1, -1] = rate * (A.T @ problem.b[rows]) / len(rows)
    return step


def _sets(problem: LeastSquares, algorithm: SGD, rates: Array, start: Array) -> Iterator[Array]:
    """E (x, 1)(x, 1)ᵀ after 0, 1, … iterations, by the sets of rows that a pass has visited."""
    n, size = problem.num_rows, int(algorithm.largest_batch_size)
    batches = {sum(1 << i for i in rows): rows for rows in combinations(range(n), size)}
    first = np.append(start, 1.0)
    whole = np.outer(first, first)
    yield whole
    given = {0: whole}
    for k, rate in enumerate(rates):
        steps = {mask: _step(problem, rate, rows) for mask, rows in batches.items()}
        found: dict[int, Array] = {}
        number: dict[int, int] = {}
        for seen, second in given.items():
            for mask, step in steps.items():
                if not seen & mask:
                    both = seen | mask
                    found[both] = found.get(both, 0.0) + step @ second @ step.T
                    number[both] = number.get(both, 0) + 1
        given = {seen: total / number[seen] for seen, total in found.items()}
        yield np.mean(list(given.values()), axis=0)
        if (k + 1) * size % n == 0:
            given = {0: given[(1 << n) - 1]}


def _each_order(
    problem: LeastSquares, algorithm: SGD, rates: Array, start: Array
) -> Iterator[Array]:
    """The same, of all orders that are kept for ever, shape (n!, r) side by side."""
    n, size = problem.num_rows, int(algorithm.largest_batch_size)
    orders = np.array(list(permutations(range(n))))
    A = problem.svd.left * problem.svd.singular_values
    x = np.tile(start, (len(orders), 1))
    yield _second(x)
    for k, rate in enumerate(rates):
        place = k * size % n
        rows = orders[:, place : place + size]
        residuals = np.einsum("pbr,pr->pb", A[rows], x) - problem.b[rows]
        gradient = np.einsum("pbr,pb->pr", A[rows], residuals) / size
        x = x - rate * (gradient + problem.ridge / n * x)
        yield _second(x)


def _second(x: Array) -> Array:
    extended = np.column_stack((x, np.ones(len(x))))
    return np.asarray(extended.T @ extended / len(x))
