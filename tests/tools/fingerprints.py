"""What an answer is, to the bit: its parts by name, and SHA-256 of each.

Of arrays the bytes, the shape and the data type count; of datasets also the names, their order,
the dimensions, the coordinates and the attributes. Attributes that say when, where or by which
release something was made do not count.
"""

from __future__ import annotations

import dataclasses
import enum
import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import sympy
import xarray as xr
from scipy import sparse

OF_THE_MOMENT = {
    "checksums",  # of files that hold the moment
    "configuration",  # of a case: the digest of the sources themselves
    "created_at",
    "history",
    "hsgd_version",
    "num_threads",
    "seconds",
    "versions",
}
"""Attributes that may differ although the same was computed."""

Parts = Iterator[tuple[str, bytes]]


def fingerprint(answer: Any) -> dict[str, str]:
    """Part → SHA-256, in the order of the parts.

    Raises
    ------
    TypeError
        For a part of which one cannot tell what it stands for, such as a function.
    """
    return {path: hashlib.sha256(content).hexdigest() for path, content in parts(answer)}


def digest(fingerprints: Mapping[str, str]) -> str:
    """One SHA-256 for all parts, their names and their order."""
    return hashlib.sha256(json.dumps(list(fingerprints.items())).encode()).hexdigest()


def parts(thing: Any, path: str = "") -> Parts:
    """The parts of an answer, each with its name and the bytes that it is."""
    if isinstance(thing, xr.DataTree | xr.Dataset | xr.DataArray | xr.Variable):
        yield from _labelled(thing, path)
    elif isinstance(thing, np.ndarray | np.generic):
        yield from _array(np.asarray(thing), path)
    elif isinstance(thing, Mapping):
        yield from _named({str(name): value for name, value in thing.items()}, path)
    elif isinstance(thing, list | tuple):
        yield from _named({str(number): value for number, value in enumerate(thing)}, path)
    else:
        yield from _single(thing, path)


def lasting(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """The attributes that count."""
    return {str(name): value for name, value in attributes.items() if name not in OF_THE_MOMENT}


def _named(values: Mapping[str, Any], path: str) -> Parts:
    # The names alone, so that an empty list or a changed order is noticed too.
    yield f"{path}.names", json.dumps(list(values)).encode()
    for name, value in values.items():
        yield from parts(value, f"{path}.{name}")


def _array(array: np.ndarray, path: str) -> Parts:
    kind = f"{array.dtype.str} {array.shape}".encode()
    if array.dtype == object:
        yield path, kind + json.dumps([repr(entry) for entry in array.ravel()]).encode()
    else:
        yield path, kind + np.ascontiguousarray(array).tobytes()


def _labelled(thing: Any, path: str) -> Parts:
    if isinstance(thing, xr.DataTree):
        groups = {node.path: node.to_dataset(inherit=False) for node in thing.subtree}
        yield from _named(groups, path)
        return
    if isinstance(thing, xr.Dataset):
        yield from _named({str(name): one for name, one in thing.variables.items()}, path)
        yield f"{path}.coords", json.dumps(sorted(map(str, thing.coords))).encode()
    elif isinstance(thing, xr.DataArray):
        yield f"{path}.name", repr(thing.name).encode()
        yield from parts(thing.variable, path)
        yield from _named({str(name): one.variable for name, one in thing.coords.items()}, path)
        return
    else:
        yield f"{path}.dims", json.dumps(list(map(str, thing.dims))).encode()
        yield from _array(np.asarray(thing.values), path)
    yield from _named(lasting(thing.attrs), f"{path}.attrs")


def _single(thing: Any, path: str) -> Parts:
    if thing is None or isinstance(thing, bool | int | str | bytes):
        yield path, f"{type(thing).__name__} {thing!r}".encode()
    elif isinstance(thing, float | complex):
        yield path, type(thing).__name__.encode() + np.asarray(thing).tobytes()
    elif isinstance(thing, enum.Enum):
        yield path, f"{thing.name} {thing.value}".encode()
    elif isinstance(thing, sympy.Basic):
        yield path, sympy.srepr(thing).encode()
    elif sparse.issparse(thing):
        rows = sparse.csr_array(thing)
        yield from _named(
            {name: getattr(rows, name) for name in ("data", "indices", "indptr")}, path
        )
    elif dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        yield f"{path}.kind", type(thing).__name__.encode()
        public = [f.name for f in dataclasses.fields(thing) if not f.name.startswith("_")]
        yield from _named({name: getattr(thing, name) for name in public}, path)
    else:
        raise TypeError(
            f"{path or 'the answer'} is a {type(thing).__name__}, of which no fingerprint can be "
            "taken: give numbers, words, arrays, datasets or expressions."
        )
