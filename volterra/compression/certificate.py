"""How far a compressed measure's transform is from the true one: a bound for all times at once.

The transform of a positive measure is Σ_j w_j exp(−s_j t). Within a group of points from a to b,
an m-point Gauss rule stays below it by E(t) = t^(2m) ∫ P(s) exp(−s t) ds with a positive
Peano kernel P on [a, b], and the Gauss-Radau rule with its extra node at a stays above it. Hence
E is at most the difference of the two rules. Also E(t) / t^(2m) falls and E(t) exp(b t) / t^(2m)
grows, so that between two times of a grid E is at most E(t_i) (t_(i+1) / t_i)^(2m), and at most
E(t_(i+1)) exp(b (t_(i+1) − t_i)). The compressed transform falls; dividing by its value at the
later of the two times makes a bound without gaps. Before the first time of the grid E grows;
after the last one, beyond 2m / a for all groups, it falls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from volterra.arrays import EPS, Array
from volterra.compression.cells import CELL_ERROR
from volterra.compression.gauss import Rule

STEP = 0.05  # of the grid, in log t
_NOISE = 8.0 * EPS  # of an evaluated rule
_ROUNDING = 4.0 * EPS  # of nodes and weights, relative to the group's right end and mass


@dataclass(frozen=True, eq=False)
class GroupRule:
    """A group's Gauss rule and its certificate.

    Attributes
    ----------
    gauss, radau
        The enclosing rules; equal if the rule is the group itself.
    moved
        By how much each Gauss node was moved when it was rounded to a rate, shape (nodes,).
    left, right, mass
        The group's smallest and largest point and its total weight.
    condensed
        Whether its points went through the first pass.
    """

    gauss: Rule
    radau: Rule | None
    moved: Array
    left: float
    right: float
    mass: float
    condensed: bool

    def transform(self, t: Array) -> Array:
        """The compressed transform of this group."""
        return _transform(self.gauss, t)

    def error(self, t: Array, lower: Array) -> Array:
        """Bound on the error between each grid time and the next; the last is for its time only.

        `lower` is the transform at these times.
        """
        truncation = np.zeros_like(t)
        if self.radau is not None:
            # Radau lies above, Gauss below, but for rounding where the two are nearly the same.
            truncation = np.maximum(_transform(self.radau, t) - lower, 0.0) + _NOISE * lower
        # From the left E grows like t^(2m) at most, from the right like exp(right (t_(i+1) − t)).
        from_left = truncation * math.exp(2.0 * self.gauss.nodes.size * STEP)
        following = np.append(truncation[1:], truncation[-1])
        # Cut off before it overflows: where it is so large the group has long decayed to zero.
        from_right = following * np.exp(np.minimum(self.right * np.diff(t, append=t[-1]), 700.0))
        truncation = np.minimum(from_left, from_right)
        # None of the roundings grows faster than t⁸.
        bound: Array = truncation + math.exp(8.0 * STEP) * self._rounding(t, lower)
        return bound

    def _rounding(self, t: Array, lower: Array) -> Array:
        # A node s that is off by rounding changes exp(−s t) by s t times that, relatively; weights
        # are off in proportion to the mass, and the slowest point decays least.
        out: Array = _ROUNDING * (
            lower * (4.0 + self.right * t) + self.mass * np.exp(-self.left * t)
        )
        # A node that was moved farther, to the next number that a rate can be: |d exp(−s t)| ≤
        # t exp(−s t), s the smaller of the two places.
        if np.any(self.moved):
            nodes, weights = self.gauss.nodes, self.gauss.weights
            decay: Array = np.exp(-np.multiply.outer(t, np.maximum(nodes - self.moved, 0.0)))
            out += t * (decay @ (weights * self.moved))
        # The first pass errs by CELL_ERROR where (s t)⁸ exp(−s t) is largest, at s t = 8, elsewhere
        # in proportion to it; `peak` is the s t of this group that is nearest to 8.
        if self.condensed:
            peak = np.clip(8.0, self.left * t, self.right * t)
            out += CELL_ERROR * self.mass * (peak / 8.0) ** 8 * np.exp(8.0 - peak)
        return out


def _transform(rule: Rule, t: Array) -> Array:
    out: Array = np.exp(-np.multiply.outer(t, rule.nodes)) @ rule.weights
    return out


def grid(first: float, last: float) -> Array:
    """Times from `first` or before to `last`, in steps of `STEP` in log t; two at least."""
    count = max(1, int(np.ceil(np.log(max(last / first, 1.0)) / STEP)))
    times: Array = last * np.exp(-STEP * np.arange(count, -1, -1))
    return times


def relative_errors(
    groups: Sequence[GroupRule], atom: float, t: Array, *, forever: bool
) -> tuple[Array, float]:
    """Errors relative to the compressed transform, per group and for their sum, over all times.

    Parameters
    ----------
    groups
        The compressed measure on distances > 0.
    atom
        Its weight at distance zero, kept exactly.
    t
        A `grid`, shape (times,); before its first time all errors grow.
    forever
        Whether the bound is to hold beyond the last time, after which all errors fall.

    Returns
    -------
    tuple of ndarray and float
        One number for each group, shape (groups,), and one for their sum.
    """
    parts = [group.transform(t) for group in groups]
    transform = atom + np.sum(parts, axis=0)
    # After the grid, as far as anybody asks, at least the atom is left.
    below = np.append(transform[1:], atom if forever else transform[-1])
    errors = [group.error(t, lower) for group, lower in zip(groups, parts, strict=True)]
    ratios = np.array(errors) / below
    return ratios.max(axis=1), float(ratios.sum(axis=0).max())
