"""Runs replicates that are objects: from chunk to chunk, from record to record, one per thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from hsgd.checks import Array
from simulate.checkpoint import State, Store
from simulate.engines.base import Course, Report
from simulate.recording import Recorder
from simulate.threads import for_each


class Replicate(Protocol):
    """One replicate on its way."""

    def advance(self, first: int, last: int, records: Any, points: Array) -> tuple[int, bool]:
        """Do the iterations first, …, last − 1, and copy x into `points` at those in `records`.

        `records` may include `first` and `last`. Nothing depends on where one call ends and the
        next begins, not even the last bit.

        Returns
        -------
        int, bool
            How many were recorded, and whether all residuals were finite.
        """
        ...

    def arrays(self) -> dict[str, Array]:
        """All that changes on the way: parameters and the like, to save and to overwrite."""
        ...


def run(
    course: Course,
    make: Callable[[int], Replicate],
    chunk: int,
    recorder: Recorder,
    num_threads: int,
    report: Report,
    store: Store,
) -> None:
    """Run every replicate of `course`, `chunk` iterations between two looks at the clock."""

    def work(index: int, check: Callable[[], None]) -> None:
        def tell(done: int) -> None:
            check()
            report(done)

        if store.finished(index):
            tell(course.num_iterations)
        else:
            _run_one(course, make(index), chunk, index, recorder, tell, store)

    for_each(len(course.keys), num_threads, work)


def _run_one(
    course: Course,
    replicate: Replicate,
    chunk: int,
    index: int,
    recorder: Recorder,
    report: Report,
    store: Store,
) -> None:
    now = _restored(course, replicate, store.state(index))

    def state() -> State:
        return State(now.done, now.slot, now.filled, now.points, replicate.arrays())

    def record(count: int) -> None:
        size = min(course.block_size, len(course.iterations) - now.slot)
        points = now.points[:size]
        rates = course.realised_rates(points)
        averages = course.averages(points)
        recorder.record(index, now.slot, course.parameters(points), count, rates, averages)

    report(now.done)
    while now.slot < len(course.iterations):
        wanted = course.iterations[now.slot : now.slot + course.block_size]
        last = min(now.done + chunk, int(wanted[-1]))
        count, finite = replicate.advance(
            now.done, last, wanted[now.filled :], now.points[now.filled :]
        )
        progress, now.done, now.filled = last - now.done, last, now.filled + count
        if not finite:
            record(now.filled)
            recorder.diverge(index, now.slot + now.filled)
            report(course.num_iterations - now.done + progress)
            break
        if now.filled == len(wanted):
            record(now.filled)
            now.slot, now.filled = now.slot + now.filled, 0
        try:
            report(progress)
        except BaseException:
            if now.filled:
                record(now.filled)
            store.offer(index, state, now=True)
            raise
        if now.slot < len(course.iterations):
            store.offer(index, state)
    store.complete(index)


def _restored(course: Course, replicate: Replicate, saved: State | None) -> State:
    """The start, or where an earlier run stopped; with room for a block of points."""
    now = State(points=np.zeros((min(course.block_size, len(course.iterations)), course.width)))
    if saved is not None:
        now.done, now.slot, now.filled = saved.done, saved.slot, saved.filled
        now.points[: saved.filled] = saved.points
        for name, array in replicate.arrays().items():
            array[:] = saved.arrays[name]
    return now
