"""How this package compiles with Numba: every option once, with its reason.

- `fastmath` is the subset {"reassoc", "contract", "nsz"}: sums may be reordered into vector lanes
  (without that a dot product runs at an eighth of the speed), products and sums may fuse, and the
  sign of zero does not matter. Not "ninf", "nnan": diverging runs produce infinities, and the
  kernels test for them. The order is fixed at compile time, so runs repeat to the bit.
- `nogil`: kernels hold no Python object, so several run at once in ordinary threads. That is why
  there is no `parallel=True` here: Numba's own threading layers kill forked children (OpenMP) or
  abort when called from two threads (workqueue), and a replicate needs nothing from another.
- `error_model="numpy"`: no test for division by zero in inner loops.
- `boundscheck=False`: indices come from `bounded`, whose range is proved by its test.
- `cache=True` for what Python calls. Numba does not notice when a function called by a cached one
  has changed in another file, and stumbles over types that have moved; so the digest of this
  package's sources is part of a cached kernel's name, which names its file in the cache.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import FunctionType
from typing import Any

import numba
from numba.extending import register_jitable

FASTMATH = {"reassoc", "contract", "nsz"}
OPTIONS: dict[str, Any] = {
    "fastmath": FASTMATH,
    "error_model": "numpy",
    "boundscheck": False,
    "nogil": True,
}


@cache
def source_digest() -> str:
    """SHA-256 of the Python sources of this package."""
    running = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        running.update(path.read_bytes())
    return running.hexdigest()


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function that only kernels call."""
    return numba.njit(forceinline=True, **OPTIONS)(function)


def inlined(function: Callable[..., Any]) -> Any:
    """Compile a function into each of its callers: for what is called once in every step."""
    return numba.njit(inline="always", **OPTIONS)(function)


def cached(kernel: Callable[..., Any]) -> Any:
    """Compile a kernel that Python calls, and keep it on disk."""
    kernel.__qualname__ += f"_{source_digest()[:16]}"
    try:
        return _kept_if_possible(numba.njit(cache=True, **OPTIONS)(kernel))
    except RuntimeError:  # no folder to write the cache to: compile every time
        return numba.njit(**OPTIONS)(kernel)


def _kept_if_possible(dispatcher: Any) -> Any:
    """The same, but where the disk is full compiled code is not kept, and a warning says so."""
    if not hasattr(dispatcher, "_cache"):  # with NUMBA_DISABLE_JIT it is the function itself
        return dispatcher
    cache = dispatcher._cache
    keep = cache.save_overload

    def keep_or_warn(signature: Any, code: Any) -> None:
        try:
            keep(signature, code)
        except OSError as error:
            warnings.warn(
                f"compiled code cannot be kept ({error}), so that the next process compiles it "
                "again: free some space, or name another folder in NUMBA_CACHE_DIR.",
                stacklevel=2,
            )
            cache.save_overload = lambda signature, code: None

    cache.save_overload = keep_or_warn
    return dispatcher


def share(*functions: Callable[..., Any]) -> None:
    """Let kernels call plain Python functions, and what those call: one formula for all."""
    for function in functions:
        if function not in _shared:
            _shared.add(function)
            register_jitable(
                fastmath=FASTMATH, error_model="numpy", boundscheck=False, forceinline=True
            )(function)
            share(*callees(function).values())


def bare(function: Any) -> Callable[..., Any]:
    """A copy without annotations, of which an overload must have the same as what it stands for.

    A function around it would do as well, but count references to each array that it passes on.
    """
    return FunctionType(function.__code__, function.__globals__, function.__name__)


def callees(function: Callable[..., Any]) -> dict[str, FunctionType]:
    """The plain Python functions that a function calls, by the names that it knows them by."""
    known = {name: function.__globals__.get(name) for name in function.__code__.co_names}
    return {name: value for name, value in known.items() if isinstance(value, FunctionType)}


_shared: set[Callable[..., Any]] = set()
