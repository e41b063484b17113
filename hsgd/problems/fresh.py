"""What all populations have in common: rows without end."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

from hsgd.nouns import Noun


class FreshRows(Noun, ABC):
    """A population of rows, none of which is seen twice."""

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Number of parameters d."""

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
