"""Products with a data matrix, whatever it is stored as: all that a matrix-free theory needs of it.

A matrix may be an array or a memory map, a SciPy sparse matrix, a SciPy `LinearOperator`, or a dask
array on the user's own cluster. `products_of` knows them apart. One product AᵀA·X with several
vectors is one pass over the data, block by block of rows, so that no more than a block of them is
held beside the result; sums go over the blocks in their order, wherever these are computed.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array

_BLOCK = 2**22
"""Numbers of a block of rows: 32 MB."""
_AT_ONCE = 16
"""Blocks of a dask array whose products are added before they travel."""


def is_operator(matrix: Any) -> bool:
    """Whether a matrix is known by its products alone, a SciPy `LinearOperator` or the like."""
    return hasattr(matrix, "matmat") and hasattr(matrix, "rmatmat")


def is_dask(matrix: Any) -> bool:
    """Whether a matrix is a dask array."""
    return hasattr(matrix, "dask") and hasattr(matrix, "chunks")


class Products(ABC):
    """Products with A, shape (n, d), and Aᵀ, of blocks of vectors."""

    matrix: Any

    def __init__(self, matrix: Any) -> None:
        self.matrix = matrix

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns (n, d)."""
        return int(self.matrix.shape[0]), int(self.matrix.shape[1])

    @abstractmethod
    def forward(self, X: Array) -> Array:
        """A·X, shapes (d, p) → (n, p)."""

    @abstractmethod
    def adjoint(self, Y: Array) -> Array:
        """Aᵀ·Y, shapes (n, p) → (d, p)."""

    @abstractmethod
    def normal(self, X: Array) -> Array:
        """AᵀA·X, shape (d, p), in one pass."""

    @property
    @abstractmethod
    def squared_norm(self) -> float | None:
        """Σ A_ij², tr AᵀA; None where that is not known without many products."""

    def random_square(self) -> float:
        """|Aᵀs|² for random signs s: what `squared_norm` is on average."""
        signs = np.random.default_rng(0).choice(np.array([-1.0, 1.0]), (self.shape[0], 1))
        return float(np.sum(self.adjoint(signs) ** 2))

    @abstractmethod
    def gram(self, rows: NDArray[np.intp]) -> Array:
        """Inner products of some rows, shape (k, k)."""


