"""The host's side of rows: what is put on the device, and what a launch says of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.engines.base import DataRows, FreshFeatures, FreshRows, Plan
from simulate.engines.cuda.device import cuda
from simulate.engines.cuda.order import Order
from simulate.formulas.activations import CODES

DENSE, SPARSE, SPARSE_MOMENTUM, FRESH, FEATURES = range(5)


def kind_of(plan: Plan) -> int:
    """Which of these a plan needs."""
    if isinstance(plan.rows, DataRows):
        if not hasattr(plan.rows.A, "tocsr"):
            return DENSE
        return SPARSE_MOMENTUM if plan.momentum else SPARSE
    return FRESH if isinstance(plan.rows, FreshRows) else FEATURES


def shared_data(plan: Plan) -> tuple[Any, ...]:
    """What all replicates read, put on the device.

    Raises
    ------
    MemoryError
        If the rows do not fit there.
    """
    rows = plan.rows
    if isinstance(rows, FreshRows):
        return cuda.to_device(rows.root), cuda.to_device(rows.coefficients), rows.noise
    if isinstance(rows, FreshFeatures):
        mixing, direction = np.ascontiguousarray(rows.mixing.T), rows.direction
        on_device = (cuda.to_device(mixing), cuda.to_device(direction))
        return CODES[rows.activation.name], *on_device, rows.shift, rows.noise
    sparse = hasattr(rows.A, "tocsr")
    entries = (rows.A.data if sparse else rows.A).astype(plan.dtype, copy=False)
    arrays = (entries, rows.A.indices, rows.A.indptr, rows.b) if sparse else (entries, rows.b)
    needed, free = sum(array.nbytes for array in arrays), free_bytes()
    if needed > free:
        raise MemoryError(
            f"A takes {needed / 1e9:.3g} GB but the GPU has {free / 1e9:.3g} GB free: use "
            "dtype='float32', or engine='cpu'."
        )
    return tuple(cuda.to_device(np.ascontiguousarray(array)) for array in arrays)


def free_bytes() -> float:
    """Free memory of the device; infinite in the simulator."""
    return float(cuda.current_context().get_memory_info()[0])


def first_point(plan: Plan) -> Array:
    """Where runs begin, in the coordinates of the rows."""
    return plan.rows.to_basis(plan.x0) if isinstance(plan.rows, FreshRows) else plan.x0


class Rows:
    """The rows that a group of replicates reads or makes.

    Parameters
    ----------
    plan
        The plan.
    keys
        Philox keys on the device, shape (replicates, 2).
    data
        What `shared_data` returns.
    """

    def __init__(self, plan: Plan, keys: Any, data: tuple[Any, ...]) -> None:
        self._plan, self._keys, self._data = plan, keys, data
        if isinstance(plan.rows, DataRows):
            self._order = Order(plan, plan.rows, keys)
            return
        # Rules add up a gradient row by row; steps wait for the residuals of a whole batch.
        shape = (len(keys), plan.batches.largest if plan.rule is None else 1, plan.dimension)
        self._room: tuple[Any, ...] = (cuda.device_array(shape, dtype=plan.dtype),)
        if isinstance(plan.rows, FreshFeatures):
            self._room = (cuda.device_array((len(keys), plan.rows.num_normals)), *self._room)

    def between(self, first: int, sizes: Any) -> tuple[Any, ...]:
        """What kernels know as `rows`: those of the iterations first, … with these batch sizes."""
        if isinstance(self._plan.rows, DataRows):
            return *self._data, self._order.between(first, sizes)
        return self._keys, *self._data, self._plan.batches.rows_before(first), *self._room
