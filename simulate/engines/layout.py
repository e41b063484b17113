"""Data laid out for kernels: every row starts a cache line and fills whole ones.

Where the data fit into a cache, vectors that straddle its lines cost a fifth of the speed (263 ns a
step against 331 at d = 1000); where they do not, the memory is slower than that anyway.
The columns that are added are zero, and so are the parameters that belong to them, for ever.
"""

from __future__ import annotations

import numpy as np

from hsgd.checks import Array

LINE = 8
"""Numbers of 8 bytes in a cache line."""

COPY_LIMIT = 2**26
"""Bytes of A above which no cache holds it, and it is used as it is."""


def copied_bytes(A: Array) -> int:
    """Bytes that `laid_out` allocates for A."""
    return 0 if A.nbytes > COPY_LIMIT else 8 * (len(A) * padded(A.shape[1]) + LINE)


def padded(dimension: int) -> int:
    """The dimension, rounded up to whole cache lines."""
    return -(-dimension // LINE) * LINE


def laid_out(A: Array) -> Array:
    """A as kernels want it, shape (n, d) or, with columns of zeros, (n, padded(d))."""
    if A.nbytes > COPY_LIMIT:
        return A
    n, d = A.shape
    copy = aligned_zeros(n * padded(d)).reshape(n, padded(d))
    copy[:, :d] = A
    return copy


def aligned_zeros(size: int) -> Array:
    """A vector of zeros that starts a cache line."""
    raw = np.zeros(size + LINE)
    skipped = (-raw.ctypes.data % (8 * LINE)) // 8
    return raw[skipped : skipped + size]
