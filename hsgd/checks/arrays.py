"""Arrays that may be passed, finite and of sizes that theory can take powers of."""

from __future__ import annotations

import decimal
import hashlib
import numbers as kinds_of_numbers
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hsgd import owned
from hsgd.checks.words import shown

if TYPE_CHECKING:
    from scipy import sparse


Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
_LOOKED_THROUGH = 10**6
"""Entries of an array of objects among which a word is looked for, to name it in a message."""
_REALS = (kinds_of_numbers.Real, np.bool_, decimal.Decimal)
SPAN = 1e60
"""Data lie between 1/SPAN and SPAN in size: theory takes fourth powers of them."""


def plain_array(name: str, value: Any) -> NDArray[Any]:
    """Return `value` as a NumPy array of whatever it holds.

    Raises
    ------
    TypeError, ValueError
        If it is ragged or no array at all; if entries are masked, which NumPy would unmask.
    """
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise ValueError(
            f"{name} has masked entries: drop them, or give them values with .filled(...)."
        )
    try:
        return np.asarray(value)
    except MemoryError:
        raise
    except Exception as error:
        raise TypeError(
            f"{name} cannot be read as an array of numbers ({type(error).__name__}): pass a NumPy "
            "array whose rows are of equal length."
        ) from error


def real_array(name: str, value: Any, ndim: int, *, span: float = SPAN) -> Array:
    """Return `value` as a read-only C-ordered float64 array of `ndim` dimensions.

    It is a copy wherever somebody could still write to the array that was passed; memory maps, and
    arrays that are read-only down to their last base, are taken as they are.

    Raises
    ------
    TypeError
        If `value` is sparse, an operator, or does not hold real numbers.
    ValueError
        If the number of dimensions is wrong, the array is empty, an entry is not finite, or all of
        it is so large or small, beyond `span` or below its inverse, that powers would be lost.
    """
    if hasattr(value, "matvec") or hasattr(value, "tocsr"):
        raise TypeError(
            f"{name} must be a dense array for now, but it is a {type(value).__name__}: "
            f"pass a dense copy of it, for example {name}.toarray()."
        )
    array = _of_numbers(plain_array(name, value), value)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"{name} must hold real numbers, but {_what_it_holds(name, array)}.")
    if array.ndim != ndim:
        raise ValueError(
            f"{name} must have {ndim} dimension{'s' if ndim > 1 else ''}, "
            f"but its shape is {array.shape}: {_right_shape(name, array, ndim)}."
        )
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}): pass at least one entry.")
    with np.errstate(over="ignore"):  # of long doubles; found just below
        doubles = np.ascontiguousarray(array, dtype=np.float64)
    check_size(name, doubles, span)
    # Of a list, or where the data type differs, NumPy has made an array just now.
    fresh = isinstance(value, list | tuple) or not np.may_share_memory(doubles, array)
    return owned.read_only(doubles) if fresh else owned.kept(doubles)


def _of_numbers(array: NDArray[Any], value: Any) -> NDArray[Any]:
    """Columns of several kinds of numbers, which NumPy holds as objects, as doubles.

    So booleans beside floats, and pandas' nullable columns, whose missing entries become NaN.
    """
    if array.dtype != object:
        return array
    kinds = getattr(value, "dtypes", None)
    if kinds is not None and hasattr(value, "to_numpy"):
        columns = [kinds] if hasattr(kinds, "kind") else list(kinds)
        if all(getattr(kind, "kind", "O") in "biuf" for kind in columns):
            return np.asarray(value.to_numpy(dtype=np.float64, na_value=np.nan))
    whole = array.size <= _LOOKED_THROUGH
    if whole and all(isinstance(entry, _REALS) for entry in array.flat):
        try:
            return array.astype(np.float64)
        except OverflowError:  # integers beyond floating point, which is refused as infinite is
            return np.full(array.shape, np.inf)
    return array


