"""Hermite coefficients of activations: exact where known, else by quadrature with an error.

With h_k = He_k/√k! the probabilists' Hermite polynomials normalised for g ~ N(0, 1), an activation
is φ = Σ_k c_k h_k, c_k = E φ(g) h_k(g), and E φ(g)² = Σ_k c_k².
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.integrate import quad_vec

from hsgd.activations import Activation, Function, as_activation
from hsgd.checks import EPS, Array, integer, number

__all__ = [
    "HermiteCoefficients",
    "HermiteConstants",
    "coefficients",
    "constants",
    "polynomials",
]


def __dir__() -> list[str]:
    return sorted(__all__)


_TOLERANCE = 3e-13
"""Below it `quad_vec` would bisect cells whose error is rounding, in vain."""
_FAR = 38.0
"""Where the Gaussian density, 1e-314, is about to underflow."""


@dataclass(frozen=True, eq=False)
class HermiteCoefficients:
    """c_0, …, c_K, shape (K+1,), and a bound on the error of each."""

    values: Array
    error: float


@dataclass(frozen=True)
class HermiteConstants:
    """What random features need of an activation."""

    mean: float
    """c_0 = E φ(g)."""
    linear: float
    """c_1 = E g φ(g) = E φ'(g)."""
    nonlinear_variance: float
    """The power of all that is not linear, E φ(g)² − mean² − linear²."""
    error: float
    """A bound on the error of each of the three."""

    @property
    def standard_deviation(self) -> float:
        """That of φ(g)."""
        return math.sqrt(self.linear**2 + self.nonlinear_variance)


def polynomials(x: float, order: int) -> Array:
    """h_0(x), …, h_K(x), shape (order+1,), by √(k+1) h_{k+1} = x h_k − √k h_{k−1}."""
    x = number("x", x, minimum=-np.inf)
    order = integer("order", order, minimum=0, maximum=10**6)
    values = np.empty(order + 1)
    values[0] = 1.0
    previous, now = 0.0, 1.0
    for k in range(order):
        previous, now = now, (x * now - math.sqrt(k) * previous) / math.sqrt(k + 1)
        values[k + 1] = now
    return values


def coefficients(activation: Activation | Function | str, order: int) -> HermiteCoefficients:
    """Normalised Hermite coefficients c_k = E φ(g) He_k(g)/√k!, k = 0, …, order.

    Parameters
    ----------
    activation
        An `Activation`, the name of one, or a vectorised function.
    order
        The largest k, at most 1000.

    Returns
    -------
    HermiteCoefficients
        `values`, shape (order+1,), and `error`.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, or a function that is not finite or not square-integrable.

    Notes
    -----
    Without a closed form an adaptive quadrature between the activation's breakpoints: |error of
    c_k| ≤ `error`, at most 1e-12 of the largest coefficient for functions of moderate growth. Kinks
    and jumps that were not named are found, at the cost of bisections. What happens on a scale
    below 0.01 only may escape the nodes.

    References
    ----------
    docs, symbolic page, "Activations".

    Examples
    --------
    >>> coefficients("relu", 4).values.round(6)
    array([ 0.398942,  0.5     ,  0.282095,  0.      , -0.081434])
    """
    phi = as_activation(activation)
    highest = integer("order", order, minimum=0)
    if highest > 1000:
        raise ValueError(f"order is {highest}, but beyond 1000 rounding takes over: pass less.")
    if phi.exact_coefficients is not None:
        values = np.asarray(phi.exact_coefficients(highest), dtype=np.float64)
        return HermiteCoefficients(values, 4 * EPS * (1 + highest) * float(np.abs(values).max()))
    values, error = _expectations(phi, lambda x, y: y * polynomials(x, highest))
    rounding = 4 * EPS * (1 + highest) * _root_mean_square(phi)
    return HermiteCoefficients(values, error + rounding)


def constants(activation: Activation | Function | str) -> HermiteConstants:
    """Mean, linear coefficient and nonlinear variance of an activation.

    Parameters, errors and notes are those of `coefficients`.

    Examples
    --------
    >>> round(constants("tanh").linear, 10)
    0.6057055096
    """
    phi = as_activation(activation)
    first = coefficients(phi, 1)
    mean, linear = (float(value) for value in first.values)
    exact = phi.exact_nonlinear_variance
    if exact is not None:
        return HermiteConstants(mean, linear, float(exact), first.error + 4 * EPS * abs(exact))
    # Of the remainder itself: the difference of second moments would cancel for near-linear φ.
    values, error = _expectations(phi, lambda x, y: np.array([(y - mean - linear * x) ** 2]))
    variance = float(values[0])
    moved = 2 * first.error**2 + 4 * EPS * (variance + mean**2 + linear**2)
    return HermiteConstants(mean, linear, variance, max(first.error, error + moved))


def _root_mean_square(phi: Activation) -> float:
    return math.sqrt(float(_expectations(phi, lambda x, y: np.array([y * y]))[0][0]))


def _expectations(
    phi: Activation, function: Callable[[float, float], Array]
) -> tuple[Array, float]:
    """E f(g, φ(g)) for a vector-valued f, and a bound on the error."""
    check_growth(phi)

    def integrand(x: float) -> Array:
        density = math.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
        return density * function(x, float(phi(np.array([x]))[0]))

    # Unit cells, so that no feature of ordinary size hides between the first nodes.
    inside = [p for p in phi.breakpoints if abs(p) < _FAR]
    points = sorted({*inside, *np.arange(1.0 - _FAR, _FAR)})
    values, error = quad_vec(
        integrand,
        -_FAR,
        _FAR,
        epsabs=1e-15,
        epsrel=_TOLERANCE,
        norm="max",
        points=points,
        limit=2000,
    )
    return np.asarray(values), float(error)


def check_growth(phi: Activation) -> None:
    """Refuse an activation that is not finite, or whose square the Gaussian does not tame.

    Raises
    ------
    ValueError
        With the remedy.
    """
    x = np.linspace(-_FAR, _FAR, 1025)
    with np.errstate(over="ignore", invalid="ignore"):
        values = phi(x)
        tails = np.log(np.abs(values[[0, -1]]) + 1e-300) * 2 - 0.5 * _FAR**2
    if not np.isfinite(values).all():
        raise ValueError(
            f"the activation {phi.name!r} is not finite everywhere on [-38, 38]: clip it, for "
            "example with numpy.clip."
        )
    if tails.max() > -60.0:
        raise ValueError(
            f"the activation {phi.name!r} grows so fast that E φ(g)² is infinite or out of reach: "
            "clip it, for example with numpy.clip."
        )
