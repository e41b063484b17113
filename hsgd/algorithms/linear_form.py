"""What all linear first-order methods are: a few vectors, mixed, and moved along one gradient.

The state Z has m vectors of parameters. With the gradient g at the *query* c·Z an iteration takes

    Z ← A Z − b g,

and the iterate that a user sees is the *readout* r·Z. Momentum, averages of the iterates, Nesterov
and schedule-free steps differ in A (m by m), b, c and r (m numbers each) alone. Vectors of
parameters start at x0, memories of gradients at zero: `start` is 1 and 0. Where the gradient
vanishes nothing may move, so that A·start = start, and c and r give 1 on it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.averaging import Averaging
from hsgd.checks import Array


class Steps(NamedTuple):
    """Some iterations of a linear method."""

    mixing: Array
    """A of each, shape (k, m, m)."""
    gains: Array
    """b of each, shape (k, m): how far a unit of gradient moves each vector."""


StepsOf = Callable[[NDArray[np.int64], int], Steps]
"""From iterations, and how many make a unit of time, to what they do."""


@dataclass(frozen=True, eq=False)
class LinearForm:
    """A linear method, whatever it is called."""

    start: Array
    query: Array
    readout: Array
    steps: StepsOf
    is_constant: bool
    """Whether all iterations do the same."""
    average: Array | None = None
    """A second readout, shape (m,): the average, if one is kept."""

    @property
    def size(self) -> int:
        """Number of vectors m."""
        return len(self.start)

    def averaged(self, averaging: Averaging | None) -> LinearForm:
        """The same with an average of its iterates as one more vector."""
        if averaging is None:
            return self
        inner, m = self.steps, self.size

        def steps(iterations: NDArray[np.int64], per_unit: int) -> Steps:
            A, b = inner(iterations, per_unit)
            share = averaging.shares(iterations, per_unit)
            mixing, gains = np.zeros((len(b), m + 1, m + 1)), np.zeros((len(b), m + 1))
            mixing[:, :m, :m], gains[:, :m] = A, b
            # x̄ ← (1 − a) x̄ + a r·(A Z − b g)
            mixing[:, m, :m] = share[:, None] * (self.readout @ A)
            mixing[:, m, m] = 1.0 - share
            gains[:, m] = share * (b @ self.readout)
            return Steps(mixing, gains)

        return replace(
            self,
            start=np.append(self.start, 1.0),
            query=np.append(self.query, 0.0),
            readout=np.append(self.readout, 0.0),
            steps=steps,
            is_constant=self.is_constant and averaging.is_constant,
            average=np.append(np.zeros(m), 1.0),
        )

    def rounding(self, per_unit: int, last: int) -> float:
        """How much the mixing enlarges a rounding error of the state, at most: Σ|r·A^p|."""
        largest = 1.0
        for mixing in self.steps(np.array([0, max(last - 1, 0)]), per_unit).mixing:
            power = mixing
            for _ in range(40):  # A^(2^p), whose rows are bounded where the method is any good
                seen = np.abs(self.readout @ power).sum()
                if not seen < 1e6:
                    break
                largest, power = max(largest, float(seen)), power @ power
        return largest


def constant_steps(mixing: Array, gains: Array) -> StepsOf:
    """The same A and b in all iterations."""

    def steps(iterations: NDArray[np.int64], per_unit: int) -> Steps:
        del per_unit
        k = len(iterations)
        return Steps(np.broadcast_to(mixing, (k, *mixing.shape)), np.tile(gains, (k, 1)))

    return steps


def scaled_steps(
    mixing: Array, gains: Array, rates: Callable[[Array], Array], *, constant: bool
) -> StepsOf:
    """The same A in all iterations, and b times a learning rate that is a function of time."""
    if constant:
        return constant_steps(mixing, gains * float(rates(np.zeros(1))[0]))

    def steps(iterations: NDArray[np.int64], per_unit: int) -> Steps:
        rate = np.asarray(rates(iterations / per_unit))
        return Steps(np.broadcast_to(mixing, (len(rate), *mixing.shape)), rate[:, None] * gains)

    return steps
