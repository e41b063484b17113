"""Numbers that may be passed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from hsgd.checks.arrays import SPAN, Array, dtype_of, plain_array
from hsgd.checks.sweeps import is_swept
from hsgd.checks.words import shown


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
            f"{name} must hold real numbers, but the data type is {dtype_of(array)}: convert it "
            "with numpy.asarray(..., dtype=float)."
        )
    with np.errstate(over="ignore"):
        result = np.asarray(array, dtype=np.float64)
    if finite and not np.isfinite(result).all():
        raise ValueError(f"{name} holds numbers that are NaN or infinite: leave them out.")
    return result


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
