"""The schedule problem of homogenized SGD as a geometric programme, and its solution.

In the odometer o = ∫γ (here over N) the variances obey dV/do = −2rV + φγλ·2Ψ, in which the learning
rate only multiplies what is positive. So at a given total T the noise of any statistic is a series
in the rates γ(o) with coefficients that are nowhere negative, and so is the number of iterations
∫do/γ: both are convex in log γ, the first even in its logarithm (docs, theory page, "Optimal
schedules"). Rates are constant on cells here, and the scheme in a cell keeps all of this.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from hsgd.checks import Array
from hsgd.theory.design.convex import Convex
from hsgd.theory.design.goal import Goal

CELLS = 240
_NEAREST = 2e-5
"""Share of the odometer that the last cell has."""


def shares(count: int) -> Array:
    """Edges of cells as shares of the total, 0 … 1: two thirds are geometric towards the end."""
    fine = (2 * count) // 3
    graded = 1.0 - np.geomspace(1.0, _NEAREST, fine)
    even = np.linspace(0.0, 1.0, count - fine + 2)[1:]
    return np.unique(np.concatenate((graded, even)))


@dataclass(frozen=True, eq=False, kw_only=True)
class Programme(Convex):
    """Noise ½ΣT_j V_j by the rates of cells (over N), under a budget of iterations."""

    goal: Goal
    half_decay: Array
    half_source: Array
    source: Array
    flow: Array
    flow_middle: Array

    @classmethod
    def at(cls, goal: Goal, total: float, edges: Array, log_cap: float) -> Self:
        """At one total of the odometer (over N); `edges` are shares of it."""
        system = goal.system
        middles = 0.5 * (edges[1:] + edges[:-1])
        flow, flow_middle = (_twice_flow(goal, total * at) for at in (edges[:-1], middles))
        lengths = total * np.diff(edges)
        half_decay, half_source, source = _factors(system.damping, lengths)
        return cls(
            goal=goal, lengths=lengths, budget=float(goal.iterations), log_cap=log_cap,
            half_decay=half_decay, half_source=half_source, source=source,
            flow=flow, flow_middle=flow_middle,
        )  # fmt: skip

    @classmethod
    def below(cls, goal: Goal, low: float, high: float, edges: Array, log_cap: float) -> Self:
        """One whose noise is at most that of any total from `low` to `high`, rate by rate.

        Decays are those of the longest, sources those of the shortest, and so is what is spent;
        the loss at the mean is the least of each mode on the way.
        """
        damping, steps = goal.system.damping, np.diff(edges)
        middles = 0.5 * (edges[1:] + edges[:-1])
        flow, flow_middle = (_least_flow(goal, low, high, at) for at in (edges[:-1], middles))
        half_decay = _factors(damping, high * steps)[0]
        _, half_source, source = _factors(damping, low * steps)
        return cls(
            goal=goal, lengths=low * steps, budget=float(goal.iterations), log_cap=log_cap,
            half_decay=half_decay, half_source=half_source, source=source,
            flow=flow, flow_middle=flow_middle,
        )  # fmt: skip

    def noise(self, log_rates: Array) -> tuple[float, Array]:
        from hsgd.theory.design.programme_kernel import backward, forward

        goal, rates = self.goal, np.exp(log_rates)
        modes = (goal.noise_factor, goal.eigenvalues[:-1], goal.driven[:-1])
        cells = (self.half_decay, self.half_source, self.source)
        variances = np.zeros((len(rates) + 1, len(goal.system.eigenvalues)))
        loss, middle, by_rate = np.empty_like(rates), np.empty_like(rates), np.empty_like(rates)
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            forward(rates, *modes, *cells, self.flow, self.flow_middle, variances, loss, middle)
            weights = 0.5 * goal.curvatures[:-1]
            total = float(weights @ variances[-1])
            backward(rates, *modes, *cells, loss, middle, weights, by_rate)
            return float(np.log(total)), rates * by_rate / total


def _factors(damping: Array, lengths: Array) -> tuple[Array, Array, Array]:
    """e^{−r·length}, and ∫ e^{−2rs} ds over half a cell and over a whole one."""
    lost = -np.expm1(-np.outer(lengths, damping))
    twice = 2.0 * damping
    return 1.0 - lost, lost / twice, lost * (2.0 - lost) / twice


def _twice_flow(goal: Goal, odometer: Array) -> Array:
    decay, _ = goal.system.gradient_flow(odometer)
    return 2.0 * goal.system.losses(decay)


def _least_flow(goal: Goal, low: float, high: float, at: Array) -> Array:
    """Twice Ψ at the mean, at most what it is at share `at` of any total in between."""
    # notation: p, u = limit and start of the residuals; (p + uz)² is least at z = −p/u
    system = goal.system
    p, u = system.residual_limit, system.residual_start
    early, _ = system.gradient_flow(low * at)
    late, _ = system.gradient_flow(high * at)
    best = np.divide(-p, u, out=np.zeros_like(p), where=u != 0)
    residual = p + u * np.clip(best, late, early)
    return np.asarray(system.residual_outside + np.einsum("ij,ij->i", residual, residual))
