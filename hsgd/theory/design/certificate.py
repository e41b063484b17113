"""Lower bounds that no schedule under the cap can beat, however it was found.

At one total of the odometer the programme's tangent is a bound for every schedule. Over an interval
of totals a second programme lies below all of those in it, rate by rate; intervals are halved until
each is bounded well enough. A third bound needs no optimisation at all.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hsgd.checks import Array
from hsgd.theory.design.goal import Goal
from hsgd.theory.design.programme import Programme, shares
from hsgd.theory.design.totals import Optimum, at_total, longest, optimum_at

CELLS = (120, 240)
"""The second where the scheme's error on the first leaves too little of the accuracy."""
_MOST = 400
"""Programmes that are solved, at most."""
_SPLIT = 16
_SHARE = 0.3
"""Of the accuracy, what the scheme's error may be."""
_PARTS = 24
"""Pieces of an interval on which the statistic at the mean is bounded by a tangent."""


class Certificate(NamedTuple):
    """What no schedule can beat."""

    bound: float
    """Of the statistic, less the error of the scheme."""
    scheme_error: float
    programmes: int
    """How many were solved."""


def certificate(goal: Goal, best: Optimum, log_cap: float, accuracy: float) -> Certificate:
    """A lower bound, to a relative `accuracy` if that takes no more than some hundred programmes.

    Intervals of the total are looked at from the whole down; one is done when its bound is high
    enough, and the least of all bounds is the certificate.
    """
    start = best.edges, best.solution.log_rates
    for cells in CELLS:
        coarse = optimum_at(goal, best.total, log_cap, cells, start)
        other = optimum_at(goal, best.total, log_cap, 2 * cells, start)
        error = _scheme_error(goal, coarse, log_cap) + abs(coarse.value - other.value)
        if error <= _SHARE * accuracy * best.value:
            break
    # What is asked for should hold after the error is taken off.
    target = best.value * (1.0 - accuracy) + min(error, 0.8 * accuracy * best.value)
    edges, rates, count = coarse.edges, coarse.solution.log_rates, 0
    open_intervals, done = [(0.0, longest(goal, log_cap))], best.value
    while open_intervals:
        low, high = open_intervals.pop()
        bound, rates, solved = over(goal, low, high, edges, rates, log_cap, target)
        count += solved
        if bound >= target or high - low <= 1e-6 * high or count >= _MOST:
            done = min(done, bound)
            continue
        middle = np.sqrt(low * high) if low > 0 else high / 8.0
        open_intervals += [(low, middle), (middle, high)]
    return Certificate(done - error, error, count)


def over(
    goal: Goal, low: float, high: float, edges: Array, start: Array, log_cap: float, target: float
) -> tuple[float, Array, int]:
    """A bound for all totals of an interval, rates that were found, programmes solved."""
    at_mean = least_at_mean(goal, low, high)
    if low == 0.0 or at_mean >= target:
        return at_mean, start, 0
    programme, rates = Programme.below(goal, low, high, edges, log_cap), start
    for most in (0, 12, 100):
        found = programme.solve(rates, tolerance=1e-6, most=most) if most else None
        found = programme.judged(rates) if found is None else found
        rates, bound = found.log_rates, at_mean + float(np.exp(found.log_bound))
        # Not even the best of these rates could reach the target: no need to find it.
        if bound >= target or at_mean + float(np.exp(found.log_noise)) < target:
            break
    return bound, rates, 1


def _scheme_error(goal: Goal, found: Optimum, log_cap: float) -> float:
    """What cutting every cell into many changes in the value of the schedule."""
    parts = np.linspace(found.edges[:-1], found.edges[1:], _SPLIT, endpoint=False).T.ravel()
    fine = Programme.at(goal, found.total, np.append(parts, 1.0), log_cap)
    noise = fine.noise(np.repeat(found.solution.log_rates, _SPLIT))[0]
    return abs(float(np.exp(noise)) - float(np.exp(found.solution.log_noise)))


def least_at_mean(goal: Goal, low: float, high: float) -> float:
    """A bound from below of the statistic at the mean for all totals of an interval."""
    # notation: z = what is left of each mode, z' = −rz, z'' = r²z by the total; q(z) is convex
    totals = np.linspace(low, high, _PARTS + 1)
    left = np.column_stack(goal.system.gradient_flow(totals))
    ends = goal.at_means(left)
    early, late = left[:-1], left[1:]
    # By the chord: q dips below it by at most max q''·width²/8, q'' = z'ᵀMz' + slope·z''.
    moved = early * goal.damping
    slopes = np.array([np.abs(goal.slope(one)) for one in early]) + goal.bend(early - late)
    curved = np.einsum("ij,ij->i", moved, goal.bend(moved))
    curved += np.einsum("ij,ij->i", slopes, moved * goal.damping)
    by_chord = np.minimum(ends[:-1], ends[1:]) - curved * np.diff(totals) ** 2 / 8.0
    # By the tangent in the middle, least where each mode is at one of its ends: for wide intervals.
    middle = 0.5 * (early + late)
    moves = np.array([np.abs(goal.slope(one)) for one in middle]) * (early - late)
    by_tangent = goal.at_means(middle) - 0.5 * moves.sum(axis=1)
    return float(np.maximum(by_chord, by_tangent).min())


def closed_form_bound(goal: Goal, log_cap: float) -> float:
    """Min over T of q(m(T)) + (∫₀ᵀ √(k_T(T−o) F(o)) do)²/K: no optimisation over schedules.

    By Cauchy and Schwarz, as Ψ is at least F, the loss at the mean, whatever the schedule.
    """
    from scipy.optimize import minimize_scalar  # slow to load

    top, nodes = float(np.log(longest(goal, log_cap))), _nodes()

    def bound(log_total: float) -> float:
        return _closed_form(goal, float(np.exp(log_total)), *nodes)

    totals = top - np.linspace(0.0, 14.0, 29)
    bounds = [bound(total) for total in totals]
    at = int(np.argmin(bounds))
    around = totals[min(at + 1, 28)], totals[max(at - 1, 0)]
    found = minimize_scalar(bound, bounds=around, method="bounded", options={"xatol": 1e-4})
    return float(min(found.fun, bounds[at], at_total(goal, 0.0)))


def _nodes() -> tuple[Array, Array]:
    """Gauss nodes and weights on the cells of the odometer."""
    x, w = np.polynomial.legendre.leggauss(2)
    edges = shares(CELLS[0])
    half = 0.5 * np.diff(edges)
    return (edges[:-1] + half + np.outer(x, half)).ravel(), np.outer(w, half).ravel()


def _closed_form(goal: Goal, total: float, at: Array, weights: Array) -> float:
    system = goal.system
    decay, _ = system.gradient_flow(total * at)
    later = np.exp(-2.0 * np.outer(total * (1.0 - at), system.damping))
    flow = 2.0 * system.losses(decay)
    kernel = 0.5 * goal.noise_factor * (later @ (goal.curvatures[:-1] * goal.driven[:-1]))
    length = total * float(weights @ np.sqrt(kernel * flow))
    return at_total(goal, total) + length**2 / goal.iterations
