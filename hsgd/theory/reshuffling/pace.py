"""How an algorithm goes over rows that it reshuffles: its rate per row, and how many passes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.momentum import HeavyBall, Nesterov, momentum_of
from hsgd.algorithms.sgd import SGD
from hsgd.checks import Array
from hsgd.schedules import Schedule

FOLLOWED = (SGD, HeavyBall, Nesterov)
"""What theories of reshuffled rows follow."""


class Pace(NamedTuple):
    """Rates and clock of an algorithm on n rows.

    A step with momentum μ goes on: in the end it is 1/(1−μ) times as long. Between two visits of
    a row there is time for that, so that momentum is a larger rate, and some iterations of delay.
    """

    schedule: Schedule
    """Of a batch, over the algorithm's own time, iterations/n."""
    batch_size: int
    num_rows: int
    single: bool
    """Whether one order is kept for ever."""
    momentum: float = 0.0

    def rates(self, passes: Array) -> Array:
        """Learning rates for a row, in the end, at so many passes."""
        whole = self.batch_size * (1.0 - self.momentum)
        return np.asarray(self.schedule(passes / self.batch_size) / whole, dtype=np.float64)

    def passes(self, iterations: ArrayLike) -> Array:
        """Passes whose steps are done at these iterations: momentum has some left to do."""
        done = np.asarray(iterations, dtype=np.float64)
        left = self.momentum * (1.0 - self.momentum**done) / (1.0 - self.momentum)
        return np.asarray((done - left) * self.batch_size / self.num_rows)

    @property
    def breakpoints(self) -> Array:
        """Where rates are not smooth, in passes."""
        return np.array(self.schedule.breakpoints) * self.batch_size

    @property
    def unfinished(self) -> float:
        """Share of pairs of rows of which the later one meets a step that is still going on."""
        reach = self.batch_size * self.momentum / (1.0 - self.momentum)
        return min(1.0, 2.0 * reach / self.num_rows)

    @property
    def together(self) -> float:
        """Share of pairs of which the later row does not see the earlier one's step, in all."""
        in_a_batch = (self.batch_size - 1.0) / max(1.0, self.num_rows - 1.0)
        return min(1.0, in_a_batch + self.unfinished)


def pace_of(algorithm: Algorithm, num_rows: int) -> Pace:
    """For one of those that are followed."""
    single = getattr(algorithm, "sampling", "") == "single_shuffle"
    size, momentum = int(algorithm.largest_batch_size), momentum_of(algorithm)
    return Pace(algorithm.schedule, size, num_rows, single, momentum)


def refusal(name: str, algorithm: Algorithm) -> str:
    """Why a theory of this name cannot follow an algorithm, in a sentence; empty if it can."""
    if not isinstance(algorithm, FOLLOWED):
        return (
            f"method={name!r} is for SGD, HeavyBall and Nesterov, not for "
            f"{type(algorithm).__name__}: pass one of them, or simulate it."
        )
    if algorithm.has_independent_batches:
        return (
            f"method={name!r} is for rows that are reshuffled: pass sampling='reshuffle' or "
            "'single_shuffle', or leave method out."
        )
    if algorithm.averaging is not None or algorithm.has_batch_schedule:
        return (
            f"method={name!r} knows one batch size and no averages: pass one integer and "
            "averaging=None, or simulate it."
        )
    return ""
