"""The CPU engine: kernels compiled by Numba, one replicate per thread, every core busy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.activating import CODES
from simulate.checkpoint import Store
from simulate.engines import driver
from simulate.engines.base import (
    FEATURE_BLOCK,
    NOISE_BLOCK,
    DataRows,
    FreshFeatures,
    FreshRows,
    Plan,
    Report,
)
from simulate.engines.kernels.dense import Data, batches, single_rows
from simulate.engines.kernels.features import Features
from simulate.engines.kernels.momentum import with_momentum
from simulate.engines.kernels.order import new_order
from simulate.engines.kernels.sparse import sparse_batches
from simulate.engines.kernels.streaming import Gaussian, Source, streaming
from simulate.engines.lanes import room
from simulate.engines.layout import SparseRows, aligned_zeros, laid_out
from simulate.recording import Recorder

CHUNK_FLOPS = 5e8
"""Work between two looks at the clock: about a tenth of a second."""


WHOLE = 64
"""Normals that fill whole vectors, of sixteen blocks of four."""


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

    def __init__(self, plan: Plan, rows: Gaussian | Features, start: Array, index: int) -> None:
        key, noise = plan.keys[index], plan.rows.noise  # type: ignore[union-attr]
        self._plan = plan
        self._source = Source(
            key=(np.uint64(key[0]), np.uint64(key[1])),
            rows=rows,
            noise=noise,
            ridge_per_row=plan.ridge_per_row,
            held=np.full(1, -1),
            noises=np.empty(NOISE_BLOCK),
            words=room(),
        )
        # Normals come in whole vectors of blocks; entries beyond d have a root of zero, and so
        # their parameters stay zero.
        width = len(rows.root) if isinstance(rows, Gaussian) else plan.width
        self._x = aligned_zeros(width)
        self._x[: plan.width] = start
        self._rows = np.empty((plan.batches.largest, width), dtype=plan.dtype)
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


def _gaussian(rows: FreshRows) -> Gaussian:
    d = rows.num_normals
    width = -(-d // WHOLE) * WHOLE if d >= WHOLE else d
    return Gaussian(np.pad(rows.root, (0, width - d)), np.pad(rows.coefficients, (0, width - d)))


def _features(plan: Plan, rows: FreshFeatures, mixing: Array) -> Features:
    num_features, inputs = rows.mixing.shape
    return Features(
        code=CODES[rows.activation.name],
        mixing=mixing,
        direction=rows.direction,
        shift=rows.shift,
        held=np.full(1, -1),
        normals=np.empty((FEATURE_BLOCK, inputs)),
        before=np.empty((FEATURE_BLOCK, num_features)),
        block=np.empty((FEATURE_BLOCK, num_features), dtype=plan.dtype),
        targets=np.empty(FEATURE_BLOCK),
    )


def _maker(plan: Plan) -> tuple[Callable[[int], driver.Replicate], float]:
    """What makes a replicate of its index, and the operations that it spends on a row."""
    rows = plan.rows
    if isinstance(rows, FreshRows):
        gaussian, start = _gaussian(rows), rows.to_basis(plan.x0)
        # making a normal takes as long as some thirty operations
        return lambda index: OnStream(plan, gaussian, start, index), 30.0 * plan.width
    if isinstance(rows, FreshFeatures):
        mixing = np.ascontiguousarray(rows.mixing.T)
        cost = 2.0 * mixing.size + 30.0 * (rows.num_normals + plan.width)
        return lambda index: OnStream(plan, _features(plan, rows, mixing), plan.x0, index), cost
    A = laid_out(rows.A, plan.dtype)
    entries = rows.A.nnz / rows.A.shape[0] if isinstance(A, SparseRows) else A.shape[1]
    return lambda index: OnData(plan, rows, A, index), 4.0 * entries


def run(plan: Plan, recorder: Recorder, num_threads: int, report: Report, store: Store) -> None:
    """Run every replicate; see `engines.base`."""
    make, per_row = _maker(plan)
    # A row of few entries still has an overhead.
    chunk = max(1, int(CHUNK_FLOPS / (plan.batches.largest * (per_row + 100.0))))
    driver.run(plan, make, chunk, recorder, num_threads, report, store)
