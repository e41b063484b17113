"""Volterra problems with known answers, shared by the tests of all solvers.

The answers are closed forms, or come from the eigenvalues of the state-space form at 60 digits;
neither knows the code under test. Problems with a clock are made from problems without one: if
the weight is the clock's rate, then y(t) = Y(c(t)).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import mpmath
import numpy as np

from tests.tables import fixed_point
from volterra import OnClock, PiecewiseClock, SumOfExponentials, SumOfPowers, TimeChanged

TAGS = {
    "smooth",
    "stiff",
    "multi-scale",
    "near-critical",
    "supercritical",
    "oscillatory",
    "resonant",
    "degenerate",
    "scheduled",
    "piecewise",
    "discrete",
    "complex",
    "signed",
}


@dataclass(frozen=True, eq=False)
class VolterraProblem:
    """An equation, times, the exact answer at any times, and what makes it hard."""

    name: str
    tags: frozenset[str]
    forcing: object
    kernel: object
    times: np.ndarray
    exact: Callable[[np.ndarray], np.ndarray]

    @property
    def is_sum(self):
        """Whether the kernel and the forcing are real sums of exponentials."""
        sums = (self.kernel, self.forcing)
        return all(isinstance(s, SumOfExponentials) and not s.is_complex for s in sums)

    @property
    def methods(self):
        """The methods that take this equation."""
        if isinstance(self.kernel, PiecewiseClock):
            return ("segments", "collocation")
        if isinstance(self.kernel, TimeChanged):
            return ("collocation",)
        discrete = isinstance(self.kernel, SumOfPowers)
        general = "recursion" if discrete else "panels" if self.kernel.is_complex else "collocation"
        if not isinstance(self.forcing, type(self.kernel)):
            return (general,)
        exact = self.kernel.is_positive and not self.forcing.is_complex
        return ("exact", "companion", general) if exact else ("companion", general)


# ----------------------------------------------------------------- high-precision references


def multiprecision(values):
    return [mpmath.mpf(float(value)) for value in values]


@cache
def _spectrum(rates, weights):
    """Eigenvalues of diag(rates) - s s', s = sqrt(weights), and squared overlaps with s."""
    with mpmath.workdps(60):
        s = [mpmath.sqrt(mpmath.mpf(weight)) for weight in weights]
        matrix = mpmath.matrix(len(s), len(s))
        for i, rate in enumerate(rates):
            for j in range(len(s)):
                matrix[i, j] = -s[i] * s[j] + (mpmath.mpf(rate) if i == j else 0)
        values, vectors = mpmath.eigsy(matrix)
        overlaps = [
            mpmath.fsum(vectors[i, k] * s[i] for i in range(len(s))) ** 2 for k in range(len(s))
        ]
        return list(values), overlaps


def _filter(t, x, rate):
    """Integral over s in [0, t] of e^{-x (t-s)} e^{-rate s}."""
    gap = x - rate
    if abs(gap) * t < mpmath.mpf(10) ** -25:
        return t * mpmath.exp(-x * t)
    return (mpmath.exp(-rate * t) - mpmath.exp(-x * t)) / gap


def by_eigenvalues(forcing, kernel):
    """The exact solution for two sums of exponentials, as a function of time (60 digits inside).

    Returns mpmath numbers if asked for by `function(t, raw=True)`.
    """
    rates, weights = list(kernel.rates), list(kernel.weights)
    if kernel.constant:
        rates, weights = [*rates, 0.0], [*weights, kernel.constant]
    terms = [(0.0, forcing.constant), *zip(forcing.rates, forcing.weights, strict=True)]

    def exact(t, raw=False):
        with mpmath.workdps(60):
            x, g = _spectrum(tuple(map(float, rates)), tuple(map(float, weights)))
            out = []
            for time in multiprecision(np.atleast_1d(t)):
                total = mpmath.mpf(0)
                for rate, amplitude in terms:
                    a, sigma = mpmath.mpf(float(amplitude)), mpmath.mpf(float(rate))
                    total += a * mpmath.exp(-sigma * time)
                    total += a * mpmath.fsum(
                        gk * _filter(time, xk, sigma) for gk, xk in zip(g, x, strict=True)
                    )
                out.append(total)
            return out if raw else np.array([float(value) for value in out])

    return exact


