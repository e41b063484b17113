"""Fresh rows of random features, given their weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from hsgd.activations import BY_NAME, Activation
from hsgd.checks import Array
from hsgd.problems.feature_rows import FeatureRows
from simulate.rows.base import NOISE_BLOCK, FreshRows, LabelNoise

FEATURE_BLOCK = 32
"""Rows of features that the compiled engine makes together, in one matrix product."""


@dataclass(frozen=True, eq=False)
class FreshFeatures(FreshRows):
    """Rows a = (φ(mixing·z) − shift)/√N with targets direction·z + noise."""

    problem = FeatureRows
    mixing: Array
    """Shape (N, d)."""
    direction: Array
    """Shape (d,)."""
    noise: LabelNoise
    activation: Activation
    shift: float

    @classmethod
    def check(cls, problem: FeatureRows, engine: str) -> None:
        nonlinearity = problem.nonlinearity
        if engine != "reference" and BY_NAME.get(nonlinearity.name) is not nonlinearity:
            raise ValueError(
                f"engine {engine!r} compiles the activations {', '.join(map(repr, BY_NAME))} only, "
                f"and {nonlinearity.name!r} is a Python function: use engine='reference', or pass "
                "one of these names."
            )

    @classmethod
    def of(cls, problem: FeatureRows, algorithm: Any, *, in_any_basis: bool) -> Self:
        return cls(
            problem.mixing,
            problem.direction,
            LabelNoise.of(problem.inputs),
            problem.nonlinearity,
            problem.shift,
        )

    @property
    def num_normals(self) -> int:
        return len(self.direction)

    @property
    def numbers_per_entry(self) -> int:
        return self.num_normals

    @property
    def operations(self) -> float:
        return 30.0 * len(self.mixing) + 30.0 * self.num_normals + 2.0 * self.mixing.size

    def row(self, z: Array, dtype: Any) -> tuple[Array, float]:
        after = self.activation(self.mixing @ z) - self.shift
        row = (after / np.sqrt(len(after))).astype(dtype).astype(np.float64)
        return row, float(self.direction @ z)

    def scratch(self, dimension: int, largest_batch: int, block_size: int) -> int:
        made = (largest_batch + 2 * FEATURE_BLOCK) * dimension
        return made + FEATURE_BLOCK * self.num_normals + NOISE_BLOCK

    def shared(self, dimension: int) -> int:
        return dimension * self.num_normals
