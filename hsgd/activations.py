"""Activations, as frozen nouns: a function, and what is known exactly about it under a Gaussian.

>>> relu([-1.0, 2.0])
array([0., 2.])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.polynomial import hermite_e
from numpy.typing import ArrayLike
from scipy import special

from hsgd.checks import Array, number, numbers, one_of, plain_reals, real_array, shown
from hsgd.nouns import Real, keep

__all__ = [
    "BY_NAME",
    "Activation",
    "as_activation",
    "erf",
    "hermite_e",
    "identity",
    "polynomial",
    "relu",
    "tanh",
]


def __dir__() -> list[str]:
    return sorted(__all__)


Function = Callable[[Array], ArrayLike]
Moments = tuple[Array, Array, Array]


@dataclass(frozen=True, eq=False)
class Activation:
    """A scalar function applied entry by entry.

    Parameters
    ----------
    name
        A word for it.
    function
        Vectorised: an array in, an array of the same shape out.
    breakpoints
        Points where it is not smooth; naming them makes quadratures fast and sharp.
    exact_coefficients
        Optional: from an order K ≥ 0, the exact normalised Hermite coefficients
        E φ(g) He_k(g)/√k! for k = 0, …, K.
    exact_nonlinear_variance
        Optional: E φ(g)² less the squares of the first two coefficients.
    exact_moments
        Optional: from the covariance of jointly Gaussian u, shape (N, N), the exact E φ(u_i),
        E φ'(u_i) and E φ(u_i)φ(u_j).

    Raises
    ------
    TypeError, ValueError
        If the function is not callable, or not vectorised.

    Notes
    -----
    `hsgd.hermite` computes what is not given; `hsgd.symbolic.activation` makes one from a SymPy
    expression, with whatever SymPy knows in closed form.

    Examples
    --------
    >>> import numpy as np
    >>> shifted = Activation("shifted", lambda x: np.maximum(x - 1, 0), breakpoints=(1.0,))
    >>> float(shifted(3.0))
    2.0
    """

    name: str
    function: Function
    breakpoints: tuple[float, ...]
    exact_coefficients: Callable[[int], Array] | None
    exact_nonlinear_variance: float | None
    exact_moments: Callable[[Array], Moments] | None

    def __init__(
        self,
        name: str,
        function: Function,
        breakpoints: Iterable[Real] = (),
        *,
        exact_coefficients: Callable[[int], Array] | None = None,
        exact_nonlinear_variance: Real | None = None,
        exact_moments: Callable[[Array], Moments] | None = None,
    ) -> None:
        if not isinstance(name, str) or not name:
            raise TypeError(
                f"name is {shown(name)}: give the activation a word, for example 'relu'."
            )
        if not callable(function):
            raise TypeError(
                f"function is a {type(function).__name__}: pass a vectorised function, for "
                "example numpy.tanh."
            )
        points = numbers("breakpoints", breakpoints, minimum=-np.inf)
        if exact_coefficients is not None and not callable(exact_coefficients):
            raise TypeError(
                f"exact_coefficients is {shown(exact_coefficients)}: pass a function of the "
                "order, or None."
            )
        variance = exact_nonlinear_variance
        if variance is not None:
            variance = number("exact_nonlinear_variance", variance)
        keep(
            self,
            name=name,
            function=function,
            breakpoints=tuple(sorted(points)),
            exact_coefficients=exact_coefficients,
            exact_nonlinear_variance=variance,
            exact_moments=exact_moments,
        )
        self(np.array([-0.5, 0.5]))

    def __call__(self, values: ArrayLike) -> Array:
        """φ of each value."""
        inputs = plain_reals("values", values)
        outputs = np.asarray(self.function(inputs))
        if outputs.shape != inputs.shape or outputs.dtype.kind not in "biuf":
            raise ValueError(
                f"the activation {self.name!r} returned shape {outputs.shape} and data type "
                f"{outputs.dtype} for real inputs of shape {inputs.shape}: vectorise it, for "
                "example with numpy.vectorize."
            )
        return outputs.astype(np.float64, copy=False)


def polynomial(coefficients: Sequence[float], name: str = "polynomial") -> Activation:
    """φ(x) = Σ_k coefficients[k] x^k; its Hermite expansion is finite and exact.

    Examples
    --------
    >>> cube = polynomial([0, 0, 0, 1])
    >>> cube.exact_coefficients(3).round(12)
    array([0.        , 3.        , 0.        , 2.44948974])
    """
    powers = real_array("coefficients", coefficients, 1)
    unnormalised = hermite_e.poly2herme(powers)
    finite = unnormalised * np.sqrt(special.factorial(np.arange(len(unnormalised))))

    def exact(order: int) -> Array:
        padded = np.zeros(order + 1)
        padded[: len(finite)] = finite[: order + 1]
        return padded

    return Activation(
        name,
        lambda x: np.polynomial.polynomial.polyval(x, powers),
        exact_coefficients=exact,
        exact_nonlinear_variance=float(np.sum(finite[2:] ** 2)),
    )


def as_activation(value: Any) -> Activation:
    """An `Activation` as it is, one of this page by its name, or any vectorised function.

    Raises
    ------
    TypeError, ValueError
        For an unknown name or something that cannot be called.
    """
    if isinstance(value, Activation):
        return value
    if isinstance(value, str):
        return BY_NAME[one_of("activation", value, BY_NAME)]
    if not callable(value):
        raise TypeError(
            f"activation is a {type(value).__name__}: pass a name, a hsgd.activations.Activation "
            "or a vectorised function."
        )
    return Activation(getattr(value, "__name__", "activation"), value)


def _relu_coefficients(order: int) -> Array:
    """1/√(2π), 1/2, and (−1)^{k/2+1} (k−3)!!/√(2π k!) for even k: φ'' is a point mass at 0."""
    values = np.zeros(order + 1)
    values[0] = 1.0 / math.sqrt(2.0 * math.pi)
    if order >= 1:
        values[1] = 0.5
    if order >= 2:
        values[2] = 0.5 / math.sqrt(math.pi)
    for k in range(4, order + 1, 2):
        values[k] = -values[k - 2] * (k - 3) / math.sqrt(k * (k - 1))
    return values


def _erf_coefficients(order: int) -> Array:
    """2/√(3π) (k−2)!! (−2/3)^{(k−1)/2}/√k! for odd k: φ' is a Gaussian."""
    values = np.zeros(order + 1)
    if order >= 1:
        values[1] = 2.0 / math.sqrt(3.0 * math.pi)
    for k in range(3, order + 1, 2):
        values[k] = -values[k - 2] * (2.0 / 3.0) * (k - 2) / math.sqrt(k * (k - 1))
    return values


