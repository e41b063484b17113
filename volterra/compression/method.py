"""Solve with a compressed kernel and forcing, and count what the compression did into the error.

Attempts with ever better compression, until the tolerance is met; the proof is in `majorants`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import overload

import numpy as np
from numpy.typing import NDArray

from volterra.collocation.method import CollocationTrajectory, solve_collocation
from volterra.collocation.problem import Problem
from volterra.compression.compress import Compression, Compressor
from volterra.compression.majorants import Chord, Derivative
from volterra.exact.method import ExactTrajectory, solve_exact
from volterra.kernels.exponentials import SumOfExponentials, TimeChanged
from volterra.solution import Forcing, evaluate_checked

Array = NDArray[np.float64]
Kernel = SumOfExponentials | TimeChanged
Inner = ExactTrajectory | CollocationTrajectory

_SHARE = 0.2  # of the tolerance that the compression aims at
_CRITICAL = 1e-3  # a norm nearer to one than this is taken as being so far off
_TIGHTEST = 1e-14
_ATTEMPTS = 4
_FEW = 1_000  # times at all of which an attempt is judged
_PROBES = 40  # times at which it is judged if there are more
_MANY_PROBES = 2_000  # the same if the answer may change its sign
_AFFORDABLE_ROOTS = 8_000  # for the exact method, whose cost is their square
_AFFORDABLE_MODES = 40_000  # for collocation
_INFLATION = 1e-3  # q, where the difference Y(q) - Y(0) comes from rough solves
_ROUGH = 1e-2  # their tolerance, relative to q


# Where compressing begins to pay (benchmarks/volterra_scale.py prints the crossover): modes times
# modes and forcing terms for the exact method, modes for steps.
_LONG_PRODUCT = 200_000
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
    """The solution for the short sums, and a bound on how far it is from that for the long ones.

    Attributes
    ----------
    question : Question
        What was asked, uncompressed.
    kernel : SumOfExponentials
        The short kernel, without its clock.
    inner : Trajectory
        y'.
    majorant : Derivative, Chord or None
        The bound; none if nothing was compressed.
    plain : callable
        y' with an error that knows nothing of the compression.
    extend : callable
        The same up to a later time: the sums were compressed up to the last one asked for.
    deviation, target : float
        The compression's error, and what it aimed at.
    driver : CompressedTrajectory or None
        In an observation, y itself.
    """

    question: Question
    kernel: SumOfExponentials
    inner: Inner
    majorant: Derivative | Chord | None
    plain: Callable[[], Inner]
    extend: Callable[[float], CompressedTrajectory]
    deviation: float
    target: float
    driver: CompressedTrajectory | None = None

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values, and error bounds with the compression counted in."""
        if t is self.question.t:
            return self.as_asked
        if self.question.is_exact and t.size and np.max(t) > self.question.t[-1]:
            return self.extend(float(np.max(t))).evaluate(t)
        return self._evaluate(t)

    @cached_property
    def as_asked(self) -> tuple[Array, Array]:
        """Values and errors at the times asked for."""
        return self._evaluate(self.question.t)

    def _evaluate(self, t: Array) -> tuple[Array, Array]:
        value, error = self.inner.evaluate(t)
        if self.majorant is None:
            return value, error
        return value, self.majorant.error(t, value, error)

    def compression_error(self, t: Array) -> Array:
        """The compression's part of the error bound."""
        return self.evaluate(t)[1] - self.plain().evaluate(t)[1]

    @property
    def is_positive(self) -> bool:
        """Whether the solution is its own majorant, so that it cannot change its sign."""
        return not (isinstance(self.majorant, Derivative) and self.majorant.size is not None)

    def observe(self, weights: Array, forcing: Forcing | None) -> CompressedTrajectory:
        """Observe with weights on the original rates, compressed on nodes of their own."""
        observed = SumOfExponentials(self.question.sum.rates, weights)
        return _observe(self.driver or self, observed, forcing)

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

    def collocate(
        self, forcing: Forcing, kernel: SumOfExponentials, rtol: float
    ) -> CollocationTrajectory:
        """Step through the equation with a short kernel, behind the clock if there is one."""
        atol = self.atol * min(1.0, rtol / self.rtol) if self.rtol > 0 else self.atol
        return solve_collocation(Problem(forcing, self.behind_clock(kernel), self.t, rtol, atol))

    def behind_clock(self, short: SumOfExponentials) -> Kernel:
        """The short kernel in the place of the long one."""
        if isinstance(self.kernel, TimeChanged):
            return replace(self.kernel, kernel=short)
        return short

    def excess(self, trajectory: CompressedTrajectory) -> tuple[float, float]:
        """Largest ratio of error to tolerance, and the compression's share of that error."""
        t, probes = self.t, _PROBES if trajectory.is_positive else _MANY_PROBES
        if t.size > max(_FEW, probes):
            t = t[np.linspace(0, t.size - 1, probes).astype(int)]
        value, error = trajectory.evaluate(t)
        finite = np.isfinite(value)
        if not np.any(finite):
            return 0.0, 0.0
        t, value, error = t[finite], value[finite], error[finite]
        allowed = self.rtol * np.abs(value) + self.atol
        ratio = np.divide(error, allowed, out=np.full_like(error, np.inf), where=allowed > 0)
        ratio[error == 0] = 0.0
        worst = int(np.argmax(ratio))
        if ratio[worst] <= 1:
            return float(ratio[worst]), 0.0
        own = float(trajectory.plain().evaluate(t[worst : worst + 1])[1][0])
        return float(ratio[worst]), 1.0 - own / float(error[worst])


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
    is_exact = isinstance(kernel, SumOfExponentials) and isinstance(forcing, SumOfExponentials)
    until = float(t[-1]) if is_exact else np.inf
    terms = Compressor(forcing, until=until) if isinstance(forcing, SumOfExponentials) else None
    question = Question(forcing, kernel, t, rtol, atol, Compressor(inner, until=until), terms)
    target = _SHARE * (rtol if rtol > 0 else 1e-8) * _distance_from_critical(inner)
    return _tighten(question, target, lambda target: _attempt(question, target))


