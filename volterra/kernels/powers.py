"""Kernels and forcings of the difference equation y_k = f_k + Σ_(s<k) K_(k−1−s) y_s."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from volterra import checks
from volterra.arrays import EPS, Array
from volterra.kernels.exponents import log1p
from volterra.kernels.sums import Sum

_CHUNK = 1_000_000  # entries of a temporary: 8 MB

# Above this a floating-point number no longer counts iterations one by one.
_LAST_ITERATION = 2.0**53

# Complex ratios meant to lie on the unit circle are off it by rounding.
_UNIT_CIRCLE = 1.0 + 4 * EPS


@dataclass(frozen=True, eq=False, init=False)
class SumOfPowers(Sum):
    """A finite sum of powers, c + Re Σ_j w_j q_j^m, of whole numbers m ≥ 0.

    The discrete twin of `SumOfExponentials`: as a kernel it means
    y_k = f_k + Σ_(s<k) K_(k−1−s) y_s, as a forcing f_k itself. Complex ratios and weights are
    taken as there: both members of each conjugate pair, or one with twice its weight.

    Parameters
    ----------
    ratios
        Ratios, |q_j| ≤ 1, in any order, repeated or not, shape (modes,). What is kept is 1 − q_j,
        rounded once: exact for q_j ≥ ½, to 1e-16 below. For ratios nearer to 1 than floating-point
        numbers are to each other use `from_decrements`.
    weights
        Weights w_j, shape (modes,). A forcing may have any sign; the exact method needs kernel
        weights ≥ 0, the companion method takes all.
    constant
        The constant c; in a kernel it acts as one more mode, of ratio one.

    Attributes
    ----------
    rates
        The decrements 1 − q_j, under the name they share with `SumOfExponentials`, shape (modes,).
    is_complex
        Whether a ratio or a weight has an imaginary part.
    is_positive
        Whether all weights, the constant included, are real and ≥ 0.

    Raises
    ------
    ValueError
        If the arrays are not one-dimensional, of equal length and finite, or a ratio is beyond
        the unit circle.

    Examples
    --------
    >>> kernel = SumOfPowers(ratios=[0.5, -0.5], weights=[1.0, 1.0])
    >>> [float(value) for value in kernel([0, 1, 2])]
    [2.0, 0.0, 0.5]
    """

    def __init__(self, ratios: ArrayLike, weights: ArrayLike, constant: float = 0.0) -> None:
        q = checks.vector("ratios", ratios, "iufc")
        self._set("ratios", 1.0 - q, weights, constant)

    @classmethod
    def from_decrements(
        cls, decrements: ArrayLike, weights: ArrayLike, constant: float = 0.0
    ) -> SumOfPowers:
        """Build the sum from the decrements 1 − q_j, so that 1e-12 keeps its digits.

        Parameters
        ----------
        decrements
            1 − q_j, in [0, 2] or in the complex disk with that diameter, shape (modes,).
        weights, constant
            As for the class.

        Examples
        --------
        >>> round(float(SumOfPowers.from_decrements([1e-15], [1.0])(1e15)), 12)  # 1/e
        0.367879441171
        """
        d = checks.vector("decrements", decrements, "iufc")
        new = object.__new__(cls)
        new._set("decrements", d, weights, constant)
        return new

    def _set(self, name: str, d: Array, weights: ArrayLike, constant: float) -> None:
        w = checks.vector("weights", weights, "iufc")
        if d.size != w.size:
            raise ValueError(
                f"{name} and weights must have the same length, one weight for each; "
                f"got {d.size} {name} and {w.size} weights."
            )
        real = (d.real < 0) | (d.real > 2)
        outside = np.where(d.imag == 0, real, np.abs(1.0 - d) > _UNIT_CIRCLE)
        if np.any(outside):
            raise ValueError(
                f"{name} must make ratios that lie in [-1, 1] or in the unit disk: their powers "
                f"have to stay bounded; a decrement of {d[outside][0]:g} is a ratio of "
                f"{1.0 - d[outside][0]:g}: divide a growing equation by a geometric sequence first."
            )
        d.flags.writeable = False
        object.__setattr__(self, "rates", d)
        object.__setattr__(self, "weights", w)
        object.__setattr__(self, "constant", checks.number("constant", constant))

    @property
    def ratios(self) -> Array:
        """q_j = 1 − decrement, rounded to floating point."""
        return 1.0 - self.rates

    def __call__(self, m: ArrayLike) -> Array:
        """Evaluate the sum at whole numbers `m` ≥ 0 of any shape; costs modes · numbers powers."""
        number = checks.times("m", m)
        flat = check_iterations(number.reshape(-1), "m")
        out = np.full(flat.shape, self.constant)
        # 0⁰ = 1, and the ratio zero is one whose decay is infinite.
        later, first = flat > 0, float(np.sum(self.weights.real))
        out[~later] += first
        rows = max(1, _CHUNK // max(1, self.rates.size))
        for part in np.array_split(np.flatnonzero(later), 1 + flat.size // rows):
            out[part] += np.einsum("ij,j->i", self._powers(flat[part]), self.weights).real
        return out.reshape(number.shape)

    def _powers(self, m: Array) -> Array:
        # notation: log|q| by log1p of the decrement below 1, of the decrement less 2 above
        d = self.rates
        if np.iscomplexobj(d):
            out: Array = np.exp(np.multiply.outer(m, log1p((-d).astype(np.complex128))))
            return out
        with np.errstate(divide="ignore"):
            size: Array = np.exp(np.multiply.outer(m, np.log1p(np.where(d > 1, d - 2.0, -d))))
        return np.where(np.multiply.outer(m % 2 == 1, d > 1), -size, size)


def check_iterations(k: Array, name: str = "t") -> Array:
    """Refuse numbers that count no iterations."""
    if not np.all(np.isfinite(k)) or np.any(k < 0):
        raise ValueError(
            f"the iterations {name} must be finite and >= 0: the solution starts at k = 0."
        )
    if np.any(k != np.floor(k)) or np.any(k > _LAST_ITERATION):
        bad = k[(k != np.floor(k)) | (k > _LAST_ITERATION)][0]
        raise ValueError(
            f"a difference equation lives on whole numbers up to 2^53, and {bad:g} in {name} is "
            "none: pass iterations, e.g. np.arange(101), or np.unique(np.rint(k))."
        )
    return k
