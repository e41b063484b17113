"""What every kernel is made of: the package's own formulas, compiled for the GPU.

The functions of `randomness`, `formulas` and `rules` are the same lines as the CPU's; so the
integers are the same and the results agree to rounding.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any

import numpy as np
from numba import config
from numba import cuda as numba_cuda

from simulate.engines.cuda.simulator import Simulated
from simulate.formulas import activations, update
from simulate.randomness import normals, philox, sampling
from simulate.randomness.philox import MASK, WORD
from simulate.rules import sharing
from simulate.rules.sharing import IN_A_BLOCK

_simulated = bool(getattr(config, "ENABLE_CUDASIM", False))
cuda: Any = Simulated(numba_cuda) if _simulated else numba_cuda  # it has no types

THREADS = 128
"""Threads of a block."""
LANES = 8
"""Threads that add up the others' partial sums."""
PARTIALS = THREADS + LANES
"""Numbers in shared memory that a sum over a block needs."""


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function that only kernels call."""
    return cuda.jit(device=True)(function)


def launched(kernel: Callable[..., Any]) -> Any:
    """Compile a kernel that the host launches."""
    return cuda.jit(kernel)


_FORMS: dict[Callable[..., Any], Any] = {np.sqrt: math.sqrt}
"""What a function is on a device, where it is not the same lines."""


@cache
def on_device(function: Callable[..., Any]) -> Any:
    """A function of this package compiled for the GPU, and with it all that it calls."""
    function = IN_A_BLOCK.get(function, function)
    scope = dict(function.__globals__)
    for name in function.__code__.co_names:
        callee = scope.get(name)
        if callee is range or isinstance(callee, FunctionType | np.ufunc):
            scope[name] = _FORMS.get(callee) or on_device(callee)
    copy = FunctionType(function.__code__, scope, function.__name__, function.__defaults__)
    return compiled(copy)


philox4x32 = on_device(philox.philox4x32)
bounded = on_device(philox.bounded)
normal_pair = on_device(normals.normal_pair)
choose = on_device(sampling.choose)
undo_choice = on_device(sampling.undo_choice)
shrink_factor = on_device(update.shrink_factor)
decay_factor = on_device(update.decay_factor)
row_scale = on_device(update.row_scale)
updated = on_device(update.updated)
ahead = on_device(update.ahead)
updated_velocity = on_device(update.updated_velocity)
activated = on_device(activations.activated)


@compiled
def block_words(key: Any, purpose: int, index: int, block: int) -> Any:
    """The four words of a Philox block."""
    low = np.uint64(index) & MASK
    high = np.uint64(index) >> WORD
    return philox4x32(np.uint64(block), low, high, np.uint64(purpose), key[0], key[1])


@compiled
def draw(key: Any, purpose: int, index: int, j: int, bound: int) -> Any:
    """Number j of `philox.words`, in [0, bound)."""
    w0, w1, w2, w3 = block_words(key, purpose, index, j // 2)
    if j % 2 == 0:
        return bounded(w0 | (w1 << WORD), np.uint64(bound))
    return bounded(w2 | (w3 << WORD), np.uint64(bound))


@compiled
def block_sum(partial: Any, value: float) -> Any:
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


@compiled
def copy_entries(source: Any, target: Any) -> None:
    """Copy a vector, every thread its part."""
    for j in range(cuda.threadIdx.x, source.size, cuda.blockDim.x):
        k = np.uint64(j)  # no test for negative indices
        target[k] = source[k]


@compiled
def copy_beginning(source: Any, target: Any) -> None:
    """Copy what `target` has room for."""
    copy_entries(source[: target.size], target)


@compiled
def add_multiple(scale: float, row: Any, pull: Any) -> None:
    """Add a multiple of a row to `pull`, every thread its part; then the row may be changed."""
    for j in range(cuda.threadIdx.x, pull.size, cuda.blockDim.x):
        pull[j] += scale * row[j]
    cuda.syncthreads()


@compiled
def own(size: int) -> Any:
    """Every THREADS-th entry of a vector of that size; see `sharing.own`."""
    return range(cuda.threadIdx.x, size, cuda.blockDim.x)


@compiled
def leads(partial: Any) -> Any:
    """Whether this is the first thread; see `sharing.leads`."""
    return cuda.threadIdx.x == 0


_FORMS |= {sharing.own: own, sharing.total: block_sum, sharing.leads: leads}
