"""Kernels and forcings of y(t) = f(t) + integral_0^t K(t, s) y(s) ds, as frozen nouns.

A kernel is either a sum of exponentials of t - s, or that sum seen through a clock and a weight.
Everything is validated once, here, so that the solvers never have to look twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from volterra import checks

Array = NDArray[np.float64]
Function = Callable[[Array], ArrayLike]

# Rates closer than this are one rate. The merged rate is their weighted mean, so the kernel norm
# changes in the second order only: far below the rounding of the rates themselves.
_MERGE_TOLERANCE = 8 * float(np.finfo(np.float64).eps)

_CHUNK = 1_000_000  # entries of a temporary: 8 MB


@dataclass(frozen=True, eq=False)
class SumOfExponentials:
    """A finite sum of decaying exponentials, c + Re sum_j w_j exp(-r_j tau).

    It serves as a convolution kernel, K(t, s) = k(t - s), and as a forcing, f(t) = k(t).
    For damped oscillations the rates and weights are complex. Because the real part is taken, both
    members of each conjugate pair may be given, or one with twice its weight.

    Parameters
    ----------
    rates : array_like, shape (modes,)
        Decay rates, real part >= 0, in units of 1/time, in any order, repeated or not.
    weights : array_like, shape (modes,)
        Weights w_j. A forcing may have any sign; the exact method needs kernel weights >= 0, the
        companion method takes all.
    constant : float
        The constant c; in a kernel it acts as one more mode, of rate zero.

    Raises
    ------
    ValueError
        If the arrays are not one-dimensional, of equal length and finite, or a rate is negative.

    Examples
    --------
    >>> kernel = SumOfExponentials(rates=[1.0, 2.0], weights=[0.3, 0.2])
    >>> float(kernel(0.0))
    0.5
    """

    rates: Array
    weights: Array
    constant: float = 0.0

    def __init__(self, rates: ArrayLike, weights: ArrayLike, constant: float = 0.0) -> None:
        object.__setattr__(self, "rates", checks.rates("rates", rates))
        object.__setattr__(self, "weights", checks.vector("weights", weights, "iufc"))
        object.__setattr__(self, "constant", checks.number("constant", constant))
        if self.rates.size != self.weights.size:
            raise ValueError(
                f"rates and weights must have the same length, one weight per rate; "
                f"got {self.rates.size} rates and {self.weights.size} weights."
            )
        if np.any(self.rates.real < 0):
            raise ValueError(
                f"rates must be >= 0, because exp(-rate * tau) has to stay bounded; "
                f"the smallest is {self.rates.real.min():g}: pass decay rates, not exponents."
            )

    def __call__(self, tau: ArrayLike) -> Array:
        """Evaluate the sum at times `tau` of any shape; costs modes * times exponentials."""
        # Rounding makes differences of times negative, and the sum is defined there.
        times = checks.times("tau", tau, signed=True)
        flat = times.reshape(-1)
        out = np.full(flat.shape, self.constant)
        rows = max(1, _CHUNK // max(1, self.rates.size))
        for start in range(0, flat.size, rows):
            part = slice(start, start + rows)
            with np.errstate(over="ignore"):
                decay = np.exp(-np.multiply.outer(flat[part], self.rates))
            out[part] += np.einsum("ij,j->i", decay, self.weights).real
        return out.reshape(times.shape)

    @property
    def is_complex(self) -> bool:
        """Whether a rate or a weight has an imaginary part."""
        return np.iscomplexobj(self.rates) or np.iscomplexobj(self.weights)

    @property
    def is_positive(self) -> bool:
        """Whether all weights, the constant included, are real and >= 0."""
        return not self.is_complex and bool(np.all(self.weights >= 0)) and self.constant >= 0

    def modes(self) -> Modes:
        """Distinct rates, ascending, with the weights of equal or nearly equal rates added."""
        require_real(self.is_complex)
        return merge_modes(self.rates, self.weights, self.constant)


@dataclass(frozen=True, eq=False)
class Modes:
    """Distinct ascending `rates`, summed `weights`; caller's mode j is mode `label[j]` here."""

    rates: Array
    weights: Array
    label: NDArray[np.intp]

    def collect(self, weights: Array) -> Array:
        """Add up weights given per original mode into weights per distinct mode."""
        require_real(np.iscomplexobj(weights))
        total = np.bincount(self.label, weights=weights, minlength=self.rates.size)
        return total.astype(np.float64)


