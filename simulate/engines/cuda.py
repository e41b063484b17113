"""The CUDA engine: one block of threads per replicate, all replicates in step.

This is the only module that knows of CUDA. Its functions are the same lines as the CPU's (`philox`,
`normals`, `sampling`, `update`), compiled for the GPU by `on_device`; so the integers are the same,
and the results agree to rounding.

A thread owns every THREADS-th parameter of its replicate, and nobody else touches those: a step
needs to wait for the others only to add up dot products. Replicates that read the same rows share
them through the second-level cache. The host launches the kernel from record to record, fetches the
parameters, and computes the statistics.

Sums are added in an order that depends on THREADS alone, so runs repeat to the bit on one kind of
GPU. The speed has not been measured yet.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
from numba import cuda as numba_cuda
from numba import float64

from hsgd.checks import Array
from simulate import normals, philox, sampling, update
from simulate.checkpoint import State, Store
from simulate.engines.base import NOISE_BLOCK, DataRows, FreshRows, Plan, Report
from simulate.normals import FEATURES, LABEL_NOISE
from simulate.philox import MASK, WORD
from simulate.recording import Recorder
from simulate.sampling import (
    INDEPENDENT_BLOCK,
    PURPOSES,
    SINGLE_SHUFFLE,
    SUBSET,
    WITH_REPLACEMENT,
    block_length,
)

cuda: Any = numba_cuda  # it has no types

THREADS = 128
"""Threads of a block, a power of two."""
GROUP_BYTES = 2**30
"""Points of a block of records that the host holds: it bounds the replicates done together."""
LAUNCH_ROWS = 2**14
"""Rows that a replicate reads in one launch: some hundredths of a second."""


def on_device(function: Callable[..., Any], **callees: Any) -> Any:
    """A function of this package compiled for the GPU, and with it the names that it calls."""
    scope = {**function.__globals__, **callees}
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
    return cuda.jit(device=True)(copy)


philox_round = on_device(philox.philox_round)
philox4x32 = on_device(philox.philox4x32, philox_round=philox_round)
bounded = on_device(philox.bounded)
radius = on_device(normals.radius, square_root=math.sqrt)
direction = on_device(normals.direction)
normal_pair = on_device(normals.normal_pair, radius=radius, direction=direction)
choose = on_device(sampling.choose)
undo_choice = on_device(sampling.undo_choice)
shrink_factor = on_device(update.shrink_factor)
decay_factor = on_device(update.decay_factor)
row_scale = on_device(update.row_scale)
updated = on_device(update.updated)
ahead = on_device(update.ahead)
updated_velocity = on_device(update.updated_velocity)


@cuda.jit(device=True)
def block_words(key, purpose, index, block):  # type: ignore[no-untyped-def]
    """The four words of a Philox block."""
    low = np.uint64(index) & MASK
    high = np.uint64(index) >> WORD
    return philox4x32(np.uint64(block), low, high, np.uint64(purpose), key[0], key[1])


@cuda.jit(device=True)
def draw(key, purpose, index, j, bound):  # type: ignore[no-untyped-def]
    """Number j of `philox.words`, in [0, bound)."""
    w0, w1, w2, w3 = block_words(key, purpose, index, j // 2)
    if j % 2 == 0:
        return bounded(w0 | (w1 << WORD), np.uint64(bound))
    return bounded(w2 | (w3 << WORD), np.uint64(bound))


@cuda.jit
def draw_independent(keys, num_rows, position, numbers):  # type: ignore[no-untyped-def]
    """`numbers[r, i]`: the row at `position + i` of replicate r, drawn with replacement."""
    i = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    r = cuda.blockIdx.y
    if i < numbers.shape[1]:
        block, offset = divmod(position + i, INDEPENDENT_BLOCK)
        numbers[r, i] = draw(keys[r], PURPOSES[WITH_REPLACEMENT], block, offset, num_rows)


@cuda.jit
def draw_in_order(  # type: ignore[no-untyped-def]
    keys, code, num_rows, first, position, sizes, identity, draws, rows, held, numbers
):
    """`numbers[r]`: the rows of iterations first, … of replicate r, without replacement.

    One thread for each replicate, for a permutation is made one exchange after another.
    """
    r = cuda.blockIdx.x * cuda.blockDim.x + cuda.threadIdx.x
    if r >= numbers.shape[0]:
        return
    place = 0
    for i in range(sizes.size):
        for j in range(sizes[i]):
            if code == SUBSET:
                if j == 0:
                    for c in range(sizes[i]):
                        draws[r, c] = draw(keys[r], PURPOSES[SUBSET], first + i, c, num_rows - c)
                    choose(identity[r], draws[r], sizes[i])
                    for c in range(sizes[i]):
                        numbers[r, place + c] = identity[r, c]
                    undo_choice(identity[r], draws[r], sizes[i])
                continue
            block, offset = divmod(position + place + j, num_rows)
            if held[r] != block:
                index = 0 if code == SINGLE_SHUFFLE else block
                for c in range(num_rows):
                    draws[r, c] = draw(keys[r], PURPOSES[code], index, c, num_rows - c)
                    rows[r, c] = c
                choose(rows[r], draws[r], num_rows)
                held[r] = block
            numbers[r, place + j] = rows[r, offset]
        place += sizes[i]


@cuda.jit(device=True)
def block_sum(partial, value):  # type: ignore[no-untyped-def]
    """The sum of every thread's value, for every thread."""
    t = cuda.threadIdx.x
    partial[t] = value
    cuda.syncthreads()
    stride = cuda.blockDim.x // 2
    while stride > 0:
        if t < stride:
            partial[t] += partial[t + stride]
        cuda.syncthreads()
        stride //= 2
    total = partial[0]
    cuda.syncthreads()
    return total


