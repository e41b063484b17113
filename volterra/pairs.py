"""Nearly resonant pairs of a root and a forcing rate, evaluated without cancellation.

phi(t; x, sigma) = (exp(-sigma t) - exp(-x t)) / (x - sigma) is smooth where x = sigma; written
as exp(-slower t) (1 - exp(-distance t)) / distance it is also accurate there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from volterra.secular import SecularRoots

Array = NDArray[np.float64]
Index = NDArray[np.intp]

_RESONANT = 0.5  # a pair with residue / |root - rate| above this is kept as a pair


class _Residues(Protocol):
    """What a pair needs to know of its residue."""

    @property
    def value(self) -> Array: ...
    @property
    def rounding(self) -> Array: ...
    @property
    def majorant(self) -> Array: ...
    @property
    def slope(self) -> Array: ...


@dataclass(frozen=True, eq=False)
class Resonances:
    """Which pairs are resonant: forcing rate number `row`, root number `column`, root - rate."""

    row: Index
    column: Index
    difference: Array
    rates: Array

    def other_differences(self, roots: SecularRoots, rates: Array, part: slice) -> Array:
        """Differences root - rate for a slice of the rates, infinite for the resonant pairs."""
        difference: Array = (roots.origin - rates[part, None]) + roots.shift
        first, last = np.searchsorted(self.row, [part.start, part.stop])
        difference[self.row[first:last] - part.start, self.column[first:last]] = np.inf
        return difference


def resonant_pairs(roots: SecularRoots, rates: Array) -> Resonances:
    """For every forcing rate the nearest root, and its neighbours if they too are resonant."""
    x = roots.root
    if x.size == 0 or rates.size == 0:
        none = np.empty(0, np.intp)
        return Resonances(none, none, np.empty(0), rates)
    around = np.searchsorted(x, rates)[:, None] + np.arange(-2, 2)
    valid = (around >= 0) & (around < x.size)
    around = np.clip(around, 0, x.size - 1)
    gap = (roots.origin[around] - rates[:, None]) + roots.shift[around]
    distance = np.where(valid, np.abs(gap), np.inf)
    keep = valid & (roots.residue[around] > _RESONANT * distance)
    # The nearest one always, so that no difference of zero is left for the others.
    keep[np.arange(rates.size), np.argmin(distance, axis=1)] = True
    row, slot = np.nonzero(keep)
    return Resonances(row, around[row, slot], gap[row, slot], rates)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Resonant pairs: `weight` = a G each, with the slower rate of the two and their distance."""

    weight: Array
    rounding: Array
    jitter: Array
    slope: Array
    moving: Array
    slow: Array
    distance: Array
    root_is_slow: NDArray[np.bool_]

    def evaluate(self, t: Array, growth: float) -> tuple[Array, Array, Array]:
        """Value, slope and rounding at times `t`, all multiplied by exp(-growth t)."""
        # notation: phi = decay h1, psi = -d phi / d root = decay h2 or decay (t h1 - h2)
        if self.weight.size == 0:
            zero = np.zeros_like(t)
            return zero, zero, zero
        time, d = t[:, None], np.maximum(self.distance, np.finfo(np.float64).tiny)
        x = time * d
        filled = -np.expm1(-x)
        h1 = np.where(x > 0, filled / d, time)
        series = time * time * (0.5 - x * (1.0 / 3.0 - 0.125 * x))
        h2 = np.where(x < 1e-4, series, (h1 - time * (1.0 - filled)) / d)
        # Beyond this the decay is zero in floating point; a larger power would only make NaN.
        power = np.minimum(time * (self.slow + growth), 800.0)
        decay = np.exp(-power)
        phi = decay * h1
        psi = decay * np.where(self.root_is_slow, time * h1 - h2, h2)
        value, slope = phi @ self.weight, phi @ self.slope + psi @ self.moving
        rounding = phi @ self.rounding + psi @ self.jitter
        phi *= power
        return value, slope, rounding + phi @ np.abs(self.weight)


def pairs(roots: SecularRoots, near: Resonances, residues: _Residues, weights: Array) -> Pairs:
    """Attach residues and forcing weights to the resonant pairs."""
    a, size = weights[near.row], np.abs(weights[near.row])
    value, root = residues.value[near.column], roots.root[near.column]
    return Pairs(
        weight=a * value,
        rounding=size * (residues.rounding[near.column] + 4.0 * np.abs(value)),
        jitter=size * np.abs(value * roots.shift[near.column]),
        slope=size * residues.slope[near.column],
        moving=-size * (residues.majorant * roots.root_slope)[near.column],
        slow=np.minimum(root, near.rates[near.row]),
        distance=np.abs(near.difference),
        root_is_slow=near.difference < 0,
    )
