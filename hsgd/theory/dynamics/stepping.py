"""The finite-step twin, iteration by iteration: schedules, momentum, averages, any linear method.

The modes' second moments are closed under a step, so an iteration costs O(r). One form serves all,
`LinearForm`: with errors Z of m vectors an iteration takes Z ← A Z − b g, the gradient g at c·Z, so
that a mode's means are multiplied by T = A − (r_j/N) b cᵀ, and its second moments M go to

    M ← T M Tᵀ + b bᵀ φ λ_j (2Ψ + wick·own)/N²,

Ψ the loss at the query, `own` the part of the mode itself in it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.linear_form import LinearForm
from hsgd.checks import EPS, Array
from hsgd.interfaces import Statistic
from hsgd.theory.question import Question
from hsgd.theory.spectra.modes import Modes
from volterra import Status

MOST_WORK = 2e11
"""Modes times iterations that may be spent: some minutes."""
CHUNK = 2**16
"""Iterations whose learning rates are held at once."""


@dataclass(frozen=True, eq=False)
class SteppedCurves:
    """Means and variances of the modes at whole iterations; see `HomogenizedCurves`."""

    system: Modes
    iterations: NDArray[np.int64]
    decay: Array
    """Mean error of each mode over its start, shape (m, r)."""
    variances: Array
    """Shape (m, r)."""
    fades: Array
    """Mean error over its start of what no row sees, shape (m,)."""
    excess: float
    amplification: float
    """How much the method enlarges a rounding error."""
    rtol: float
    averaged: SteppedCurves | None = None
    """The same at the average of the iterates, if one is kept."""

    solver = "stepping"

    @property
    def status(self) -> str:
        """How it went."""
        value, error = self.loss()
        if not np.isfinite(value).all():
            return str(Status.OVERFLOW.value)
        met = bool((error <= self.rtol * np.abs(value)).all())
        return str((Status.CONVERGED if met else Status.TOLERANCE_NOT_REACHED).value)

    def mean(self, statistic: Statistic) -> Array:
        """A statistic at the mean."""
        return self.system.values(statistic, self.decay, self.fades)

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


@dataclass
class State:
    """The modes in the midst of stepping; advanced in place."""

    question: Question
    form: LinearForm
    moments: Array
    """Second moments of each mode's errors, shape (m, m, r)."""
    means: Array
    """Mean errors over the start, shape (m, r)."""
    fade: Array
    """The same for the part of the start that no row sees, shape (m, 1)."""
    iteration: int = 0

    @classmethod
    def start(cls, question: Question) -> State:
        """At rest at x0."""
        form, count = question.form, len(question.system.eigenvalues)
        fade = form.start[:, None].copy()
        moments = np.zeros((form.size, form.size, count))
        return cls(question, form, moments, np.repeat(fade, count, axis=1), fade)

    def copy(self) -> State:
        """The same state, to be advanced separately."""
        arrays = (self.moments.copy(), self.means.copy(), self.fade.copy())
        return State(self.question, self.form, *arrays, self.iteration)

    def advance(self, last: int) -> Array:
        """Step to iteration `last`; gives Ψ before each of the steps."""
        from hsgd.theory.dynamics.stepping_kernel import advance  # Numba only where it is needed.

        question, system = self.question, self.question.system
        per_unit = system.iterations_per_unit
        iterations = np.arange(self.iteration, last)
        mixing, gains = self.form.steps(iterations, per_unit)
        losses = np.empty(len(iterations))
        advance(
            np.ascontiguousarray(mixing),
            gains / per_unit,
            self.form.query,
            question.noise_factors(iterations / per_unit).astype(np.float64),
            question.excess,
            system.wick,
            system.ridge,
            system.eigenvalues,
            system.driven,
            system.damping,
            system.residual_limit,
            system.residual_start,
            system.residual_outside,
            self.moments,
            self.means,
            self.fade,
            losses,
        )
        self.iteration = last
        return losses

    def read(self, weights: Array) -> tuple[Array, Array, float]:
        """Mean error and variance of each mode at a readout, shapes (r,), and the fade there."""
        spread = np.einsum("i,ipj,p->j", weights, self.moments, weights)
        return weights @ self.means, spread, float(weights @ self.fade[:, 0])


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
            f"{work / 2.5e8 / 60:.0f} minutes step by step: shorten time, or use method='hsgd' "
            "if that knows the algorithm (a constant SGD needs no stepping in either method)."
        )


def step_through(question: Question, iterations: NDArray[np.int64]) -> SteppedCurves:
    """Step to the last of the ascending `iterations`, shape (m,), and keep the modes at each."""
    system, state = question.system, State.start(question)
    check_work(system, int(iterations[-1]))
    readouts = [state.form.readout]
    if state.form.average is not None:
        readouts.append(state.form.average)
    shape = (len(readouts), len(iterations), len(system.eigenvalues))
    decay, variances, fades = np.empty(shape), np.empty(shape), np.empty(shape[:2])
    for position, target in enumerate(iterations):
        while state.iteration < target:
            state.advance(min(int(target), state.iteration + CHUNK))
        for which, weights in enumerate(readouts):
            found = state.read(weights)
            decay[which, position], variances[which, position], fades[which, position] = found
    amplification = _amplification(question, int(iterations[-1]))

    def curves(which: int, averaged: SteppedCurves | None = None) -> SteppedCurves:
        return SteppedCurves(
            system,
            iterations,
            decay[which],
            variances[which],
            fades[which],
            question.excess,
            amplification,
            question.rtol,
            averaged,
        )

    return curves(0, curves(1) if len(readouts) > 1 else None)


def _amplification(question: Question, last: int) -> float:
    """How much a linear method enlarges a rounding error of its state."""
    momentum = question.momentum
    if momentum:
        return (1.0 + momentum) ** 2 / (1.0 - momentum)
    return question.form.rounding(question.system.iterations_per_unit, last)
