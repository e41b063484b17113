"""The CPU engine: kernels compiled by Numba, one replicate per thread, every core busy.

A step reads a random row of A, and that is what takes the time. The kernel for single rows
therefore goes over the parameters once per iteration: it applies the update of the iteration
before, which needs the previous row (still in the nearest cache), and in the same loop takes the
dot product with the next row, while the start of the row after that is being fetched.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from hsgd.checks import Array
from simulate import sampling, update
from simulate.engines.base import Plan, Report
from simulate.engines.lanes import fill_bounded, room
from simulate.engines.layout import aligned_zeros, laid_out
from simulate.engines.prefetching import prefetch_start
from simulate.numba_policy import cached, compiled, share
from simulate.recording import Recorder
from simulate.sampling import (
    PURPOSES,
    SINGLE_SHUFFLE,
    SUBSET,
    WITH_REPLACEMENT,
    block_length,
    choose,
    undo_choice,
)
from simulate.threads import for_each
from simulate.update import decay_factor, row_scale, updated

share(sampling.choose, sampling.undo_choice)
share(update.decay_factor, update.row_scale, update.updated)

CHUNK_FLOPS = 5e8
"""Work between two looks at the clock: about a tenth of a second."""


class Data(NamedTuple):
    """What a kernel reads and never writes."""

    A: Any
    b: Any
    ridge_per_row: float


class Stream(NamedTuple):
    """A replicate's sequence of rows, and the block of it that was drawn last."""

    code: int
    key: Any
    held: Any
    """Number of the block in `rows`, shape (1,); −1 before the first."""
    order: Any
    """0, …, n − 1: what subsets are chosen from."""
    draws: Any
    """Room for a block's random numbers."""
    words: Any
    """Room for the words that they are made of."""
    rows: Any
    """The block."""


@compiled
def fill_block(stream, block):  # type: ignore[no-untyped-def]
    """Write a block into `stream.rows`: the same as `sampling.rows_of_block`."""
    code, order, rows = stream.code, stream.order, stream.rows
    index = 0 if code == SINGLE_SHUFFLE else block
    falling = 0 if code == WITH_REPLACEMENT else 1
    draws = stream.draws
    fill_bounded(stream.key, PURPOSES[code], index, order.size, falling, draws, stream.words)
    if code == WITH_REPLACEMENT:
        rows[:] = draws
    elif code == SUBSET:
        choose(order, draws, rows.size)
        rows[:] = order[: rows.size]
        undo_choice(order, draws, rows.size)
    else:
        rows[:] = order
        choose(rows, draws, rows.size)
    stream.held[0] = block


