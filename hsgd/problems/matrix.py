"""What follows from a data matrix A alone: its size, products, norms and decomposition."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
import scipy.linalg

from hsgd.checks import EPS, Array, digest
from hsgd.machine import memory
from hsgd.machine.progress import bar
from hsgd.nouns import Matrix, Noun
from hsgd.owned import is_memory_map
from hsgd.problems.products import Products, products_of

_AT_ONCE = 2**22
"""Entries of a sparse matrix that are squared at once."""
LARGEST_DENSE = 2**26
"""Entries up to which a sparse matrix is decomposed through a dense copy (512 MB)."""


class ThinSVD(NamedTuple):
    """A = left · diag(singular_values) · right.T with only the non-zero singular values."""

    left: Array
    singular_values: Array
    right: Array


class WithMatrix(Noun):
    """A problem on given rows, the rows of A."""

    A: Matrix
    _computed_of: ClassVar[Mapping[str, str]] = {
        "svd": "A",
        "products": "A",
        "squared_row_norms": "A",
        "is_factorable": "A",
        "_matrix_digest": "A",
    }

    @property
    def num_rows(self) -> int:
        """Number of rows n: iterations per unit of time."""
        return shape_of(self.A)[0]

    @property
    def dimension(self) -> int:
        """Number of parameters d."""
        return shape_of(self.A)[1]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns (n, d)."""
        return self.num_rows, self.dimension

    @property
    def eigenvalues(self) -> Array:
        """Non-zero eigenvalues of AᵀA, descending, shape (r,)."""
        return self.eigenpairs[0]

    @property
    def is_sparse(self) -> bool:
        """Whether A is a sparse matrix."""
        return hasattr(self.A, "tocsr")

    @property
    def is_product(self) -> bool:
        """Whether A is known by its products alone: an operator, or a dask array."""
        return not (self.is_sparse or isinstance(self.A, np.ndarray))

    @cached_property
    def products(self) -> Products:
        """Products with A."""
        return products_of(self.A)

    @cached_property
    def is_factorable(self) -> bool:
        """Whether the singular value decomposition of A is within reach."""
        if self.is_product:
            return False
        if self.is_sparse:
            return self.num_rows * self.dimension <= LARGEST_DENSE
        left = memory.available()
        return not is_memory_map(self.A) or left is None or self._svd_bytes <= left

    @cached_property
    def squared_row_norms(self) -> Array:
        """|a_i|², shape (n,)."""
        A = self.A
        if self.is_product:
            raise TypeError("A is known by its products alone: its rows have no norms here.")
        if isinstance(A, np.ndarray):
            return np.asarray(np.einsum("ij,ij->i", A, A))
        # Some rows at a time: a square of the whole matrix would be another one.
        step = max(1, _AT_ONCE * self.num_rows // max(1, A.nnz))
        parts = (A[start : start + step] for start in range(0, self.num_rows, step))
        return np.concatenate([np.asarray(part.multiply(part).sum(axis=1)) for part in parts])

    @property
    def mean_squared_row_norm(self) -> float:
        """Mean of |a_i|² over the rows."""
        if self.is_product:
            total = self.products.squared_norm
            return (self.products.random_square() if total is None else total) / self.num_rows
        return float(self.squared_row_norms.mean())

    @property
    def _svd_bytes(self) -> int:
        """A copy that is overwritten, both factors, and the workspace of divide and conquer."""
        n, d = self.shape
        return 8 * (n * d + min(n, d) * (n + d) + 6 * min(n, d) ** 2)

    @cached_property
    def svd(self) -> ThinSVD:
        """Thin SVD; singular values below max(n, d)·ε·largest are rounding and are left out."""
        n, d = self.shape
        if self.is_product or (self.is_sparse and n * d > LARGEST_DENSE):
            raise ValueError(
                f"the decomposition of A, {n} by {d}, would need a dense copy of it: ask for what "
                "needs none (predict, limits, critical_learning_rate), without distance."
            )
        memory.check(self._svd_bytes, f"the decomposition of A, {n} by {d},", "rows or columns")
        dense = self.A if isinstance(self.A, np.ndarray) else self.A.toarray()
        with bar(None, 1, description="decompose", unit="matrices", waiting=f"A, {n} by {d}"):
            left, values, right = scipy.linalg.svd(dense, full_matrices=False, check_finite=False)
        floor = max(self.A.shape) * EPS * (values[0] if len(values) else 0.0)
        rank = int(np.count_nonzero(values > floor))
        # Contiguous, so that copies in other processes are laid out alike and give the same bits.
        return ThinSVD(left[:, :rank], values[:rank], np.ascontiguousarray(right[:rank].T))

    @property
    def eigenpairs(self) -> tuple[Array, Array]:
        """Non-zero eigenvalues of AᵀA, descending, shape (r,), and eigenvectors as columns."""
        return self.svd.singular_values**2, self.svd.right

    @cached_property
    def _matrix_digest(self) -> str:
        if not self.is_product:
            return digest(self.A)
        # Of one product: other data have another, to all digits that two machines may share.
        signs = np.random.default_rng(1).choice(np.array([-1.0, 1.0]), (self.num_rows, 1))
        product = self.products.adjoint(signs)[:, 0]
        size = float(np.abs(product).max())
        return digest(np.round(product / size, 9) + 0.0, np.array(float(f"{size:.9g}")))

    def decompose(self) -> None:
        """Compute the singular value decomposition now, if it is within reach and not known yet."""
        if self.is_factorable:
            self.svd  # noqa: B018


def shape_of(matrix: Any) -> tuple[int, int]:
    """Rows and columns.

    Raises
    ------
    ValueError
        If it is no matrix, or has none.
    """
    if len(matrix.shape) != 2 or 0 in matrix.shape:
        raise ValueError(f"A has shape {matrix.shape}: pass n rows of d columns.")
    return int(matrix.shape[0]), int(matrix.shape[1])
