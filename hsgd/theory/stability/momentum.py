"""Steps of finite size, with a constant momentum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.momentum import looks_ahead, momentum_of
from hsgd.checks import Array
from hsgd.theory.stability.finite_steps import FiniteSteps


@dataclass(frozen=True)
class Momentum:
    """How a step treats a mode's error: e ← α e − β e₋₁ + noise, gradient at e + ν(e − e₋₁)."""

    momentum: float = 0.0
    nesterov: bool = False

    @classmethod
    def of(cls, algorithm: Algorithm) -> Momentum:
        """The momentum of an algorithm, 0 if it has none."""
        return cls(momentum_of(algorithm), looks_ahead(algorithm))

    def coefficients(self, step: Array) -> tuple[Array, Array]:
        """α and β at step = γr/N."""
        a = 1.0 - step
        if self.nesterov:
            return a * (1.0 + self.momentum), a * self.momentum
        return a + self.momentum, np.full_like(a, self.momentum)

    @property
    def largest_step(self) -> float:
        """γr/N at which the iteration without noise stops being stable."""
        if self.nesterov:
            return 1.0 + 1.0 / (1.0 + 2.0 * self.momentum)
        return 2.0 * (1.0 + self.momentum)

    def persistence(self, step: Array, growth: float = 1.0) -> tuple[Array, Array]:
        """Σ_m growth^m times squared responses to a unit of noise: of the error, of the gradient's.

        Infinite where the sum diverges. With growth 1 these are variances per unit of noise.
        """
        # notation: s = growth, P = Σ G_m² s^m, X = Σ G_m G_{m−1} s^m, G_{m+1} = αG_m − βG_{m−1}
        alpha, beta = self.coefficients(step)
        nu, s = (self.momentum if self.nesterov else 0.0), growth
        # 1 + β − α is the step itself in both kinds of momentum: the fixed point does not move.
        square = step * (1.0 + beta + alpha) + (s - 1.0) * (2 * beta + beta**2 * (s + 1) - alpha**2)
        room = (1.0 - beta * s) * square
        stable = (np.abs(beta) * s < 1.0) & (square > 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            P = np.where(stable, (1.0 + beta * s) / room, np.inf)
            X = alpha * s * P / (1.0 + beta * s)
        if nu == 0.0:
            return P, P
        at_gradient = ((1.0 + nu) ** 2 + nu**2 * s) * P - 2.0 * nu * (1.0 + nu) * X
        return P, np.where(stable, at_gradient, np.inf)

    def log_modulus(self, step: Array) -> Array:
        """Log of the largest modulus of the roots of z² = αz − β, per mode."""
        alpha, beta = self.coefficients(step)
        root = np.sqrt((alpha**2 - 4.0 * beta).astype(np.complex128))
        largest = np.maximum(np.abs(alpha + root), np.abs(alpha - root)) / 2.0
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(largest))


@dataclass(frozen=True, eq=False)
class MomentumSteps(FiniteSteps):
    """A mode answers a unit of noise by Σ_m G_m, G_{m+1} = αG_m − βG_{m−1}; its sums of squares."""

    rule: Momentum

    @property
    def own_noise(self) -> float:
        return 0.0

    def transition(self) -> None:
        """Roots of modes with momentum turn complex, so that no formula is known."""
        return None

    def _persistence(self, learning_rate: float) -> Array:
        return self.rule.persistence(self.at(learning_rate).step)[0]

    def _heard(self, learning_rate: float) -> Array:
        return self.rule.persistence(self.at(learning_rate).step)[1]

    def curvature_limit(self) -> float:
        r, _ = self._damping_and_curvature()
        return float(self.rule.largest_step / r.max()) if r.any() else float("inf")

    def _log_modulus(self, step: Array) -> Array:
        return self.rule.log_modulus(step)

    def noise_rate(self, learning_rate: float) -> float:
        # notation: s = one over the ratio per iteration; 1 = s Σ_j w_j Σ_m G_m² s^m
        N, one = self.system.iterations_per_unit, self.at(learning_rate)
        gain, step = one.gain * self.system.eigenvalues, one.step
        edge = float(np.exp(-2.0 * np.max(self.rule.log_modulus(step))))

        top = float(np.log(edge))
        if not gain.any():
            return N * top
        return N * dying(lambda s: float(np.sum(gain * self.rule.persistence(step, s)[1])), top)


def dying(fed: Callable[[float], float], top: float) -> float:
    """Rate per iteration at which noise that feeds itself dies out: log s at s·fed(s) = 1.

    `fed` is the kernel's generating function Σ_m K_m s^m, `top` the logarithm of the s at which it
    diverges; without a root below, that is the rate.
    """

    def room(log_growth: float) -> float:
        s = float(np.exp(log_growth))
        total = s * fed(s)
        return (1.0 / total if np.isfinite(total) and total > 0 else 0.0) - 1.0

    low = min(0.0, top) - 1.0
    while room(low) <= 0.0:
        low *= 2.0
    high = top - 1e-13 * max(1.0, abs(top))
    if room(high) > 0.0:
        return top
    from scipy.optimize import brentq  # slow to load, and rarely needed

    return float(brentq(room, low, high, xtol=1e-15, rtol=1e-13))
