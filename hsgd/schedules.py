"""Learning rates as functions of time, with their integral, the odometer.

A schedule is a frozen dataclass that knows its value, its integral from zero, and the times at
which it is not smooth. To write a new one, subclass `Schedule`, implement `value` and `integral`,
and name its kinks in `breakpoints`; everything else in the package takes it from there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from hsgd.antiderivative import Antiderivative
from hsgd.checks import (
    Array,
    described,
    each,
    number,
    numbers,
    plain_reals,
    positive,
    real_array,
    shown,
)
from hsgd.nouns import Real, Swept, keep, swept_fields

_SPAN = 1e250
"""Rates may be absurd: simulations show what they do. Theories refuse them (`check_rate`)."""
_SAMPLES = 1025
"""Times at which the largest value is looked for."""


class Schedule(ABC):
    """A non-negative, finite function of time (dimensionless; one unit is n or d iterations)."""

    @abstractmethod
    def value(self, time: Array) -> Array:
        """Value at `time`, right-continuous; same shape as `time`."""

    @abstractmethod
    def integral(self, time: Array) -> Array:
        """Integral from 0 to `time` (the odometer, for a learning rate); same shape as `time`."""

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Times at which the schedule or a derivative of it jumps."""
        return ()

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers."""

    def largest(self, start: float, end: float) -> float:
        """The largest value between two times, as seen on a fine grid and next to breakpoints."""
        inner = [b for b in self.breakpoints if start < b < end]
        times = np.unique(np.concatenate((np.linspace(start, end, _SAMPLES), inner)))
        return float(self(times).max())

    def __call__(self, time: ArrayLike) -> Array:
        """Checked value at `time`.

        Raises
        ------
        ValueError
            If the schedule is negative, NaN or infinite at one of the times.
        """
        times = plain_reals("time", time)
        for name in swept_fields(self):
            raise TypeError(f"{name} is swept, so there is no one value: take a number for it.")
        values = plain_reals("the learning-rate schedule", self.value(times), finite=False)
        if values.shape != times.shape:
            raise ValueError(
                f"the schedule returned shape {values.shape} for times of shape {times.shape}: "
                "make the function vectorised, one value per time."
            )
        if not np.isfinite(values).all() or (values < 0).any():
            bad = float(times[~(np.isfinite(values) & (values >= 0))].flat[0])
            raise ValueError(
                f"the learning-rate schedule is negative or not finite at time {bad:g}: "
                "schedules must be finite and at least 0 at every time that is asked for."
            )
        return values


@dataclass(frozen=True)
class Constant(Schedule):
    """The same value at every time."""

    level: float

    def __init__(self, level: Real) -> None:
        keep(self, level=number("learning_rate", level, span=_SPAN))

    def value(self, time: Array) -> Array:
        return np.full(np.shape(time), self.level)

    def integral(self, time: Array) -> Array:
        return self.level * plain_reals("time", time)

    def largest(self, start: float, end: float) -> float:
        del start, end
        return self.level

    def description(self) -> dict[str, Any]:
        return {"schedule": "constant", "level": self.level}


@dataclass(frozen=True)
class Piecewise(Schedule):
    """Constant between `boundaries`: `levels[i]` holds on [boundaries[i-1], boundaries[i]).

    Parameters
    ----------
    boundaries
        Increasing positive times, one fewer than `levels`.
    levels
        Values, each finite and at least 0.
    """

    boundaries: tuple[float, ...]
    levels: tuple[float, ...]

    def __init__(self, boundaries: Iterable[Real], levels: Iterable[Real]) -> None:
        times = numbers("boundaries", boundaries, strict=True)
        values = numbers("levels", levels)
        if len(values) != len(times) + 1:
            raise ValueError(
                f"Piecewise has {len(times)} boundaries and {len(values)} levels: "
                "pass exactly one more level than boundaries."
            )
        if any(b <= a for a, b in pairwise(times)):
            raise ValueError("Piecewise boundaries must increase strictly: sort them.")
        keep(self, boundaries=times, levels=values)

    def value(self, time: Array) -> Array:
        index = np.searchsorted(self.boundaries, time, side="right")
        return np.asarray(self.levels)[index]

    def integral(self, time: Array) -> Array:
        starts = np.array((0.0, *self.boundaries))
        levels = np.asarray(self.levels)
        done = np.concatenate(([0.0], np.cumsum(levels[:-1] * np.diff(starts))))
        time = plain_reals("time", time)
        index = np.searchsorted(self.boundaries, time, side="right")
        return np.asarray(done[index] + levels[index] * (time - starts[index]))

    @property
    def breakpoints(self) -> tuple[float, ...]:
        return self.boundaries

    def description(self) -> dict[str, Any]:
        return {
            "schedule": "piecewise",
            "boundaries": list(self.boundaries),
            "levels": list(self.levels),
        }


@dataclass(frozen=True)
class PowerDecay(Schedule):
    """initial · (1 + t/timescale)^(−exponent), exponent ≥ 0; each may be swept."""

    initial: float
    exponent: float
    timescale: float

    def __init__(self, initial: Swept, exponent: Swept, timescale: Swept = 1.0) -> None:
        keep(
            self,
            initial=each("initial", initial, number),
            exponent=each("exponent", exponent, number),
            timescale=each("timescale", timescale, positive),
        )

    def value(self, time: Array) -> Array:
        return np.asarray(self.initial * (1.0 + time / self.timescale) ** -self.exponent)

    def integral(self, time: Array) -> Array:
        # ∫ = initial·timescale·(e^{(1−p)u} − 1)/(1−p), u = log(1 + t/timescale); expm1 keeps p → 1.
        logarithm = np.log1p(_from_zero(time) / self.timescale)
        power = 1.0 - self.exponent
        grown = np.expm1(power * logarithm) / power if power else logarithm
        return np.asarray(self.initial * self.timescale * grown)

    def description(self) -> dict[str, Any]:
        return {
            "schedule": "power_decay",
            "initial": described(self.initial),
            "exponent": described(self.exponent),
            "timescale": described(self.timescale),
        }


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """From `initial` at time 0 down to `final` at `horizon` by half a cosine, then constant.

    Each of the three may be swept.
    """

    initial: float
    horizon: float
    final: float

    def __init__(self, initial: Swept, horizon: Swept, final: Swept = 0.0) -> None:
        keep(
            self,
            initial=each("initial", initial, number),
            final=each("final", final, number),
            horizon=each("horizon", horizon, positive),
        )

    def value(self, time: Array) -> Array:
        phase = np.pi * np.minimum(np.asarray(time) / self.horizon, 1.0)
        return np.asarray(self.final + 0.5 * (self.initial - self.final) * (1.0 + np.cos(phase)))

    def integral(self, time: Array) -> Array:
        times = plain_reals("time", time)
        inside = np.minimum(times, self.horizon)
        wave = inside + self.horizon / np.pi * np.sin(np.pi * inside / self.horizon)
        return np.asarray(self.final * times + 0.5 * (self.initial - self.final) * wave)

    @property
    def breakpoints(self) -> tuple[float, ...]:
        return (self.horizon,)

    def description(self) -> dict[str, Any]:
        return {
            "schedule": "cosine_decay",
            "initial": described(self.initial),
            "final": described(self.final),
            "horizon": described(self.horizon),
        }


@dataclass(frozen=True)
class Scaled(Schedule):
    """A schedule times a factor ≥ 0."""

    schedule: Schedule
    factor: float

    def __init__(self, schedule: Schedule, factor: Real) -> None:
        if not isinstance(schedule, Schedule):
            raise TypeError(f"schedule is {shown(schedule)}: pass one of the schedules.")
        keep(self, schedule=schedule, factor=number("factor", factor))

    def value(self, time: Array) -> Array:
        return self.factor * self.schedule.value(time)

    def integral(self, time: Array) -> Array:
        return self.factor * self.schedule.integral(time)

    @property
    def breakpoints(self) -> tuple[float, ...]:
        return self.schedule.breakpoints

    def description(self) -> dict[str, Any]:
        inner = self.schedule.description()
        return {"schedule": "scaled", "factor": self.factor, "of": inner}


@dataclass(frozen=True, eq=False)
class FromFunction(Schedule):
    """Any vectorised function of time; its integral is computed once and kept.

    Parameters
    ----------
    function
        Maps an array of times to an array of values of the same shape.
    breakpoints
        Times at which the function jumps or has a kink. Naming them makes the theory faster and
        its error smaller; where they are missing the integral finds them by bisection.
    """

    function: Callable[[Array], ArrayLike]
    breakpoints: tuple[float, ...] = ()  # or the property of `Schedule` would stay
    _antiderivative: Antiderivative = field(init=False, repr=False)

    def __init__(
        self, function: Callable[[Array], ArrayLike], breakpoints: Iterable[Real] = ()
    ) -> None:
        if not callable(function):
            raise TypeError(
                f"function is {shown(function)}: FromFunction needs a callable of time, for "
                "example lambda t: 1 / (1 + t)."
            )
        kinks = numbers("breakpoints", breakpoints)
        keep(self, function=function, breakpoints=kinks)
        keep(self, _antiderivative=Antiderivative(self, kinks))

    def __reduce__(self) -> tuple[type[FromFunction], tuple[Any, ...]]:
        # A copy starts without the integral: its lock is of this process, its panels of its past.
        return type(self), (self.function, self.breakpoints)

    def value(self, time: Array) -> Array:
        return plain_reals("the learning-rate schedule", self.function(time), finite=False)

    def integral(self, time: Array) -> Array:
        # The rate is nowhere negative, but rounding may put its integral below 0 at the start, or
        # above it at 0 itself; which, depends on the processor.
        times = _from_zero(time)
        return np.where(times == 0, 0.0, np.maximum(self._antiderivative(times), 0.0))

    def description(self) -> dict[str, Any]:
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        return {"schedule": "function", "name": name, "breakpoints": list(self.breakpoints)}


def _from_zero(time: Any) -> Array:
    times = plain_reals("time", time)
    if times.size and times.min() < 0:
        raise ValueError(f"time has negative entries ({times.min():g}): schedules begin at 0.")
    return times


def as_schedule(value: Any, name: str = "learning_rate") -> Schedule:
    """A number, a `Schedule` or a callable of time, as a `Schedule`.

    An error calls it by `name`.

    Raises
    ------
    TypeError, ValueError
        If it is none of these, or a number that is negative or not finite.
    """
    if isinstance(value, Schedule):
        return value
    if callable(value):
        return FromFunction(value)
    return Constant(number(name, value, span=_SPAN))


def check_times(time: Any) -> Array:
    """Return `time` as an increasing, finite, non-negative vector.

    Raises
    ------
    TypeError, ValueError
        If it is missing, unsorted, negative, empty or not finite.
    """
    if time is None:
        raise TypeError("time is None: pass times, as hsgd.times(problem, algorithm) gives them.")
    if isinstance(time, int | float | np.number) and not isinstance(time, bool):
        raise ValueError(
            "time is a single number: pass times, for example numpy.linspace(0, 20, 201), or a "
            "list of one."
        )
    times = real_array("time", time, 1, span=np.inf)
    if times[0] < 0:
        raise ValueError(f"time starts at {times[0]:g}: times must be at least 0.")
    if (np.diff(times) <= 0).any():
        raise ValueError("time must increase strictly: pass numpy.unique(time).")
    return times
