"""Streaming SGD: every row is made of random numbers when it is needed, and then forgotten."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from simulate.engines.base import NOISE_BLOCK, FreshRows, Plan
from simulate.engines.kernels.dense import subtract_row
from simulate.engines.lanes import fill_normals, room
from simulate.normals import FEATURES, LABEL_NOISE
from simulate.numba_policy import cached, compiled
from simulate.update import decay_factor, row_scale


class Source(NamedTuple):
    """Where a replicate's rows come from, and the label noises that were drawn last."""

    key: Any
    root: Any
    """Shape (d,)."""
    coefficients: Any
    """Shape (d,)."""
    noise: float
    ridge_per_row: float
    held: Any
    """Number of the block in `noises`, shape (1,); −1 before the first."""
    noises: Any
    """Shape (NOISE_BLOCK,)."""
    words: Any
    """Room for random words."""


WHOLE = 64
"""Normals that fill whole vectors, of sixteen blocks of four."""


def padded(values: Any) -> Any:
    """A vector with zeros behind it, so that normals come in whole vectors of blocks.

    Entries beyond d have a root of zero, and so their parameters stay zero.
    """
    d = len(values)
    return np.pad(values, (0, -d % WHOLE if d >= WHOLE else 0))


def new_source(plan: Plan, rows: FreshRows, index: int) -> Source:
    """The beginning of a replicate's rows."""
    key = plan.keys[index]
    return Source(
        key=(np.uint64(key[0]), np.uint64(key[1])),
        root=padded(rows.root),
        coefficients=padded(rows.coefficients),
        noise=rows.noise,
        ridge_per_row=plan.ridge_per_row,
        held=np.full(1, -1),
        noises=np.empty(NOISE_BLOCK),
        words=room(),
    )


@compiled
def label_noise(source, number):  # type: ignore[no-untyped-def]
    """The label noise of row `number`."""
    if source.noise == 0.0:
        return 0.0
    block = number // NOISE_BLOCK
    if source.held[0] != block:
        fill_normals(source.key, LABEL_NOISE, block, source.noises, source.words)
        source.held[0] = block
    return source.noise * source.noises[number - block * NOISE_BLOCK]


@compiled
def scale_and_dot(row, root, x, coefficients):  # type: ignore[no-untyped-def]
    """Turn normals into a row, and return its dot product with x − coefficients."""
    total = 0.0
    for j in range(row.size):
        row[j] = row[j] * root[j]
        total += row[j] * (x[j] - coefficients[j])  # the entry as it is stored
    return total


@cached
def streaming(  # type: ignore[no-untyped-def]
    source, rates, sizes, position, first, last, records, points, x, rows, residuals
):
    """Any number of fresh rows per iteration.

    Iterations first, …, last − 1; see `driver.Replicate.advance`.
    """
    recorded = 0
    for k in range(first, last + 1):
        if recorded < records.size and records[recorded] == k:
            points[recorded] = x[: points.shape[1]]
            recorded += 1
        if k == last:
            break
        rate, size = rates[k - first], sizes[k - first]
        for j in range(size):
            fill_normals(source.key, FEATURES, position + j, rows[j], source.words)
            product = scale_and_dot(rows[j], source.root, x, source.coefficients)
            residuals[j] = product - label_noise(source, position + j)
            if not np.isfinite(residuals[j]):
                return recorded, False
        position += size
        decay = decay_factor(rate, source.ridge_per_row)
        for j in range(size):
            subtract_row(x, rows[j], decay, row_scale(rate, residuals[j], size))
            decay = 1.0
    return recorded, True
