"""Decaying oscillations exp(−rate t), or powers (1 − rate)^t, of rates that are not quite known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volterra.arrays import EPS, Array, Complex, Index, Mask
from volterra.kernels.exponents import SMALLEST_RATIO, log1p


@dataclass(frozen=True, eq=False)
class Oscillations:
    """Functions exp(−decay t): `blur` is their relative error per unit of time.

    `ratio` is 1 − rate for powers, and one for exponentials: what a derivative by the rate is
    divided by.
    """

    rate: Complex
    decay: Complex
    blur: Array
    ratio: Complex

    def take(self, index: Index) -> Oscillations:
        """Those at the given positions."""
        return Oscillations(
            self.rate[index], self.decay[index], self.blur[index], self.ratio[index]
        )

    def where(self, mask: Mask, other: Oscillations) -> Oscillations:
        """These where the mask holds, the others elsewhere."""
        return Oscillations(
            np.where(mask, self.rate, other.rate),
            np.where(mask, self.decay, other.decay),
            np.where(mask, self.blur, other.blur),
            np.where(mask, self.ratio, other.ratio),
        )

    def followed_by(self, other: Oscillations) -> Oscillations:
        """These, then the others."""
        return Oscillations(
            np.concatenate([self.rate, other.rate]),
            np.concatenate([self.decay, other.decay]),
            np.concatenate([self.blur, other.blur]),
            np.concatenate([self.ratio, other.ratio]),
        )


def oscillations(rate: Complex, error: Array, *, powers: bool) -> Oscillations:
    """Functions exp(−rate t), or powers (1 − rate)^t, of rates with a given absolute error."""
    if not powers:
        return Oscillations(rate, rate, error + EPS * np.abs(rate), np.ones_like(rate))
    ratio = 1.0 - rate
    size = np.abs(ratio)
    # A ratio near zero has no digits and an infinite decay: one that is as good as zero will do,
    # if the difference joins the error.
    small = size < SMALLEST_RATIO
    ratio = np.where(small, SMALLEST_RATIO, ratio)
    decay = np.where(small, -np.log(SMALLEST_RATIO), -log1p(-rate))
    error = error + 2 * EPS * np.abs(rate) + 2 * SMALLEST_RATIO * small
    return Oscillations(rate, decay, error / np.abs(ratio), ratio)
