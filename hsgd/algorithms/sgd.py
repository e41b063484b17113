"""Stochastic gradient descent: many passes over given rows, or one over fresh ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike

from hsgd.algorithms.averaging import Averaging
from hsgd.algorithms.base import Algorithm, BatchSize, LearningRate, MultiPass
from hsgd.algorithms.linear_form import LinearForm, scaled_steps
from hsgd.schedules import Constant, Schedule


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
    averaging
        `EMA`, `TailAverage` or `PowerAverage` of the iterates, kept beside them: statistics are
        then also given at the average, as `<statistic>_averaged`. None keeps none.

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
    averaging: Averaging | None = None

    def __post_init__(self) -> None:
        self._validate()

    def linear_form(self) -> LinearForm:
        return of_rates(self.schedule)

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
    averaging
        As in `SGD`.

    Raises
    ------
    TypeError, ValueError
        For a negative learning rate or a batch size below one.
    """

    on_stream: ClassVar[bool] = True
    learning_rate: LearningRate
    batch_size: BatchSize = 1
    averaging: Averaging | None = None

    def __post_init__(self) -> None:
        self._validate()

    def linear_form(self) -> LinearForm:
        return of_rates(self.schedule)

    def noise_factor(self, n: float, batch_size: ArrayLike | None = None) -> Any:
        """1/B: fresh rows are independent."""
        return 1.0 / self._one_batch_size(batch_size)

    def description(self) -> dict[str, Any]:
        return {"algorithm": "StreamingSGD", **self._shared_description()}


def of_rates(schedule: Schedule) -> LinearForm:
    """Plain steps along the gradient: one vector, which is query and iterate."""
    constant, one = isinstance(schedule, Constant), np.ones(1)
    steps = scaled_steps(np.ones((1, 1)), one, schedule, constant=constant)
    return LinearForm(one, one, one, steps, constant)
