"""A progress bar for long work, with rate and time left; before the first step, what goes on."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

DELAY = 2.0
"""Seconds that the work must last before a bar appears unasked."""


@contextmanager
def bar(
    show: bool | None, total: int, *, description: str, unit: str, waiting: str = ""
) -> Iterator[Callable[[int], None]]:
    """A function to call with the amount done since the last call.

    Parameters
    ----------
    show
        True or False; None for a bar only on a terminal or in a notebook, and only once the work
        has lasted `DELAY` seconds, whether or not anything has been reported by then.
    total
        How much there is to do.
    description, unit
        What is done, and what is counted.
    waiting
        What goes on as long as nothing is reported.
    """
    if show is False or (show is None and not _somebody_looks()):
        yield lambda done: None
        return
    display = _Display(total, description, unit, waiting, leave=bool(show))
    # A thread, because the work may be a single call that reports nothing for a minute.
    timer = threading.Timer(DELAY, display.open)
    timer.daemon = True
    display.open() if show else timer.start()
    try:
        yield display.report
    finally:
        timer.cancel()
        display.close()


def _somebody_looks() -> bool:
    """Whether what is written now is read now: a terminal's or a notebook's, and no file's."""
    notebook = type(sys.stderr).__module__.startswith("ipykernel")
    return notebook or sys.stderr.isatty()


class _Display:
    """A bar that may not be there yet, or no more: tqdm is loaded when it is."""

    def __init__(
        self, total: int, description: str, unit: str, waiting: str, *, leave: bool
    ) -> None:
        self.options = {"total": total, "unit": f" {unit}", "unit_scale": True, "leave": leave}
        self.description, self.waiting = description, waiting
        self.began, self.done, self.closed = time.time(), 0, False
        self.lock = threading.Lock()
        self.bar: Any = None

    def open(self) -> None:
        """Show it."""
        from tqdm import tqdm

        with self.lock:
            if self.closed:
                return
            self.bar = tqdm(file=sys.stderr, desc=self._words(), **self.options)
            self.bar.start_t = self.began
            self.bar.n = self.done
            self.bar.refresh()

    def report(self, done: int) -> None:
        """Count what was done."""
        with self.lock:
            first, self.done = self.done == 0, self.done + done
            if self.bar is not None:
                if first:
                    self.bar.set_description(self._words(), refresh=False)
                self.bar.update(done)

    def close(self) -> None:
        """Take it away, or leave it as it is."""
        with self.lock:
            self.closed = True
            if self.bar is not None:
                self.bar.close()

    def _words(self) -> str:
        idle = self.waiting and not self.done
        return f"{self.description} ({self.waiting})" if idle else self.description
