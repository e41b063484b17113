"""SGD on quadratics as a system of modes: what `predict`, `limits` and `diagnose` share.

Multi-pass SGD *is* streaming SGD from the empirical distribution of the rows. Both need only the
mean Hessian of one iteration and the sampled risk, the mean of ½(a·x−b)² over what the rows are
drawn from:

- fixed rows: AᵀA/n, the empirical risk, ridge/n;
- a population: Σ, the population risk, the ridge per sample.

`Modes` holds these per unit of time, multiplied by N, the iterations in one unit (n or d): then
the eigenvalues are those of H = AᵀA, and the loss Ψ is ½‖Ax−b‖², or d times the population risk.
In the eigenbasis of the mean Hessian the mean of mode j follows gradient flow, its variance a
linear equation driven by Ψ (docs, theory page, "Volterra equations"). Everything is kept as
residuals, so that no small loss is ever the difference of large numbers.

A mode may stand for many, or for a share of one: then it is the node of a quadrature rule for the
spectrum. What a statistic is at the mean, and how strongly it is bent along each mode, is each
provider's own knowledge.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from hsgd.interfaces import Statistic
from volterra import SumOfExponentials, compress

AT_ONCE = 2**24
"""Numbers, modes times points, that are held at once, and sums that are evaluated as they are."""
_SHORTEST = 1e-13
"""The least relative error to which a sum can be made short."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Modes(ABC):
    """The mode system of a problem; r modes of non-zero eigenvalue.

    Attributes
    ----------
    iterations_per_unit
        N.
    ridge
        N times the ridge per sample.
    eigenvalues
        λ_j, N times those of the mean Hessian, shape (r,).
    multiplicity
        How many modes each of them stands for, whole or not, shape (r,) or one number.
    damping
        r_j = λ_j + ridge.
    residual_limit, residual_start
        The residual of mode j is residual_limit + residual_start·e^{−damping·odometer}: a root of
        the sum of squares where it stands for several.
    residual_outside
        What no parameters can fit: Ψ = ½ (residual_outside + Σ_j residual_j²) at the mean.
    sampled_risk
        Name of the statistic Ψ/N.
    wick
        The covariance of the gradient on one row is 2RΣ + wick·gg', R the sampled risk, Σ the mean
        Hessian, g the mean gradient: 1, exactly, for Gaussian rows; 1 up to O(1/n) for typical
        samples of them; 0 for given rows, where it depends on them and is left out.
    """

    iterations_per_unit: int
    ridge: float
    eigenvalues: Array
    residual_limit: Array
    residual_start: Array
    residual_outside: float
    sampled_risk: str
    wick: float = 0.0
    multiplicity: Array | float = 1.0

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Number of parameters d."""

    @property
    @abstractmethod
    def rounding(self) -> float:
        """Relative rounding error of a statistic at the mean."""

    @abstractmethod
    def values(self, statistic: Statistic, decay: Array, fade: Array) -> Array:
        """A statistic at means that have come some way, shapes (m, r) and (m,) → (m,).

        `decay` is what is left of each mode's start, `fade` of the start that no row sees.
        """

    @abstractmethod
    def curvatures(self, statistic: Statistic) -> Array:
        """u_jᵀMu_j of a statistic with second derivative M along each mode, shape (r,)."""

    @property
    def node_error(self) -> float:
        """Relative error of curves where nodes stand for the modes; 0 where they are the modes."""
        return 0.0

    @property
    def doubt(self) -> Statistic | None:
        """A statistic of means that is their relative error, where this grows with time."""
        return None

    @property
    def replicas(self) -> tuple[Modes, ...]:
        """Systems each of which leaves out some of what was left to chance: a jackknife."""
        return ()

    @property
    def refined(self) -> Modes | None:
        """The same with less left to chance; None where nothing is, or no less can be."""
        return None

    @property
    def damping(self) -> Array:
        """r_j = λ_j + ridge."""
        return self.eigenvalues + self.ridge

    @property
    def size(self) -> int:
        """Numbers that are held for a point: modes or parameters, whichever are more."""
        return max(len(self.eigenvalues), self.dimension)

    @property
    def count(self) -> float:
        """How many modes there are, whatever the number of nodes that stand for them."""
        return float(np.sum(np.broadcast_to(self.multiplicity, self.eigenvalues.shape)))

    @property
    def trace(self) -> float:
        """Trace of H, the sum of all eigenvalues."""
        return float(np.sum(self.multiplicity * self.eigenvalues))

    @property
    def driven(self) -> Array:
        """λ_j as noise sees them, shape (r,): all the modes that each stands for together."""
        return self.multiplicity * self.eigenvalues

    @property
    def forcing(self) -> NDArray[np.bool_]:
        """Modes whose mean enters the loss linearly, which needs a ridge; shape (r,)."""
        return np.asarray(self.residual_limit * self.residual_start != 0)

    def gradient_flow(self, odometer: Array) -> tuple[Array, Array]:
        """Decay of the modes, (m, r), and of what no row sees, (m,), at each odometer reading."""
        # Without a ridge the part no row sees stays (and 0·inf at the end of time is no number).
        fade = np.exp(-self.ridge * odometer) if self.ridge else np.ones(len(odometer))
        return np.exp(-np.outer(odometer, self.damping)), fade

    def along_flow(self, statistic: Statistic, odometer: Array) -> Array:
        """A statistic along gradient flow, shape (m,), a block of times after the other."""
        block = max(1, AT_ONCE // self.size)
        parts = [odometer[start : start + block] for start in range(0, len(odometer), block)]
        return np.concatenate([self.values(statistic, *self.gradient_flow(p)) for p in parts])

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

    def losses(self, decay: Array) -> Array:
        """Ψ at these means, shape (m, r) → (m,)."""
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
        return noise_factor / self.iterations_per_unit * self.driven * curvature

    def kernel_norm(self, learning_rate: float, noise_factor: float) -> float:
        """‖K‖ = (γ·noise_factor/2N) Σ λ_j²/(λ_j + ridge): noise fed back per noise put in."""
        shares = self.driven * (self.eigenvalues / self.damping)
        return float(learning_rate * noise_factor / (2.0 * self.iterations_per_unit) * shares.sum())
