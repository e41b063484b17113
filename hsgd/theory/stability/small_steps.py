"""Steps as small as one likes: homogenized SGD."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hsgd.checks import Array
from hsgd.theory.stability.base import Stability
from volterra import SumOfExponentials, analyse


@dataclass(frozen=True, eq=False)
class SmallSteps(Stability):
    """Modes decay as e^{−γr_j t}; variances twice as fast."""

    def kernel_norm(self, learning_rate: float) -> float:
        return self.system.kernel_norm(learning_rate, self.noise_factor)

    def response(self, learning_rate: float) -> Array:
        return np.asarray(self.at(learning_rate).single_gain * self._persistence(learning_rate))

    def _persistence(self, learning_rate: float) -> Array:
        """Σ over iterations of what is left of a unit of variance, per mode."""
        return np.asarray(0.5 / self.at(learning_rate).step)

    def curvature_limit(self) -> float:
        r, _ = self._damping_and_curvature()
        return float(2.0 / r.max()) if r.any() else float("inf")

    def critical_rate(self) -> float:
        per_rate = self.system.kernel_norm(1.0, self.noise_factor)
        return float(min(1.0 / per_rate if per_rate > 0 else np.inf, self.curvature_limit()))

    def is_stable(self, learning_rate: float, norm: float) -> bool:
        # No step is large here, so the curvature limit is none.
        return norm < 1.0

    def forced_rate(self, learning_rate: float) -> float:
        slowest = self.system.damping[self.system.forcing]
        return learning_rate * float(slowest.min(initial=np.inf))

    def noise_rate(self, learning_rate: float) -> float:
        gain = self.at(learning_rate).gain * self.system.eigenvalues
        rates = 2.0 * learning_rate * self.system.damping
        if not gain.any():
            return float(rates.min())
        weights = self.system.iterations_per_unit * gain
        return -analyse(SumOfExponentials(rates, weights)).malthusian_exponent

    def transition(self) -> float:
        """The learning rate above which the noise, not a mode of the data, sets the rate.

        With a ridge, where the root meets the slowest forced mode: γ* = N/(φ Σ λ²/(2r−r_min)).
        Without, where the noise of all other modes alone decays as slowly as the slowest mode.
        """
        # notation: r = damping; the root at the edge of the forcing's rates
        system, active = self.system, self.system.forcing
        weights = system.noise_weights(self.noise_factor)
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
