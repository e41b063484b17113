"""What all populations have in common: rows without end."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np

from hsgd.checks import Array
from hsgd.nouns import Noun
from hsgd.problems.portrait import Portrayed


class FreshRows(Portrayed, Noun, ABC):
    """A population of rows, none of which is seen twice."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Number of parameters d."""

    @property
    @abstractmethod
    def eigenpairs(self) -> tuple[Array, Array | None]:
        """Eigenvalues of E aaᵀ and eigenvectors as columns; None: unit vectors."""

    @property
    def eigenvalues(self) -> Array:
        """Eigenvalues of E aaᵀ, descending, shape (d,)."""
        return np.sort(self.eigenpairs[0])[::-1]

    @property
    def iterations_per_unit(self) -> int:
        """Iterations in one unit of time: d."""
        return self.dimension

    @property
    def num_rows(self) -> float:
        """Infinite: no row is seen twice."""
        return math.inf

    @property
    def empirical_risk(self) -> None:
        """None: there are no given rows."""
        return None
