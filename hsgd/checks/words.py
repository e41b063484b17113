"""Values in messages, and words, flags and paths that may be passed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np


def shown(value: Any) -> str:
    """A value in a message: as it is written if that is short, else what it is."""
    try:
        text = repr(value)
    except Exception:
        text = ""
    if 0 < len(text) <= 40 and text.isprintable():
        return text
    return f"a {type(value).__name__}"


def flag(name: str, value: Any) -> bool:
    """Return `value` if it is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name} is {shown(value)}: pass True or False.")
    return bool(value)


def path(name: str, value: Any) -> Path:
    """Return `value` as a path.

    Raises
    ------
    TypeError, ValueError
        If it is none, or holds what no file system takes.
    """
    if not isinstance(value, str | os.PathLike):
        raise TypeError(f"{name} is {shown(value)}: pass a string or a pathlib.Path.")
    result = Path(value)
    try:
        os.fsencode(result)
    except UnicodeError:
        raise ValueError(f"{name} holds text that no file name can hold: choose another.") from None
    if any(len(part) > 255 for part in result.parts):
        raise ValueError(f"{name} holds a name of more than 255 letters: choose a shorter one.")
    if "\0" in str(result):
        raise ValueError(f"{name} holds a NUL, which no file name can: choose another.")
    return result


def one_of(name: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` if it is one of the strings in `choices`."""
    allowed = tuple(choices)
    if not isinstance(value, str) or value not in allowed:
        listed = ", ".join(repr(choice) for choice in allowed)
        raise ValueError(f"{name} is {shown(value)}, but it must be one of {listed}.")
    return value
