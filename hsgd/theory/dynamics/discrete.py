"""The finite-step twin of homogenized SGD, without stepping where learning rate and batch stay.

An iteration multiplies the mean of mode j by a_j = 1 − γr_j/N and takes its variance to

    V_j ← q_j V_j + φ(γ/N)² λ_j (2Ψ + wick·p_j²),      q_j = a_j² + wick·φ(γλ_j/N)²,

p_j the mean residual of the mode. So Ψ solves a difference equation whose kernel is a sum of the
powers of q_j, and whose forcing is one of powers of a_j, a_j² and q_j: the exact solver's business,
at any iteration. For Gaussian rows drawn afresh (wick = 1) nothing is approximated; for fixed
rows the noise is taken as proportional to H, as in homogenized SGD.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.linear_form import LinearForm
from hsgd.algorithms.momentum import WithMomentum
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.checks import EPS, Array
from hsgd.interfaces import Statistic
from hsgd.theory.curves import Solved
from hsgd.theory.dynamics.adaptive import step_adaptively
from hsgd.theory.dynamics.stepping import MOST_WORK as MOST_STEPPED
from hsgd.theory.dynamics.stepping import SteppedCurves, step_through
from hsgd.theory.question import Method, Question, dependent_batches
from hsgd.theory.spectra.modes import Modes
from hsgd.theory.stability.base import Stability
from hsgd.theory.stability.finite_steps import FiniteSteps
from hsgd.theory.stability.iteration import Iteration
from hsgd.theory.stability.linear_steps import LinearSteps
from hsgd.theory.stability.momentum import Momentum, MomentumSteps
from hsgd.theory.stability.small_steps import SmallSteps
from volterra import Solution, SumOfPowers, solve

_NEAR = 1e-3
_LARGE_STEP = 0.02
"""Share of its way that a step takes the stiffest direction: their limit is off by half of it."""
MOST_WORK = 1e9
"""Modes times iterations that may be stepped through unasked: about a second."""
_LATEST = 2**53
"""Beyond it iterations are no whole numbers any more."""
MANY_MODES = 4000
"""Beyond so many, stepping may be cheaper than the closed form, which costs their square."""
_ITERATIONS_PER_MODE = 15.0
"""So many take about as long as a mode of the closed form does: 19 of 5,000 modes, 13 of 8,000."""


def power(decrement: float | Array, iterations: Array) -> Array:
    """(1 − decrement)^k for whole k, accurate for tiny decrements; shape (m, …)."""
    k = np.asarray(iterations, dtype=np.float64)
    d = np.asarray(decrement, dtype=np.float64)
    # As e^{k log|1−d|}: 1 − d itself would round away all digits of a tiny d, and k multiplies that
    # error. Beyond d = 1 the factor is negative, and the sign is put back where k is odd.
    size = np.where(
        d < 1.0, np.log1p(-np.minimum(d, 1.0 - EPS / 2)), np.log(np.abs(1.0 - d) + 1e-300)
    )
    with np.errstate(over="ignore"):
        values = np.exp(np.multiply.outer(k, size))
    odd = np.multiply.outer(k % 2 == 1, d > 1.0)
    return np.where(odd, -values, values)


Piece = tuple[Array | float, Array | float]


@dataclass(frozen=True, eq=False)
class Terms:
    """A sum of powers Σ weight·(1 − decrement)^k whose decrements may be negative."""

    decrements: Array
    weights: Array

    def damped(self, growth: float) -> SumOfPowers:
        """The sum divided by growth^k."""
        decrements = (growth - 1.0 + self.decrements) / growth
        return SumOfPowers.from_decrements(np.clip(decrements, 0.0, 2.0), self.weights)


def _joined(*pieces: Piece) -> Terms:
    broadcast = [np.broadcast_arrays(*map(np.atleast_1d, piece)) for piece in pieces]
    decrements, weights = (np.concatenate([piece[i] for piece in broadcast]) for i in (0, 1))
    # The solver's cost is the number of terms; many weights are 0 without a ridge or a start.
    used = weights != 0
    return Terms(decrements[used].astype(np.float64), weights[used].astype(np.float64))


def forcing(iteration: Iteration) -> Terms:
    """Ψ at the mean, plus what the wick term alone adds to it."""
    # notation: p, u = limit and start of the residuals, d = 1 − a
    p, u = iteration.system.residual_limit, iteration.system.residual_start
    d = iteration.step
    mean: list[Piece] = [
        (0.0, 0.5 * (iteration.system.residual_outside + float(p @ p))),
        (d, p * u),
        (d * (2.0 - d), 0.5 * u * u),
    ]
    return _joined(*mean, *_wick_pieces(iteration, 0.5 * iteration.system.eigenvalues))


def _wick_pieces(iteration: Iteration, halves: Array) -> list[Piece]:
    """Σ_j halves_j · (variance of mode j that its own mean residual has caused)."""
    # notation: variance = κ Σ_{s<k} q^{k−1−s} (p + u a^s)² with p, u limit and start of the mean
    # error; d = 1 − a, e = 1 − q. The square of u a^s sums to u²(q^k − a^{2k}), for q − a² = κ.
    system, kappa = iteration.system, iteration.wick
    if not kappa.any():
        return []
    root = np.sqrt(system.eigenvalues)
    p, u = system.residual_limit / root, system.residual_start / root
    d, e = iteration.step, iteration.settling
    return [
        (0.0, halves * kappa * p * p / e),
        (e, -halves * kappa * p * p / e),
        *_divided(d, e, kappa, 2.0 * halves * kappa * p * u),
        (e, halves * u * u),
        (d * (2.0 - d), -halves * u * u),
    ]


def _divided(d: Array, e: Array, kappa: Array, weights: Array) -> list[Piece]:
    """Confluent quotients, weights · (x^k − y^k)/(x − y), x = 1 − e, y = 1 − d.

    The quotient costs digits only where x − y is small against κ. Then both are below about ½,
    and the quotient is a smooth, even function of their distance: two wider pairs about the same
    mean, extrapolated, give it back with an error of 1e-15.
    """
    apart = d - e
    near = np.abs(apart) < _NEAR * kappa
    # Far pairs: outer = 0, and what is left is the plain quotient. Near ones: pairs at distances h
    # and 2h about the same middle, weighted so that the h²-term of the even function cancels.
    middle, far = 0.5 * (d + e), np.where(near, 0.4 * _NEAR * kappa, apart)
    outer = np.where(near, ((apart / far) ** 2 - 1.0) / 3.0, 0.0)
    inner = (1.0 - outer) * weights / far
    pieces: list[Piece] = [(middle - 0.5 * far, inner), (middle + 0.5 * far, -inner)]
    if near.any():
        beyond = outer[near] * weights[near] / (2.0 * far[near])
        pieces += [(middle[near] - far[near], beyond), (middle[near] + far[near], -beyond)]
    return pieces


@dataclass(frozen=True, eq=False)
class DiscreteCurves:
    """Ψ at whole iterations, and what other statistics need from it; see `HomogenizedCurves`."""

    iteration: Iteration
    iterations: Array
    solution: Solution
    excess: float
    averaged: ClassVar[None] = None

    @property
    def system(self) -> Modes:
        """The modes."""
        return self.iteration.system

    @property
    def solver(self) -> str:
        """How the equation was solved."""
        return self.solution.method

    @property
    def status(self) -> str:
        """How that went."""
        return self.solution.status.value

    def _grown(self, *values: Array) -> tuple[Array, ...]:
        growth = self.iteration.growth
        if growth == 1.0:
            return values
        # The equation was solved for Ψ/growth^k, which stays finite when the risk diverges.
        with np.errstate(over="ignore", invalid="ignore"):
            factor = np.exp(self.iterations * np.log(growth))
            return tuple(np.where(value == 0.0, 0.0, value * factor) for value in values)

    def _decay(self) -> Array:
        return power(self.iteration.step, self.iterations)

    def mean(self, statistic: Statistic) -> Array:
        """A statistic at the mean: along gradient descent."""
        per_unit = self.system.iterations_per_unit
        fade = power(self.iteration.learning_rate * self.system.ridge / per_unit, self.iterations)
        return self.system.values(statistic, self._decay(), fade)

    def flow(self) -> Array:
        """Ψ at the mean: along gradient descent."""
        return self.system.losses(self._decay())

    def loss(self) -> tuple[Array, Array]:
        """Ψ and its numerical error."""
        value, error = self._grown(self.solution.y, self.solution.error)
        flow = self.flow()
        if self.excess != 1.0:
            value = flow + (value - flow) / self.excess
        # Before the first step there is no noise: no sum of terms that cancel is needed.
        # notation: p, u = limit and start of the residuals
        p, u = np.abs(self.system.residual_limit), np.abs(self.system.residual_start)
        rounding = 4.0 * EPS * (float(np.sum((p + u) ** 2)) + self.system.residual_outside)
        first = self.iterations == 0
        return np.where(first, flow, value), np.where(first, rounding, error)

    def noise(self, curvatures: Array) -> tuple[Array, Array]:
        """½ Σ_j curvature_j · variance_j, shape (iterations,), and its numerical error."""
        growth = self.iteration.growth
        seen = self.solution.observe(self.iteration.gain * curvatures / growth)
        own, rounding = self._own_variance(0.5 * curvatures)
        value, error = self._grown(seen.y + own, seen.error + rounding)
        return value, error

    def uncounted(self) -> Array:
        """Trace of the covariance that the modes' means cause; between modes it is left out."""
        return self._grown(self._own_variance(np.ones(len(self.system.eigenvalues)))[0])[0]

    def _own_variance(self, halves: Array) -> tuple[Array, Array]:
        pieces = _joined((0.0, 0.0), *_wick_pieces(self.iteration, halves))
        terms = pieces.damped(self.iteration.growth)
        size = SumOfPowers.from_decrements(terms.rates, np.abs(terms.weights))(self.iterations)
        started = self.iterations > 0
        return np.where(started, terms(self.iterations), 0.0), 8.0 * EPS * size * started


