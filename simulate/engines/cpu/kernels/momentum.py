"""SGD with momentum: heavy ball and Nesterov, for any batch, dense rows or sparse ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types
from numba.extending import overload

from simulate.engines.cpu.kernels.copying import copy
from simulate.engines.cpu.kernels.dense import Data as Data
from simulate.engines.cpu.kernels.order import fill_batch
from simulate.formulas.update import ahead, row_scale, shrink_factor, updated_velocity
from simulate.numba_policy import FASTMATH, cached, compiled


def dot_ahead(A: Any, row: Any, x: Any, v: Any, look: float) -> float:
    """Dot product of a row of A with the point ahead."""
    raise NotImplementedError("compiled only")


def add_row(A: Any, row: Any, scale: float, pull: Any) -> None:
    """Add a multiple of a row of A to `pull`."""
    raise NotImplementedError("compiled only")


_JIT: Any = {"fastmath": FASTMATH, "error_model": "numpy", "forceinline": True}


@overload(dot_ahead, jit_options=_JIT)
def _dot_ahead(A, row, x, v, look):  # type: ignore[no-untyped-def]
    if isinstance(A, types.Array):

        def dense(A, row, x, v, look):  # type: ignore[no-untyped-def]
            entries, total = A[row], 0.0
            for j in range(x.size):
                total += ahead(x[j], v[j], look) * entries[j]
            return total

        return dense

    def sparse(A, row, x, v, look):  # type: ignore[no-untyped-def]
        total = 0.0
        for place in range(A.starts[row], A.starts[row + 1]):
            j = A.columns[place]
            total += ahead(x[j], v[j], look) * A.entries[place]
        return total

    return sparse


@overload(add_row, jit_options=_JIT)
def _add_row(A, row, scale, pull):  # type: ignore[no-untyped-def]
    if isinstance(A, types.Array):

        def dense(A, row, scale, pull):  # type: ignore[no-untyped-def]
            entries = A[row]
            for j in range(pull.size):
                pull[j] += scale * entries[j]

        return dense

    def sparse(A, row, scale, pull):  # type: ignore[no-untyped-def]
        for place in range(A.starts[row], A.starts[row + 1]):
            pull[A.columns[place]] += scale * A.entries[place]

    return sparse


@compiled
def move(x: Any, v: Any, pull: Any, look: float, momentum: float, shrink: float) -> None:
    """Update velocities and parameters, and clear `pull`."""
    for j in range(x.size):
        v[j] = updated_velocity(v[j], ahead(x[j], v[j], look), pull[j], momentum, shrink)
        x[j] += v[j]
        pull[j] = 0.0


@cached
def with_momentum(  # type: ignore[no-untyped-def]
    data, order, momentum, look, rates, sizes, position,
    first, last, records, points, x, v, pull, batch, residuals,
):  # fmt: skip
    """Any number of rows per iteration, with a velocity.

    Iterations first, …, last − 1; see `driver.Replicate.advance`.
    """
    A = data.A
    recorded = 0
    for k in range(first, last + 1):
        if recorded < records.size and records[recorded] == k:
            copy(x, points[recorded])
            recorded += 1
        if k == last:
            break
        rate, size = rates[k - first], sizes[k - first]
        fill_batch(order, k, position, batch[:size])
        position += size
        # All residuals are those of the point before the step, so a pull is gathered first.
        for j in range(size):
            residuals[j] = dot_ahead(A, batch[j], x, v, look) - data.b[batch[j]]
            if not np.isfinite(residuals[j]):
                return recorded, False
        for j in range(size):
            add_row(A, batch[j], row_scale(rate, residuals[j], size), pull)
        move(x, v, pull, look, momentum, shrink_factor(rate, data.ridge_per_row))
    return recorded, True