def state_space(forcing, kernel, observation=None):
    """y, or an observation, by the exponential or the power of the companion matrix (80 digits).

    Works for weights of any sign or phase, zero weights and defective cases. States: modes, then
    forcing terms.
    """
    powers = isinstance(kernel, SumOfPowers)
    constants = [kernel.constant] if kernel.constant else []
    v = np.zeros(kernel.rates.size) if observation is None else np.asarray(observation)
    modes = _conjugated([*kernel.rates, *[0.0] * len(constants)], [*kernel.weights, *constants])
    observed = _conjugated([*kernel.rates, *[0.0] * len(constants)], [*v, *[0.0] * len(constants)])
    terms = _conjugated([0.0, *forcing.rates], [forcing.constant, *forcing.weights])
    n, p = len(modes), len(terms)

    @cache
    def at(time):
        with mpmath.workdps(80):
            matrix = mpmath.zeros(n + p)
            for i in range(n):
                for j in range(n):
                    matrix[i, j] = modes[j][1] + ((powers - modes[i][0]) if i == j else 0)
                for j in range(p):
                    matrix[i, n + j] = 1
            for j in range(p):
                matrix[n + j, n + j] = powers - terms[j][0]
            start = mpmath.matrix([0] * n + [a for _, a in terms])
            row = [*(w for _, w in modes), *[1] * p]
            if observation is not None:
                row = [*(w for _, w in observed), *[0] * p]
            if powers:
                moved = fixed_point.power(matrix, int(time))
            else:
                moved = fixed_point.exponential(matrix * mpmath.mpf(time))
            return float(mpmath.re(mpmath.fdot(row, moved * start)))

    return lambda t: np.array([at(float(time)) for time in np.atleast_1d(t)])


def by_segments(forcing, kernel, observation=None):
    """y, or an observation, for a `PiecewiseClock`, one matrix exponential per segment."""
    states = _segment_states(forcing, kernel)
    row = [*kernel.kernel.weights, kernel.kernel.constant]
    row = row if observation is None else [*observation, 0.0]

    def at(time):
        with mpmath.workdps(60):
            state = states(time)
            outer = [observation is None] * (len(state) - len(row))
            return float(mpmath.fdot([*multiprecision(row), *outer], state))

    return lambda t: np.array([at(float(time)) for time in np.atleast_1d(t)])


@cache
def _segment_states(forcing, kernel):
    """Modes, then forcing terms, as a function of time (60 digits)."""
    inner, clocked = kernel.kernel, isinstance(forcing, OnClock)
    f = forcing.terms if clocked else forcing
    rates, weights = ([*inner.rates, 0.0], [*inner.weights, inner.constant])
    sigma = [*f.rates, 0.0]
    n, p = len(rates), len(sigma)
    edges = multiprecision([0.0, *kernel.boundaries])

    def moved(state, number, time):
        pace, feed = multiprecision([kernel.clock_rates[number], kernel.weights[number]])
        matrix = mpmath.zeros(n + p)
        for i in range(n):
            for j in range(n):
                matrix[i, j] = feed * weights[j] - (pace * rates[i] if i == j else 0)
            for j in range(p):
                matrix[i, n + j] = feed
        for j in range(p):
            matrix[n + j, n + j] = -sigma[j] * (pace if clocked else mpmath.mpf(1))
        return fixed_point.exponential(matrix * time) * state

    @cache
    def start(number):
        if number == 0:
            return mpmath.matrix([0] * n + multiprecision([*f.weights, f.constant]))
        return moved(start(number - 1), number - 1, edges[number] - edges[number - 1])

    @cache
    def at(time):
        number = sum(edge <= time for edge in edges[1:])
        return moved(start(number), number, mpmath.mpf(time) - edges[number])

    return at


def _conjugated(rates, weights):
    """Pairs (rate, weight), of which the complex ones are joined by their conjugates, halved."""
    pairs = [
        (mpmath.mpmathify(complex(r)), complex(w)) for r, w in zip(rates, weights, strict=True)
    ]
    if not any(r.imag or w.imag for r, w in pairs):
        return [(r.real, mpmath.mpf(w.real)) for r, w in pairs]
    halves = [(r, mpmath.mpmathify(w) / 2) for r, w in pairs]
    return halves + [(mpmath.conj(r), mpmath.conj(w)) for r, w in halves]


# ----------------------------------------------------------------- the table


def _sums(name, tags, forcing, kernel, times, exact=None):
    return VolterraProblem(
        name,
        frozenset(tags.split()),
        forcing,
        kernel,
        np.asarray(times, dtype=float),
        exact or by_eigenvalues(forcing, kernel),
    )


