"""The inner loops of `adaptive`, compiled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hsgd.checks import Array
from volterra.compiling import compiled


class Looked(NamedTuple):
    """What the loops read of modes, and what a rule looks at in them."""

    N: float
    ridge: float
    eigenvalues: Array
    driven: Array
    damping: Array
    residual_limit: Array
    residual_start: Array
    residual_outside: float
    start: Array
    wick: float
    excess: float
    weights: Array
    unseen: float
    """Weighted square of the start that no row sees."""


@compiled
def measured(
    modes: Any, phi: float, means: Array, variances: Array, fade: Array
) -> tuple[float, float, float, float]:
    """Slope, bend and 2Ψ, as `adaptive` defines them, and the variance of 2Ψ in a single run."""
    N, eigenvalues, weights = modes.N, modes.eigenvalues, modes.weights
    slope, bend, noise, own, spread = 0.0, 0.0, 0.0, 0.0, 0.0
    twice_loss = modes.residual_outside
    for j in range(means.size):
        p = modes.residual_limit[j] + modes.residual_start[j] * means[j]
        varies = eigenvalues[j] * variances[j]
        q = p * p + varies
        twice_loss += q
        spread += 2.0 * varies * (2.0 * p * p + varies)
        h, w = modes.damping[j] / N, weights[j]
        error = modes.start[j] * means[j]
        square = error * error + variances[j]
        slope += w * h * square
        bend += w * h * h * square
        noise += w * eigenvalues[j] / N
        own += w * eigenvalues[j] / N * q / N
    outside, h = modes.unseen * fade[0] * fade[0], modes.ridge / N
    slope += h * outside
    bend += h * h * outside + phi * (twice_loss / N * noise + modes.wick * own)
    return slope, bend, twice_loss, spread


@compiled
def advance(
    modes: Any,
    adds_up: bool,
    factors: Array,
    noise_factors: Array,
    energy: Array,
    means: Array,
    variances: Array,
    fade: Array,
) -> None:
    """Take a step for each of `factors`, the numerators of the learning rate, in place.

    Where `adds_up`, γ = factor/√energy, to which the squared gradient is added first; else it is
    factor·slope/bend. `means` are mean errors over the start.
    """
    eigenvalues, damping = modes.eigenvalues, modes.damping
    for k in range(factors.size):
        phi = noise_factors[k]
        slope, bend, twice_loss, _ = measured(modes, phi, means, variances, fade)
        if adds_up:
            energy[0] += bend
            rate = factors[k] / np.sqrt(energy[0])
        else:
            rate = factors[k] * slope / bend if bend != 0.0 else 0.0
        g = rate / modes.N
        for j in range(means.size):
            p = modes.residual_limit[j] + modes.residual_start[j] * means[j]
            own = modes.wick * eigenvalues[j] * (p * p + eigenvalues[j] * variances[j])
            a = 1.0 - g * damping[j]
            noise = phi * g * g * (modes.excess * modes.driven[j] * twice_loss + own)
            variances[j] = a * a * variances[j] + noise
            means[j] *= a
        fade[0] *= 1.0 - g * modes.ridge
