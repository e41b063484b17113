"""Several numbers of a point, to be recorded along a run: what there is beside quadratics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from hsgd.checks import Array
from hsgd.interfaces import Problem, Statistic


class Readout(ABC):
    """Numbers that are read off a point, along a dim of their own behind `time` and `replicate`."""

    name: str
    long_name: str
    dim: str

    @property
    @abstractmethod
    def count(self) -> int:
        """How many there are."""

    @abstractmethod
    def values(self, points: Array) -> Array:
        """Of each row of `points`, shape (m, d) → (m, count)."""

    @abstractmethod
    def labels(self) -> dict[str, Any]:
        """Coordinates of a dataset along `dim`."""


class Recordable(ABC):
    """What a user asks to have recorded: a readout of whatever problem is run."""

    @abstractmethod
    def of(self, problem: Problem) -> Readout:
        """The readout of a problem.

        Raises
        ------
        ValueError
            If the problem has no such numbers.
        """


Recorded = str | Statistic | Recordable
"""What can be recorded along a run, as a user names it."""