def _clocked(name, tags, forcing, kernel, clock, rate, times, *, breakpoints=(), exact=None):
    """Y(c(t)): a problem without a clock, seen through one whose rate is the weight."""
    solution = exact or by_eigenvalues(forcing, kernel)
    changed = TimeChanged(kernel, clock, rate, clock_rate=rate, breakpoints=breakpoints)
    return VolterraProblem(
        name,
        frozenset(tags.split()),
        lambda t: forcing(clock(t)),
        changed,
        np.asarray(times, dtype=float),
        lambda t: solution(clock(np.asarray(t))),
    )


def constant(value=1.0):
    return SumOfExponentials([], [], constant=value)


def power_law(n, norm, *, exponent=1.7, decades=None):
    """Rates i^-exponent (or spread over decades), weights rate^2 scaled to a kernel norm."""
    rates = np.arange(1, n + 1) ** -exponent if decades is None else np.logspace(-decades, 0, n)
    weights = rates**2
    return SumOfExponentials(rates, weights * (norm / np.sum(weights / rates)))


def two_term_forcing(kernel):
    """Constant, half rates and full rates, as learning dynamics makes them."""
    rates = kernel.rates
    weights = np.concatenate([np.full(rates.size, 1.0 / rates.size), rates])
    return SumOfExponentials(np.concatenate([0.5 * rates, rates]), weights, constant=0.3)


def _manufactured_cosine():
    """K with two modes and y = cos(3t): the forcing is y - K y."""
    kernel = SumOfExponentials([1.0, 4.0], [0.5, 0.8])

    def forcing(t):
        memory = sum(
            w * (r * np.cos(3 * t) + 3 * np.sin(3 * t) - r * np.exp(-r * t)) / (r * r + 9)
            for r, w in zip(kernel.rates, kernel.weights, strict=True)
        )
        return np.cos(3 * t) - memory

    return forcing, kernel, lambda t: np.cos(3 * np.asarray(t))


def _manufactured_weight():
    """w(t) = 2 + sin 5t and y = 1 / w: the integrand of the memory is exp(-r (t-s))."""
    kernel = SumOfExponentials([0.5, 10.0], [0.2, 3.0])

    def exact(t):
        return 1 / (2 + np.sin(5 * np.asarray(t)))

    def forcing(t):
        memory = sum(
            w * -np.expm1(-r * t) / r for r, w in zip(kernel.rates, kernel.weights, strict=True)
        )
        return exact(t) - memory

    changed = TimeChanged(kernel, lambda t: 1.0 * t, lambda t: 2 + np.sin(5 * t))
    return forcing, changed, exact


def _stairs_rate(t):
    """A learning rate that halves at t = 1 and again at t = 3."""
    return np.where(t < 1, 1.0, np.where(t < 3, 0.5, 0.25))


def stairs(t):
    return np.minimum(t, 1) + 0.5 * np.clip(t - 1, 0, 2) + 0.25 * np.maximum(t - 3, 0)


def _pause_rate(t):
    return np.where((t >= 1) & (t < 2), 0.0, 1.0)


def _pause(t):
    return np.minimum(t, 1.0) + np.maximum(t - 2.0, 0.0)


