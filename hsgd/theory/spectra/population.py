"""Modes of fresh Gaussian rows: the eigenvectors of their covariance."""

from __future__ import annotations

import numpy as np

from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.theory.spectra.eigenmodes import EigenModes, axes


def of_population(rows: GaussianRows) -> EigenModes:
    """The mode system of dΣ, by one eigendecomposition."""
    # notation: lam = N times eigenvalues of Σ, s = their roots, beta, z = β and x0 in the basis
    N = rows.dimension
    values, vectors = rows.spectrum
    order = np.argsort(values, kind="stable")[::-1]
    kept = order[values[order] > N * np.finfo(float).eps * values.max()]
    directions = axes(kept, N) if vectors is None else vectors[:, kept]
    lam, ridge = N * values[kept], N * rows.ridge
    s = np.sqrt(lam)
    beta, z = directions.T @ rows.coefficients, directions.T @ rows.x0
    damping = lam + ridge
    limit = beta * (lam / damping)
    residual_limit = -ridge * s * beta / damping
    return EigenModes(
        iterations_per_unit=N,
        ridge=ridge,
        eigenvalues=lam,
        directions=directions,
        limit=limit,
        start=z - limit,
        residual_limit=residual_limit,
        residual_start=s * (z - beta) - residual_limit,
        residual_outside=N * rows.noise**2,
        start_outside=rows.x0 - directions @ z,
        sampled_risk="population_risk",
        wick=1.0,
    )
