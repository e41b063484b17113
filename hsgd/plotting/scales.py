"""Which scale an axis has: decided by the numbers on it, never by habit.

Along time the caller has said what matters by the choice of times: the axis is the one on which
these are most evenly spaced (linear, square root or logarithmic). Values that span more than a
factor of three are shown on a logarithmic axis. Zero has a place on each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.checks import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

TRANSFORMS: dict[str, Any] = {"linear": lambda x: x, "sqrt": np.sqrt, "log": np.log}
"""Scale → function under which its axis is even."""
SPAN = 3.0
"""Ratio of values from which they are shown logarithmically."""
DEEPEST = 1e-16
"""Share of a curve's start below which nothing is shown: rounding, or exponents without end."""

_APART = 0.45
"""Inches from one label on a horizontal axis to the next."""
_SUBDIVISIONS = (
    (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0),
    (1.0, 2.0, 5.0),
    (1.0, 3.0),
)
"""Of a decade, from dense to sparse."""

LOWEST, HIGHEST = 1e-304, 1e285
"""Nothing is shown beyond: matplotlib needs some room in double precision."""


def spacing(values: Array) -> str:
    """The scale on which positive, increasing values are most evenly spaced."""
    positive = values[values > 0]
    if len(positive) < 3:
        return "linear"

    def unevenness(scale: str) -> float:
        # Not the deviation: the first of logarithmic times are whole iterations, far from even.
        low, middle, high = np.quantile(np.diff(TRANSFORMS[scale](positive)), (0.25, 0.5, 0.75))
        return float((high - low) / middle)

    return min(TRANSFORMS, key=unevenness)


def set_horizontal(axes: Axes, values: Array, scale: str) -> None:
    """Give the horizontal axis one of the three scales; 0 is at its left, also on a log axis."""
    last = float(values[-1])
    if scale == "sqrt":
        axes.set_xscale("function", functions=(lambda t: np.sqrt(np.maximum(t, 0.0)), np.square))
        narrow = inches(axes.xaxis) < 2.8
        shares = (0.0, 0.05, 0.25, 0.5, 1.0) if narrow else (0.0, 0.05, 0.125, 0.25, 0.5, 0.75, 1.0)
        axes.set_xticks(last * np.array(shares))
        axes.xaxis.set_major_formatter("{x:.3g}")
    elif scale == "log" and values[0] > 0:
        axes.set_xscale("log")
        plain_labels(axes.xaxis, last / float(values[0]))
    elif scale == "log":
        # Linear up to the first positive value, so that 0 has its place.
        first = float(values[values > 0][0])
        width, decades = inches(axes.xaxis), np.log10(last / first)
        # The label 0 and that of the first power of ten must not run into each other.
        linear = max(0.3, _APART * decades / max(width - _APART, _APART))
        axes.set_xscale("symlog", linthresh=first, linscale=linear)
        axes.set_xticks([0.0, *_powers(first, last, max(2, int(width / _APART)))])
        axes.set_xticks([], minor=True)
    if last > values[0]:
        axes.set_xlim(*_with_margin(float(values[0]), last, scale))


def _with_margin(first: float, last: float, scale: str) -> tuple[float, float]:
    """A little room at both ends, so that the marks there are whole."""
    if scale == "linear":
        return first - 0.012 * (last - first), last + 0.012 * (last - first)
    if scale == "log" and first > 0:
        return first / (last / first) ** 0.02, last * (last / first) ** 0.02
    return first, last * 1.02


def inches(axis: Axis) -> float:
    """How long an axis is."""
    box = axis.axes.bbox
    return float((box.width if _is_horizontal(axis) else box.height) / axis.axes.figure.dpi)


def _is_horizontal(axis: Axis) -> bool:
    return axis is axis.axes.xaxis


def _powers(first: float, last: float, most: int = 8) -> list[float]:
    """Powers of ten, eight at the most."""
    low, high = int(np.ceil(np.log10(first) - 1e-9)), int(np.floor(np.log10(last) + 1e-9))
    step = max(1, int(np.ceil((high - low + 1) / min(most, 8))))
    return [10.0**power for power in range(low, high + 1, step)]


def evenly(values: Array, scale: str, count: int = 21) -> Any:
    """Indices of some `count` of the values, spread evenly over the axis."""
    transform = TRANSFORMS[scale]
    shown = values if scale != "log" else np.maximum(values, values[values > 0][:1])
    place = transform(shown)
    return np.unique(np.searchsorted(place, np.linspace(place[0], place[-1], count)))


def set_vertical(
    axes: Axes,
    values: Array,
    shown_before: tuple[float, float] | None = None,
    scale: str | None = None,
) -> None:
    """Give the vertical axis the scale and range that fit the values; NaN and inf are ignored.

    What the axes showed before, if anything, stays in sight. A scale that was asked for is taken.
    """
    if scale == "linear":
        return
    finite = values[np.isfinite(values)]
    if not finite.size:
        return
    largest = float(np.abs(finite).max())
    if (finite < 0).any() or largest == 0.0:
        if largest > 0 and _has_decades(np.abs(finite)):
            axes.set_yscale("symlog", linthresh=1e-4 * largest)
        return
    positive = np.clip(finite[finite > 0], LOWEST, HIGHEST)
    low, high = float(positive.min()), float(positive.max())
    if shown_before is not None and shown_before[0] > 0:
        low, high = min(low, shown_before[0]), max(high, shown_before[1])
    if high / low <= SPAN and scale is None:
        return
    margin = min((high / low) ** 0.05, 10.0)
    # The range first: a logarithmic axis that chooses its own overflows.
    axes.set_ylim(max(low / margin, LOWEST), min(high * margin, HIGHEST))
    axes.set_yscale("log")
    if high / low > 1e100:
        # Here matplotlib's own choice of ticks would overflow.
        axes.set_yticks(_powers(low, high))
        axes.set_yticks([], minor=True)
    plain_labels(axes.yaxis, high / low)


def _has_decades(sizes: Array) -> bool:
    positive = sizes[sizes > 0]
    return bool(positive.max() / np.median(positive) > 1e3)


def plain_labels(axis: Axis, span: float) -> None:
    """0.05, 0.1, 0.2 instead of powers of ten, where the values span a decade or three."""
    from matplotlib.ticker import LogLocator, NullFormatter

    if span > 1e3:
        return
    room = inches(axis) / (_APART if _is_horizontal(axis) else 0.6 * _APART)
    fitting = [subs for subs in _SUBDIVISIONS if np.log10(span) * len(subs) <= room]
    axis.set_major_locator(LogLocator(subs=fitting[0] if fitting else (1.0,)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter(NullFormatter())


def above_rounding(values: Array) -> Array:
    """What of a curve is more than rounding of where it starts."""
    finite = values[np.isfinite(values)]
    return finite[np.abs(finite) > DEEPEST * abs(finite[0])] if finite.size else finite
