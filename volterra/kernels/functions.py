"""Kernels given as functions: k(t − s), K(t, s), and a nonlinearity under the integral.

A kernel is scalar, or an m x m matrix if it says so by `dimension=m`. That decides how a forcing
is read: beside a scalar kernel an array (times, r) is r right-hand sides; beside a matrix kernel
(times, m) is one system and (times, m, r) are r right-hand sides of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from volterra import checks
from volterra.arrays import Array
from volterra.kernels.exponentials import Function, SumOfExponentials

TwoTimes = Callable[[Array, Array], ArrayLike]
Nonlinearity = Callable[[Array, Array], ArrayLike]

_CHUNK = 500_000  # values of a kernel that are asked for at once: 4 MB


@dataclass(frozen=True, eq=False)
class FunctionKernel(ABC):
    """A smooth function times (t − s)^−singularity; what the function is of, the kinds say."""

    function: Callable[..., ArrayLike]
    singularity: float = field(default=0.0, kw_only=True)
    dimension: int | None = field(default=None, kw_only=True)
    breakpoints: Sequence[float] | Array = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        """Check the types and the exponent, and put the breakpoints in order."""
        _check_kernel(self.function, self.singularity, self.dimension)
        points = np.unique(checks.vector("breakpoints", self.breakpoints))
        if np.any(points <= 0):
            raise ValueError(
                f"breakpoints of a kernel are differences t - s > 0, got {points[0]:g}: what "
                "happens at t = s itself goes into singularity."
            )
        object.__setattr__(self, "breakpoints", points)

    @abstractmethod
    def values(self, t: Array, s: Array, difference: Array) -> Array:
        """The smooth factor as matrices, shape (…, m, m); `difference` is t − s, unrounded."""

    def _chunked(self, arguments: tuple[Array, ...], name: str) -> Array:
        """Call the function on flat arrays, piece by piece, and check what comes back."""
        size = 1 if self.dimension is None else self.dimension
        flat = [np.ascontiguousarray(a).reshape(-1) for a in arguments]
        out = np.empty((flat[0].size, size, size))
        step = max(1, _CHUNK // size**2)
        for begin in range(0, flat[0].size, step):
            part = slice(begin, begin + step)
            chunk = [a[part] for a in flat]
            values = _checked(self.function(*chunk), chunk, self.dimension, name)
            out[part] = values.reshape(-1, size, size)
        return out.reshape(*arguments[0].shape, size, size)


@dataclass(frozen=True, eq=False)
class Convolution(FunctionKernel):
    """A kernel of the time difference, K(t, s) = k(t − s) (t − s)^−singularity.

    Parameters
    ----------
    function
        k, vectorised: an array of differences > 0, shape (n,), in; an array (n,) out, or (n, m, m)
        if `dimension` is m. Smooth for differences > 0, but for breakpoints.
    singularity
        The exponent α in [0, 1) of a weak singularity; k is then its smooth factor.
    dimension
        m for a matrix kernel, none for a scalar one.
    breakpoints
        Differences t − s > 0 at which the function jumps or has a kink, as at the ends of its
        support.

    Raises
    ------
    TypeError
        If the function is not callable or the dimension not an integer.
    ValueError
        If the singularity is outside [0, 1), or the dimension or a breakpoint is not positive.

    Examples
    --------
    >>> gaussian = Convolution(lambda tau: np.exp(-(tau**2)))
    >>> abel = Convolution(np.ones_like, singularity=0.5)
    >>> lifetime = Convolution(lambda tau: (tau > 1) & (tau < 2), breakpoints=[1, 2])
    """

    function: Function

    def values(self, t: Array, s: Array, difference: Array) -> Array:
        """The smooth factor as matrices, shape (…, m, m); `difference` is t − s, unrounded."""
        return self._chunked((difference,), "t - s")


@dataclass(frozen=True, eq=False)
class Kernel(FunctionKernel):
    """A kernel of two times, K(t, s) = k(t, s) (t − s)^−singularity for 0 ≤ s ≤ t.

    Parameters
    ----------
    function
        k, vectorised: two arrays t and s of one shape (n,) in; an array (n,) out, or (n, m, m) if
        `dimension` is m. Smooth for s < t, but for breakpoints, and never called with s > t.
    singularity
        The exponent α in [0, 1) of a weak singularity; k is then its smooth factor.
    dimension
        m for a matrix kernel, none for a scalar one.
    breakpoints
        Differences t − s > 0 at which the function jumps or has a kink, as at the ends of its
        support.

    Raises
    ------
    TypeError
        If the function is not callable or the dimension not an integer.
    ValueError
        If the singularity is outside [0, 1), or the dimension or a breakpoint is not positive.

    Examples
    --------
    >>> product = Kernel(lambda t, s: t * s)
    """

    function: TwoTimes

    def values(self, t: Array, s: Array, difference: Array) -> Array:
        """The smooth factor as matrices, shape (…, m, m)."""
        return self._chunked((t, s), "(t, s)")


@dataclass(frozen=True, eq=False)
class Hammerstein:
    """A nonlinearity under the integral, y(t) = f(t) + ∫₀ᵗ K(t, s) g(s, y(s)) ds.

    Parameters
    ----------
    kernel
        The kernel K.
    nonlinearity
        g, vectorised: times (n,) and values (n,) in, (n,) out; with a matrix kernel values (n, m)
        in and (n, m) out.
    derivative
        The derivative of g by y: (n,) out, or (n, m, m). Without it Newton's method uses
        differences, which costs a few calls of g but no accuracy.

    Raises
    ------
    TypeError
        If the kernel is of another kind or a function is not callable.

    Examples
    --------
    >>> quadratic = Hammerstein(Convolution(np.ones_like), lambda s, y: y**2)
    """

    kernel: Convolution | Kernel | SumOfExponentials
    nonlinearity: Nonlinearity
    derivative: Nonlinearity | None = None

    def __post_init__(self) -> None:
        """Check the types."""
        if not isinstance(self.kernel, (Convolution, Kernel, SumOfExponentials)):
            raise TypeError(
                "Hammerstein needs a Convolution, a Kernel or a SumOfExponentials, got "
                f"{type(self.kernel).__name__}: wrap a function of t - s as Convolution(k)."
            )
        for name in ("nonlinearity", "derivative"):
            value = getattr(self, name)
            if not callable(value) and not (name == "derivative" and value is None):
                raise TypeError(
                    f"the {name} must be a vectorised function g(s, y), got {type(value).__name__}."
                )


def as_function_kernel(kernel: Convolution | Kernel | SumOfExponentials) -> Convolution | Kernel:
    """A sum of exponentials seen as any other function of t − s."""
    return Convolution(kernel) if isinstance(kernel, SumOfExponentials) else kernel


def _check_kernel(function: object, singularity: Any, dimension: object) -> None:
    if not callable(function):
        raise TypeError(
            f"the kernel must be a vectorised function, got {type(function).__name__}: "
            "pass e.g. lambda tau: np.exp(-tau)."
        )
    number = isinstance(singularity, (int, float, np.integer, np.floating))
    # NumPy counts a duration among the integers.
    number = number and not isinstance(singularity, np.timedelta64)
    if not number or not 0 <= singularity < 1:
        raise ValueError(
            f"singularity must be a number in [0, 1), because (t - s)^-singularity has to be "
            f"integrable; got {checks.shown(singularity)}."
        )
    if dimension is None:
        return
    if not isinstance(dimension, (int, np.integer)) or isinstance(
        dimension, (bool, np.timedelta64)
    ):
        raise TypeError(f"dimension must be an integer or None, got {checks.shown(dimension)}.")
    if dimension < 1:
        raise ValueError(f"dimension must be >= 1, got {dimension}; None means a scalar kernel.")


def _checked(values: ArrayLike, arguments: list[Array], m: int | None, name: str) -> Array:
    array = checks.plain_array("what the kernel returned", values)
    count = arguments[0].size
    expected = (count,) if m is None else (count, m, m)
    if array.shape != expected or array.dtype.kind not in "iuf":
        matrix = "" if m is not None else "; for a matrix kernel pass dimension=m"
        raise ValueError(
            f"the kernel must map {count} values of {name} to real numbers of shape {expected}, "
            f"but gave shape {array.shape} of dtype {array.dtype}: vectorise it, e.g. with "
            f"np.vectorize, or np.full_like for a constant{matrix}."
        )
    if not np.all(np.isfinite(array)):
        row = int(np.argmin(np.isfinite(array).reshape(count, -1).all(axis=1)))
        where = ", ".join(f"{float(a[row]):g}" for a in arguments)
        where = where if len(arguments) == 1 else f"({where})"
        raise ValueError(
            f"the kernel is not finite at {name} = {where}; a factor (t - s)^-alpha is not part "
            "of the function but goes into singularity=alpha."
        )
    return array.astype(np.float64, copy=False)
