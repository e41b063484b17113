"""The exact solution where clock and weight are piecewise constant, segment by segment.

Each segment starts from the modes in which the one before it ended; `segment` says how one is
solved. They are solved when somebody first asks for a time in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from volterra.arrays import EPS, Array, Index
from volterra.exact.method import require_positive
from volterra.exact.residues import roots_for_observation
from volterra.exact.segment import FEW, Piece, Segment
from volterra.kernels.exponentials import SumOfExponentials
from volterra.kernels.piecewise import OnClock, PiecewiseClock
from volterra.kernels.sums import Modes
from volterra.question import Method, Question
from volterra.refusals import complex_forcing
from volterra.solution import Forcing, evaluate_forcing

# Pairs of a mode and a mode or forcing term, on all segments; beyond this, stepping is cheaper.
_MANY_PAIRS = 10_000_000


@dataclass(frozen=True, eq=False)
class Walk:
    """The segments, solved one after the other as far as anybody asked."""

    forcing: SumOfExponentials | OnClock
    kernel: PiecewiseClock
    modes: Modes
    segments: list[Segment] = field(default_factory=list)

    def segment(self, number: int) -> Segment:
        """Segment `number`, after all those before it."""
        while len(self.segments) <= number:
            with np.errstate(all="ignore"):  # what overflows shows as infinite
                self.segments.append(self._next())
        return self.segments[number]

    def _next(self) -> Segment:
        number = len(self.segments)
        rates, speed = self.modes.rates, float(self.kernel.clock_rates[number])
        start = float(self.kernel.starts[number])
        before = self.segments[-1].end(start) if number else np.zeros((rates.size, 2))
        moves = speed > 0
        pace = speed if moves else 1.0
        feed = float(self.kernel.weights[number]) / pace
        if moves:
            label, distinct, weights = np.arange(rates.size), rates, feed * self.modes.weights
        else:
            # Where the clock stands all rates are zero, and all modes copies of a single one.
            label, distinct = np.zeros(rates.size, np.intp), np.zeros(min(1, rates.size))
            weights = np.full(distinct.shape, feed * np.sum(self.modes.weights))
            rates = np.zeros_like(rates)
        # All modes are kept, even of no weight, for the next segment needs the state of each.
        roots, _ = roots_for_observation(distinct, weights, np.ones_like(distinct), True, 0.0)
        sigma, terms, own = self._terms(number, pace, before, rates)
        return Segment(start, pace, feed, rates, label, roots, sigma, terms, own, before)

    def _terms(
        self, number: int, pace: float, modes: Array, rates: Array
    ) -> tuple[Array, Array, Index]:
        """Rates, coefficients with errors, and the modes' positions, of F in local time."""
        outer, past, blur = self._outer(number, pace)
        inner = self.modes.weights[:, None] * modes
        sigma, position = np.unique(np.concatenate([outer, rates]), return_inverse=True)
        coefficients = np.concatenate([past, inner[:, 0]])
        errors = np.concatenate([blur, inner[:, 1]])
        together = np.bincount(position, minlength=sigma.size)
        errors += EPS * (FEW + together[position]) * np.abs(coefficients)
        terms = np.zeros((sigma.size, 2))
        np.add.at(terms, position, np.stack([coefficients, errors], axis=1))
        return sigma, terms, position[outer.size :]

    def _outer(self, number: int, pace: float) -> tuple[Array, Array, Array]:
        """Rates of f in local time, its coefficients at the segment's start, and their errors."""
        clocked = isinstance(self.forcing, OnClock)
        terms = self.forcing.terms if isinstance(self.forcing, OnClock) else self.forcing
        rates = np.append(terms.rates, 0.0)
        elapsed = (self.kernel.readings if clocked else self.kernel.starts)[number]
        power = rates * elapsed
        amplitude = np.append(terms.weights, terms.constant) * np.exp(-power)
        blur = EPS * (2.0 + (2.0 + number * clocked) * power) * np.abs(amplitude)
        stands = self.kernel.clock_rates[number] == 0
        local = (np.zeros_like(rates) if stands else rates) if clocked else rates / pace
        return local, amplitude, blur


