"""Data laid out for kernels: every row starts a cache line and fills whole ones.

Where the data fit into a cache, vectors that straddle its lines cost a fifth of the speed (263 ns a
step against 331 at d = 1000); where they do not, the memory is slower than that anyway.
The columns that are added are zero, and so are the parameters that belong to them, for ever.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hsgd.checks import Array

LINE_BYTES = 64
"""Bytes of a cache line."""

COPY_LIMIT = 2**26
"""Bytes of A above which no cache holds it, and it is used as it is."""


class SparseRows(NamedTuple):
    """Rows in compressed form: row i has entries[starts[i]:starts[i+1]] in those columns."""

    entries: Any
    columns: Any
    starts: Any


def copied_bytes(A: Any, dtype: np.dtype[Any]) -> int:
    """Bytes that `laid_out` allocates for A."""
    if hasattr(A, "tocsr"):
        return 0 if A.dtype == dtype else int(A.nnz * dtype.itemsize)
    if A.dtype == dtype and A.nbytes > COPY_LIMIT:
        return 0
    return int(len(A) * padded(A.shape[1], dtype) * dtype.itemsize + LINE_BYTES)


def padded(dimension: int, dtype: np.dtype[Any]) -> int:
    """The dimension, rounded up to whole cache lines."""
    line = LINE_BYTES // dtype.itemsize
    return -(-dimension // line) * line


def laid_out(A: Any, dtype: np.dtype[Any]) -> Any:
    """A as kernels want it: sparse, as it is, or with columns of zeros, (n, padded(d))."""
    if hasattr(A, "tocsr"):
        return SparseRows(A.data.astype(dtype, copy=False), A.indices, A.indptr)
    if A.dtype == dtype and A.nbytes > COPY_LIMIT:
        return A
    n, d = A.shape
    copy = aligned_zeros(n * padded(d, dtype), dtype).reshape(n, padded(d, dtype))
    copy[:, :d] = A
    return copy


def aligned_zeros(size: int, dtype: Any = np.float64) -> Array:
    """A vector of zeros that starts a cache line."""
    itemsize = np.dtype(dtype).itemsize
    raw = np.zeros(size + LINE_BYTES // itemsize, dtype=dtype)
    skipped = (-raw.ctypes.data % LINE_BYTES) // itemsize
    return raw[skipped : skipped + size]
