"""What collocation on steps and collocation on panels share: the length of the next step, the ends.

Both take a step whole and in two halves, and both solve at last on every step and on its halves:
the first comparison says how long the next step may be, the second what error is reported.
"""

from __future__ import annotations

import math

import numpy as np

from volterra.arrays import EPS, Array

ROUNDING = 16.0 * EPS
"""What rounding does in one step to y, to the forcing and to the memory, relative to each."""
HUGE = 1e280
"""A solution above this has outgrown floating point: its next step would overflow inside."""

_INWARD = 1e-15  # relative to t: a few roundings
_LINEAR, _GEOMETRIC = 1024, 256  # times of the fine grid
_DECADES = 9  # before the last time, over which the geometric ones go
_SHORT = 1e-9  # a horizon, if only t = 0 is asked for


def last_time(t: Array) -> float:
    """Where stepping ends: the last of the requested times; after t = 0 alone, shortly after it."""
    return float(t[-1]) if t[-1] > 0 else _SHORT


def grid(stop: float) -> Array:
    """Times, besides those of the steps, at which a user's functions are looked at."""
    late = np.linspace(0.0, stop, _LINEAR + 1)[1:-1]
    early = stop * np.logspace(-_DECADES, 0.0, _GEOMETRIC + 1)[:-1]
    return np.union1d(late, early)


def just_before(stop: float | Array, last: float | Array) -> Array:
    """The end of a step as seen from inside, after the `last` node before it.

    There a function that jumps at the end gives its value from the left, even if the jump is a few
    roundings off.
    """
    return np.maximum(stop - _INWARD * np.abs(stop), 0.5 * (last + stop))


def just_after(start: float | Array) -> Array:
    """The start of a step as seen from inside, likewise."""
    return np.asarray(start + _INWARD * np.abs(start))


def check_horizon(t: Array, stop: float) -> None:
    """Refuse times to which the steps do not go.

    Raises
    ------
    ValueError
        If a time is later than `stop`.
    """
    if np.any(t > stop):
        raise ValueError(
            f"the solution was computed up to t = {stop:g}; "
            "solve again with a later last time to go beyond."
        )


def growth(error: float, order: int) -> float:
    """Factor from this step's length to that of the next one.

    Parameters
    ----------
    error
        The difference between a step and its halves, in units of what one step is allowed.
    order
        Of the polynomial inside a step: the difference goes like length^order.
    """
    # Where the error is not even a number nothing is known but that the step was far too long.
    if not math.isfinite(error):
        return 0.1
    # 0.85 so that most steps are accepted; the bounds, since one error is weak evidence for more.
    return min(8.0, max(0.1, 0.85 * math.pow(max(error, 1e-30), -1.0 / order)))


def shrinkage(error: float, order: int) -> float:
    """The same after a rejection: an error just above one must not lead to the same step again."""
    return min(0.9, growth(error, order))


def end_of_step(start: float, length: float, stop: float) -> float:
    """Where a step of about this length ends: on the stop, or well before it.

    Never just before it: the step left over would be short against all others, and rounding large
    against its length.
    """
    if start + 1.05 * length >= stop:
        return stop
    return start + length if start + 2 * length < stop else 0.5 * (start + stop)


def bisect(boundaries: Array) -> Array:
    """Boundaries with every step cut in two."""
    middle = 0.5 * (boundaries[:-1] + boundaries[1:])
    return np.insert(boundaries, np.arange(1, boundaries.size), middle)


def with_neighbours(difference: Array) -> Array:
    """The largest of each step's and its two neighbours' differences, shape (steps, …).

    The neighbours matter where the difference of the two solutions happens to change its sign.
    """
    none = np.zeros((1, *difference.shape[1:]))
    padded = np.concatenate([none, difference, none])
    out: Array = np.maximum(difference, np.maximum(padded[:-2], padded[2:]))
    return out
