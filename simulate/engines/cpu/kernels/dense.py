"""SGD on rows that are stored one after another.

A step reads a random row of A, and that is what takes the time. The kernel for single rows
therefore goes over the parameters once per iteration: it applies the update of the iteration
before, which needs the previous row (still in the nearest cache), and in the same loop takes the
dot product with the next row, while the row after that is being fetched.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simulate.engines.cpu.kernels.copying import copy
from simulate.engines.cpu.kernels.order import fill_batch, fill_block, row_at
from simulate.engines.cpu.prefetching import LONG_PIECE, PIECE, fetcher
from simulate.formulas import update
from simulate.formulas.update import decay_factor, row_scale, updated
from simulate.numba_policy import cached, compiled, inlined, share

share(update.shrink_factor, update.decay_factor, update.row_scale)
share(update.updated, update.ahead, update.updated_velocity)

fetch_piece, fetch_long_piece = fetcher(PIECE), fetcher(LONG_PIECE)


class Data(NamedTuple):
    """What a kernel reads and never writes."""

    A: Any
    b: Any
    ridge_per_row: float


@inlined
def update_and_dot(
    x: Any, A: Any, previous: int, upcoming: int, following: int, decay: float, scale: float
) -> Any:
    """Update x by the previous row, and return its dot product with the upcoming one.

    Meanwhile the row after that is fetched.
    """
    used, needed, total = A[previous], A[upcoming], 0.0
    whole = x.size - x.size % PIECE
    for first in range(0, whole, PIECE):
        fetch_piece(A, following, first)
        part = 0.0
        for j in range(first, first + PIECE):
            value = updated(x[j], used[j], decay, scale)
            x[j] = value
            part += value * needed[j]
        total += part
    for j in range(whole, x.size):
        value = updated(x[j], used[j], decay, scale)
        x[j] = value
        total += value * needed[j]
    return total


@compiled
def dot(x: Any, A: Any, row: int, following: int) -> Any:
    """Dot product of x with a row, while the following one is fetched."""
    needed, total = A[row], 0.0
    for first in range(0, x.size, LONG_PIECE):
        last = min(first + LONG_PIECE, x.size)
        fetch_long_piece(A, following, first)
        # Slices, for the compiler makes vectors of loops whose length it does not know.
        some, part = x[first:last], 0.0
        others = needed[first:last]
        for j in range(some.size):
            part += some[j] * others[j]
        total += part
    return total


@compiled
def subtract_row(x: Any, row: Any, decay: float, scale: float) -> None:
    """Update x by one row."""
    for j in range(x.size):
        x[j] = updated(x[j], row[j], decay, scale)


@cached
def single_rows(
    data: Any, order: Any, rates: Any, first: int, last: int, records: Any, points: Any, x: Any
) -> Any:
    """One row per iteration.

    Iterations first, …, last − 1; see `driver.Replicate.advance`.
    """
    # Arrays in hand: taking one out of a tuple costs an atomic operation in every iteration.
    A, b, ridge, rows = data.A, data.b, data.ridge_per_row, order.rows
    row_at(order, first)
    block, length = order.held[0], rows.size
    place = first - block * length
    row = previous = rows[place]
    decay, scale = 1.0, 0.0  # nothing to update yet
    recorded = 0
    for k in range(first, last + 1):
        # The row after this one, as far as it has been drawn.
        following = rows[place + 1] if place + 1 < length else row
        product = update_and_dot(x, A, previous, row, following, decay, scale)
        # Now x is x_k. The update of iteration k waits for the next turn of the loop.
        if recorded < records.size and records[recorded] == k:
            copy(x, points[recorded])
            recorded += 1
        residual = product - b[row]
        if k == last:
            break
        if not np.isfinite(residual):
            return recorded, False
        decay = decay_factor(rates[k - first], ridge)
        scale = row_scale(rates[k - first], residual, 1)
        previous = row
        place += 1
        if place == length:
            block, place = block + 1, 0
            fill_block(order, block, length)
        row = rows[place]
    return recorded, True


@cached
def batches(  # type: ignore[no-untyped-def]
    data, order, rates, sizes, position, first, last, records, points, x, batch, residuals
):
    """Any number of rows per iteration.

    Iterations first, …, last − 1; see `driver.Replicate.advance`.
    """
    A, b, ridge = data.A, data.b, data.ridge_per_row
    recorded = 0
    for k in range(first, last + 1):
        if recorded < records.size and records[recorded] == k:
            copy(x, points[recorded])
            recorded += 1
        if k == last:
            break
        size = sizes[k - first]
        fill_batch(order, k, position, batch[:size])
        position += size
        for j in range(size):
            following = batch[min(j + 1, size - 1)]
            residuals[j] = dot(x, A, batch[j], following) - b[batch[j]]
            if not np.isfinite(residuals[j]):
                return recorded, False
        # The batch's rows are subtracted one by one; the decay acts once, with the first of them.
        decay = decay_factor(rates[k - first], ridge)
        for j in range(size):
            scale = row_scale(rates[k - first], residuals[j], size)
            subtract_row(x, A[batch[j]], decay, scale)
            decay = 1.0
    return recorded, True
