"""SGD on sparse rows: an iteration costs what its rows hold, with momentum also O(d).

A thread takes every THREADS-th entry of a row. Two rows may share a column, so the threads wait for
one another between rows. As on the CPU, the parameters without momentum are factor·y: the ridge
shrinks the factor, and y changes only where a row has entries.
"""

from __future__ import annotations

import math

from numba import float64

from simulate.engines.cuda.device import (
    PARTIALS,
    ahead,
    block_sum,
    copy_entries,
    cuda,
    decay_factor,
    row_scale,
    shrink_factor,
    updated_velocity,
)
from simulate.update import SMALLEST_FACTOR


@cuda.jit(device=True)
def copy_multiple(factor, source, target):  # type: ignore[no-untyped-def]
    """Copy a multiple of a vector, every thread its part."""
    for j in range(cuda.threadIdx.x, source.size, cuda.blockDim.x):
        target[j] = factor * source[j]


@cuda.jit
def sparse_rows(  # type: ignore[no-untyped-def]
    entries, columns, starts, b, ridge, numbers,
    first, rates, sizes, records, slot, in_shared,
    all_y, factors, scales, points, diverged,
):  # fmt: skip
    """Like `dense_rows`, without momentum."""
    partial = cuda.shared.array(PARTIALS, float64)
    room = cuda.shared.array(0, float64)
    r, t, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    if diverged[r] >= 0:
        return
    y, factor = all_y[r], factors[r]
    if in_shared:
        y = room[: all_y.shape[1]]
        copy_entries(all_y[r], y)
        cuda.syncthreads()
    place, recorded, finite = 0, 0, True
    for i in range(rates.size):
        if recorded < records.size and records[recorded] == first + i:
            copy_multiple(factor, y, points[r, slot + recorded])
            recorded += 1
        size, rate = sizes[i], rates[i]
        for m in range(size):
            row, total = numbers[r, place + m], 0.0
            for entry in range(starts[row] + t, starts[row + 1], threads):
                total += entries[entry] * y[columns[entry]]
            residual = factor * block_sum(partial, total) - b[row]
            finite = finite and math.isfinite(residual)
            if t == 0:
                scales[r, m] = row_scale(rate, residual, size)
        if not finite:
            if t == 0:
                diverged[r] = first + i
            break
        factor *= decay_factor(rate, ridge)
        if abs(factor) < SMALLEST_FACTOR or abs(factor) > 1.0 / SMALLEST_FACTOR:
            copy_multiple(factor, y, y)
            factor = 1.0
        cuda.syncthreads()
        for m in range(size):
            row, scale = numbers[r, place + m], scales[r, m] / factor
            for entry in range(starts[row] + t, starts[row + 1], threads):
                y[columns[entry]] -= scale * entries[entry]
            cuda.syncthreads()
        place += size
    if finite and recorded < records.size:
        copy_multiple(factor, y, points[r, slot + recorded])
    cuda.syncthreads()
    if t == 0:
        factors[r] = factor
    if in_shared:
        copy_entries(y, all_y[r])


@cuda.jit
def sparse_momentum(  # type: ignore[no-untyped-def]
    entries, columns, starts, b, ridge, momentum, look, numbers,
    first, rates, sizes, records, slot,
    all_x, all_v, pulls, scales, points, diverged,
):  # fmt: skip
    """Like `dense_rows`, with momentum. `pulls` is zero between the iterations."""
    partial = cuda.shared.array(PARTIALS, float64)
    r, t, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    if diverged[r] >= 0:
        return
    x, v, pull = all_x[r], all_v[r], pulls[r]
    place, recorded, finite = 0, 0, True
    for i in range(rates.size):
        if recorded < records.size and records[recorded] == first + i:
            copy_entries(x, points[r, slot + recorded])
            recorded += 1
        size, rate = sizes[i], rates[i]
        for m in range(size):
            row, total = numbers[r, place + m], 0.0
            for entry in range(starts[row] + t, starts[row + 1], threads):
                j = columns[entry]
                total += ahead(x[j], v[j], look) * entries[entry]
            residual = block_sum(partial, total) - b[row]
            finite = finite and math.isfinite(residual)
            if t == 0:
                scales[r, m] = row_scale(rate, residual, size)
        if not finite:
            if t == 0:
                diverged[r] = first + i
            break
        cuda.syncthreads()
        for m in range(size):
            row, scale = numbers[r, place + m], scales[r, m]
            for entry in range(starts[row] + t, starts[row + 1], threads):
                pull[columns[entry]] += scale * entries[entry]
            cuda.syncthreads()
        shrink = shrink_factor(rate, ridge)
        for j in range(t, x.size, threads):
            point = ahead(x[j], v[j], look)
            v[j] = updated_velocity(v[j], point, pull[j], momentum, shrink)
            x[j] += v[j]
            pull[j] = 0.0
        cuda.syncthreads()
        place += size
    if finite and recorded < records.size:
        copy_entries(x, points[r, slot + recorded])
