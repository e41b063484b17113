"""The bootstrap risk: what is lost by passing over n rows again instead of drawing fresh ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.algorithms.timing import first_iterations
from hsgd.checks import Array
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.populations import HeldOut, LinearModel
from hsgd.problems.sampled import SampledLeastSquares
from hsgd.schedules import Constant, Piecewise, Schedule
from hsgd.sweeps.broadcasting import follows_sweeps
from hsgd.theory.asking import ask
from hsgd.theory.prediction import answer

if TYPE_CHECKING:
    import xarray as xr

_KNOWN = (LeastSquares, SampledLeastSquares)


@follows_sweeps
def bootstrap_risk(
    problem: LeastSquares | SampledLeastSquares,
    algorithm: SGD,
    time: ArrayLike,
    *,
    method: str = "auto",
    rtol: float | None = None,
) -> xr.Dataset:
    """Population risk of multi-pass SGD against that of streaming SGD at equal iterations.

    Both run the same learning rates and batch sizes from the same start with the same ridge per
    sample; one draws its batches from the n rows, the other from the population behind them. The
    bootstrap risk is the first population risk minus the second.

    Parameters
    ----------
    problem
        Data with a population (held-out rows stand for Gaussian rows of their moments), or rows of
        one that are not drawn.
    algorithm
        `SGD` with independent batches; schedules are taken at the same iterations in both.
    time, method, rtol
        As in `predict`; time in units of n iterations. What `predict` sweeps is swept here, too.

    Returns
    -------
    xarray.Dataset
        dims `time`. `population_risk` (multi-pass) with all that `predict` gives;
        `streaming_risk`, and `bootstrap_risk`, their difference; each with `_error` (numerical,
        absolute) and `_discrepancy` (relative, to expect at this size).

    Raises
    ------
    TypeError, ValueError
        As `predict`, and for a problem without a population.

    Notes
    -----
    Twice the cost of `predict`, and an eigendecomposition of the covariance.

    References
    ----------
    arXiv:2206.07252, section 1, after arXiv:2010.08127, "The deep bootstrap framework"; docs,
    theory page, "Bootstrap risk".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(1 / 100, np.ones(100), noise=0.3)
    >>> curve = hsgd.bootstrap_risk(rows.sample(200, seed=0), hsgd.SGD(0.5), [0.1, 10.0])
    >>> bool(curve.bootstrap_risk[1] > 0)
    True
    """
    import xarray as xr

    options: dict[str, Any] = {
        "statistics": "population_risk",
        "method": method,
        "rtol": rtol,
        "batch_schedules": True,
    }
    passes = ask(problem, algorithm, time=time, problems=_KNOWN, algorithms=(SGD,), **options)
    grid = passes.grid
    assert grid is not None
    rows = fresh_rows(problem)
    afresh = grid.unique / rows.dimension
    fresh = ask(rows, streamed(algorithm, problem.num_rows, rows.dimension), time=afresh, **options)
    # One method for both: their difference must not be that of two methods.
    real = answer(passes.but(method=fresh.method))
    ideal = answer(fresh).isel(time=grid.positions)
    first, second = (ds.population_risk.values for ds in (real, ideal))
    errors = [ds.population_risk_error.values for ds in (real, ideal)]
    gaps = [ds.population_risk_discrepancy.values for ds in (real, ideal)]
    difference = first - second
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = (gaps[0] * first + gaps[1] * second) / np.abs(difference)
    words = "population risk of streaming SGD at equal iterations"
    added = {
        "streaming_risk": (second, words),
        "streaming_risk_error": (errors[1], f"numerical error of {words}"),
        "streaming_risk_discrepancy": (gaps[1], f"relative error to expect in {words}"),
        "bootstrap_risk": (difference, "population risk above that of streaming SGD"),
        "bootstrap_risk_error": (sum(errors), "numerical error of the bootstrap risk"),
        "bootstrap_risk_discrepancy": (
            np.where(np.isnan(relative), 0.0, relative),
            "relative error to expect in the bootstrap risk",
        ),
    }
    variables = {
        name: xr.Variable(("time",), values, {"units": "1", "long_name": long_name})
        for name, (values, long_name) in added.items()
    }
    title = "bootstrap risk: multi-pass against streaming SGD"
    return real.assign(variables).assign_attrs(title=title)


def fresh_rows(problem: LeastSquares | SampledLeastSquares) -> GaussianRows:
    """The population behind the rows, with their ridge per sample and start."""
    if isinstance(problem, SampledLeastSquares):
        return problem.equivalent.replace(ridge=problem.ridge / problem.n)
    population = problem.population
    options: dict[str, Any] = {"ridge": problem.ridge / problem.num_rows, "x0": problem.x0}
    if isinstance(population, LinearModel):
        return GaussianRows(
            population.second_moment, population.coefficients, population.noise, **options
        )
    if isinstance(population, HeldOut):
        count = len(population.b)
        coefficients = scipy.linalg.lstsq(population.A, population.b)[0]
        residual = population.b - population.A @ coefficients
        moment = population.A.T @ population.A / count
        noise = float(np.linalg.norm(residual)) / count**0.5
        return GaussianRows(moment, coefficients, noise, **options)
    assert population is not None
    return GaussianRows(
        population.second_moment, population.coefficients, population.floor**0.5, **options
    )


def streamed(algorithm: SGD, num_rows: int, dimension: int) -> StreamingSGD:
    """The same learning rates and batch sizes at the same iterations, in units of d."""
    rate: Schedule = algorithm.schedule
    if not isinstance(rate, Constant):
        rate = _Stretched(rate, dimension / num_rows)
    size = algorithm.batch_size
    if isinstance(size, Piecewise):
        changes = first_iterations(size.boundaries, num_rows) / dimension
        size = Piecewise(tuple(changes), size.levels)
    return StreamingSGD(rate, size)


@dataclass(frozen=True)
class _Stretched(Schedule):
    """A schedule in another unit of time: one unit here is `scale` units of the inner one."""

    inner: Schedule
    scale: float

    def value(self, time: Array) -> Array:
        return self.inner.value(np.asarray(time) * self.scale)

    def integral(self, time: Array) -> Array:
        return self.inner.integral(np.asarray(time) * self.scale) / self.scale

    @property
    def breakpoints(self) -> tuple[float, ...]:
        return tuple(b / self.scale for b in self.inner.breakpoints)

    def description(self) -> dict[str, Any]:
        return {"schedule": "stretched", "scale": self.scale, "inner": self.inner.description()}
