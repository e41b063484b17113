"""Rows and columns by the names of their dimensions, where what is passed has names."""

from __future__ import annotations

from typing import Any

import numpy as np

from hsgd.checks import is_labelled


def aligned(A: Any, b: Any, names: tuple[str, str] = ("A", "b")) -> tuple[Any, Any]:
    """Data and targets with rows first, if both are DataArrays and the targets' dim says which.

    A square array with its dims swapped has the right shape, and is wrong all the same.

    Raises
    ------
    ValueError
        If their rows have other labels, or the same in another order.
    """
    if not (is_labelled(A) and is_labelled(b)) or A.ndim != 2 or b.ndim not in (1, 2):
        return A, b
    shared = [dim for dim in b.dims if dim in A.dims]
    if len(shared) != 1:
        return A, b
    rows = shared[0]
    if rows in A.coords and rows in b.coords and not A[rows].equals(b[rows]):
        raise ValueError(
            f"the rows of {names[0]} and {names[1]} have different labels along {rows!r}: put "
            f"them in one order first, {', '.join(names)} = xarray.align({', '.join(names)})."
        )
    return A.transpose(rows, ...), b.transpose(rows, ...)


def column_names(X: Any) -> tuple[Any, ...] | None:
    """What the columns of a table are called: of a data frame, or a DataArray with a coordinate."""
    if is_labelled(X):
        return tuple(X[X.dims[-1]].values.tolist()) if X.ndim and X.dims[-1] in X.coords else None
    names = getattr(X, "columns", None)
    if names is None or len(np.shape(X)) != 2:
        return None
    return tuple(name if isinstance(name, str | int) else str(name) for name in names)
