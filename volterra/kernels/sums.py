"""What the two sums share: decaying modes with weights, and a constant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from volterra.arrays import EPS, Array, Index

# Rates closer than this are one rate. The merged rate is their weighted mean, so the kernel norm
# changes in the second order only: far below the rounding of the rates themselves.
_MERGE_TOLERANCE = 8 * EPS


@dataclass(frozen=True, eq=False)
class Sum(ABC):
    """A constant and Re Σ_j w_j times a function that decays at the rate r_j."""

    rates: Array
    weights: Array
    constant: float = 0.0

    @abstractmethod
    def __call__(self, at: ArrayLike, /) -> Array:
        """Values, of any shape."""

    @property
    def is_complex(self) -> bool:
        """Whether a rate or a weight has an imaginary part."""
        return np.iscomplexobj(self.rates) or np.iscomplexobj(self.weights)

    @property
    def is_positive(self) -> bool:
        """Whether all weights, the constant included, are real and ≥ 0."""
        return not self.is_complex and bool(np.all(self.weights >= 0)) and self.constant >= 0

    def modes(self) -> Modes:
        """Distinct rates, ascending, with the weights of equal or nearly equal rates added."""
        _require_real(self.is_complex)
        return _merge_modes(self.rates, self.weights, self.constant)


@dataclass(frozen=True, eq=False)
class Modes:
    """Distinct ascending `rates`, summed `weights`; caller's mode j is mode `label[j]` here."""

    rates: Array
    weights: Array
    label: Index

    def collect(self, weights: Array) -> Array:
        """Add up weights given per original mode into weights per distinct mode."""
        _require_real(np.iscomplexobj(weights))
        total = np.bincount(self.label, weights=weights, minlength=self.rates.size)
        return total.astype(np.float64)


def _require_real(is_complex: bool) -> None:
    """Refuse damped oscillations where a method knows real modes only."""
    if is_complex:
        raise ValueError(
            "complex rates or weights need a method that knows them: pass method='companion', or "
            "method='auto'."
        )


def _merge_modes(rates: Array, weights: Array, constant: float) -> Modes:
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
    # The smallest number keeps the mean of modes without weight from being 0/0.
    mass = np.abs(weights) + np.finfo(np.float64).tiny
    first = rates[order][np.searchsorted(group, np.arange(groups))]
    # The mean of the small offsets, not of the rates: that would round the mean itself.
    offset = np.bincount(label, weights=mass * (rates - first[label]), minlength=groups)
    mean = first + offset / np.bincount(label, weights=mass, minlength=groups)
    return Modes(mean, total, label[:count])


def _group(ascending: Array) -> Index:
    """Number the groups of nearly equal rates, each measured from its own first member.

    Measuring from the first member keeps a long chain of close rates from becoming one group.
    """
    close = np.diff(ascending) <= _MERGE_TOLERANCE * ascending[1:]
    group = np.concatenate([np.zeros(min(1, ascending.size), np.intp), np.cumsum(~close)])
    # Only a group of three or more can be longer than the tolerance: the loop is for these alone.
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
