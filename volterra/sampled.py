"""A forcing given as an array on the requested times: interpolated, and the error counted.

The values are joined by a cubic spline (not-a-knot). Its error is estimated by leaving out every
other sample, once the odd and once the even ones: the equation is solved with all three splines,
and the larger difference of the solutions is added to the error. Where the samples resolve the
forcing that is about 16 times too much; what happens between samples unseen by all of them, nobody
can know.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from volterra import checks
from volterra.arrays import Array
from volterra.kernels.exponentials import Function
from volterra.solution import Forcing, Trajectory

_FEWEST = 8  # samples: every other one still makes a cubic
_SHARE = 0.01  # of the estimated interpolation error, that the solve may add
_WINDOW = 4  # half intervals on either side, over which the largest difference counts


@dataclass(frozen=True, eq=False)
class Samples:
    """Splines through all samples, and through every other one; how much they differ."""

    full: Function
    thinned: tuple[Function, Function]
    difference: float

    def tolerance(self, rtol: float) -> float:
        """What it makes sense to ask of the solves: no more than the samples can hold."""
        return max(rtol, _SHARE * self.difference)


def read_samples(values: ArrayLike, t: Array) -> Samples:
    """Interpolate samples at the requested times.

    Parameters
    ----------
    values
        The forcing at the times, shape (times, …).
    t
        The requested times, starting at 0, shape (times,).

    Returns
    -------
    Samples
        Two functions of time; `difference` is relative to the largest value.

    Raises
    ------
    ValueError
        If the values do not fit the times, are not finite, too few, or do not start at 0.
    """
    from scipy.interpolate import CubicSpline  # scipy is slow to load, and rarely needed here

    array = checks.plain_array("forcing", values)
    if array.ndim == 0 or array.shape[0] != t.size or array.dtype.kind not in "iuf":
        raise ValueError(
            f"a forcing given as an array needs one real value per time in t, {t.size} of "
            f"them; got shape {array.shape}: pass a function for other times."
        )
    if not np.all(np.isfinite(array)):
        raise ValueError("the forcing's values must be finite; remove or interpolate the others.")
    if t[0] != 0 or t.size < _FEWEST:
        raise ValueError(
            f"a forcing given as an array needs at least {_FEWEST} times t, the first of them 0, "
            "because the equation starts there; pass a function of time instead."
        )
    array = array.astype(np.float64)
    if not np.diff(t).min() > np.finfo(np.float64).tiny * 1e16:
        raise ValueError("the times t are too close for a spline: choose another unit of time.")
    full = CubicSpline(t, array)
    kept = [np.unique([0, *range(first, t.size, 2), t.size - 1]) for first in (0, 1)]
    even, odd = (CubicSpline(t[k], array[k]) for k in kept)
    largest = float(np.max(np.abs(array))) or 1.0
    apart = max(float(np.max(np.abs(spline(t) - array))) for spline in (even, odd))
    return Samples(full, (even, odd), apart / largest)


@dataclass(frozen=True, eq=False)
class SampledTrajectory:
    """The solution for all samples; its error counts the solutions for every other one."""

    full: Trajectory
    thinned: tuple[Trajectory, ...]
    t: Array

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and errors; the interpolation counts by its largest effect nearby."""
        y, error = self.full.evaluate(t)
        half = np.searchsorted(self._places, t)
        return y, error + self._effect[np.minimum(half, self._places.size - 1)]

    @cached_property
    def _places(self) -> Array:
        middle = 0.5 * (self.t[:-1] + self.t[1:])
        return np.insert(self.t, np.arange(1, self.t.size), middle)

    @cached_property
    def _effect(self) -> Array:
        """Difference of the solutions, the largest within a few half intervals."""
        y = self.full.evaluate(self._places)[0]
        with np.errstate(invalid="ignore"):
            others = [np.abs(y - one.evaluate(self._places)[0]) for one in self.thinned]
        apart = np.max([np.where(np.isfinite(d), d, np.inf) for d in others], axis=0)
        edge = np.zeros((_WINDOW, *apart.shape[1:]))
        padded = np.concatenate([edge, apart, edge])
        windows = [padded[k : k + len(apart)] for k in range(2 * _WINDOW + 1)]
        return np.asarray(np.max(windows, axis=0), dtype=np.float64)

    def observe(self, weights: Array, forcing: Forcing | None) -> SampledTrajectory:
        """All solutions observed."""
        thinned = tuple(one.observe(weights, forcing) for one in self.thinned)
        return SampledTrajectory(self.full.observe(weights, forcing), thinned, self.t)

    @property
    def work(self) -> Mapping[str, int]:
        """That of all three solves."""
        parts = [self.full.work, *(one.work for one in self.thinned)]
        return {name: sum(part[name] for part in parts) for name in parts[0]}
