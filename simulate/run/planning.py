"""From nouns to a plan: what a problem and an algorithm mean for an engine."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd import checks, dataset
from hsgd.activations import BY_NAME
from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.momentum import HeavyBall, Nesterov
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.problems.feature_rows import FeatureRows
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.setting import check_setting
from simulate.engines.base import DataRows, FreshFeatures, FreshRows, Plan
from simulate.formulas.schedules import BatchSizes, LearningRates
from simulate.randomness.sampling import CODES, MAX_ROWS
from simulate.recording import block_size
from simulate.rules import registry

DTYPES = ("float64", "float32")
OF_THE_UPDATE: tuple[type[Algorithm], ...] = (SGD, StreamingSGD, HeavyBall, Nesterov)
"""Algorithms that have no rule: their steps are those of `formulas.update`."""


def check(problem: Any, algorithm: Any, engine: str) -> None:
    """Refuse what cannot be run, before any work; see `hsgd.setting.check_setting`.

    Raises
    ------
    TypeError, ValueError
        As that, and for what the engine or the rule cannot do with the problem.
    """
    check_setting(
        problem,
        algorithm,
        problems=(LeastSquares, GaussianRows, FeatureRows),
        algorithms=(*OF_THE_UPDATE, *registry.algorithms()),
        batch_schedules=True,
        sparse=True,
    )
    if rule := registry.kind_of(algorithm):
        rule.check(problem, algorithm)
    if isinstance(problem, FeatureRows):
        _check_features(problem, engine)


def _check_features(rows: FeatureRows, engine: str) -> None:
    if engine != "reference" and BY_NAME.get(rows.nonlinearity.name) is not rows.nonlinearity:
        raise ValueError(
            f"engine {engine!r} compiles the activations {', '.join(map(repr, BY_NAME))} only, and "
            f"{rows.nonlinearity.name!r} is a Python function: use engine='reference', or pass one "
            "of these names."
        )


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
    momentum = getattr(algorithm, "momentum", 0.0)
    fresh = not isinstance(problem, LeastSquares)
    return Plan(
        rows=_rows(problem, algorithm, in_any_basis=rule is None or rule.in_any_basis),
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
        rule=rule,
    )


def _rows(
    problem: LeastSquares | GaussianRows | FeatureRows, algorithm: Any, *, in_any_basis: bool
) -> DataRows | FreshRows | FreshFeatures:
    if isinstance(problem, LeastSquares):
        n = problem.num_rows
        if n >= MAX_ROWS:
            raise ValueError(f"the problem has {n} rows, but at most 2^32 - 1 can be drawn from.")
        return DataRows(problem.A, problem.b, CODES[algorithm.sampling])
    if isinstance(problem, FeatureRows):
        return FreshFeatures(
            problem.mixing,
            problem.direction,
            problem.inputs.noise,
            problem.nonlinearity,
            problem.shift,
        )
    values, vectors = problem.spectrum
    root, beta = np.sqrt(values), problem.coefficients
    coefficients = beta if vectors is None else beta @ vectors
    if vectors is not None and not in_any_basis:
        # The rows are linear features of the normals that they would be made of in the basis.
        mixing = np.sqrt(len(root)) * vectors * root
        direction = root * coefficients
        return FreshFeatures(mixing, direction, problem.noise, BY_NAME["identity"], shift=0.0)
    return FreshRows(root=root, basis=vectors, coefficients=coefficients, noise=problem.noise)
