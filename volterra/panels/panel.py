"""Collocation panels: nodes, interpolation, and the quadrature of a kernel against a polynomial.

On a panel the unknown is the polynomial through its values at the Radau nodes, the last of which
is the panel's end: collocation at these is stiffly accurate. A kernel K(t, s) may be anything as a
function of t − s near zero (stiff, weakly singular), as long as it is tame on every interval whose
length is comparable with its distance from t. Hence one rule serves all: cut what lies near t
geometrically towards t, and use Gauss on each piece.

References
----------
H. Brunner, "Collocation Methods for Volterra Integral and Related Functional Equations", chapters
2 and 6 (graded meshes, weakly singular kernels).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from volterra.arrays import Array
from volterra.radau import radau_nodes

STAGES = 10
DENSE_ORDER = STAGES + 1  # of the memory's polynomial inside a panel

_RATIO = 3.0  # of neighbouring pieces, towards t
_LEVELS = 26  # 3⁻²⁶ = 4e-13: a kernel may be that much faster than its panel is long
_GAUSS = 16


@dataclass(frozen=True, eq=False)
class Panel:
    """A panel on the unit interval; every other one is this, shifted and scaled.

    Attributes
    ----------
    exponent
        The polynomial is one in place = position^(1/exponent). One, but for the first panel of a
        singular equation: there y is a smooth function of t^(1 − singularity).
    positions
        Of the nodes, shape (stages,).
    distance, weight
        Quadrature for the integral over s from the panel's start to node i, by the distance of s
        from node i, shape (stages, own); the weight contains distance^−singularity.
    basis
        weight times the Lagrange polynomials at the quadrature points, shape (stages, own, stages).
    source_position, source_basis
        Quadrature for kernels that are tame on the panel, shapes (sources,) and (sources, stages);
        the weight is in the basis.
    """

    exponent: float
    positions: Array
    distance: Array
    basis: Array
    source_position: Array
    source_basis: Array

    def place(self, position: Array) -> Array:
        """The variable in which the unknown is a polynomial, in [0, 1]."""
        return position if self.exponent == 1.0 else position ** (1.0 / self.exponent)


@cache
def nodes() -> Array:
    """Radau nodes, in the variable `place`."""
    return radau_nodes(STAGES)


@cache
def points() -> Array:
    """Zero and the nodes: a memory's polynomial is fixed by its values there."""
    return np.concatenate([[0.0], nodes()])


@cache
def panel(singularity: float, first: bool) -> Panel:
    """The panel for a singularity; the first one of a mesh resolves t^(1 − singularity)."""
    exponent = 1.0 / (1.0 - singularity) if first else 1.0
    positions = nodes() ** exponent
    distance, weight, remaining = _towards_node(positions, singularity, both_ends=exponent != 1.0)
    place = remaining if exponent == 1.0 else remaining ** (1.0 / exponent)
    basis = lagrange(nodes(), place.reshape(-1)).reshape(*place.shape, STAGES)
    position, amount = _tame(exponent)
    at = position if exponent == 1.0 else position ** (1.0 / exponent)
    return Panel(
        exponent=exponent,
        positions=positions,
        distance=distance,
        basis=weight[:, :, None] * basis,
        source_position=position,
        source_basis=amount[:, None] * lagrange(nodes(), at),
    )


def lagrange(at_nodes: Array, x: Array) -> Array:
    """Lagrange polynomials of the nodes at `x`, by the barycentric formula: (len(x), nodes)."""
    difference = x[:, None] - at_nodes
    difference[difference == 0] = 1e-290  # its term outweighs the others: exactly a unit vector
    terms = _barycentric(tuple(at_nodes.tolist())) / difference
    out: Array = terms / np.sum(terms, axis=1, keepdims=True)
    return out


@cache
def _barycentric(at_nodes: tuple[float, ...]) -> Array:
    x = np.array(at_nodes)
    gaps = 4.0 * (x[:, None] - x)  # four: the capacity of the unit interval is 1/4
    np.fill_diagonal(gaps, 1.0)
    return np.asarray(1.0 / np.prod(gaps, axis=1), dtype=np.float64)


