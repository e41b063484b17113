"""What one iteration of SGD with steps of finite size does to the modes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hsgd.checks import Array
from hsgd.theory.spectra.modes import Modes


@dataclass(frozen=True, eq=False)
class Iteration:
    """One iteration at learning rate γ and noise factor φ, without momentum.

    It multiplies the mean of mode j by a_j = 1 − γr_j/N and takes its variance to
    q_j V_j + gain_j (2Ψ + wick·p_j²), p_j the mean residual of the mode.
    """

    system: Modes
    learning_rate: float
    noise_factor: float

    @property
    def step(self) -> Array:
        """1 − a_j = γr_j/N, shape (r,)."""
        return self.learning_rate / self.system.iterations_per_unit * self.system.damping

    @property
    def gain(self) -> Array:
        """φ(γ/N)² λ_j: variance of mode j per unit of 2Ψ, all that it stands for together."""
        return np.asarray(self.system.multiplicity * self.single_gain)

    @property
    def single_gain(self) -> Array:
        """The same for one of them."""
        rate = self.learning_rate / self.system.iterations_per_unit
        return np.asarray(self.noise_factor * rate**2 * self.system.eigenvalues)

    @property
    def wick(self) -> Array:
        """q_j − a_j²."""
        return self.system.wick * self.single_gain * self.system.eigenvalues

    @property
    def settling(self) -> Array:
        """1 − q_j; negative for a mode that grows by itself."""
        return self.step * (2.0 - self.step) - self.wick

    @property
    def growth(self) -> float:
        """The largest modulus of any ratio of the equation; at least 1."""
        ratios = (np.abs(1.0 - self.step), 1.0 - self.settling, np.abs(1.0 - self.step) ** 2)
        return max(1.0, *(float(np.max(ratio, initial=0.0)) for ratio in ratios))
