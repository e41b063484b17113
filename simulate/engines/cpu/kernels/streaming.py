"""Streaming SGD: every row is made of random numbers when it is needed, and then forgotten."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba.extending import overload

from simulate.engines.cpu.kernels import features, gaussian
from simulate.engines.cpu.kernels.copying import copy
from simulate.engines.cpu.kernels.dense import subtract_row
from simulate.engines.cpu.lanes import fill_normals
from simulate.formulas.update import decay_factor, row_scale
from simulate.numba_policy import FASTMATH, cached, compiled
from simulate.rows.base import NOISE_BLOCK, FreshRows, LabelNoise
from simulate.rows.features import FreshFeatures
from simulate.rows.gaussian import FreshGaussian


class Source(NamedTuple):
    """Where a replicate's rows come from, and the label noises that were drawn last."""

    key: Any
    rows: Any
    """What they are made of, by their kind: `Gaussian`, `Features`."""
    noise: LabelNoise
    ridge_per_row: float
    held: Any
    """Number of the block in `noises`, shape (1,); −1 before the first."""
    noises: Any
    """Shape (NOISE_BLOCK,)."""
    words: Any
    """Room for random words."""


@compiled
def label_noise(source: Any, number: int) -> Any:
    """The label noise of row `number`."""
    strength, purpose = source.noise
    if strength == 0.0:
        return 0.0
    block = number // NOISE_BLOCK
    if source.held[0] != block:
        fill_normals(source.key, purpose, block, source.noises, source.words)
        source.held[0] = block
    return strength * source.noises[number - block * NOISE_BLOCK]


def make_row(rows: Any, key: Any, number: int, words: Any, row: Any, x: Any) -> float:
    """Make a row; returns its dot product with x less its target without noise."""
    raise NotImplementedError("compiled only")


KINDS: dict[type[FreshRows], Any] = {FreshGaussian: gaussian, FreshFeatures: features}
"""The file of each kind: what its rows are `MADE_OF`, how they `begin`, how one is made."""
_MAKERS = {kind.MADE_OF: kind.make_row for kind in KINDS.values()}


@overload(make_row, jit_options={"fastmath": FASTMATH, "error_model": "numpy"})
def _make_row(rows, key, number, words, row, x):  # type: ignore[no-untyped-def]
    return _MAKERS[rows.instance_class]


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
            copy(x, points[recorded])
            recorded += 1
        if k == last:
            break
        rate, size = rates[k - first], sizes[k - first]
        for j in range(size):
            number = position + j
            product = make_row(source.rows, source.key, number, source.words, rows[j], x)
            residuals[j] = product - label_noise(source, number)
            if not np.isfinite(residuals[j]):
                return recorded, False
        position += size
        decay = decay_factor(rate, source.ridge_per_row)
        for j in range(size):
            subtract_row(x, rows[j], decay, row_scale(rate, residuals[j], size))
            decay = 1.0
    return recorded, True
