"""The algorithms, as frozen nouns: what is run, not how."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hsgd.checks import Array, integer, one_of
from hsgd.schedules import Schedule, as_schedule

SAMPLINGS = ("with_replacement", "subset", "reshuffle", "single_shuffle")
"""How rows are drawn: B independent indices each step; a random B-subset each step; a fresh
permutation every epoch; one permutation for ever."""


@dataclass(frozen=True)
class SGD:
    """Multi-pass stochastic gradient descent on the rows of a problem.

    One iteration draws a batch of B rows and takes
    x ← x − γ [ mean over the batch of a (a·x − b) + (ridge/n) x ].

    Parameters
    ----------
    learning_rate
        The literal factor γ above: a number, a `Schedule`, or a vectorised callable of time
        (time = iterations/n). At iteration k it is taken at time k/n.
    batch_size
        Rows per iteration, B ≥ 1.
    sampling
        `"with_replacement"` (B independent uniform indices), `"subset"` (a uniform B-subset each
        iteration), `"reshuffle"` (a new permutation every epoch) or `"single_shuffle"` (one
        permutation for ever). The last two read the permutations B entries at a time, so a batch
        may straddle two epochs when B does not divide n.

    Raises
    ------
    TypeError, ValueError
        For a negative learning rate, a batch size below one, or an unknown sampling.
    """

    learning_rate: float | Schedule | Callable[[Array], Array]
    batch_size: int = 1
    sampling: str = "with_replacement"

    def __post_init__(self) -> None:
        self.schedule  # noqa: B018  (the check of the learning rate)
        if isinstance(self.batch_size, Schedule) or callable(self.batch_size):
            raise TypeError("batch_size schedules are not available yet: pass one integer.")
        object.__setattr__(self, "batch_size", integer("batch_size", self.batch_size, minimum=1))
        one_of("sampling", self.sampling, SAMPLINGS)

    @cached_property
    def schedule(self) -> Schedule:
        """The learning rate as a `Schedule`."""
        return as_schedule(self.learning_rate)

    def noise_factor(self, n: int) -> float:
        """Variance of the batch mean relative to one draw: 1/B, or (n−B)/(B(n−1)) for subsets.

        Raises
        ------
        ValueError
            If a subset is larger than the number of rows `n`, or the sampling is a permutation.
        """
        if self.sampling == "with_replacement":
            return 1.0 / self.batch_size
        if self.sampling == "subset":
            self.check_batch(n)
            return (n - self.batch_size) / (self.batch_size * max(n - 1, 1))
        raise ValueError(f"sampling {self.sampling!r} draws batches that are not independent.")

    def check_batch(self, n: int) -> None:
        """Refuse a batch without replacement that is larger than the `n` rows it is drawn from."""
        if self.sampling != "with_replacement" and self.batch_size > n:
            raise ValueError(
                f"batch_size is {self.batch_size} but the problem has only {n} rows: a batch "
                f"without replacement holds at most {n}."
            )

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers."""
        return {
            "algorithm": "SGD",
            "learning_rate": self.schedule.description(),
            "batch_size": self.batch_size,
            "sampling": self.sampling,
        }
