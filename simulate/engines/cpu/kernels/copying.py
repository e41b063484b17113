"""Copies of arrays, entry by entry.

An assignment such as `row[:] = x` compiles the words of an error about shapes, a sentence with
numbers in it, anew into every kernel: 40% of the time that twelve of them took to compile.
"""

from __future__ import annotations

from typing import Any

from simulate.numba_policy import compiled


@compiled
def copy(source: Any, target: Any) -> None:
    """Fill `target` with the first entries of `source`."""
    for j in range(target.size):
        target[j] = source[j]
