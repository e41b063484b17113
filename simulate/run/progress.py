"""A progress bar for long runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from hsgd.machine import progress


def bar(show: bool | None, total: int) -> AbstractContextManager[Callable[[int], None]]:
    """A function to call with the number of iterations done, of all replicates together."""
    return progress.bar(
        show,
        total,
        description="simulate",
        unit="iterations",
        waiting="first steps, compiled the first time",
    )
