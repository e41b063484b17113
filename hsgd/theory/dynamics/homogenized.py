"""Homogenized SGD: the limit of small steps, solved as a Volterra equation in continuous time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.schedules import Constant, Piecewise
from hsgd.theory.dynamics import discrete
from hsgd.theory.question import Method, Question, dependent_batches
from hsgd.theory.spectra.modes import Modes
from hsgd.theory.stability.small_steps import SmallSteps
from volterra import PiecewiseClock, Solution, SumOfExponentials, TimeChanged, solve


@dataclass(frozen=True, eq=False)
class HomogenizedCurves:
    """The solved loss Ψ on a grid of iterations, and what other statistics need from it.

    `excess` multiplies the kernel of Ψ, and of Ψ alone: at 1 the curves are homogenized SGD's.
    """

    system: Modes
    odometer: Array
    scale: float
    """What `Modes.noise_weights` must be multiplied by: γ²φ for constants, else 1."""
    solution: Solution
    excess: float
    averaged: ClassVar[None] = None

    @property
    def solver(self) -> str:
        """How the equation was solved."""
        return self.solution.method

    @property
    def status(self) -> str:
        """How that went."""
        return self.solution.status.value

    def mean(self, statistic: Statistic) -> Array:
        """A statistic along gradient flow."""
        return self.system.along_flow(statistic, self.odometer)

    def flow(self) -> Array:
        """Ψ along gradient flow."""
        return self.system.evaluated(self.system.gradient_flow_loss(), self.odometer)

    def loss(self) -> tuple[Array, Array]:
        """Ψ and its numerical error."""
        if self.excess == 1.0:
            return self.solution.y, self.solution.error
        flow = self.flow()
        return flow + (self.solution.y - flow) / self.excess, self.solution.error

    def noise(self, curvatures: Array) -> tuple[Array, Array]:
        """½ Σ_j curvature_j · variance_j, shape (iterations,), and its numerical error."""
        seen = self.solution.observe(self.scale * self.system.noise_weights(1.0, curvatures))
        return seen.y, seen.error

    def uncounted(self) -> Array:
        """Nothing: the noise of the limit has no parts between modes."""
        return np.zeros(len(self.odometer))


def solve_homogenized(question: Question, iterations: NDArray[np.int64]) -> HomogenizedCurves:
    """Solve Ψ(t) = L(m(Γ(t))) + ∫₀ᵗ γ(s)²φ(s) k(Γ(t)−Γ(s)) Ψ(s) ds at ascending `iterations`.

    k(τ) = Σ_j λ_j² e^{−2(λ_j+ridge)τ}/N, m gradient flow, γ the learning rate, Γ its integral, φ
    the noise factor of the batch.
    """
    system, algorithm = question.system, question.algorithm
    times = iterations / system.iterations_per_unit
    schedule, forcing = algorithm.schedule, system.gradient_flow_loss()
    weights = question.excess * system.noise_weights(1.0)
    if question.is_constant:
        rate = question.learning_rate
        scale = float(rate**2 * question.noise_factor)
        kernel = SumOfExponentials(2.0 * rate * system.damping, scale * weights)
        forced = SumOfExponentials(rate * forcing.rates, forcing.weights, forcing.constant)
        solution = solve(forced, kernel, times, rtol=question.rtol)
        return HomogenizedCurves(system, rate * times, scale, solution, question.excess)

    def noise(time: Array) -> Array:
        return np.asarray(schedule(time) ** 2 * question.noise_factors(time))

    inner = SumOfExponentials(2.0 * system.damping, weights)
    changes = (*schedule.breakpoints, *algorithm.batch_boundaries)
    if isinstance(schedule, (Constant, Piecewise)):
        # Between two changes all is constant: exact, segment by segment.
        starts = np.union1d([0.0], changes)
        steps = PiecewiseClock(
            inner, boundaries=starts[1:], clock_rates=schedule(starts), weights=noise(starts)
        )
        solution = solve(steps.on_clock(forcing), steps, times, rtol=question.rtol)
    else:
        changed = TimeChanged(
            inner,
            clock=schedule.integral,
            weight=noise,
            clock_rate=schedule,
            breakpoints=changes,
        )
        solution = solve(
            lambda t: forcing(schedule.integral(t)), changed, times, rtol=question.rtol
        )
    return HomogenizedCurves(system, schedule.integral(times), 1.0, solution, question.excess)


def _refusal(problem: Any, algorithm: Algorithm) -> str:
    del problem
    if algorithm.averaging is not None:
        return "method='hsgd' keeps no averages: pass method='discrete'."
    if isinstance(algorithm, SGD | StreamingSGD):
        return dependent_batches(algorithm)
    return (
        f"method='hsgd' is for SGD without momentum: pass method='discrete' for "
        f"{type(algorithm).__name__}."
    )


METHOD = Method(
    "hsgd",
    title="homogenized SGD",
    noiseless="gradient flow",
    refusal=_refusal,
    stability=lambda question: SmallSteps(question.system, question.noise_factor),
    solve=solve_homogenized,
    twin=discrete.METHOD,
    in_blocks=True,
)
