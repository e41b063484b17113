"""Values as JSON-ready words that are the same for two of them only if they are the same."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from hsgd.checks import digest
from hsgd.interfaces import Statistic
from hsgd.statistics.readouts import Readout


def fingerprint(name: str, value: Any) -> Any:
    """Words and numbers as they are, arrays by their SHA-256, nouns by their description.

    Raises
    ------
    TypeError
        For a value of another kind, of which one cannot tell what it stands for.
    """
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Statistic | Readout):
        return of_statistic(value)
    if isinstance(value, np.random.SeedSequence):
        return {"entropy": str(value.entropy), "spawn_key": str(value.spawn_key)}
    if callable(getattr(value, "description", None)):
        return value.description()
    if isinstance(value, np.ndarray) or hasattr(value, "dims"):
        return _of_array(np.asarray(value))
    if isinstance(value, list | tuple):
        numbers = all(isinstance(entry, int | float | np.number) for entry in value)
        if value and numbers:
            return _of_array(np.asarray(value))
        return [fingerprint(name, entry) for entry in value]
    raise TypeError(
        f"{name} is a {type(value).__name__}, so the files of a sweep could not tell what they "
        "belong to: pass numbers, words, arrays or statistics, or leave out folder."
    )


def of_statistic(statistic: Statistic | Readout) -> dict[str, Any]:
    """A statistic's kind, name and content."""
    words: dict[str, Any] = {"kind": type(statistic).__name__, "name": statistic.name}
    values = vars(statistic)
    if dataclasses.is_dataclass(statistic):
        values = {f.name: getattr(statistic, f.name) for f in dataclasses.fields(statistic)}
    for name, value in values.items():
        numeric = isinstance(value, np.ndarray) or hasattr(value, "tocsr")
        words[name] = digest(value) if numeric else repr(value)
    return words


def _of_array(array: Any) -> str:
    return digest(array.astype(np.float64) if array.dtype.kind in "biuf" else array)
