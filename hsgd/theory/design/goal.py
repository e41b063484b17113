"""What is minimised: a statistic after the last iteration, as a function of the modes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.statistics.quadratics import NAMED, CentredQuadratic
from hsgd.theory.spectra.eigenmodes import EigenModes
from hsgd.theory.spectra.modes import Modes

_MOST_FORMED = 6000
"""Modes of which a statistic's matrix is formed."""
_BOWL = 1e-9
"""Of its largest curvature, how far a statistic may bend downwards by rounding."""


@dataclass(frozen=True, eq=False)
class Goal:
    """One statistic at the end of `iterations` steps.

    All arrays have a last entry for the part of the start that no row sees: a mode without
    curvature, which only the ridge damps. The mean of a mode is given as what is left of its start,
    shape (r + 1,).
    """

    # notation: value = q(mean) + ½ Σ T_j V_j
    system: Modes
    statistic: Statistic
    iterations: int
    noise_factor: float

    def but(self, iterations: int, noise_factor: float) -> Goal:
        """The same after other iterations with another batch; what is known of modes is kept."""
        other = replace(self, iterations=iterations, noise_factor=noise_factor)
        known = {name: one for name, one in vars(self).items() if name not in vars(other)}
        vars(other).update(known)
        return other

    @cached_property
    def eigenvalues(self) -> Array:
        """λ_j, N times those of the mean Hessian."""
        return np.append(self.system.eigenvalues, 0.0)

    @cached_property
    def driven(self) -> Array:
        """λ_j as noise sees them."""
        return np.append(self.system.driven, 0.0)

    @cached_property
    def damping(self) -> Array:
        """λ_j + ridge."""
        return np.append(self.system.damping, self.system.ridge)

    @cached_property
    def residual_limit(self) -> Array:
        """Of each mode."""
        return np.append(self.system.residual_limit, 0.0)

    @cached_property
    def residual_start(self) -> Array:
        """Of each mode."""
        return np.append(self.system.residual_start, 0.0)

    @cached_property
    def curvatures(self) -> Array:
        """T_j: how strongly the statistic is bent along each mode."""
        return np.append(self.system.curvatures(self.statistic), 0.0)

    @property
    def per_unit(self) -> int:
        """N, the iterations in one unit of time."""
        return self.system.iterations_per_unit

    @property
    def is_sampled_risk(self) -> bool:
        """Whether it is what the gradients are of."""
        return self.statistic.name == self.system.sampled_risk

    def at_means(self, left: Array) -> Array:
        """The statistic at means, shape (m, r + 1) → (m,)."""
        if self.is_sampled_risk:
            return self.system.losses(left[:, :-1]) / self.per_unit
        return self.system.values(self.statistic, left[:, :-1], left[:, -1])

    def at_mean(self, left: Array) -> float:
        """The same at one, shape (r + 1,)."""
        return float(self.at_means(left[None])[0])

    def slope(self, left: Array) -> Array:
        """Gradient of q by what is left of each mode."""
        if self.is_sampled_risk:
            residual = self.residual_limit + self.residual_start * left
            return np.asarray(residual * self.residual_start / self.per_unit)
        linear, form = self._form
        return np.asarray(linear + (form * left if form.ndim == 1 else form @ left))

    def bend(self, moves: Array) -> Array:
        """Each second derivative of q, made positive, times moves: shape (m, r + 1) → the same."""
        if self.is_sampled_risk:
            return np.asarray(moves * self.residual_start**2 / self.per_unit)
        form = np.abs(self._form[1])
        return np.asarray(moves * form if form.ndim == 1 else moves @ form)

    @cached_property
    def _form(self) -> tuple[Array, Array]:
        """Q as linear·z + ½ zᵀ form z and a constant; a diagonal form as a vector."""
        system, statistic = self.system, self.statistic
        if isinstance(system, EigenModes):
            if isinstance(statistic, CentredQuadratic) and np.ndim(statistic.curvature) == 0:
                return _of_distance(system, statistic)
            self._check_size()
            return _of_points(system, statistic)
        self._check_size()
        return _of_values(system, statistic)

    def _check_size(self) -> None:
        modes = len(self.damping)
        if modes > _MOST_FORMED:
            raise ValueError(
                f"the statistic {self.statistic.name!r} mixes {modes} modes, and at most "
                f"{_MOST_FORMED} are looked at: pass statistic={self.system.sampled_risk!r}, which "
                "mixes none."
            )

    @cached_property
    def is_bowl(self) -> bool:
        """Whether the statistic bends downwards nowhere."""
        if self.statistic.name in NAMED:  # risks and distances are sums of squares
            return True
        form = self._form[1]
        least = form.min() if form.ndim == 1 else np.linalg.eigvalsh(form)[0]
        bent = self.curvatures
        return bool(least >= -_BOWL * np.abs(form).max() and bent.min() >= -_BOWL * bent.max())


def _of_distance(system: EigenModes, statistic: CentredQuadratic) -> tuple[Array, Array]:
    """Of a multiple of the squared distance to a point: no mode mixes with another."""
    bend = float(statistic.curvature)
    inside = system.directions.T @ statistic.centre
    off = system.limit - inside
    unseen = system.start_outside
    centre = statistic.centre - system.directions @ inside
    linear = np.append(system.start * off, -unseen @ centre)
    return bend * linear, bend * np.append(system.start**2, unseen @ unseen)


def _of_points(system: EigenModes, statistic: Statistic) -> tuple[Array, Array]:
    """From the statistic's matrix, and its slope where all modes have come to their ends."""
    directions = system.directions
    dense = directions if isinstance(directions, np.ndarray) else directions.toarray()
    moves = np.column_stack((dense * system.start, system.start_outside))
    at = system.points(np.zeros((1, len(system.start))), np.zeros(1))
    # A quadratic's slope is half the difference of its values on either side, at any distance.
    linear = 0.5 * (statistic.values(at + moves.T) - statistic.values(at - moves.T))
    form = moves.T @ statistic.matrix() @ moves
    return linear, 0.5 * (form + form.T)


def _of_values(system: Modes, statistic: Statistic) -> tuple[Array, Array]:
    """From values alone, one for each pair of modes: q is a quadratic of what is left of them."""
    count = len(system.eigenvalues) + 1
    unit = np.eye(count)

    def q(left: Array) -> Array:
        return system.values(statistic, left[:, :-1], left[:, -1])

    zero, alone, back = q(np.zeros((1, count)))[0], q(unit), q(-unit)
    linear, form = 0.5 * (alone - back), np.zeros((count, count))
    seen = np.flatnonzero((alone != zero) | (back != zero))  # a mode may have copies that are not
    for i in seen:
        form[i, seen] = q(unit[seen] + unit[i]) - alone[seen] - alone[i] + zero
    return linear, 0.5 * (form + form.T)
