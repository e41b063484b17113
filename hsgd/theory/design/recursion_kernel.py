"""The loops of `recursion`, compiled: forwards the modes, backwards what each step is worth."""

from __future__ import annotations

import numpy as np

from hsgd.checks import Array
from volterra.compiling import compiled


@compiled
def forward(
    rates: Array,
    factors: Array,
    wick: float,
    outside: float,
    eigenvalues: Array,
    driven: Array,
    damping: Array,
    limit: Array,
    start: Array,
    left: Array,
    variances: Array,
    trail: Array,
) -> None:
    """Take one step for each of `rates` (over N), in place.

    `trail` receives the state before each, shape (2, iterations, modes); none, if it has no rows.
    """
    own = np.empty(left.size)
    for k in range(rates.size):
        if trail.shape[1]:
            trail[0, k] = left
            trail[1, k] = variances
        twice_loss = heard(eigenvalues, limit, start, outside, left, variances, own)
        step(
            rates[k], factors[k], wick, twice_loss, eigenvalues, driven, damping, own, left,
            variances,
        )  # fmt: skip


@compiled
def heard(
    eigenvalues: Array,
    limit: Array,
    start: Array,
    outside: float,
    left: Array,
    variances: Array,
    own: Array,
) -> float:
    """Twice Ψ, and the part of each mode in it into `own`."""
    total = outside
    for j in range(left.size):
        residual = limit[j] + start[j] * left[j]
        own[j] = residual * residual + eigenvalues[j] * variances[j]
        total += own[j]
    return total


@compiled
def step(
    rate: float,
    factor: float,
    wick: float,
    twice_loss: float,
    eigenvalues: Array,
    driven: Array,
    damping: Array,
    own: Array,
    left: Array,
    variances: Array,
) -> None:
    """One iteration of all modes."""
    gain = factor * rate * rate
    for j in range(left.size):
        shrunk = 1.0 - rate * damping[j]
        noise = driven[j] * twice_loss + wick * eigenvalues[j] * own[j]
        variances[j] = shrunk * shrunk * variances[j] + gain * noise
        left[j] = shrunk * left[j]


@compiled
def backward(
    rates: Array,
    factors: Array,
    wick: float,
    outside: float,
    eigenvalues: Array,
    driven: Array,
    damping: Array,
    limit: Array,
    start: Array,
    left: Array,
    variances: Array,
    of_left: Array,
    of_variances: Array,
    by_rate: Array,
    by_factor: Array,
) -> None:
    """Pull the derivatives of a value back over the steps, whose starting states are rows.

    `of_left` and `of_variances` are the value's derivatives by the state after the last step, and
    become those before the first; `by_rate` and `by_factor` receive those by each step's own.
    """
    own = np.empty(damping.size)
    for k in range(rates.size - 1, -1, -1):
        rate, factor = rates[k], factors[k]
        z, V = left[k], variances[k]
        twice_loss = heard(eigenvalues, limit, start, outside, z, V, own)
        through_loss, through_step, noise_worth = 0.0, 0.0, 0.0
        for j in range(damping.size):
            shrunk = 1.0 - rate * damping[j]
            noise = driven[j] * twice_loss + wick * eigenvalues[j] * own[j]
            through_loss += of_variances[j] * driven[j]
            noise_worth += of_variances[j] * noise
            through_step += damping[j] * (2.0 * shrunk * V[j] * of_variances[j] + z[j] * of_left[j])
        gain = factor * rate * rate
        by_rate[k] = 2.0 * factor * rate * noise_worth - through_step
        by_factor[k] = rate * rate * noise_worth
        for j in range(damping.size):
            shrunk = 1.0 - rate * damping[j]
            # A mode's own part drives all modes by way of Ψ, and itself once more.
            by_own = gain * (through_loss + wick * eigenvalues[j] * of_variances[j])
            residual = limit[j] + start[j] * z[j]
            of_left[j] = shrunk * of_left[j] + 2.0 * residual * start[j] * by_own
            of_variances[j] = shrunk * shrunk * of_variances[j] + eigenvalues[j] * by_own
