"""Work spread over threads, one replicate at a time; `hsgd.machine.threads` says how many."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from hsgd.machine.blas import limit_this_thread
from hsgd.machine.threads import available as available


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
