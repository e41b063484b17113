"""Modes whose eigenvectors are known: the statistics are taken at points."""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.statistics.quadratics import CentredQuadratic
from hsgd.theory.spectra.modes import AT_ONCE, Modes
from volterra import SumOfExponentials

_CURVATURES: WeakKeyDictionary[Statistic, tuple[object, Array]] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False, kw_only=True)
class EigenModes(Modes):
    """Modes with directions; see `Modes`.

    Attributes
    ----------
    eigenvalues
        Descending.
    directions
        Eigenvectors as columns, shape (d, r); a sparse array where they are columns of the
        identity, for large diagonal covariances.
    limit, start
        x*_j and x0_j − x*_j: the mean of mode j is limit + start·e^{−damping·odometer}.
    start_outside
        Part of x0 that no row sees, shape (d,); it decays with the ridge alone.
    """

    directions: Array | sparse.csc_array
    limit: Array
    start: Array
    start_outside: Array

    @property
    def dimension(self) -> int:
        return int(self.directions.shape[0])

    @property
    def rounding(self) -> float:
        """Relative rounding error of a sum of positive terms, one for each parameter."""
        return float(1e-15 * self.dimension**0.5)

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

    def curvatures(self, statistic: Statistic) -> Array:
        """u_jᵀMu_j, shape (r,): computed once for each basis.

        Problems that differ in the ridge alone share the basis, and so do all learning rates.
        """
        if statistic.name == self.sampled_risk:
            return self.eigenvalues / self.iterations_per_unit
        known = _CURVATURES.get(statistic)
        directions = self.directions
        if known is None or known[0] is not directions:
            if isinstance(directions, np.ndarray):
                known = directions, statistic.curvatures(directions)
            else:
                known = directions, directions.T @ statistic.diagonal()
            _CURVATURES[statistic] = known
        return known[1]

    def along_flow(self, statistic: Statistic, odometer: Array) -> Array:
        """A statistic along gradient flow, shape (m,); long spectra made short, or in blocks."""
        if len(odometer) * self.size > AT_ONCE:
            total = self._sum_over_modes(statistic)
            if total is not None and total.is_positive:
                return self.evaluated(total, odometer)
        return super().along_flow(statistic, odometer)

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


def axes(kept: NDArray[np.intp], dimension: int) -> sparse.csc_array:
    """Columns number `kept` of the identity: directions of modes that have none of their own."""
    ones, columns = np.ones(len(kept)), np.arange(len(kept))
    return sparse.csc_array((ones, (kept, columns)), shape=(dimension, len(kept)))
