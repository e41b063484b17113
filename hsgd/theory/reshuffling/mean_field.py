"""The mean field as a method: curves of both risks for rows that are typical of a population."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.sgd import SGD
from hsgd.checks import Array
from hsgd.problems.sampled import SampledLeastSquares
from hsgd.theory.curves import Answer, Curve
from hsgd.theory.question import Method, Question, knows_curves_alone
from hsgd.theory.reshuffling.refinement import Found, Passes, TooLong, refined
from volterra import Status

ACCURACY = 1e-3
"""Relative, where none is asked for."""
_FEW_DIRECTIONS = 0.25
"""Share of the trace in one eigenvalue, above which a mean field is none."""


def _answer(question: Question) -> Answer:
    """Both risks at the question's times."""
    problem, algorithm, grid = question.problem, question.algorithm, question.grid
    assert isinstance(problem, SampledLeastSquares)
    assert isinstance(algorithm, SGD)
    assert grid is not None
    for statistic in question.measured or ():
        if statistic.name not in ("population_risk", "empirical_risk"):
            raise ValueError(
                f"the mean field knows the population risk and the empirical risk, and no "
                f"{statistic.name!r}: leave statistics out, or simulate it."
            )
    size, time = int(algorithm.largest_batch_size), grid.unique / problem.iterations_per_unit
    passes = Passes(
        problem.equivalent,
        problem.num_rows,
        problem.ridge,
        algorithm.sampling == "single_shuffle",
        algorithm.schedule,
        size,
        time * size,
    )
    rtol = min(question.chance, ACCURACY)
    try:
        found = refined(passes, rtol)
    except TooLong:
        raise ValueError(
            f"{passes.times[-1]:.0f} passes are too many for the mean field, whose work grows with "
            "their cube: shorten time, or simulate it."
        ) from None
    curves, gaps = {}, {}
    odometer = np.asarray(algorithm.schedule.integral(time))
    for statistic in question.statistics:
        which = {"population_risk": 0, "empirical_risk": 1}.get(statistic.name)
        if which is not None:
            flow = question.system.along_flow(statistic, odometer)
            nothing = np.zeros(len(time))
            curves[statistic.name] = Curve(flow, *_finite(found, which), nothing)
            gaps[statistic.name] = _gap(problem, curves[statistic.name].value)
    return Answer(curves, gaps, "two-time cells", _status(curves, rtol), _verdict(question))


def _finite(found: Found, which: int) -> tuple[Array, Array]:
    """Value and error; infinite where the equations have overflowed."""
    value, error = found.value[which], found.error[which]
    known = np.isfinite(value)
    return np.where(known, value, np.inf), np.where(known, error, np.inf)


def _status(curves: dict[str, Curve], rtol: float) -> str:
    if not all(np.isfinite(curve.value).all() for curve in curves.values()):
        return str(Status.OVERFLOW.value)
    met = all((curve.error <= rtol * np.abs(curve.value)).all() for curve in curves.values())
    return str((Status.CONVERGED if met else Status.TOLERANCE_NOT_REACHED).value)


def _gap(problem: SampledLeastSquares, value: Array) -> Array:
    """What is to be expected of finite n and d: rates of decay are off by so much, relative.

    Of a run's own size: the relative variance of a row's squared norm, and one row in n.
    """
    spectrum = problem.equivalent.eigenvalues
    rate = 2.0 * float(spectrum @ spectrum) / float(spectrum.sum()) ** 2 + 2.0 / problem.num_rows
    with np.errstate(divide="ignore", invalid="ignore"):
        found = rate * (1.0 + np.abs(np.log(value / value[0])))
    return np.where(np.isfinite(found), found, rate if np.isfinite(value).all() else np.inf)


def _verdict(question: Question) -> tuple[str, str]:
    """Whether there are enough directions."""
    problem = question.problem
    assert isinstance(problem, SampledLeastSquares)
    spectrum = problem.equivalent.eigenvalues
    share = float(spectrum.max() / spectrum.sum())
    if share > _FEW_DIRECTIONS:
        return "dominant_eigenvalue", (
            f"One direction carries {share:.0%} of the trace, and the mean field of reshuffled "
            "rows is for many that matter: hold it against a simulation (validation.compare)."
        )
    return "", "The mean field of reshuffled rows applies: many directions matter."


def _refusal(problem: Any, algorithm: Algorithm) -> str:
    if not isinstance(algorithm, SGD):
        return (
            f"method='mean_field' is for SGD, not for {type(algorithm).__name__}: pass hsgd.SGD, "
            "or simulate it."
        )
    if algorithm.has_independent_batches:
        return (
            "method='mean_field' is for rows that are reshuffled: pass sampling='reshuffle' or "
            "'single_shuffle', or leave method out."
        )
    if not isinstance(problem, SampledLeastSquares):
        return (
            "method='mean_field' is for rows that are typical of a population: pass "
            "hsgd.SampledLeastSquares(rows, n), or simulate it (simulate.sgd)."
        )
    if algorithm.averaging is not None or algorithm.has_batch_schedule:
        return (
            "method='mean_field' knows one batch size and no averages: pass one integer and "
            "averaging=None, or simulate it."
        )
    return ""


METHOD = Method(
    "mean_field",
    title="mean field of reshuffled SGD",
    noiseless="gradient flow",
    refusal=_refusal,
    stability=knows_curves_alone,
    solve=knows_curves_alone,
    answer=_answer,
)
