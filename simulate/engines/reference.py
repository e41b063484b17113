"""The reference engine: plain NumPy, obvious and slow. It is the definition of the others."""

from __future__ import annotations

import numpy as np

from hsgd.checks import Array
from simulate import update
from simulate.engines.base import Plan, Report
from simulate.recording import Recorder
from simulate.sampling import block_length, rows_of_block


class RowReader:
    """Reads a replicate's sequence of rows from its blocks."""

    def __init__(self, plan: Plan, key: tuple[int, int]) -> None:
        self._plan = plan
        self._key = key
        self._length = block_length(plan.sampling, len(plan.A), plan.batch_size)
        self._held = -1
        self._rows = np.empty(0, dtype=np.int64)

    def row(self, position: int) -> int:
        """Row number at a position of the sequence."""
        block, offset = divmod(position, self._length)
        if block != self._held:
            plan = self._plan
            self._held, self._rows = (
                block,
                rows_of_block(plan.sampling, self._key, block, len(plan.A), plan.batch_size),
            )
        return int(self._rows[offset])

    def batch(self, iteration: int) -> list[int]:
        """Row numbers of an iteration."""
        size = self._plan.batch_size
        return [self.row(iteration * size + j) for j in range(size)]


def step(plan: Plan, x: Array, batch: list[int], learning_rate: float) -> Array | None:
    """The parameters after one iteration, or None if a residual is not finite."""
    residuals = plan.A[batch] @ x - plan.b[batch]
    if not np.isfinite(residuals).all():
        return None
    decay = update.decay_factor(learning_rate, plan.ridge_per_row)
    scales = update.row_scale(learning_rate, residuals, plan.batch_size)
    # The sum over the batch of `updated`: the decay acts once.
    return np.asarray(update.updated(x, scales @ plan.A[batch], decay, 1.0))


def run(plan: Plan, recorder: Recorder, num_threads: int, report: Report) -> None:
    """Run every replicate, one after another, in one thread."""
    with np.errstate(all="ignore"):
        for replicate, key in enumerate(plan.keys):
            _run_replicate(plan, RowReader(plan, key), replicate, recorder, report)


def _run_replicate(
    plan: Plan, reader: RowReader, replicate: int, recorder: Recorder, report: Report
) -> None:
    x = plan.x0
    done = 0
    for first_slot, iterations in plan.record_blocks():
        points: list[Array] = []
        for wanted in map(int, iterations):
            reached = _walk(plan, x, reader, done, wanted)
            if reached is None:
                break
            x = reached
            report(wanted - done)
            done = wanted
            points.append(x)
        if points:
            recorder.record(replicate, first_slot, np.array(points))
        if len(points) < len(iterations):
            report(plan.num_iterations - done)
            return


def _walk(plan: Plan, x: Array, reader: RowReader, first: int, last: int) -> Array | None:
    """The parameters at iteration `last`, from those at `first`; None if they diverged."""
    for k, learning_rate in enumerate(plan.rates.between(first, last), start=first):
        after = step(plan, x, reader.batch(k), float(learning_rate))
        if after is None:
            return None
        x = after
    return x
