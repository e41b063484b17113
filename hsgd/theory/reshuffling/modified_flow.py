"""The modified flow as a method: every quadratic statistic of given rows, where steps are small."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.algorithms.base import Algorithm
from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.problems.least_squares import LeastSquares
from hsgd.theory.curves import Answer, Curve
from hsgd.theory.question import Method, Question, knows_curves_alone
from hsgd.theory.reshuffling.ends import of_flow
from hsgd.theory.reshuffling.flow import followed, slowed, squared_norm, strength
from hsgd.theory.reshuffling.mean_field import odometer_of
from hsgd.theory.reshuffling.pace import Pace, pace_of, refusal
from hsgd.theory.spectra.modes import Modes
from volterra import Status

_OF_STRENGTH = 0.15
"""Relative error where a pass ends, per γ² tr(H²)/n: measured 0.03 to 0.13."""
_INSIDE = 1.2
"""The same inside a pass, per (γτ)²: there the rows that were seen differ from the others."""
_LARGE = 0.1
"""γ² tr(H²)/n above which a percent is missed, and it is said."""


def values(system: Modes, pace: Pace, passes: Array, statistic: Statistic) -> Array:
    """A statistic along the modified flow, shape (T,)."""
    return system.values(statistic, *followed(system, pace, passes))


def _answer(question: Question) -> Answer:
    problem, grid, system = question.problem, question.grid, question.system
    assert grid is not None
    pace = pace_of(question.algorithm, int(problem.num_rows))
    passes = pace.passes(grid.unique)
    check_small(system, pace, passes)
    decays, odometer = followed(system, pace, passes), odometer_of(question)
    curves, gaps = {}, {}
    for statistic in question.statistics:
        value = system.values(statistic, *decays)
        flow = system.along_flow(statistic, odometer)
        rounding = system.rounding * np.abs(value)
        curves[statistic.name] = Curve(flow, value, rounding, np.zeros(len(value)))
        gaps[statistic.name] = _gap(system, pace, passes)
    return Answer(
        curves, gaps, "modified flow", str(Status.CONVERGED.value), _verdict(question, pace, passes)
    )


def _ends(question: Question) -> dict[str, tuple[float, float]]:
    system = question.system
    pace = pace_of(question.algorithm, int(question.problem.num_rows))
    check_small(system, pace, np.zeros(1))
    found = {one.name: of_flow(system, pace, one) for one in question.statistics}
    share = _OF_STRENGTH * float(strength(system, pace.rates(np.zeros(1)))[0])
    return {name: (value, share * value) for name, value in found.items()}


def largest_rates(pace: Pace, passes: Array) -> Array:
    """The largest rate of a row up to each time."""
    return np.maximum.accumulate(pace.rates(passes))


def check_small(system: Modes, pace: Pace, passes: Array) -> None:
    """Refuse steps so large that a row overshoots within a pass."""
    rate = float(largest_rates(pace, passes)[-1])
    if (slowed(system, pace, np.array([rate])) <= 0.0).any():
        raise ValueError(
            f"a step of {rate:.3g} per row, with rows of mean squared norm "
            f"{squared_norm(system):.3g}, overshoots each row: the modified flow needs a learning "
            f"rate below {2 * rate / (rate * squared_norm(system)):.3g}. Lower it, or simulate."
        )


def _gap(system: Modes, pace: Pace, passes: Array) -> Array:
    rates = largest_rates(pace, passes)
    inside = np.abs(passes - np.rint(passes)) > 1.5 / pace.num_rows
    per_row = np.where(inside, rates * squared_norm(system), 0.0)
    return np.asarray(_OF_STRENGTH * strength(system, rates) + _INSIDE * per_row**2)


def overshooting(problem: LeastSquares, rate: float) -> tuple[str, str]:
    """A warning where single rows overshoot; empty where none does."""
    largest = float(problem.squared_row_norms.max())
    if rate * largest < 2.0:
        return "", ""
    return "unequal_rows", (
        f"A step of {rate:.3g} overshoots the largest row, of squared norm {largest:.3g}, and the "
        f"theory knows the mean alone: lower the rate below {2 / largest:.2g} per row, or simulate "
        "it (simulate.sgd)."
    )


def _verdict(question: Question, pace: Pace, passes: Array) -> tuple[str, str]:
    rates, problem = largest_rates(pace, passes), question.problem
    assert isinstance(problem, LeastSquares)
    alone = overshooting(problem, float(rates[-1]))
    found = float(strength(question.system, rates)[-1])
    if alone[0]:
        return alone
    if found > _LARGE:
        return "large_steps", (
            f"Steps are large for the modified flow: γ² tr(H²)/n is {found:.2g}, and its error "
            f"some tenth of that; below {_LARGE:g} it is a percent. Lower the learning rate, or "
            "simulate it (simulate.sgd)."
        )
    return "", "The modified flow of reshuffled rows applies: steps are small."


def _refusal(problem: Any, algorithm: Algorithm) -> str:
    of_algorithm = refusal("modified_flow", algorithm)
    if of_algorithm or (isinstance(problem, LeastSquares) and problem.is_factorable):
        return of_algorithm
    return (
        "method='modified_flow' is for given rows that can be factored: pass hsgd.LeastSquares, "
        "or leave method out."
    )


METHOD = Method(
    "modified_flow",
    title="modified gradient flow of reshuffled SGD",
    noiseless="gradient flow",
    refusal=_refusal,
    stability=knows_curves_alone,
    solve=knows_curves_alone,
    answer=_answer,
    ends=_ends,
)
