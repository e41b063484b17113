"""How far SGD's true mean may be from the theory because n is finite: an estimate, not a bound.

Fixed rows: on these rows (or on rows that are typical), noise that was fed back once is fed back
more strongly than the theory says, so the loss is solved again with a heavier kernel; the first
iterations are run step by step with the rows themselves; and the limit of small steps is held
against its finite-step twin, if batches make steps large (docs, theory page, "Diagnose"). Gaussian
rows drawn afresh: the twin is exact, so the difference to it is the discrepancy itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.sgd import SGD
from hsgd.checks import Array
from hsgd.dataset.schema import AVERAGED
from hsgd.interfaces import Statistic
from hsgd.theory.curves import Curve, Solved, curve_of
from hsgd.theory.dynamics import discrete
from hsgd.theory.question import Question
from hsgd.theory.spectra.modes import AT_ONCE, Modes
from hsgd.theory.trust.first_steps import first_steps
from hsgd.theory.trust.judgement import feedback_excess

_RTOL = 1e-4
"""Only a budget comes out of it: three digits are plenty."""


@dataclass(frozen=True, eq=False)
class Rival:
    """An answer that knows something which the theory's does not."""

    solved: Solved
    count: int
    """On how many of the iterations they are known; later ones keep the last discrepancy."""
    same_mean: bool
    """Whether these curves without noise are the theory's."""

    def averaged(self) -> Rival:
        """The same at the average of the iterates."""
        assert self.solved.averaged is not None
        return replace(self, solved=self.solved.averaged)


def discrepancies(
    question: Question, curves: Mapping[str, Curve], iterations: NDArray[np.int64], calls: int = 1
) -> dict[str, Array]:
    """Relative error to expect in each statistic of a question, shape (m,); the largest known.

    Parameters
    ----------
    question
        What was asked.
    curves
        The answer: name → curve of each of the question's statistics.
    iterations
        Ascending, shape (m,), where they are known.
    calls
        How many calls, the members of a sweep, have to do with the cost of one, where that is a
        choice.
    """
    rivals, first = _rivals(question, iterations, calls), {}
    if isinstance(question.algorithm, SGD) and question.rows:
        first = first_steps(question, iterations, calls)
    found = {}
    for statistic in question.statistics:
        name = statistic.name
        asked = question.system, statistic
        found[name] = _gap(*asked, curves[name], rivals, first.get(name))
        if f"{name}{AVERAGED}" in curves:
            averages = [rival.averaged() for rival in rivals]
            found[f"{name}{AVERAGED}"] = _gap(*asked, curves[f"{name}{AVERAGED}"], averages, None)
    return found


def largest(gaps: Mapping[str, Array]) -> float:
    """The largest discrepancy of all statistics and iterations."""
    return float(max(np.max(np.abs(gap)) for gap in gaps.values()))


def _gap(
    system: Modes,
    statistic: Statistic,
    curve: Curve,
    rivals: Iterable[Rival],
    first: Array | None,
) -> Array:
    """What differs most from the curve: `rivals`, or its `first` iterations with the rows."""
    value = curve.value
    found = relative_gap(_with_left_out(curve), value)
    for rival in rivals:
        flow = curve.flow[: rival.count] if rival.same_mean else None
        better = _with_left_out(curve_of(system, statistic, rival.solved, flow))
        own = relative_gap(better, value[: rival.count])
        # Where it is no longer affordable the last difference stands.
        found = np.maximum(found, np.append(own, np.full(len(found) - len(own), own[-1])))
    if first is not None:
        start = slice(0, len(first))
        found[start] = np.maximum(found[start], relative_gap(first, value[start]))
    return found


def _with_left_out(curve: Curve) -> Array:
    with np.errstate(over="ignore", invalid="ignore"):
        return curve.value + curve.left_out


def _rivals(question: Question, iterations: NDArray[np.int64], calls: int) -> list[Rival]:
    """What the curves are to be held against; nothing where the method is exact."""
    rivals: list[Rival] = []
    if not question.is_streamed:
        # Of growing batches the first, smallest ones are fed back most.
        smallest = float(np.min(question.algorithm.batch_sizes(iterations / question.num_rows)))
        factor = float(question.algorithm.noise_factor(question.num_rows, smallest))
        heavier = question.but(excess=feedback_excess(question, factor))
        rivals += _rival(heavier, iterations, calls, same_mean=True)
    # Finite steps: for single draws from given rows what they do is seen by the other estimates.
    twin, batches = question.method.twin, question.algorithm.largest_batch_size > 1
    if twin and (question.system.wick or batches):
        rivals += _rival(question.but(method=twin), iterations, calls)
    return rivals


def _rival(
    question: Question, iterations: NDArray[np.int64], calls: int, *, same_mean: bool = False
) -> tuple[Rival, ...]:
    """Curves that answer another question, as far as they are affordable."""
    question = question.but(rtol=max(question.rtol, _RTOL))
    few = len(question.system.eigenvalues) <= discrete.MANY_MODES
    # Only finite steps may have to be stepped through, where they have no (cheap) closed form.
    if question.method is not discrete.METHOD or (discrete.has_closed_form(question) and few):
        return (Rival(question.solve(iterations), len(iterations), same_mean),)
    work = iterations * float(len(question.system.eigenvalues))
    count = int(np.searchsorted(work, discrete.MOST_WORK / calls, side="right"))
    # And as few as can be held, for all modes of each are.
    count = min(count, max(1, AT_ONCE // len(question.system.eigenvalues)))
    if not count:
        return ()
    return (Rival(discrete.stepped(question, iterations[:count]), count, same_mean),)


def relative_gap(other: Array, value: Array) -> Array:
    """|other/value − 1|; 0 where the value is 0, infinite where the quotient is no number."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        gap = np.where(value > 0, np.abs(other / value - 1.0), 0.0)
    return np.where(np.isfinite(gap), gap, np.inf)
