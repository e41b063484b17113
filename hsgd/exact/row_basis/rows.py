"""The rows in the eigenbasis of H, and the two half-steps between row space and covariances.

A symmetric r by r matrix is kept as its upper triangle, row after row, with the entries off the
diagonal multiplied by √2: then the inner product of two matrices is that of the vectors.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas

from hsgd.checks import Array
from hsgd.problems.least_squares import LeastSquares

SQRT2 = float(np.sqrt(2.0))


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows a_i in the eigenbasis, shape (n, r), targets b, and what of x0 no row sees."""

    values: Array
    targets: Array
    eigenvalues: Array
    right: Array
    ridge: float
    start: Array
    outside: Array

    @classmethod
    def of(cls, problem: LeastSquares) -> Rows:
        """From the thin SVD of the problem."""
        svd = problem.svd
        start = svd.right.T @ problem.x0
        return cls(
            values=np.ascontiguousarray(svd.left * svd.singular_values),
            targets=problem.b,
            eigenvalues=svd.singular_values**2,
            right=svd.right,
            ridge=problem.ridge,
            start=start,
            outside=problem.x0 - svd.right @ start,
        )

    @property
    def number(self) -> int:
        """Number of rows n."""
        return len(self.values)

    @property
    def rank(self) -> int:
        """Number r of eigenvalues that are not zero."""
        return len(self.eigenvalues)

    @property
    def size(self) -> int:
        """Entries of a packed triangle."""
        return self.rank * (self.rank + 1) // 2

    @cached_property
    def solution(self) -> Array:
        """Where the mean goes, in the eigenbasis: (Aᵀb)/(λ + ridge)."""
        return np.asarray((self.targets @ self.values) / (self.eigenvalues + self.ridge))

    @cached_property
    def squares(self) -> Array:
        """a_ij², shape (n, r)."""
        return np.square(self.values)

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """Where the packed entries lie in the flattened matrix."""
        first, second = np.triu_indices(self.rank)
        return np.asarray(first * self.rank + second)

    def row(self, i: int) -> slice:
        """The packed entries (i, i), …, (i, r−1)."""
        first = i * self.rank - i * (i - 1) // 2
        return slice(first, first + self.rank - i)

    @cached_property
    def diagonal(self) -> NDArray[np.int64]:
        """Where the packed diagonal lies."""
        i = np.arange(self.rank)
        return np.asarray(i * self.rank - i * (i - 1) // 2)

    def pack(self, matrix: Array) -> Array:
        """The triangle of a symmetric matrix (only the upper one is read)."""
        packed = np.take(np.ravel(matrix), self._places) * SQRT2
        packed[self.diagonal] /= SQRT2
        return np.asarray(packed)

    def weighted_gram(self, weights: Array) -> Array:
        """Aᵀ diag(weights) A, packed; n·r² operations."""
        gram = np.zeros((self.rank, self.rank), order="F")
        for sign in (1.0, -1.0):
            chosen = sign * weights > 0
            if chosen.any():
                part = self.values[chosen] * np.sqrt(np.abs(weights[chosen]))[:, None]
                gram = blas.dsyrk(sign, part.T, beta=1.0, c=gram, lower=1, overwrite_c=1)
        return self.pack(gram.T)

    def quadratic_forms(self, packed: Array) -> Array:
        """a_iᵀ V a_i for every row, V packed; n·r² operations."""
        half = np.zeros(self.rank**2)
        half[self._places] = packed * SQRT2
        half[self._places[self.diagonal]] /= SQRT2
        # V is (half + halfᵀ)/2, so that aᵀVa = a·(half a).
        triangle = half.reshape(self.rank, self.rank)
        images = blas.dtrmm(1.0, triangle.T, self.values.T, lower=1)
        return np.asarray(np.einsum("ij,ij->i", images.T, self.values))
