"""The question as the collocation method sees it: modes, stops and a global tolerance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from volterra.collocation.step import Equation
from volterra.kernels.exponentials import SumOfExponentials, TimeChanged
from volterra.solution import Forcing

Array = NDArray[np.float64]

_SHORT = 1e-9


@dataclass(frozen=True, eq=False)
class Problem:
    """What is asked: an equation on [0, stop] with stops in between, and a global tolerance."""

    forcing: Forcing
    kernel: SumOfExponentials | TimeChanged
    t: Array
    rtol: float
    atol: float

    @property
    def stop(self) -> float:
        """The last requested time; something positive if only t = 0 is asked for."""
        return float(self.t[-1]) if self.t[-1] > 0 else _SHORT

    @property
    def stops(self) -> list[float]:
        """Times on which steps must land, the last one included."""
        inner = () if isinstance(self.kernel, SumOfExponentials) else self.kernel.breakpoints
        return [float(b) for b in inner if 0 < b < self.stop] + [self.stop]

    @property
    def sum_of_exponentials(self) -> SumOfExponentials:
        """The kernel without its clock."""
        return self.kernel.kernel if isinstance(self.kernel, TimeChanged) else self.kernel

    def equation(self) -> Equation:
        """The equation in distinct modes with nonzero weights."""
        modes = self.sum_of_exponentials.modes()
        keep = modes.weights != 0
        return self._with_modes(self.forcing, modes.rates[keep], modes.weights[keep])

    def _with_modes(self, forcing: Forcing | None, rates: Array, weights: Array) -> Equation:
        if isinstance(self.kernel, SumOfExponentials):
            return Equation(forcing, rates, weights)
        changed = self.kernel
        return Equation(forcing, rates, weights, changed.clock, changed.clock_rate, changed.weight)

    def observation(self, weights: Array, forcing: Forcing | None) -> tuple[Equation, Array]:
        """The modes that are observed, and their weights."""
        modes = self.sum_of_exponentials.modes()
        v = modes.collect(weights)
        keep = v != 0
        return self._with_modes(forcing, modes.rates[keep], modes.weights[keep]), v[keep]
