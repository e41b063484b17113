"""A replicate of an algorithm that has a rule, on the CPU: any rule, any rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.engines.base import Plan
from simulate.engines.cpu.kernels.dense import Data
from simulate.engines.cpu.kernels.order import new_order
from simulate.engines.cpu.kernels.streaming import Source
from simulate.engines.cpu.kernels.with_rule import DataReader, StreamReader, with_rule
from simulate.engines.cpu.layout import SparseRows, aligned_zeros
from simulate.rows.data import DataRows
from simulate.rules.base import Rule


def reader_of_data(plan: Plan, rows: DataRows, A: Any, index: int) -> tuple[DataReader, Array]:
    """What a replicate reads, and its start as kernels want it."""
    n, d = rows.A.shape
    x = aligned_zeros(d if isinstance(A, SparseRows) else A.shape[1])
    x[:d] = plan.x0
    largest = plan.batches.largest
    order = new_order(rows.sampling, plan.keys[index], n, largest)
    data = Data(A, rows.b, plan.ridge_per_row)
    return DataReader(data, order, np.empty(largest, dtype=np.int64)), x


def reader_of_stream(plan: Plan, source: Source, x: Array) -> tuple[StreamReader, Array]:
    """What a replicate reads, and its start."""
    return StreamReader(source, np.empty(len(x), dtype=plan.dtype)), x


class WithRule:
    """A replicate of an algorithm that has a rule."""

    def __init__(self, plan: Plan, rule: Rule, reader: DataReader | StreamReader, x: Array) -> None:
        self._plan, self._rule, self._reader = plan, rule, reader
        self._x, self._state, self._pull = x, rule.new_state(len(x)), np.zeros_like(x)
        # Parameters may be followed by zeros, and then what goes with them is as well.
        self._constants = [
            np.pad(value, (0, len(x) - len(value))) if np.ndim(value) == 1 else value
            for value in rule.constants()
        ]

    def arrays(self) -> dict[str, Array]:
        name = self._rule.state_name
        return {"x": self._x, name: self._state} if name else {"x": self._x}

    def advance(self, first: int, last: int, records: Any, points: Array) -> tuple[int, bool]:
        plan, rule = self._plan, self._rule
        factors = [factor.between(first, last) for factor in rule.factors()]
        recorded, finite = with_rule(
            self._reader,
            rule.Given(plan.ridge_per_row, *self._constants, *factors),
            plan.rates.up_to(first, last),
            plan.batches.between(first, last + 1),
            plan.batches.rows_before(first),
            first,
            last,
            records,
            points,
            self._x,
            self._state,
            self._pull,
        )
        return int(recorded), bool(finite)
