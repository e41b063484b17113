"""Solve with a compressed kernel and forcing, and count what the compression did into the error.

Let |K - K'| <= d K' and |f - f'| <= d F', with F' the absolute values of the terms of f'. Expanding
y = f + K*f + K*K*f + ... and y' alike, and comparing term by term, |y - y'| <= Y(d) - Y(0): here
Y(q) solves Y = (1+q) F' + (1+q) K' * Y. As a power series in q with coefficients >= 0, Y is convex,
so that Y(d) - Y(0) <= (d/q) (Y(q) - Y(0)) for every q >= d. This holds below, at and above the
critical point, and for an observation alike, with |v| in the place of v. The exact method takes
q = d; collocation takes a larger q, so that a rough solve shows the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import overload

import numpy as np
from numpy.typing import NDArray

from volterra.collocation import CollocationTrajectory, solve_collocation
from volterra.compression import Compression, Compressor
from volterra.exact import ExactTrajectory, solve_exact
from volterra.kernels import SumOfExponentials, TimeChanged
from volterra.problem import Problem
from volterra.solution import Forcing, evaluate_checked

Array = NDArray[np.float64]
Kernel = SumOfExponentials | TimeChanged
Inner = ExactTrajectory | CollocationTrajectory

_SHARE = 0.05  # of the tolerance that the compression aims at
_TIGHTEST = 1e-14
_RESOLVED = 1e-12  # smaller inflations drown in the rounding of 1 + q
_ATTEMPTS = 4
_PROBES = 40  # times at which an attempt is judged
_MANY_PROBES = 2_000  # the same if the answer may change its sign
_AFFORDABLE_ROOTS = 8_000  # for the exact method, whose cost is their square
_AFFORDABLE_MODES = 40_000  # for collocation
_INFLATION = 1e-3  # q, where the difference Y(q) - Y(0) comes from rough solves
_ROUGH = 1e-2  # their tolerance, relative to q


# Where compressing begins to pay (benchmarks/volterra_scale.py prints the crossover): modes times
# modes and forcing terms for the exact method, modes for steps.
_LONG_PRODUCT = 500_000
_LONG_KERNEL = 10_000


def is_long(forcing: Forcing, kernel: Kernel) -> bool:
    """Whether compressing costs less than it saves."""
    if isinstance(kernel, TimeChanged):
        return kernel.kernel.rates.size > _LONG_KERNEL
    modes = kernel.rates.size
    if not isinstance(forcing, SumOfExponentials):
        return modes > _LONG_KERNEL
    return modes * (modes + forcing.rates.size) > _LONG_PRODUCT


@dataclass(frozen=True, eq=False)
class CompressedTrajectory:
    """The solution for the short sums, and the two majorants whose difference bounds its error.

    Attributes
    ----------
    question : Question
        What was asked, uncompressed.
    kernel : SumOfExponentials
        The short kernel, without its clock.
    inner, lower, upper : Trajectory
        y', Y(0) and Y(q).
    deviation, inflation : float
        d and q.
    target : float
        What the compression aimed at.
    driver : CompressedTrajectory or None
        In an observation, y itself.
    """

    question: Question
    kernel: SumOfExponentials
    inner: Inner
    lower: Inner
    upper: Inner
    deviation: float
    inflation: float
    target: float
    driver: CompressedTrajectory | None = None

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values, and error bounds with the compression counted in."""
        value, error = self.inner.evaluate(t)
        return value, error + self.compression_error(t)

    def compression_error(self, t: Array) -> Array:
        """Bound on what the compression changed."""
        if self.deviation == 0:
            return np.zeros_like(t)
        low, low_error = self.lower.evaluate(t)
        high, high_error = self.upper.evaluate(t)
        with np.errstate(invalid="ignore", over="ignore"):
            gap = np.maximum(high - low, 0.0) + high_error + low_error
            bound: Array = self.deviation / self.inflation * gap
        return np.where(np.isfinite(bound), bound, np.inf)

    def observe(self, weights: Array, forcing: Forcing | None) -> CompressedTrajectory:
        """Observe with weights on the original rates, compressed on nodes of their own."""
        observed = SumOfExponentials(self.question.sum.rates, weights)
        return _observe(self.driver or self, Compressor(observed), forcing)

    @property
    def work(self) -> Mapping[str, int]:
        """The inner method's counters, and both numbers of modes."""
        sizes = {
            "modes": self.question.sum.rates.size,
            "compressed_modes": self.kernel.rates.size + (self.kernel.constant != 0),
        }
        return {**self.inner.work, **sizes}


