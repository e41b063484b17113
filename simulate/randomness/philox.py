"""Philox4x32-10, the random numbers of every engine: a pure function of key and counter.

Nothing is stored between draws, so a draw does not depend on who makes it, in which thread, or
after what. The formula is written once, on words of 32 bits held in `uint64`: NumPy evaluates it
on whole arrays here, and the compiled engines compile the same lines for scalars.

The layout of the 128-bit counter is the same for every purpose:

    c0 = number of the pair of draws    c1, c2 = index, low and high half    c3 = purpose

where the index is the block, epoch or iteration that the draws are for.

References
----------
J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as 1, 2, 3",
SC11 (2011), section 3.3 (Philox); known answers from the authors' Random123 library.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

WORD = np.uint64(32)
MASK = np.uint64(0xFFFFFFFF)
MULTIPLIER_0 = np.uint64(0xD2511F53)
MULTIPLIER_1 = np.uint64(0xCD9E8D57)
WEYL_0 = np.uint64(0x9E3779B9)
WEYL_1 = np.uint64(0xBB67AE85)

Word = Any
"""A `uint64`, scalar or array."""


def philox_round(c0: Word, c1: Word, c2: Word, c3: Word, k0: Word, k1: Word) -> tuple[Word, ...]:
    """One round: two 32×32-bit products, their halves crossed and mixed with the key."""
    product_0 = MULTIPLIER_0 * c0
    product_1 = MULTIPLIER_1 * c2
    return (
        (product_1 >> WORD) ^ c1 ^ k0,
        product_1 & MASK,
        (product_0 >> WORD) ^ c3 ^ k1,
        product_0 & MASK,
    )


def philox4x32(c0: Word, c1: Word, c2: Word, c3: Word, k0: Word, k1: Word) -> tuple[Word, ...]:
    """Ten rounds: four random words of 32 bits from a counter of four and a key of two.

    Parameters
    ----------
    c0, c1, c2, c3
        Counter: `uint64` values below 2³², scalars or arrays that broadcast.
    k0, k1
        Key: the same.

    Returns
    -------
    tuple of four
        `uint64` values below 2³².
    """
    for _ in range(10):
        c0, c1, c2, c3 = philox_round(c0, c1, c2, c3, k0, k1)
        k0 = (k0 + WEYL_0) & MASK
        k1 = (k1 + WEYL_1) & MASK
    return c0, c1, c2, c3


def bounded(word: Word, bound: Word) -> Word:
    """floor(word · bound / 2⁶⁴): a uniform integer in [0, bound) from a uniform word of 64 bits.

    Each value has probability 1/bound to within 2⁻⁶⁴, for any bound up to 2³². Two products of
    32 bits replace the one of 128, so that NumPy and every compiler can do it.
    """
    return ((word >> WORD) * bound + (((word & MASK) * bound) >> WORD)) >> WORD


def words(key: tuple[int, int], purpose: int, index: int, count: int) -> NDArray[np.uint64]:
    """The first `count` words of 64 bits for a purpose and an index, shape (count,).

    Words 2q and 2q+1 are the two halves of the Philox block with counter (q, index, purpose).
    """
    pair = np.arange((count + 1) // 2, dtype=np.uint64)
    low, high = np.uint64(index & 0xFFFFFFFF), np.uint64(index >> 32)
    drawn = philox4x32(pair, low, high, np.uint64(purpose), np.uint64(key[0]), np.uint64(key[1]))
    halves = np.stack((drawn[0] | (drawn[1] << WORD), drawn[2] | (drawn[3] << WORD)), axis=1)
    return np.asarray(halves.ravel()[:count])
