"""The finite-step twin, iteration by iteration: schedules and momentum.

The modes' second moments are closed under a step, so an iteration costs O(r). One form serves all:
an error e ← α e − β e₋₁ + noise, with α = 1 − γr/N, β = 0 for SGD; α + momentum, momentum for
heavy ball; α(1 + momentum), α·momentum for Nesterov, whose gradient is taken at e + momentum·(e −
e₋₁).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms import Algorithm, Nesterov
from hsgd.checks import Array
from hsgd.modes import Modes
from volterra import Status

EPS = float(np.finfo(np.float64).eps)
MOST_WORK = 2e11
"""Modes times iterations that may be spent: some minutes."""
_CHUNK = 2**16


@dataclass(frozen=True, eq=False)
class SteppedCurves:
    """Means and variances of the modes at whole iterations; see `HomogenizedCurves`."""

    system: Modes
    iterations: NDArray[np.int64]
    decay: Array
    """Mean error of each mode over its start, shape (m, r)."""
    variances: Array
    fades: Array
    excess: float
    amplification: float
    """How much momentum enlarges a rounding error."""
    rtol: float

    solver = "stepping"

    @property
    def status(self) -> str:
        """How it went."""
        value, error = self.loss()
        if not np.isfinite(value).all():
            return str(Status.OVERFLOW.value)
        met = bool((error <= self.rtol * np.abs(value)).all())
        return str((Status.CONVERGED if met else Status.TOLERANCE_NOT_REACHED).value)

    def points(self) -> Array:
        """The mean's parameters, shape (iterations, d)."""
        return self.system.points(self.decay, self.fades)

    def flow(self) -> Array:
        """Ψ at the mean."""
        return self.system.losses(self.decay)

    def loss(self) -> tuple[Array, Array]:
        """Ψ and its numerical error."""
        noise, error = self.noise(self.system.eigenvalues)
        # notation: p, u = limit and start of the residuals
        p, u = self.system.residual_limit, self.system.residual_start
        sizes = np.abs(p) + np.abs(u * self.decay)
        rounding = np.einsum("ij,ij->i", sizes, sizes) + self.system.residual_outside
        return self.flow() + noise, error + self._relative_rounding() * rounding

    def noise(self, curvatures: Array) -> tuple[Array, Array]:
        """½ Σ_j curvature_j · variance_j, shape (iterations,), and its numerical error."""
        noise = 0.5 / self.excess * (self.variances @ curvatures)
        size = 0.5 / self.excess * (self.variances @ np.abs(curvatures))
        return _finite(noise), np.where(np.isfinite(size), self._relative_rounding() * size, np.inf)

    def uncounted(self) -> Array:
        """Trace of the covariance, of which parts between modes are left out if wick > 0."""
        return _finite(np.asarray(self.system.wick * self.variances.sum(axis=1)))

    def _relative_rounding(self) -> Array:
        # Every step rounds each variance, and the sum that drives them, relative to itself.
        per_step = 10.0 + len(self.system.eigenvalues) / 16.0
        return np.asarray(EPS * per_step * self.amplification * (self.iterations + 1.0))


def _finite(values: Array) -> Array:
    return np.where(np.isnan(values), np.inf, values)


def check_work(system: Modes, last: int) -> None:
    """Refuse more iterations than can be stepped through.

    Raises
    ------
    ValueError
        With what to do instead.
    """
    work = float(last) * max(1, len(system.eigenvalues))
    if work > MOST_WORK:
        raise ValueError(
            f"{last} iterations of {len(system.eigenvalues)} modes would take about "
            f"{work / 1e9 / 60:.0f} minutes step by step: shorten time, or use method='hsgd' "
            "(a constant SGD needs no stepping in either method)."
        )


def step_through(
    system: Modes,
    algorithm: Algorithm,
    num_rows: float,
    iterations: NDArray[np.int64],
    rtol: float,
    excess: float = 1.0,
) -> SteppedCurves:
    """Step to the last of the ascending `iterations`, shape (m,), and keep the modes at each.

    `excess` multiplies the noise that Ψ drives.
    """
    from hsgd.stepping_kernel import advance  # Numba is loaded only where it is needed.

    count = len(system.eigenvalues)
    check_work(system, int(iterations[-1]))
    momentum = float(getattr(algorithm, "momentum", 0.0))
    moments = np.zeros((3, count))
    means = np.ones((2, count))
    # The unseen part of the start is one more mean, of a mode without curvature.
    fade = np.ones(2)
    shape = (len(iterations), count)
    decay, variances, fades = np.empty(shape), np.empty(shape), np.empty(len(iterations))
    now = 0
    for position, target in enumerate(iterations):
        while now < target:
            last = min(now + _CHUNK, int(target))
            time = np.arange(now, last) / system.iterations_per_unit
            rates = algorithm.schedule(time) / system.iterations_per_unit
            factors = algorithm.noise_factor(num_rows, algorithm.batch_sizes(time))
            advance(
                rates,
                np.broadcast_to(np.asarray(factors, dtype=np.float64), rates.shape).copy(),
                momentum,
                isinstance(algorithm, Nesterov),
                excess,
                system.wick,
                system.ridge,
                system.eigenvalues,
                system.damping,
                system.residual_limit,
                system.residual_start,
                system.residual_outside,
                moments,
                means,
                fade,
            )
            now = last
        decay[position], variances[position], fades[position] = means[0], moments[0], fade[0]
    amplification = 1.0 if not momentum else (1.0 + momentum) ** 2 / (1.0 - momentum)
    return SteppedCurves(system, iterations, decay, variances, fades, excess, amplification, rtol)
