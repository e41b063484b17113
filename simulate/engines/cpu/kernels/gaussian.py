"""Gaussian rows: normals, each times a number of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from simulate.engines.cpu.lanes import fill_normals
from simulate.numba_policy import compiled
from simulate.randomness.normals import FEATURES
from simulate.rows.gaussian import FreshGaussian


class Gaussian(NamedTuple):
    """What Gaussian rows are made of."""

    root: Any
    """Shape (d,)."""
    coefficients: Any
    """Shape (d,)."""


WHOLE = 64
"""Normals that fill whole vectors, of sixteen blocks of four."""


def padded(values: Any) -> Any:
    """A vector with zeros behind it, so that normals come in whole vectors of blocks.

    Entries beyond d have a root of zero, and so their parameters stay zero.
    """
    d = len(values)
    return np.pad(values, (0, -d % WHOLE if d >= WHOLE else 0))


@compiled
def scale_and_dot(row: Any, root: Any, x: Any, coefficients: Any) -> Any:
    """Turn normals into a row, and return its dot product with x − coefficients."""
    total = 0.0
    for j in range(row.size):
        row[j] = row[j] * root[j]
        total += row[j] * (x[j] - coefficients[j])  # the entry as it is stored
    return total


def make_row(rows, key, number, words, row, x):  # type: ignore[no-untyped-def]
    """See `streaming.make_row`."""
    fill_normals(key, FEATURES, number, row, words)
    return scale_and_dot(row, rows.root, x, rows.coefficients)


def begin(rows: FreshGaussian, dtype: Any) -> tuple[int, Callable[[], Gaussian]]:
    """The length of a row, and what makes a replicate's rows: all of them share everything."""
    del dtype
    made = Gaussian(padded(rows.root), padded(rows.coefficients))
    return len(made.root), lambda: made


MADE_OF = Gaussian