@dataclass(frozen=True, eq=False)
class SegmentedTrajectory:
    """y, or an observation of it, as one explicit sum of exponentials per segment."""

    walk: Walk
    observed: Array | None = None
    added: Forcing | None = None
    pieces: dict[int, Piece] = field(default_factory=dict)

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and error bounds, at any time; infinite from an overflow on."""
        value, error = np.empty_like(t), np.empty_like(t)
        numbers = self.walk.kernel.segment_of(t)
        for number in np.unique(numbers):
            here = numbers == number
            value[here], error[here] = self._piece(int(number)).evaluate(t[here])
        extra = evaluate_forcing(self.added, t)
        return value + extra, error + 4 * EPS * np.abs(extra)

    def observe(self, weights: Array, forcing: Forcing | None) -> SegmentedTrajectory:
        """G + Σ_j v_j U_j, from the same segments."""
        return SegmentedTrajectory(self.walk, self.walk.modes.collect(weights), forcing)

    def _piece(self, number: int) -> Piece:
        if number not in self.pieces:
            segment = self.walk.segment(number)
            v = self.observed
            with np.errstate(all="ignore"):  # what overflows shows as infinite
                self.pieces[number] = segment.solution() if v is None else segment.observation(v)
        return self.pieces[number]

    @property
    def work(self) -> Mapping[str, int]:
        """How many segments were solved, with how many modes."""
        return {"segments": len(self.walk.segments), "modes": self.walk.modes.rates.size}


def solve_segments(
    forcing: SumOfExponentials | OnClock, kernel: PiecewiseClock
) -> SegmentedTrajectory:
    """Solve y = f + K y for a `PiecewiseClock`.

    Parameters
    ----------
    forcing
        f, a sum of exponentials of the time or of the kernel's clock; any signs.
    kernel
        K, its inner weights ≥ 0.

    Returns
    -------
    SegmentedTrajectory
        Segments are solved when first needed: modes · (modes + terms) operations each, with as
        many exponentials, then modes + terms per time.
    """
    require_positive(kernel.kernel)
    return SegmentedTrajectory(Walk(forcing, kernel, kernel.kernel.modes()))


# --------------------------------------------------------------------------- the method


def _refusal(question: Question) -> str:
    kernel, forcing = question.kernel, question.forcing
    assert isinstance(kernel, PiecewiseClock)
    if isinstance(forcing, SumOfExponentials):
        return complex_forcing(question)
    if not isinstance(forcing, OnClock):
        return (
            "the segments method needs a SumOfExponentials of the time or of the clock as forcing, "
            f"got {type(forcing).__name__}: pass kernel.on_clock(f) for f(c(t)), or "
            "method='collocation' for other functions."
        )
    if not forcing.fits(kernel):
        return "the forcing runs on another clock: pass kernel.on_clock(f) of this very kernel."
    return ""


def _worthwhile(question: Question) -> bool:
    kernel, forcing = question.kernel, question.forcing
    assert isinstance(kernel, PiecewiseClock)
    outer = forcing.terms if isinstance(forcing, OnClock) else forcing
    assert isinstance(outer, SumOfExponentials)
    modes, segments = kernel.kernel.rates.size, 1 + int(kernel.segment_of(question.t[-1]))
    few = segments * modes * (modes + outer.rates.size) <= _MANY_PAIRS
    return kernel.kernel.is_positive and few


def _run(question: Question) -> SegmentedTrajectory:
    forcing, kernel = question.forcing, question.kernel
    assert isinstance(forcing, (SumOfExponentials, OnClock))
    assert isinstance(kernel, PiecewiseClock)
    return solve_segments(forcing, kernel)


METHOD = Method(
    name="segments",
    kernels=(PiecewiseClock,),
    run=_run,
    refusal=_refusal,
    worthwhile=_worthwhile,
)
