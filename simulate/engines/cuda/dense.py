"""SGD on dense rows, with or without momentum.

One block of threads is one replicate. A thread owns every THREADS-th parameter, so that neighbours
read neighbouring entries of a row. The parameters stay in shared memory for as many iterations as
one launch does, if they fit there; then rows are all that is read from afar, and their second
reading, for the update, finds them in the nearest cache.
"""

from __future__ import annotations

import math

import numpy as np
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
    updated,
    updated_velocity,
)


@cuda.jit
def dense_rows(  # type: ignore[no-untyped-def]
    A, b, ridge, momentum, look, numbers,
    first, rates, sizes, records, slot, in_shared,
    all_x, all_v, scales, points, diverged,
):  # fmt: skip
    """Iterations first, …, first + rates.size − 1 of the replicate of this block.

    The parameters before the iterations `records` go to `points[r]`, from `slot` on. Without
    momentum nothing looks at the velocities.
    """
    partial = cuda.shared.array(PARTIALS, float64)
    room = cuda.shared.array(0, float64)
    # Columns are counted by unsigned integers, in plain loops: then an address is one addition,
    # not a test for negative indices, a product and a counter.
    r, t, threads = cuda.blockIdx.x, np.uint64(cuda.threadIdx.x), np.uint64(cuda.blockDim.x)
    if diverged[r] >= 0:
        return
    dimension = np.uint64(all_x.shape[1])
    x, v = all_x[r], all_v[r]
    if in_shared:
        x, v = room[:dimension], room[room.size - dimension :]
        copy_entries(all_x[r], x)
        if momentum != 0.0:
            copy_entries(all_v[r], v)
    place, recorded, finite = 0, 0, True
    for i in range(rates.size):
        if recorded < records.size and records[recorded] == first + i:
            copy_entries(x, points[r, slot + recorded])
            recorded += 1
        size, rate = sizes[i], rates[i]
        for m in range(size):
            row, total = numbers[r, place + m], 0.0
            j = t
            while j < dimension:
                point = ahead(x[j], v[j], look) if look != 0.0 else x[j]
                total += point * A[row, j]
                j += threads
            residual = block_sum(partial, total) - b[row]
            finite = finite and math.isfinite(residual)
            if t == 0:
                scales[r, m] = row_scale(rate, residual, size)
        if not finite:
            if t == 0:
                diverged[r] = first + i
            break
        cuda.syncthreads()
        j = t
        while j < dimension:
            if momentum == 0.0:
                decay, value = decay_factor(rate, ridge), x[j]
                for m in range(size):
                    value = updated(value, A[numbers[r, place + m], j], decay, scales[r, m])
                    decay = 1.0
                x[j] = value
            else:
                pull = 0.0
                for m in range(size):
                    pull += scales[r, m] * A[numbers[r, place + m], j]
                point = ahead(x[j], v[j], look)
                v[j] = updated_velocity(v[j], point, pull, momentum, shrink_factor(rate, ridge))
                x[j] += v[j]
            j += threads
        place += size
    if finite and recorded < records.size:
        copy_entries(x, points[r, slot + recorded])
    if in_shared:
        copy_entries(x, all_x[r])
        if momentum != 0.0:
            copy_entries(v, all_v[r])
