"""What a constant learning rate leads to: limits, and the rate at which they are approached."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.theory.spectra.modes import Modes, curvatures
from hsgd.theory.stability.stability import Momentum, Stability
from volterra import SumOfExponentials, analyse


@dataclass(frozen=True, eq=False)
class Ends:
    """Limits at a constant learning rate."""

    stability: Stability
    learning_rate: float

    @property
    def system(self) -> Modes:
        """The modes."""
        return self.stability.system

    @cached_property
    def norm(self) -> float:
        """‖K‖."""
        return self.stability.kernel_norm(self.learning_rate)

    @property
    def stable(self) -> bool:
        """Whether the risk settles."""
        edge = self.stability.curvature_limit()
        inside = self.stability.method == "hsgd" or self.learning_rate < edge
        return self.norm < 1.0 and inside

    @property
    def moves(self) -> bool:
        """At a learning rate of 0 nothing ever does."""
        return self.learning_rate > 0

    def bare_loss(self) -> float:
        """Ψ where gradient flow ends."""
        return float(self.system.losses(np.full((1, 1), 0.0 if self.moves else 1.0))[0])

    def variances(self) -> Array:
        """Stationary variance of each mode."""
        # notation: p = limit of the residuals, whose share of the noise is the wick term
        if not self.moves:
            return np.zeros(len(self.system.eigenvalues))
        p = self.system.residual_limit
        wick = self.system.wick * p**2 if self.stability.method == "discrete" else 0.0
        gain = self.stability.gain(self.learning_rate)
        persistence = self.stability.persistence(self.learning_rate)
        own = gain * wick * persistence
        loss = (self.bare_loss() + 0.5 * float(np.sum(self.system.eigenvalues * own))) / (
            1.0 - self.norm
        )
        return np.asarray(own + 2.0 * loss * gain * persistence)

    def of(self, statistic: Statistic) -> tuple[float, float]:
        """Limit along gradient flow, and SGD's excess over it."""
        system = self.system
        if statistic.name == system.sampled_risk:
            flow = self.bare_loss() / system.iterations_per_unit
        else:
            end = self.system.gradient_flow(np.array([np.inf if self.moves else 0.0]))
            flow = float(system.values(statistic, *end)[0])
        if not self.stable:
            return flow, float("inf")
        return flow, 0.5 * float(np.sum(curvatures(system, statistic) * self.variances()))

    @property
    def regime(self) -> str:
        """What sets the rate."""
        if not self.stable:
            return "unstable"
        forced = self._forced_rate()
        if self.stability.method == "hsgd":
            dominated = self.learning_rate <= self.transition()
        else:
            dominated = forced <= self._noise_rate()
        return "forcing-dominated" if dominated else "noise-dominated"

    @cached_property
    def rate(self) -> float:
        """Rate of ψ − ψ_∞: the kernel's root, or the slowest mode that forces it."""
        if not len(self.system.eigenvalues) or not self.moves:
            return 0.0
        return min(self._noise_rate(), self._forced_rate())

    @property
    def _active(self) -> Array:
        """Modes whose mean enters the loss linearly, which needs a ridge; shape (r,), boolean."""
        return np.asarray(self.system.residual_limit * self.system.residual_start != 0)

    def _forced_rate(self) -> float:
        system, method = self.system, self.stability.method
        slowest = system.damping[self._active.astype(bool)]
        if method == "hsgd":
            return self.learning_rate * float(slowest.min(initial=np.inf))
        steps = self.learning_rate / system.iterations_per_unit * slowest
        return -system.iterations_per_unit * float(
            np.max(_log_modulus(self.stability.rule, steps), initial=-np.inf)
        )

    def _noise_rate(self) -> float:
        # notation: x = the root, a rate per unit of time (hsgd) or 1 − ratio per iteration
        system, N = self.system, self.system.iterations_per_unit
        gain = self.stability.gain(self.learning_rate) * system.eigenvalues
        if self.stability.method == "hsgd":
            rates = 2.0 * self.learning_rate * system.damping
            if not gain.any():
                return float(rates.min())
            return -analyse(SumOfExponentials(rates, N * gain)).malthusian_exponent
        if self.stability.rule.momentum > 0.0:
            return self._momentum_rate(gain)
        step = self.learning_rate / N * system.damping
        settling = step * (2.0 - step) - system.wick * gain
        if not gain.any():
            return -N * float(np.log1p(-settling.min()))
        # Shifted, for the solver takes no negative rates.
        least = min(0.0, float(settling.min()))
        x = least - analyse(SumOfExponentials(settling - least, gain)).malthusian_exponent
        return -N * float(np.log1p(-x)) if x < 1.0 else float("inf")

    def _momentum_rate(self, gain: Array) -> float:
        # notation: s = one over the ratio per iteration; 1 = s Σ_j w_j Σ_m G_m² s^m
        N, rule = self.system.iterations_per_unit, self.stability.rule
        step = self.learning_rate / N * self.system.damping
        edge = float(np.exp(-2.0 * np.max(_log_modulus(rule, step))))

        def room(log_growth: float) -> float:
            s = float(np.exp(log_growth))
            fed = s * float(np.sum(gain * rule.persistence(step, s)[1]))
            return (1.0 / fed if np.isfinite(fed) and fed > 0 else 0.0) - 1.0

        top = np.log(edge)
        if not gain.any():
            return N * float(top)
        low = min(0.0, top) - 1.0
        while room(low) <= 0.0:
            low *= 2.0
        high = top - 1e-13 * max(1.0, abs(top))
        if room(high) > 0.0:
            return N * float(top)
        from scipy.optimize import brentq  # slow to load, and rarely needed

        return N * float(brentq(room, low, high, xtol=1e-15, rtol=1e-13))

    def transition(self) -> float:
        """The learning rate above which the noise, not a mode of the data, sets the rate.

        With a ridge, where the root meets the slowest forced mode: γ* = N/(φ Σ λ²/(2r−r_min)).
        Without, where the noise of all other modes alone decays as slowly as the slowest mode.
        """
        # notation: r = damping; the root at the edge of the forcing's rates
        system = self.system
        active = self._active.astype(bool)
        weights = system.noise_weights(self.stability.noise_factor)
        if active.any():
            edge = float(system.damping[active].min())
            gaps = 2.0 * system.damping - edge
            counted = np.ones(len(gaps), dtype=bool)
        else:
            edge = float(system.damping.min(initial=np.inf))
            gaps = 2.0 * (system.damping - edge)
            counted = gaps > 1e-12 * edge
        if not (gaps[counted] > 0).all():
            return 0.0
        total = float(np.sum(weights[counted] / gaps[counted]))
        return 1.0 / total if total > 0 else float("inf")


def _log_modulus(rule: Momentum, step: Array) -> Array:
    """Log of the largest modulus of the roots of z² = αz − β, per mode."""
    alpha, beta = rule.coefficients(step)
    root = np.sqrt((alpha**2 - 4.0 * beta).astype(np.complex128))
    largest = np.maximum(np.abs(alpha + root), np.abs(alpha - root)) / 2.0
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(largest))
