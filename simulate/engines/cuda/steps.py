"""SGD's steps, with or without momentum: the loop around them, whatever the rows.

One block of threads is one replicate, and a thread owns every THREADS-th parameter. Each kind of
rows has a way to find a row's residual and a way to move the parameters by a batch of rows; what is
recorded, and what happens where a run diverges, is the same for all of them.
"""

from __future__ import annotations

import math
from typing import Any

from numba import float64

from simulate.engines.cuda.dense import dense_residual, move_dense
from simulate.engines.cuda.device import PARTIALS, copy_beginning, copy_entries, cuda, row_scale
from simulate.engines.cuda.features import feature_residual
from simulate.engines.cuda.rows import DENSE, FEATURES, FRESH, SPARSE, SPARSE_MOMENTUM
from simulate.engines.cuda.sparse import (
    copy_multiple,
    move_multiple,
    move_sparse,
    multiple_residual,
    sparse_residual,
)
from simulate.engines.cuda.streaming import fresh_residual, move_fresh


def stepper(residual_of: Any, move: Any, note: Any, shared: bool) -> Any:
    """The kernel that takes steps on rows of one kind.

    The kernel does the iterations first, …, first + rates.size − 1 of the replicate of its block.
    `rows` is what `residual_of` and `move` take apart, and `kind` is the ridge, the momentum and
    how far the residuals look ahead. A state is the parameters and what `move` keeps behind them;
    if the kernel has `shared` memory and it fits there, `in_shared`, it stays there. By `note` the
    parameters before the iterations `records` go to `points[r]`, from `slot` on.

    `move` begins by waiting for the block: then the scales are there. If it changes parameters that
    other threads read, it ends by waiting again.
    """

    @cuda.jit
    def take_steps(  # type: ignore[no-untyped-def]
        rows, kind, first, rates, sizes, records, slot, in_shared,
        states, scales, points, diverged,
    ):  # fmt: skip
        partial = cuda.shared.array(PARTIALS, float64)
        room = cuda.shared.array(0, float64)
        r, t = cuda.blockIdx.x, cuda.threadIdx.x
        if diverged[r] >= 0:
            return
        state = states[r]
        if shared and in_shared:
            state = room[: state.size]
            copy_entries(states[r], state)
            cuda.syncthreads()
        place, recorded, finite = 0, 0, True
        for i in range(rates.size):
            if recorded < records.size and records[recorded] == first + i:
                note(state, points[r, slot + recorded])
                recorded += 1
            size, rate = sizes[i], rates[i]
            for m in range(size):
                residual = residual_of(partial, rows, kind, state, r, place + m, m)
                finite = finite and math.isfinite(residual)
                if t == 0:
                    scales[r, m] = row_scale(rate, residual, size)
            if not finite:
                if t == 0:
                    diverged[r] = first + i
                break
            move(rows, kind, state, r, place, size, rate, scales[r])
            place += size
        if finite and recorded < records.size:
            note(state, points[r, slot + recorded])
        if shared and in_shared:
            cuda.syncthreads()  # velocities are copied by other threads than have changed them
            copy_entries(state, states[r])

    return take_steps


KEPT_NEAR = (DENSE, SPARSE, FRESH)
"""Kinds whose state may be in shared memory; the code that the others do without takes registers,
as a slice does where a state is no more than the parameters."""
KERNELS = {
    kind: stepper(*functions, shared=kind in KEPT_NEAR)
    for kind, functions in {
        DENSE: (dense_residual, move_dense, copy_beginning),
        SPARSE: (multiple_residual, move_multiple, copy_multiple),
        SPARSE_MOMENTUM: (sparse_residual, move_sparse, copy_beginning),
        FRESH: (fresh_residual, move_fresh, copy_entries),
        FEATURES: (feature_residual, move_fresh, copy_entries),
    }.items()
}
