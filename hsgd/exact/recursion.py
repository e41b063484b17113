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
    """q(E x_k) and ½⟨M, V_k⟩ of each statistic at the ascending `iterations`, shapes (T, s).

    Where an average is kept, behind them those at the average, shapes (T, 2s).
    """
    recursion = _Recursion.start(problem, algorithm, statistics)
    kinds = 1 + (algorithm.averaging is not None)
    means = np.empty((len(iterations), kinds * len(statistics)))
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


@dataclass
class _Average:
    """Mean and covariances of the average x̄ that is kept beside x."""

    mean: Array
    outside: Array
    covariance: Array
    cross: Array
    """Cov(x_i, x̄_j)."""

    def add(self, share: float, factor: Array, recursion: _Recursion) -> None:
        """Take the new iterate; `factor` is what its step multiplied every coordinate by."""
        # E[x' | x] is affine: Cov(x', x̄) = factor∘Cov(x, x̄).
        moved, rest = factor[:, None] * self.cross, 1.0 - share
        both = moved + moved.T
        self.covariance = rest**2 * self.covariance + share * rest * both
        self.covariance += share**2 * recursion.covariance
        self.cross = rest * moved + share * recursion.covariance
        self.mean = rest * self.mean + share * recursion.mean
        self.outside = rest * self.outside + share * recursion.outside


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
    average: _Average | None
    iteration: int = 0

    @classmethod
    def start(
        cls, problem: LeastSquares, algorithm: SGD, statistics: tuple[Statistic, ...]
    ) -> _Recursion:
        svd = problem.svd
        inside = svd.right.T @ problem.x0
        outside, rank = problem.x0 - svd.right @ inside, len(svd.singular_values)
        none, averaging = np.zeros((rank, rank)), algorithm.averaging
        return cls(
            problem,
            algorithm,
            statistics,
            curvatures=[svd.right.T @ s.matrix() @ svd.right for s in statistics],
            rows=svd.left * svd.singular_values,
            mean=inside,
            outside=outside,
            covariance=none,
            average=None if averaging is None else _Average(inside, outside, none, none),
        )

    def advance(self, iteration: int) -> None:
        """Step to `iteration`."""
        n = self.problem.num_rows
        averaging = self.algorithm.averaging
        numbers = np.arange(self.iteration, iteration)
        shares = None if averaging is None else averaging.shares(numbers, n).tolist()
        pairs = coefficients(self.algorithm, n, self.iteration, iteration)
        for k, (rate, phi) in enumerate(pairs):
            factor = self._step(rate, phi)
            if self.average is not None and shares is not None:
                self.average.add(shares[k], factor, self)
        self.iteration = iteration

    def _step(self, rate: float, phi: float) -> Array:
        """One iteration; gives what it multiplied every coordinate's mean error by."""
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
        return np.asarray(factor)

    def expectations(self) -> tuple[Array, Array]:
        """q(m) and ½⟨M, V⟩ of each statistic now, and then at the average, if one is kept."""
        kinds = [(self.mean, self.outside, self.covariance)]
        if (average := self.average) is not None:
            kinds.append((average.mean, average.outside, average.covariance))
        means, noise = [], []
        for mean, outside, covariance in kinds:
            point = (self.problem.svd.right @ mean + outside)[None, :]
            means += [float(statistic.values(point)[0]) for statistic in self.statistics]
            noise += [0.5 * float(np.vdot(M, covariance)) for M in self.curvatures]
        return np.array(means), np.array(noise)