@cache
def gauss() -> tuple[Array, Array]:
    """Gauss-Legendre nodes and weights on the unit interval."""
    x, weight = np.polynomial.legendre.leggauss(_GAUSS)
    return 0.5 * (1.0 + x), 0.5 * weight


def geometric_pieces(near: Array, far: Array, cuts: Array | None = None) -> tuple[Array, Array]:
    """Gauss nodes and weights on geometric pieces of [near, far], 0 < near < far, row by row.

    Pieces end at the `cuts`, too, where these fall between.
    """
    count = max(1, int(np.ceil(np.log(np.max(far / near)) / np.log(_RATIO))))
    edges = near[:, None] * (far / near)[:, None] ** (np.arange(count + 1) / count)
    if cuts is not None and cuts.size:
        # Outside they make pieces of no length, which keeps the rows alike.
        inside = np.clip(cuts, near[:, None], far[:, None])
        edges = np.sort(np.concatenate([edges, inside], axis=1), axis=1)
    x, weight = gauss()
    length = np.diff(edges, axis=1)[:, :, None]
    rows = near.size
    at: Array = edges[:, :-1, None] + length * x
    return at.reshape(rows, -1), (length * weight).reshape(rows, -1)


def _towards_node(
    positions: Array, singularity: float, *, both_ends: bool
) -> tuple[Array, Array, Array]:
    """Distances from node i, weights, and positions, for the integral from 0 to node i."""
    reach = 0.5 * positions if both_ends else positions
    innermost = reach * _RATIO**-_LEVELS
    # The innermost piece has the singular factor in its weights, in closed form; on all others it
    # is smooth enough to be sampled.
    distance, weight = geometric_pieces(innermost, reach)
    weight = weight * distance**-singularity
    x, amount = _jacobi(singularity)
    tiny = innermost[:, None] * x
    distance = np.concatenate([tiny, distance], axis=1)
    scale = innermost[:, None] ** (1.0 - singularity)
    weight = np.concatenate([scale * amount, weight], axis=1)
    remaining = positions[:, None] - distance
    if both_ends:
        start, share = _towards_zero(reach)
        rest = positions[:, None] - start
        distance = np.concatenate([distance, rest], axis=1)
        weight = np.concatenate([weight, share * rest**-singularity], axis=1)
        remaining = np.concatenate([remaining, start], axis=1)
    return distance, weight, remaining


def _towards_zero(reach: Array) -> tuple[Array, Array]:
    """Quadrature on [0, reach] for functions that are smooth but at 0, row by row."""
    innermost = reach * _RATIO**-_LEVELS
    position, weight = geometric_pieces(innermost, reach)
    x, amount = gauss()
    position = np.concatenate([innermost[:, None] * x, position], axis=1)
    return position, np.concatenate([innermost[:, None] * amount, weight], axis=1)


@cache
def half_panel() -> tuple[Array, Array]:
    """Positions and weights on [0, 1/2] for functions that are smooth but at 0."""
    position, weight = _towards_zero(np.array([0.5]))
    return position[0], weight[0]


def _tame(exponent: float) -> tuple[Array, Array]:
    """Positions and weights for functions that are a tame kernel times the panel's polynomial."""
    if exponent == 1.0:
        return nodes(), radau_weights()
    position, weight = _towards_zero(np.array([1.0]))
    return position[0], weight[0]


@cache
def radau_weights() -> Array:
    """Weights of the Radau rule: the integrals of the Lagrange polynomials."""
    x, weight = gauss()
    total: Array = weight @ lagrange(nodes(), x)
    return total


def _jacobi(singularity: float) -> tuple[Array, Array]:
    """Gauss nodes and weights for x^−singularity on the unit interval."""
    if singularity == 0.0:
        return gauss()
    from scipy.special import roots_jacobi  # scipy is slow to load and rarely needed

    x, weight = roots_jacobi(_GAUSS, 0.0, -singularity)
    return 0.5 * (1.0 + x), weight * 0.5 ** (1.0 - singularity)
