"""SGD on rows that are stored one after another.

A step reads a random row of A, and that is what takes the time. The kernel for single rows
therefore goes over the parameters once per iteration: it applies the update of the iteration
before, which needs the previous row (still in the nearest cache), and in the same loop takes the
dot product with the next row, while the start of the row after that is being fetched.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simulate import update
from simulate.engines.kernels.order import fill_batch, row_at
from simulate.engines.prefetching import prefetch_start
from simulate.numba_policy import cached, compiled, share
from simulate.update import decay_factor, row_scale, updated

share(update.shrink_factor, update.decay_factor, update.row_scale)
share(update.updated, update.ahead, update.updated_velocity)


class Data(NamedTuple):
    """What a kernel reads and never writes."""

    A: Any
    b: Any
    ridge_per_row: float


@compiled
def update_and_dot(x, previous, upcoming, decay, scale):  # type: ignore[no-untyped-def]
    """Update x by the previous row, and return its dot product with the upcoming one."""
    total = 0.0
    for j in range(x.size):
        value = updated(x[j], previous[j], decay, scale)
        x[j] = value
        total += value * upcoming[j]
    return total


@compiled
def dot(x, row):  # type: ignore[no-untyped-def]
    """Dot product."""
    total = 0.0
    for j in range(x.size):
        total += x[j] * row[j]
    return total


@compiled
def subtract_row(x, row, decay, scale):  # type: ignore[no-untyped-def]
    """Update x by one row."""
    for j in range(x.size):
        x[j] = updated(x[j], row[j], decay, scale)


@cached
def single_rows(data, order, rates, first, last, records, points, x):  # type: ignore[no-untyped-def]
    """One row per iteration.

    Iterations first, …, last − 1; see `driver.Replicate.advance`.
    """
    A = data.A
    previous = row_at(order, first)
    decay, scale = 1.0, 0.0  # nothing to update yet
    recorded = 0
    for k in range(first, last + 1):
        row = row_at(order, k)
        following = k + 1 - order.held[0] * order.rows.size
        if following < order.rows.size:
            prefetch_start(A, order.rows[following])
        product = update_and_dot(x, A[previous], A[row], decay, scale)
        # Now x is x_k. The update of iteration k waits for the next turn of the loop.
        if recorded < records.size and records[recorded] == k:
            points[recorded] = x[: points.shape[1]]
            recorded += 1
        residual = product - data.b[row]
        if k == last:
            break
        if not np.isfinite(residual):
            return recorded, False
        decay = decay_factor(rates[k - first], data.ridge_per_row)
        scale = row_scale(rates[k - first], residual, 1)
        previous = row
    return recorded, True


@cached
def batches(  # type: ignore[no-untyped-def]
    data, order, rates, sizes, position, first, last, records, points, x, batch, residuals
):
    """Any number of rows per iteration.

    Iterations first, …, last − 1; see `driver.Replicate.advance`.
    """
    A = data.A
    recorded = 0
    for k in range(first, last + 1):
        if recorded < records.size and records[recorded] == k:
            points[recorded] = x[: points.shape[1]]
            recorded += 1
        if k == last:
            break
        size = sizes[k - first]
        fill_batch(order, k, position, batch[:size])
        position += size
        for j in range(size):
            if j + 1 < size:
                prefetch_start(A, batch[j + 1])
            residuals[j] = dot(x, A[batch[j]]) - data.b[batch[j]]
            if not np.isfinite(residuals[j]):
                return recorded, False
        decay = decay_factor(rates[k - first], data.ridge_per_row)
        for j in range(size):
            scale = row_scale(rates[k - first], residuals[j], size)
            subtract_row(x, A[batch[j]], decay, scale)
            decay = 1.0
    return recorded, True
