"""Finding a mesh: one panel against its two halves, step by step, and when to go on uniformly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from volterra.kernels.functions import Convolution
from volterra.panels.equation import EPS, GeneralEquation, PanelSolution
from volterra.panels.history import History
from volterra.panels.mesh import Layout, PanelMesh, Record, attempt_panel, nodes_of
from volterra.panels.panel import DENSE_ORDER, lagrange, points
from volterra.panels.tail import tail_bytes

Array = NDArray[np.float64]

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
    """What is allowed: |error| <= rtol * |y| + atol."""

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
    equation : GeneralEquation
        What to solve.
    t : ndarray
        The requested times; the first positive one sets the first panel's length.
    tolerance : Tolerance
        Each panel may use up a share of it.

    Returns
    -------
    Found
        Costs the square of the number of panels.
    """
    history, record = History(equation, equation.columns), Record(equation)
    stop = float(t[-1])
    length = _FIRST * float(t[t > 0][0])
    wholes, rejected = [0.0], 0
    while wholes[-1] < stop:
        start = wholes[-1]
        tail = _tail(equation, np.array(wholes), stop)
        if tail is not None:
            return Found(tail, None, rejected)
        end = _end(start, length, stop)
        trial = _doubled(equation, history, record, end, tolerance)
        shortest = end - start <= _SMALLEST * end
        if shortest and (trial is None or (equation.law is not None and trial.error > 1)):
            break  # it cannot be continued
        many = len(wholes) > _MOST
        if trial is None or (trial.error > 1 and not many and not shortest):
            shrunk = (end - start) * (0.1 if trial is None else min(0.9, trial.growth))
            length = max(shrunk, 0.5 * _SMALLEST * end)
            rejected += 1
            continue
        middle = 0.5 * (start + end)
        for edge, half in ((middle, trial.first), (end, trial.second)):
            history.push(edge, half.z)
            record.add(edge, half)
        wholes.append(end)
        length = max((end - start) * (2.0 if many else trial.growth), 0.5 * _SMALLEST * end)
    return Found(Layout(np.array(wholes), wholes[-1]), record.mesh(), rejected)


def _end(start: float, length: float, stop: float) -> float:
    """The end of the next panel: the last time, or well before it."""
    if start + 1.05 * length >= stop:
        return stop
    return start + length if start + 2 * length < stop else 0.5 * (start + stop)


@dataclass(frozen=True, eq=False)
class _Trial:
    """Two halves and their difference from the whole, in units of the tolerance."""

    first: PanelSolution
    second: PanelSolution
    error: float

    @property
    def growth(self) -> float:
        """Factor for the next panel."""
        if not math.isfinite(self.error):
            return 0.1
        return min(8.0, max(0.1, 0.85 * math.pow(max(self.error, 1e-30), -1.0 / DENSE_ORDER)))


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
    memory = np.concatenate([record.last_memory[None], whole.memory])
    guessed = np.tensordot(lagrange(points(), place), memory, axes=1)
    difference = np.abs(guessed - np.concatenate([first.memory, second.memory]))
    size = np.abs(np.concatenate([first.y, second.y]))
    top = np.max(size, axis=0)
    terms = top + np.max(np.abs(whole.memory), axis=0)
    worst = max(p.amplification for p in (whole, first, second))
    noise = _NOISE * min(worst, _MOST_NOISE) * np.max(terms)
    scale = _SHARE * tolerance.allowed(size + 0.05 * top) + noise
    with np.errstate(all="ignore"):
        ratio = np.where(difference == 0, 0.0, difference / scale)
    return _Trial(first, second, float(np.max(ratio)))


def _tail(equation: GeneralEquation, wholes: Array, stop: float) -> Layout | None:
    """A uniform rest, if the panels have stopped growing and many are still to come."""
    if not isinstance(equation.kernel, Convolution) or wholes.size <= 2 * _LOOK_BACK:
        return None
    lengths = np.diff(wholes)
    recent = lengths[-_LOOK_BACK:]
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
