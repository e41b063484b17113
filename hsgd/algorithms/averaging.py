"""Averages of the iterates: what is read off a run, beside the last iterate."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.timing import first_iterations
from hsgd.checks import Array, number
from hsgd.nouns import Noun


class Averaging(Noun, ABC):
    """An average x̄ of the iterates, x̄ ← (1 − share)·x̄ + share·x after every iteration.

    It begins at x0, takes the *new* iterate, and does not act back on the run. To write another
    one, subclass this and say what its shares are.
    """

    is_constant: bool = False
    """Whether the share is the same in all iterations."""

    @property
    def cost(self) -> float:
        """How many times more iterates it takes than their plain mean for as little noise."""
        return 1.0

    @abstractmethod
    def shares(self, iterations: NDArray[np.int64], per_unit: int) -> Array:
        """Share of x_{k+1} that iteration k adds, for each k of `iterations`, between 0 and 1."""

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers."""


@dataclass(frozen=True)
class EMA(Averaging):
    """Exponential moving average: every iterate enters with the same share.

    Parameters
    ----------
    rate
        The share, above 0 and at most 1: 0.01 averages over the last hundred iterates or so.
        (Programs that ask for a decay of 0.99 mean this one.)

    Raises
    ------
    TypeError, ValueError
        For another number.
    """

    rate: float
    is_constant = True

    def __post_init__(self) -> None:
        rate = number("rate", self.rate, strict=True)
        if rate > 1.0:
            raise ValueError(
                f"rate is {rate:g}, but it is the share of the newest iterate, at most 1: for a "
                "decay of 0.99 pass 0.01."
            )
        object.__setattr__(self, "rate", rate)

    def shares(self, iterations: NDArray[np.int64], per_unit: int) -> Array:
        return np.full(len(iterations), self.rate)

    def description(self) -> dict[str, Any]:
        return {"kind": "EMA", "rate": self.rate}


@dataclass(frozen=True)
class TailAverage(Averaging):
    """Mean of all iterates after a time (Polyak and Ruppert's, from the beginning on if that is 0).

    Parameters
    ----------
    start
        In units of time, as `Piecewise` has its boundaries: iterates up to the first iteration at
        or after it are left out. Until then the average is the last iterate.

    Raises
    ------
    TypeError, ValueError
        For a negative time.
    """

    start: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", number("start", self.start))

    def shares(self, iterations: NDArray[np.int64], per_unit: int) -> Array:
        first = int(first_iterations([self.start], per_unit)[0])
        return np.asarray(1.0 / np.maximum(iterations - first + 1.0, 1.0))

    def description(self) -> dict[str, Any]:
        return {"kind": "TailAverage", "start": self.start}


@dataclass(frozen=True)
class PowerAverage(Averaging):
    """Mean of all iterates, of which the k-th counts about k^power: late ones count more.

    Parameters
    ----------
    power
        At least 0; 0 is the plain mean.

    Raises
    ------
    TypeError, ValueError
        For a negative power.

    References
    ----------
    O. Shamir, T. Zhang, arXiv:1212.1824, polynomial-decay averaging.
    """

    power: float = 3.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "power", number("power", self.power))

    @property
    def cost(self) -> float:
        return (self.power + 1.0) ** 2 / (2.0 * self.power + 1.0)

    def shares(self, iterations: NDArray[np.int64], per_unit: int) -> Array:
        return np.asarray((self.power + 1.0) / (iterations + self.power + 1.0))

    def description(self) -> dict[str, Any]:
        return {"kind": "PowerAverage", "power": self.power}


def checked(averaging: Any) -> None:
    """Refuse what is no average.

    Raises
    ------
    TypeError
        With what to pass instead.
    """
    if averaging is not None and not isinstance(averaging, Averaging):
        raise TypeError(
            f"averaging is a {type(averaging).__name__}: pass hsgd.EMA(0.01), "
            "hsgd.TailAverage(start), hsgd.PowerAverage() or None."
        )
