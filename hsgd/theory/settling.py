"""The curves of a question, with less left to chance until that is little enough.

Where traces are estimated by probes, the curves have a standard error of their own: the
jackknife's, from the curves without each of some groups of probes in turn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hsgd.checks import Array
from hsgd.theory.curves import Curve, Solved, curves_of
from hsgd.theory.question import Question
from hsgd.theory.spectra.jackknife import jackknife
from volterra import Status

_RTOL = 1e-6
"""Of curves of which only the differences matter."""


class Settled(NamedTuple):
    """An answer."""

    question: Question
    """With the modes that it was settled on."""
    solved: Solved
    curves: dict[str, Curve]
    status: str
    """How it was solved, and whether chance has left too much."""


def settled(question: Question) -> Settled:
    """The curves at the question's times, to its tolerances if they can be met."""
    assert question.grid is not None
    while True:
        solved = question.solve(question.grid.unique)
        found = curves_of(question.system, question.statistics, solved)
        curves = {name: Curve(*map(_infinite, curve)) for name, curve in found.items()}
        if not question.system.replicas:
            return Settled(question, solved, curves, solved.status)
        curves, share = _with_chance(question, curves)
        if share <= question.chance:
            return Settled(question, solved, curves, solved.status)
        finer = question.system.refined
        if finer is None:
            diverged = solved.status != Status.CONVERGED.value
            status = solved.status if diverged else str(Status.TOLERANCE_NOT_REACHED.value)
            return Settled(question, solved, curves, status)
        question = question.but(spectrum=finer)


def _with_chance(question: Question, curves: dict[str, Curve]) -> tuple[dict[str, Curve], float]:
    """Curves whose errors count what probes leave to chance, and the largest share of a curve."""
    assert question.grid is not None
    others: dict[str, list[Array]] = {name: [] for name in curves}
    for system in question.system.replicas:
        other = question.but(spectrum=system, rtol=max(question.rtol, _RTOL))
        solved = other.solve(question.grid.unique)
        for name, curve in curves_of(system, question.statistics, solved).items():
            # What chance there is in the flow is counted elsewhere.
            others[name].append(curve.value - curve.flow + curves[name].flow)
    counted, share = {}, 0.0
    for name, values in others.items():
        curve, count = curves[name], len(values)
        with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
            error = _sure(count) * np.where(np.isfinite(curve.value), jackknife(values), 0.0)
            relative = error / curve.value
            share = max(share, float(np.max(relative[np.isfinite(relative)], initial=0.0)))
        counted[name] = curve._replace(error=curve.error + error)
    return counted, share


def left_to_chance(question: Question, numbers: Callable[[Question], Array]) -> Array | None:
    """How far numbers that follow from a question may be off by chance; None where none is left."""
    systems = question.system.replicas
    if not systems:
        return None
    others = [numbers(question.but(spectrum=system)) for system in systems]
    with np.errstate(invalid="ignore"):  # limits beyond critical are infinite
        return _infinite(_sure(len(others)) * jackknife(others))


def _sure(groups: int) -> float:
    """Standard errors that count as the error: Student's 97.5%, to one percent."""
    return 1.96 + 2.85 / max(1, groups - 1)


def _infinite(values: Array) -> Array:
    """What has overflowed, also where overflows were subtracted."""
    return np.where(np.isnan(values), np.inf, values)
