"""The reference engine: plain NumPy, obvious and slow. It is the definition of the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.checkpoint import Store
from simulate.engines import driver
from simulate.engines.base import Plan, Report
from simulate.formulas import update
from simulate.randomness.normals import FEATURES, normals
from simulate.randomness.sampling import SUBSET, block_length, rows_of_block
from simulate.recording import Recorder
from simulate.rows.base import NOISE_BLOCK, FreshRows
from simulate.rows.data import DataRows

CHUNK = 256
"""Iterations between two looks at the clock."""


class DataReader:
    """Reads a replicate's sequence of rows from its blocks."""

    def __init__(self, plan: Plan, rows: DataRows, key: tuple[int, int]) -> None:
        self._source = rows
        # The reference's rows are rounded as the other engines' are, and then used in double.
        self._A = rows.A.astype(plan.dtype).astype(np.float64)
        self._key = key
        self._held, self._rows = -1, np.empty(0, dtype=np.int64)

    def _block(self, block: int, size: int) -> Any:
        n = self._A.shape[0]
        return rows_of_block(self._source.sampling, self._key, block, n, size)

    def batch(self, iteration: int, position: int, size: int) -> tuple[Any, Array]:
        """Rows, shape (B, d), and targets of an iteration; its first has `position`."""
        if self._source.sampling == SUBSET:
            numbers = self._block(iteration, size)
        else:
            numbers = np.array([self._row(position + j) for j in range(size)])
        return self._A[numbers], self._source.b[numbers]

    def _row(self, position: int) -> int:
        length = block_length(self._source.sampling, self._A.shape[0], 1)
        block, offset = divmod(position, length)
        if block != self._held:
            self._held, self._rows = block, self._block(block, 1)
        return int(self._rows[offset])


class FreshReader:
    """Makes a replicate's rows, in the problem's own coordinates or in the basis of the rows."""

    def __init__(
        self, plan: Plan, rows: FreshRows, key: tuple[int, int], *, in_basis: bool
    ) -> None:
        self._dtype = plan.dtype
        self._source = rows
        self._key = key
        self._in_basis = in_basis

    def batch(self, iteration: int, position: int, size: int) -> tuple[Array, Array]:
        """Rows, shape (B, d), and targets of an iteration; its first has number `position`."""
        drawn = [self._row(position + j) for j in range(size)]
        return np.array([row for row, _ in drawn]), np.array([target for _, target in drawn])

    def _row(self, number: int) -> tuple[Array, float]:
        block, offset = divmod(number, NOISE_BLOCK)
        source = self._source
        strength, purpose = source.noise
        noise = normals(self._key, purpose, block, NOISE_BLOCK)[offset]
        z = normals(self._key, FEATURES, number, source.num_normals)
        row, target = source.row(z, self._dtype)
        if not self._in_basis:
            row = source.from_basis(row)
        return row, target + strength * float(noise)


class Walker:
    """A replicate."""

    def __init__(self, plan: Plan, index: int) -> None:
        self._plan = plan
        key = plan.keys[index]
        rows = plan.rows
        # Rules are defined in the basis; SGD is the same in any, which is worth a test.
        self._in_basis = plan.rule is not None or isinstance(rows, DataRows)
        self._reader: DataReader | FreshReader
        if isinstance(rows, DataRows):
            self._reader = DataReader(plan, rows, key)
        else:
            assert isinstance(rows, FreshRows)
            self._reader = FreshReader(plan, rows, key, in_basis=self._in_basis)
        self._x = (rows.to_basis(plan.x0) if self._in_basis else plan.x0).copy()
        self._arrays = {"x": self._x}
        if plan.rule is None:
            self._v = self._arrays["v"] = np.zeros_like(plan.x0)
        else:
            self._state = plan.rule.new_state(len(plan.x0))
            if plan.rule.state_name:
                self._arrays[plan.rule.state_name] = self._state

    def arrays(self) -> dict[str, Array]:
        return self._arrays

    def advance(self, first: int, last: int, records: Any, points: Array) -> tuple[int, bool]:
        plan, recorded = self._plan, 0
        rates, sizes = plan.rates.up_to(first, last), plan.batches.between(first, last + 1)
        position = plan.batches.rows_before(first)
        with np.errstate(all="ignore"):
            for k in range(first, last + 1):
                rate, size = float(rates[k - first]), int(sizes[k - first])
                if recorded < len(records) and records[recorded] == k:
                    points[recorded] = self._seen(rate, size)
                    recorded += 1
                if k == last:
                    break
                rows, targets = self._reader.batch(k, position, size)
                step = self._step if plan.rule is None else self._step_by_rule
                if not step(rows, targets, rate, k):
                    return recorded, False
                position += size
        return recorded, True

    def _seen(self, learning_rate: float, size: int) -> Array:
        """The point as the driver expects it: in the basis of fresh rows."""
        rows, rule = self._plan.rows, self._plan.rule
        if not self._in_basis:
            return rows.to_basis(self._x)
        if rule is None:
            return self._x
        seen = rule.seen(self._state, self._x)
        if not rule.finds_rates():
            return seen
        return np.append(seen, rule.rate(self._state, self._x, learning_rate, size))

    def _step(self, rows: Any, targets: Array, learning_rate: float, iteration: int) -> bool:
        plan = self._plan
        point = update.ahead(self._x, self._v, plan.look)
        residuals = rows @ point - targets
        if not np.isfinite(residuals).all():
            return False
        pull = update.row_scale(learning_rate, residuals, len(targets)) @ rows
        if plan.momentum:
            shrink = update.shrink_factor(learning_rate, plan.ridge_per_row)
            self._v[:] = update.updated_velocity(self._v, point, pull, plan.momentum, shrink)
            self._x += self._v
        else:
            decay = update.decay_factor(learning_rate, plan.ridge_per_row)
            # The sum over the batch of `updated`: the decay acts once.
            self._x[:] = update.updated(self._x, pull, decay, 1.0)
        return True

    def _step_by_rule(
        self, rows: Any, targets: Array, learning_rate: float, iteration: int
    ) -> bool:
        plan, size = self._plan, len(targets)
        residuals = rows @ self._x - targets
        if plan.rule is None or not np.isfinite(residuals).all():
            return False
        pull = update.row_scale(1.0, residuals, size) @ rows
        gradient = update.with_ridge(pull, self._x, plan.ridge_per_row)
        return plan.rule.step(self._state, self._x, gradient, learning_rate, size, iteration)


def run(plan: Plan, recorder: Recorder, num_threads: int, report: Report, store: Store) -> None:
    """Run every replicate, one after another."""
    driver.run(plan, lambda index: Walker(plan, index), CHUNK, recorder, 1, report, store)
