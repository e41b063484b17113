"""Streaming SGD: every row is made of random numbers when it is needed, and then forgotten."""

from __future__ import annotations

import math

from numba import float64

from simulate.engines.base import NOISE_BLOCK
from simulate.engines.cuda.device import (
    PARTIALS,
    block_sum,
    block_words,
    copy_entries,
    cuda,
    decay_factor,
    normal_pair,
    row_scale,
    updated,
)
from simulate.normals import FEATURES, LABEL_NOISE


@cuda.jit(device=True)
def store_entry(row, root, coefficients, x, normal, j):  # type: ignore[no-untyped-def]
    """Make an entry of a row; returns its part of the dot product with x − coefficients."""
    if j >= x.size:
        return 0.0
    row[j] = normal  # as it is stored, perhaps in single precision
    row[j] = row[j] * root[j]
    return row[j] * (x[j] - coefficients[j])


@cuda.jit(device=True)
def subtract_rows(x, rows, scales, size, decay):  # type: ignore[no-untyped-def]
    """Update x by a batch of rows, every thread its part."""
    for j in range(cuda.threadIdx.x, x.size, cuda.blockDim.x):
        factor, value = decay, x[j]
        for m in range(size):
            value = updated(value, rows[m, j], factor, scales[m])
            factor = 1.0
        x[j] = value


@cuda.jit(device=True)
def label_noise(key, number):  # type: ignore[no-untyped-def]
    """The label noise of row `number`, of variance one."""
    block, offset = divmod(number, NOISE_BLOCK)
    w0, w1, w2, w3 = block_words(key, LABEL_NOISE, block, offset // 4)
    if offset % 4 >= 2:
        w0, w1 = w2, w3
    n0, n1 = normal_pair(w0, w1)
    return n0 if offset % 2 == 0 else n1


@cuda.jit(device=True)
def fresh_residual(partial, key, root, coefficients, noise, number, x, row):  # type: ignore[no-untyped-def]
    """Make a row of normals, four from a block of Philox; returns its residual to every thread."""
    t, threads, total = cuda.threadIdx.x, cuda.blockDim.x, 0.0
    # The last thread has the fewest entries to make.
    if noise != 0.0 and t == threads - 1:
        total -= noise * label_noise(key, number)
    for quad in range(t, (x.size + 3) // 4, threads):
        w0, w1, w2, w3 = block_words(key, FEATURES, number, quad)
        n0, n1 = normal_pair(w0, w1)
        n2, n3 = normal_pair(w2, w3)
        total += store_entry(row, root, coefficients, x, n0, 4 * quad)
        total += store_entry(row, root, coefficients, x, n1, 4 * quad + 1)
        total += store_entry(row, root, coefficients, x, n2, 4 * quad + 2)
        total += store_entry(row, root, coefficients, x, n3, 4 * quad + 3)
    return block_sum(partial, total)


@cuda.jit
def fresh_rows(  # type: ignore[no-untyped-def]
    keys, root, coefficients, noise, ridge, position,
    first, rates, sizes, records, slot, in_shared,
    all_x, rows, scales, points, diverged,
):  # fmt: skip
    """Like `dense_rows`, on rows that are made of normals."""
    partial = cuda.shared.array(PARTIALS, float64)
    room = cuda.shared.array(0, float64)
    r, t = cuda.blockIdx.x, cuda.threadIdx.x
    if diverged[r] >= 0:
        return
    dimension = all_x.shape[1]
    x = all_x[r]
    if in_shared:
        x = room[:dimension]
        copy_entries(all_x[r], x)
        cuda.syncthreads()
    number, recorded, finite = position, 0, True
    for i in range(rates.size):
        if recorded < records.size and records[recorded] == first + i:
            copy_entries(x, points[r, slot + recorded])
            recorded += 1
        size, rate = sizes[i], rates[i]
        for m in range(size):
            residual = fresh_residual(
                partial, keys[r], root, coefficients, noise, number + m, x, rows[r, m]
            )
            finite = finite and math.isfinite(residual)
            if t == 0:
                scales[r, m] = row_scale(rate, residual, size)
        if not finite:
            if t == 0:
                diverged[r] = first + i
            break
        cuda.syncthreads()
        subtract_rows(x, rows[r], scales[r], size, decay_factor(rate, ridge))
        # Entries are made in fours: the next row is made by other threads than these owners.
        cuda.syncthreads()
        number += size
    if finite and recorded < records.size:
        copy_entries(x, points[r, slot + recorded])
    if in_shared:
        copy_entries(x, all_x[r])
