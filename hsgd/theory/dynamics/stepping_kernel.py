"""The inner loop of `stepping`, compiled."""

from __future__ import annotations

from hsgd.checks import Array
from volterra.compiling import compiled


@compiled
def advance(
    rates: Array,
    factors: Array,
    momentum: float,
    nesterov: bool,
    excess: float,
    wick: float,
    ridge: float,
    eigenvalues: Array,
    driven: Array,
    damping: Array,
    residual_limit: Array,
    residual_start: Array,
    residual_outside: float,
    moments: Array,
    means: Array,
    fade: Array,
    losses: Array,
) -> None:
    """Take one step for each of `rates` (γ/N), in place.

    `moments` holds each mode's variance, its covariance with the previous error, and the previous
    variance, shape (3, r); `means` the mean error over its start, now and before, shape (2, r).
    `losses` receives Ψ before each step, at the point of its gradient.
    """
    # notation: e ← α e − β e₋₁ + noise; the gradient is taken at e + ν (e − e₋₁)
    V, C, P = moments[0], moments[1], moments[2]
    now, before = means[0], means[1]
    nu = momentum if nesterov else 0.0
    for k in range(rates.size):
        g = rates[k]
        twice_loss = residual_outside
        for j in range(V.size):
            residual = residual_limit[j] + residual_start[j] * (now[j] + nu * (now[j] - before[j]))
            seen = (1.0 + nu) ** 2 * V[j] - 2.0 * (1.0 + nu) * nu * C[j] + nu * nu * P[j]
            twice_loss += residual * residual + eigenvalues[j] * seen
        losses[k] = 0.5 * twice_loss
        for j in range(V.size):
            residual = residual_limit[j] + residual_start[j] * (now[j] + nu * (now[j] - before[j]))
            seen = (1.0 + nu) ** 2 * V[j] - 2.0 * (1.0 + nu) * nu * C[j] + nu * nu * P[j]
            a = 1.0 - g * damping[j]
            alpha = a * (1.0 + momentum) if nesterov else a + momentum
            beta = a * momentum if nesterov else momentum
            own = residual * residual + eigenvalues[j] * seen
            noise = excess * driven[j] * twice_loss + wick * eigenvalues[j] * own
            noise *= factors[k] * g * g
            variance = alpha * alpha * V[j] - 2.0 * alpha * beta * C[j] + beta * beta * P[j]
            C[j] = alpha * V[j] - beta * C[j]
            P[j] = V[j]
            V[j] = variance + noise
            mean = alpha * now[j] - beta * before[j]
            before[j] = now[j]
            now[j] = mean
        a = 1.0 - g * ridge
        alpha = a * (1.0 + momentum) if nesterov else a + momentum
        beta = a * momentum if nesterov else momentum
        faded = alpha * fade[0] - beta * fade[1]
        fade[1] = fade[0]
        fade[0] = faded
