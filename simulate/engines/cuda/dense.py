"""Rows of an array: a row's residual, and steps along a batch of them.

A thread owns every THREADS-th parameter, so that neighbours read neighbouring entries of a row. The
second reading of a row, for the update, finds it in the nearest cache. Columns are counted by
unsigned integers, in plain loops: then an address is one addition, not a test for negative indices,
a product and a counter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulate.engines.cuda.device import (
    add_multiple,
    ahead,
    block_sum,
    compiled,
    copy_beginning,
    cuda,
    decay_factor,
    shrink_factor,
    updated,
    updated_velocity,
)
from simulate.engines.cuda.kind import Kind
from simulate.rows.data import DataRows


@compiled
def dense_residual(
    partial: Any, rows: Any, constants: Any, state: Any, r: int, place: int, m: int
) -> Any:
    """The residual, for every thread, of row number `place` of replicate r, the batch's m-th."""
    A, b, numbers = rows
    look, row, total = constants[2], numbers[r, place], 0.0
    j, threads = np.uint64(cuda.threadIdx.x), np.uint64(cuda.blockDim.x)
    dimension = np.uint64(A.shape[1])
    x, v = state, state[A.shape[1] :]  # without momentum there are no velocities
    while j < dimension:
        point = ahead(x[j], v[j], look) if look != 0.0 else x[j]
        total += point * A[row, j]
        j += threads
    return block_sum(partial, total) - b[row]


@compiled
def move_dense(
    rows: Any, constants: Any, state: Any, r: int, place: int, size: int, rate: float, scales: Any
) -> None:
    """Move the parameters by a batch of rows, row number `place` the first.

    With momentum the velocities are behind the parameters.
    """
    A, _, numbers = rows
    ridge, momentum, look = constants
    j, threads = np.uint64(cuda.threadIdx.x), np.uint64(cuda.blockDim.x)
    dimension = np.uint64(A.shape[1])
    x, v = state, state[A.shape[1] :]  # without momentum there are no velocities
    cuda.syncthreads()
    while j < dimension:
        if momentum == 0.0:
            decay, value = decay_factor(rate, ridge), x[j]
            for m in range(size):
                value = updated(value, A[numbers[r, place + m], j], decay, scales[m])
                decay = 1.0
            x[j] = value
        else:
            pull = 0.0
            for m in range(size):
                pull += scales[m] * A[numbers[r, place + m], j]
            point = ahead(x[j], v[j], look)
            v[j] = updated_velocity(v[j], point, pull, momentum, shrink_factor(rate, ridge))
            x[j] += v[j]
        j += threads


@compiled
def add_dense(rows: Any, r: int, place: int, scale: float, pull: Any) -> None:
    """Add a multiple of row number `place` to `pull`, and wait."""
    A, _, numbers = rows
    add_multiple(scale, A[numbers[r, place]], pull)


def data(rows: DataRows, dtype: Any) -> tuple[Any, ...]:
    """The matrix as it is stored, and the targets."""
    return rows.A.astype(dtype, copy=False), rows.b


KIND = Kind(data, dense_residual, move_dense, copy_beginning, add_dense, near=True)
