"""Warnings of the verbs: given at once, or gathered by a sweep that gives one for all its members.

Python's own way to gather warnings, `warnings.catch_warnings`, changes the whole process, so that
two sweeps in two threads would take each other's. A context variable belongs to one thread.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_place: ContextVar[str] = ContextVar("place", default="")
_gathered: ContextVar[list[str] | None] = ContextVar("gathered", default=None)


@contextmanager
def gathered() -> Iterator[list[str]]:
    """The warnings that this thread gives inside the block, in place of giving them."""
    messages: list[str] = []
    token = _gathered.set(messages)
    try:
        yield messages
    finally:
        _gathered.reset(token)


@contextmanager
def placed(place: str) -> Iterator[None]:
    """Warnings that are gathered inside the block begin with where they come from."""
    token = _place.set(f"({place}) " if place else "")
    try:
        yield
    finally:
        _place.reset(token)


def warn(message: str, *, stacklevel: int) -> None:
    """Warn the user, or whoever gathers; `stacklevel` as in `warnings.warn`, counted from there."""
    messages = _gathered.get()
    if messages is None:
        warnings.warn(message, UserWarning, stacklevel=stacklevel + 1)
    else:
        messages.append(_place.get() + message)
