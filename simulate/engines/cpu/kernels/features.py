"""Rows of random features, made a block at a time: a matrix product reads the weights once for all.

Blocks are aligned in the stream, so that the bits of a row depend on its number alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from simulate.engines.cpu.lanes import fill_normals
from simulate.formulas import activations
from simulate.formulas.activations import CODES, activated
from simulate.numba_policy import compiled, share
from simulate.randomness.normals import FEATURES
from simulate.rows.features import FEATURE_BLOCK, FreshFeatures

share(activations.activated)


class Features(NamedTuple):
    """What rows of features are made of, and those that were made last."""

    code: int
    mixing: Any
    """Transposed, shape (d, N)."""
    direction: Any
    """Shape (d,)."""
    shift: float
    held: Any
    """Number of the block in `block`, shape (1,); −1 before the first."""
    normals: Any
    """Room, shape (FEATURE_BLOCK, d)."""
    before: Any
    """Room for pre-activations, shape (FEATURE_BLOCK, N)."""
    block: Any
    """Rows, shape (FEATURE_BLOCK, N)."""
    targets: Any
    """Without noise, shape (FEATURE_BLOCK,)."""


@compiled
def fill_features(rows: Any, key: Any, number: int, words: Any) -> Any:
    """Make the block of row `number`, unless it is there; returns the row's place in it."""
    block = number // FEATURE_BLOCK
    if rows.held[0] != block:
        for place in range(FEATURE_BLOCK):
            z = rows.normals[place]
            fill_normals(key, FEATURES, block * FEATURE_BLOCK + place, z, words)
            target = 0.0
            for j in range(z.size):
                target += rows.direction[j] * z[j]
            rows.targets[place] = target
        np.dot(rows.normals, rows.mixing, rows.before)
        root = math.sqrt(rows.block.shape[1])
        for place in range(FEATURE_BLOCK):
            before, row = rows.before[place], rows.block[place]
            for j in range(row.size):
                row[j] = (activated(rows.code, before[j]) - rows.shift) / root
        rows.held[0] = block
    return number - block * FEATURE_BLOCK


@compiled
def copy_and_dot(source: Any, row: Any, x: Any) -> Any:
    """Copy a row, and return its dot product with x."""
    total = 0.0
    for j in range(row.size):
        row[j] = source[j]
        total += row[j] * x[j]
    return total


def make_row(rows, key, number, words, row, x):  # type: ignore[no-untyped-def]
    """See `streaming.make_row`."""
    place = fill_features(rows, key, number, words)
    return copy_and_dot(rows.block[place], row, x) - rows.targets[place]


def begin(rows: FreshFeatures, dtype: Any) -> tuple[int, Callable[[], Features]]:
    """The length of a row, and what makes a replicate's rows; all of them share the weights."""
    mixing = np.ascontiguousarray(rows.mixing.T)
    inputs, num_features = mixing.shape

    def made() -> Features:
        return Features(
            code=CODES[rows.activation.name],
            mixing=mixing,
            direction=rows.direction,
            shift=rows.shift,
            held=np.full(1, -1),
            normals=np.empty((FEATURE_BLOCK, inputs)),
            before=np.empty((FEATURE_BLOCK, num_features)),
            block=np.empty((FEATURE_BLOCK, num_features), dtype=dtype),
            targets=np.empty(FEATURE_BLOCK),
        )

    return num_features, made


MADE_OF = Features