def _relu_moments(covariance: Array) -> Moments:
    """s/√(2π), ½, and the arc-cosine kernel s_i s_j (√(1−ρ²) + ρ(π − arccos ρ))/2π."""
    # notation: s standard deviations, rho correlations
    s = np.sqrt(np.diag(covariance))
    scale = np.outer(s, s)
    rho = np.clip(covariance / np.where(scale > 0, scale, 1.0), -1.0, 1.0)
    np.fill_diagonal(rho, 1.0)
    second = scale * (np.sqrt(1.0 - rho * rho) + rho * (math.pi - np.arccos(rho))) / (2.0 * math.pi)
    return s / math.sqrt(2.0 * math.pi), np.full(len(s), 0.5), second


def _erf_moments(covariance: Array) -> Moments:
    """0, 2/√(π(1+2s²)), and (2/π) arcsin(2C_ij/√((1+2s_i²)(1+2s_j²)))."""
    spread = np.sqrt(1.0 + 2.0 * np.diag(covariance))
    second = 2.0 / math.pi * np.arcsin(2.0 * covariance / np.outer(spread, spread))
    return np.zeros(len(spread)), 2.0 / math.sqrt(math.pi) / spread, second


def _identity_moments(covariance: Array) -> Moments:
    return np.zeros(len(covariance)), np.ones(len(covariance)), covariance


relu = Activation(
    "relu",
    lambda x: np.maximum(x, 0.0),
    (0.0,),
    exact_coefficients=_relu_coefficients,
    exact_nonlinear_variance=0.25 - 0.5 / math.pi,
    exact_moments=_relu_moments,
)
erf = Activation(
    "erf",
    special.erf,
    exact_coefficients=_erf_coefficients,
    exact_nonlinear_variance=2.0 / math.pi * math.asin(2.0 / 3.0) - 4.0 / (3.0 * math.pi),
    exact_moments=_erf_moments,
)
tanh = Activation("tanh", np.tanh)
identity = replace(polynomial([0.0, 1.0], "identity"), exact_moments=_identity_moments)

BY_NAME = {each.name: each for each in (relu, erf, tanh, identity)}
"""The activations that have a name here."""
