"""The beginning of every replicate's stream of rows, as the compiled kernels want it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hsgd.checks import Array
from simulate.engines.base import FEATURE_BLOCK, NOISE_BLOCK, FreshFeatures, FreshRows, Plan
from simulate.engines.cpu.kernels.features import Features
from simulate.engines.cpu.kernels.streaming import Gaussian, Source, padded
from simulate.engines.cpu.lanes import room
from simulate.engines.cpu.layout import aligned_zeros
from simulate.formulas.activations import CODES

Streams = Callable[[int], tuple[Source, Array]]
"""From a replicate's index to its rows and its start."""


def streams(plan: Plan, rows: FreshRows | FreshFeatures) -> Streams:
    """The streams of all replicates; they share what is the same in all of them."""
    if isinstance(rows, FreshRows):
        gaussian = Gaussian(padded(rows.root), padded(rows.coefficients))
        return lambda index: _begin(plan, rows, gaussian, rows.to_basis(plan.x0), index)
    mixing = np.ascontiguousarray(rows.mixing.T)
    return lambda index: _begin(plan, rows, _features(plan, rows, mixing), plan.x0, index)


def _begin(
    plan: Plan, rows: FreshRows | FreshFeatures, made: Gaussian | Features, start: Array, index: int
) -> tuple[Source, Array]:
    key = plan.keys[index]
    source = Source(
        key=(np.uint64(key[0]), np.uint64(key[1])),
        rows=made,
        noise=rows.noise,
        ridge_per_row=plan.ridge_per_row,
        held=np.full(1, -1),
        noises=np.empty(NOISE_BLOCK),
        words=room(),
    )
    x = aligned_zeros(len(made.root) if isinstance(made, Gaussian) else plan.dimension)
    x[: plan.dimension] = start
    return source, x


def _features(plan: Plan, rows: FreshFeatures, mixing: Array) -> Features:
    inputs, num_features = mixing.shape
    return Features(
        code=CODES[rows.activation.name],
        mixing=mixing,
        direction=rows.direction,
        shift=rows.shift,
        held=np.full(1, -1),
        normals=np.empty((FEATURE_BLOCK, inputs)),
        before=np.empty((FEATURE_BLOCK, num_features)),
        block=np.empty((FEATURE_BLOCK, num_features), dtype=plan.dtype),
        targets=np.empty(FEATURE_BLOCK),
    )
