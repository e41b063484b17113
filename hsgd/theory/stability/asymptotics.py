"""What a constant learning rate leads to: limits, and the rate at which they are approached."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.theory.spectra.modes import Modes
from hsgd.theory.stability.base import Stability


@dataclass(frozen=True, eq=False)
class Asymptotics:
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
        return self.stability.is_stable(self.learning_rate, self.norm)

    @property
    def moves(self) -> bool:
        """Whether anything ever does."""
        return self.stability.moves(self.learning_rate)

    def bare_loss(self) -> float:
        """Ψ where gradient flow ends."""
        return float(self.system.losses(np.full((1, 1), 0.0 if self.moves else 1.0))[0])

    def variances(self) -> Array:
        """Stationary variance of each mode."""
        if not self.moves:
            return np.zeros(len(self.system.eigenvalues))
        return np.asarray(self.stability.response(self.learning_rate) * self._driven())

    def noise(self) -> Array:
        """Variance of each mode's gradient, per iteration, once all is stationary."""
        eigenvalues, driven = self.system.eigenvalues, self._driven()
        seen = eigenvalues * self.stability.heard(self.learning_rate) * driven
        return np.asarray(
            self.stability.noise_factor * eigenvalues * (driven + self.stability.own_noise * seen)
        )

    def _driven(self) -> Array:
        """2Ψ in the end, and what the mean residual of a mode adds to its noise: the wick term."""
        own = self.stability.own_noise * self.system.residual_limit**2
        heard = self.system.eigenvalues * self.stability.heard(self.learning_rate)
        loss = (self.bare_loss() + 0.5 * float(np.sum(heard * own))) / (1.0 - self.norm)
        return np.asarray(own + 2.0 * loss * self.system.multiplicity)

    def loss(self) -> float:
        """Limit of Ψ; infinite where the risk diverges."""
        if not self.stable:
            return float("inf")
        return self.bare_loss() + 0.5 * float(self.system.eigenvalues @ self.variances())

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
        return flow, 0.5 * float(np.sum(system.curvatures(statistic) * self.variances()))

    @property
    def regime(self) -> str:
        """What sets the rate."""
        if not self.stable:
            return "unstable"
        forced = self.stability.is_forced(self.learning_rate)
        return "forcing-dominated" if forced else "noise-dominated"

    @cached_property
    def rate(self) -> float:
        """Rate of ψ − ψ_∞: the kernel's root, or the slowest mode that forces it."""
        if not len(self.system.eigenvalues) or not self.moves:
            return 0.0
        rates = (self.stability.noise_rate, self.stability.forced_rate)
        return min(rate(self.learning_rate) for rate in rates)
