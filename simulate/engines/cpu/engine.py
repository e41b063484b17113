"""The CPU engine: kernels compiled by Numba, one replicate per thread, every core busy."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.checkpoint import Store
from simulate.engines import driver
from simulate.engines.base import Plan, Report
from simulate.engines.cpu.kernels.dense import Data, batches, single_rows
from simulate.engines.cpu.kernels.momentum import with_momentum
from simulate.engines.cpu.kernels.order import new_order
from simulate.engines.cpu.kernels.sparse import sparse_batches
from simulate.engines.cpu.kernels.streaming import Source, streaming
from simulate.engines.cpu.layout import SparseRows, aligned_zeros, laid_out
from simulate.engines.cpu.streams import streams
from simulate.engines.cpu.with_rule import WithRule, reader_of_data, reader_of_stream
from simulate.recording import Recorder
from simulate.rows.base import FreshRows
from simulate.rows.data import DataRows

CHUNK_FLOPS = 5e8
"""Work between two looks at the clock: about a tenth of a second."""
CHUNK_NUMBERS = 2**22
"""Numbers that a rule reads, for all iterations between two looks (32 MB)."""


class OnData:
    """A replicate that reads rows of A."""

    def __init__(self, plan: Plan, rows: DataRows, A: Any, index: int) -> None:
        n, d = rows.A.shape
        sparse = isinstance(A, SparseRows)
        largest = plan.batches.largest
        self._plan = plan
        self._data = Data(A, rows.b, plan.ridge_per_row)
        self._order = new_order(rows.sampling, plan.keys[index], n, largest)
        self._x = aligned_zeros(d if sparse else A.shape[1])
        self._x[:d] = plan.x0
        self._batch = np.empty(largest, dtype=np.int64)
        self._residuals = np.empty(largest)
        self._arrays = {"x": self._x}
        if plan.momentum:
            self._arrays["v"] = np.zeros_like(self._x)
            self._pull = np.zeros_like(self._x)
            self._advance = self._with_momentum
        elif sparse:
            self._arrays["factor"] = np.ones(1)
            self._advance = self._sparse
        elif largest == 1:
            self._advance = self._single
        else:
            self._advance = self._batches

    def arrays(self) -> dict[str, Array]:
        return self._arrays

    def advance(self, first: int, last: int, records: Any, points: Array) -> tuple[int, bool]:
        rates = self._plan.rates.between(first, last)
        recorded, finite = self._advance(rates, (first, last, records, points))
        return int(recorded), bool(finite)

    def _batch_sizes(self, window: Any) -> tuple[Any, int]:
        first, last = window[:2]
        return self._plan.batches.between(first, last), self._plan.batches.rows_before(first)

    def _single(self, rates: Array, window: Any) -> Any:
        return single_rows(self._data, self._order, rates, *window, self._x)

    def _batches(self, rates: Array, window: Any) -> Any:
        sizes = self._batch_sizes(window)
        room = (self._batch, self._residuals)
        return batches(self._data, self._order, rates, *sizes, *window, self._x, *room)

    def _sparse(self, rates: Array, window: Any) -> Any:
        sizes = self._batch_sizes(window)
        state = self._arrays.values()
        room = (self._batch, self._residuals)
        return sparse_batches(self._data, self._order, rates, *sizes, *window, *state, *room)

    def _with_momentum(self, rates: Array, window: Any) -> Any:
        sizes = self._batch_sizes(window)
        kind = (self._plan.momentum, self._plan.look)
        state = self._arrays.values()
        room = (self._pull, self._batch, self._residuals)
        return with_momentum(self._data, self._order, *kind, rates, *sizes, *window, *state, *room)


class OnStream:
    """A replicate that makes its own rows."""

    def __init__(self, plan: Plan, source: Source, x: Array) -> None:
        self._plan, self._source, self._x = plan, source, x
        self._rows = np.empty((plan.batches.largest, len(x)), dtype=plan.dtype)
        self._residuals = np.empty(plan.batches.largest)

    def arrays(self) -> dict[str, Array]:
        return {"x": self._x}

    def advance(self, first: int, last: int, records: Any, points: Array) -> tuple[int, bool]:
        recorded, finite = streaming(
            self._source,
            self._plan.rates.between(first, last),
            self._plan.batches.between(first, last),
            self._plan.batches.rows_before(first),
            first,
            last,
            records,
            points,
            self._x,
            self._rows,
            self._residuals,
        )
        return int(recorded), bool(finite)


def _maker(plan: Plan) -> tuple[Callable[[int], driver.Replicate], float]:
    """What makes a replicate of its index, and the operations that it spends on a row."""
    rows, rule = plan.rows, plan.rule
    if isinstance(rows, DataRows):
        A = laid_out(rows.A, plan.dtype)
        entries = rows.A.nnz / rows.A.shape[0] if isinstance(A, SparseRows) else A.shape[1]
        if rule is None:
            return lambda index: OnData(plan, rows, A, index), 4.0 * entries
        data = partial(reader_of_data, plan, rows, A)
        return lambda index: WithRule(plan, rule, *data(index)), 4.0 * entries
    assert isinstance(rows, FreshRows)
    stream = streams(plan, rows)
    if rule is None:
        return lambda index: OnStream(plan, *stream(index)), rows.operations
    reader = reader_of_stream
    return lambda index: WithRule(plan, rule, *reader(plan, *stream(index))), rows.operations


def run(plan: Plan, recorder: Recorder, num_threads: int, report: Report, store: Store) -> None:
    """Run every replicate; see `engines.base`."""
    make, per_row = _maker(plan)
    # A row of few entries still has an overhead.
    chunk = max(1, int(CHUNK_FLOPS / (plan.batches.largest * (per_row + 100.0))))
    if plan.rule is not None:
        chunk = min(chunk, max(1, CHUNK_NUMBERS // max(1, plan.rule.numbers_per_iteration)))
    driver.run(plan, make, chunk, recorder, num_threads, report, store)
