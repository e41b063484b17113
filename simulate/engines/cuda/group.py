"""A group of replicates on its way, from launch to launch and from block to block of records."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from hsgd.checks import Array
from simulate.checkpoint import State, Store
from simulate.engines.base import Plan, Report
from simulate.engines.cuda.replicates import launch_iterations
from simulate.engines.cuda.stepping import Stepping
from simulate.engines.cuda.with_rule import WithRule
from simulate.recording import Recorder
from simulate.threads import for_each


class Block(NamedTuple):
    """Points of a group, fetched from the device."""

    first_slot: int
    iterations: Any
    """Of the points that are filled."""
    points: Array
    """Shape (replicates, block, d)."""
    diverged: Any
    """When each replicate diverged, −1 where it has not."""


class Group:
    """Replicates that have come equally far, from there to the last record.

    A block of records is gathered on the device and fetched when it is full; its statistics are
    computed while the device is at work on the next one.
    """

    def __init__(
        self,
        plan: Plan,
        data: tuple[Any, ...],
        members: list[tuple[int, State | None]],
        recorder: Recorder,
        num_threads: int,
        store: Store,
    ) -> None:
        self._plan, self._recorder, self._store = plan, recorder, store
        self._num_threads = num_threads
        self._indices = [index for index, _ in members]
        self._now = State() if members[0][1] is None else members[0][1]
        kind = Stepping if plan.rule is None else WithRule
        starts = [kind.start(plan) if s is None else s.arrays for _, s in members]
        arrays = {name: np.array([start[name] for start in starts]) for name in starts[0]}
        keys = np.array([plan.keys[index] for index in self._indices], dtype=np.uint64)
        self._device = kind(plan, keys, arrays, data)
        self._device.set_points([s.points if s else None for _, s in members], self._now.filled)
        self._gone: set[int] = set()
        """Rows that have diverged and are done with."""
        self._full: Block | None = None
        """A full block that is not recorded yet."""

    def run(self, report: Report) -> None:
        """Run to the end."""
        plan, now, count = self._plan, self._now, len(self._indices)
        step, end = launch_iterations(plan), len(plan.iterations)
        report(now.done * count)
        while now.slot < end and len(self._gone) < count:
            wanted = plan.iterations[now.slot : now.slot + plan.block_size]
            last = min(now.done + step, int(wanted[-1]))
            records = wanted[now.filled : int(np.searchsorted(wanted, last, side="right"))]
            # The device is told what to do, and the host records the last block while it does.
            self._device.advance(now.done, last, records, now.filled)
            self._record_full()
            self._device.wait()
            progress, now.done, now.filled = last - now.done, last, now.filled + len(records)
            if now.filled == len(wanted):
                self._full = self._block(wanted)
                now.slot, now.filled = now.slot + now.filled, 0
            try:
                report(progress * count)
            except BaseException:
                self._record_full()
                if now.filled:
                    self._record(self._block(wanted[: now.filled]))
                self._save(now=True)
                raise
            if now.slot < end:
                self._save(now=False)
        self._record_full()
        report((plan.num_iterations - now.done) * count)
        for row in set(range(count)) - self._gone:
            self._store.complete(self._indices[row])

    def _block(self, iterations: Any) -> Block:
        size = min(self._plan.block_size, len(self._plan.iterations) - self._now.slot)
        points = self._device.points()[:, :size]
        return Block(self._now.slot, iterations, points, self._device.diverged())

    def _record_full(self) -> None:
        if self._full is not None:
            block, self._full = self._full, None
            self._record(block)

    def _record(self, block: Block) -> None:
        """Record a block, and be done with the replicates that have diverged."""

        def record(row: Any, check: Callable[[], None]) -> None:
            check()
            index, end = self._indices[row], int(block.diverged[row])
            if row in self._gone:
                return
            good = int(np.sum(block.iterations <= end)) if end >= 0 else len(block.iterations)
            if good:
                points = block.points[row]
                rates = self._plan.realised_rates(points)
                averages = self._plan.averages(points)
                points = self._plan.parameters(points)
                self._recorder.record(index, block.first_slot, points, good, rates, averages)
            if end >= 0:
                self._recorder.diverge(index, block.first_slot + good)
                self._store.complete(index)
                self._gone.add(row)

        for_each(len(self._indices), self._num_threads, record)

    def _save(self, *, now: bool) -> None:
        """Offer the store every replicate that is still on its way."""

        @cache
        def fetched() -> tuple[Array, dict[str, Array]]:
            self._record_full()
            return self._device.points(), self._device.arrays()

        where, diverged = self._now, self._device.diverged()
        for row, index in enumerate(self._indices):
            if diverged[row] >= 0:
                continue  # where it stands is no state to go on from

            def state(row: Any = row) -> State:
                points, arrays = fetched()
                mine = {name: values[row] for name, values in arrays.items()}
                return State(where.done, where.slot, where.filled, points[row], mine)

            self._store.offer(index, state, now=now)