def require_real(is_complex: bool) -> None:
    """Refuse damped oscillations where a method knows real modes only."""
    if is_complex:
        raise ValueError(
            "complex rates or weights need a method that knows them: pass method='companion', or "
            "method='auto'."
        )


def merge_modes(rates: Array, weights: Array, constant: float = 0.0) -> Modes:
    """Sort the modes, merge rates that agree to a few units in the last place.

    A nonzero `constant` joins as a mode of rate zero (it has no label, for it is not the caller's).
    """
    count = rates.size
    if constant != 0.0:
        rates, weights = np.append(rates, 0.0), np.append(weights, constant)
    order = np.argsort(rates, kind="stable")
    group = _group(rates[order])
    label = np.empty(rates.size, dtype=np.intp)
    label[order] = group
    groups = int(group[-1]) + 1 if group.size else 0
    total = np.bincount(label, weights=weights, minlength=groups).astype(np.float64)
    mass = np.abs(weights) + np.finfo(np.float64).tiny
    first = rates[order][np.searchsorted(group, np.arange(groups))]
    offset = np.bincount(label, weights=mass * (rates - first[label]), minlength=groups)
    mean = first + offset / np.bincount(label, weights=mass, minlength=groups)
    return Modes(mean, total, label[:count])


def _group(ascending: Array) -> NDArray[np.intp]:
    """Number the groups of nearly equal rates, each measured from its own first member.

    Measuring from the first member keeps a long chain of close rates from becoming one group.
    """
    close = np.diff(ascending) <= _MERGE_TOLERANCE * ascending[1:]
    group = np.concatenate([np.zeros(min(1, ascending.size), np.intp), np.cumsum(~close)])
    chains = np.flatnonzero(np.bincount(group, minlength=1) > 2)
    if chains.size == 0:
        return group.astype(np.intp)
    starts = np.concatenate([[True], ~close])
    for chain in chains:
        first = -np.inf
        for position in np.flatnonzero(group == chain):
            starts[position] = ascending[position] - first > _MERGE_TOLERANCE * ascending[position]
            first = ascending[position] if starts[position] else first
    return (np.cumsum(starts) - 1).astype(np.intp)


@dataclass(frozen=True, eq=False)
class TimeChanged:
    """A kernel seen through a clock and a weight, K(t, s) = k(c(t) - c(s)) w(s).

    Parameters
    ----------
    kernel : SumOfExponentials
        The kernel k; its rates are per unit of the clock.
    clock : callable
        c(t), non-decreasing and continuous, vectorised: an array of times in, same shape out.
    weight : callable
        w(t), vectorised; it may jump at the breakpoints.
    clock_rate : callable, optional
        c'(t), vectorised, >= 0. Without it the clock is differentiated numerically, step by step,
        which costs accuracy below about 1e-10.
    breakpoints : sequence of float
        Times at which the clock or the weight is not smooth. The steps land on them and the
        callables are evaluated strictly on the right side of each, so it does not matter which
        of its two values a jumping function takes at the jump. Those outside the horizon are
        ignored.

    Raises
    ------
    TypeError
        If the kernel is not a `SumOfExponentials` or one of the functions is not callable.
    ValueError
        If a breakpoint is not finite.

    Examples
    --------
    >>> halving = TimeChanged(SumOfExponentials([1.0], [0.5]), np.log1p, lambda t: 1 / (1 + t))
    """

    kernel: SumOfExponentials
    clock: Function
    weight: Function
    clock_rate: Function | None = field(default=None, kw_only=True)
    breakpoints: Sequence[float] | Array = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        """Check the types and put the breakpoints in order."""
        if not isinstance(self.kernel, SumOfExponentials):
            raise TypeError(
                "TimeChanged needs a SumOfExponentials as its kernel, "
                f"got {type(self.kernel).__name__}: build one from rates and weights."
            )
        if self.kernel.is_complex:
            raise ValueError(
                "TimeChanged needs real rates and weights: pass an oscillating kernel that has a "
                "clock as Kernel(k) with k(t, s)."
            )
        for name in ("clock", "weight", "clock_rate"):
            value = getattr(self, name)
            if not callable(value) and not (name == "clock_rate" and value is None):
                raise TypeError(
                    f"{name} must be a vectorised function of time, got {type(value).__name__}: "
                    "for a constant pass lambda t: np.full_like(t, value)."
                )
        points = np.unique(checks.vector("breakpoints", self.breakpoints))
        object.__setattr__(self, "breakpoints", points)
