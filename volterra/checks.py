"""Checks at the rim: bad input is refused here, in one sentence with the remedy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from volterra.arrays import Array

SPAN = 1e250
"""Numbers are smaller than this, so that sums of products of them stay finite."""


def shown(value: Any) -> str:
    """A value in a message: as it is written if that is short, else what it is."""
    try:
        text = repr(value)
    except Exception:
        text = ""
    if 0 < len(text) <= 40 and text.isprintable():
        return text
    return f"a {type(value).__name__}"


def plain_array(name: str, values: Any) -> NDArray[Any]:
    """`values` as an array of whatever they are.

    Raises
    ------
    TypeError, ValueError
        If they are ragged or no array; if some are masked, which NumPy would unmask.
    """
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(f"{name} has masked entries: drop them, or give them values by .filled().")
    try:
        return np.asarray(values)
    except MemoryError:
        raise
    except Exception as error:
        raise TypeError(
            f"{name} cannot be read as an array of numbers ({type(error).__name__}): pass a NumPy "
            "array."
        ) from error


def vector(name: str, values: Any, kinds: str = "iuf") -> Array:
    """Read-only one-dimensional array of floats, or one sentence saying why not.

    Complex only if some number is, and only if the kinds allow it.
    """
    raw = plain_array(name, values)
    if raw.size and (raw.dtype.kind not in kinds or raw.ndim != 1):
        raise ValueError(
            f"{name} must be a one-dimensional array of {'' if 'c' in kinds else 'real '}numbers, "
            f"got shape {raw.shape} and dtype {_dtype(raw)}: pass a flat list of floats."
        )
    with np.errstate(over="ignore"):  # of long doubles; found just below
        array = raw.reshape(-1).astype(complex if raw.dtype.kind == "c" else np.float64)
    array = array if np.any(array.imag) else array.real.copy()
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{name} must be finite: remove the NaN or infinite entries first.")
    check_size(name, array)
    array.flags.writeable = False
    return array


def rates(name: str, values: Any) -> Array:
    """A vector of rates, real or complex, in units of time in which they can be told apart."""
    array = vector(name, values, "iufc")
    largest = float(np.max(np.abs(array), initial=0.0))
    if largest and not 1.0 / _FASTEST <= largest <= _FASTEST:
        raise ValueError(
            f"the largest of {name} is {largest:.3g}: choose another unit of time, so that it lies "
            f"between {1 / _FASTEST:g} and {_FASTEST:g}."
        )
    return array


_FASTEST = 1e120


def _dtype(array: NDArray[Any]) -> str:
    return str(array.dtype) if array.dtype.names is None else "structured"


def check_size(name: str, array: NDArray[Any]) -> None:
    """Refuse numbers whose squares leave double precision."""
    largest = float(np.max(np.abs(array), initial=0.0))
    if largest > SPAN:
        raise ValueError(
            f"the largest of {name} is {largest:.3g} in size, near the end of double precision: "
            f"choose other units, so that it is below {SPAN:g}."
        )


def number(name: str, value: Any, *, minimum: float | None = None, strict: bool = False) -> float:
    """A finite float, at least (`strict`: above) the minimum, or one sentence saying why not."""
    real = isinstance(value, (int, float, np.integer, np.floating))
    result = np.nan
    if real and not isinstance(value, (bool, np.timedelta64)):
        try:
            with np.errstate(over="ignore"):  # of long doubles
                result = float(value)
        except OverflowError:  # of whole numbers
            result = np.inf
    small = minimum is not None and (result < minimum or (strict and result == minimum))
    if small or not np.isfinite(result):
        relation = "" if minimum is None else f" {'>' if strict else '>='} {minimum:g}"
        raise ValueError(
            f"{name} must be a finite number{relation}, got {shown(value)}: pass e.g. {name}=1e-10."
        )
    if abs(result) > SPAN:
        raise ValueError(f"{name} is {result:g} in size: choose units in which it is ordinary.")
    return result


def times(name: str, values: Any, *, signed: bool = False) -> Array:
    """Times ≥ 0 (`signed`: of either sign) of any shape, as floats.

    Raises
    ------
    TypeError, ValueError
        If they are no real numbers, not finite or negative.
    """
    raw = plain_array(name, values)
    if raw.dtype.kind not in "biuf":
        raise TypeError(
            f"{name} must be real numbers, but their dtype is {_dtype(raw)}: pass an array of "
            "floats."
        )
    with np.errstate(over="ignore"):
        array = raw.astype(np.float64)
    if not np.all(np.isfinite(array)) or (not signed and np.any(array < 0)):
        raise ValueError(
            f"{name} must be finite and >= 0, because the solution starts at 0: leave out others."
        )
    check_size(name, array)
    return array
