"""From nouns to a plan: what a problem and an algorithm mean for an engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd import checks, dataset
from hsgd.adaptive import AdaGradNorm, LineSearch, Polyak
from hsgd.algorithms import SGD, Algorithm, HeavyBall, Nesterov, StreamingSGD
from hsgd.gaussian_rows import GaussianRows
from hsgd.general_momentum import GeneralMomentum
from hsgd.problems import LeastSquares
from simulate.engines.base import DataRows, FreshRows, Plan
from simulate.recording import block_size
from simulate.rules import rule_of
from simulate.sampling import CODES, MAX_ROWS
from simulate.schedules import BatchSizes, LearningRates

DTYPES = ("float64", "float32")
ALGORITHMS: tuple[type[Algorithm], ...] = (
    SGD,
    StreamingSGD,
    HeavyBall,
    Nesterov,
    GeneralMomentum,
    AdaGradNorm,
    LineSearch,
    Polyak,
)


def check(problem: Any, algorithm: Any) -> None:
    """Refuse what cannot be run, before any work; see `hsgd.dataset.check_setting`."""
    dataset.check_setting(
        problem,
        algorithm,
        problems=(LeastSquares, GaussianRows),
        algorithms=ALGORITHMS,
        batch_schedules=True,
        sparse=True,
    )


def make_plan(
    problem: LeastSquares | GaussianRows,
    algorithm: Algorithm,
    grid: dataset.Grid,
    keys: tuple[tuple[int, int], ...],
    dtype: str,
) -> Plan:
    """The plan of a run.

    Raises
    ------
    ValueError
        If there are more rows than can be numbered.
    """
    num_iterations, largest = int(grid.unique[-1]), algorithm.largest_batch_size
    if num_iterations * largest > 2**62:
        raise ValueError(
            f"time ends after {num_iterations} iterations of {largest} rows, "
            "which is more than 2^62 rows: shorten it."
        )
    per_unit = problem.iterations_per_unit
    momentum = getattr(algorithm, "momentum", 0.0)
    fresh = isinstance(problem, GaussianRows)
    return Plan(
        rows=_rows(problem, algorithm),
        x0=problem.x0,
        ridge_per_row=problem.ridge if fresh else problem.ridge / per_unit,
        rates=LearningRates(algorithm.schedule, per_unit, num_iterations),
        batches=BatchSizes(algorithm, per_unit),
        momentum=momentum,
        look=momentum if isinstance(algorithm, Nesterov) else 0.0,
        iterations=grid.unique,
        keys=keys,
        block_size=block_size(problem.dimension),
        dtype=np.dtype(checks.one_of("dtype", dtype, DTYPES)),
        rule=rule_of(problem, algorithm, num_iterations),
    )


def _rows(problem: LeastSquares | GaussianRows, algorithm: Any) -> DataRows | FreshRows:
    if isinstance(problem, LeastSquares):
        n = problem.num_rows
        if n >= MAX_ROWS:
            raise ValueError(f"the problem has {n} rows, but at most 2^32 - 1 can be drawn from.")
        return DataRows(problem.A, problem.b, CODES[algorithm.sampling])
    values, vectors = problem.spectrum
    beta = problem.coefficients
    return FreshRows(
        root=np.sqrt(values),
        basis=vectors,
        coefficients=beta if vectors is None else beta @ vectors,
        noise=problem.noise,
    )
