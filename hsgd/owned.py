"""Arrays that nobody can change any more: what a noun keeps must stay what it was made of."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

AnyArray = TypeVar("AnyArray", bound=NDArray[Any])


def read_only(array: AnyArray) -> AnyArray:
    """The same array, of any shape, made by whoever calls: so it can be kept without a copy."""
    array.flags.writeable = False
    return array


def kept(array: AnyArray) -> AnyArray:
    """A read-only view of an array that was passed; a copy if somebody could still write to it."""
    return read_only(array.copy() if may_change(array) else array.view())


def may_change(array: NDArray[Any]) -> bool:
    """Whether it, or what it is a view of, can be written to; a memory map's file is its own."""
    chain = _chain(array)
    if is_memory_map(array):
        return False
    if any(part.flags.writeable for part in chain[:-1]):
        return True
    # Beneath may lie a buffer of another program.
    return chain[-1] is not None and not isinstance(chain[-1], bytes)


def is_memory_map(array: Any) -> bool:
    """Whether its entries lie in a file."""
    return any(isinstance(part, np.memmap) for part in _chain(array))


def freeze(array: NDArray[Any]) -> None:
    """Make it and what it is a view of read-only; SciPy keeps views of longer arrays."""
    for part in _chain(array)[:-1]:
        part.flags.writeable = False


def _chain(array: Any) -> list[Any]:
    """The array, what it is a view of, and so on; the last one is no array."""
    chain: list[Any] = [array]
    while isinstance(chain[-1], np.ndarray):
        chain.append(chain[-1].base)
    return chain
