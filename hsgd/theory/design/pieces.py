"""Schedules of pieces: where they are cut, what they lead to, and how they are improved."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from hsgd.schedules import Piecewise, Schedule
from hsgd.theory.design import recursion
from hsgd.theory.design.goal import Goal
from hsgd.theory.design.programme import CELLS, Programme, shares
from hsgd.theory.design.totals import Optimum, at_total

MOST_STEPPED = 2e7
"""Modes times iterations up to which schedules are judged iteration by iteration."""
_GRADIENTS = 120
_FINE = 4000
"""Times at which a long schedule is looked at."""

Shape = Callable[[Array], Array]
"""Learning rates as a function of the share of all iterations that is done."""


@dataclass(frozen=True, eq=False)
class Judge:
    """What a schedule leads to: step by step, or where that is long by homogenized SGD."""

    goal: Goal

    @property
    def steps(self) -> bool:
        """Whether every iteration is looked at."""
        return self.goal.iterations * len(self.goal.damping) <= MOST_STEPPED

    def __call__(self, shape: Shape) -> float:
        """The statistic in the end."""
        goal = self.goal
        if self.steps:
            return recursion.value(goal, shape(np.arange(goal.iterations) / goal.iterations))
        return homogenized_value(goal, shape)


def homogenized_value(goal: Goal, shape: Shape) -> float:
    """The same in the limit of small steps, at a cost that no number of iterations raises."""
    grid = 0.5 - 0.5 * np.cos(np.pi * np.linspace(0.0, 1.0, _FINE + 1))
    rates = shape(0.5 * (grid[1:] + grid[:-1])) / goal.per_unit
    return _along(goal, goal.iterations * grid, rates)


def exact_homogenized_value(goal: Goal, edges: NDArray[np.int64], rates: Array) -> float:
    """The same of rates that are constant between iterations `edges`, 0 … all of them."""
    return _along(goal, edges.astype(np.float64), rates / goal.per_unit)


def _along(goal: Goal, iterations: Array, rates: Array) -> float:
    odometer = np.append(0.0, np.cumsum(rates * np.diff(iterations)))
    total = float(odometer[-1])
    if total == 0.0:
        return at_total(goal, 0.0)
    # Cells of the programme and of the schedule at once, so that no rate is averaged over a jump
    # that is wider than they are.
    edges = np.unique(np.append(shares(CELLS), odometer / total if len(rates) <= CELLS else 0.0))
    edges = edges[np.append(True, np.diff(edges) > 1e-12)]
    edges[-1] = 1.0
    reached = np.interp(total * edges, odometer, iterations)
    spent = np.maximum(np.diff(reached), 1e-300)
    log_rates = np.log(total * np.diff(edges) / spent)
    noise = Programme.at(goal, total, edges, np.inf).noise(log_rates)[0]
    return at_total(goal, total) + float(np.exp(noise))


@dataclass(frozen=True, eq=False)
class Pieces:
    """Rates constant between iterations `edges`, 0 … all of them."""

    edges: NDArray[np.int64]
    rates: Array

    def schedule(self, per_unit: int) -> Schedule:
        """The same as a schedule of time."""
        return Piecewise(self.edges[1:-1] / per_unit, self.rates)

    def shape(self) -> Shape:
        """The same as a function of the share of iterations that is done."""
        count, inner = int(self.edges[-1]), self.edges[1:-1]

        def rates(done: Array) -> Array:
            # A share of iterations comes back as a whole number up to rounding.
            at = np.searchsorted(inner, done * count + 1e-6, side="right")
            return np.asarray(self.rates[at])

        return rates


def cut(goal: Goal, best: Optimum, count: int) -> Pieces:
    """The programme's schedule in at most `count` pieces, each with the odometer that it had.

    Cut where a piece costs least: the noise that a constant rate in its place makes grows with
    share·(change of log rate)², so each has the same integral of the cube root of that density.
    """
    K, x = goal.iterations, best.solution.log_rates
    odometer = best.total * best.edges
    time = np.append(0.0, np.cumsum(np.diff(odometer) * np.exp(-x)))
    time *= K / time[-1]
    _, share = Programme.at(goal, best.total, best.edges, np.inf).noise(x)
    slope = np.gradient(x, 0.5 * (time[1:] + time[:-1]))
    lengths = np.diff(time)
    density = (share / lengths * slope**2) ** (1.0 / 3.0) * lengths
    density += 0.02 * density.sum() * lengths / K + 1e-300 * lengths
    reached = np.append(0.0, np.cumsum(density)) / density.sum()
    wanted = np.interp(np.linspace(0.0, 1.0, count + 1), reached, time)
    edges = np.unique(np.append(np.rint(wanted[:-1]), K).astype(np.int64))
    travelled = np.diff(np.interp(edges.astype(np.float64), time, odometer))
    return Pieces(edges, goal.per_unit * travelled / np.diff(edges))


def from_shape(edges: NDArray[np.int64], shape: Shape) -> Pieces:
    """Mean rates of a function of the share of iterations on given pieces."""
    K = int(edges[-1])
    total = np.append(0.0, np.cumsum(shape(np.arange(K) / K)))
    return Pieces(edges, np.diff(total[edges]) / np.diff(edges))


def polished(goal: Goal, start: Pieces, cap: float) -> tuple[Pieces, float]:
    """Rates on the same pieces improved by their exact gradient, and the value in the end."""
    from scipy.optimize import minimize  # slow to load

    lengths = np.diff(start.edges)

    def cost(x: Array) -> tuple[float, Array]:
        rates = np.exp(x)
        found = recursion.gradient(goal, np.repeat(rates, lengths))
        slope = rates * np.add.reduceat(found.by_rate, start.edges[:-1])
        with np.errstate(invalid="ignore"):
            return float(np.log(found.value)), slope / found.value

    first = np.log(np.clip(start.rates, 1e-8 * cap, cap))
    found = minimize(
        cost, first, jac=True, method="L-BFGS-B", bounds=[(np.log(1e-9 * cap), np.log(cap))]
        * len(first), options={"maxfun": _GRADIENTS, "maxcor": 20, "ftol": 1e-10, "gtol": 1e-7},
    )  # fmt: skip
    x = found.x if found.fun < cost(first)[0] else first
    return Pieces(start.edges, np.exp(x)), float(np.exp(cost(x)[0]))
