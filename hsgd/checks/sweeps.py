"""Parameters that are numbers, or sweeps of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from hsgd.checks.words import shown


def is_swept(value: Any) -> bool:
    """Whether a parameter is an `xarray.DataArray` with dimensions of its own: a sweep."""
    return is_labelled(value) and value.ndim > 0


def is_labelled(value: Any) -> bool:
    """Whether it is a DataArray, or quacks like one."""
    return all(hasattr(value, name) for name in ("dims", "coords", "item", "ndim"))


def each(name: str, value: Any, check: Callable[[str, Any], Any]) -> Any:
    """`check(name, value)`; of a sweep every entry is checked, and the sweep is given back.

    Raises
    ------
    TypeError, ValueError
        What the check raises, and for an empty sweep.
    """
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim):
        raise TypeError(
            f"{name} is {shown(value)}: pass a number, or to sweep several "
            f"xarray.DataArray([...], dims={name!r})."
        )
    if not is_swept(value):
        return check(name, value.item() if is_labelled(value) else value)
    if not value.size:
        raise ValueError(f"{name} is an empty DataArray: give the sweep at least one value.")
    for entry in value.values.ravel():
        check(name, entry.item())
    return value


def described(value: Any) -> Any:
    """A parameter as JSON-ready words and numbers; a sweep by its values."""
    if not is_swept(value):
        return value
    return {"swept_over": list(map(str, value.dims)), "values": value.values.tolist()}
