"""The exact mean: the true expected risk of SGD on the given rows, with no limit taken.

The mean and the covariance of x_k obey a closed linear recursion for independent batches. It knows
nothing of homogenized SGD, which makes it the theory's sharpest witness. This file holds the plain
recursion, for small sizes; the docs' theory page, section "exact mean", derives it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from hsgd import dataset, provenance
from hsgd.algorithms import SGD
from hsgd.checks import Array, number
from hsgd.problems import LeastSquares
from hsgd.statistics import Statistic, resolve

if TYPE_CHECKING:
    import xarray as xr

# About ten minutes on two cores; beyond it the plain recursion is refused with the figure.
_LARGEST_WORK = 2e13


def exact_mean(
    problem: LeastSquares,
    algorithm: SGD,
    time: Any,
    *,
    statistics: str | Statistic | Iterable[str | Statistic] | None = None,
    rtol: float = 1e-6,
) -> xr.Dataset:
    """Exact expectation of each statistic along multi-pass SGD on the given data.

    With m = E x and V = Cov x in the eigenbasis of H = AᵀA, D_ij the elementwise factor of one
    step, ρ_i = E(a_i·x−b_i)² and φ the batch's noise factor,
    V ← D∘V + (φγ²/n)[Aᵀ diag(ρ) A − g gᵀ/n], g = Aᵀ(Am−b), and E q(x) = q(m) + ½⟨M, V⟩.

    Parameters
    ----------
    problem
        The data, ridge and start.
    algorithm
        `SGD` with independent batches: sampling `"with_replacement"` or `"subset"`; any schedule.
    time
        Increasing times, shape (T,); the result is at iteration rint(time·n).
    statistics
        As in `predict`.
    rtol
        Kept for the fast method to come; the plain recursion is exact to rounding.

    Returns
    -------
    xarray.Dataset
        dims `time`; `source` is `"exact_mean"`.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, sampling without replacement across iterations, or a problem so large
        that the plain recursion would take more than about ten minutes.

    Notes
    -----
    Cost: 4nr² operations per iteration, r the rank of A; memory a few r by r matrices.
    """
    dataset.check_setting(problem, algorithm)
    grid = dataset.time_grid(time, problem.num_rows)
    chosen = resolve(problem, statistics)
    number("rtol", rtol, strict=True)
    if algorithm.sampling not in ("with_replacement", "subset"):
        raise ValueError(
            f"exact_mean needs independent batches, but sampling is {algorithm.sampling!r}: "
            "simulate it, or use sampling='with_replacement' or 'subset'."
        )
    _refuse_large(problem, int(grid.unique[-1]))
    recursion = _Recursion.start(problem, algorithm, chosen)
    curves = np.empty((len(grid.unique), len(chosen)))
    with threadpool_limits(_blas_threads(problem), user_api="blas"):
        for position, iteration in enumerate(grid.unique):
            recursion.advance(int(iteration))
            curves[position] = recursion.expectations()
    attrs = provenance.attributes(
        problem, algorithm, source="exact_mean", title="exact mean of SGD on the given data"
    )
    attrs["method"] = "recursion"
    attrs["num_steps"] = int(grid.unique[-1])
    variables = {
        statistic.name: (("time",), curves[:, column], statistic.long_name)
        for column, statistic in enumerate(chosen)
    }
    return dataset.assemble(grid, problem, algorithm, variables, attrs)


def _blas_threads(problem: LeastSquares) -> int | None:
    """One thread for small steps, which would spend their time waiting for a second one."""
    return 1 if 4 * problem.A.size * len(problem.svd.singular_values) < 10**8 else None


def _refuse_large(problem: LeastSquares, iterations: int) -> None:
    rank = len(problem.svd.singular_values)
    work = 4.0 * problem.num_rows * rank**2 * iterations
    if work > _LARGEST_WORK:
        raise ValueError(
            f"exact_mean would need about {work / 3e10 / 3600:.1f} hours here ({iterations} "
            f"iterations of the plain recursion at n={problem.num_rows}, rank {rank}): shorten "
            "time, or take fewer rows or columns."
        )


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
        steps = np.arange(self.iteration, iteration)
        rates = self.algorithm.schedule(steps / self.problem.num_rows)
        for rate in rates:
            self._step(float(rate))
        self.iteration = iteration

    def _step(self, rate: float) -> None:
        # notation: A = rows, lam = eigenvalues of H, V = covariance, g = mean gradient,
        # phi = noise factor, rho_i = E r_i^2
        n = self.problem.num_rows
        A, V = self.rows, self.covariance
        lam = self.problem.svd.singular_values**2
        phi = self.algorithm.noise_factor(n)
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

    def expectations(self) -> Array:
        """E q(x) of each statistic now."""
        point = (self.problem.svd.right @ self.mean + self.outside)[None, :]
        return np.array(
            [
                float(statistic.values(point)[0]) + 0.5 * float(np.vdot(M, self.covariance))
                for statistic, M in zip(self.statistics, self.curvatures, strict=True)
            ]
        )
