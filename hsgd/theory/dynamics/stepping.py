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

from hsgd.algorithms.momentum import looks_ahead
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
    moments: Array
    """Variance, covariance with the previous error, previous variance of each mode, (3, r)."""
    means: Array
    """Mean error over its start, now and before, (2, r)."""
    fade: Array
    """The same for the part of the start that no row sees, (2,)."""
    iteration: int = 0

    @classmethod
    def start(cls, question: Question) -> State:
        """At rest at x0."""
        count = len(question.system.eigenvalues)
        return cls(question, np.zeros((3, count)), np.ones((2, count)), np.ones(2))

    def copy(self) -> State:
        """The same state, to be advanced separately."""
        arrays = (self.moments.copy(), self.means.copy(), self.fade.copy())
        return State(self.question, *arrays, self.iteration)

    def advance(self, last: int) -> Array:
        """Step to iteration `last`; gives Ψ before each of the steps."""
        from hsgd.theory.dynamics.stepping_kernel import advance  # Numba only where it is needed.

        question, system = self.question, self.question.system
        time = np.arange(self.iteration, last) / system.iterations_per_unit
        losses = np.empty(len(time))
        advance(
            question.algorithm.schedule(time) / system.iterations_per_unit,
            question.noise_factors(time).astype(np.float64),
            question.momentum,
            looks_ahead(question.algorithm),
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
            "(a constant SGD needs no stepping in either method)."
        )


def step_through(question: Question, iterations: NDArray[np.int64]) -> SteppedCurves:
    """Step to the last of the ascending `iterations`, shape (m,), and keep the modes at each."""
    system, state = question.system, State.start(question)
    check_work(system, int(iterations[-1]))
    shape = (len(iterations), len(system.eigenvalues))
    decay, variances, fades = np.empty(shape), np.empty(shape), np.empty(len(iterations))
    for position, target in enumerate(iterations):
        while state.iteration < target:
            state.advance(min(int(target), state.iteration + CHUNK))
        decay[position], variances[position] = state.means[0], state.moments[0]
        fades[position] = state.fade[0]
    momentum = question.momentum
    amplification = 1.0 if not momentum else (1.0 + momentum) ** 2 / (1.0 - momentum)
    return SteppedCurves(
        system, iterations, decay, variances, fades, question.excess, amplification, question.rtol
    )
