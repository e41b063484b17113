"""What turns a rate into a decaying function of time: exp(−rate t), or the power (1 − rate)^t.

The two equations, integral and difference, have the same resolvent: poles where
1 = Σ_j w_j / (rate_j − x), the same residues, and the same divided differences in the forcing,
if the ratio q of the difference equation is written q = 1 − rate. All that differs is what a root
does in time. Written exp(−decay t) with decay = −log|1 − rate|, times a sign where the ratio is
negative, that is one set of formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from volterra.arrays import EPS, Array, Complex, Index, Mask

# Ratios smaller than this are this: known to no more than epsilon they have no digits anyway.
SMALLEST_RATIO = 1e-15


@dataclass(frozen=True, eq=False)
class Exponents:
    """Functions sign^t exp(−decay t) of time, and how they depend on the rates they come from.

    Attributes
    ----------
    rate
        The rates x, shape (terms,): divided differences are taken in these.
    decay
        −log of the modulus of the ratio, shape (terms,); the rate itself for exponentials.
    slope
        |d decay / d rate|, shape (terms,): one over the modulus of the ratio; 1 for exponentials.
    excess
        Relative rounding error of the function per unit of time, in epsilons, beyond decay, shape
        (terms,).
    alternates
        Whether the sign changes from each whole time to the next, shape (terms,).
    lag
        1 for powers, 0 for exponentials: derivatives of z^t have t (t − lag) (t − 2 lag) …
    """

    rate: Array
    decay: Array
    slope: Array
    excess: Array
    alternates: Mask
    lag: float

    @property
    def alternate(self) -> bool:
        """Whether any sign changes."""
        return bool(np.any(self.alternates))

    def take(self, index: Index) -> Exponents:
        """Those at the given positions."""
        return Exponents(
            rate=self.rate[index],
            decay=self.decay[index],
            slope=self.slope[index],
            excess=self.excess[index],
            alternates=self.alternates[index],
            lag=self.lag,
        )

    def where(self, mask: Mask, other: Exponents) -> Exponents:
        """These where the mask holds, the others elsewhere."""
        return Exponents(
            rate=np.where(mask, self.rate, other.rate),
            decay=np.where(mask, self.decay, other.decay),
            slope=np.where(mask, self.slope, other.slope),
            excess=np.where(mask, self.excess, other.excess),
            alternates=np.where(mask, self.alternates, other.alternates),
            lag=self.lag,
        )

    def apart(self, distance: Array) -> Array:
        """By how much more a rate decays that is farther from rest than this one by `distance`."""
        if self.lag == 0:
            return distance
        with np.errstate(divide="ignore"):
            return -np.log1p(-np.minimum(distance * self.slope, 1.0))

    def flip(self, values: Array, t: Array) -> None:
        """Give values of shape (times, terms) their signs, in place."""
        if self.alternate:
            values[np.ix_(t % 2 == 1, self.alternates)] *= -1.0


def of_exponentials(rate: Array) -> Exponents:
    """Functions exp(−rate t)."""
    one, none = np.ones_like(rate), np.zeros_like(rate)
    return Exponents(rate, rate, one, none, np.zeros(rate.shape, bool), lag=0.0)


def of_powers(rate: Array) -> Exponents:
    """Functions (1 − rate)^t of whole times."""
    # notation: q the modulus of 1 − rate, blurred by the rounding of the rate and by the floor
    distance = np.abs(1.0 - rate)
    q = np.maximum(distance, SMALLEST_RATIO)
    alternates = (rate > 1) & (distance >= SMALLEST_RATIO)
    below = np.log1p(np.where(rate < 0.5, -rate, 0.0))
    decay = -np.where(rate < 0.5, below, np.log(q))
    blur = (np.abs(rate) + (q - distance) / EPS) / q
    excess = np.maximum(0.0, blur - np.abs(decay))
    return Exponents(rate, decay, 1.0 / q, excess, alternates, lag=1.0)


def regrown(values: Array, growth: float, t: Array) -> Array:
    """Values times exp(growth t), in two halves, so that only a result that overflows does so."""
    factor = np.exp(0.5 * growth * t)
    out: Array = np.where(values == 0, 0.0, values * factor * factor)
    return out


def log1p(z: Complex) -> Complex:
    """log(1 + z) of complex numbers, accurate for small ones too."""
    # notation: |1 + z|² = 1 + 2 a + a² + b², z = a + i b
    a, b = z.real, z.imag
    with np.errstate(divide="ignore"):
        near = np.log1p(np.maximum(a * (2.0 + a) + b * b, -1.0))
        far = 2.0 * np.log(np.hypot(1.0 + a, b))
    out: Complex = 0.5 * np.where(np.abs(z) < 0.5, near, far) + 1j * np.arctan2(b, 1.0 + a)
    return out


Reading = Callable[[Array], Exponents]
