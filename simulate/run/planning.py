"""From nouns to a plan: what a problem and an algorithm mean for an engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd import checks, dataset
from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.momentum import HeavyBall, Nesterov, looks_ahead, momentum_of
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.problems.feature_rows import FeatureRows
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.setting import check_setting
from simulate.engines.base import Plan
from simulate.formulas.schedules import BatchSizes, LearningRates
from simulate.recording import block_size
from simulate.rows import kinds
from simulate.rules import registry

DTYPES = ("float64", "float32")
OF_THE_UPDATE: tuple[type[Algorithm], ...] = (SGD, StreamingSGD, HeavyBall, Nesterov)
"""Algorithms that have no rule: their steps are those of `formulas.update`."""


def check(problem: Any, algorithm: Any, engine: str) -> None:
    """Refuse what cannot be run, before any work; see `hsgd.setting.check_setting`.

    Raises
    ------
    TypeError, ValueError
        As that, and for what the rule or the engine cannot do with the problem.
    """
    check_setting(
        problem,
        algorithm,
        problems=tuple(kind.problem for kind in kinds.KINDS),
        algorithms=(*OF_THE_UPDATE, *registry.algorithms()),
        batch_schedules=True,
        sparse=True,
        averages=True,
    )
    if rule := registry.kind_of(problem, algorithm):
        rule.check(problem, algorithm)
    kinds.kind_of(problem).check(problem, engine)


def make_plan(
    problem: LeastSquares | GaussianRows | FeatureRows,
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
    rule = registry.rule_of(problem, algorithm, num_iterations)
    in_any_basis = rule is None or rule.in_any_basis
    momentum = momentum_of(algorithm) if rule is None else 0.0
    fresh = not isinstance(problem, LeastSquares)
    return Plan(
        rows=kinds.kind_of(problem).of(problem, algorithm, in_any_basis=in_any_basis),
        x0=problem.x0,
        ridge_per_row=problem.ridge if fresh else problem.ridge / per_unit,
        rates=LearningRates(algorithm.schedule, per_unit, num_iterations),
        batches=BatchSizes(algorithm, per_unit),
        momentum=momentum,
        look=momentum if looks_ahead(algorithm) else 0.0,
        iterations=grid.unique,
        keys=keys,
        block_size=block_size(problem.dimension),
        dtype=np.dtype(checks.one_of("dtype", dtype, DTYPES)),
        rule=rule,
    )