@dataclass(frozen=True, eq=False)
class Question:
    """Forcing, kernel, times and tolerance as asked for, with the long sums sorted once."""

    forcing: Forcing
    kernel: Kernel
    t: Array
    rtol: float
    atol: float
    modes: Compressor
    terms: Compressor | None

    @property
    def sum(self) -> SumOfExponentials:
        """The kernel without its clock."""
        return self.kernel.kernel if isinstance(self.kernel, TimeChanged) else self.kernel

    @property
    def is_exact(self) -> bool:
        """Whether the exact method applies once both are short."""
        return isinstance(self.kernel, SumOfExponentials) and self.terms is not None

    @property
    def affordable(self) -> int:
        """So many modes can be left uncompressed if need be."""
        return _AFFORDABLE_ROOTS if self.is_exact else _AFFORDABLE_MODES

    def solve(self, forcing: Forcing, kernel: SumOfExponentials, rtol: float) -> Inner:
        """Solve with a short kernel, behind the clock if there is one."""
        if self.is_exact:
            assert isinstance(forcing, SumOfExponentials)
            return solve_exact(forcing, kernel)
        atol = self.atol * min(1.0, rtol / self.rtol) if self.rtol > 0 else self.atol
        return solve_collocation(Problem(forcing, self.behind_clock(kernel), self.t, rtol, atol))

    def behind_clock(self, short: SumOfExponentials) -> Kernel:
        """The short kernel in the place of the long one."""
        if isinstance(self.kernel, TimeChanged):
            return replace(self.kernel, kernel=short)
        return short

    def excess(self, trajectory: CompressedTrajectory) -> tuple[float, float]:
        """Largest ratio of error to tolerance, and the compression's share of that error."""
        probes = _PROBES if trajectory.inner is trajectory.lower else _MANY_PROBES
        chosen = np.unique(np.linspace(0, self.t.size - 1, probes).astype(int))
        t = self.t[chosen]
        value, error = trajectory.inner.evaluate(t)
        bound = trajectory.compression_error(t)
        finite = np.isfinite(value)
        if not np.any(finite):
            return 0.0, 0.0
        total = (error + bound)[finite]
        allowed = self.rtol * np.abs(value[finite]) + self.atol
        ratio = np.divide(total, allowed, out=np.full_like(total, np.inf), where=allowed > 0)
        ratio[total == 0] = 0.0
        worst = int(np.argmax(ratio))
        return float(ratio[worst]), float(bound[finite][worst] / max(total[worst], 5e-324))


def solve_compressed(
    forcing: Forcing, kernel: Kernel, t: Array, rtol: float, atol: float
) -> CompressedTrajectory:
    """Compress the long sums as far as the tolerance allows, then solve.

    Parameters
    ----------
    forcing : SumOfExponentials or callable
        f; a callable is taken as it is.
    kernel : SumOfExponentials or TimeChanged
        With weights >= 0.
    t : ndarray, shape (times,)
        Where the tolerance is to hold.
    rtol, atol : float
        The tolerance.

    Returns
    -------
    CompressedTrajectory
        Costs about 0.1 s per million terms, and then as much as a few hundred modes cost. Where
        the compression stands in the tolerance's way and the modes are few enough, it is left out.
    """
    inner = kernel.kernel if isinstance(kernel, TimeChanged) else kernel
    terms = Compressor(forcing) if isinstance(forcing, SumOfExponentials) else None
    question = Question(forcing, kernel, t, rtol, atol, Compressor(inner), terms)
    target = _SHARE * (rtol if rtol > 0 else 1e-8)
    return _tighten(question, target, lambda target: _attempt(question, target))


def _tighten(
    question: Question, target: float, attempt: Callable[[float], CompressedTrajectory]
) -> CompressedTrajectory:
    """Attempts with ever better compression, until the tolerance is met or nothing is gained."""
    tried: list[tuple[float, CompressedTrajectory]] = []
    for _ in range(_ATTEMPTS):
        target = max(target, _TIGHTEST)
        trajectory = attempt(target)
        excess, share = question.excess(trajectory)
        tried.append((excess, trajectory))
        if excess <= 1 or share < 0.3 or target <= _TIGHTEST:
            break
        target = trajectory.deviation * max(1e-4, 0.3 / excess)
    if excess > 1 and share > 0.3 and question.sum.rates.size <= question.affordable:
        return attempt(0.0)
    return min(tried, key=lambda pair: pair[0])[1]


def _attempt(question: Question, target: float) -> CompressedTrajectory:
    kernel = question.modes.to(target)
    forcing = None if question.terms is None else question.terms.to(target)
    short = question.forcing if forcing is None else forcing.sum
    deviation = max(kernel.error, 0.0 if forcing is None else forcing.error)
    inner = question.solve(short, kernel.sum, question.rtol)
    if deviation == 0:
        return CompressedTrajectory(question, kernel.sum, inner, inner, inner, 0.0, 1.0, target)
    lower, upper, inflation = _majorants(question, inner, short, kernel.sum, deviation)
    return CompressedTrajectory(
        question, kernel.sum, inner, lower, upper, deviation, inflation, target
    )


