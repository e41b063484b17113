"""BLAS held to one thread: its results depend, in the last bits, on how many it uses.

How far a limit reaches depends on the library. For OpenBLAS with its own threads it is the whole
process, and threadpoolctl obeys only one thread at a time, the first to set a limit, and ignores
all others without a word. So while any call needs the limit, a thread of ours sets, holds and lifts
it, whichever call comes or goes. For OpenMP it is one thread, so every worker also limits itself.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from typing import Any


def _limited() -> AbstractContextManager[Any]:
    """BLAS limited to one thread, as far as a limit that this thread sets reaches."""
    limit: AbstractContextManager[Any] = _libraries(len(sys.modules)).limit(
        limits=1, user_api="blas"
    )
    return limit


@lru_cache(maxsize=1)
def _libraries(num_modules: int) -> Any:
    """The BLAS libraries of this process, looked for again when a module has been imported.

    Looking takes a hundred times as long as setting a limit.
    """
    from threadpoolctl import ThreadpoolController

    del num_modules
    return ThreadpoolController()


class _Hold:
    """A thread that holds the limit until it is released."""

    def __init__(self) -> None:
        self._held, self._released = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="hsgd-blas", daemon=True)
        self._thread.start()
        self._held.wait()

    def _run(self) -> None:
        try:
            with _limited():
                self._held.set()
                self._released.wait()
        finally:
            self._held.set()

    def release(self) -> None:
        """Lift the limit; returns when what was there before is back."""
        self._released.set()
        self._thread.join()


class _Shared:
    """One hold for all the calls that overlap."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Start anew: a forked child has none of its parent's threads."""
        self._lock = threading.Lock()
        self._calls = 0
        self._hold: _Hold | None = None

    def enter(self) -> None:
        """One more call."""
        with self._lock:
            if self._hold is None:
                self._hold = _Hold()
            self._calls += 1

    def leave(self) -> None:
        """One call less; the last one out lifts the limit."""
        with self._lock:
            self._calls -= 1
            if self._calls == 0 and self._hold is not None:
                self._hold.release()
                self._hold = None


_shared = _Shared()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_shared.forget)


@contextmanager
def single_threaded_blas() -> Iterator[None]:
    """Hold BLAS to one thread in this thread and, where it is shared, in the process."""
    _shared.enter()
    try:
        # Where the caller holds a limit of its own, only its own thread can change it.
        with _limited():
            yield
    finally:
        _shared.leave()


def limit_this_thread() -> None:
    """Hold BLAS to one thread for the rest of a worker's life."""
    _limited()
