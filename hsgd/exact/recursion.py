"""The exact mean by plain recursion: mean and covariance of x_k, one iteration after the other.

Right by construction, for any schedule, and the definition that the fast method is tested against.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.sgd import SGD
from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.machine.blas import single_threaded_blas
from hsgd.problems.least_squares import LeastSquares


def cancellation(scale: Array, start: Array) -> Array:
    """Rounding of a squared residual that has fallen from `start` far down to `scale`."""
    # A residual r carries an error e of 1e-15 times what it started as; r² one of 2re + e².
    largest = np.maximum(np.abs(start), scale)
    return np.asarray(1e-14 * np.sqrt(scale) * np.sqrt(largest) + 1e-29 * largest)


def seconds(problem: LeastSquares, iterations: int) -> float:
    """About how long it takes on two cores."""
    rank = len(problem.svd.singular_values)
    return iterations * (5e-5 + 4.0 * problem.num_rows * rank**2 / 1.5e10)


def solve(
    problem: LeastSquares,
    algorithm: SGD,
    statistics: tuple[Statistic, ...],
    iterations: NDArray[np.int64],
    report: Callable[[int], None],
) -> tuple[Array, Array]:
    """q(E x_k) and ½⟨M, V_k⟩ of each statistic at the ascending `iterations`, shapes (T, s)."""
    recursion = _Recursion.start(problem, algorithm, statistics)
    means = np.empty((len(iterations), len(statistics)))
    noise = np.empty_like(means)
    with _blas_threads(problem), np.errstate(over="ignore", invalid="ignore"):
        for position, iteration in enumerate(iterations):
            report(int(iteration) - recursion.iteration)
            recursion.advance(int(iteration))
            means[position], noise[position] = recursion.expectations()
    return means, noise


def coefficients(
    algorithm: SGD, num_rows: int, first: int, last: int
) -> Iterator[tuple[float, float]]:
    """Learning rate and noise factor of the iterations first, …, last − 1."""
    times = np.arange(first, last) / num_rows
    factors = algorithm.noise_factor(num_rows, algorithm.batch_sizes(times))
    for rate, factor in zip(algorithm.schedule(times), factors, strict=True):
        yield float(rate), float(factor)


def _blas_threads(problem: LeastSquares) -> AbstractContextManager[None]:
    """One thread for small steps, which would spend their time waiting for a second one."""
    small = 4 * problem.A.size * len(problem.svd.singular_values) < 10**8
    return single_threaded_blas() if small else nullcontext()


@dataclass
class _Recursion:
    """State of the recursion in the eigenbasis of H; advanced in place."""

    problem: LeastSquares
    algorithm: SGD
    statistics: tuple[Statistic, ...]
    curvatures: list[Array]
    rows: Array
    mean: Array
    outside: Array
    covariance: Array
    iteration: int = 0

    @classmethod
    def start(
        cls, problem: LeastSquares, algorithm: SGD, statistics: tuple[Statistic, ...]
    ) -> _Recursion:
        svd = problem.svd
        inside = svd.right.T @ problem.x0
        rank = len(svd.singular_values)
        return cls(
            problem,
            algorithm,
            statistics,
            curvatures=[svd.right.T @ s.matrix() @ svd.right for s in statistics],
            rows=svd.left * svd.singular_values,
            mean=inside,
            outside=problem.x0 - svd.right @ inside,
            covariance=np.zeros((rank, rank)),
        )

    def advance(self, iteration: int) -> None:
        """Step to `iteration`."""
        n = self.problem.num_rows
        for rate, factor in coefficients(self.algorithm, n, self.iteration, iteration):
            self._step(rate, factor)
        self.iteration = iteration

    def _step(self, rate: float, phi: float) -> None:
        # notation: A = rows, lam = eigenvalues of H, V = covariance, g = mean gradient,
        # phi = noise factor, rho_i = E r_i^2
        n = self.problem.num_rows
        A, V = self.rows, self.covariance
        lam = self.problem.svd.singular_values**2
        residual = A @ self.mean - self.problem.b
        rho = residual**2 + np.einsum("ij,ij->i", A @ V, A)
        g = A.T @ residual
        factor = 1.0 - rate * (lam + self.problem.ridge) / n
        noise = phi * rate**2 / n
        V = (np.outer(factor, factor) - noise / n * np.outer(lam, lam)) * V
        V += noise * ((A.T * rho) @ A - np.outer(g, g) / n)
        # Rounding breaks the symmetry a little, and the antisymmetric part can grow.
        self.covariance = 0.5 * (V + V.T)
        self.mean = self.mean - rate / n * (g + self.problem.ridge * self.mean)
        self.outside = self.outside * (1.0 - rate * self.problem.ridge / n)

    def expectations(self) -> tuple[Array, Array]:
        """q(m) and ½⟨M, V⟩ of each statistic now."""
        point = (self.problem.svd.right @ self.mean + self.outside)[None, :]
        return (
            np.array([float(statistic.values(point)[0]) for statistic in self.statistics]),
            np.array([0.5 * float(np.vdot(M, self.covariance)) for M in self.curvatures]),
        )
