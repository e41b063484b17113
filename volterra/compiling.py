"""How inner loops are compiled, and kept on disk where there is a disk to keep them on."""

from __future__ import annotations

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
        result: Loop = numba.njit(cache=True, **OPTIONS)(loop)
    except RuntimeError:  # no folder to write to, neither beside the source nor at home
        result = numba.njit(**OPTIONS)(loop)
    return result
