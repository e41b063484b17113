"""A replicate of an algorithm that has a rule, on the CPU: any rule, any rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.engines.base import DataRows, Plan
from simulate.engines.cpu.kernels.dense import Data
from simulate.engines.cpu.kernels.order import new_order
from simulate.engines.cpu.kernels.streaming import Source, padded
from simulate.engines.cpu.kernels.with_rule import (
    AdaGradArrays,
    DataReader,
    MemoryArrays,
    NearestArrays,
    StreamReader,
    follow,
)
from simulate.engines.cpu.layout import SparseRows, aligned_zeros
from simulate.formulas.rules import AdaGrad, Memory, Nearest, Rule


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


class Following:
    """A replicate that follows a rule."""

    def __init__(self, plan: Plan, rule: Rule, reader: DataReader | StreamReader, x: Array) -> None:
        self._plan, self._rule, self._reader = plan, rule, reader
        self._state = rule.new_state(len(x))
        self._x, self._pull = x, np.zeros_like(x)

    def arrays(self) -> dict[str, Array]:
        return {"x": self._x, **self._state}

    def advance(self, first: int, last: int, records: Any, points: Array) -> tuple[int, bool]:
        plan = self._plan
        recorded, finite = follow(
            self._reader,
            self._arrays_of_rule(first, last),
            plan.rates.up_to(first, last),
            plan.batches.between(first, last + 1),
            plan.batches.rows_before(first),
            first,
            last,
            records,
            points,
            self._x,
            self._pull,
        )
        return int(recorded), bool(finite)

    def _arrays_of_rule(self, first: int, last: int) -> Any:
        rule, ridge = self._rule, self._plan.ridge_per_row
        if isinstance(rule, AdaGrad):
            return AdaGradArrays(ridge, self._state["energy"])
        if isinstance(rule, Nearest):
            vectors = (rule.eigenvalues, rule.coefficients, rule.weights, rule.slopes)
            constants: Any = (*map(padded, vectors), rule.spread, rule.noise_variance)
            return NearestArrays(ridge, *constants)
        assert isinstance(rule, Memory)
        factors = (rule.momentum_rates, rule.forgettings, rule.gradient_rates)
        between = (factor.between(first, last) for factor in factors)
        return MemoryArrays(ridge, self._state["memory"], *between)
