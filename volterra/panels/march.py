"""Finding a mesh: one panel against its two halves, step by step, and when to go on uniformly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from volterra.arrays import EPS, Array
from volterra.kernels.functions import Convolution
from volterra.panels.defect import defect
from volterra.panels.equation import GeneralEquation, PanelSolution
from volterra.panels.history import History
from volterra.panels.mesh import Layout, PanelMesh, Record, attempt_panel, nodes_of
from volterra.panels.panel import DENSE_ORDER, lagrange, points
from volterra.panels.tail import tail_bytes
from volterra.stepping import end_of_step, growth, shrinkage

_SHARE = 0.03  # of the tolerance, that one panel may use up
_NOISE = 64.0 * EPS
_MOST_NOISE = 100.0  # times that; a panel that amplifies more should rather be shorter
_FIRST = 1e-8  # of the first requested time; what happens sooner could be overlooked
_SMALLEST = 1e-13  # relative to t; accepted whatever it says, for rounding is in command
_MOST = 400  # panels (each of two halves) found one by one; later ones double without being judged
_LOOK_BACK = 24  # panels whose lengths tell whether to go on uniformly
_SLOW_GROWTH = 4.0  # over that many panels
_TAIL_BYTES = 2**30


@dataclass(frozen=True, eq=False)
class Tolerance:
    """What is allowed: |error| ≤ rtol · |y| + atol."""

    rtol: float
    atol: float

    def allowed(self, y: Array) -> Array:
        """The error allowed at these values."""
        return self.rtol * np.abs(y) + self.atol


@dataclass(frozen=True, eq=False)
class Found:
    """A layout of whole panels, the solution on their halves if there is no tail, the effort."""

    layout: Layout
    halves: PanelMesh | None
    rejected: int


def march(equation: GeneralEquation, t: Array, tolerance: Tolerance) -> Found:
    """Find panels from 0 to the last time.

    Parameters
    ----------
    equation
        What to solve.
    t
        The requested times; the first positive one sets the first panel's length.
    tolerance
        Each panel may use up a share of it.

    Returns
    -------
    Found
        Costs the square of the number of panels.
    """
    history, record = History(equation, equation.columns), Record(equation)
    stops = list(equation.landings)
    stop = stops[-1]
    length = _FIRST * float(t[t > 0][0])
    wholes, rejections = [0.0], list[int]()  # each by the panels found before it
    while stops:
        start = wholes[-1]
        # Equal panels would not land on stops, and where many were refused there may be a jump.
        recent = sum(number > len(wholes) - _LOOK_BACK for number in rejections)
        smooth = len(stops) == 1 and not equation.breaks.size and recent < _LOOK_BACK / 4
        tail = _uniform_rest(equation, np.array(wholes), stop) if smooth else None
        if tail is not None:
            return Found(tail, None, len(rejections))
        end = end_of_step(start, min(length, equation.longest), stops[0])
        trial = _doubled(equation, history, record, end, tolerance)
        # The shortest panel is accepted in a linear equation, where rounding is in command by then.
        # The solution of a nonlinear one that it does not resolve has a blow-up ahead.
        shortest = end - start <= _SMALLEST * end
        if shortest and (trial is None or (equation.law is not None and trial.error > 1)):
            break  # it cannot be continued
        # Each panel costs a sum over all before it. Beyond so many the error is left to the
        # comparison of whole meshes: an answer with a large error is better than none.
        many = len(wholes) > _MOST
        if trial is None or (trial.error > 1 and not many and not shortest):
            factor = 0.1 if trial is None else shrinkage(trial.error, trial.order)
            shrunk = (end - start) * factor
            length = max(shrunk, 0.5 * _SMALLEST * end)
            rejections.append(len(wholes))
            continue
        middle = 0.5 * (start + end)
        for edge, half in ((middle, trial.first), (end, trial.second)):
            history.push(edge, half.z)
            record.add(edge, half)
        wholes.append(end)
        grown = (end - start) * (2.0 if many else growth(trial.error, trial.order))
        lands = end == stops[0]
        stops = stops[1:] if lands else stops
        # A panel cut short by a landing says little about how long the next may be.
        length = max(grown, length if lands and trial.error <= 1 else 0.0, 0.5 * _SMALLEST * end)
    return Found(Layout(np.array(wholes), wholes[-1]), record.mesh(), len(rejections))


@dataclass(frozen=True, eq=False)
class _Trial:
    """Two halves and their difference from the whole, in units of the tolerance."""

    first: PanelSolution
    second: PanelSolution
    error: float
    order: int
    """The power of its length with which the error falls."""


def _doubled(
    equation: GeneralEquation, history: History, record: Record, end: float, tolerance: Tolerance
) -> _Trial | None:
    """A panel and its halves; None if one of them cannot be solved. The history is as before."""
    index, start, guess = history.count, history.end, record.last
    middle = 0.5 * (start + end)
    whole = attempt_panel(equation, history, end, guess)
    if whole is None:
        return None
    first = attempt_panel(equation, history, middle, guess)
    if first is None:
        return None
    history.push(middle, first.z)
    second = attempt_panel(equation, history, end, first.y[-1])
    history.pop()
    if second is None:
        return None
    t = np.concatenate(
        [nodes_of(equation, index, start, middle), nodes_of(equation, index + 1, middle, end)]
    )
    place = equation.panel(index).place(np.clip((t - start) / (end - start), 0.0, 1.0))
    # The whole panel's polynomial, of the memory and not of y: f may be as rough as it likes.
    memory = np.concatenate([record.last_memory[None], whole.memory])
    guessed = np.tensordot(lagrange(points(), place), memory, axes=1)
    halves = Record(equation, start, record.last_memory)
    halves.add(middle, first)
    halves.add(end, second)
    missed = float(np.max(defect(halves.mesh(), index)))
    unseen = max(first.response, second.response) * missed
    seen, lost = _panel_error(guessed, whole, first, second, tolerance, unseen)
    return _Trial(first, second, max(seen, lost), 1 if lost > seen else DENSE_ORDER)


def _panel_error(
    guessed: Array,
    whole: PanelSolution,
    first: PanelSolution,
    second: PanelSolution,
    tolerance: Tolerance,
    unseen: float,
) -> tuple[float, float]:
    """The memory that the whole panel gives at its halves' nodes against theirs, in tolerances.

    And what both miss of the functions, `unseen`: where there is a jump, that falls like a length.
    """
    difference = np.abs(guessed - np.concatenate([first.memory, second.memory]))
    size = np.abs(np.concatenate([first.y, second.y]))
    top = np.max(size, axis=0)
    # What rounding alone can make of the difference is no reason for a shorter panel: the largest
    # terms in it, y and the memory it is made from, amplified by the panel's inverse.
    terms = top + np.max(np.abs(whole.memory), axis=0)
    worst = max(p.amplification for p in (whole, first, second))
    noise = _NOISE * min(worst, _MOST_NOISE) * np.max(terms)
    # A little of the largest y in the panel, so that a zero of y is not resolved for its own sake.
    scale = _SHARE * tolerance.allowed(size + 0.05 * top) + noise
    with np.errstate(all="ignore"):
        ratio = np.where(difference == 0, 0.0, difference / scale)
    allowed = float(np.max(scale))
    if not unseen:
        return float(np.max(ratio)), 0.0
    return float(np.max(ratio)), unseen / allowed if allowed > 0 else math.inf


def _uniform_rest(equation: GeneralEquation, wholes: Array, stop: float) -> Layout | None:
    """A uniform rest, if the panels have stopped growing and many are still to come."""
    if not isinstance(equation.kernel, Convolution) or wholes.size <= 2 * _LOOK_BACK:
        return None
    lengths = np.diff(wholes)
    recent = lengths[-_LOOK_BACK:]
    # Shorter than most: equal panels must be right for every place, with no panel to adapt.
    length = float(np.quantile(recent, 0.25))
    left = (stop - wholes[-1]) / length
    if recent[-1] > _SLOW_GROWTH * recent[0] or left < 2 * _LOOK_BACK:
        return None
    # What was already as long as that joins the tail.
    small = np.flatnonzero(lengths < 0.7 * length)
    keep = max(1, int(small[-1]) + 1 if small.size else 0)
    panels = math.ceil((stop - wholes[keep]) / length)
    if tail_bytes(equation, 2 * panels) > _TAIL_BYTES:
        return None
    return Layout(wholes[: keep + 1], stop, panels)
