"""SGD on sparse rows: an iteration costs what its rows hold, not what the parameters are.

A ridge shrinks all parameters in every iteration. So they are kept as factor·y: the factor shrinks,
and y changes only where a row has entries.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from simulate.engines.cpu.kernels.order import fill_batch
from simulate.formulas.update import SMALLEST_FACTOR, decay_factor, row_scale
from simulate.numba_policy import cached, compiled


@compiled
def sparse_dot(A: Any, row: int, y: Any) -> Any:
    """Dot product of a row with y."""
    total = 0.0
    for place in range(A.starts[row], A.starts[row + 1]):
        total += A.entries[place] * y[A.columns[place]]
    return total


@cached
def sparse_batches(  # type: ignore[no-untyped-def]
    data, order, rates, sizes, position,
    first, last, records, points, y, factor, batch, residuals,
):  # fmt: skip
    """Any number of sparse rows per iteration.

    Iterations first, …, last − 1; see `driver.Replicate.advance`.
    """
    A = data.A
    recorded = 0
    for k in range(first, last + 1):
        if recorded < records.size and records[recorded] == k:
            for j in range(y.size):
                points[recorded, j] = factor[0] * y[j]
            recorded += 1
        if k == last:
            break
        rate, size = rates[k - first], sizes[k - first]
        fill_batch(order, k, position, batch[:size])
        position += size
        for j in range(size):
            residuals[j] = factor[0] * sparse_dot(A, batch[j], y) - data.b[batch[j]]
            if not np.isfinite(residuals[j]):
                return recorded, False
        # The factor takes the decay, in O(1); before y could lose digits it is multiplied out.
        factor[0] *= decay_factor(rate, data.ridge_per_row)
        if abs(factor[0]) < SMALLEST_FACTOR or abs(factor[0]) > 1.0 / SMALLEST_FACTOR:
            for j in range(y.size):
                y[j] *= factor[0]
            factor[0] = 1.0
        for j in range(size):
            scale = row_scale(rate, residuals[j], size) / factor[0]
            for place in range(A.starts[batch[j]], A.starts[batch[j] + 1]):
                y[A.columns[place]] -= scale * A.entries[place]
    return recorded, True
