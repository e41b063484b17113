"""Streaming SGD on random features: normals, their mixture, an activation, entry by entry."""

from __future__ import annotations

import math

from numba import float64

from simulate.engines.cuda.device import (
    PARTIALS,
    activated,
    block_sum,
    block_words,
    copy_entries,
    cuda,
    decay_factor,
    normal_pair,
    row_scale,
)
from simulate.engines.cuda.streaming import label_noise, subtract_rows
from simulate.normals import FEATURES


@cuda.jit(device=True)
def store_normal(z, direction, normal, c):  # type: ignore[no-untyped-def]
    """Keep a normal; returns its part of the target."""
    if c >= z.size:
        return 0.0
    z[c] = normal
    return normal * direction[c]


@cuda.jit(device=True)
def feature_residual(  # type: ignore[no-untyped-def]
    partial, key, code, mixing, direction, shift, noise, number, x, z, row
):
    """Make a row of features of the normals z; returns its residual to every thread.

    Neighbouring threads make neighbouring features, and so read neighbouring weights.
    """
    t, threads, total = cuda.threadIdx.x, cuda.blockDim.x, 0.0
    if noise != 0.0 and t == threads - 1:
        total -= noise * label_noise(key, number)
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


@cuda.jit
def feature_rows(  # type: ignore[no-untyped-def]
    keys, code, mixing, direction, shift, noise, ridge, position,
    first, rates, sizes, records, slot,
    all_x, normals, rows, scales, points, diverged,
):  # fmt: skip
    """Like `fresh_rows`, on random features of the normals; `mixing` has shape (inputs, N)."""
    partial = cuda.shared.array(PARTIALS, float64)
    r, t = cuda.blockIdx.x, cuda.threadIdx.x
    if diverged[r] >= 0:
        return
    x, z = all_x[r], normals[r]
    number, recorded, finite = position, 0, True
    for i in range(rates.size):
        if recorded < records.size and records[recorded] == first + i:
            copy_entries(x, points[r, slot + recorded])
            recorded += 1
        size, rate = sizes[i], rates[i]
        for m in range(size):
            residual = feature_residual(
                partial, keys[r], code, mixing, direction, shift, noise, number + m, x, z,
                rows[r, m],
            )  # fmt: skip
            finite = finite and math.isfinite(residual)
            if t == 0:
                scales[r, m] = row_scale(rate, residual, size)
        if not finite:
            if t == 0:
                diverged[r] = first + i
            break
        cuda.syncthreads()
        subtract_rows(x, rows[r], scales[r], size, decay_factor(rate, ridge))
        number += size
    if finite and recorded < records.size:
        copy_entries(x, points[r, slot + recorded])
