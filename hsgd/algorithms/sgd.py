"""Stochastic gradient descent: many passes over given rows, or one over fresh ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import ArrayLike

from hsgd.algorithms.base import Algorithm, BatchSize, LearningRate, MultiPass


@dataclass(frozen=True)
class SGD(MultiPass):
    """Multi-pass stochastic gradient descent on the rows of a problem, x ← x − γ g(x).

    One iteration draws a batch of B rows and takes
    x ← x − γ [ mean over the batch of a (a·x − b) + (ridge/n) x ].

    Parameters
    ----------
    learning_rate
        The literal factor γ above: a number, a `Schedule`, or a vectorised callable of time
        (time = iterations/n). At iteration k it is taken at time k/n.
    batch_size
        Rows per iteration, B ≥ 1: an integer, or a `Piecewise` of time with integer levels.
    sampling
        `"with_replacement"` (B independent uniform indices), `"subset"` (a uniform B-subset each
        iteration), `"reshuffle"` (a new permutation every epoch) or `"single_shuffle"` (one
        permutation for ever). The last two read the permutations B entries at a time, so a batch
        may straddle two epochs when B does not divide n.

    Raises
    ------
    TypeError, ValueError
        For a negative learning rate, a batch size below one, or an unknown sampling.

    Examples
    --------
    >>> import hsgd
    >>> growing = hsgd.SGD(0.5, batch_size=hsgd.Piecewise((2.0,), (1, 8)))
    >>> growing.batch_sizes([0.0, 3.0]).tolist()
    [1, 8]
    """

    learning_rate: LearningRate
    batch_size: BatchSize = 1
    sampling: str = "with_replacement"

    def __post_init__(self) -> None:
        self._validate()

    def description(self) -> dict[str, Any]:
        return {"algorithm": "SGD", **self._shared_description(), "sampling": self.sampling}


@dataclass(frozen=True)
class StreamingSGD(Algorithm):
    """Streaming (one-pass) SGD on fresh rows of a population, x ← x − γ g(x).

    Every iteration draws B new rows, none of which is ever seen again.

    Parameters
    ----------
    learning_rate
        γ: a number, a `Schedule`, or a vectorised callable of time (time = iterations/d).
    batch_size
        Rows per iteration, B ≥ 1: an integer, or a `Piecewise` of time with integer levels.

    Raises
    ------
    TypeError, ValueError
        For a negative learning rate or a batch size below one.
    """

    on_stream: ClassVar[bool] = True
    learning_rate: LearningRate
    batch_size: BatchSize = 1

    def __post_init__(self) -> None:
        self._validate()

    def noise_factor(self, n: float, batch_size: ArrayLike | None = None) -> Any:
        """1/B: fresh rows are independent."""
        return 1.0 / self._one_batch_size(batch_size)

    def description(self) -> dict[str, Any]:
        return {"algorithm": "StreamingSGD", **self._shared_description()}
