"""Checks at the rim: every public verb refuses bad input here, in one sentence with the remedy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def real_array(name: str, value: Any, ndim: int) -> Array:
    """Return `value` as a read-only C-ordered float64 array of `ndim` dimensions.

    A copy is made only where the data type or the layout requires it.

    Raises
    ------
    TypeError
        If `value` is sparse, an operator, or does not hold real numbers.
    ValueError
        If the number of dimensions is wrong, the array is empty, or an entry is not finite.
    """
    if hasattr(value, "matvec") or hasattr(value, "tocsr"):
        raise TypeError(
            f"{name} must be a dense array for now, but it is a {type(value).__name__}: "
            f"pass a dense copy of it, for example {name}.toarray()."
        )
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must hold real numbers, but its data type is {array.dtype}: "
            "convert it with numpy.asarray(..., dtype=float)."
        )
    if array.ndim != ndim:
        raise ValueError(
            f"{name} must have {ndim} dimension{'s' if ndim > 1 else ''}, "
            f"but its shape is {array.shape}: reshape it."
        )
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}): pass at least one entry.")
    view = np.ascontiguousarray(array, dtype=np.float64).view()
    if not np.isfinite(view).all():
        count = int(np.size(view) - np.count_nonzero(np.isfinite(view)))
        raise ValueError(
            f"{name} has {count} entries that are NaN or infinite: remove or impute them first."
        )
    view.flags.writeable = False
    return view


def sparse_or_dense(name: str, value: Any) -> Any:
    """Return a matrix as `real_array` does, or a SciPy sparse one as a finite `csr_array`.

    Raises
    ------
    TypeError, ValueError
        As `real_array`.
    """
    if not hasattr(value, "tocsr"):
        return real_array(name, value, 2)
    from scipy import sparse

    if value.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must hold real numbers, but its data type is {value.dtype}: "
            "convert it with .astype(float)."
        )
    matrix = sparse.csr_array(value, dtype=np.float64)
    if 0 in matrix.shape:
        raise ValueError(f"{name} is empty (shape {matrix.shape}): pass at least one entry.")
    if not matrix.has_canonical_format:
        matrix = matrix.copy()  # sorting and adding up duplicates is done in place
        matrix.sum_duplicates()
    if not np.isfinite(matrix.data).all():
        count = int(np.count_nonzero(~np.isfinite(matrix.data)))
        raise ValueError(
            f"{name} has {count} entries that are NaN or infinite: remove or impute them first."
        )
    return matrix


def vector(name: str, value: Any, length: int) -> Array:
    """Return `value` as a finite real vector of exactly `length` entries."""
    array = real_array(name, value, 1)
    if array.shape[0] != length:
        raise ValueError(
            f"{name} has {array.shape[0]} entries where {length} are needed: "
            "check that it belongs to the same data."
        )
    return array


def number(name: str, value: Any, *, minimum: float = 0.0, strict: bool = False) -> float:
    """Return `value` as a finite float that is at least (`strict`: greater than) `minimum`."""
    try:
        result = float(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name} must be a number, but it is a {type(value).__name__}: pass a float."
        ) from None
    if not np.isfinite(result) or result < minimum or (strict and result == minimum):
        relation = "greater than" if strict else "at least"
        raise ValueError(f"{name} is {result}, but it must be finite and {relation} {minimum:g}.")
    return result


def is_swept(value: Any) -> bool:
    """Whether a parameter is an `xarray.DataArray` with dimensions of its own: a sweep."""
    return hasattr(value, "dims") and hasattr(value, "coords") and value.ndim > 0


def each(name: str, value: Any, check: Callable[[str, Any], Any]) -> Any:
    """`check(name, value)`; of a sweep every entry is checked, and the sweep is given back.

    Raises
    ------
    TypeError, ValueError
        What the check raises, and for an empty sweep.
    """
    if not is_swept(value):
        return check(name, value.item() if hasattr(value, "dims") else value)
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


def integer(name: str, value: Any, *, minimum: int) -> int:
    """Return `value` as an int that is at least `minimum`; floats and booleans are refused."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(
            f"{name} must be an integer, but it is {value!r}: pass an int of at least {minimum}."
        )
    if value < minimum:
        raise ValueError(f"{name} is {value}, but it must be at least {minimum}.")
    return int(value)


def one_of(name: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` if it is one of the strings in `choices`."""
    allowed = tuple(choices)
    if not isinstance(value, str) or value not in allowed:
        listed = ", ".join(repr(choice) for choice in allowed)
        raise ValueError(f"{name} is {value!r}, but it must be one of {listed}.")
    return value


def digest(*arrays: Any) -> str:
    """SHA-256 of shape, data type and bytes of the arrays, dense or CSR."""
    running = hashlib.sha256()
    for array in arrays:
        if hasattr(array, "tocsr"):
            running.update(digest(array.data, array.indices, array.indptr).encode())
            running.update(str(array.shape).encode())
            continue
        contiguous = np.ascontiguousarray(array)
        running.update(f"{contiguous.shape}{contiguous.dtype.str}".encode())
        running.update(contiguous.data if contiguous.size else b"")
    return running.hexdigest()
