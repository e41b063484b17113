"""Random numbers many at a time: loops over lanes that the compiler turns into vectors.

One Philox block after another would be scalar code; here each of the ten rounds is done for a
whole row of blocks before the next, four times as fast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulate.numba_policy import compiled, share
from simulate.randomness import normals, philox
from simulate.randomness.normals import normal_pair
from simulate.randomness.philox import MASK, WEYL_0, WEYL_1, WORD, bounded, philox_round

share(philox.philox_round, philox.philox4x32, philox.bounded)
share(normals.radius, normals.direction, normals.normal_pair)

LANES = 64
"""Blocks at a time. Speed depends on it (half of it costs a third), results do not."""


def room() -> Any:
    """Room for the words of a row of blocks, shape (4, LANES)."""
    return np.empty((4, LANES), dtype=np.uint32)


@compiled
def fill_words(key: Any, purpose: int, index: int, first: int, count: int, words: Any) -> None:
    """`words[:, l]` = the four words of Philox block (first + l, index, purpose), l < count."""
    c0, c1, c2, c3 = words[0], words[1], words[2], words[3]
    low, high = np.uint32(np.uint64(index) & MASK), np.uint32(np.uint64(index) >> WORD)
    for lane in range(count):
        c0[lane] = np.uint32(first + lane)
        c1[lane] = low
        c2[lane] = high
        c3[lane] = np.uint32(purpose)
    k0, k1 = key
    # A round of one block waits for the round before, lanes for nobody. Words stay in 32 bits, of
    # which a vector holds twice as many, and are widened for the product alone.
    for _ in range(10):
        for lane in range(count):
            w0, w1, w2, w3 = philox_round(
                np.uint64(c0[lane]),
                np.uint64(c1[lane]),
                np.uint64(c2[lane]),
                np.uint64(c3[lane]),
                k0,
                k1,
            )
            c0[lane] = np.uint32(w0)
            c1[lane] = np.uint32(w1)
            c2[lane] = np.uint32(w2)
            c3[lane] = np.uint32(w3)
        k0 = (k0 + WEYL_0) & MASK
        k1 = (k1 + WEYL_1) & MASK


@compiled
def fill_bounded(
    key: Any, purpose: int, index: int, num_rows: int, falling: int, draws: Any, words: Any
) -> None:
    """`draws[j]` uniform in [0, num_rows − j·falling), from the words of `philox.words`."""
    for first in range(0, (draws.size + 1) // 2, LANES):
        count = min(LANES, (draws.size + 1) // 2 - first)
        fill_words(key, purpose, index, first, count, words)
        for lane in range(count):
            j = 2 * (first + lane)
            word = np.uint64(words[0, lane]) | (np.uint64(words[1, lane]) << WORD)
            draws[j] = bounded(word, np.uint64(num_rows - j * falling))
            if j + 1 < draws.size:
                word = np.uint64(words[2, lane]) | (np.uint64(words[3, lane]) << WORD)
                draws[j + 1] = bounded(word, np.uint64(num_rows - (j + 1) * falling))


@compiled
def fill_normals(key: Any, purpose: int, index: int, out: Any, words: Any) -> None:
    """Fill `out` with the normals that `normals.normals` defines."""
    blocks = (out.size + 3) // 4
    for first in range(0, blocks, LANES):
        count = min(LANES, blocks - first)
        fill_words(key, purpose, index, first, count, words)
        c0, c1, c2, c3 = words[0], words[1], words[2], words[3]
        whole = min(count, out.size // 4 - first)
        part = out[4 * first : 4 * (first + whole)]
        for lane in range(whole):
            n0, n1 = normal_pair(c0[lane], c1[lane])
            n2, n3 = normal_pair(c2[lane], c3[lane])
            part[4 * lane] = n0
            part[4 * lane + 1] = n1
            part[4 * lane + 2] = n2
            part[4 * lane + 3] = n3
    # A last block that is not used up: its words are there, its other normals are made and dropped.
    last, left = (out.size // 4) % LANES, out.size % 4
    if left > 0:
        n0, n1 = normal_pair(words[0, last], words[1, last])
        n2, _ = normal_pair(words[2, last], words[3, last])
        rest = out[out.size - left :]
        rest[0] = n0
        if left > 1:
            rest[1] = n1
        if left > 2:
            rest[2] = n2
