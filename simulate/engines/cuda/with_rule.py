"""Algorithms that look at the whole gradient of a batch: any rule, on any rows.

Each kind of rows has a way to find a residual and to add a row's part of a batch's gradient to
`pull`; each rule says what it makes of a gradient. The loop around them is the same for all, and is
compiled once for each pair. Parameters stay in the device's memory, and threads own those that they
move.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np
from numba import float64

from hsgd.checks import Array
from simulate.engines.base import Plan
from simulate.engines.cuda import device
from simulate.engines.cuda.device import (
    PARTIALS,
    compiled,
    copy_entries,
    cuda,
    launched,
    on_device,
    row_scale,
)
from simulate.engines.cuda.kind import Kind
from simulate.engines.cuda.replicates import Replicates
from simulate.engines.cuda.rows import first_point, kind_of
from simulate.rules.base import Rule

PLAIN = (0.0, 0.0, 0.0)
"""Of residuals, which know neither ridge nor momentum here."""


def noter(rule: type[Rule]) -> Any:
    """What puts down what is seen in a point, and behind it the rate, if the rule finds it."""
    if rule.compiled_note is not None:
        take_note = on_device(rule.compiled_note)

        @compiled
        def note_seen(
            partial: Any, given: Any, state: Any, factor: float, size: int, x: Any, point: Any
        ) -> None:
            take_note(partial, given, state, x, point)

        return note_seen
    if rule.compiled_rate is None:

        @compiled
        def note(
            partial: Any, given: Any, state: Any, factor: float, size: int, x: Any, point: Any
        ) -> None:
            copy_entries(x, point)

        return note
    find_rate = on_device(rule.compiled_rate)

    @compiled
    def note_with_rate(
        partial: Any, given: Any, state: Any, factor: float, size: int, x: Any, point: Any
    ) -> None:
        copy_entries(x, point)
        rate = find_rate(partial, given, state, factor, size, x)
        if cuda.threadIdx.x == 0:
            point[x.size] = rate

    return note_with_rate


@cache
def kernel(kind: Kind, rule: type[Rule]) -> Any:
    """The kernel for a rule on rows of one kind.

    The kernel does the iterations first, …, first + rates.size − 2 of the replicate of its block.
    `rows` is what `residual_of` and `add` take apart, `given` what the rule's step reads. The
    parameters before the iterations `records` go to `points[r]`, from `slot` on; `rates` and
    `sizes` also have the iteration after the last one, which may be recorded. `pulls` is zero
    between the iterations.
    """
    residual_of, add = kind.residual, kind.add
    note, step = noter(rule), on_device(rule.compiled_step)

    @launched
    def with_rule(  # type: ignore[no-untyped-def]
        rows, given, first, rates, sizes, records, slot, all_x, states, pulls, points, diverged
    ):
        partial = cuda.shared.array(PARTIALS, float64)
        r = cuda.blockIdx.x
        if diverged[r] >= 0:
            return
        x, state, pull = all_x[r], states[r], pulls[r]
        place, recorded, last = 0, 0, rates.size - 1
        for i in range(rates.size):
            size, rate, good = sizes[i], rates[i], True
            if recorded < records.size and records[recorded] == first + i:
                note(partial, given, state, rate, size, x, points[r, slot + recorded])
                recorded += 1
            if i == last:
                break
            for m in range(size):
                residual = residual_of(partial, rows, PLAIN, x, r, place + m, 0)
                good = good and math.isfinite(residual)
                add(rows, r, place + m, row_scale(1.0, residual, size), pull)
            place += size
            if good:
                good = step(partial, given, i, state, rate, size, x, pull)
                cuda.syncthreads()  # the next row is read by other threads than have moved x
            if not good:
                if cuda.threadIdx.x == 0:
                    diverged[r] = first + i
                break

    return with_rule


class WithRule(Replicates):
    """Replicates of an algorithm that has a rule, on any rows."""

    def __init__(
        self, plan: Plan, keys: Any, arrays: dict[str, Array], data: tuple[Any, ...]
    ) -> None:
        super().__init__(plan, keys, arrays, data)
        assert plan.rule is not None
        self._rule = plan.rule
        self._kernel = kernel(kind_of(plan), type(plan.rule))
        self._constants = [
            cuda.to_device(value) if np.ndim(value) else value for value in plan.rule.constants()
        ]
        self._pulls = cuda.to_device(np.zeros((self._count, plan.dimension)))
        none = np.zeros((self._count, 1))
        name = plan.rule.state_name
        self._state = self._arrays[name] if name else cuda.to_device(none)

    @staticmethod
    def start(plan: Plan) -> dict[str, Array]:
        assert plan.rule is not None
        x, name = first_point(plan), plan.rule.state_name
        return {"x": x, name: plan.rule.new_state(plan.dimension)} if name else {"x": x}

    def advance(self, first: int, last: int, records: Any, slot: int) -> None:
        plan, rule = self._plan, self._rule
        sizes, rates = plan.batches.between(first, last + 1), plan.rates.up_to(first, last)
        factors = [cuda.to_device(factor.between(first, last)) for factor in rule.factors()]
        self._kernel[self._count, device.THREADS](
            self._rows.between(first, sizes[:-1]),
            rule.Given(plan.ridge_per_row, *self._constants, *factors),
            first, *map(cuda.to_device, map(np.array, (rates, sizes, records))), slot,
            self._arrays["x"], self._state, self._pulls, self._points, self._diverged,
        )  # fmt: skip
