"""Replicates on the device: what changes, and what is fetched."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.engines.base import Plan
from simulate.engines.cuda.device import cuda
from simulate.engines.cuda.order import bytes_of_order
from simulate.engines.cuda.rows import Rows
from simulate.rows.base import FreshRows
from simulate.rows.data import DataRows

LAUNCH_ENTRIES = 2**24
"""Entries of rows that a replicate reads or makes in one launch: some hundredths of a second."""


def launch_iterations(plan: Plan) -> int:
    """Iterations of one launch: between two of them the host can look at the clock."""
    entries = max(plan.width, 1024)  # a row of few entries still has an overhead
    numbers = entries * plan.rows.numbers_per_entry
    return max(1, LAUNCH_ENTRIES // (plan.batches.largest * numbers))


def bytes_of_replicate(plan: Plan) -> int:
    """Upper estimate of what a replicate takes on the device."""
    largest, block = plan.batches.largest, min(plan.block_size, len(plan.iterations))
    numbers = plan.width * (block + 3) + largest * (launch_iterations(plan) + 1) + 2
    numbers += plan.numbers_of_state
    if isinstance(plan.rows, DataRows):
        return 8 * numbers + bytes_of_order(plan, plan.rows)
    assert isinstance(plan.rows, FreshRows)
    return 8 * (numbers + largest * plan.width + plan.rows.num_normals)


class Replicates(ABC):
    """Replicates that have come equally far.

    Parameters
    ----------
    plan
        The plan.
    keys
        Philox keys, shape (replicates, 2).
    arrays
        What changes, by name, the first axis for replicates: parameters and the like.
    data
        What all replicates read, on the device.
    """

    def __init__(
        self, plan: Plan, keys: Any, arrays: dict[str, Array], data: tuple[Any, ...]
    ) -> None:
        self._plan, self._count = plan, len(keys)
        self._rows = Rows(plan, cuda.to_device(keys), data)
        self._arrays = {name: cuda.to_device(values) for name, values in arrays.items()}
        self._diverged = cuda.to_device(np.full(self._count, -1))
        block = min(plan.block_size, len(plan.iterations))
        self._points = cuda.device_array((self._count, block, plan.width))

    @staticmethod
    @abstractmethod
    def start(plan: Plan) -> dict[str, Array]:
        """What changes in one replicate, as it is at first."""

    def arrays(self) -> dict[str, Array]:
        """What changes, fetched."""
        return {name: values.copy_to_host() for name, values in self._arrays.items()}

    def points(self) -> Array:
        """The block of records as far as it is filled, fetched: (replicates, block, d)."""
        return np.asarray(self._points.copy_to_host())

    def set_points(self, saved: list[Any], filled: int) -> None:
        """Put back the first `filled` points of each replicate."""
        if filled:
            points = np.zeros(self._points.shape)
            points[:, :filled] = saved
            self._points = cuda.to_device(points)

    def diverged(self) -> Any:
        """The iteration at which a replicate diverged, −1 where it has not; shape (replicates,)."""
        return self._diverged.copy_to_host()

    def wait(self) -> None:
        """Wait until the device has done what it was told."""
        cuda.synchronize()

    @abstractmethod
    def advance(self, first: int, last: int, records: Any, slot: int) -> None:
        """Tell the GPU to do the iterations first, …, last − 1, and return at once.

        The parameters before those in `records`, which may include `first` and `last`, go to the
        block of records, from `slot` on.
        """
