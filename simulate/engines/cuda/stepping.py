"""The host's side of replicates that take steps of SGD, with or without momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.engines.base import Plan
from simulate.engines.cuda import device
from simulate.engines.cuda.device import cuda
from simulate.engines.cuda.replicates import Replicates
from simulate.engines.cuda.rows import first_point, kind_of
from simulate.engines.cuda.steps import kernel

SHARED_BYTES = 40 * 2**10
"""Shared memory that a block may take for its state: every GPU lends 48 KiB unasked."""


class Stepping(Replicates):
    """They take steps, on any rows."""

    def __init__(
        self, plan: Plan, keys: Any, arrays: dict[str, Array], data: tuple[Any, ...]
    ) -> None:
        super().__init__(plan, keys, arrays, data)
        self._scales = cuda.device_array((self._count, plan.batches.largest))
        self._constants = (plan.ridge_per_row, plan.momentum, plan.look)

    @staticmethod
    def start(plan: Plan) -> dict[str, Array]:
        return {"state": np.append(first_point(plan), kind_of(plan).behind(plan))}

    def advance(self, first: int, last: int, records: Any, slot: int) -> None:
        plan, states = self._plan, self._arrays["state"]
        sizes, rates = plan.batches.between(first, last), plan.rates.between(first, last)
        kind = kind_of(plan)
        wanted = 8 * states.shape[1] if kind.near else 0
        shared = wanted if wanted <= SHARED_BYTES else 0
        kernel(kind)[self._count, device.THREADS, 0, shared](
            self._rows.between(first, sizes), self._constants,
            first, *map(cuda.to_device, map(np.array, (rates, sizes, records))), slot, shared > 0,
            states, self._scales, self._points, self._diverged,
        )  # fmt: skip
