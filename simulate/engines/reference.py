"""The reference engine: plain NumPy, obvious and slow. It is the definition of the others."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate import update
from simulate.checkpoint import Store
from simulate.engines import driver
from simulate.engines.base import NOISE_BLOCK, DataRows, FreshFeatures, FreshRows, Plan, Report
from simulate.normals import FEATURES, LABEL_NOISE, normals
from simulate.recording import Recorder
from simulate.sampling import SUBSET, block_length, rows_of_block

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
    """Makes a replicate's rows."""

    def __init__(self, plan: Plan, rows: FreshRows | FreshFeatures, key: tuple[int, int]) -> None:
        self._dtype = plan.dtype
        self._source = rows
        self._key = key

    def batch(self, iteration: int, position: int, size: int) -> tuple[Array, Array]:
        """Rows, shape (B, d), and targets of an iteration; its first has number `position`."""
        drawn = [self._row(position + j) for j in range(size)]
        return np.array([row for row, _ in drawn]), np.array([target for _, target in drawn])

    def _row(self, number: int) -> tuple[Array, float]:
        block, offset = divmod(number, NOISE_BLOCK)
        noise = normals(self._key, LABEL_NOISE, block, NOISE_BLOCK)[offset]
        make = _gaussian_row if isinstance(self._source, FreshRows) else _feature_row
        z = normals(self._key, FEATURES, number, self._source.num_normals)
        row, target = make(self._source, z, self._dtype)  # type: ignore[arg-type]
        return row, target + self._source.noise * float(noise)


def _gaussian_row(source: FreshRows, z: Array, dtype: Any) -> tuple[Array, float]:
    row = (z.astype(dtype) * source.root).astype(dtype).astype(np.float64)
    return source.from_basis(row), float(row @ source.coefficients)


def _feature_row(source: FreshFeatures, z: Array, dtype: Any) -> tuple[Array, float]:
    after = source.activation(source.mixing @ z) - source.shift
    row = (after / np.sqrt(len(after))).astype(dtype).astype(np.float64)
    return row, float(source.direction @ z)


class Walker:
    """A replicate."""

    def __init__(self, plan: Plan, index: int) -> None:
        self._plan = plan
        key = plan.keys[index]
        rows = plan.rows
        self._reader: DataReader | FreshReader = (
            DataReader(plan, rows, key)
            if isinstance(rows, DataRows)
            else FreshReader(plan, rows, key)
        )
        self._x = plan.x0.copy()
        self._v = np.zeros_like(plan.x0)

    def arrays(self) -> dict[str, Array]:
        return {"x": self._x, "v": self._v}

    def advance(self, first: int, last: int, records: Any, points: Array) -> tuple[int, bool]:
        plan, recorded = self._plan, 0
        rates, sizes = plan.rates.between(first, last), plan.batches.between(first, last)
        position = plan.batches.rows_before(first)
        with np.errstate(all="ignore"):
            for k in range(first, last + 1):
                if recorded < len(records) and records[recorded] == k:
                    points[recorded] = self._seen()
                    recorded += 1
                if k == last:
                    break
                size = int(sizes[k - first])
                rows, targets = self._reader.batch(k, position, size)
                if not self._step(rows, targets, float(rates[k - first])):
                    return recorded, False
                position += size
        return recorded, True

    def _seen(self) -> Array:
        """The parameters as the driver expects them: in the basis of fresh rows."""
        rows = self._plan.rows
        return rows.to_basis(self._x) if isinstance(rows, FreshRows) else self._x

    def _step(self, rows: Any, targets: Array, learning_rate: float) -> bool:
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


def run(plan: Plan, recorder: Recorder, num_threads: int, report: Report, store: Store) -> None:
    """Run every replicate, one after another."""
    driver.run(plan, lambda index: Walker(plan, index), CHUNK, recorder, 1, report, store)
