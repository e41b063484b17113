"""The value of any learning rates, iteration by iteration, and its exact gradient.

The finite-step theory is a recursion for means and variances of the modes; its derivatives by all
learning rates come from one sweep backwards (an adjoint, docs, theory page, "Optimal schedules").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hsgd.checks import Array
from hsgd.theory.design.goal import Goal

_NO_TRAIL = np.empty((2, 0, 0))


class Gradient(NamedTuple):
    """A value, and its derivatives by what each iteration does, of shape (iterations,) each."""

    value: float
    by_rate: Array
    """By the learning rate."""
    by_noise: Array
    """By the noise factor, 1/B."""


def value(goal: Goal, rates: Array, factors: Array | None = None) -> float:
    """The statistic after these learning rates, shape (iterations,); inf where it overflows."""
    from hsgd.theory.design.recursion_kernel import forward

    left, variances = _start(goal)
    forward(
        rates / goal.per_unit, _factors(goal, factors), *_modes(goal), left, variances, _NO_TRAIL
    )
    return _ended(goal, left, variances)


def gradient(goal: Goal, rates: Array, factors: Array | None = None) -> Gradient:
    """The same with its derivatives.

    Notes
    -----
    Cost: three times that of the value; memory two numbers for each mode and twice the root of the
    number of iterations: between checkpoints the way forwards is repeated.
    """
    from hsgd.theory.design.recursion_kernel import backward, forward

    N, modes, spread = goal.per_unit, _modes(goal), _factors(goal, factors)
    steps, count = rates / N, len(rates)
    length = max(1, int(np.sqrt(count)))
    starts = range(0, count, length)
    kept = np.empty((2, len(starts), len(goal.damping)))
    left, variances = _start(goal)
    for i, at in enumerate(starts):
        kept[:, i] = left, variances
        part = slice(at, at + length)
        forward(steps[part], spread[part], *modes, left, variances, _NO_TRAIL)
    of_left, of_variances = goal.slope(left), 0.5 * goal.curvatures
    by_rate, by_factor = np.empty(count), np.empty(count)
    room = np.empty((2, length, len(goal.damping)))
    for i, at in reversed(list(enumerate(starts))):
        part = slice(at, at + length)
        forward(steps[part], spread[part], *modes, kept[0, i], kept[1, i], room)
        backward(
            steps[part], spread[part], *modes, room[0], room[1], of_left, of_variances,
            by_rate[part], by_factor[part],
        )  # fmt: skip
    return Gradient(_ended(goal, left, variances), by_rate / N, by_factor)


def _start(goal: Goal) -> tuple[Array, Array]:
    count = len(goal.damping)
    return np.ones(count), np.zeros(count)


def _factors(goal: Goal, factors: Array | None) -> Array:
    return np.full(goal.iterations, goal.noise_factor) if factors is None else factors


def _modes(goal: Goal) -> tuple[float, float, Array, Array, Array, Array, Array]:
    return (
        goal.system.wick,
        float(goal.system.residual_outside),
        goal.eigenvalues,
        goal.driven,
        goal.damping,
        goal.residual_limit,
        goal.residual_start,
    )


def _ended(goal: Goal, left: Array, variances: Array) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        total = goal.at_mean(left) + 0.5 * float(goal.curvatures @ variances)
    return total if np.isfinite(total) else float("inf")
