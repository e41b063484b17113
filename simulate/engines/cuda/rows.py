"""The host's side of rows: what is put on the device, and what a launch says of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.engines.base import Plan
from simulate.engines.cuda import dense, features, sparse, streaming
from simulate.engines.cuda.device import cuda
from simulate.engines.cuda.kind import Kind
from simulate.engines.cuda.order import Order
from simulate.rows.base import FreshRows
from simulate.rows.data import DataRows
from simulate.rows.features import FreshFeatures
from simulate.rows.gaussian import FreshGaussian

FRESH: dict[type[FreshRows], Kind] = {
    FreshGaussian: streaming.KIND,
    FreshFeatures: features.KIND,
}
KINDS = (dense.KIND, sparse.KIND, sparse.WITH_MOMENTUM, sparse.WITH_RULE, *FRESH.values())


def kind_of(plan: Plan) -> Kind:
    """Which of these a plan needs."""
    rows = plan.rows
    if isinstance(rows, FreshRows):
        return FRESH[type(rows)]
    assert isinstance(rows, DataRows)
    if not rows.is_sparse:
        return dense.KIND
    if plan.rule is not None:
        return sparse.WITH_RULE
    return sparse.WITH_MOMENTUM if plan.momentum else sparse.KIND


def shared_data(plan: Plan) -> tuple[Any, ...]:
    """What all replicates read, put on the device.

    Raises
    ------
    MemoryError
        If the rows of data do not fit there.
    """
    host = kind_of(plan).data(plan.rows, plan.dtype)
    needed, free = sum(value.nbytes for value in host if np.ndim(value)), free_bytes()
    if isinstance(plan.rows, DataRows) and needed > free:
        raise MemoryError(
            f"A takes {needed / 1e9:.3g} GB but the GPU has {free / 1e9:.3g} GB free: use "
            "dtype='float32', or engine='cpu'."
        )
    return tuple(
        cuda.to_device(np.ascontiguousarray(value)) if np.ndim(value) else value for value in host
    )


def free_bytes() -> float:
    """Free memory of the device; infinite in the simulator."""
    return float(cuda.current_context().get_memory_info()[0])


def first_point(plan: Plan) -> Array:
    """Where runs begin, in the coordinates of the rows."""
    return plan.rows.to_basis(plan.x0)


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
        assert isinstance(plan.rows, FreshRows)
        if kind_of(plan).keeps_normals:
            self._room = (cuda.device_array((len(keys), plan.rows.num_normals)), *self._room)

    def between(self, first: int, sizes: Any) -> tuple[Any, ...]:
        """What kernels know as `rows`: those of the iterations first, … with these batch sizes."""
        if isinstance(self._plan.rows, DataRows):
            return *self._data, self._order.between(first, sizes)
        return self._keys, *self._data, self._plan.batches.rows_before(first), *self._room
