"""Kernels whose clock and weight are constant between given times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from volterra import checks
from volterra.arrays import Array, Index
from volterra.kernels.exponentials import SumOfExponentials, TimeChanged


@dataclass(frozen=True, eq=False, init=False)
class PiecewiseClock(TimeChanged):
    """A sum of exponentials seen through a clock and a weight that are piecewise constant.

    K(t, s) = k(c(t) − c(s)) w(s): between two boundaries the clock runs at a constant rate c' and
    w is constant. Such an equation is solved exactly, segment by segment (method "segments"), if
    its forcing is a `SumOfExponentials` of the time, or one of the clock, made by `on_clock`.

    Parameters
    ----------
    kernel
        The kernel k; its rates are per unit of the clock.
    boundaries
        Strictly increasing times > 0 at which the clock's rate or the weight jumps, shape
        (segments−1,).
    clock_rates
        c' ≥ 0 on each segment, shape (segments,); the last one has no end. The clock reads 0 at
        t = 0.
    weights
        w ≥ 0 on each segment, shape (segments,).

    Raises
    ------
    TypeError
        If the kernel is not a `SumOfExponentials`.
    ValueError
        If the boundaries do not increase, or there is not one rate and one weight ≥ 0 per segment.

    Examples
    --------
    >>> halving = PiecewiseClock(SumOfExponentials([1.0], [0.5]), [2.0], [1.0, 0.5], [1.0, 0.25])
    >>> halving.clock(np.array([1.0, 4.0])).tolist()
    [1.0, 3.0]
    """

    boundaries: Array
    clock_rates: Array
    weights: Array

    def __init__(
        self,
        kernel: SumOfExponentials,
        boundaries: ArrayLike,
        clock_rates: ArrayLike,
        weights: ArrayLike,
    ) -> None:
        edges = checks.vector("boundaries", boundaries)
        levels = {
            "clock_rates": checks.vector("clock_rates", clock_rates),
            "weights": checks.vector("weights", weights),
        }
        if np.any(np.diff(edges, prepend=0.0) <= 0):
            raise ValueError("boundaries must be > 0 and strictly increasing: pass np.unique(...).")
        for name, values in levels.items():
            if values.size != edges.size + 1:
                raise ValueError(
                    f"PiecewiseClock has {edges.size} boundaries and {values.size} {name}: pass "
                    "one more of them than boundaries, one per segment."
                )
            if np.any(values < 0):
                raise ValueError(
                    f"{name} must be >= 0, the smallest is {values.min():g}: pass a TimeChanged "
                    "for a weight of either sign; a clock never runs backwards."
                )
            object.__setattr__(self, name, values)
        object.__setattr__(self, "boundaries", edges)
        super().__init__(
            kernel, self._clock, self._weight, clock_rate=self._clock_rate, breakpoints=edges
        )

    @property
    def starts(self) -> Array:
        """Times at which the segments begin."""
        return np.concatenate([[0.0], self.boundaries])

    @property
    def readings(self) -> Array:
        """What the clock reads there; its relative rounding is at most epsilon per segment."""
        return np.concatenate([[0.0], np.cumsum(self.clock_rates[:-1] * np.diff(self.starts))])

    def segment_of(self, t: ArrayLike) -> Index:
        """Number of the segment of each time; a boundary belongs to the segment it begins."""
        return np.asarray(np.searchsorted(self.boundaries, t, side="right"), dtype=np.intp)

    def on_clock(self, forcing: SumOfExponentials) -> OnClock:
        """The forcing f(c(t)), for a sum of exponentials f of this clock.

        Raises
        ------
        TypeError
            If f is not a real `SumOfExponentials`.
        """
        return OnClock(forcing, self)

    def _clock(self, t: Array) -> Array:
        number = self.segment_of(t)
        elapsed: Array = np.asarray(t) - self.starts[number]
        return self.readings[number] + self.clock_rates[number] * elapsed

    def _clock_rate(self, t: Array) -> Array:
        return self.clock_rates[self.segment_of(t)]

    def _weight(self, t: Array) -> Array:
        return self.weights[self.segment_of(t)]


@dataclass(frozen=True, eq=False)
class OnClock:
    """The function f(c(t)) of time: a sum of exponentials `terms` of the clock of `kernel`."""

    terms: SumOfExponentials
    kernel: PiecewiseClock

    def __post_init__(self) -> None:
        """Check the sum."""
        if not isinstance(self.terms, SumOfExponentials) or self.terms.is_complex:
            raise TypeError(
                "on_clock needs a real SumOfExponentials: write any other forcing as a function "
                "of time, lambda t: f(kernel.clock(t))."
            )

    def __call__(self, t: Array) -> Array:
        """Values at times `t`."""
        return self.terms(self.kernel.clock(t))

    def fits(self, kernel: PiecewiseClock) -> bool:
        """Whether `kernel` has the same clock."""
        mine = self.kernel
        return mine is kernel or (
            np.array_equal(mine.boundaries, kernel.boundaries)
            and np.array_equal(mine.clock_rates, kernel.clock_rates)
        )
