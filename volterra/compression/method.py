"""Solve with a compressed kernel and forcing, and count what the compression did into the error.

Attempts with ever better compression, until the tolerance is met; the proof is in `majorants`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from volterra.arrays import Array
from volterra.collocation.method import CollocationTrajectory
from volterra.collocation.question import check_functions
from volterra.compression.compress import Compression, Compressor
from volterra.compression.majorants import Chord, Derivative
from volterra.compression.question import LongQuestion, is_long
from volterra.compression.short import (
    Inner,
    chord,
    follow,
    follow_exact,
    follow_steps,
    sized_sum,
    solve_short,
)
from volterra.exact.method import ExactTrajectory, require_positive
from volterra.kernels.exponentials import (
    ModalKernel,
    SumOfExponentials,
    TimeChanged,
    without_clock,
)
from volterra.question import Method, Question
from volterra.refusals import complex_forcing, complex_kernel
from volterra.solution import Forcing, ratio_to_tolerance

_SHARE = 0.2  # of the tolerance that the compression aims at
_CRITICAL = 1e-3  # a norm nearer to one than this is taken as being so far off
_TIGHTEST = 1e-14
_ATTEMPTS = 4
_FEW = 1_000  # times at all of which an attempt is judged
_PROBES = 40  # times at which it is judged if there are more
_MANY_PROBES = 2_000  # the same if the answer may change its sign


@dataclass(frozen=True, eq=False)
class CompressedTrajectory:
    """The solution for the short sums, and a bound on how far it is from that for the long ones.

    Attributes
    ----------
    question
        What was asked, uncompressed.
    kernel
        The short kernel, without its clock.
    inner
        y'.
    majorant
        The bound; none if nothing was compressed.
    plain
        Makes y' with an error that knows nothing of the compression.
    extend
        The same trajectory up to a later time: the sums were compressed up to the last one asked
        for.
    deviation, target
        The compression's error, and what it aimed at.
    driver
        In an observation, y itself.
    """

    question: LongQuestion
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

    def excess(self) -> tuple[float, float]:
        """Largest ratio of error to tolerance, and the compression's share of that error."""
        question, t = self.question, self.question.t
        probes = _PROBES if self.is_positive else _MANY_PROBES
        if t.size > max(_FEW, probes):
            t = t[np.linspace(0, t.size - 1, probes).astype(int)]
        value, error = self.evaluate(t)
        finite = np.isfinite(value)
        if not np.any(finite):
            return 0.0, 0.0
        t, value, error = t[finite], value[finite], error[finite]
        ratio = ratio_to_tolerance(value, error, question.rtol, question.atol)
        worst = int(np.argmax(ratio))
        if ratio[worst] <= 1:
            return float(ratio[worst]), 0.0
        own = float(self.plain().evaluate(t[worst : worst + 1])[1][0])
        return float(ratio[worst]), 1.0 - own / float(error[worst])

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


def solve_compressed(asked: Question) -> CompressedTrajectory:
    """Compress the long sums as far as the tolerance allows, then solve.

    Parameters
    ----------
    asked
        With a modal kernel of weights ≥ 0; a forcing that is a function is taken as it is.

    Returns
    -------
    CompressedTrajectory
        Costs about 0.1 s per million terms, and then as much as a few hundred modes cost. Where
        the compression stands in the tolerance's way and the modes are few enough, it is left out.
    """
    forcing, kernel, t, rtol = asked.forcing, asked.kernel, asked.t, asked.rtol
    assert isinstance(kernel, ModalKernel)
    inner = without_clock(kernel)
    is_exact = isinstance(kernel, SumOfExponentials) and isinstance(forcing, SumOfExponentials)
    # Behind a clock lags are no times: there the short sums have to be right for ever.
    until = float(t[-1]) if is_exact else np.inf
    terms = Compressor(forcing, until=until) if isinstance(forcing, SumOfExponentials) else None
    question = LongQuestion(
        forcing,
        kernel,
        t,
        rtol,
        asked.atol,
        Compressor(inner, until=until),
        terms,
        breakpoints=asked.breakpoints,
    )
    target = _SHARE * (rtol if rtol > 0 else 1e-8) * _distance_from_critical(inner)
    return _tighten(question, target, lambda target: _attempt(question, target))


