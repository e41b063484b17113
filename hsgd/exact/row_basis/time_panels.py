"""Panels of iterations: a curve is a polynomial on each, and its discrete convolutions are exact.

A panel covers the iterations start, …, start + length − 1; the curve's values at `order` of them
(near Chebyshev points, the first and the last included) determine it. Over a panel the sums
Σ_j D^{τ−1−j} y_j of a polynomial y are computed for all D at once by doubling the number of terms,
so that a panel of a million iterations costs twenty small products.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from hsgd.exact.row_basis.powers import (
    CompressedPowers,
    chebyshev_coefficients,
    chebyshev_values,
)


@dataclass(frozen=True)
class Stretch:
    """A panel by its first iteration, its length and its number of nodes."""

    start: int
    length: int
    order: int

    @property
    def offsets(self) -> NDArray[np.int64]:
        """The nodes, counted from `start`."""
        return _offsets(self.length, self.order)

    @property
    def nodes(self) -> NDArray[np.int64]:
        """The nodes as iterations."""
        return self.start + self.offsets

    @property
    def to_coefficients(self) -> Array:
        """From values at the nodes to Chebyshev coefficients on the panel."""
        return _to_coefficients(self.length, self.order)

    def interpolation(self, iterations: NDArray[np.int64]) -> Array:
        """From values at the nodes to values at iterations of the panel."""
        position = _position(iterations - self.start, self.length)
        return chebyshev_values(position, self.order) @ self.to_coefficients

    def refined(self, more: int) -> Stretch:
        """The same panel with more nodes."""
        return Stretch(self.start, self.length, min(self.order + more, self.length))


@lru_cache(maxsize=512)
def _offsets(length: int, order: int) -> NDArray[np.int64]:
    if order >= length:
        return np.arange(length)
    angle = np.linspace(0.0, np.pi, order)
    ideal = 0.5 * (length - 1) * (1.0 - np.cos(angle))
    offsets = np.rint(ideal).astype(np.int64)
    # On short panels neighbours may round to the same iteration: push them apart from both ends.
    lowest = np.arange(order)
    offsets = np.maximum.accumulate(offsets - lowest) + lowest
    highest = length - order + lowest
    return np.asarray(np.minimum(offsets, highest))


@lru_cache(maxsize=512)
def _to_coefficients(length: int, order: int) -> Array:
    return chebyshev_coefficients(_position(_offsets(length, order), length))


def _position(offset: NDArray[np.int64], length: int) -> Array:
    """Iterations as cells of [−1, 1]: halves of a panel are then panels of the same kind."""
    return np.asarray((2.0 * offset + 1.0) / length - 1.0)


@lru_cache(maxsize=4096)
def _restriction(scale: float, shift: float, order: int) -> Array:
    """Chebyshev coefficients of p(scale·x + shift) from those of p."""
    nodes = np.cos((2 * np.arange(order) + 1) * np.pi / (2 * order))
    return chebyshev_coefficients(nodes) @ chebyshev_values(scale * nodes + shift, order)


def _split(length: int, first: int, order: int) -> tuple[Array, Array]:
    """Restrictions to the first iterations of a panel and to the others."""
    share = first / length
    return _restriction(share, share - 1.0, order), _restriction(1.0 - share, share, order)


def power_sums(powers: CompressedPowers, length: int, order: int) -> Array:
    """Σ_{j<length} D_l^{length−1−j} T_m(x_j), x_j the cells of [−1, 1]; shape (L, order)."""
    if length == 1:
        return np.tile(chebyshev_values(np.zeros(1), order), (powers.number, 1))
    first = 1 if length % 2 else length // 2
    before, after = _split(length, first, order)
    rest = power_sums(powers, length - first, order)
    head = power_sums(powers, 1, order) if length % 2 else rest
    carried = powers.at([length - first])[0][:, None]
    return np.asarray(carried * (head @ before) + rest @ after)


def node_sums(powers: CompressedPowers, stretch: Stretch) -> Array:
    """Weights w with Σ_{j<τ} D_l^{τ−1−j} y_j = Σ_b w_b y(node b), for τ at every node and the end.

    Shape (order + 1, L, order).
    """
    order, length = stretch.order, stretch.length
    stops = np.r_[stretch.offsets, length]
    weights = np.zeros((order + 1, powers.number, order))
    for c in range(order):
        step = int(stops[c + 1] - stops[c])
        piece = _restriction(step / length, (2 * stops[c] + step) / length - 1.0, order)
        fresh = power_sums(powers, step, order) @ (piece @ stretch.to_coefficients)
        weights[c + 1] = powers.at([step])[0][:, None] * weights[c] + fresh
    return weights