def solve_iteration(
    iteration: Iteration, iterations: NDArray[np.int64], rtol: float, excess: float = 1.0
) -> DiscreteCurves:
    """Solve the difference equation of Ψ at `iterations`, ascending, shape (m,).

    `excess` multiplies the kernel of Ψ, and of Ψ alone.
    """
    growth = iteration.growth
    weights = excess * iteration.gain * iteration.system.eigenvalues
    kernel = Terms(iteration.settling, weights / growth).damped(growth)
    k = iterations.astype(np.float64)
    solution = solve(forcing(iteration).damped(growth), kernel, k, rtol=rtol)
    return DiscreteCurves(iteration, k, solution, excess)


def has_closed_form(question: Question) -> bool:
    """Whether no stepping is needed: every iteration does the same, and remembers nothing."""
    plain = isinstance(question.algorithm, SGD | StreamingSGD)
    return question.is_constant and plain and question.algorithm.averaging is None


def _is_affordable(question: Question, last: float) -> bool:
    """Whether curves up to iteration `last` take a second or two at most."""
    if np.isinf(last) and not has_closed_form(question):
        return False  # said before any work: what has no end cannot be stepped through
    modes = len(question.system.eigenvalues)
    if has_closed_form(question) and modes <= MANY_MODES:
        return last <= _LATEST or np.isinf(last)  # in the limit nothing is solved
    return last * modes <= MOST_WORK


