"""What the rooms of this floor know of each other: what a problem is, and what is measured on it.

They stand below all of these rooms, so that problems can carry statistics and statistics can ask
problems without either importing the other.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

import numpy as np

from hsgd.checks import Array


class Problem(Protocol):
    """What every problem can say of itself, whatever it is made of."""

    @property
    def dimension(self) -> int:
        """Number of parameters d."""
        ...

    @property
    def iterations_per_unit(self) -> int:
        """Iterations in one unit of time."""
        ...

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers; arrays by their SHA-256."""
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

    def diagonal(self) -> Array:
        """The diagonal of M, shape (d,)."""
        return np.array(self.matrix().diagonal())
