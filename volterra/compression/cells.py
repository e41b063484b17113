"""First, linear pass of a compression: many points become four per narrow cell.

The distances s_j of the rates from the smallest one are sorted into cells of width
0.022 (s + scale) or less, and each cell is replaced by its four-point Gauss rule. On a cell
exp(−s t) is so nearly a polynomial of degree seven that the error is below rounding:
width⁸ t⁸ exp(−s t) / (4⁸ 8!) times 4 is at most 2e-16 of the cell's weight.
"""

from __future__ import annotations

import numpy as np

from volterra.arrays import Array, Index

PER_OCTAVE = 32
GROUP = 3 * PER_OCTAVE  # cells per group: a factor of eight in s + scale
_POINTS = 4
_CHUNK = 1 << 18  # points worked on at once; temporaries of this length stay in the cache
# Two points of a cell closer than this, relative to s, are one: the error is its square.
_SAME = 1e-13

# Relative to a cell's weight, including that of all cells put together.
CELL_ERROR = 2e-16


def cell_number(distance: Array, scale: float) -> Index:
    """Number of the cell of each distance; cells are geometric in distance + scale."""
    octave = np.log2(distance + scale)
    octave -= np.log2(scale)
    octave *= PER_OCTAVE
    return octave.astype(np.intp)


def condense(distance: Array, weight: Array, scale: float) -> tuple[Array, Array]:
    """Replace positive weights at distances > 0 by at most four per cell.

    Parameters
    ----------
    distance, weight
        s_j > 0 and w_j > 0, in any order, shape (points,).
    scale
        Below it the cells are of equal width.

    Returns
    -------
    tuple of ndarray
        Fewer distances and their weights, which give Σ_j w_j s_j^p for p ≤ 7, cell by cell.

    Notes
    -----
    About 40 ns per point; no sorting.
    """
    # A rule of four points has the same moments as its cell, so that rules of rules do too: chunks
    # that share cells are condensed apart, and what is left of them once more together.
    while distance.size > 2 * _CHUNK:
        pieces = [
            _condense_chunk(distance[start : start + _CHUNK], weight[start : start + _CHUNK], scale)
            for start in range(0, distance.size, _CHUNK)
        ]
        shorter, lighter = (np.concatenate(column) for column in zip(*pieces, strict=True))
        # Where the cells are nearly as many as the points, another pass would gain nothing.
        if shorter.size > 0.5 * distance.size:
            break
        distance, weight = shorter, lighter
    return _condense_chunk(distance, weight, scale)


def _condense_chunk(distance: Array, weight: Array, scale: float) -> tuple[Array, Array]:
    """The Gauss rule of every cell; of points in any order, for cells are looked up, not sorted."""
    # notation: u = (s + scale)/corner − 1 inside a cell: from 0 to 0.022 in all, whatever the rates
    number = cell_number(distance, scale)
    first = int(number.min())
    number -= first
    count = int(number.max()) + 1
    corner = scale * 2.0 ** ((np.arange(count) + first) / PER_OCTAVE)
    u = (distance + scale) / corner[number]
    u -= 1.0
    return _assemble(*_recurrences(u, weight, number, count), corner, scale)


def _recurrences(u: Array, weight: Array, number: Index, count: int) -> tuple[Array, Array, Array]:
    """Four steps of the Stieltjes procedure, in every cell at once: its Jacobi matrix, its mass.

    The polynomials p_k, orthogonal on the points of a cell, obey
    p_(k+1) = (u − α_k) p_k − β_k p_(k−1), α_k = ⟨u p_k, p_k⟩/⟨p_k, p_k⟩ and
    β_k = ⟨p_k, p_k⟩/⟨p_(k−1), p_(k−1)⟩. Arrays as long as the points are overwritten where they can
    be: their traffic is what the pass costs.
    """
    # notation: p and q the last two polynomials, at every point that of its own cell

    def total(values: Array) -> Array:
        return np.bincount(number, weights=values, minlength=count).astype(np.float64, copy=False)

    mass = total(weight)
    alpha, beta = np.zeros((count, _POINTS)), np.zeros((count, _POINTS))
    p, q, squares, norm = np.ones_like(u), np.zeros_like(u), weight, mass
    for k in range(_POINTS):
        if k:
            squares = p * p
            squares *= weight
            previous, norm = norm, total(squares)
            beta[:, k] = _ratio(norm, previous)
            # A cell with k points or fewer has no polynomial of degree k but rounding. Without a
            # norm its α is zero, without a β its further nodes get no weight.
            alive = beta[:, k] > _SAME**2
            beta[~alive, k:] = 0.0
            norm = np.where(alive, norm, 0.0)
        alpha[:, k] = _ratio(total(squares * u), norm)
        if k < _POINTS - 1:
            following = u - alpha[number, k]
            following *= p
            if k:
                q *= beta[number, k]
                following -= q
            p, q = following, p
    return alpha, beta, mass


def _ratio(numerator: Array, denominator: Array) -> Array:
    out = np.zeros_like(numerator)
    return np.divide(numerator, denominator, out=out, where=denominator > 0)


def _assemble(
    alpha: Array, beta: Array, mass: Array, corner: Array, scale: float
) -> tuple[Array, Array]:
    """Gauss rules of all occupied cells, from their Jacobi matrices (Golub and Welsch)."""
    used = mass > 0
    jacobi = np.zeros((int(used.sum()), _POINTS, _POINTS))
    step = np.arange(_POINTS)
    jacobi[:, step, step] = alpha[used]
    jacobi[:, step[1:], step[:-1]] = np.sqrt(beta[used, 1:])
    values, vectors = np.linalg.eigh(jacobi)
    weight = mass[used, None] * vectors[:, 0, :] ** 2
    # (s + scale) / corner − 1 back to s; near zero the two scales nearly cancel, harmlessly.
    place = corner[used, None] * (1.0 + values) - scale
    keep = weight > 0
    return np.maximum(place[keep], 0.0), weight[keep]
