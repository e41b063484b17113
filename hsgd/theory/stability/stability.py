"""Kernel norms and critical learning rates: when the noise that is fed back stops dying out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.momentum import Nesterov
from hsgd.checks import Array
from hsgd.theory.spectra.modes import Modes


@dataclass(frozen=True)
class Momentum:
    """How a step treats a mode's error: e ← α e − β e₋₁, gradient at e + ν(e − e₋₁)."""

    momentum: float = 0.0
    nesterov: bool = False

    @classmethod
    def of(cls, algorithm: Algorithm) -> Momentum:
        """The momentum of an algorithm, 0 if it has none."""
        return cls(float(getattr(algorithm, "momentum", 0.0)), isinstance(algorithm, Nesterov))

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


@dataclass(frozen=True, eq=False)
class Stability:
    """Norms of one setting as functions of the learning rate."""

    system: Modes
    noise_factor: float
    method: str = "hsgd"
    rule: Momentum = Momentum()

    def kernel_norm(self, learning_rate: float) -> float:
        """‖K‖: noise put in over noise fed back; infinite beyond the curvature limit."""
        if self.method == "hsgd":
            return self.system.kernel_norm(learning_rate, self.noise_factor)
        if learning_rate >= self.curvature_limit():
            return float("inf")
        gain = self.gain(learning_rate)
        if not gain.any():
            return 0.0
        persistence = self.persistence(learning_rate, at_gradient=True)
        return float(np.sum(self.system.eigenvalues * gain * persistence))

    def gain(self, learning_rate: float) -> Array:
        """Variance that one step adds to each mode per unit of 2Ψ."""
        rate = learning_rate / self.system.iterations_per_unit
        return np.asarray(self.noise_factor * rate**2 * self.system.eigenvalues)

    def persistence(self, learning_rate: float, *, at_gradient: bool = False) -> Array:
        """Σ over time of what is left of a unit of variance, per mode."""
        step = learning_rate / self.system.iterations_per_unit * self.system.damping
        if self.method == "hsgd":
            return np.asarray(0.5 / step)
        if self.rule.momentum == 0.0:
            wick = self.system.wick * self.gain(learning_rate) * self.system.eigenvalues
            settling = step * (2.0 - step) - wick
            with np.errstate(divide="ignore"):
                return np.where(settling > 0, 1.0 / settling, np.inf)
        return self.rule.persistence(step)[1 if at_gradient else 0]

    def curvature_limit(self) -> float:
        """Where even a single mode stops being stable by itself."""
        # notation: r, lam = damping and eigenvalues per iteration
        N = self.system.iterations_per_unit
        r, lam = self.system.damping / N, self.system.eigenvalues / N
        if not len(lam):
            r, lam = np.array([self.system.ridge / N]), np.zeros(1)
        if not r.any():
            return float("inf")
        if self.method == "discrete" and self.rule.momentum == 0.0:
            r = r + self.system.wick * self.noise_factor * lam**2 / r
        return float(self.rule.largest_step / r.max())

    def critical_rate(self) -> float:
        """The largest learning rate below which the norm is less than 1."""
        edge = self.curvature_limit()
        if self.method == "hsgd":
            per_rate = self.system.kernel_norm(1.0, self.noise_factor)
            return float(min(1.0 / per_rate if per_rate > 0 else np.inf, edge))
        if self.noise_factor == 0.0 or not np.isfinite(edge):
            return edge
        low = edge * 1e-12
        if self.kernel_norm(low) >= 1.0:
            return low
        high = edge * (1.0 - 1e-13)
        if self.kernel_norm(high) <= 1.0:
            return edge

        # In terms of 1/‖K‖, which ends at 0: the root stays well conditioned at the edge.
        def room(rate: float) -> float:
            norm = self.kernel_norm(rate)
            return (1.0 / norm if np.isfinite(norm) else 0.0) - 1.0

        from scipy.optimize import brentq  # slow to load, and rarely needed

        return float(brentq(room, low, high, xtol=1e-300, rtol=1e-14, maxiter=500))
