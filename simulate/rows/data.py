"""The rows of a problem, read again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from hsgd.checks import Array
from hsgd.problems.least_squares import LeastSquares
from simulate.randomness.sampling import CODES, MAX_ROWS
from simulate.rows.base import Rows


@dataclass(frozen=True, eq=False)
class DataRows(Rows):
    """Rows of a problem, drawn in the order that `sampling.rows_of_block` defines."""

    problem = LeastSquares
    A: Any
    """Shape (n, d), an array or a `scipy.sparse.csr_array`."""
    b: Array
    sampling: int

    @classmethod
    def of(cls, problem: LeastSquares, algorithm: Any, *, in_any_basis: bool) -> Self:
        n = problem.num_rows
        if n >= MAX_ROWS:
            raise ValueError(f"the problem has {n} rows, but at most 2^32 - 1 can be drawn from.")
        return cls(problem.A, problem.b, CODES[algorithm.sampling])

    @property
    def is_sparse(self) -> bool:
        """Whether A is."""
        return hasattr(self.A, "tocsr")

    def scratch(self, dimension: int, largest_batch: int, block_size: int) -> int:
        # Residuals of one block (twice), permutation, its draws and its rows.
        n = int(self.A.shape[0])
        return 2 * block_size * n + 3 * n
