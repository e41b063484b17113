"""What every kernel is made of: the package's own formulas, compiled for the GPU.

The functions of `philox`, `normals`, `sampling`, `update` and `activating` are the same lines as
the CPU's; so the integers are the same and the results agree to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np
from numba import config
from numba import cuda as numba_cuda

from simulate.engines.cuda.simulator import Simulated
from simulate.formulas import activations, update
from simulate.randomness import normals, philox, sampling
from simulate.randomness.philox import MASK, WORD

_simulated = bool(getattr(config, "ENABLE_CUDASIM", False))
cuda: Any = Simulated(numba_cuda) if _simulated else numba_cuda  # it has no types

THREADS = 128
"""Threads of a block."""
LANES = 8
"""Threads that add up the others' partial sums."""
PARTIALS = THREADS + LANES
"""Numbers in shared memory that a sum over a block needs."""


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
activated = on_device(activations.activated)


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


@cuda.jit(device=True)
def block_sum(partial, value):  # type: ignore[no-untyped-def]
    """The sum of every thread's value, for every thread, in an order that never changes.

    `partial` is shared, of size PARTIALS. Two stages of short sums wait for the block twice, where
    a binary tree would eight times. All that any thread wrote before is seen by all after it.
    """
    t, threads = cuda.threadIdx.x, cuda.blockDim.x
    partial[t] = value
    cuda.syncthreads()
    if t < LANES:
        total = 0.0
        for other in range(t, threads, LANES):
            total += partial[other]
        partial[THREADS + t] = total
    cuda.syncthreads()
    total = 0.0
    for lane in range(min(LANES, threads)):
        total += partial[THREADS + lane]
    # The next sum's first stage writes elsewhere than is read here, and its second one comes after
    # a wait; so nobody needs to wait for the readers.
    return total


@cuda.jit(device=True)
def copy_entries(source, target):  # type: ignore[no-untyped-def]
    """Copy a vector, every thread its part."""
    for j in range(cuda.threadIdx.x, source.size, cuda.blockDim.x):
        k = np.uint64(j)  # no test for negative indices
        target[k] = source[k]


@cuda.jit(device=True)
def copy_beginning(source, target):  # type: ignore[no-untyped-def]
    """Copy what `target` has room for."""
    copy_entries(source[: target.size], target)


@cuda.jit(device=True)
def add_multiple(scale, row, pull):  # type: ignore[no-untyped-def]
    """Add a multiple of a row to `pull`, every thread its part; then the row may be changed."""
    for j in range(cuda.threadIdx.x, pull.size, cuda.blockDim.x):
        pull[j] += scale * row[j]
    cuda.syncthreads()
