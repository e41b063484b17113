"""Powers D_e^k of very many numbers from those of a few: interpolation along the D axis.

One step multiplies entry e of the covariance by D_e. The numbers are put into panels of 1 − |D|
that double in width away from 1, separately for each sign, and in each panel D^k is replaced by its
polynomial interpolant in Chebyshev points: D_e^k ≈ Σ_l c_l(D_e) D_l^k for all k up to the horizon.
With ratio 2 and m points per panel the error is about max_x e^{−3x/2} I_m(x/2): 3e-9 for m = 10,
2e-12 for m = 14.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hsgd.checks import Array

_LOG_OF_ZERO = -745.0
_FIRST = 0.5
"""The panel nearest D = 1 reaches to this over the horizon: there D^k is nearly linear in D."""
_GROWTH = 4.0
"""Width over the horizon of the panels beyond 1, where D^k grows."""


def log_magnitude(distance: Array) -> Array:
    """log|D| from 1 − |D|, and a finite number for D = 0."""
    with np.errstate(divide="ignore"):
        return np.asarray(np.maximum(np.log1p(-distance), _LOG_OF_ZERO))


def signed_powers(logs: Array, negative: NDArray[np.bool_], k: ArrayLike) -> Array:
    """D^k for every k (rows) and D (columns), from log|D| and the sign."""
    exponent = np.asarray(k, dtype=np.float64)[:, None]
    with np.errstate(over="ignore"):
        powers = np.exp(exponent * logs)
    if negative.any():
        powers[np.ix_(exponent[:, 0] % 2 == 1, negative)] *= -1.0
    return np.asarray(powers)


@dataclass(frozen=True, eq=False)
class Panel:
    """The entries that share some nodes, and the interpolation between them."""

    entries: NDArray[np.int64]
    nodes: slice
    cardinal: Array
    """c_l(D_e), shape (entries, nodes)."""


@dataclass(frozen=True, eq=False)
class CompressedPowers:
    """Nodes D_l by logarithm and sign, and the panels that interpolate from them."""

    logs: Array
    negative: NDArray[np.bool_]
    panels: tuple[Panel, ...]

    def at(self, k: ArrayLike) -> Array:
        """D_l^k, shape (len(k), L)."""
        return signed_powers(self.logs, self.negative, k)

    @property
    def number(self) -> int:
        """L."""
        return len(self.logs)


def compress(
    distance: Array, negative: NDArray[np.bool_], horizon: int, order: int
) -> CompressedPowers:
    """Panels for numbers D given by 1 − |D| (exact near 1) and sign, good for k ≤ horizon."""
    edges = _edges(float(distance.min()), float(max(horizon, 1)))
    bins = 2 * np.searchsorted(edges, distance, side="right") + negative
    by_bin = np.argsort(bins, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(bins[by_bin]) > 0])
    panels: list[Panel] = []
    nodes: list[Array] = []
    signs: list[NDArray[np.bool_]] = []
    count = 0
    for entries in np.split(by_bin, starts[1:]):
        x = distance[entries]
        points, cardinal = _interpolation(x, order)
        panels.append(Panel(entries, slice(count, count + len(points)), cardinal))
        nodes.append(points)
        signs.append(np.full(len(points), negative[entries[0]]))
        count += len(points)
    return CompressedPowers(
        log_magnitude(np.concatenate(nodes)), np.concatenate(signs), tuple(panels)
    )


def _edges(smallest: float, horizon: float) -> Array:
    doubling = _FIRST / horizon * 2.0 ** np.arange(np.ceil(np.log2(2.0 * horizon / _FIRST)) + 1)
    width = _GROWTH / horizon
    beyond = -width * np.arange(np.ceil(max(-smallest, 0.0) / width), 0, -1)
    return np.concatenate((beyond, [0.0] if smallest < 0 else [], doubling))


def _interpolation(x: Array, order: int) -> tuple[Array, Array]:
    """Nodes for the points x and the cardinal functions there; few points are their own nodes."""
    if len(x) <= order:
        return x, np.eye(len(x))
    low, high = float(x.min()), float(x.max())
    if high - low <= 1e-14 * max(abs(low), abs(high)):
        return np.array([low]), np.ones((len(x), 1))
    angles = (2 * np.arange(order) + 1) * np.pi / (2 * order)
    position = np.clip((2.0 * x - low - high) / (high - low), -1.0, 1.0)
    nodes = 0.5 * (low + high) + 0.5 * (high - low) * np.cos(angles)
    return nodes, chebyshev_values(position, order) @ chebyshev_coefficients(np.cos(angles))


def chebyshev_values(position: Array, order: int) -> Array:
    """T_0, …, T_{order−1} at the positions, as columns."""
    return np.asarray(np.polynomial.chebyshev.chebvander(position, order - 1), dtype=np.float64)


def chebyshev_coefficients(nodes: Array) -> Array:
    """The matrix from values at the nodes (in [−1, 1]) to Chebyshev coefficients."""
    return np.asarray(np.linalg.inv(chebyshev_values(nodes, len(nodes))))
