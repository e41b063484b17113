"""The exact solution where clock and weight are piecewise constant, segment by segment.

Between two boundaries the equation, with the modes U_j = integral of e^{-r_j (c(t) - c(s))} w y ds,
is a convolution again. In local time u, the clock's since the start of the segment,
y(u) = F(u) + (w/c') k * y, F(u) = f + sum_j k_j U_j(start) exp(-r_j u), which is the exact method's
business; where the clock stands, all rates are zero and u is time itself. At the end of the segment
U_j = U_j(start) exp(-r_j u) + (w/c') sum_k g_k / (r_j - x_k) Z_k, Z_k = sum_i F_i phi(u; x_k, s_i),
for all modes at once: modes * (modes + terms) operations, with the divided differences phi of
`pairs` for every pair of a root x_k and a rate s_i of F.

Errors. Kernel and weight being positive, an error dU_j of the modes and an error dF of the forcing
move y by at most the solution of the same equation with the forcing |dF| + sum_j k_j |dU_j| e^{..}.
That solution, the slack, is carried along as a second right-hand side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from volterra.exact.method import (
    observation_residues,
    require_positive,
    resolvent_residues,
    roots_for_observation,
)
from volterra.exact.residues import Convolution, Residues, convolve
from volterra.exact.resonances import all_differences
from volterra.exact.secular import EPS, SecularRoots, row_chunks
from volterra.kernels.exponentials import Modes, SumOfExponentials
from volterra.kernels.exponents import of_exponentials
from volterra.kernels.piecewise import OnClock, PiecewiseClock
from volterra.solution import Forcing, evaluate_forcing

Array = NDArray[np.float64]
Index = NDArray[np.intp]

# The error bounds of the exact method are for given rates and weights and times. Here local times,
# w/c' times the weights, and rates in local time are rounded once or twice: less than the bounds
# allow for already, so that twice these bounds cover it.
_ROUNDED = 2.0
_FEW = 8.0  # roundings of a short formula


@dataclass(frozen=True, eq=False)
class Segment:
    """One segment: its equation in local time, and what it starts from.

    Attributes
    ----------
    start, pace : float
        Time at its start; units of local time per unit of time.
    feed : float
        w/c': what y adds to every mode, per unit of local time.
    rates : ndarray, shape (modes,)
        Rates of the modes in local time.
    label : ndarray, shape (modes,)
        Which of the distinct rates in `roots` is whose.
    roots : SecularRoots
        Of the kernel in local time.
    sigma, terms : ndarray, shapes (terms,) and (terms, 2)
        Rates of F, ascending; its coefficients and bounds on their errors.
    own : ndarray, shape (modes,)
        The position of each mode's rate in `sigma`.
    modes : ndarray, shape (modes, 2)
        U_j at the start, and bounds on their errors.
    """

    start: float
    pace: float
    feed: float
    rates: Array
    label: Index
    roots: SecularRoots
    sigma: Array
    terms: Array
    own: Index
    modes: Array

    def solution(self) -> Piece:
        """The solution y."""
        residues = resolvent_residues(self.roots)
        return self._piece(residues, residues, self.terms)

    def observation(self, v: Array) -> Piece:
        """sum_j v_j U_j."""
        value, majorant = self._observed(v), self._observed(np.abs(v))
        together = np.bincount(self.own, minlength=1).max()
        if self.roots.rates.size < v.size:
            # Weights of all modes that stand still were added, and may have cancelled.
            rounding = value.rounding + together * np.abs(majorant.value)
            value = replace(value, rounding=rounding)
        own = np.zeros_like(self.terms)
        state, error = self.modes.T
        np.add.at(own[:, 0], self.own, v * state)
        error = error + (_FEW + together) * EPS * np.abs(state)
        np.add.at(own[:, 1], self.own, np.abs(v) * error)
        return self._piece(value, majorant, own)

    def _observed(self, v: Array) -> Residues:
        """Residues of feed * sum_j v_j exp(-r_j u), convolved with y."""
        total = np.bincount(self.label, v, self.roots.rates.size).astype(np.float64)
        return observation_residues(self.roots, self.feed * total)

    def _piece(self, residues: Residues, majorant: Residues, own: Array) -> Piece:
        value, slack = (
            convolve(self.roots, seen, self.sigma, terms, reading=of_exponentials, own=added)
            for seen, terms, added in zip((residues, majorant), self.terms.T, own.T, strict=True)
        )
        return Piece(self.start, self.pace, value, slack)

    def end(self, stop: float) -> Array:
        """The modes at time `stop` and bounds on their errors, shape (modes, 2)."""
        time = self.pace * (stop - self.start)
        with np.errstate(all="ignore"):
            added, error = _increments(self.roots, self.sigma, self.terms, time)
            power = self.rates * time
            kept = np.exp(-power)[:, None] * self.modes
            moved: Array = kept + self.feed * added[self.label]
            moved[:, 1] += self.feed * error.sum(axis=1)[self.label]
            rounding = (_FEW + 3.0 * power) * np.abs(kept).sum(axis=1)
            moved[:, 1] += EPS * (rounding + _FEW * np.abs(moved[:, 0]))
        return moved


@dataclass(frozen=True, eq=False)
class Piece:
    """An output on one segment, and what earlier errors may do to it."""

    start: float
    pace: float
    value: Convolution
    slack: Convolution

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and error bounds at times `t` of this segment."""
        local = self.pace * (t - self.start)
        value, error = self.value.evaluate(local)
        slack, slack_error = self.slack.evaluate(local)
        with np.errstate(all="ignore"):
            total = _ROUNDED * (error + slack_error) + np.abs(slack)
        finite = np.isfinite(value)
        total = np.where(finite & np.isfinite(total), total, np.inf)
        return np.where(np.isnan(value), np.inf, value), total


