"""What an engine is, and how to write the next one.

An engine is a function `run(plan, recorder, num_threads, report)` that does SGD for every replicate
of the plan. It is free in how: one after another, a thread for each, all at once on a GPU. Its
duties are these.

1. Replicate r reads rows in the order that `sampling.rows_of_block(…, plan.keys[r], …)` defines,
   and takes the steps of `update.py`.
2. At the iterations of each of `plan.record_blocks()` it gathers the parameters, one row for each
   iteration, *before* the step of that iteration, and hands them to
   `recorder.record(r, first_slot, points)`, a whole block at a time and one replicate at a time.
   The bits of a statistic can depend on the shape of the matrix product that computes it; the
   shape of a block depends on the grid of times alone, never on replicates or threads.
3. A replicate whose residual is no longer finite has diverged: the engine stops it, hands over the
   points before that (the block may be short then), and leaves the rest as it is: infinite.
4. It calls `report(number of iterations done)` a few times a second, and returns soon after that
   raises. It may be called from any thread.

Add the name to `engines.__init__`; the tests take every name in it and hold it to the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from simulate.learning_rates import LearningRates
from simulate.recording import Recorder

Report = Callable[[int], None]
"""Told how many iterations were done since the last call; raises to stop the run."""


@dataclass(frozen=True, eq=False)
class Plan:
    """All that determines a run: arrays and numbers, checked, without labels."""

    A: Array
    b: Array
    x0: Array
    ridge_per_row: float
    rates: LearningRates
    batch_size: int
    sampling: int
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


class Engine(Protocol):
    """A function that runs a plan."""

    def __call__(self, plan: Plan, recorder: Recorder, num_threads: int, report: Report) -> None:
        """Run every replicate of `plan`; see the module's text."""
