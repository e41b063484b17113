"""Gauss and Gauss-Radau rules of a discrete positive measure, by Lanczos with reorthogonalisation.

For a completely monotone function such as exp(−s t) the two enclose the integral: Gauss lies below
it, Radau with its fixed node at the left end above.

References
----------
G. H. Golub, "Some modified matrix eigenvalue problems", SIAM Review 15 (1973), 318-334.
W. Gautschi, "Orthogonal polynomials: computation and approximation", 2004, sections 1.4 and 3.1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from volterra.arrays import Array

# An off-diagonal entry below this, on [-1, 1], is zero: the measure has no further points.
_EXHAUSTED = 1e-13


@dataclass(frozen=True, eq=False)
class Rule:
    """A quadrature rule: Σ_i weights_i f(nodes_i)."""

    nodes: Array
    weights: Array


@dataclass(frozen=True, eq=False)
class Recurrence:
    """Jacobi matrix of a measure on [left, right], in the variable that maps it to [-1, 1].

    Attributes
    ----------
    diagonal, off_diagonal
        `off_diagonal[k]` couples polynomials k and k + 1, shape (degree,).
    mass
        The measure's total.
    left, right
        Smallest and largest point.
    distinct
        Number of distinct points, if the Lanczos process found that there are no more.
    """

    diagonal: Array
    off_diagonal: Array
    mass: float
    left: float
    right: float
    distinct: int | None

    @property
    def degree(self) -> int:
        """The largest number of Gauss nodes that can be made."""
        return self.diagonal.size

    def is_complete(self, nodes: int) -> bool:
        """Whether a rule of so many nodes is the measure itself."""
        return self.distinct is not None and nodes >= self.distinct

    def gauss(self, nodes: int) -> Rule:
        """The rule of degree 2 nodes − 1."""
        return self._rule(_jacobi(self.diagonal[:nodes], self.off_diagonal[: nodes - 1]))

    def radau(self, nodes: int) -> Rule:
        """The rule of degree 2 nodes with one node more, fixed at the left end."""
        jacobi = _jacobi(
            np.append(self.diagonal[:nodes], -1.0),
            self.off_diagonal[:nodes],
        )
        # Elimination in the Jacobi matrix shifted by the fixed node tells the last entry.
        pivot, coupling = math.inf, 0.0
        for diagonal, following in zip(
            self.diagonal[:nodes].tolist(), self.off_diagonal[:nodes].tolist(), strict=True
        ):
            pivot = diagonal + 1.0 - coupling / pivot
            coupling = following * following
        jacobi[nodes, nodes] += coupling / pivot
        return self._rule(jacobi)

    def _rule(self, jacobi: Array) -> Rule:
        x, vectors = np.linalg.eigh(jacobi)
        half = 0.5 * (self.right - self.left)
        nodes = np.clip(self.left + half * (1.0 + x), self.left, self.right)
        return Rule(nodes, self.mass * vectors[0] ** 2)


def recurrence(points: Array, weights: Array, degree: int) -> Recurrence:
    """Run `degree` Lanczos steps, fewer if the measure has fewer points.

    Parameters
    ----------
    points, weights
        Weights > 0, shape (points,); any order, repeated or not.
    degree
        The largest number of Gauss nodes that will be asked for.
    """
    left, right, mass = float(points.min()), float(points.max()), float(weights.sum())
    if right == left:
        return Recurrence(np.full(1, -1.0), np.zeros(1), mass, left, left, 1)
    x = (points - left) * (2.0 / (right - left)) - 1.0
    basis = np.empty((degree + 1, points.size))
    diagonal, off_diagonal = np.zeros(degree), np.zeros(degree)
    # The points are the eigenvalues of a diagonal matrix; started with the roots of the weights,
    # Lanczos makes the Jacobi matrix of their measure.
    np.sqrt(weights / mass, out=basis[0])
    for k in range(degree):
        known, q = basis[: k + 1], x * basis[k]
        overlap = np.dot(known, q)
        diagonal[k] = overlap[k]
        q -= np.dot(overlap, known)
        # Twice is enough: what the first projection leaves by rounding, the second takes away.
        q -= np.dot(np.dot(known, q), known)
        size = math.sqrt(np.dot(q, q))
        if size < _EXHAUSTED:
            return Recurrence(diagonal[: k + 1], off_diagonal[: k + 1], mass, left, right, k + 1)
        off_diagonal[k] = size
        np.divide(q, size, out=basis[k + 1])
    return Recurrence(diagonal, off_diagonal, mass, left, right, None)


def _jacobi(diagonal: Array, off_diagonal: Array) -> Array:
    matrix = np.diag(diagonal)
    step = np.arange(off_diagonal.size)
    matrix[step + 1, step] = matrix[step, step + 1] = off_diagonal
    return matrix
