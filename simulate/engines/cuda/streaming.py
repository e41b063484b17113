"""Streaming SGD: every row is made of random numbers when it is needed, and then forgotten."""

from __future__ import annotations

from typing import Any

from simulate.engines.cuda.device import (
    add_multiple,
    block_sum,
    block_words,
    compiled,
    copy_entries,
    cuda,
    decay_factor,
    normal_pair,
    updated,
)
from simulate.engines.cuda.kind import Kind
from simulate.randomness.normals import FEATURES
from simulate.rows.base import NOISE_BLOCK
from simulate.rows.gaussian import FreshGaussian


@compiled
def store_entry(row: Any, root: Any, coefficients: Any, x: Any, normal: float, j: int) -> Any:
    """Make an entry of a row; returns its part of the dot product with x − coefficients."""
    if j >= x.size:
        return 0.0
    row[j] = normal  # as it is stored, perhaps in single precision
    row[j] = row[j] * root[j]
    return row[j] * (x[j] - coefficients[j])


@compiled
def label_noise(key: Any, purpose: int, number: int) -> Any:
    """The label noise of row `number`, of variance one."""
    block, offset = divmod(number, NOISE_BLOCK)
    w0, w1, w2, w3 = block_words(key, purpose, block, offset // 4)
    if offset % 4 >= 2:
        w0, w1 = w2, w3
    n0, n1 = normal_pair(w0, w1)
    return n0 if offset % 2 == 0 else n1


@compiled
def fresh_residual(
    partial: Any, rows: Any, constants: Any, x: Any, r: int, place: int, m: int
) -> Any:
    """Like `dense_residual`; it makes the row of normals, four from a block of Philox.

    `room` is for the rows of a batch, shape (replicates, rows, d).
    """
    keys, root, coefficients, noise, purpose, position, room = rows
    key, number, row = keys[r], position + place, room[r, m]
    t, threads, total = cuda.threadIdx.x, cuda.blockDim.x, 0.0
    # The last thread has the fewest entries to make.
    if noise != 0.0 and t == threads - 1:
        total -= noise * label_noise(key, purpose, number)
    for quad in range(t, (x.size + 3) // 4, threads):
        w0, w1, w2, w3 = block_words(key, FEATURES, number, quad)
        n0, n1 = normal_pair(w0, w1)
        n2, n3 = normal_pair(w2, w3)
        total += store_entry(row, root, coefficients, x, n0, 4 * quad)
        total += store_entry(row, root, coefficients, x, n1, 4 * quad + 1)
        total += store_entry(row, root, coefficients, x, n2, 4 * quad + 2)
        total += store_entry(row, root, coefficients, x, n3, 4 * quad + 3)
    return block_sum(partial, total)


@compiled
def move_fresh(
    rows: Any, constants: Any, x: Any, r: int, place: int, size: int, rate: float, scales: Any
) -> None:
    """Like `move_dense`, of rows that were made and are still in their room; without momentum."""
    made, decay = rows[-1][r], decay_factor(rate, constants[0])
    cuda.syncthreads()
    for j in range(cuda.threadIdx.x, x.size, cuda.blockDim.x):
        factor, value = decay, x[j]
        for m in range(size):
            value = updated(value, made[m, j], factor, scales[m])
            factor = 1.0
        x[j] = value
    # Entries are made in fours: the next row is made by other threads than these owners.
    cuda.syncthreads()


@compiled
def add_fresh(rows: Any, r: int, place: int, scale: float, pull: Any) -> None:
    """Like `add_dense`, of the row that was made."""
    add_multiple(scale, rows[-1][r, 0], pull)


def data(rows: FreshGaussian, dtype: Any) -> tuple[Any, ...]:
    """What the rows are made of."""
    return rows.root, rows.coefficients, *rows.noise


KIND = Kind(data, fresh_residual, move_fresh, copy_entries, add_fresh, near=True)