class _Dense(Products):
    """An array or a memory map."""

    def _blocks(self) -> Iterator[tuple[slice, Array]]:
        n, d = self.shape
        for start in range(0, n, step := max(1, _BLOCK // d)):
            block = slice(start, start + step)
            yield block, self.matrix[block]

    def forward(self, X: Array) -> Array:
        return np.concatenate([block @ X for _, block in self._blocks()])

    def adjoint(self, Y: Array) -> Array:
        return np.asarray(_sum(block.T @ Y[rows] for rows, block in self._blocks()))

    def normal(self, X: Array) -> Array:
        return np.asarray(_sum(block.T @ (block @ X) for _, block in self._blocks()))

    @cached_property
    def squared_norm(self) -> float | None:
        return sum(float(np.vdot(block, block)) for _, block in self._blocks())

    def gram(self, rows: NDArray[np.intp]) -> Array:
        chosen = np.asarray(self.matrix[rows])
        return np.asarray(chosen @ chosen.T)


class _Sparse(Products):
    """A SciPy sparse matrix."""

    def forward(self, X: Array) -> Array:
        return np.asarray(self.matrix @ X)

    def adjoint(self, Y: Array) -> Array:
        return np.asarray(self.matrix.T @ Y)

    def normal(self, X: Array) -> Array:
        # Few vectors at a time: the n by p product between the two would outgrow the matrix.
        step = max(1, self.matrix.nnz // self.shape[0])
        parts = [X[:, i : i + step] for i in range(0, X.shape[1], step)]
        return np.concatenate([self.adjoint(self.forward(part)) for part in parts], axis=1)

    @cached_property
    def squared_norm(self) -> float | None:
        return float(np.vdot(self.matrix.data, self.matrix.data))

    def gram(self, rows: NDArray[np.intp]) -> Array:
        chosen = self.matrix[rows]
        return np.asarray((chosen @ chosen.T).toarray())


class _Operator(Products):
    """A `LinearOperator`: nothing but products."""

    def forward(self, X: Array) -> Array:
        return np.asarray(self.matrix.matmat(X), dtype=np.float64)

    def adjoint(self, Y: Array) -> Array:
        return np.asarray(self.matrix.rmatmat(Y), dtype=np.float64)

    def normal(self, X: Array) -> Array:
        return self.adjoint(self.forward(X))

    @property
    def squared_norm(self) -> float | None:
        return None

    def gram(self, rows: NDArray[np.intp]) -> Array:
        chosen = np.zeros((self.shape[0], len(rows)))
        chosen[rows, np.arange(len(rows))] = 1.0
        columns = self.adjoint(chosen)
        return np.asarray(columns.T @ columns)


class _Dask(Products):
    """A dask array: a block of rows at a time, wherever the user's cluster has them."""

    def __init__(self, matrix: Any) -> None:
        super().__init__(matrix.rechunk({1: -1}))  # a block has whole rows

    @cached_property
    def _blocks(self) -> list[Any]:
        return list(self.matrix.to_delayed()[:, 0])

    def _ends(self) -> list[int]:
        return list(itertools.accumulate(self.matrix.chunks[0]))

    def _added(self, function: Callable[..., Array], *extra: list[Any]) -> Any:
        """The sum over all blocks, a few at a time, in their order."""
        dask = _dask()
        calls = [dask.delayed(function)(*each) for each in zip(self._blocks, *extra, strict=True)]
        groups = [calls[i : i + _AT_ONCE] for i in range(0, len(calls), _AT_ONCE)]
        return _sum(dask.compute(*(dask.delayed(_sum)(group) for group in groups)))

    def forward(self, X: Array) -> Array:
        dask = _dask()
        shared = dask.delayed(X)
        tasks = [dask.delayed(_times)(block, shared) for block in self._blocks]
        return np.concatenate(dask.compute(*tasks))

    def adjoint(self, Y: Array) -> Array:
        return np.asarray(self._added(_transposed_times, np.split(Y, self._ends()[:-1])))

    def normal(self, X: Array) -> Array:
        shared = [_dask().delayed(X)] * len(self._blocks)
        return np.asarray(self._added(_normal_times, shared))

    @cached_property
    def squared_norm(self) -> float | None:
        return float(self._added(_squares))

    def gram(self, rows: NDArray[np.intp]) -> Array:
        chosen = np.asarray(self.matrix[np.sort(rows)].compute(), dtype=np.float64)
        return np.asarray(chosen @ chosen.T)


def _dask() -> Any:
    import dask  # whoever passes a dask array has it

    return dask


def _times(block: Any, X: Array) -> Array:
    return np.asarray(block, dtype=np.float64) @ X


def _transposed_times(block: Any, Y: Array) -> Array:
    return np.asarray(block, dtype=np.float64).T @ Y


def _normal_times(block: Any, X: Array) -> Array:
    return _transposed_times(block, _times(block, X))


def _squares(block: Any) -> Array:
    values = np.asarray(block, dtype=np.float64)
    return np.asarray(np.vdot(values, values))


def _sum(parts: Any) -> Any:
    """The sum of arrays, one after the other."""
    total: Any = None
    for part in parts:
        total = part if total is None else total + part
    return total


def products_of(matrix: Any) -> Products:
    """Products with a matrix of any of the kinds that `LeastSquares` takes."""
    if is_dask(matrix):
        return _Dask(matrix)
    if is_operator(matrix):
        return _Operator(matrix)
    return _Dense(matrix) if isinstance(matrix, np.ndarray) else _Sparse(matrix)
