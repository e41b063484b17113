"""The Radau IIA collocation rule with five stages, order nine, computed from its definition.

The nodes are the zeros of P_5 − P_4 (Legendre) on the unit interval, the last of them at its end;
the coefficients integrate the Lagrange polynomials of the nodes.

References
----------
E. Hairer, G. Wanner, "Solving Ordinary Differential Equations II", section IV.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from volterra.arrays import Array

STAGES = 5


@dataclass(frozen=True, eq=False)
class Radau:
    """Tableau on the unit step, and the polynomial tools that belong to its nodes.

    Attributes
    ----------
    nodes
        c, ascending, shape (stages,); the last is 1.
    coefficients
        A, shape (stages, stages), with A_lm the integral from 0 to c_l of the m-th Lagrange
        polynomial.
    points
        0 and the nodes, shape (stages+1,): a mode's polynomial is fixed by its values there.
    derivative
        From values at `points` to derivatives at `nodes`, shape (stages, stages+1).
    first_half, second_half
        From values at `points` to values at the nodes of the two half steps, shape
        (stages, stages+1).
    """

    nodes: Array
    coefficients: Array
    points: Array
    derivative: Array
    first_half: Array
    second_half: Array


@cache
def radau() -> Radau:
    """Build the tableau, once."""
    nodes = radau_nodes(STAGES)
    points = np.concatenate([[0.0], nodes])
    return Radau(
        nodes=nodes,
        coefficients=integral_matrix(nodes, nodes),
        points=points,
        derivative=_derivative_matrix(points)[1:],
        first_half=lagrange_matrix(points, 0.5 * nodes),
        second_half=lagrange_matrix(points, 0.5 + 0.5 * nodes),
    )


def radau_nodes(stages: int) -> Array:
    """Nodes on (0, 1]: zeros of P_s − P_(s−1), each polished by two Newton steps."""
    series = np.zeros(stages + 1)
    series[-2:] = -1.0, 1.0
    polynomial = np.polynomial.Legendre(series)
    slope = polynomial.deriv()
    x = np.sort(polynomial.roots().real)
    for _ in range(2):
        x = x - polynomial(x) / slope(x)
    x[-1] = 1.0
    return 0.5 * (1.0 + x)


def lagrange_matrix(points: Array, at: Array) -> Array:
    """Values at `at` of the Lagrange polynomials of `points`: shape (len(at), len(points))."""
    out = np.ones((at.size, points.size))
    for j, point in enumerate(points):
        for other in np.delete(points, j):
            out[:, j] *= (at - other) / (point - other)
    return out


def integral_matrix(points: Array, at: Array) -> Array:
    """Integrals of the Lagrange polynomials from 0 to each of `at`, by a Gauss rule exact for them.

    Shape (len(at), len(points)).
    """
    x, weight = np.polynomial.legendre.leggauss(points.size)
    places = 0.5 * np.multiply.outer(at, 1.0 + x)
    values = lagrange_matrix(points, places.reshape(-1)).reshape(*places.shape, points.size)
    return np.asarray(0.5 * at[:, None] * np.einsum("g,ngp->np", weight, values))


def _derivative_matrix(points: Array) -> Array:
    """Spectral differentiation by the barycentric formula; rows sum to zero exactly."""
    difference = points[:, None] - points[None, :]
    np.fill_diagonal(difference, 1.0)
    scale = np.prod(difference, axis=1)
    matrix: Array = scale[:, None] / (scale[None, :] * difference)
    np.fill_diagonal(matrix, 0.0)
    np.fill_diagonal(matrix, -matrix.sum(axis=1))
    return matrix
