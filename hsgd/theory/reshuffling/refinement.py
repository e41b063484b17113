"""Curves from grids of more and more cells, from batches, and from more and more nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hsgd.checks import Array
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.theory.reshuffling.pace import Pace
from hsgd.theory.reshuffling.two_times import Setting, solve
from hsgd.theory.spectra.nodes import nodes_of

MOST_WORK = 6e10
"""Nodes times cells cubed that may be spent on a grid: about a minute."""
_COARSEST = 4
"""Cells of a pass with which refinement begins."""
_MOST_NODES = 96
_CHEAP_WORK = 5e9
"""The same up to which iterations of a batch are cells, as they are."""


class Passes(NamedTuple):
    """Reshuffled SGD on typical rows, up to some number of passes."""

    rows: GaussianRows
    ridge: float
    pace: Pace
    times: Array
    """In passes, ascending, shape (T,)."""


class Found(NamedTuple):
    """Population and empirical risk, shape (2, T), and their numerical error."""

    value: Array
    error: Array
    cells: int
    """Of a pass, on the finest grid."""


class TooLong(Exception):
    """A grid on which nothing could be solved in time."""


def refined(passes: Passes, rtol: float) -> Found:
    """Both risks to a relative accuracy, or as near to it as can be afforded.

    Raises
    ------
    TooLong
        If even the coarsest grid has too many cells.
    """
    count, of_nodes = _enough_nodes(passes, rtol)

    def small_steps(cells: int) -> Array:
        return _solved(passes, count, cells, explicit=False)

    def iterations(cells: int) -> Array:
        return _solved(passes, count, cells, explicit=True)

    nodes = len(nodes_of(passes.rows, count).eigenvalues)
    affordable = int((_CHEAP_WORK / nodes) ** (1 / 3) / _last(passes))
    found = _with_batches(passes, small_steps, iterations, rtol, affordable)
    return found._replace(error=found.error + of_nodes)


def _enough_nodes(passes: Passes, rtol: float) -> tuple[int, Array]:
    """How many nodes, and what more of them would change, on a coarse grid."""
    count, coarse = 12, _solved(passes, 12, _COARSEST, explicit=False)
    while True:
        fine = _solved(passes, 2 * count, _COARSEST, explicit=False)
        change = np.abs(fine - coarse)
        if (change <= 0.25 * rtol * fine).all() or 2 * count >= _MOST_NODES:
            return count, 1.5 * change  # they fall with the fourth power, on all grids alike
        count, coarse = 2 * count, fine


def _with_batches(
    passes: Passes,
    small_steps: Callable[[int], Array],
    iterations: Callable[[int], Array],
    rtol: float,
    affordable: int,
) -> Found:
    """Finite batches: an iteration is a cell, or between small steps and cells of that kind."""
    size, n = passes.pace.batch_size, passes.pace.num_rows
    share, length, whole = size / n, n / size, n % size == 0
    if size > 1 and whole and length <= affordable:
        value = iterations(round(length))
        return Found(value, 1e-12 * value, round(length))
    found = _extrapolated(small_steps, rtol)
    if size == 1:
        return found
    # In 1/cells: a parabola through none, and two that are near or not too many.
    fine = max(16, min(affordable, 64))
    fine, coarse = (fine, fine // 2) if length > fine else (int(np.ceil(length)), int(length))
    at_fine, at_coarse = iterations(fine), iterations(coarse)
    first = (at_fine - found.value) * fine
    second = ((at_coarse - found.value) * coarse - first) / (1.0 / coarse - 1.0 / fine)
    bend = second * share * (share - 1.0 / fine)
    return Found(found.value + first * share + bend, found.error + np.abs(bend), found.cells)


def _extrapolated(solved: Callable[[int], Array], rtol: float) -> Found:
    """To infinitely many cells, from an error of second order that is seen on three grids."""
    cells = 2 * _COARSEST
    grids = [solved(_COARSEST), solved(cells)]
    best, safety = (4.0 * grids[1] - grids[0]) / 3.0, 2.0
    error = np.abs(best - grids[1])  # of two grids, if there is no third
    while len(grids) == 2 or (error > rtol * np.abs(best)).any():
        try:
            grids.append(solved(2 * cells))
        except TooLong:
            break
        cells *= 2
        better = (4.0 * grids[-1] - grids[-2]) / 3.0
        # Of one grid less, and at its largest, since it changes sign; one more has an eighth of it.
        with np.errstate(invalid="ignore"):
            relative = np.abs(better / best - 1.0).max(axis=1, keepdims=True)
        best, error, safety = better, np.abs(better) * relative / safety, 4.0
    return Found(best, error, cells)


def _solved(passes: Passes, nodes: int, cells: int, *, explicit: bool) -> Array:
    """Both risks at the times asked for, from one grid; shape (2, T)."""
    last = _last(passes)
    found = nodes_of(passes.rows, nodes)
    if len(found.eigenvalues) * float(last * cells) ** 3 > MOST_WORK:
        raise TooLong
    middle = 0.0 if explicit else 0.5
    moments = (np.arange(last * cells) + middle) / cells
    pace, rates = passes.pace, passes.pace.rates(moments)
    setting = Setting(found, pace.num_rows, passes.ridge, passes.rows.noise, pace.single)
    with np.errstate(over="ignore", invalid="ignore"):
        risks = solve(setting, rates, cells, explicit=explicit)
    return np.array([between_edges(passes.times, risk, cells) for risk in risks])


def affordable_passes() -> int:
    """How many can be followed on three grids, with nodes as they are mostly needed."""
    return int((MOST_WORK / _MOST_NODES) ** (1 / 3) / (4 * _COARSEST))


def _last(passes: Passes) -> int:
    """Passes to follow, whole ones."""
    return max(1, int(np.ceil(passes.times[-1] - 1e-9)))


def between_edges(times: Array, values: Array, cells: int) -> Array:
    """Cubic interpolation within each pass: at its end curves may have a kink."""
    position = times * cells
    order = min(3, cells)
    pass_number = np.clip(np.floor(times), 0, (len(values) - 1) // cells - 1)
    first = np.clip(
        np.floor(position) - order // 2, pass_number * cells, (pass_number + 1) * cells - order
    )
    nodes = np.arange(order + 1)
    local = (position - first)[:, None] - nodes
    weights = np.ones((len(times), order + 1))
    for i in nodes:
        for k in nodes:
            if i != k:
                weights[:, i] *= local[:, k] / (i - k)
    return np.asarray((weights * values[first.astype(np.intp)[:, None] + nodes]).sum(axis=1))
