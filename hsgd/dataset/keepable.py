"""What files can keep without loss, NetCDF and Zarr alike: names, attributes, values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

_LONGEST = 200
"""Bytes of a name; Zarr makes a folder of it."""


def unkeepable(dataset: xr.Dataset) -> str | None:
    """Why files could not keep a dataset as it is, in one sentence; None if they can."""
    for name, index in dataset.indexes.items():
        if index.nlevels > 1:
            return (
                f"the coordinate {name} is a MultiIndex, which files cannot keep: save "
                f"data.reset_index({str(name)!r})."
            )
    places = [("attribute", dataset.attrs)]
    for name, variable in dataset.variables.items():
        found = _in_name("variable", name) or _in_variable(name, variable)
        if found:
            return found
        places.append((f"attribute of {name}", variable.attrs))
    for kind, attrs in places:
        for name, value in attrs.items():
            found = _in_attribute(kind, name, value, lists=kind != "attribute")
            if found:
                return found
    for name in dataset.dims:
        found = _in_name("dimension", name)
        if found:
            return found
    return None


def plain(dataset: xr.Dataset) -> xr.Dataset:
    """The same with attributes of Python's own types, text as text, and no memory of a file.

    What a file said of its encoding would be used again, and numbers rounded to it.
    """
    out = dataset.drop_encoding()
    for name, variable in out.variables.items():
        if variable.dtype.kind in "OT":
            out[name] = (variable.dims, np.asarray(variable.values, dtype=str), variable.attrs)
    for attrs in (out.attrs, *(variable.attrs for variable in out.variables.values())):
        for key, value in attrs.items():
            if isinstance(value, np.generic):
                attrs[key] = value.item()
    return out


def _in_name(kind: str, name: object) -> str | None:
    if not isinstance(name, str):
        return f"the {kind} {name!r} has a name of type {type(name).__name__}: name it by a word."
    if name in ("", ".", "..") or "/" in name or not name.isprintable():
        return f"the {kind} {name!r} has a name that files cannot keep: use letters and digits."
    if len(name.encode()) > _LONGEST:
        return f"the {kind} {name[:20]}... has a name of over {_LONGEST} bytes: choose a shorter."
    return None


def _in_variable(name: object, variable: xr.Variable) -> str | None:
    kind = variable.dtype.kind
    words = (
        f"the variable {name} has data type {variable.dtype}, which files cannot keep: convert it "
        f"with .astype({'str' if kind in 'OM' else 'float'!r})."
    )
    if not isinstance(variable.dtype, np.dtype) or kind not in "iufUOT":
        return words
    if kind == "f" and variable.dtype.itemsize > 8:
        return words
    if kind in "UOT":
        for value in variable.values.flat:
            if not isinstance(value, str):
                return (
                    f"the variable {name} holds values of type {type(value).__name__} among text: "
                    "leave them out."
                )
            if not _is_text(value):
                return f"the variable {name} holds text that no file can keep: {value!r}."
    return None


def _in_attribute(kind: str, name: object, value: Any, *, lists: bool) -> str | None:
    if not isinstance(name, str) or not name or not _is_text(name):
        return f"the {kind} {name!r} needs a word as its name."
    entries = [value]
    if lists and isinstance(value, list | tuple | np.ndarray):
        entries = np.asarray(value).reshape(-1).tolist()
    for entry in entries:
        if isinstance(entry, bool) or not isinstance(entry, str | int | float | np.number):
            return f"the {kind} {name} is a {type(entry).__name__}: write it as a JSON string."
        if isinstance(entry, np.number) and not isinstance(entry.item(), int | float):
            return f"the {kind} {name} is a {type(entry).__name__}: convert it to a float."
        if isinstance(entry, str) and not _is_text(entry):
            return f"the {kind} {name} is text that no file can keep: {entry[:40]!r}."
        if isinstance(entry, int) and not -(2**63) <= entry < 2**64:
            return f"the {kind} {name} has more than 64 bits: convert it to a float, or to text."
    return None


def _is_text(value: str) -> bool:
    """Whether it can be encoded and does not end early."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value