def _what_it_holds(name: str, array: NDArray[Any]) -> str:
    """What is there in place of numbers, and how to make numbers of it."""
    if array.dtype.kind == "M":
        return f"it holds dates: {_dates(name)}"
    if array.dtype.kind in "OUS" and array.size <= _LOOKED_THROUGH:
        words = next((entry for entry in array.flat if isinstance(entry, str | bytes)), None)
        if words is not None:
            label = shown(words.item() if isinstance(words, np.generic) else words)
            if array.ndim < 2:
                return (
                    f"it holds {label}: give every word a number, for two labels "
                    f"numpy.where({name} == {label}, 1.0, -1.0)"
                )
            column = next(
                j for j in range(array.shape[-1]) if words in array[..., j].ravel().tolist()
            )
            return (
                f"it holds {label} in column {column}: leave such columns out, give each word a "
                f"column of its own (pandas.get_dummies), or .astype(float) if these are numbers"
            )
        other = next(
            (one for one in array.flat if not isinstance(one, kinds_of_numbers.Real)), None
        )
        if hasattr(other, "isoformat"):
            return f"it holds dates: {_dates(name)}"
        if other is None or type(other).__name__ == "NAType":
            return "it has missing entries: remove or impute them first"
        return f"it holds a {type(other).__name__}: leave such columns out"
    return f"its data type is {dtype_of(array)}: convert it with numpy.asarray(..., dtype=float)"


def _dates(name: str) -> str:
    return (
        "leave such columns out, or count days from the first, "
        f"(column - column.min()) / numpy.timedelta64(1, 'D'), before {name} is made of them"
    )


def dtype_of(array: NDArray[Any]) -> str:
    """The data type in a word."""
    return str(array.dtype) if array.dtype.names is None else "structured"


def check_size(name: str, numbers: NDArray[Any], span: float) -> None:
    """Refuse numbers that are not finite, or out of all proportion.

    Raises
    ------
    ValueError
        With how many, or how large they are.
    """
    # One pass for the largest, without a copy of |numbers|; NaN goes through both.
    largest = max(float(numbers.max(initial=0.0)), -float(numbers.min(initial=0.0)))
    if not np.isfinite(largest):
        bad = ~np.isfinite(numbers)
        count, first = int(np.count_nonzero(bad)), np.unravel_index(int(bad.argmax()), bad.shape)
        where = ", ".join(map(str, map(int, first)))
        raise ValueError(
            f"{name} has {f'{count} entries that are' if count > 1 else 'one entry that is'} NaN "
            f"or infinite, the first at [{where}]: remove or impute them first."
        )
    if largest > span or 0.0 < largest < 1.0 / span:
        raise ValueError(
            f"the largest entry of {name} is {largest:.3g} in size, whose powers leave double "
            f"precision: measure it in another unit, so that it lies between {1 / span:g} and "
            f"{span:g}."
        )


def sparse_or_dense(name: str, value: Any) -> Array | sparse.csr_array[np.float64, tuple[int, int]]:
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
    parts = (matrix.data, matrix.indices, matrix.indptr)
    if any(owned.may_change(part) for part in parts) or not matrix.has_canonical_format:
        matrix = matrix.copy()
        matrix.sum_duplicates()  # in place, with sorting
    check_size(name, matrix.data, SPAN)
    for part in (matrix.data, matrix.indices, matrix.indptr):
        owned.freeze(part)
    return matrix


def _right_shape(name: str, array: NDArray[Any], ndim: int) -> str:
    """What to do about an array of another number of dimensions."""
    if ndim == 1:
        if array.ndim == 0:
            return f"pass [{name}]"
        single = array.size == max(array.shape)
        return f"pass numpy.ravel({name})" if single else "pass one column of it at a time"
    if array.ndim == 0:
        return f"pass numpy.atleast_{ndim}d({name})"
    if array.ndim < ndim:
        return f"pass {name}[:, None] for rows of one entry, or {name}[None, :] for a single row"
    return f"pass {name}.reshape(len({name}), -1) for rows of everything behind the first"


def vector(name: str, value: Any, length: int, span: float = SPAN) -> Array:
    """Return `value` as a finite real vector of exactly `length` entries."""
    array = real_array(name, value, 1, span=span)
    if array.shape[0] != length:
        raise ValueError(
            f"{name} has {array.shape[0]} entries where {length} are needed: "
            "check that it belongs to the same data."
        )
    return array


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
