"""Which rows a run reads, in which order: every sampling is a sequence of blocks.

A run reads the concatenation of blocks of row numbers; iteration k takes the entries kB … kB+B−1.
A block is a pure function of (seed, replicate, block number), so a batch is one of (seed,
replicate, iteration):

| sampling           | a block is                              | its length | its index |
|--------------------|-----------------------------------------|------------|-----------|
| `with_replacement` | independent uniform rows                | 512        | block     |
| `subset`           | the first B of a random permutation     | B          | iteration |
| `reshuffle`        | a random permutation                    | n          | epoch     |
| `single_shuffle`   | the permutation of epoch 0, every time  | n          | 0         |

To write a new one, give it a code, a length and a branch in `rows_of_block`, and the same branch
in the compiled engine; the tests then hold the two together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulate.randomness import philox

WITH_REPLACEMENT, SUBSET, RESHUFFLE, SINGLE_SHUFFLE = range(4)
CODES = {
    "with_replacement": WITH_REPLACEMENT,
    "subset": SUBSET,
    "reshuffle": RESHUFFLE,
    "single_shuffle": SINGLE_SHUFFLE,
}
"""What each sampling is called inside kernels; also the purpose word of its random numbers."""

PURPOSES = (1, 2, 3, 3)
"""Purpose word by code. Both shuffles use the same: the first epoch of the two is the same."""

INDEPENDENT_BLOCK = 512
"""Rows drawn ahead with replacement. Part of the definition of the stream: never change it."""

MAX_ROWS = 2**32
"""Row numbers are drawn by 32-bit products."""


def block_length(sampling: int, num_rows: int, batch_size: int) -> int:
    """Number of entries of every block of a sampling."""
    return (INDEPENDENT_BLOCK, batch_size, num_rows, num_rows)[sampling]


def choose(order: Any, draws: Any, count: int) -> None:
    """Bring a uniform ordered choice of `count` entries to the front of `order`, in place.

    The Fisher–Yates shuffle, stopped early: `draws[j]` is uniform in [0, len(order) − j).
    """
    for j in range(count):
        other = j + draws[j]
        kept = order[j]
        order[j] = order[other]
        order[other] = kept


def undo_choice(order: Any, draws: Any, count: int) -> None:
    """Undo `choose` with the same draws: O(count), where a fresh `order` would cost O(n)."""
    for back in range(count):
        j = count - 1 - back
        other = j + draws[j]
        kept = order[j]
        order[j] = order[other]
        order[other] = kept


def rows_of_block(
    sampling: int, key: tuple[int, int], block: int, num_rows: int, batch_size: int
) -> NDArray[np.int64]:
    """The row numbers of one block, by plain NumPy: the definition of the sampling.

    Parameters
    ----------
    sampling
        One of `CODES`.
    key
        From `Seed.key`.
    block
        Number of the block.
    num_rows, batch_size
        n and B.

    Returns
    -------
    array of int64
        Shape (block_length,).
    """
    length = block_length(sampling, num_rows, batch_size)
    index = 0 if sampling == SINGLE_SHUFFLE else block
    drawn = philox.words(key, PURPOSES[sampling], index, length)
    if sampling == WITH_REPLACEMENT:
        return np.asarray(philox.bounded(drawn, np.uint64(num_rows)).astype(np.int64))
    left = num_rows - np.arange(length)
    draws = philox.bounded(drawn, left.astype(np.uint64)).astype(np.int64)
    order = np.arange(num_rows)
    choose(order, draws, length)
    return order[:length]
