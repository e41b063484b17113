"""From parameters to recorded statistics, many points to one matrix product."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from hsgd.statistics import Statistic

BLOCK_BYTES = 2**20
"""A block of points fits into a core's second-level cache."""


def block_size(dimension: int) -> int:
    """Points recorded together, from 16 to 128: a function of the dimension alone.

    A matrix product spends time on arranging the data once for all points, and that is spread
    thin enough at about a hundred points.
    """
    return int(np.clip(BLOCK_BYTES // (8 * dimension), 16, 128))


COMPLETE, DIVERGED, PARTIAL = range(3)
"""What became of a replicate."""


class Recorder:
    """Holds the statistics' values, shape (statistics, records, replicates), NaN at first.

    A value that is not finite is recorded as infinite, never as NaN: the difference of two
    infinities is still a run that left for infinity. NaN is what was not run. Threads may record
    different replicates at the same time.
    """

    def __init__(
        self, statistics: Sequence[Statistic], num_records: int, num_replicates: int
    ) -> None:
        self.statistics = tuple(statistics)
        self.values: Array = np.full((len(self.statistics), num_records, num_replicates), np.nan)
        self.diverged = np.zeros(num_replicates, dtype=bool)

    def record(self, replicate: int, first_slot: int, points: Array, count: int) -> None:
        """Record the statistics of the first `count` of `points`, shape (m, d), from a slot on.

        Cost: for the empirical risk 2·m·n·d operations in one matrix product.
        """
        slots = slice(first_slot, first_slot + count)
        # A diverging run overflows on its way; that is recorded, not warned about.
        with np.errstate(all="ignore"):
            for row, statistic in enumerate(self.statistics):
                values = statistic.values(points)[:count]
                self.values[row, slots, replicate] = np.where(np.isfinite(values), values, np.inf)

    def diverge(self, replicate: int, slot: int) -> None:
        """A replicate left for infinity before the record `slot`."""
        self.values[:, slot:, replicate] = np.inf
        self.diverged[replicate] = True

    def status(self) -> NDArray[np.int64]:
        """COMPLETE, DIVERGED or PARTIAL, shape (replicates,)."""
        infinite = self.diverged | np.isinf(self.values).any(axis=(0, 1))
        partial = np.isnan(self.values).any(axis=(0, 1))
        return np.select([partial, infinite], [PARTIAL, DIVERGED], COMPLETE)

    def started(self) -> NDArray[np.bool_]:
        """Which replicates have recorded anything."""
        return np.asarray(~np.isnan(self.values).all(axis=(0, 1)))
