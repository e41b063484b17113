"""Learning rate and batch size at every iteration, as arrays that kernels read."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.base import Algorithm
from hsgd.checks import Array
from hsgd.schedules import Constant, Schedule

KEPT = 2**22
"""Rates that are computed once and shared by all replicates (32 MB)."""


class LearningRates:
    """γ_k = schedule(k/per_unit) for k in a range, by `between`.

    The first `KEPT` rates are evaluated here, once, which also checks the schedule before any
    work; later ones are evaluated when a replicate comes to them.

    Raises
    ------
    ValueError
        If the schedule is negative or not finite at an iteration.
    """

    def __init__(self, schedule: Schedule, per_unit: int, num_iterations: int) -> None:
        self._schedule = schedule
        self._per_unit = per_unit
        self._constant = isinstance(self._schedule, Constant)
        self.kept = self._evaluate(0, 1 if self._constant else min(num_iterations, KEPT))

    def _evaluate(self, first: int, last: int) -> Array:
        # A copy, since a user's function may return a view of any layout.
        return np.array(self._schedule(np.arange(first, last) / self._per_unit))

    def between(self, first: int, last: int) -> Array:
        """Rates of the iterations first, …, last − 1."""
        if self._constant:
            return np.full(last - first, self.kept[0])
        if last <= len(self.kept):
            return self.kept[first:last]
        return self._evaluate(first, last)

    def up_to(self, first: int, last: int) -> Array:
        """Rates of the iterations first, …, last: one more, for a record before the last step."""
        return np.append(self.between(first, last), self.between(last, last + 1))


class BatchSizes:
    """B_k for k in a range, by `between`, and how many rows were drawn before it."""

    def __init__(self, algorithm: Algorithm, per_unit: int) -> None:
        self._algorithm = algorithm
        self._per_unit = per_unit
        self.largest = algorithm.largest_batch_size

    def between(self, first: int, last: int) -> NDArray[np.int64]:
        """Batch sizes of the iterations first, …, last − 1."""
        if not self._algorithm.has_batch_schedule:
            return np.full(last - first, self.largest)
        return self._algorithm.batch_sizes(np.arange(first, last) / self._per_unit)

    def rows_before(self, iteration: Any) -> int:
        """Rows drawn before an iteration."""
        return int(self._algorithm.rows_drawn(iteration, self._per_unit))
