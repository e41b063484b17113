"""Kernels and forcings of y(t) = f(t) + ∫₀ᵗ K(t, s) y(s) ds, as frozen nouns.

A kernel is either a sum of exponentials of t − s, or that sum seen through a clock and a weight.
Everything is validated once, here, so that the solvers never have to look twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from volterra import checks
from volterra.arrays import Array
from volterra.kernels.sums import Sum

Function = Callable[[Array], ArrayLike]

_CHUNK = 1_000_000  # entries of a temporary: 8 MB


@dataclass(frozen=True, eq=False)
class SumOfExponentials(Sum):
    """A finite sum of decaying exponentials, c + Re Σ_j w_j exp(−r_j τ).

    It serves as a convolution kernel, K(t, s) = k(t − s), and as a forcing, f(t) = k(t).
    For damped oscillations the rates and weights are complex. Because the real part is taken, both
    members of each conjugate pair may be given, or one with twice its weight.

    Parameters
    ----------
    rates
        Decay rates, real part ≥ 0, in units of 1/time, shape (modes,); in any order, repeated
        or not.
    weights
        Weights w_j, shape (modes,). A forcing may have any sign; the exact method needs kernel
        weights ≥ 0, the companion method takes all.
    constant
        The constant c; in a kernel it acts as one more mode, of rate zero.

    Attributes
    ----------
    is_complex
        Whether a rate or a weight has an imaginary part.
    is_positive
        Whether all weights, the constant included, are real and ≥ 0.

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
        """Evaluate the sum at times `tau` of any shape; costs modes · times exponentials."""
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


@dataclass(frozen=True, eq=False)
class TimeChanged:
    """A kernel seen through a clock and a weight, K(t, s) = k(c(t) − c(s)) w(s).

    Parameters
    ----------
    kernel
        The kernel k; its rates are per unit of the clock.
    clock
        c(t), non-decreasing and continuous, vectorised: an array of times in, same shape out.
    weight
        w(t), vectorised; it may jump at the breakpoints.
    clock_rate
        c'(t), vectorised, ≥ 0. Without it the clock is differentiated numerically, step by step,
        which costs accuracy below about 1e-10.
    breakpoints
        Times at which the clock or the weight is not smooth. The steps land on them and the
        callables are evaluated strictly on the right side of each, so it does not matter which of
        its two values a jumping function takes at the jump. Those outside the horizon are ignored.

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


ModalKernel = SumOfExponentials | TimeChanged
"""Kernels that are made of decaying modes."""


def without_clock(kernel: ModalKernel) -> SumOfExponentials:
    """The sum of exponentials that a kernel is made of."""
    return kernel.kernel if isinstance(kernel, TimeChanged) else kernel