def _sooner_stepped(question: Question, last: int) -> bool:
    """Whether many modes are stepped through sooner than their difference equation is solved."""
    modes = len(question.system.eigenvalues)
    return modes > MANY_MODES and last < min(_ITERATIONS_PER_MODE * modes, MOST_STEPPED / modes)


def _suits(question: Question, last: float) -> bool:
    """Whether steps can be so large that their limit is off by a percent, and this is affordable.

    It does not matter how large they are here: at every learning rate all verbs have one theory.
    """
    if not _is_affordable(question, last):
        return False
    if question.system.wick:
        return True  # it is exact, or nearly
    # What single rows do beyond either theory is of the order of modes per row, and makes up for
    # some of the size of steps: there the finer theory is no better.
    largest = question.algorithm.largest_batch_size
    by_rows = question.system.count / question.num_rows if largest == 1 else 0.0
    factor = float(question.algorithm.noise_factor(question.num_rows, largest))
    small = SmallSteps(question.system, factor)
    at_most = 2.0 * small.critical_rate() / small.curvature_limit()
    return at_most > max(_LARGE_STEP, by_rows)


def solve_discrete(question: Question, iterations: NDArray[np.int64]) -> Solved:
    """In closed form where there is one, else step by step."""
    if has_closed_form(question) and not _sooner_stepped(question, int(iterations[-1])):
        iteration = question.stability.at(question.learning_rate)
        return solve_iteration(iteration, iterations, question.rtol, question.excess)
    return stepped(question, iterations)


def stepped(question: Question, iterations: NDArray[np.int64]) -> SteppedCurves:
    """Step by step."""
    if question.algorithm.is_adaptive:
        return step_adaptively(question, iterations)
    return step_through(question, iterations)


def _stability(question: Question) -> Stability:
    algorithm, system, factor = question.algorithm, question.system, question.noise_factor
    rule = Momentum.of(algorithm)
    if not rule.momentum and isinstance(algorithm, SGD | StreamingSGD | WithMomentum):
        return FiniteSteps(system, factor)
    if rule.momentum and not system.wick:
        return MomentumSteps(system, factor, rule)

    @lru_cache(8)
    def form_at(rate: float) -> LinearForm:
        form = algorithm.replace(learning_rate=rate).linear_form()
        assert form is not None
        return form

    return LinearSteps(system, factor, form_at)


def _refusal(problem: Any, algorithm: Algorithm) -> str:
    del problem
    if algorithm.linear_form() is not None or algorithm.is_adaptive:
        return dependent_batches(algorithm)
    return f"method='discrete' does not follow {type(algorithm).__name__}: simulate it."


METHOD = Method(
    "discrete",
    title="finite-step theory",
    noiseless="gradient descent",
    refusal=_refusal,
    stability=_stability,
    solve=solve_discrete,
    suits=_suits,
)
