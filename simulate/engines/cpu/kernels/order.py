"""Which rows are read, compiled: the same sequence as `sampling.rows_of_block`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simulate.engines.cpu.kernels.copying import copy
from simulate.engines.cpu.lanes import fill_bounded, room
from simulate.numba_policy import compiled, share
from simulate.randomness import sampling
from simulate.randomness.sampling import (
    PURPOSES,
    SINGLE_SHUFFLE,
    SUBSET,
    WITH_REPLACEMENT,
    block_length,
    choose,
    undo_choice,
)

share(sampling.choose, sampling.undo_choice)


class Order(NamedTuple):
    """A replicate's sequence of rows, and the block of it that was drawn last."""

    code: int
    key: Any
    held: Any
    """Number of the block in `rows`, shape (1,); −1 before the first."""
    identity: Any
    """0, …, n − 1: what subsets are chosen from."""
    draws: Any
    """Room for a block's random numbers."""
    words: Any
    """Room for the words that they are made of."""
    rows: Any
    """The block."""


def new_order(code: int, key: tuple[int, int], num_rows: int, largest_batch: int) -> Order:
    """The beginning of a replicate's sequence."""
    length = block_length(code, num_rows, largest_batch)
    return Order(
        code=code,
        key=(np.uint64(key[0]), np.uint64(key[1])),
        held=np.full(1, -1),
        identity=np.arange(num_rows),
        draws=np.empty(length, dtype=np.int64),
        words=room(),
        rows=np.empty(length, dtype=np.int64),
    )


@compiled
def fill_block(order: Any, block: int, count: int) -> None:
    """Write the first `count` entries of a block into `order.rows`."""
    code, rows, draws = order.code, order.rows[:count], order.draws[:count]
    index = 0 if code == SINGLE_SHUFFLE else block
    falling = 0 if code == WITH_REPLACEMENT else 1
    num_rows = order.identity.size
    fill_bounded(order.key, PURPOSES[code], index, num_rows, falling, draws, order.words)
    if code == WITH_REPLACEMENT:
        copy(draws, rows)
    elif code == SUBSET:
        # The identity is disturbed at B places and put right again: O(B), where a copy is O(n).
        choose(order.identity, draws, count)
        copy(order.identity, rows)
        undo_choice(order.identity, draws, count)
    else:
        copy(order.identity, rows)
        choose(rows, draws, count)
    order.held[0] = block


@compiled
def row_at(order: Any, position: int) -> Any:
    """Row number at a position of the sequence, where all blocks are of one length."""
    length = order.rows.size
    offset = position - order.held[0] * length
    if offset < 0 or offset >= length:
        fill_block(order, position // length, length)
        offset = position - order.held[0] * length
    return order.rows[offset]


@compiled
def fill_batch(order: Any, iteration: int, position: int, batch: Any) -> None:
    """The rows of an iteration, whose first entry has `position` in the sequence."""
    # Stretches of blocks: an array is taken out of the tuple once, not for every row.
    rows, filled, length = order.rows, 0, order.rows.size
    while filled < batch.size:
        block, offset = divmod(position + filled, length)
        if order.code == SUBSET:  # its blocks are as long as batches, which may change
            block, offset, length = iteration, 0, batch.size
        if order.code == SUBSET or order.held[0] != block:
            fill_block(order, block, length)
        count = min(batch.size - filled, rows.size - offset)
        copy(rows[offset:], batch[filled : filled + count])
        filled += count
