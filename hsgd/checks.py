"""Checks at the rim: every public verb refuses bad input here, in one sentence with the remedy."""

from __future__ import annotations

import decimal
import hashlib
import numbers as kinds_of_numbers
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hsgd import owned

if TYPE_CHECKING:
    from scipy import sparse

Array = NDArray[np.float64]
EPS = float(np.finfo(np.float64).eps)
_LOOKED_THROUGH = 10**6
"""Entries of an array of objects among which a word is looked for, to name it in a message."""
_REALS = (kinds_of_numbers.Real, np.bool_, decimal.Decimal)
SPAN = 1e60
"""Data lie between 1/SPAN and SPAN in size: theory takes fourth powers of them."""


def shown(value: Any) -> str:
    """A value in a message: as it is written if that is short, else what it is."""
    try:
        text = repr(value)
    except Exception:
        text = ""
    if 0 < len(text) <= 40 and text.isprintable():
        return text
    return f"a {type(value).__name__}"


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
            return (
                f"it holds {label}: leave such columns out, or give every word a number, for two "
                f"labels numpy.where({name} == {label}, 1.0, -1.0)"
            )
        other = next(
            (one for one in array.flat if not isinstance(one, kinds_of_numbers.Real)), None
        )
        if hasattr(other, "isoformat"):
            return f"it holds dates: {_dates(name)}"
        if other is None or type(other).__name__ == "NAType":
            return "it has missing entries: remove or impute them first"
        return f"it holds a {type(other).__name__}: leave such columns out"
    return f"its data type is {_dtype(array)}: convert it with numpy.asarray(..., dtype=float)"


def _dates(name: str) -> str:
    return (
        "leave such columns out, or count days from the first, "
        f"(column - column.min()) / numpy.timedelta64(1, 'D'), before {name} is made of them"
    )


def _dtype(array: NDArray[Any]) -> str:
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
            f"{name} has {count} entries that are NaN or infinite, the first at [{where}]: remove "
            "or impute them first."
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


def number(
    name: str,
    value: Any,
    *,
    minimum: float = 0.0,
    strict: bool = False,
    span: float = SPAN**2,
) -> float:
    """Return `value` as a float that is at least (`strict`: greater than) `minimum`.

    It is finite, and zero or between 1/span and span in size; by default like squares of data.
    """
    result = _as_float(value)
    if is_swept(value):
        raise TypeError(
            f"{name} is a DataArray, but it cannot be swept: pass a number, and call the "
            "function once for each value."
        )
    if result is None:
        raise TypeError(f"{name} must be a number, but it is {shown(value)}: pass a float.")
    if not np.isfinite(result) or result < minimum or (strict and result == minimum):
        relation = f" and {'greater than' if strict else 'at least'} {minimum:g}"
        relation = relation if np.isfinite(minimum) else ""
        raise ValueError(f"{name} is {result}, but it must be finite{relation}.")
    if abs(result) > span or 0.0 < abs(result) < 1.0 / span:
        raise ValueError(
            f"{name} is {result:g}, which is out of all proportion: it must be zero or between "
            f"{1 / span:g} and {span:g} in size, so choose other units."
        )
    return result


def positive(name: str, value: Any) -> float:
    """A number greater than 0."""
    return number(name, value, strict=True)


def _as_float(value: Any) -> float | None:
    """A number of any make as a float, infinite if it is too large for one; None for others."""
    kind = getattr(getattr(value, "dtype", None), "kind", None)
    if isinstance(value, bool | str | bytes | bytearray) or (
        kind is not None and kind not in "iuf"
    ):
        return None
    if getattr(value, "ndim", 0) or value is np.ma.masked or not hasattr(value, "__float__"):
        return None
    try:
        with np.errstate(over="ignore"):
            return float(value)
    except OverflowError:
        return float("inf")
    except Exception:  # __float__ is someone else's
        return None


def numbers(
    name: str, values: Any, *, minimum: float = 0.0, strict: bool = False
) -> tuple[float, ...]:
    """Return a sequence of numbers as a tuple of floats, each checked as by `number`."""
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise TypeError(f"{name} is {shown(values)}: pass a list of numbers.")
    try:
        entries = list(values)
    except MemoryError:
        raise
    except Exception as error:
        raise TypeError(f"{name} cannot be read ({type(error).__name__}): pass a list.") from error
    return tuple(number(name, entry, minimum=minimum, strict=strict) for entry in entries)


def plain_reals(name: str, value: Any, *, finite: bool = True) -> Array:
    """Return finite real numbers of any shape as an array of floats; read once, kept nowhere.

    Raises
    ------
    TypeError, ValueError
        If they are no real numbers, or (`finite`) some are NaN or infinite.
    """
    array = plain_array(name, value)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must hold real numbers, but the data type is {_dtype(array)}: convert it "
            "with numpy.asarray(..., dtype=float)."
        )
    with np.errstate(over="ignore"):
        result = np.asarray(array, dtype=np.float64)
    if finite and not np.isfinite(result).all():
        raise ValueError(f"{name} holds numbers that are NaN or infinite: leave them out.")
    return result


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


LARGEST_INTEGER = 2**62
"""Beyond this, sums and products of counts leave 64 bits."""


def integer(name: str, value: Any, *, minimum: int, maximum: int | None = LARGEST_INTEGER) -> int:
    """Return `value` as an int from `minimum` to `maximum`; floats and booleans are refused."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64)
    if not whole:
        raise TypeError(
            f"{name} must be an integer, but it is {shown(value)}: pass an int of at least "
            f"{minimum}."
        )
    if value < minimum:
        raise ValueError(f"{name} is {shown(value)}, but it must be at least {minimum}.")
    if maximum is not None and value > maximum:
        raise ValueError(f"{name} is {shown(value)}, but it must be at most {maximum}.")
    return int(value)


def one_of(name: str, value: object, choices: Iterable[str]) -> str:
    """Return `value` if it is one of the strings in `choices`."""
    allowed = tuple(choices)
    if not isinstance(value, str) or value not in allowed:
        listed = ", ".join(repr(choice) for choice in allowed)
        raise ValueError(f"{name} is {shown(value)}, but it must be one of {listed}.")
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