def _table():
    E = SumOfExponentials
    short, long = np.linspace(0, 10, 21), np.concatenate([[0.0], np.logspace(-3, 6, 19)])
    wide = power_law(13, 0.9, decades=12)
    over, near = power_law(20, 1.01), power_law(20, 0.9999)
    mixed = E([0.1, 1.0, 7.0], [0.02, 0.3, 2.0])
    yield _sums(
        "zero kernel",
        "degenerate",
        E([1.0], [2.0]),
        E([1.0], [0.0]),
        short,
        lambda t: 2 * np.exp(-np.asarray(t)),
    )
    yield _sums(
        "one mode",
        "smooth",
        constant(),
        E([2.0], [1.0]),
        short,
        lambda t: 2 - np.exp(-np.asarray(t)),
    )
    yield _sums(
        "pure growth",
        "smooth supercritical",
        constant(),
        constant(0.3),
        short,
        lambda t: np.exp(0.3 * np.asarray(t)),
    )
    yield _sums(
        "critical", "near-critical", constant(), E([1.0], [1.0]), short, lambda t: 1 + np.asarray(t)
    )
    yield _sums(
        "one mode, just below critical", "near-critical stiff", constant(), E([1.0], [0.9999]), long
    )
    yield _sums(
        "one mode, twice critical",
        "supercritical",
        constant(),
        E([1.0], [2.0]),
        short,
        lambda t: 2 * np.exp(np.asarray(t)) - 1,
    )
    yield _sums(
        "forcing at the root",
        "resonant",
        E([1.0], [1.0]),
        E([2.0], [1.0]),
        short,
        lambda t: (1 + np.asarray(t)) * np.exp(-np.asarray(t)),
    )
    yield _sums(
        "forcing at the kernel rate",
        "resonant",
        E([2.0], [1.0]),
        E([2.0], [1.5]),
        short,
        lambda t: np.exp(-0.5 * np.asarray(t)),
    )
    yield _sums(
        "forcing next to the root", "resonant", E([1.0 + 1e-9], [1.0]), E([2.0], [1.0]), short
    )
    yield _sums("two scales", "stiff", constant(), E([1.0, 1e6], [0.4, 3e5]), long)
    yield _sums("twelve decades", "stiff multi-scale", two_term_forcing(wide), wide, long)
    yield _sums(
        "power law, just below critical",
        "multi-scale near-critical",
        two_term_forcing(near),
        near,
        long,
    )
    yield _sums(
        "power law, just above critical",
        "multi-scale supercritical",
        two_term_forcing(over),
        over,
        np.linspace(0, 50, 11),
    )
    yield _sums(
        "equal rates",
        "degenerate",
        constant(),
        E([2.0, 2.0], [0.25, 0.75]),
        short,
        lambda t: 2 - np.exp(-np.asarray(t)),
    )
    yield _sums(
        "nearly equal rates",
        "degenerate",
        E([1.0], [1.0], 0.5),
        E([2.0, 2.0 * (1 + 4e-16), 2.0 * (1 + 1e-13), 2.0 * (1 + 1e-9)], [0.3] * 4),
        short,
    )
    yield _sums(
        "zero and non-zero rates",
        "degenerate supercritical",
        E([0.5], [1.0]),
        E([0.0, 1.0], [0.01, 0.5]),
        short,
    )
    yield _sums("forcing of both signs", "smooth", E([0.2, 3.0], [1.0, -3.0], 0.5), mixed, short)
    yield VolterraProblem(
        "cosine",
        frozenset({"oscillatory"}),
        *_manufactured_cosine()[:2],
        np.linspace(0, 4, 9),
        _manufactured_cosine()[2],
    )
    yield VolterraProblem(
        "oscillating weight",
        frozenset({"oscillatory", "scheduled"}),
        *_manufactured_weight()[:2],
        short,
        _manufactured_weight()[2],
    )
    yield _clocked(
        "logarithmic clock",
        "scheduled smooth",
        E([1.0], [1.0], 0.5),
        mixed,
        np.log1p,
        lambda t: 1 / (1 + t),
        long,
    )
    yield _clocked(
        "wobbling clock",
        "scheduled oscillatory",
        E([1.0], [1.0], 0.5),
        mixed,
        lambda t: t + 0.5 * np.sin(t),
        lambda t: 1 + 0.5 * np.cos(t),
        short,
    )
    yield _clocked(
        "square-root clock, twelve decades",
        "scheduled multi-scale stiff",
        two_term_forcing(wide),
        wide,
        lambda t: 2 * (np.sqrt(1 + t) - 1),
        lambda t: 1 / np.sqrt(1 + t),
        long,
    )
    yield _clocked(
        "halving steps",
        "scheduled piecewise",
        E([1.0], [1.0], 0.5),
        mixed,
        stairs,
        _stairs_rate,
        short,
        breakpoints=(1.0, 3.0),
    )
    yield _clocked(
        "a pause",
        "scheduled piecewise degenerate",
        E([1.0], [1.0], 0.5),
        mixed,
        _pause,
        _pause_rate,
        short,
        breakpoints=(1.0, 2.0),
    )
    yield _clocked(
        "growth on a clock",
        "scheduled supercritical",
        constant(),
        E([1.0], [2.0]),
        lambda t: 0.5 * t + 0.1 * t**2,
        lambda t: 0.5 + 0.2 * t,
        short,
    )