def _increments(
    roots: SecularRoots, sigma: Array, terms: Array, time: float
) -> tuple[Array, Array]:
    """What y adds to the modes by `time` per unit of feed, and its error; (rates, right sides).

    The errors are those of the observations of one mode each: see `resolvent`.
    """
    # notation: g_k residues, Z_k the filtered forcing; D = rate_j - root_k
    Z, majorant, moved, rounding = _filtered(roots, sigma, terms, time)
    g, gradient = roots.residue[:, None], roots.root_slope[:, None]
    relative = _FEW + np.log2(1 + roots.shift.size)
    blur = g * (relative * majorant + rounding)
    first = roots.residue_slope[:, None] * majorant - g * gradient * moved
    second = g * gradient * majorant
    value, error = (np.empty((roots.rates.size, Z.shape[1])) for _ in range(2))
    for part in row_chunks(roots.rates.size, roots.shift.size):
        inverse = 1.0 / ((roots.rates[part, None] - roots.origin) - roots.shift)
        value[part] = inverse @ (g * Z)
        slope = inverse @ first
        np.abs(inverse, out=inverse)
        error[part] = EPS * (inverse @ blur)
        inverse *= inverse
        error[part] += np.abs(slope + inverse @ second)
    return value, _ROUNDED * error


def _filtered(roots: SecularRoots, sigma: Array, terms: Array, time: float) -> Array:
    """sum_i a_i phi(time; x_k, s_i) per root and right side, its majorant, slope and rounding."""
    out = np.zeros((4, roots.shift.size, terms.shape[1]))
    for part in row_chunks(sigma.size, roots.shift.size):
        shape = part.stop - part.start, roots.shift.size
        functions = all_differences(roots, sigma[part]).functions(np.array([time]), 0.0)
        phi, moved, facing, power = functions
        moved *= facing
        phi, psi, power = (each.reshape(shape) for each in (phi, moved, power))
        a, size = terms[part], np.abs(terms[part])
        out[0] += phi.T @ a
        out[1] += phi.T @ size
        out[2] += psi.T @ size
        phi *= _FEW + np.log2(1 + sigma.size) + np.abs(power)
        psi *= np.abs(roots.shift)
        out[3] += (phi + psi).T @ size
    return out


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
            label, distinct = np.zeros(rates.size, np.intp), np.zeros(min(1, rates.size))
            weights = np.full(distinct.shape, feed * np.sum(self.modes.weights))
            rates = np.zeros_like(rates)
        # All modes are kept, for the next segment needs the state of each.
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
        errors += EPS * (_FEW + together[position]) * np.abs(coefficients)
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
        """G + sum_j v_j U_j, from the same segments."""
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
    forcing : SumOfExponentials or OnClock
        f, a sum of exponentials of the time or of the kernel's clock; any signs.
    kernel : PiecewiseClock
        K, its inner weights >= 0.

    Returns
    -------
    SegmentedTrajectory
        Segments are solved when first needed: modes * (modes + terms) operations each, with as
        many exponentials, then modes + terms per time.
    """
    require_positive(kernel.kernel)
    return SegmentedTrajectory(Walk(forcing, kernel, kernel.kernel.modes()))
