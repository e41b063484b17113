"""Homogenized SGD as a system of modes: what `predict`, `limits` and `diagnose` share.

In the eigenbasis of H = AᵀA the mean of mode j follows gradient flow, its variance a linear
equation driven by the training loss (docs, theory page, "Volterra equations"). Everything is kept
as residuals, so that no small loss is ever the difference of large numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from hsgd.checks import Array
from hsgd.problems import LeastSquares
from volterra import SumOfExponentials

_MEMORY: WeakKeyDictionary[LeastSquares, Modes] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Modes:
    """The mode system of a least-squares problem; r modes of non-zero eigenvalue.

    Attributes
    ----------
    eigenvalues
        λ_j of H, descending, shape (r,).
    damping
        r_j = λ_j + ridge.
    directions
        Eigenvectors as columns, shape (d, r).
    limit, start
        x*_j and x0_j − x*_j: the mean of mode j is limit + start·e^{−damping·odometer}.
    residual_limit, residual_start
        The residual of mode j is residual_limit + residual_start·e^{−damping·odometer}.
    residual_outside
        Squared norm of the part of b that A cannot reach.
    start_outside
        Part of x0 that no row sees, shape (d,); it decays with the ridge alone.
    """

    num_rows: int
    ridge: float
    eigenvalues: Array
    directions: Array
    limit: Array
    start: Array
    residual_limit: Array
    residual_start: Array
    residual_outside: float
    start_outside: Array

    @property
    def damping(self) -> Array:
        """r_j = λ_j + ridge."""
        return self.eigenvalues + self.ridge

    def mean_points(self, odometer: Array) -> Array:
        """Gradient flow's parameters at each odometer reading, shape (m,) → (m, d)."""
        decay = np.exp(-np.outer(odometer, self.damping))
        inside = (self.limit + self.start * decay) @ self.directions.T
        # Without a ridge the part no row sees stays (and 0·inf at the end of time is no number).
        fade = np.exp(-self.ridge * odometer) if self.ridge else np.ones(len(odometer))
        return inside + fade[:, None] * self.start_outside

    def gradient_flow_loss(self) -> SumOfExponentials:
        """½‖A m − b‖² as a sum of exponentials of the odometer."""
        # notation: p, q = limit and start of the modes' residuals
        p, q = self.residual_limit, self.residual_start
        constant = 0.5 * (self.residual_outside + float(p @ p))
        if self.ridge == 0:
            return SumOfExponentials(2.0 * self.damping, 0.5 * q**2, constant)
        rates = np.concatenate((self.damping, 2.0 * self.damping))
        return SumOfExponentials(rates, np.concatenate((p * q, 0.5 * q**2)), constant)

    def noise_weights(self, noise_factor: float, curvatures: Array | None = None) -> Array:
        """Weights of the kernel Σ_j w_j e^{−2 r_j τ} per squared learning rate, shape (r,).

        (noise_factor/n)·T_jj λ_j with `curvatures` T_jj = u_jᵀMu_j of a statistic; by default those
        of the training loss, λ_j.
        """
        curvature = self.eigenvalues if curvatures is None else curvatures
        return noise_factor / self.num_rows * self.eigenvalues * curvature

    def kernel_norm(self, learning_rate: float, noise_factor: float) -> float:
        """‖K‖ = (γ·noise_factor/2n) Σ λ_j²/(λ_j + ridge): noise fed back per noise put in."""
        shares = self.eigenvalues * (self.eigenvalues / self.damping)
        return float(learning_rate * noise_factor / (2.0 * self.num_rows) * shares.sum())


def modes(problem: LeastSquares) -> Modes:
    """The mode system of `problem`, computed once: the cost is its thin SVD."""
    known = _MEMORY.get(problem)
    if known is None:
        known = _MEMORY[problem] = _decompose(problem)
    return known


def _decompose(problem: LeastSquares) -> Modes:
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
    return Modes(
        num_rows=problem.num_rows,
        ridge=problem.ridge,
        eigenvalues=s**2,
        directions=right,
        limit=limit,
        start=start,
        residual_limit=-problem.ridge * beta / damping,
        residual_start=s * start,
        residual_outside=float(outside @ outside),
        start_outside=problem.x0 - right @ z,
    )
