"""SGD on quadratics as a system of modes: what `predict`, `limits` and `diagnose` share.

Multi-pass SGD *is* streaming SGD from the empirical distribution of the rows. Both need only the
mean Hessian of one iteration and the sampled risk, the mean of ½(a·x−b)² over what the rows are
drawn from:

- fixed rows (`rows`): AᵀA/n, the empirical risk, ridge/n;
- a population (`population`): Σ, the population risk, the ridge per sample.

`Modes` holds these per unit of time, multiplied by N, the iterations in one unit (n or d): then
the eigenvalues are those of H = AᵀA, and the loss Ψ is ½‖Ax−b‖², or d times the population risk.
In the eigenbasis of the mean Hessian the mean of mode j follows gradient flow, its variance a
linear equation driven by Ψ (docs, theory page, "Volterra equations"). Everything is kept as
residuals, so that no small loss is ever the difference of large numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.statistics.quadratics import CentredQuadratic
from volterra import SumOfExponentials, compress

AT_ONCE = 2**24
"""Numbers, modes times points, that are held at once, and sums that are evaluated as they are."""
_SHORTEST = 1e-13
"""The least relative error to which a sum can be made short."""
_CURVATURES: WeakKeyDictionary[Statistic, tuple[object, Array]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False)
class Modes:
    """The mode system of a problem; r modes of non-zero eigenvalue.

    Attributes
    ----------
    iterations_per_unit
        N.
    ridge
        N times the ridge per sample.
    eigenvalues
        λ_j, N times those of the mean Hessian, descending, shape (r,).
    damping
        r_j = λ_j + ridge.
    directions
        Eigenvectors as columns, shape (d, r); a sparse array where they are columns of the
        identity, for large diagonal covariances.
    limit, start
        x*_j and x0_j − x*_j: the mean of mode j is limit + start·e^{−damping·odometer}.
    residual_limit, residual_start
        The residual of mode j is residual_limit + residual_start·e^{−damping·odometer}.
    residual_outside
        What no parameters can fit: Ψ = ½ (residual_outside + Σ_j residual_j²) at a point.
    start_outside
        Part of x0 that no row sees, shape (d,); it decays with the ridge alone.
    sampled_risk
        Name of the statistic Ψ/N.
    wick
        The covariance of the gradient on one row is 2RΣ + wick·gg', R the sampled risk, Σ the mean
        Hessian, g the mean gradient: 1, exactly, for Gaussian rows; 0 for fixed rows, where it
        depends on them and is left out.
    """

    iterations_per_unit: int
    ridge: float
    eigenvalues: Array
    directions: Array | sparse.csc_array
    limit: Array
    start: Array
    residual_limit: Array
    residual_start: Array
    residual_outside: float
    start_outside: Array
    sampled_risk: str
    wick: float

    @property
    def damping(self) -> Array:
        """r_j = λ_j + ridge."""
        return self.eigenvalues + self.ridge

    @property
    def forcing(self) -> NDArray[np.bool_]:
        """Modes whose mean enters the loss linearly, which needs a ridge; shape (r,)."""
        return np.asarray(self.residual_limit * self.residual_start != 0)

    def gradient_flow(self, odometer: Array) -> tuple[Array, Array]:
        """Decay of the modes, (m, r), and of what no row sees, (m,), at each odometer reading."""
        # Without a ridge the part no row sees stays (and 0·inf at the end of time is no number).
        fade = np.exp(-self.ridge * odometer) if self.ridge else np.ones(len(odometer))
        return np.exp(-np.outer(odometer, self.damping)), fade

    def points(self, decay: Array, fade: Array) -> Array:
        """Parameters with modes at limit + start·decay, shapes (m, r) and (m,) → (m, d).

        `fade` multiplies what no row sees.
        """
        inside = (self.limit + self.start * decay) @ self.directions.T
        return np.asarray(inside + fade[:, None] * self.start_outside)

    def values(self, statistic: Statistic, decay: Array, fade: Array) -> Array:
        """A statistic at these points, shape (m,)."""
        if not isinstance(statistic, CentredQuadratic) or np.ndim(statistic.curvature):
            return statistic.values(self.points(decay, fade))
        # A multiple of |x − centre|² is the same in every basis: no need to leave this one.
        centre = self.directions.T @ statistic.centre
        inside = (self.limit - centre) + self.start * decay
        centre_outside = statistic.centre - self.directions @ centre
        outside = fade[:, None] * self.start_outside - centre_outside
        squares = np.einsum("ij,ij->i", inside, inside) + np.einsum("ij,ij->i", outside, outside)
        return np.asarray(0.5 * statistic.curvature * squares + statistic.constant)

    def along_flow(self, statistic: Statistic, odometer: Array) -> Array:
        """A statistic along gradient flow, shape (m,); long spectra made short, or in blocks."""
        if len(odometer) * self.size <= AT_ONCE:
            return self.values(statistic, *self.gradient_flow(odometer))
        total = self._sum_over_modes(statistic)
        if total is not None and total.is_positive:
            return self.evaluated(total, odometer)
        block = max(1, AT_ONCE // self.size)
        parts = [odometer[start : start + block] for start in range(0, len(odometer), block)]
        return np.concatenate([self.values(statistic, *self.gradient_flow(p)) for p in parts])

    @property
    def rounding(self) -> float:
        """Relative rounding error of a sum of positive terms, one for each parameter."""
        return float(1e-15 * self.directions.shape[0] ** 0.5)

    def evaluated(self, total: SumOfExponentials, odometer: Array) -> Array:
        """A sum over modes at these readings, shape (m,), to its own rounding.

        Where that is much work a short sum is taken in its place, if it is proved to be as good.
        """
        allowed = 0.5 * self.rounding
        much = total.rates.size * odometer.size > AT_ONCE
        if much and total.is_positive and allowed >= _SHORTEST:
            short = compress(total, rtol=allowed)
            if short.error <= allowed:
                return short.sum(odometer)
        return total(odometer)

    @property
    def size(self) -> int:
        """Numbers that are held for a point: modes or parameters, whichever are more."""
        return max(len(self.eigenvalues), int(self.directions.shape[0]))

    def _sum_over_modes(self, statistic: Statistic) -> SumOfExponentials | None:
        """A statistic along gradient flow, by the odometer; None where modes mix in it."""
        # notation: T = curvatures, p, q = limit and start of a mode, a, c = what no row sees of
        # start and centre; ½ Σ T (p + q e^{−ro})² + ½ Σ T (a e^{−δo} − c)²
        if not isinstance(statistic, CentredQuadratic) or np.ndim(statistic.curvature) == 2:
            return None
        if np.ndim(statistic.curvature) == 1 and isinstance(self.directions, np.ndarray):
            return None
        T = statistic.diagonal()
        inside = self.directions.T @ statistic.centre
        a, c = self.start_outside, statistic.centre - self.directions @ inside
        mode = T[: len(inside)] if np.ndim(statistic.curvature) == 0 else self.directions.T @ T
        p, q = self.limit - inside, self.start
        constant = statistic.constant + 0.5 * float(mode @ p**2) + 0.5 * float(T @ c**2)
        outside = -float(T @ (a * c)), 0.5 * float(T @ a**2)
        rates = np.concatenate((self.damping, 2 * self.damping, [self.ridge, 2 * self.ridge]))
        weights = np.concatenate((mode * p * q, 0.5 * mode * q**2, outside))
        moving = (rates > 0) & (weights != 0)
        constant += float(weights[rates == 0].sum())
        return SumOfExponentials(rates[moving], weights[moving], constant)

    def losses(self, decay: Array) -> Array:
        """Ψ at these points, shape (m, r) → (m,)."""
        residuals = self.residual_limit + self.residual_start * decay
        squares = np.einsum("ij,ij->i", residuals, residuals)
        return np.asarray(0.5 * (self.residual_outside + squares))

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

        (noise_factor/N)·T_jj λ_j with `curvatures` T_jj = u_jᵀMu_j of a statistic; by default those
        of the training loss, λ_j.
        """
        curvature = self.eigenvalues if curvatures is None else curvatures
        return noise_factor / self.iterations_per_unit * self.eigenvalues * curvature

    def kernel_norm(self, learning_rate: float, noise_factor: float) -> float:
        """‖K‖ = (γ·noise_factor/2N) Σ λ_j²/(λ_j + ridge): noise fed back per noise put in."""
        shares = self.eigenvalues * (self.eigenvalues / self.damping)
        return float(learning_rate * noise_factor / (2.0 * self.iterations_per_unit) * shares.sum())


def axes(kept: NDArray[np.intp], dimension: int) -> sparse.csc_array:
    """Columns number `kept` of the identity: directions of modes that have none of their own."""
    ones, columns = np.ones(len(kept)), np.arange(len(kept))
    return sparse.csc_array((ones, (kept, columns)), shape=(dimension, len(kept)))


def curvatures(system: Modes, statistic: Statistic) -> Array:
    """u_jᵀMu_j of a statistic with second derivative M, shape (r,): computed once for each basis.

    Problems that differ in the ridge alone share the basis, and so do all learning rates.
    """
    if statistic.name == system.sampled_risk:
        return system.eigenvalues / system.iterations_per_unit
    known = _CURVATURES.get(statistic)
    directions = system.directions
    if known is None or known[0] is not directions:
        if isinstance(directions, np.ndarray):
            known = directions, statistic.curvatures(directions)
        else:
            known = directions, directions.T @ statistic.diagonal()
        _CURVATURES[statistic] = known
    return known[1]
