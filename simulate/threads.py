"""Threads: how many, and work spread over them one replicate at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import ContextVar

from simulate.blas import limit_this_thread

_limit: ContextVar[int | None] = ContextVar("limit", default=None)


@contextmanager
def limited(count: int) -> Iterator[None]:
    """Let the calls that this thread makes use `count` threads."""
    token = _limit.set(count)
    try:
        yield
    finally:
        _limit.reset(token)


def available() -> int:
    """Threads to use: as many as `NUMBA_NUM_THREADS` says, else the CPUs this process may use."""
    limit = _limit.get()
    if limit is not None:
        return limit
    asked = os.environ.get("NUMBA_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Cancelled(Exception):
    """Raised inside workers after another one failed or the user interrupted."""


def for_each(count: int, num_threads: int, work: Callable[[int, Callable[[], None]], None]) -> None:
    """Call `work(i, check)` for i = 0, …, count − 1, spread over threads.

    `check()` raises `Cancelled` when the others have given up; long work calls it now and then.
    The first error, an interrupt included, stops all and is raised here.
    """
    stop = threading.Event()

    def check() -> None:
        if stop.is_set():
            raise Cancelled

    # Even one replicate has a thread of its own: an interrupt hits the main thread, which waits,
    # and never a replicate between two of its steps.
    with ThreadPoolExecutor(num_threads, "simulate", limit_this_thread) as pool:
        futures = [pool.submit(work, index, check) for index in range(count)]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
