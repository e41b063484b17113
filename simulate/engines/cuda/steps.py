"""SGD's steps, with or without momentum: the loop around them, whatever the rows.

One block of threads is one replicate, and a thread owns every THREADS-th parameter. Each kind of
rows has a way to find a row's residual and a way to move the parameters by a batch of rows; what is
recorded, and what happens where a run diverges, is the same for all of them.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

from numba import float64

from simulate.engines.cuda.device import PARTIALS, copy_entries, cuda, launched, row_scale
from simulate.engines.cuda.kind import Kind


@cache
def kernel(kind: Kind) -> Any:
    """The kernel that takes steps on rows of one kind.

    The kernel does the iterations first, …, first + rates.size − 1 of the replicate of its block.
    `rows` is what `residual_of` and `move` take apart; `constants` are the ridge, the momentum and
    how far the residuals look ahead. A state is the parameters and what `move` keeps behind them;
    if it may be `near` and fits into shared memory, `in_shared`, it stays there. By `note` the
    parameters before the iterations `records` go to `points[r]`, from `slot` on.

    `move` begins by waiting for the block: then the scales are there. If it changes parameters that
    other threads read, it ends by waiting again.
    """
    residual_of, move, note, shared = kind.residual, kind.move, kind.note, kind.near

    @launched
    def take_steps(  # type: ignore[no-untyped-def]
        rows, constants, first, rates, sizes, records, slot, in_shared,
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
                residual = residual_of(partial, rows, constants, state, r, place + m, m)
                finite = finite and math.isfinite(residual)
                if t == 0:
                    scales[r, m] = row_scale(rate, residual, size)
            if not finite:
                if t == 0:
                    diverged[r] = first + i
                break
            move(rows, constants, state, r, place, size, rate, scales[r])
            place += size
        if finite and recorded < records.size:
            note(state, points[r, slot + recorded])
        if shared and in_shared:
            cuda.syncthreads()  # velocities are copied by other threads than have changed them
            copy_entries(state, states[r])

    return take_steps
