"""Sparse rows: an iteration costs what its rows hold, with momentum also O(d).

A thread takes every THREADS-th entry of a row. Two rows may share a column, so the threads wait for
one another between rows. As on the CPU, the parameters without momentum are factor·y: the ridge
shrinks the factor, and y changes only where a row has entries. Indices are made unsigned where they
are used: that saves the test for negative ones, and the loops are unrolled all the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulate.engines.cuda.device import (
    ahead,
    block_sum,
    compiled,
    copy_beginning,
    cuda,
    decay_factor,
    shrink_factor,
    updated_velocity,
)
from simulate.engines.cuda.kind import Kind
from simulate.formulas.update import SMALLEST_FACTOR
from simulate.rows.data import DataRows


@compiled
def product(partial: Any, rows: Any, row: int, x: Any, v: Any, look: float) -> Any:
    """The product of a row and x + look·v, for every thread."""
    entries, columns, starts, _, _ = rows
    total = 0.0
    for entry in range(starts[row] + cuda.threadIdx.x, starts[row + 1], cuda.blockDim.x):
        e = np.uint64(entry)
        j = np.uint64(columns[e])
        point = ahead(x[j], v[j], look) if look != 0.0 else x[j]
        total += point * entries[e]
    return block_sum(partial, total)


@compiled
def add_sparse(rows: Any, r: int, place: int, scale: float, target: Any) -> None:
    """Like `add_dense`; the next row may share a column with this one."""
    entries, columns, starts, _, numbers = rows
    row = numbers[r, place]
    for entry in range(starts[row] + cuda.threadIdx.x, starts[row + 1], cuda.blockDim.x):
        e = np.uint64(entry)
        target[np.uint64(columns[e])] += scale * entries[e]
    cuda.syncthreads()


@compiled
def multiple_residual(
    partial: Any, rows: Any, constants: Any, state: Any, r: int, place: int, m: int
) -> Any:
    """Like `dense_residual`, of parameters factor·y."""
    _, _, _, b, numbers = rows
    row, factor = numbers[r, place], state[state.size - 1]
    return factor * product(partial, rows, row, state, state, 0.0) - b[row]


@compiled
def move_multiple(
    rows: Any, constants: Any, state: Any, r: int, place: int, size: int, rate: float, scales: Any
) -> None:
    """Like `move_dense`, of parameters factor·y; the factor is behind y."""
    factor = state[state.size - 1] * decay_factor(rate, constants[0])
    if abs(factor) < SMALLEST_FACTOR or abs(factor) > 1.0 / SMALLEST_FACTOR:
        multiply(factor, state, state)
        factor = 1.0
    cuda.syncthreads()  # all have read the factor, and y is multiplied out
    if cuda.threadIdx.x == 0:
        state[state.size - 1] = factor
    for m in range(size):
        add_sparse(rows, r, place + m, -scales[m] / factor, state)


@compiled
def multiply(factor: float, state: Any, target: Any) -> None:
    """Copy a multiple of all but a state's last entry, every thread its part."""
    for j in range(cuda.threadIdx.x, state.size - 1, cuda.blockDim.x):
        target[j] = factor * state[j]


@compiled
def copy_multiple(state: Any, point: Any) -> None:
    """Copy the parameters factor·y."""
    multiply(state[state.size - 1], state, point)


@compiled
def sparse_residual(
    partial: Any, rows: Any, constants: Any, state: Any, r: int, place: int, m: int
) -> Any:
    """Like `dense_residual`, of parameters that are followed by velocities, if it looks ahead."""
    _, _, _, b, numbers = rows
    row, dimension = numbers[r, place], state.size // 3
    return product(partial, rows, row, state, state[dimension:], constants[2]) - b[row]


@compiled
def move_sparse(
    rows: Any, constants: Any, state: Any, r: int, place: int, size: int, rate: float, scales: Any
) -> None:
    """Like `move_dense`, with momentum.

    Behind the velocities is the pull of the batch, which is zero between the iterations.
    """
    ridge, momentum, look = constants
    dimension = state.size // 3
    x, v, pull = state[:dimension], state[dimension : 2 * dimension], state[2 * dimension :]
    cuda.syncthreads()
    for m in range(size):
        add_sparse(rows, r, place + m, scales[m], pull)
    shrink = shrink_factor(rate, ridge)
    for i in range(cuda.threadIdx.x, dimension, cuda.blockDim.x):
        j = np.uint64(i)
        point = ahead(x[j], v[j], look)
        v[j] = updated_velocity(v[j], point, pull[j], momentum, shrink)
        x[j] += v[j]
        pull[j] = 0.0
    cuda.syncthreads()


def data(rows: DataRows, dtype: Any) -> tuple[Any, ...]:
    """The matrix in compressed form, its entries as they are stored, and the targets."""
    return rows.A.data.astype(dtype, copy=False), rows.A.indices, rows.A.indptr, rows.b


KIND = Kind(
    data, multiple_residual, move_multiple, copy_multiple, behind=lambda _: np.ones(1), near=True
)
"""With a factor behind the parameters."""
WITH_MOMENTUM = Kind(
    data,
    sparse_residual,
    move_sparse,
    copy_beginning,
    behind=lambda plan: np.zeros(2 * plan.dimension),
)
"""With velocities and a pull behind them."""
WITH_RULE = Kind(data, sparse_residual, None, None, add_sparse)
