"""The learning rate at every iteration, as arrays that kernels read."""

from __future__ import annotations

import numpy as np

from hsgd.checks import Array
from hsgd.schedules import Constant, Schedule

KEPT = 2**22
"""Rates that are computed once and shared by all replicates (32 MB)."""


class LearningRates:
    """γ_k = schedule(k/n) for k in a range, by `between`.

    The first `KEPT` rates are evaluated here, once, which also checks the schedule before any
    work; later ones are evaluated when a replicate comes to them.

    Raises
    ------
    ValueError
        If the schedule is negative or not finite at an iteration.
    """

    def __init__(self, schedule: Schedule, num_rows: int, num_iterations: int) -> None:
        self._schedule = schedule
        self._num_rows = num_rows
        self._constant = isinstance(schedule, Constant)
        self._kept = self._evaluate(0, 1 if self._constant else min(num_iterations, KEPT))

    def _evaluate(self, first: int, last: int) -> Array:
        # A copy, since a user's function may return a view of any layout.
        return np.array(self._schedule(np.arange(first, last) / self._num_rows))

    def between(self, first: int, last: int) -> Array:
        """Rates of the iterations first, …, last − 1."""
        if self._constant:
            return np.full(last - first, self._kept[0])
        if last <= len(self._kept):
            return self._kept[first:last]
        return self._evaluate(first, last)
