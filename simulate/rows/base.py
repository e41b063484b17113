"""What rows are, and how to write the next kind.

Rows are either data, which are read, or fresh ones, which are made of random numbers and forgotten.
To write another kind of fresh rows, subclass `FreshRows` in a file of this folder: its `row` is the
definition. Put it into `kinds`; then say how it is made in compiled code, in a file of
`engines.cpu.kernels` like `gaussian`, and for CUDA in one like `engines.cuda.streaming`, each with
a place in its engine's table (`streaming.KINDS`, `rows.FRESH`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

from hsgd.checks import Array
from hsgd.problems.gaussian_rows import GaussianRows
from simulate.randomness.normals import LABEL_NOISE, NUM_PURPOSES

NOISE_BLOCK = 512
"""Label noises drawn together. Part of the definition of the stream: never change it."""


class Rows(ABC):
    """The rows that a run reads or makes."""

    problem: ClassVar[type[Any]]
    """The noun whose rows they are."""

    @classmethod
    def check(cls, problem: Any, engine: str) -> None:
        """Refuse what an engine cannot make.

        Raises
        ------
        ValueError
            With what to do instead.
        """
        del problem, engine  # By default every engine makes them.

    @classmethod
    @abstractmethod
    def of(cls, problem: Any, algorithm: Any, *, in_any_basis: bool) -> Rows:
        """The rows of a problem, for an algorithm that runs in any basis or in the problem's."""

    def to_basis(self, point: Array) -> Array:
        """A point's coordinates in the basis in which the rows are made."""
        return point

    def from_basis(self, points: Array) -> Array:
        """Points, one a row, in the problem's own coordinates."""
        return points

    @property
    def numbers_per_entry(self) -> int:
        """Numbers of which an entry of a row is made, or that are read for it."""
        return 1

    @abstractmethod
    def scratch(self, dimension: int, largest_batch: int, block_size: int) -> int:
        """Upper estimate of the numbers that a replicate keeps because of its rows."""

    def shared(self, dimension: int) -> int:
        """Numbers that are copied, once for all replicates."""
        del dimension
        return 0


class LabelNoise(NamedTuple):
    """What is added to the targets of fresh rows."""

    strength: float
    purpose: int
    """Purpose word of its random numbers: with another one, the same rows have other noise."""

    @classmethod
    def of(cls, problem: GaussianRows) -> LabelNoise:
        """That of a population, from the stream that is its own."""
        return cls(problem.noise, LABEL_NOISE + NUM_PURPOSES * problem.noise_stream)


class FreshRows(Rows):
    """Rows that are made of normals, never seen twice.

    Row number s of a replicate is made of z = `normals(key, FEATURES, s, num_normals)`; to its
    target `noise.strength`·e is added, e number s % NOISE_BLOCK of
    `normals(key, noise.purpose, s // NOISE_BLOCK, NOISE_BLOCK)`.
    """

    noise: LabelNoise

    @property
    @abstractmethod
    def num_normals(self) -> int:
        """Normals that a row is made of."""

    @property
    @abstractmethod
    def operations(self) -> float:
        """What it takes to make a row; a normal takes as long as some thirty operations."""

    @abstractmethod
    def row(self, z: Array, dtype: Any) -> tuple[Array, float]:
        """The row of normals z in the basis, rounded as it is stored, and its target less noise."""
