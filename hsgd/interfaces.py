"""What the rooms of this floor know of each other: what a problem is, and what is measured on it.

They stand below all of these rooms, so that problems can carry statistics and statistics can ask
problems without either importing the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np

from hsgd.checks import Array


class Described(Protocol):
    """What a dataset records of a problem, whatever it is made of."""

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers; arrays by their SHA-256."""
        ...


class Timed(Described, Protocol):
    """What a grid of times needs to know of a problem."""

    @property
    def dimension(self) -> int:
        """Number of parameters d."""
        ...

    @property
    def iterations_per_unit(self) -> int:
        """Iterations in one unit of time."""
        ...

    @property
    def num_rows(self) -> float:
        """Number of rows that batches are drawn from: n, infinite for a population."""
        ...


class Problem(Timed, Protocol):
    """What can be learned by an algorithm: rows, given or fresh, and where they are best fitted."""

    @property
    def empirical_risk(self) -> Statistic | None:
        """(1/2n)‖Ax−b‖² over given rows; None for fresh ones."""
        ...

    @property
    def population(self) -> HasRisk | None:
        """What a fresh row looks like, if that is known."""
        ...

    @property
    def x0(self) -> Array:
        """Where every algorithm starts, shape (d,)."""
        ...

    @property
    def solution(self) -> Array | None:
        """x*, from which distances are measured, shape (d,); None where each sample has its own."""
        ...

    @property
    def eigenpairs(self) -> tuple[Array, Array | None]:
        """Eigenvalues of the Hessian, shape (r,), and eigenvectors as columns; None: unit vectors.

        Of the sum over given rows, AᵀA; of the mean over fresh ones, E aaᵀ.
        """
        ...

    @property
    def mean_squared_row_norm(self) -> float:
        """Mean of |a|² over the rows."""
        ...


class HasRisk(Protocol):
    """What a fresh row looks like."""

    @property
    def risk(self) -> Statistic:
        """½E(a·x−b)²."""
        ...


class Statistic(ABC):
    """A quadratic function of the parameters with a `name` and a `long_name`."""

    name: str
    long_name: str

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Number of parameters d."""

    @abstractmethod
    def values(self, points: Array) -> Array:
        """Value at each row of `points`, shape (m, d) → (m,), by one matrix product."""

    @abstractmethod
    def curvatures(self, directions: Array) -> Array:
        """uᵀMu for each column u of `directions`, shape (d, r) → (r,)."""

    @abstractmethod
    def matrix(self) -> Array:
        """The second-derivative matrix M, shape (d, d)."""

    def terms(self, norm: float) -> float:
        """Size of the terms of a value at a point of this norm; 0 where they cannot cancel."""
        del norm
        return 0.0

    def diagonal(self) -> Array:
        """The diagonal of M, shape (d,)."""
        return np.array(self.matrix().diagonal())
