"""Replicates on the device: what they share, what changes, and which kernel moves them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from hsgd.checks import Array
from simulate.activating import CODES
from simulate.engines.base import DataRows, FreshFeatures, FreshRows, Plan
from simulate.engines.cuda import device
from simulate.engines.cuda.dense import dense_rows
from simulate.engines.cuda.device import cuda
from simulate.engines.cuda.features import feature_rows
from simulate.engines.cuda.order import Order, bytes_of_order
from simulate.engines.cuda.sparse import sparse_momentum, sparse_rows
from simulate.engines.cuda.streaming import fresh_rows

SHARED_BYTES = 40 * 2**10
"""Shared memory that a block may take for parameters: every GPU lends 48 KiB unasked."""
LAUNCH_ENTRIES = 2**24
"""Entries of rows that a replicate reads or makes in one launch: some hundredths of a second."""


def launch_iterations(plan: Plan) -> int:
    """Iterations of one launch: between two of them the host can look at the clock."""
    entries = max(plan.width, 1024)  # a row of few entries still has an overhead
    if isinstance(plan.rows, FreshFeatures):
        entries *= plan.rows.num_normals
    return max(1, LAUNCH_ENTRIES // (plan.batches.largest * entries))


class Replicates(ABC):
    """Replicates that have come equally far.

    Parameters
    ----------
    plan
        The plan.
    keys
        Philox keys, shape (replicates, 2).
    arrays
        What changes, by name, the first axis for replicates: parameters and the like.
    """

    def __init__(self, plan: Plan, keys: Any, arrays: dict[str, Array]) -> None:
        count = len(keys)
        self._plan, self._count = plan, count
        self._keys = cuda.to_device(keys)
        self._arrays = {name: cuda.to_device(values) for name, values in arrays.items()}
        self._diverged = cuda.to_device(np.full(count, -1))
        self._scales = cuda.device_array((count, plan.batches.largest))
        block = min(plan.block_size, len(plan.iterations))
        self._points = cuda.device_array((count, block, plan.width))

    @staticmethod
    def start(plan: Plan) -> dict[str, Array]:
        """What changes in one replicate, as it is at first."""
        return {"x": plan.x0, "v": np.zeros(plan.width)} if plan.momentum else {"x": plan.x0}

    def arrays(self) -> dict[str, Array]:
        """What changes, fetched."""
        return {name: values.copy_to_host() for name, values in self._arrays.items()}

    def points(self) -> Array:
        """The block of records as far as it is filled, fetched: (replicates, block, d)."""
        return np.asarray(self._points.copy_to_host())

    def set_points(self, saved: list[Any], filled: int) -> None:
        """Put back the first `filled` points of each replicate."""
        if filled:
            points = np.zeros(self._points.shape)
            points[:, :filled] = saved
            self._points = cuda.to_device(points)

    def diverged(self) -> Any:
        """The iteration at which a replicate diverged, −1 where it has not; shape (replicates,)."""
        return self._diverged.copy_to_host()

    def wait(self) -> None:
        """Wait until the device has done what it was told."""
        cuda.synchronize()

    def advance(self, first: int, last: int, records: Any, slot: int) -> None:
        """Tell the GPU to do the iterations first, …, last − 1, and return at once.

        The parameters before those in `records`, which may include `first` and `last`, go to the
        block of records, from `slot` on.
        """
        sizes = self._plan.batches.between(first, last)
        rates = np.array(self._plan.rates.between(first, last))
        when = (cuda.to_device(rates), cuda.to_device(sizes), cuda.to_device(np.array(records)))
        self._launch(first, sizes, (first, *when, slot))

    @abstractmethod
    def _launch(self, first: int, sizes: Any, window: tuple[Any, ...]) -> None: ...

    def _configuration(self, vectors: int) -> tuple[Any, ...]:
        """Blocks, threads, stream and bytes of shared memory for so many vectors, if they fit."""
        wanted = 8 * vectors * self._plan.width
        return self._count, device.THREADS, 0, wanted if wanted <= SHARED_BYTES else 0


class OnDense(Replicates):
    """They read rows of an array."""

    def __init__(
        self, plan: Plan, keys: Any, arrays: dict[str, Array], data: tuple[Any, ...]
    ) -> None:
        super().__init__(plan, keys, arrays)
        assert isinstance(plan.rows, DataRows)
        self._data = data
        self._order = Order(plan, plan.rows, self._keys)

    def _launch(self, first: int, sizes: Any, window: tuple[Any, ...]) -> None:
        plan, x = self._plan, self._arrays["x"]
        launch = self._configuration(2 if plan.momentum else 1)
        kind = (plan.ridge_per_row, plan.momentum, plan.look)
        dense_rows[launch](
            *self._data, *kind, self._order.between(first, sizes), *window, launch[-1] > 0,
            x, self._arrays.get("v", x), self._scales, self._points, self._diverged,
        )  # fmt: skip


class OnSparse(OnDense):
    """They read rows of a sparse matrix."""

    def __init__(
        self, plan: Plan, keys: Any, arrays: dict[str, Array], data: tuple[Any, ...]
    ) -> None:
        super().__init__(plan, keys, arrays, data)
        if plan.momentum:
            self._pulls = cuda.to_device(np.zeros((self._count, plan.width)))

    @staticmethod
    def start(plan: Plan) -> dict[str, Array]:
        return Replicates.start(plan) if plan.momentum else {"x": plan.x0, "factor": np.ones(())}

    def _launch(self, first: int, sizes: Any, window: tuple[Any, ...]) -> None:
        plan, numbers = self._plan, self._order.between(first, sizes)
        state, results = self._arrays.values(), (self._scales, self._points, self._diverged)
        if plan.momentum:
            kind = (plan.ridge_per_row, plan.momentum, plan.look)
            sparse_momentum[self._count, device.THREADS, 0, 0](
                *self._data, *kind, numbers, *window, *state, self._pulls, *results
            )
        else:
            launch = self._configuration(1)
            sparse_rows[launch](
                *self._data, plan.ridge_per_row, numbers, *window, launch[-1] > 0, *state, *results
            )


class OnStream(Replicates):
    """They make their own rows."""

    def __init__(
        self, plan: Plan, keys: Any, arrays: dict[str, Array], data: tuple[Any, ...]
    ) -> None:
        super().__init__(plan, keys, arrays)
        self._source = data
        shape = (self._count, plan.batches.largest, plan.width)
        self._rows = cuda.device_array(shape, dtype=plan.dtype)

    @staticmethod
    def start(plan: Plan) -> dict[str, Array]:
        assert isinstance(plan.rows, FreshRows)
        return {"x": plan.rows.to_basis(plan.x0)}

    def _launch(self, first: int, sizes: Any, window: tuple[Any, ...]) -> None:
        plan, launch = self._plan, self._configuration(1)
        fresh_rows[launch](
            self._keys, *self._source, plan.ridge_per_row, plan.batches.rows_before(first),
            *window, launch[-1] > 0, self._arrays["x"], self._rows,
            self._scales, self._points, self._diverged,
        )  # fmt: skip


class OnFeatures(Replicates):
    """They make their own rows of features."""

    def __init__(
        self, plan: Plan, keys: Any, arrays: dict[str, Array], data: tuple[Any, ...]
    ) -> None:
        super().__init__(plan, keys, arrays)
        assert isinstance(plan.rows, FreshFeatures)
        self._source = data
        shape = (self._count, plan.batches.largest, plan.width)
        self._normals = cuda.device_array((self._count, plan.rows.num_normals))
        self._rows = cuda.device_array(shape, dtype=plan.dtype)

    def _launch(self, first: int, sizes: Any, window: tuple[Any, ...]) -> None:
        plan = self._plan
        feature_rows[self._count, device.THREADS, 0, 0](
            self._keys, *self._source, plan.ridge_per_row, plan.batches.rows_before(first),
            *window, self._arrays["x"], self._normals, self._rows,
            self._scales, self._points, self._diverged,
        )  # fmt: skip


def shared_data(plan: Plan) -> tuple[Any, ...]:
    """What all replicates read, put on the device: the first arguments of their kernel.

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


def bytes_of_replicate(plan: Plan) -> int:
    """Upper estimate of what a replicate takes on the device."""
    largest, block = plan.batches.largest, min(plan.block_size, len(plan.iterations))
    numbers = plan.width * (block + 3) + largest * (launch_iterations(plan) + 1)
    if not isinstance(plan.rows, DataRows):
        return 8 * (numbers + largest * plan.width + plan.rows.num_normals)
    return 8 * numbers + bytes_of_order(plan, plan.rows)
