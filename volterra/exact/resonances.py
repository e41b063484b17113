"""Nearly resonant pairs of a root and a forcing rate, evaluated without cancellation.

φ(t; x, σ) = (exp(−σ t) − exp(−x t)) / (x − σ) is smooth where x = σ; written
as exp(−slower t) (1 − exp(−distance t)) / distance it is also accurate there. With the powers
(1 − x)^t in the place of the exponentials the distance of the decays and that of the rates differ.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volterra.arrays import Array, Index, Mask
from volterra.exact.residues import Residues
from volterra.exact.secular import SecularRoots
from volterra.kernels.exponents import Exponents, of_exponentials

_NO_DISTANCE = 1e-150  # rates closer than this are equal
# Distance times time below which a derivative is taken from its series: as a difference it has
# there, and only there, less than nine digits, enough for what is an error bound itself.
_CLOSE = 1e-7
RESONANT = 0.5  # a pair with residue / |root − rate| above this is kept as a pair


@dataclass(frozen=True, eq=False)
class Resonances:
    """Which pairs are resonant: forcing rate number `row`, root number `column`, root − rate.

    `theirs` and `ours` are the exponents of the rates and of the roots.
    """

    row: Index
    column: Index
    difference: Array
    theirs: Exponents
    ours: Exponents

    def other_differences(self, roots: SecularRoots, rates: Array, part: slice) -> Array:
        """Differences root − rate for a slice of the rates, infinite for the resonant pairs."""
        difference: Array = (roots.origin - rates[part, None]) + roots.shift
        first, last = np.searchsorted(self.row, [part.start, part.stop])
        difference[self.row[first:last] - part.start, self.column[first:last]] = np.inf
        return difference


def resonances(roots: SecularRoots, ours: Exponents, theirs: Exponents) -> Resonances:
    """For every forcing rate the nearest root, and its neighbours if they too are resonant."""
    x, rates = ours.rate, theirs.rate
    if x.size == 0 or rates.size == 0:
        none = np.empty(0, np.intp)
        return Resonances(none, none, np.empty(0), theirs, ours)
    # Two roots on either side, however many are resonant: pairs cost more than single terms, and
    # what splitting the others loses is counted.
    around = np.searchsorted(x, rates)[:, None] + np.arange(-2, 2)
    valid = (around >= 0) & (around < x.size)
    around = np.clip(around, 0, x.size - 1)
    gap = (roots.origin[around] - rates[:, None]) + roots.shift[around]
    distance = np.where(valid, np.abs(gap), np.inf)
    keep = valid & (roots.residue[around] > RESONANT * distance)
    # The nearest one always, so that no difference of zero is left for the others.
    keep[np.arange(rates.size), np.argmin(distance, axis=1)] = True
    # Ratios of opposite sign are as far apart as they are large: nothing there to cancel.
    keep &= ours.alternates[around] == theirs.alternates[:, None]
    row, slot = np.nonzero(keep)
    return Resonances(row, around[row, slot], gap[row, slot], theirs, ours)


@dataclass(frozen=True, eq=False)
class DividedDifferences:
    """Pairs of a root and a rate: the slower of the two decays, and how far they are apart.

    `distance` is that of the rates, `apart` that of the decays; `at_fast` is the ratio of the two
    at the fast one, as `slow.slope` is at the slow one: one for exponentials.
    """

    slow: Exponents
    distance: Array
    apart: Array
    at_fast: Array
    root_is_slow: Mask

    def functions(self, t: Array, growth: float) -> tuple[Array, Array, Array, Array]:
        """φ, moved, facing and the decay's exponent: (times, pairs), `facing` for all times.

        All multiplied by exp(−growth t), without weights; −∂φ/∂root = moved · facing.
        """
        # notation: phi as above; moved = distance * −d phi / d root, up to a sign in `facing`
        time, d = t[:, None], np.maximum(self.distance, _NO_DISTANCE)
        # Beyond this the decay is zero in floating point; a larger power would only make NaN.
        power = time * (self.slow.decay + growth)
        np.minimum(power, 800.0, out=power)
        decay = np.exp(-power)
        # From here in place, for these matrices are what a solve costs: `filled` is what the faster
        # one has lost against the slower one, 1 − exp(−apart t), with a minus.
        filled = np.expm1(-self.apart * time)
        # The derivative by the root is the slope at the root less phi, over the distance.
        moved = filled + 1.0
        moved[:, self.root_is_slow] = 1.0
        moved *= decay
        moved *= time
        if self.slow.lag:
            moved *= np.where(self.root_is_slow, self.slow.slope, self.at_fast)
        phi = filled
        phi *= decay
        phi *= -1.0 / d
        # Where the rates are equal the difference quotient is the derivative.
        touching = np.flatnonzero(self.distance < _NO_DISTANCE)
        phi[:, touching] = decay[:, touching] * time * self.slow.slope[touching]
        moved -= phi
        facing = np.where(self.root_is_slow, 1.0, -1.0) / d
        self._expand(t, decay, moved, 1.0 / facing)
        return phi, moved, facing, power

    def _expand(self, t: Array, decay: Array, moved: Array, facing: Array) -> None:
        """Replace by its series what cancels where the rates are nearly equal."""
        close = np.flatnonzero(self.apart * np.min(t) < _CLOSE)
        if close.size:
            time, apart = t[:, None], self.apart[close]
            series = self._series(time, close)
            series *= decay[:, close]
            series *= facing[close]
            moved[:, close] = np.where(time * apart < _CLOSE, series, moved[:, close])

    def _series(self, time: Array, pair: Index) -> Array:
        """The second divided difference, with the root twice, for nearly equal rates, over z^t.

        By Taylor; the derivatives of z^t are t (t − 1) … (t − n) z^(t − n − 1).
        """
        at_slow, lag = self.slow.slope[pair], self.slow.lag
        # Two terms beyond the second derivative: where this is used, u times time is below 1e-7.
        u, a, b = self.distance[pair] * at_slow, time - 2 * lag, time - 3 * lag
        second = np.where(
            self.root_is_slow[pair],
            0.5 - u * a * (1.0 / 6.0 - u * b / 24.0),
            0.5 - u * a * (1.0 / 3.0 - u * b / 8.0),
        )
        series: Array = at_slow**2 * time * (time - lag) * second
        return series


@dataclass(frozen=True, eq=False)
class ResonantPairs(DividedDifferences):
    """Resonant pairs: `weight` = a G each, and what their errors want to know."""

    weight: Array
    rounding: Array
    jitter: Array
    slope: Array
    moving: Array

    def evaluate(self, t: Array, growth: float) -> tuple[Array, Array, Array]:
        """Value, slope and rounding at times `t`, all multiplied by exp(−growth t)."""
        if self.weight.size == 0 or t.size == 0:
            zero = np.zeros_like(t)
            return zero, zero, zero
        phi, moved, facing, power = self.functions(t, growth)
        slope, rounding = (phi @ np.stack([self.slope, self.rounding], axis=1)).T
        slope += moved @ (self.moving * facing)
        rounding += moved @ (self.jitter * facing)
        size = np.abs(self.weight)
        if np.any(self.slow.excess):
            rounding += t * (phi @ (self.slow.excess * size))
        power *= phi
        rounding += power @ size
        # The quotient of the powers q^t has one factor less, hence the sign of t − 1.
        self.slow.flip(phi, t - self.slow.lag)
        return phi @ self.weight, slope, rounding


def all_pairs(roots: SecularRoots, rates: Array) -> DividedDifferences:
    """Every pair of one of the `rates` and a root, rates first, for exponentials."""
    difference = ((roots.origin - rates[:, None]) + roots.shift).ravel()
    root_is_slow, distance = difference < 0, np.abs(difference)
    both = np.broadcast_arrays(roots.root, rates[:, None])
    slow = of_exponentials(np.where(root_is_slow, both[0].ravel(), both[1].ravel()))
    return DividedDifferences(slow, distance, distance, slow.slope, root_is_slow)


def with_residues(
    near: Resonances, roots: SecularRoots, residues: Residues, weights: Array
) -> ResonantPairs:
    """Attach residues and forcing weights to the resonant pairs."""
    a, size = weights[near.row], np.abs(weights[near.row])
    value, distance = residues.value[near.column], np.abs(near.difference)
    ours, theirs = near.ours.take(near.column), near.theirs.take(near.row)
    root_is_slow = (near.difference < 0) != ours.alternates
    slow, fast = ours.where(root_is_slow, theirs), theirs.where(root_is_slow, ours)
    return ResonantPairs(
        weight=a * value,
        rounding=size * (residues.rounding[near.column] + 4.0 * np.abs(value)),
        jitter=size * np.abs(value * roots.shift[near.column]),
        slope=size * residues.slope[near.column],
        moving=-size * (residues.majorant * roots.root_slope)[near.column],
        slow=slow,
        distance=distance,
        apart=slow.apart(distance),
        at_fast=fast.slope,
        root_is_slow=root_is_slow,
    )