@cuda.jit
def read_rows(  # type: ignore[no-untyped-def]
    A, b, ridge, momentum, look, numbers, first, rates, sizes, x, v, residuals, diverged
):
    """Iterations first, …, first + rates.size − 1 on rows of A, of the replicate of this block."""
    partial = cuda.shared.array(THREADS, float64)
    r, t, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    if diverged[r] >= 0:
        return
    place = 0
    for i in range(rates.size):
        size, rate, finite = sizes[i], rates[i], True
        for m in range(size):
            row, total = numbers[r, place + m], 0.0
            for j in range(t, x.shape[1], threads):
                point = ahead(x[r, j], v[r, j], look) if look != 0.0 else x[r, j]
                total += point * A[row, j]
            residual = block_sum(partial, total) - b[row]
            finite = finite and math.isfinite(residual)
            if t == 0:
                residuals[r, m] = residual
        cuda.syncthreads()
        if not finite:
            if t == 0:
                diverged[r] = first + i
            return
        shrink = shrink_factor(rate, ridge)
        for j in range(t, x.shape[1], threads):
            if momentum == 0.0:
                decay = decay_factor(rate, ridge)
                value = x[r, j]
                for m in range(size):
                    scale = row_scale(rate, residuals[r, m], size)
                    value = updated(value, A[numbers[r, place + m], j], decay, scale)
                    decay = 1.0
                x[r, j] = value
            else:
                pull = 0.0
                for m in range(size):
                    scale = row_scale(rate, residuals[r, m], size)
                    pull += scale * A[numbers[r, place + m], j]
                point = ahead(x[r, j], v[r, j], look)
                v[r, j] = updated_velocity(v[r, j], point, pull, momentum, shrink)
                x[r, j] += v[r, j]
        place += size


@cuda.jit(device=True)
def store_entry(rows, root, coefficients, x, normal, j):  # type: ignore[no-untyped-def]
    """Make an entry of a row; returns its part of the dot product with x − coefficients."""
    if j >= x.size:
        return 0.0
    rows[j] = normal * root[j]
    return rows[j] * (x[j] - coefficients[j])