def _distance_from_critical(kernel: SumOfExponentials) -> float:
    """Its inverse is by how much an error of the kernel is amplified, as far as time permits."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        norm = float(np.sum(kernel.weights / kernel.rates))
    distance = abs(1.0 - norm) if np.isfinite(norm) and kernel.constant == 0 else 1.0
    return min(max(distance, _CRITICAL), 1.0)


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
    solve = _solve_exactly if question.is_exact else _collocate
    inner, majorant, plain = solve(question, short, kernel.sum, deviation)

    def extend(last: float) -> CompressedTrajectory:
        t = np.append(question.t, last)
        return solve_compressed(question.forcing, question.kernel, t, question.rtol, question.atol)

    return CompressedTrajectory(
        question, kernel.sum, inner, majorant, plain, extend, deviation, target
    )


Solved = tuple[Inner, Derivative | Chord | None, Callable[[], Inner]]


def _solve_exactly(
    question: Question, forcing: Forcing, kernel: SumOfExponentials, deviation: float
) -> Solved:
    assert isinstance(forcing, SumOfExponentials)
    inner = solve_exact(forcing, kernel, deviation=deviation)
    if deviation == 0:
        return inner, None, lambda: inner
    size = None if forcing.is_positive else inner.forced_by(_sized(forcing, 1.0))
    majorant = Derivative(size, inner.roots, deviation, factors=1)
    return inner, majorant, lambda: solve_exact(forcing, kernel)


def _collocate(
    question: Question, forcing: Forcing, kernel: SumOfExponentials, deviation: float
) -> Solved:
    inner = question.collocate(forcing, kernel, question.rtol)
    if deviation == 0:
        return inner, None, lambda: inner
    return inner, _chord(question, forcing, kernel, deviation), lambda: inner


def _chord(
    question: Question, forcing: Forcing, kernel: SumOfExponentials, deviation: float
) -> Chord:
    """Rough solves, with the largest inflation that does not bend the chord."""
    question = replace(question, kernel=_positive(question.kernel))
    inflation = max(_INFLATION, deviation)
    for _ in range(_ATTEMPTS):
        rough = _ROUGH * inflation
        lower = question.collocate(_sized(forcing, 1.0), kernel, rough)
        larger = 1.0 + inflation
        upper = question.collocate(_sized(forcing, larger), _sized(kernel, larger), rough)
        low, high = (side.evaluate(question.t)[0] for side in (lower, upper))
        if np.all(high <= 2.0 * low) or inflation <= 10.0 * deviation:
            break
        inflation *= 0.1
    return Chord(lower, upper, deviation, inflation)


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
    source: CompressedTrajectory, observed: SumOfExponentials, added: Forcing | None
) -> CompressedTrajectory:
    question = source.question
    weights = Compressor(observed, until=float(question.t[-1]) if question.is_exact else np.inf)

    def attempt(target: float) -> CompressedTrajectory:
        driver = source if target >= source.target else _attempt(question, target)
        return replace(
            _observed(driver, weights.to(target), added),
            extend=lambda last: _observe(source.extend(last), observed, added),
        )

    return _tighten(question, source.target, attempt)


def _observed(
    driver: CompressedTrajectory, v: Compression, added: Forcing | None
) -> CompressedTrajectory:
    """Observe y' and, with |v'|, what bounds it."""
    deviation = max(driver.deviation, v.error)
    inner, majorant, size = driver.inner, driver.majorant, _sized(v.sum, 1.0)
    if isinstance(inner, ExactTrajectory) and deviation > 0:
        inner = inner.with_deviation(deviation)
        assert isinstance(inner.forcing, SumOfExponentials)
        positive = inner.forced_by(_sized(inner.forcing, 1.0))
        observed = _follow(positive, driver.kernel, size, None)
        majorant = Derivative(observed, inner.roots, deviation, factors=2)
    elif isinstance(inner, CollocationTrajectory) and deviation > 0:
        chord = majorant
        if not isinstance(chord, Chord):
            chord = _chord(driver.question, inner.problem.forcing, driver.kernel, deviation)
        inflation = max(chord.inflation, v.error)
        majorant = Chord(
            lower=_follow(chord.lower, driver.kernel, size, None),
            upper=_follow(chord.upper, driver.kernel, _sized(v.sum, 1.0 + inflation), None),
            deviation=inflation if v.error > chord.inflation else deviation,
            inflation=inflation,
        )
    return replace(
        driver,
        inner=_follow(inner, driver.kernel, v.sum, added),
        majorant=majorant,
        plain=lambda: _follow(driver.plain(), driver.kernel, v.sum, added),
        deviation=deviation,
        driver=driver,
    )


@overload
def _follow(
    trajectory: ExactTrajectory,
    kernel: SumOfExponentials,
    v: SumOfExponentials,
    added: Forcing | None,
) -> ExactTrajectory: ...
@overload
def _follow(
    trajectory: CollocationTrajectory,
    kernel: SumOfExponentials,
    v: SumOfExponentials,
    added: Forcing | None,
) -> CollocationTrajectory: ...
@overload
def _follow(
    trajectory: Inner, kernel: SumOfExponentials, v: SumOfExponentials, added: Forcing | None
) -> Inner: ...
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
