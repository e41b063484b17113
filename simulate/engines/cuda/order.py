"""Which rows are read, drawn on the device: the same sequence as `sampling.rows_of_block`."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulate.engines.base import Plan
from simulate.engines.cuda import device
from simulate.engines.cuda.device import choose, cuda, draw, launched, undo_choice
from simulate.randomness.sampling import (
    INDEPENDENT_BLOCK,
    PURPOSES,
    SINGLE_SHUFFLE,
    SUBSET,
    WITH_REPLACEMENT,
    block_length,
)
from simulate.rows.data import DataRows


@launched
def draw_independent(keys: Any, num_rows: int, position: int, numbers: Any) -> None:
    """`numbers[r, i]`: the row at `position + i` of replicate r, drawn with replacement."""
    r = cuda.blockIdx.x
    for i in range(cuda.threadIdx.x, numbers.shape[1], cuda.blockDim.x):
        block, offset = divmod(position + i, INDEPENDENT_BLOCK)
        numbers[r, i] = draw(keys[r], PURPOSES[WITH_REPLACEMENT], block, offset, num_rows)


@launched
def draw_subsets(
    keys: Any, num_rows: int, first: int, sizes: Any, identity: Any, draws: Any, numbers: Any
) -> None:
    """`numbers[r]`: the rows of iterations first, … of replicate r, distinct in each of them.

    All threads draw; one of them exchanges, for one exchange follows another.
    """
    r, t, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    place = 0
    for i in range(sizes.size):
        size = sizes[i]
        for c in range(t, size, threads):
            draws[r, c] = draw(keys[r], PURPOSES[SUBSET], first + i, c, num_rows - c)
        cuda.syncthreads()
        if t == 0:
            choose(identity[r], draws[r], size)
        cuda.syncthreads()
        for c in range(t, size, threads):
            numbers[r, place + c] = identity[r, c]
        cuda.syncthreads()
        if t == 0:
            undo_choice(identity[r], draws[r], size)
        cuda.syncthreads()
        place += size


@launched
def draw_permutations(keys, num_rows, single, position, held, draws, rows, numbers):  # type: ignore[no-untyped-def]
    """`numbers[r, i]`: the row at `position + i` of replicate r, of one permutation after another.

    `rows[r]` is the permutation of number `held[r]`.
    """
    r, t, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    purpose, place = PURPOSES[SINGLE_SHUFFLE], 0
    while place < numbers.shape[1]:
        block, offset = divmod(position + place, num_rows)
        index = 0 if single else block
        # All read `held`, then all wait, then one changes it: none may see it too early.
        if held[r] != index:
            for c in range(t, num_rows, threads):
                draws[r, c] = draw(keys[r], purpose, index, c, num_rows - c)
                rows[r, c] = c
            cuda.syncthreads()
            if t == 0:
                choose(rows[r], draws[r], num_rows)
        cuda.syncthreads()
        if t == 0:
            held[r] = index
        count = min(numbers.shape[1] - place, num_rows - offset)
        for c in range(t, count, threads):
            numbers[r, place + c] = rows[r, offset + c]
        cuda.syncthreads()
        place += count


class Order:
    """The sequences of rows of a group of replicates."""

    def __init__(self, plan: Plan, rows: DataRows, keys: Any) -> None:
        self._plan, self._keys = plan, keys
        self._sampling, self._num_rows = rows.sampling, rows.A.shape[0]
        count = len(keys)
        if rows.sampling == WITH_REPLACEMENT:
            return
        length = block_length(rows.sampling, self._num_rows, plan.batches.largest)
        self._draws = cuda.device_array((count, length), dtype=np.int64)
        if rows.sampling == SUBSET:
            self._rows = cuda.to_device(np.tile(np.arange(self._num_rows), (count, 1)))
        else:
            self._rows = cuda.device_array((count, length), dtype=np.int64)
            self._held = cuda.to_device(np.full(count, -1))

    def between(self, first: int, sizes: Any) -> Any:
        """Row numbers of the iterations first, … with these batch sizes, (replicates, rows)."""
        keys, n = self._keys, self._num_rows
        position = self._plan.batches.rows_before(first)
        numbers = cuda.device_array((len(keys), int(sizes.sum())), dtype=np.int64)
        launch = len(keys), device.THREADS
        if self._sampling == WITH_REPLACEMENT:
            draw_independent[launch](keys, n, position, numbers)
        elif self._sampling == SUBSET:
            on_device = cuda.to_device(sizes)
            draw_subsets[launch](keys, n, first, on_device, self._rows, self._draws, numbers)
        else:
            single = self._sampling == SINGLE_SHUFFLE
            room = (self._held, self._draws, self._rows)
            draw_permutations[launch](keys, n, single, position, *room, numbers)
        return numbers


def bytes_of_order(plan: Plan, rows: DataRows) -> int:
    """Bytes that a replicate's permutations take on the device."""
    if rows.sampling == WITH_REPLACEMENT:
        return 0
    n = int(rows.A.shape[0])
    return 8 * (n + block_length(rows.sampling, n, plan.batches.largest))
