"""Steps of finite size, without momentum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hsgd.checks import Array
from hsgd.theory.stability.base import Stability
from volterra import SumOfExponentials, analyse


@dataclass(frozen=True, eq=False)
class FiniteSteps(Stability):
    """An iteration multiplies the mean of a mode by a_j, its variance by q_j (see `Iteration`)."""

    @property
    def own_noise(self) -> float:
        return self.system.wick

    def kernel_norm(self, learning_rate: float) -> float:
        if learning_rate >= self.curvature_limit():
            return float("inf")
        gain = self.at(learning_rate).gain
        if not gain.any():
            return 0.0
        return float(np.sum(self.system.eigenvalues * gain * self._heard(learning_rate)))

    def response(self, learning_rate: float) -> Array:
        return np.asarray(self.at(learning_rate).single_gain * self._persistence(learning_rate))

    def _heard(self, learning_rate: float) -> Array:
        """`_persistence`, as the gradient sees it."""
        return self._persistence(learning_rate)

    def _persistence(self, learning_rate: float) -> Array:
        """Σ over iterations of what is left of a unit of variance, per mode."""
        settling = self.at(learning_rate).settling
        with np.errstate(divide="ignore"):
            return np.where(settling > 0, 1.0 / settling, np.inf)

    def curvature_limit(self) -> float:
        r, lam = self._damping_and_curvature()
        if not r.any():
            return float("inf")
        # The noise that a mode makes by itself acts like more curvature.
        return float(2.0 / (r + self.system.wick * self.noise_factor * lam**2 / r).max())

    def critical_rate(self) -> float:
        edge = self.curvature_limit()
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

        return _root(room, low, high)

    def is_stable(self, learning_rate: float, norm: float) -> bool:
        return norm < 1.0 and learning_rate < self.curvature_limit()

    def forced_rate(self, learning_rate: float) -> float:
        N = self.system.iterations_per_unit
        slowest = self.system.damping[self.system.forcing]
        moduli = self._log_modulus(learning_rate / N * slowest)
        return -N * float(np.max(moduli, initial=-np.inf))

    def transition(self) -> float | None:
        """As for small steps, the learning rate at which Σ gain_j λ_j/(settling_j − edge) = 1."""
        return self._transition

    @cached_property
    def _transition(self) -> float:
        high = self.critical_rate()
        if not np.isfinite(high):
            return high
        low, high = 1e-9 * high, (1.0 - 1e-13) * high
        if self._room_at_edge(low) <= 0.0:
            return 0.0
        if self._room_at_edge(high) >= 0.0:
            return float("inf")
        return _root(self._room_at_edge, low, high)

    def _room_at_edge(self, learning_rate: float) -> float:
        """What is left of 1 where noise decays as slowly as the slowest mode that forces the loss.

        Without such a mode, as the slowest of all; that one is then not counted.
        """
        one, forced = self.at(learning_rate), self.system.forcing
        if forced.any():
            edge = -float(np.expm1(self._log_modulus(one.step[forced]).max()))
            counted = np.ones(len(one.step), dtype=bool)
        else:
            edge = float(one.settling.min(initial=np.inf))
            counted = one.settling - edge > 1e-12 * edge
        gaps = (one.settling - edge)[counted]
        if (gaps <= 0).any():
            return -np.inf
        heard = np.sum((one.gain * self.system.eigenvalues)[counted] / gaps)
        return 1.0 - float(heard)

    def _log_modulus(self, step: Array) -> Array:
        """Logarithm of the factor by which an iteration shrinks the mean of each mode."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.abs(1.0 - step)))

    def noise_rate(self, learning_rate: float) -> float:
        # notation: x = the root, 1 − ratio per iteration
        N, one = self.system.iterations_per_unit, self.at(learning_rate)
        gain = one.gain * self.system.eigenvalues
        if not gain.any():
            return -N * float(np.log1p(-one.settling.min()))
        # Shifted, for the solver takes no negative rates.
        least = min(0.0, float(one.settling.min()))
        kernel = SumOfExponentials(one.settling - least, gain)
        x = least - analyse(kernel).malthusian_exponent
        return -N * float(np.log1p(-x)) if x < 1.0 else float("inf")


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    from scipy.optimize import brentq  # slow to load, and rarely needed

    return float(brentq(function, low, high, xtol=1e-300, rtol=1e-14, maxiter=500))
