"""The mean field as a method: curves of both risks for rows that are typical of a population."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.algorithms.base import Algorithm
from hsgd.checks import Array
from hsgd.problems.sampled import SampledLeastSquares
from hsgd.theory.curves import Answer, Curve
from hsgd.theory.question import Method, Question, knows_curves_alone
from hsgd.theory.reshuffling.ends import of_typical
from hsgd.theory.reshuffling.pace import pace_of, refusal
from hsgd.theory.reshuffling.refinement import Found, Passes, TooLong, refined
from volterra import Status

KNOWN = {"population_risk": 0, "empirical_risk": 1}
"""What it knows, and where `Found` has it."""
_FEW_DIRECTIONS = 0.25
"""Share of the trace in one eigenvalue, above which a mean field is none."""


def _answer(question: Question) -> Answer:
    """Both risks at the question's times."""
    problem, algorithm, grid = question.problem, question.algorithm, question.grid
    assert isinstance(problem, SampledLeastSquares)
    assert grid is not None
    check_measured(question)
    pace = pace_of(algorithm, problem.num_rows)
    passes = Passes(problem.equivalent, problem.ridge, pace, pace.passes(grid.unique))
    found = risks(passes, question.wanted)
    curves, gaps = {}, {}
    odometer = odometer_of(question)
    for statistic in question.statistics:
        which = KNOWN.get(statistic.name)
        if which is not None:
            flow = question.system.along_flow(statistic, odometer)
            nothing = np.zeros(len(odometer))
            curves[statistic.name] = Curve(flow, *_finite(found, which), nothing)
            gaps[statistic.name] = pace.unfinished + _gap(problem, curves[statistic.name].value)
    return Answer(
        curves, gaps, "two-time cells", status_of(curves, question.wanted), _verdict(question)
    )


def _ends(question: Question) -> dict[str, tuple[float, float]]:
    problem = question.problem
    assert isinstance(problem, SampledLeastSquares)
    check_measured(question)
    found = of_typical(problem, pace_of(question.algorithm, problem.num_rows), question.wanted)
    return {
        statistic.name: (float(found.value[which]), float(found.error[which]))
        for statistic in question.statistics
        if (which := KNOWN.get(statistic.name)) is not None
    }


def risks(passes: Passes, rtol: float) -> Found:
    """Both risks, or a refusal in a sentence where there are too many passes."""
    try:
        return refined(passes, rtol)
    except TooLong:
        raise ValueError(
            f"{passes.times[-1]:.0f} passes are too many for the mean field, whose work grows with "
            "their cube: shorten time, or simulate it."
        ) from None


def odometer_of(question: Question) -> Array:
    """∫γ at the question's times, of plain gradient flow."""
    assert question.grid is not None
    time = question.grid.unique / question.problem.iterations_per_unit
    return np.asarray(question.algorithm.schedule.integral(time)) / (1.0 - question.momentum)


def check_measured(question: Question) -> None:
    """Refuse what is no risk."""
    for statistic in question.measured or ():
        if statistic.name not in KNOWN:
            raise ValueError(
                f"the mean field knows the population risk and the empirical risk, and no "
                f"{statistic.name!r}: leave statistics out, or simulate it."
            )


def _finite(found: Found, which: int) -> tuple[Array, Array]:
    """Value and error; infinite where the equations have overflowed."""
    value, error = found.value[which], found.error[which]
    known = np.isfinite(value)
    return np.where(known, value, np.inf), np.where(known, error, np.inf)


def status_of(curves: dict[str, Curve], rtol: float) -> str:
    """How far the tolerance is met."""
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
    of_algorithm = refusal("mean_field", algorithm)
    if of_algorithm or isinstance(problem, SampledLeastSquares):
        return of_algorithm
    return (
        "method='mean_field' is for rows that are typical of a population: pass "
        "hsgd.SampledLeastSquares(rows, n), or leave method out."
    )


METHOD = Method(
    "mean_field",
    title="mean field of reshuffled SGD",
    noiseless="gradient flow",
    refusal=_refusal,
    stability=knows_curves_alone,
    solve=knows_curves_alone,
    answer=_answer,
    ends=_ends,
    accuracy=1e-3,
)
