"""The beginning of every replicate's stream of rows, as the compiled kernels want it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hsgd.checks import Array
from simulate.engines.base import Plan
from simulate.engines.cpu.kernels.streaming import KINDS, Source
from simulate.engines.cpu.lanes import room
from simulate.engines.cpu.layout import aligned_zeros
from simulate.rows.base import NOISE_BLOCK, FreshRows

Streams = Callable[[int], tuple[Source, Array]]
"""From a replicate's index to its rows and its start."""


def streams(plan: Plan, rows: FreshRows) -> Streams:
    """The streams of all replicates; they share what is the same in all of them."""
    length, made = KINDS[type(rows)].begin(rows, plan.dtype)
    start = rows.to_basis(plan.x0)

    def begin(index: int) -> tuple[Source, Array]:
        key = plan.keys[index]
        source = Source(
            key=(np.uint64(key[0]), np.uint64(key[1])),
            rows=made(),
            noise=rows.noise,
            ridge_per_row=plan.ridge_per_row,
            held=np.full(1, -1),
            noises=np.empty(NOISE_BLOCK),
            words=room(),
        )
        x = aligned_zeros(length)
        x[: plan.dimension] = start
        return source, x

    return begin
