"""How inner loops are compiled, and kept on disk where there is a disk to keep them on."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numba

Loop = TypeVar("Loop", bound=Callable[..., Any])

OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    # Sums may be reordered into vector lanes; infinities must stay what they are.
    "fastmath": {"reassoc", "contract", "nsz"},
}


def compiled(loop: Loop) -> Loop:
    """Compile a function on its first call, and keep it for the next process."""
    try:
        result: Loop = _kept_if_possible(numba.njit(cache=True, **OPTIONS)(loop))
    except RuntimeError:  # no folder to write to, neither beside the source nor at home
        result = numba.njit(**OPTIONS)(loop)
    return result


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