# ------------------------------------------------------------------------- majorants


def _majorants(
    question: Question,
    inner: Inner,
    forcing: Forcing,
    kernel: SumOfExponentials,
    deviation: float,
) -> tuple[Inner, Inner, float]:
    """Y(0), Y(q) and q."""
    if question.is_exact:
        assert isinstance(forcing, SumOfExponentials)
        inflation = max(deviation, _RESOLVED)
        positive = forcing.constant >= 0 and bool(np.all(forcing.weights >= 0))
        lower = inner if positive else question.solve(_sized(forcing, 1.0), kernel, question.rtol)
        upper = _sized(forcing, 1.0 + inflation), _sized(kernel, 1.0 + inflation)
        return lower, question.solve(*upper, question.rtol), inflation
    question = replace(question, kernel=_positive(question.kernel))
    inflation = max(_INFLATION, deviation)
    for _ in range(_ATTEMPTS):
        rough = _ROUGH * inflation
        lower = question.solve(_sized(forcing, 1.0), kernel, rough)
        larger = 1.0 + inflation
        high = question.solve(_sized(forcing, larger), _sized(kernel, larger), rough)
        low_end, high_end = (side.evaluate(question.t)[0] for side in (lower, high))
        if np.all(high_end <= 2.0 * low_end) or inflation <= 10.0 * deviation:
            break
        inflation *= 0.1
    return lower, high, inflation


@overload
def _sized(function: SumOfExponentials, factor: float) -> SumOfExponentials: ...
@overload
def _sized(function: Forcing, factor: float) -> Forcing: ...
def _sized(function: Forcing, factor: float) -> Forcing:
    """Absolute value (of each term, in a sum), times a factor."""
    if isinstance(function, SumOfExponentials):
        return SumOfExponentials(
            function.rates, factor * np.abs(function.weights), factor * abs(function.constant)
        )
    return lambda t: factor * np.abs(evaluate_checked(function, t, "forcing"))


def _positive(kernel: Kernel) -> Kernel:
    if not isinstance(kernel, TimeChanged):
        return kernel
    weight = kernel.weight
    return replace(kernel, weight=lambda t: np.abs(evaluate_checked(weight, t, "weight")))


# ------------------------------------------------------------------------- observations


def _observe(
    source: CompressedTrajectory, weights: Compressor, added: Forcing | None
) -> CompressedTrajectory:
    question = source.question

    def attempt(target: float) -> CompressedTrajectory:
        driver = source if target >= source.target else _attempt(question, target)
        return _observed(driver, weights.to(target), added)

    return _tighten(question, source.target, attempt)


def _observed(
    driver: CompressedTrajectory, v: Compression, added: Forcing | None
) -> CompressedTrajectory:
    """Observe y', Y(0) and Y(q), the majorants with |v| and (1 + q) |v|."""
    inflation = max(driver.inflation, v.error)
    deviation = inflation if v.error > driver.inflation else max(driver.deviation, v.error)
    size = _sized(v.sum, 1.0)
    return replace(
        driver,
        inner=_follow(driver.inner, driver.kernel, v.sum, added),
        lower=_follow(driver.lower, driver.kernel, size, None),
        upper=_follow(driver.upper, driver.kernel, _sized(v.sum, 1.0 + inflation), None),
        deviation=deviation,
        inflation=inflation,
        driver=driver,
    )


def _follow(
    trajectory: Inner, kernel: SumOfExponentials, v: SumOfExponentials, added: Forcing | None
) -> Inner:
    """Observe with other rates than the kernel's: they join it, with weight zero."""
    nodes = np.append(v.rates, 0.0) if v.constant else v.rates
    values = np.append(v.weights, v.constant) if v.constant else v.weights
    weights = np.concatenate([np.zeros(kernel.rates.size), values])

    def joined(short: SumOfExponentials) -> SumOfExponentials:
        return SumOfExponentials(
            np.concatenate([short.rates, nodes]),
            np.concatenate([short.weights, np.zeros(nodes.size)]),
            short.constant,
        )

    if isinstance(trajectory, ExactTrajectory):
        assert isinstance(trajectory.kernel, SumOfExponentials)
        return replace(trajectory, kernel=joined(trajectory.kernel)).observe(weights, added)
    problem = trajectory.problem
    if isinstance(problem.kernel, TimeChanged):
        together: Kernel = replace(problem.kernel, kernel=joined(problem.kernel.kernel))
    else:
        together = joined(problem.kernel)
    problem = replace(problem, kernel=together)
    return replace(trajectory, problem=problem).observe(weights, added)
