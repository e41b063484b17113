"""How far to go: the total of the odometer whose best schedule is the best of all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hsgd.checks import Array
from hsgd.theory.design.convex import Solution
from hsgd.theory.design.goal import Goal
from hsgd.theory.design.programme import CELLS, Programme, shares

_COARSE = 60
"""Cells with which totals are first compared."""
_RATIO = 2.5
_SHORTEST = 1e-9
"""Share of the longest total."""


class Optimum(NamedTuple):
    """The best schedule of homogenized SGD under a cap."""

    total: float
    """Of the odometer, over N."""
    edges: Array
    """Of cells, as shares of it."""
    solution: Solution
    value: float


def at_total(goal: Goal, total: float) -> float:
    """The statistic at the mean after such a total of the odometer."""
    decay, fade = goal.system.gradient_flow(np.array([total]))
    return goal.at_mean(np.append(decay[0], fade))


def longest(goal: Goal, log_cap: float) -> float:
    """The total of all iterations at the cap."""
    return float(goal.iterations * np.exp(log_cap))


def best_total(goal: Goal, log_cap: float, *, cells: int = CELLS, near: float = 3e-3) -> Optimum:
    """The best total to within a factor 1 ± `near`, of which the value feels the square."""
    from scipy.optimize import minimize_scalar  # slow to load

    top, edges = longest(goal, log_cap), shares(_COARSE)
    start, known = np.zeros(len(edges) - 1), dict[float, float]()

    def value(log_total: float) -> float:
        nonlocal start
        total = min(float(np.exp(log_total)), top)
        solution = Programme.at(goal, total, edges, log_cap).solve(start, tolerance=1e-5, most=60)
        start = solution.log_rates
        return at_total(goal, total) + float(np.exp(solution.log_noise))

    # From the longest down. Where the statistic at the mean is above what was found with noise
    # already, no schedule of that total can be better, and none is looked for.
    points = np.log(top) - np.arange(0.0, np.log(1.0 / _SHORTEST), np.log(_RATIO))
    floors = goal.at_means(np.column_stack(goal.system.gradient_flow(np.exp(points))))
    for point, floor in zip(points.tolist(), floors, strict=True):
        if floor < min(known.values(), default=np.inf):
            known[point] = value(point)
    start_value, middle = min((found, point) for point, found in known.items())
    low, high = middle - np.log(_RATIO), min(middle + np.log(_RATIO), np.log(top))
    found = minimize_scalar(value, bounds=(low, high), method="bounded", options={"xatol": near})
    best = float(found.x) if found.fun <= start_value else middle
    return optimum_at(goal, min(float(np.exp(best)), top), log_cap, cells, (edges, start))


def optimum_at(
    goal: Goal, total: float, log_cap: float, cells: int, near: tuple[Array, Array]
) -> Optimum:
    """The best schedule of one total; `near` are edges and rates to start from."""
    edges = shares(cells)
    start = on_cells(*near, edges)
    solution = Programme.at(goal, total, edges, log_cap).solve(start)
    value = at_total(goal, total) + float(np.exp(solution.log_noise))
    return Optimum(total, edges, solution, value)


def on_cells(edges: Array, log_rates: Array, wanted: Array) -> Array:
    """Rates on other cells, by their middles."""
    middles = 0.5 * (edges[1:] + edges[:-1])
    return np.interp(0.5 * (wanted[1:] + wanted[:-1]), middles, log_rates)
