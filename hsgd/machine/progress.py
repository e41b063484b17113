"""A progress bar for long work, with rate and time left."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

DELAY = 2.0
"""Seconds that the work must last before a bar appears unasked."""


@contextmanager
def bar(
    show: bool | None, total: int, *, description: str, unit: str
) -> Iterator[Callable[[int], None]]:
    """A function to call with the amount done since the last call.

    Parameters
    ----------
    show
        True or False; None for a bar only on a terminal, and only once the work has lasted
        `DELAY` seconds.
    total
        How much there is to do.
    description, unit
        What is done, and what is counted.
    """
    if show is False or (show is None and not sys.stderr.isatty()):
        yield lambda done: None
        return
    from tqdm import tqdm

    lock = threading.Lock()
    with tqdm(
        total=total,
        desc=description,
        unit=f" {unit}",
        unit_scale=True,
        delay=0.0 if show else DELAY,
        leave=bool(show),
        file=sys.stderr,
    ) as display:

        def report(done: int) -> None:
            with lock:
                display.update(done)

        yield report