@cuda.jit
def make_rows(  # type: ignore[no-untyped-def]
    keys, root, coefficients, noise, ridge, position, first, rates, sizes,
    x, rows, residuals, diverged,
):  # fmt: skip
    """Iterations first, …, first + rates.size − 1 on fresh rows, of the replicate of this block."""
    partial = cuda.shared.array(THREADS, float64)
    r, t, threads = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
    if diverged[r] >= 0:
        return
    number, dimension = position, x.shape[1]
    quads = (dimension + 3) // 4
    for i in range(rates.size):
        size, rate, finite = sizes[i], rates[i], True
        for m in range(size):
            total = 0.0
            for q in range(t, quads, threads):
                w0, w1, w2, w3 = block_words(keys[r], FEATURES, number + m, q)
                n0, n1 = normal_pair(w0, w1)
                n2, n3 = normal_pair(w2, w3)
                total += store_entry(rows[r, m], root, coefficients, x[r], n0, 4 * q)
                total += store_entry(rows[r, m], root, coefficients, x[r], n1, 4 * q + 1)
                total += store_entry(rows[r, m], root, coefficients, x[r], n2, 4 * q + 2)
                total += store_entry(rows[r, m], root, coefficients, x[r], n3, 4 * q + 3)
            block, offset = divmod(number + m, NOISE_BLOCK)
            w0, w1, w2, w3 = block_words(keys[r], LABEL_NOISE, block, offset // 4)
            if offset % 4 >= 2:
                w0, w1 = w2, w3
            n0, n1 = normal_pair(w0, w1)
            label = n0 if offset % 2 == 0 else n1
            residual = block_sum(partial, total) - noise * label
            finite = finite and math.isfinite(residual)
            if t == 0:
                residuals[r, m] = residual
        cuda.syncthreads()
        if not finite:
            if t == 0:
                diverged[r] = first + i
            return
        for q in range(t, quads, threads):
            for j in range(4 * q, min(4 * q + 4, dimension)):
                decay = decay_factor(rate, ridge)
                value = x[r, j]
                for m in range(size):
                    scale = row_scale(rate, residuals[r, m], size)
                    value = updated(value, rows[r, m, j], decay, scale)
                    decay = 1.0
                x[r, j] = value
        number += size


class OnData:
    """A group of replicates on the device that read rows of A."""

    def __init__(self, plan: Plan, rows: DataRows, A: Any, keys: Any, x: Array, v: Array) -> None:
        count, n = len(keys), rows.A.shape[0]
        self._plan, self._rows, self._A, self._keys = plan, rows, A, keys
        self._b = cuda.to_device(np.array(rows.b))
        self.x, self.v = cuda.to_device(x), cuda.to_device(v)
        self.diverged = cuda.to_device(np.full(count, -1))
        self._residuals = cuda.device_array((count, plan.batches.largest))
        if rows.sampling != WITH_REPLACEMENT:
            length = block_length(rows.sampling, n, plan.batches.largest)
            identity = np.tile(np.arange(n), (count if rows.sampling == SUBSET else 1, 1))
            self._identity = cuda.to_device(identity)
            self._draws = cuda.device_array((count, length), dtype=np.int64)
            self._block = cuda.device_array((count, length), dtype=np.int64)
            self._held = cuda.to_device(np.full(count, -1))

    def _numbers(self, first: int, sizes: Any, device_sizes: Any) -> Any:
        count, n = len(self._keys), self._rows.A.shape[0]
        position = self._plan.batches.rows_before(first)
        numbers = cuda.device_array((count, int(sizes.sum())), dtype=np.int64)
        if self._rows.sampling == WITH_REPLACEMENT:
            grid = (-(-numbers.shape[1] // THREADS), count)
            draw_independent[grid, THREADS](self._keys, n, position, numbers)
        else:
            room = (self._identity, self._draws, self._block, self._held)
            where = (self._rows.sampling, n, first, position, device_sizes)
            # Few threads to a block: there are more processors than replicates.
            draw_in_order[-(-count // 2), 2](self._keys, *where, *room, numbers)
        return numbers

    def advance(self, first: int, last: int) -> None:
        """Do the iterations first, …, last − 1."""
        plan = self._plan
        sizes = plan.batches.between(first, last)
        device_sizes = cuda.to_device(sizes)
        numbers = self._numbers(first, sizes, device_sizes)
        rates = cuda.to_device(np.array(plan.rates.between(first, last)))
        kind = (plan.ridge_per_row, plan.momentum, plan.look)
        state = (self.x, self.v, self._residuals, self.diverged)
        read_rows[len(self._keys), THREADS](
            self._A, self._b, *kind, numbers, first, rates, device_sizes, *state
        )


class OnStream:
    """A group of replicates on the device that make their own rows."""

    def __init__(self, plan: Plan, rows: FreshRows, keys: Any, x: Array, v: Array) -> None:
        count = len(keys)
        self._plan, self._keys, self._noise = plan, keys, rows.noise
        self._root = cuda.to_device(np.array(rows.root))
        self._coefficients = cuda.to_device(np.array(rows.coefficients))
        self.x, self.v = cuda.to_device(x), cuda.to_device(v)
        self.diverged = cuda.to_device(np.full(count, -1))
        shape = (count, plan.batches.largest)
        self._residuals = cuda.device_array(shape)
        self._rows = cuda.device_array((*shape, plan.width), dtype=plan.dtype)

    def advance(self, first: int, last: int) -> None:
        """Do the iterations first, …, last − 1."""
        plan = self._plan
        source = (self._keys, self._root, self._coefficients, self._noise, plan.ridge_per_row)
        schedules = [plan.rates.between(first, last), plan.batches.between(first, last)]
        make_rows[len(self._keys), THREADS](
            *source,
            plan.batches.rows_before(first),
            first,
            *(cuda.to_device(np.array(values)) for values in schedules),
            self.x,
            self._rows,
            self._residuals,
            self.diverged,
        )


class Group:
    """Replicates that have come equally far, from here to the last record."""

    def __init__(
        self, plan: Plan, A: Any, indices: list[int], states: list[State | None], start: Array
    ) -> None:
        self._plan, self._indices = plan, indices
        self._now = State() if states[0] is None else states[0]
        size = min(plan.block_size, len(plan.iterations))
        self._points = np.zeros((len(indices), size, plan.width))
        x, v = np.tile(start, (len(indices), 1)), np.zeros((len(indices), plan.width))
        for row, state in enumerate(states):
            if state is not None:
                x[row], v[row] = state.arrays["x"], state.arrays["v"]
                self._points[row, : state.filled] = state.points
        keys = cuda.to_device(np.array([plan.keys[i] for i in indices], dtype=np.uint64))
        rows = plan.rows
        self._device: OnData | OnStream = (
            OnStream(plan, rows, keys, x, v)
            if isinstance(rows, FreshRows)
            else OnData(plan, rows, A, keys, x, v)
        )

    def _record(self, row: int, recorder: Recorder, count: int) -> None:
        size = min(self._plan.block_size, len(self._plan.iterations) - self._now.slot)
        points = self._plan.parameters(self._points[row, :size])
        recorder.record(self._indices[row], self._now.slot, points, count)

    def _save(self, store: Store, now: bool) -> None:
        x, v = self._device.x.copy_to_host(), self._device.v.copy_to_host()
        diverged = self._device.diverged.copy_to_host()
        where = self._now
        for row, index in enumerate(self._indices):
            if diverged[row] >= 0:
                continue  # it is run again, and diverges again
            arrays = {"x": x[row], "v": v[row]}
            points = self._points[row]
            state = State(where.done, where.slot, where.filled, points, arrays)
            store.offer(index, lambda state=state: state, now=now)  # type: ignore[misc]

    def run(self, recorder: Recorder, report: Report, store: Store) -> None:
        """Run to the end."""
        plan, now, count = self._plan, self._now, len(self._indices)
        step = max(1, LAUNCH_ROWS // plan.batches.largest)
        report(now.done * count)
        while now.slot < len(plan.iterations):
            wanted = plan.iterations[now.slot : now.slot + plan.block_size]
            last = min(now.done + step, int(wanted[now.filled]))
            if last > now.done:
                self._device.advance(now.done, last)
            progress, now.done = (last - now.done) * count, last
            if now.done == wanted[now.filled]:
                self._points[:, now.filled] = self._device.x.copy_to_host()
                now.filled += 1
            if now.filled == len(wanted):
                self._finish_block(recorder, wanted)
                now.slot, now.filled = now.slot + now.filled, 0
                if now.slot < len(plan.iterations):
                    self._save(store, now=False)
            try:
                report(progress)
            except BaseException:
                for row in range(count if now.filled else 0):
                    self._record(row, recorder, now.filled)
                self._save(store, now=True)
                raise
        for index in self._indices:
            store.complete(index)

    def _finish_block(self, recorder: Recorder, wanted: Any) -> None:
        diverged = self._device.diverged.copy_to_host()
        for row, index in enumerate(self._indices):
            good = len(wanted) if diverged[row] < 0 else int(np.sum(wanted <= diverged[row]))
            if good:
                self._record(row, recorder, good)
            if good < len(wanted):
                recorder.diverge(index, self._now.slot + good)


def run(plan: Plan, recorder: Recorder, num_threads: int, report: Report, store: Store) -> None:
    """Run every replicate; see `engines.base`."""
    if not cuda.is_available():
        raise ValueError(
            "engine 'cuda' needs an NVIDIA GPU with its driver, and pip install 'hsgd[cuda]': "
            "use engine='cpu' on this machine."
        )
    A, start = None, plan.x0
    if isinstance(plan.rows, FreshRows):
        start = plan.rows.to_basis(plan.x0)
    elif hasattr(plan.rows.A, "tocsr"):
        raise ValueError("engine 'cuda' takes no sparse A yet: use engine='cpu'.")
    else:
        A = cuda.to_device(np.ascontiguousarray(plan.rows.A, dtype=plan.dtype).copy())
    largest = max(1, GROUP_BYTES // (8 * min(plan.block_size, len(plan.iterations)) * len(start)))
    for indices, states in _groups(plan, store, largest, report):
        Group(plan, A, indices, states, start).run(recorder, report, store)


def _groups(plan: Plan, store: Store, largest: int, report: Report) -> list[Any]:
    """Replicates that an earlier run left at the same place, `largest` at a time."""
    together: dict[tuple[int, int, int], list[Any]] = {}
    for index in range(len(plan.keys)):
        if store.finished(index):
            report(plan.num_iterations)
            continue
        state = store.state(index)
        place = (0, 0, 0) if state is None else (state.done, state.slot, state.filled)
        together.setdefault(place, []).append((index, state))
    groups = []
    for members in together.values():
        for first in range(0, len(members), largest):
            part = members[first : first + largest]
            groups.append(([index for index, _ in part], [state for _, state in part]))
    return groups