@compiled
def row_at(stream, position):  # type: ignore[no-untyped-def]
    """Row number at a position of the sequence."""
    length = stream.rows.size
    offset = position - stream.held[0] * length
    if offset < 0 or offset >= length:
        fill_block(stream, position // length)
        offset = position - stream.held[0] * length
    return stream.rows[offset]


@compiled
def update_and_dot(x, previous, upcoming, decay, scale):  # type: ignore[no-untyped-def]
    """Update x by the previous row, and return its dot product with the upcoming one."""
    total = 0.0
    for j in range(x.size):
        value = updated(x[j], previous[j], decay, scale)
        x[j] = value
        total += value * upcoming[j]
    return total


@cached
def _single_rows(source_digest: str) -> Any:
    def single_rows(data, stream, rates, first, last, records, points, x):  # type: ignore[no-untyped-def]
        """Iterations first, …, last − 1 with one row each; see `Replicate.advance`."""
        source_digest  # noqa: B018  (part of the cache's key)
        A = data.A
        previous = row_at(stream, first)
        decay, scale = 1.0, 0.0  # nothing to update yet
        recorded = 0
        for k in range(first, last + 1):
            row = row_at(stream, k)
            ahead = k + 1 - stream.held[0] * stream.rows.size
            if ahead < stream.rows.size:
                prefetch_start(A, stream.rows[ahead])
            product = update_and_dot(x, A[previous], A[row], decay, scale)
            # Now x is x_k. The update of iteration k waits for the next turn of the loop.
            if recorded < records.size and records[recorded] == k:
                points[recorded] = x[: points.shape[1]]
                recorded += 1
            residual = product - data.b[row]
            if k == last:
                break
            if not np.isfinite(residual):
                return recorded, False
            decay = decay_factor(rates[k - first], data.ridge_per_row)
            scale = row_scale(rates[k - first], residual, 1)
            previous = row
        return recorded, True

    return single_rows


@compiled
def dot(x, row):  # type: ignore[no-untyped-def]
    """Dot product."""
    total = 0.0
    for j in range(x.size):
        total += x[j] * row[j]
    return total


@compiled
def subtract_row(x, row, decay, scale):  # type: ignore[no-untyped-def]
    """Update x by one row."""
    for j in range(x.size):
        x[j] = updated(x[j], row[j], decay, scale)


@cached
def _batches(source_digest: str) -> Any:
    def batches(  # type: ignore[no-untyped-def]
        data, stream, rates, first, last, records, points, x, batch, residuals
    ):
        """Iterations first, …, last − 1 with batch.size rows each; see `Replicate.advance`."""
        source_digest  # noqa: B018  (part of the cache's key)
        A = data.A
        size = batch.size
        recorded = 0
        for k in range(first, last + 1):
            if recorded < records.size and records[recorded] == k:
                points[recorded] = x[: points.shape[1]]
                recorded += 1
            if k == last:
                break
            for j in range(size):
                batch[j] = row_at(stream, k * size + j)
            for j in range(size):
                if j + 1 < size:
                    prefetch_start(A, batch[j + 1])
                residuals[j] = dot(x, A[batch[j]]) - data.b[batch[j]]
                if not np.isfinite(residuals[j]):
                    return recorded, False
            decay = decay_factor(rates[k - first], data.ridge_per_row)
            for j in range(size):
                scale = row_scale(rates[k - first], residuals[j], size)
                subtract_row(x, A[batch[j]], decay, scale)
                decay = 1.0
        return recorded, True

    return batches


class Replicate:
    """One replicate on its way: its parameters, and the block of rows that it is reading."""

    def __init__(self, plan: Plan, A: Array, key: tuple[int, int]) -> None:
        self._plan = plan
        self._data = Data(A, plan.b, plan.ridge_per_row)
        self._x = aligned_zeros(A.shape[1])
        self._x[: len(plan.x0)] = plan.x0
        n = len(plan.A)
        length = block_length(plan.sampling, n, plan.batch_size)
        self._stream = Stream(
            code=plan.sampling,
            key=(np.uint64(key[0]), np.uint64(key[1])),
            held=np.full(1, -1),
            order=np.arange(n),
            draws=np.empty(length, dtype=np.int64),
            words=room(),
            rows=np.empty(length, dtype=np.int64),
        )
        self._batch = np.empty(plan.batch_size, dtype=np.int64)
        self._residuals = np.empty(plan.batch_size)

    def advance(self, first: int, last: int, records: Any, points: Any) -> tuple[int, bool]:
        """Do the iterations first, …, last − 1, and copy x into `points` at those in `records`.

        `records` may include `first` and `last`. Nothing depends on where one call ends and the
        next begins, not even the last bit.

        Returns
        -------
        int, bool
            How many were recorded, and whether all residuals were finite.
        """
        rates = self._plan.rates.between(first, last)
        common = (self._data, self._stream, rates, first, last, records, points, self._x)
        if self._plan.batch_size == 1:
            recorded, finite = _single_rows(*common)
        else:
            recorded, finite = _batches(*common, self._batch, self._residuals)
        return int(recorded), bool(finite)


def run(plan: Plan, recorder: Recorder, num_threads: int, report: Report) -> None:
    """Run every replicate; see `engines.base`."""
    A = laid_out(plan.A)

    def work(index: int, check: Callable[[], None]) -> None:
        def tell(done: int) -> None:
            check()
            report(done)

        run_replicate(plan, A, index, recorder, tell)

    for_each(len(plan.keys), num_threads, work)


def run_replicate(plan: Plan, A: Array, index: int, recorder: Recorder, report: Report) -> None:
    """Run one replicate from its start to the last record."""
    replicate = Replicate(plan, A, plan.keys[index])
    chunk = max(1, int(CHUNK_FLOPS / (4 * plan.batch_size * plan.A.shape[1])))
    points = np.empty((min(plan.block_size, len(plan.iterations)), plan.A.shape[1]))
    done = 0
    for first_slot, iterations in plan.record_blocks():
        filled, finite = 0, True
        while finite and filled < len(iterations):
            last = min(done + chunk, int(iterations[-1]))
            count, finite = replicate.advance(done, last, iterations[filled:], points[filled:])
            filled += count
            report(last - done)
            done = last
        if filled:
            recorder.record(index, first_slot, points[:filled])
        if not finite:
            report(plan.num_iterations - done)
            return
