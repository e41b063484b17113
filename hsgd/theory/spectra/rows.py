"""Modes of given rows: the right singular vectors of A."""

from __future__ import annotations

from hsgd.problems.least_squares import LeastSquares
from hsgd.theory.spectra.eigenmodes import EigenModes


def of_rows(problem: LeastSquares) -> EigenModes:
    """The mode system of AᵀA, by one thin SVD."""
    # notation: s = singular values, beta = b in the left basis, z = x0 in the right one
    left, s, right = problem.svd
    beta = left.T @ problem.b
    outside = problem.b - left @ beta
    # A second projection: after one, rounding leaves components of size ε‖b‖ inside the range.
    outside = outside - left @ (left.T @ outside)
    z = right.T @ problem.x0
    damping = s**2 + problem.ridge
    limit = s * beta / damping
    start = z - limit
    return EigenModes(
        iterations_per_unit=problem.num_rows,
        ridge=problem.ridge,
        eigenvalues=s**2,
        directions=right,
        limit=limit,
        start=start,
        residual_limit=-problem.ridge * beta / damping,
        residual_start=s * start,
        residual_outside=float(outside @ outside),
        start_outside=problem.x0 - right @ z,
        sampled_risk="empirical_risk",
        wick=0.0,
    )