def _segments():
    """Clocks and weights that are piecewise constant, and not each other's derivative."""
    E = SumOfExponentials
    mixed, stiff = E([0.1, 1.0, 7.0], [0.02, 0.3, 2.0]), E([1e-3, 1.0, 1e4], [2e-4, 0.2, 3e3])
    short, late = np.linspace(0, 10, 21), np.concatenate([[0.0], np.logspace(-5, 3, 16)])
    steps, halved = "piecewise scheduled", [1, 0.5, 0.1]
    cases = (
        ("steps of a learning rate", steps, mixed, [2, 5], halved, [1, 0.3, 0.01]),
        ("growth, then decay", "piecewise supercritical", mixed, [2, 5], [1, 1, 0.5], [3, 0, 0.5]),
        ("a clock that stands", "piecewise degenerate", mixed, [1, 2], [1, 0, 2], [1, 0.2, 1]),
        ("stiff steps", "piecewise stiff", stiff, [0.1, 100], [1, 0.1, 0.01], [1, 0.1, 1e-3]),
    )
    resonant = E([7.0, 0.5], [1.0, 0.5], 0.2)
    for number, (name, tags, inner, *steps) in enumerate(cases):
        kernel = PiecewiseClock(inner, *steps)
        forcing = kernel.on_clock(resonant) if number % 2 else resonant
        times = late if "stiff" in tags else short
        exact = by_segments(forcing, kernel)
        yield VolterraProblem(name, frozenset(tags.split()), forcing, kernel, times, exact)


def _discrete_and_signed():
    """Difference equations, and kernels of any sign or phase."""
    E, P = SumOfExponentials, SumOfPowers
    one = P([], [], constant=1.0)
    k, few = np.unique(np.rint(np.logspace(0, 5, 21))) - 1, np.arange(0.0, 41.0, 2.0)
    short = np.linspace(0, 10, 21)

    def case(name, tags, forcing, kernel, times, exact=None):
        return _sums(name, tags, forcing, kernel, times, exact or state_space(forcing, kernel))

    yield case(
        "one power",
        "discrete smooth",
        one,
        P([0.5], [0.25]),
        few,
        lambda k: 2 - 0.75 ** np.asarray(k),
    )
    yield case(
        "Fibonacci",
        "discrete supercritical",
        P([0.0], [1.0]),
        P([1.0, -1.0], [0.5, 0.5]),
        few,
        lambda k: np.array([max(1.0, float(mpmath.fib(int(i)))) for i in k]),
    )
    yield case(
        "critical powers", "discrete near-critical", one, P([0.5], [0.5]), k, lambda k: 1 + 0.5 * k
    )
    slow = P.from_decrements([1e-6, 1e-3, 0.4], [0.3e-6, 0.4e-3, 0.1])
    yield case(
        "six decades of decrements",
        "discrete multi-scale stiff",
        P.from_decrements([1e-6, 5e-7, 0.3], [1.0, 0.5, 2.0], 0.1),
        slow,
        k,
    )
    yield case(
        "ratios of both signs",
        "discrete",
        P([0.3, -0.8], [1.0, 2.0], 0.5),
        P([0.6, -0.9], [0.2, 0.1]),
        few,
    )
    yield case(
        "powers in resonance",
        "discrete resonant",
        P([0.5, 0.75, 0.75 + 1e-10], [1.0, 1.0, 1.0]),
        P([0.5], [0.25]),
        few,
    )
    yield case(
        "powers just above critical",
        "discrete supercritical",
        one,
        P([0.5, 0.9], [0.3, 0.041]),
        k[:12],
    )
    yield case(
        "rotating ratios",
        "discrete complex oscillatory",
        P([0.95 * np.exp(0.4j)], [1.0 - 0.5j], 0.2),
        P([0.9 * np.exp(0.4j), 0.5], [0.1 + 0.05j, 0.2]),
        few,
    )
    yield case(
        "sine as kernel",
        "complex oscillatory",
        constant(),
        E([1j], [0.5j]),
        short,
        lambda t: 2 - np.cos(np.asarray(t) / np.sqrt(2)),
    )
    yield case(
        "damped oscillation",
        "complex oscillatory",
        E([0.3, 1.0 + 2j], [1.0, 0.5], 0.2),
        E([0.5 + 3j, 2.0], [0.4 - 0.2j, 0.5]),
        short,
    )
    yield case(
        "negative kernel",
        "signed smooth",
        constant(),
        E([1.0], [-1.0]),
        short,
        lambda t: 0.5 * (1 + np.exp(-2 * np.asarray(t))),
    )
    yield case(
        "signed, two scales",
        "signed stiff",
        E([0.1], [1.0], 1.0),
        E([1.0, 200.0], [0.7, -300.0]),
        short,
    )
    yield case(
        "signed with complex roots",
        "signed oscillatory",
        constant(),
        E([1.0, 2.0], [-4.0, 3.0], 0.0),
        short,
    )


PROBLEMS = (*_table(), *_segments(), *_discrete_and_signed())
