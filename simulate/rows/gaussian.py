"""Fresh Gaussian rows, made in the basis of their covariance's eigenvectors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hsgd.activations import BY_NAME
from hsgd.checks import Array
from hsgd.problems.gaussian_rows import GaussianRows
from simulate.rows.base import NOISE_BLOCK, FreshRows, LabelNoise
from simulate.rows.features import FreshFeatures


@dataclass(frozen=True, eq=False)
class FreshGaussian(FreshRows):
    """Rows a = basis·(root∘z) with targets a·(basis·coefficients) + noise.

    In the basis of Σ's eigenvectors its rows have independent entries, and SGD does not care in
    which basis it runs: so a dense covariance costs what a diagonal one does.
    """

    problem = GaussianRows
    root: Array
    """Square roots of Σ's eigenvalues, shape (d,)."""
    basis: Array | None
    """Σ's eigenvectors as columns, shape (d, d); None for the identity."""
    coefficients: Array
    """In the basis, shape (d,)."""
    noise: LabelNoise

    @classmethod
    def of(cls, problem: GaussianRows, algorithm: Any, *, in_any_basis: bool) -> FreshRows:
        values, vectors = problem.spectrum
        root, beta = np.sqrt(values), problem.coefficients
        coefficients = beta if vectors is None else beta @ vectors
        if vectors is not None and not in_any_basis:
            # In the problem's own they are linear features of the normals that they are made of.
            mixing, direction = np.sqrt(len(root)) * vectors * root, root * coefficients
            noise = LabelNoise.of(problem)
            return FreshFeatures(mixing, direction, noise, BY_NAME["identity"], shift=0.0)
        return cls(root, vectors, coefficients, LabelNoise.of(problem))

    def to_basis(self, point: Array) -> Array:
        return point if self.basis is None else np.asarray(point @ self.basis)

    def from_basis(self, points: Array) -> Array:
        return points if self.basis is None else np.asarray(points @ self.basis.T)

    @property
    def num_normals(self) -> int:
        return len(self.root)

    @property
    def operations(self) -> float:
        return 30.0 * len(self.root)

    def row(self, z: Array, dtype: Any) -> tuple[Array, float]:
        row = (z.astype(dtype) * self.root).astype(dtype).astype(np.float64)
        return row, float(row @ self.coefficients)

    def scratch(self, dimension: int, largest_batch: int, block_size: int) -> int:
        return largest_batch * dimension + NOISE_BLOCK
