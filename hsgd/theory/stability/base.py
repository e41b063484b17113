"""What is asked of a way to take steps: how noise is fed back, and when it stops dying out.

The loss drives noise, and noise drives the loss. Per unit of 2Ψ an iteration adds to the variance
of each mode; summed over all later iterations that is its `response` (`heard` where the gradient is
taken), which makes the kernel norm, which must stay below 1. To write a new way to take steps,
subclass `Stability` and say in each method how its modes respond.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from hsgd.checks import Array
from hsgd.theory.spectra.modes import Modes
from hsgd.theory.stability.iteration import Iteration


@dataclass(frozen=True, eq=False)
class Stability(ABC):
    """Norms and rates of one setting as functions of the learning rate."""

    system: Modes
    noise_factor: float

    def at(self, learning_rate: float) -> Iteration:
        """One iteration without momentum."""
        return Iteration(self.system, learning_rate, self.noise_factor)

    @property
    def own_noise(self) -> float:
        """Share of its own mean residual in the noise of a mode."""
        return 0.0

    @abstractmethod
    def kernel_norm(self, learning_rate: float) -> float:
        """‖K‖: noise put in over noise fed back; infinite beyond the curvature limit."""

    @abstractmethod
    def response(self, learning_rate: float) -> Array:
        """Variance of each mode per unit of 2Ψ, of one of those that it stands for, shape (r,)."""

    def heard(self, learning_rate: float) -> Array:
        """The same where the gradient is taken."""
        return self.response(learning_rate)

    def moves(self, learning_rate: float) -> bool:
        """Whether anything ever does."""
        return learning_rate > 0

    @abstractmethod
    def curvature_limit(self) -> float:
        """Learning rate at which even a single mode stops being stable by itself."""

    @abstractmethod
    def critical_rate(self) -> float:
        """The largest learning rate below which the norm is less than 1."""

    @abstractmethod
    def is_stable(self, learning_rate: float, norm: float) -> bool:
        """Whether the risk settles where the kernel norm is `norm`."""

    @abstractmethod
    def forced_rate(self, learning_rate: float) -> float:
        """Rate of the slowest mode that forces the loss, per unit of time; infinite without one."""

    @abstractmethod
    def noise_rate(self, learning_rate: float) -> float:
        """Rate at which noise that is fed back dies out, per unit of time."""

    def transition(self) -> float | None:
        """The learning rate above which the noise sets the rate, where that has a formula."""
        return None

    def is_forced(self, learning_rate: float) -> bool:
        """Whether a mode of the data, not the noise, sets the rate."""
        transition = self.transition()
        if transition is not None:
            return learning_rate <= transition
        return self.forced_rate(learning_rate) <= self.noise_rate(learning_rate)

    def _damping_and_curvature(self) -> tuple[Array, Array]:
        """r_j/N and λ_j/N; data without any mode still have the ridge."""
        N = self.system.iterations_per_unit
        r, lam = self.system.damping / N, self.system.eigenvalues / N
        if not len(lam):
            return np.array([self.system.ridge / N]), np.zeros(1)
        return r, lam
