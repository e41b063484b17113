"""What an engine is, and how to write the next one.

An engine is a function `run(plan, recorder, num_threads, report, store)` that runs every replicate
of the plan. It is free in how: one after another, a thread for each, all at once on a GPU. Its
duties are these.

1. Replicate r reads the rows that `plan.rows` and the key `plan.keys[r]` define (see
   `simulate.rows`), and takes the steps of `formulas.update`, or of the `plan.rule` if there is
   one.
2. At the iterations of each of `plan.record_blocks()` it gathers the parameters, one row for each
   iteration, *before* the step of that iteration: what the rule says is `seen`, if there is one,
   and behind it the learning rate if the rule finds one. It hands what the plan makes of them to
   `recorder.record(r, first_slot, points, count, rates, averages)`, always a
   whole block, of which the first `count` are filled. The bits of a statistic can depend on the
   shape of the matrix product that computes it; the shape of a block depends on the grid of times
   alone, never on replicates, threads or interruptions.
3. A replicate whose residual is no longer finite has diverged: the engine hands over the points
   before that, calls `recorder.diverge(r, slot)`, and is done with it.
4. It calls `report(number of iterations done)` a few times a second. That raises to stop the run;
   then the engine records what it has and saves the replicate's state. It may be called from any
   thread.
5. It begins where `store` says that an earlier run stopped, and tells it about progress.

An engine whose replicates are objects gets all of this from `driver.run`. Add the name to
`engines.__init__`; the tests take every name in it and hold it to the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from simulate.checkpoint import Store
from simulate.formulas.schedules import BatchSizes, LearningRates
from simulate.recording import Recorder
from simulate.rows.base import Rows
from simulate.rules.base import Rule

Report = Callable[[int], None]
"""Told how many iterations were done since the last call; raises to stop the run."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Course:
    """What every run has, whatever moves: when it is recorded, and each replicate's key."""

    iterations: NDArray[np.int64]
    """The iterations to record, ascending; the last one ends the run."""
    keys: tuple[tuple[int, int], ...]
    """Philox key of each replicate."""
    block_size: int
    """Points that are recorded together."""

    def record_blocks(self) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """First slot and iterations of each block of records."""
        for first in range(0, len(self.iterations), self.block_size):
            yield first, self.iterations[first : first + self.block_size]

    @property
    def num_iterations(self) -> int:
        """Iterations of one replicate."""
        return int(self.iterations[-1])

    @property
    def width(self) -> int:
        """Numbers in a point as it is gathered."""
        raise NotImplementedError

    def schedules(self) -> tuple[Any, ...]:
        """Arrays that say what happens when: two runs with others differ."""
        raise NotImplementedError

    def parameters(self, points: Array) -> Array:
        """Points as they are gathered, one a row, to parameters of the problem."""
        return points

    def averages(self, points: Array) -> Array | None:
        """The averages in points as they are gathered, likewise; None if runs keep none."""
        del points
        return None

    def realised_rates(self, points: Array) -> Array | None:
        """The learning rates in points as they are gathered; None if runs find none."""
        del points
        return None


@dataclass(frozen=True, eq=False, kw_only=True)
class Plan(Course):
    """All that determines a run of SGD: arrays and numbers, checked, without labels."""

    rows: Rows
    x0: Array
    ridge_per_row: float
    rates: LearningRates
    batches: BatchSizes
    momentum: float
    look: float
    """How far ahead the gradient is taken, in velocities; see `update`."""
    dtype: np.dtype[Any]
    """What rows are stored in. Parameters, products and sums are double precision always."""
    rule: Rule | None = None
    """What is done with gradients; None for SGD, with or without `momentum`."""

    @property
    def dimension(self) -> int:
        """Number of parameters."""
        return len(self.x0)

    @property
    def is_adaptive(self) -> bool:
        """Whether the last number of a point is the learning rate there."""
        return self.rule is not None and self.rule.finds_rates()

    @property
    def keeps_average(self) -> bool:
        """Whether a point holds an average behind the parameters."""
        return self.rule is not None and self.rule.keeps_average

    @property
    def width(self) -> int:
        return self.dimension * (1 + self.keeps_average) + self.is_adaptive

    @property
    def numbers_of_state(self) -> int:
        """Upper estimate of the numbers that a rule remembers: some, or some for each parameter."""
        return 0 if self.rule is None else self.rule.new_state(1).size * self.dimension

    def schedules(self) -> tuple[Any, ...]:
        of_rule = () if self.rule is None else self.rule.factors()
        return self.iterations, self.rates.kept, *(factor.kept for factor in of_rule)

    def parameters(self, points: Array) -> Array:
        return self.rows.from_basis(points[:, : self.dimension])

    def averages(self, points: Array) -> Array | None:
        if not self.keeps_average:
            return None
        return self.rows.from_basis(points[:, self.dimension :])

    def realised_rates(self, points: Array) -> Array | None:
        return points[:, self.dimension] if self.is_adaptive else None


class Engine(Protocol):
    """A function that runs a plan."""

    def __call__(
        self, plan: Plan, recorder: Recorder, num_threads: int, report: Report, store: Store
    ) -> None:
        """Run every replicate of `plan`; see the module's text."""
