"""Streaming SGD on random features: normals, their mixture, an activation, entry by entry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from simulate.engines.cuda.device import (
    activated,
    block_sum,
    block_words,
    compiled,
    copy_entries,
    cuda,
    normal_pair,
)
from simulate.engines.cuda.kind import Kind
from simulate.engines.cuda.streaming import add_fresh, label_noise, move_fresh
from simulate.formulas.activations import CODES
from simulate.randomness.normals import FEATURES
from simulate.rows.features import FreshFeatures


@compiled
def store_normal(z: Any, direction: Any, normal: float, c: int) -> Any:
    """Keep a normal; returns its part of the target."""
    if c >= z.size:
        return 0.0
    z[c] = normal
    return normal * direction[c]


@compiled
def feature_residual(
    partial: Any, rows: Any, constants: Any, x: Any, r: int, place: int, m: int
) -> Any:
    """Like `fresh_residual`; the row is one of features of normals z, which have room of their own.

    Neighbouring threads make neighbouring features, and so read neighbouring weights; `mixing` has
    shape (inputs, N).
    """
    keys, code, mixing, direction, shift, noise, purpose, position, normals, room = rows
    key, number, z, row = keys[r], position + place, normals[r], room[r, m]
    t, threads, total = cuda.threadIdx.x, cuda.blockDim.x, 0.0
    if noise != 0.0 and t == threads - 1:
        total -= noise * label_noise(key, purpose, number)
    for quad in range(t, (direction.size + 3) // 4, threads):
        w0, w1, w2, w3 = block_words(key, FEATURES, number, quad)
        n0, n1 = normal_pair(w0, w1)
        n2, n3 = normal_pair(w2, w3)
        total -= store_normal(z, direction, n0, 4 * quad)
        total -= store_normal(z, direction, n1, 4 * quad + 1)
        total -= store_normal(z, direction, n2, 4 * quad + 2)
        total -= store_normal(z, direction, n3, 4 * quad + 3)
    cuda.syncthreads()
    for j in range(t, x.size, threads):
        before = 0.0
        for c in range(z.size):
            before += mixing[c, j] * z[c]
        row[j] = (activated(code, before) - shift) / math.sqrt(x.size)
        total += row[j] * x[j]
    return block_sum(partial, total)


def data(rows: FreshFeatures, dtype: Any) -> tuple[Any, ...]:
    """What the rows are made of."""
    mixing = np.ascontiguousarray(rows.mixing.T)
    code = CODES[rows.activation.name]
    return code, mixing, rows.direction, rows.shift, *rows.noise


KIND = Kind(data, feature_residual, move_fresh, copy_entries, add_fresh, keeps_normals=True)