def _distance_from_critical(kernel: SumOfExponentials) -> float:
    """Its inverse is by how much an error of the kernel is amplified, as far as time permits."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        norm = float(np.sum(kernel.weights / kernel.rates))
    distance = abs(1.0 - norm) if np.isfinite(norm) and kernel.constant == 0 else 1.0
    return min(max(distance, _CRITICAL), 1.0)


def _tighten(
    question: LongQuestion, target: float, attempt: Callable[[float], CompressedTrajectory]
) -> CompressedTrajectory:
    """Attempts with ever better compression, until the tolerance is met or nothing is gained."""
    tried: list[tuple[float, CompressedTrajectory]] = []
    for _ in range(_ATTEMPTS):
        target = max(target, _TIGHTEST)
        trajectory = attempt(target)
        excess, share = trajectory.excess()
        tried.append((excess, trajectory))
        # Where most of the error is the inner method's own, longer sums would not help.
        if excess <= 1 or share < 0.3 or target <= _TIGHTEST:
            break
        target = trajectory.deviation * max(1e-4, 0.3 / excess)
    if excess > 1 and share > 0.3 and question.may_stay_long:
        return attempt(0.0)
    return min(tried, key=lambda pair: pair[0])[1]


def _attempt(question: LongQuestion, target: float) -> CompressedTrajectory:
    kernel = question.modes.to(target)
    forcing = None if question.terms is None else question.terms.to(target)
    short = question.forcing if forcing is None else forcing.sum
    deviation = max(kernel.error, 0.0 if forcing is None else forcing.error)
    solved = solve_short(question, short, kernel.sum, deviation)

    def extend(last: float) -> CompressedTrajectory:
        return solve_compressed(replace(question, t=np.append(question.t, last)))

    return CompressedTrajectory(
        question,
        kernel.sum,
        solved.inner,
        solved.majorant,
        solved.plain,
        extend,
        deviation,
        target,
    )


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
    inner, majorant = driver.inner, driver.majorant
    if isinstance(inner, ExactTrajectory) and deviation > 0:
        inner = inner.with_deviation(deviation)
        majorant = _observed_derivative(inner, driver.kernel, v.sum, deviation)
    elif isinstance(inner, CollocationTrajectory) and deviation > 0:
        if not isinstance(majorant, Chord):
            majorant = chord(driver.question, inner.question.forcing, driver.kernel, deviation)
        majorant = _observed_chord(majorant, driver.kernel, v, deviation)
    return replace(
        driver,
        inner=follow(inner, driver.kernel, v.sum, added),
        majorant=majorant,
        plain=lambda: follow(driver.plain(), driver.kernel, v.sum, added),
        deviation=deviation,
        driver=driver,
    )


def _observed_derivative(
    inner: ExactTrajectory, kernel: SumOfExponentials, v: SumOfExponentials, deviation: float
) -> Derivative:
    assert isinstance(inner.forcing, SumOfExponentials)
    positive = inner.forced_by(sized_sum(inner.forcing, 1.0))
    size = follow_exact(positive, kernel, sized_sum(v, 1.0), None)
    return Derivative(size, inner.roots, deviation, factors=2)


def _observed_chord(
    bound: Chord, kernel: SumOfExponentials, v: Compression, deviation: float
) -> Chord:
    # The upper end must be inflated at least as much as v is off, or the chord ends too soon.
    inflation = max(bound.inflation, v.error)
    return Chord(
        lower=follow_steps(bound.lower, kernel, sized_sum(v.sum, 1.0), None),
        upper=follow_steps(bound.upper, kernel, sized_sum(v.sum, 1.0 + inflation), None),
        deviation=inflation if v.error > bound.inflation else deviation,
        inflation=inflation,
    )


# ------------------------------------------------------------------------- the method


def _refusal(question: Question) -> str:
    return complex_kernel(question) or complex_forcing(question)


def _worthwhile(question: Question) -> bool:
    kernel = question.kernel
    assert isinstance(kernel, ModalKernel)
    return is_long(question.forcing, kernel) and without_clock(kernel).is_positive


def _run(question: Question) -> CompressedTrajectory:
    kernel = question.kernel
    assert isinstance(kernel, ModalKernel)
    require_positive(without_clock(kernel))
    check_functions(question.forcing, kernel, question.t)
    return solve_compressed(question)


METHOD = Method(
    name="compressed",
    kernels=(SumOfExponentials, TimeChanged),
    run=_run,
    refusal=_refusal,
    worthwhile=_worthwhile,
)
