"""From parameters to recorded statistics, many points to one matrix product."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.statistics.readouts import Readout

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


Recorded = Statistic | Readout


def num_values(statistic: Recorded) -> int:
    """Numbers that a statistic makes of a point."""
    return statistic.count if isinstance(statistic, Readout) else 1


class Recorder:
    """Holds the statistics' values, shape (rows, records, replicates), NaN at first.

    A statistic has a row for each number that it makes of a point; where runs keep an average, all
    of them again for it; where runs find their learning rates, those are the last row. A value that
    is not finite is recorded as infinite, never as NaN: the difference of two infinities is still a
    run that left for infinity. NaN is what was not run. Threads may record different replicates at
    the same time.
    """

    def __init__(
        self,
        statistics: Sequence[Recorded],
        num_records: int,
        num_replicates: int,
        *,
        with_rates: bool = False,
        with_averages: bool = False,
    ) -> None:
        self.statistics = tuple(statistics)
        self.has_averages = with_averages
        times = 1 + with_averages
        ends = np.cumsum([num_values(statistic) for statistic in statistics] * times).tolist()
        self._rows = [slice(*pair) for pair in pairwise([0, *ends])]
        num_rows = ends[-1] + with_rates
        self.values: Array = np.full((num_rows, num_records, num_replicates), np.nan)
        self.diverged = np.zeros(num_replicates, dtype=bool)

    def record(
        self,
        replicate: int,
        first_slot: int,
        points: Array,
        count: int,
        rates: Array | None = None,
        averages: Array | None = None,
    ) -> None:
        """Record the statistics of the first `count` of `points`, shape (m, d), from a slot on.

        `rates`, shape (m,), are the learning rates at the points, where runs find them, `averages`
        of the shape of the points what runs keep.
        Cost: for the empirical risk 2·m·n·d operations in one matrix product.
        """
        slots = slice(first_slot, first_slot + count)
        # A diverging run overflows on its way; that is recorded, not warned about.
        with np.errstate(all="ignore"):
            kinds = [points] if averages is None else [points, averages]
            asked = [(statistic, kind) for kind in kinds for statistic in self.statistics]
            for rows, (statistic, kind) in zip(self._rows, asked, strict=True):
                self.values[rows, slots, replicate] = _finite(statistic.values(kind)[:count]).T
        if rates is not None:
            self.values[-1, slots, replicate] = _finite(rates[:count])

    def of(self, statistic: Recorded, *, averaged: bool = False) -> Array:
        """Values of a statistic, shape (records, replicates), or with what is read off behind."""
        place = self.statistics.index(statistic) + averaged * len(self.statistics)
        values = self.values[self._rows[place]]
        single = isinstance(statistic, Statistic)
        return np.asarray(values[0] if single else np.moveaxis(values, 0, -1))

    @property
    def rates(self) -> Array:
        """The learning rates that the runs found, shape (records, replicates)."""
        return np.asarray(self.values[-1])

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


def _finite(values: Array) -> Array:
    """The values, infinite where they are not finite."""
    return np.asarray(np.where(np.isfinite(values), values, np.inf))
