"""Threads: how many a verb may use, and work that is alone in its process with one."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from hsgd.machine.blas import single_threaded_blas

_limit: ContextVar[int | None] = ContextVar("limit", default=None)
_alone = threading.Lock()


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


@contextmanager
def alone() -> Iterator[None]:
    """One thread, in BLAS too, and no other such work in this process.

    Its bits then depend on nothing but its input. (One at a time, because Python keeps the filters
    of warnings, which such work records, for the whole process.)
    """
    with _alone, limited(1), single_threaded_blas():
        yield
