"""Statistics of SGD on a sample that is not drawn: they have curves, but no values at points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from hsgd.checks import Array
from hsgd.interfaces import Statistic


@dataclass(frozen=True, eq=False)
class OfTheSample(Statistic):
    """Known by name to the theory of typical samples."""

    name: str
    long_name: str
    parameters: int
    """How many there are: d."""

    @property
    def dimension(self) -> int:
        return self.parameters

    def _refuse(self) -> NoReturn:
        raise TypeError(
            f"{self.name} belongs to a sample, which is not drawn here: draw one by "
            "problem.sample(seed), and ask that."
        )

    def values(self, points: Array) -> Array:
        self._refuse()

    def curvatures(self, directions: Array) -> Array:
        self._refuse()

    def matrix(self) -> Array:
        self._refuse()
