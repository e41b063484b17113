"""Statistics that have curves, but no values at points, where no points are at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

from hsgd.checks import Array
from hsgd.interfaces import Statistic


@dataclass(frozen=True, eq=False)
class WithoutPoints(Statistic):
    """Known to the theory by name."""

    name: str
    long_name: str
    parameters: int
    """How many there are: d."""
    reason: str
    """Why it has no values at points, and the remedy; goes on from its name."""

    @property
    def dimension(self) -> int:
        return self.parameters

    def _refuse(self) -> NoReturn:
        raise TypeError(f"{self.name} has no values at points: {self.reason}.")

    def values(self, points: Array) -> Array:
        self._refuse()

    def curvatures(self, directions: Array) -> Array:
        self._refuse()

    def matrix(self) -> Array:
        self._refuse()


def has_points(problem: Any) -> bool:
    """Whether a problem knows its solution and its directions."""
    return bool(getattr(problem, "is_factorable", True) and problem.solution is not None)
