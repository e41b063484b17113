"""Piecewise constant clocks and weights: exact, against matrix exponentials at 60 digits."""

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tables.problems import by_segments, power_law
from volterra import OnClock, PiecewiseClock, Status, SumOfExponentials, TimeChanged, solve
from volterra.exact import segments
from volterra.exact.segment import Segment

EPS = np.finfo(float).eps


def random_problem(seed):
    """Rates over six decades, segments from standing still to thrice critical, boundaries too."""
    rng = np.random.default_rng([seed, 7])
    modes, segments = rng.integers(1, 4), rng.integers(1, 5)
    rates = 10 ** rng.uniform(-3, 3, modes)
    shape = rates * rng.dirichlet(np.ones(modes))
    clock_rates = 10 ** rng.uniform(-2, 1, segments)
    clock_rates[rng.uniform(size=segments) < 0.2] = 0.0
    weights = 10 ** rng.uniform(-2, 0.5, segments) * clock_rates
    stands = clock_rates == 0
    weights[stands] = rng.uniform(0, 0.1, np.sum(stands)) / np.sum(shape)
    weights[rng.uniform(size=segments) < 0.15] = 0.0
    boundaries = np.cumsum(10 ** rng.uniform(-3, 0.5, segments - 1))
    kernel = PiecewiseClock(
        SumOfExponentials(rates, shape, rng.choice([0.0, 0.01])), boundaries, clock_rates, weights
    )
    # Every third forcing is resonant: the kernel's own rates, in either time.
    own = rates * rng.choice(clock_rates) if seed % 2 else rates
    outer = own if seed % 3 == 0 else 10 ** rng.uniform(-3, 3, 2)
    signs = rng.choice([-1, 1], outer.size) if seed % 5 == 0 else np.ones(outer.size)
    forcing = SumOfExponentials(
        outer, signs * rng.uniform(0.1, 1, outer.size), rng.choice([0, 0.3])
    )
    t = np.unique(rng.uniform(0, 2 * (boundaries[-1] if segments > 1 else 1.0), 3))
    t = np.unique(np.append(t, boundaries[-1:]))
    return forcing if seed % 2 else kernel.on_clock(forcing), kernel, t, rng


def sizes(forcing):
    """The forcing with the absolute values of its terms."""
    terms = forcing.terms if isinstance(forcing, OnClock) else forcing
    positive = SumOfExponentials(terms.rates, np.abs(terms.weights), abs(terms.constant))
    return OnClock(positive, forcing.kernel) if isinstance(forcing, OnClock) else positive


def check(seed):
    forcing, kernel, t, rng = random_problem(seed)
    solution = solve(forcing, kernel, t, method="segments", rtol=1e-9)
    majorant = solve(sizes(forcing), kernel, t, method="segments")
    v = rng.normal(size=kernel.kernel.rates.size)
    seen = solution.observe(v)
    scale = majorant.observe(np.abs(v)).y
    for found, size, observation in ((solution, majorant.y, None), (seen, scale, v)):
        exact = by_segments(forcing, kernel, observation)(t)
        finite = np.isfinite(found.y)
        assert np.all(np.abs(exact[~finite]) > 1e290), seed
        error = np.abs(found.y[finite] - exact[finite])
        assert np.all(error <= found.error[finite] + EPS * np.abs(exact[finite]) + 1e-300), seed
        assert np.all(found.error[finite] <= 1e-9 * size[finite] + 1e-290), seed


@pytest.mark.parametrize("block", range(6))
def test_random_problems(block):
    for seed in range(10 * block, 10 * block + 10):
        check(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(20))
def test_many_random_problems(block):
    for seed in range(1000 + 50 * block, 1050 + 50 * block):
        check(seed)


def test_the_sweep_notices_an_error_that_is_understated(monkeypatch):
    """The negative control."""
    original = segments.Piece.evaluate

    def understated(self, t):
        value, error = original(self, t)
        return value, 1e-4 * error

    monkeypatch.setattr(segments.Piece, "evaluate", understated)
    failures = 0
    for seed in range(12):
        try:
            check(seed)
        except AssertionError:
            failures += 1
    assert failures >= 3


def walked(kernel, t):
    """y, the modes at the end of the first segment, and the errors of both."""
    trajectory = solve(FORCING, kernel, t, method="segments").trajectory
    first = trajectory.walk.segment(0)
    return np.concatenate([trajectory.evaluate(t), first.end(kernel.boundaries[0]).T], axis=1)


def test_weights_that_are_off_are_counted(monkeypatch):
    """Weights of the local equations, 1e-6 too large, against weights that are known to 1e-6."""
    kernel, t, d = PiecewiseClock(KERNEL, [2.0], [1.0, 0.5], [1.0, 0.7]), np.array([0.3, 1.9]), 1e-6
    right, _ = walked(kernel, t)
    found = segments.roots_for_observation

    def larger(rates, weights, *arguments):
        return found(rates, (1 + d) * weights, *arguments)

    def vague(rates, weights, v, positive, deviation):
        return found(rates, weights, v, positive, d)

    monkeypatch.setattr(segments, "roots_for_observation", larger)
    change = np.abs(walked(kernel, t)[0] - right)
    monkeypatch.setattr(segments, "roots_for_observation", vague)
    error = walked(kernel, t)[1]
    assert np.all(change <= error)
    assert np.all(error <= 5 * change)


def test_errors_of_the_modes_are_carried_into_the_next_segment(monkeypatch):
    """Modes that are off by 1e-6 of themselves at a boundary, or said to be: nothing is lost."""
    kernel, t = PiecewiseClock(KERNEL, [2.0], [1.0, 0.5], [1.0, 0.7]), np.array([2.0, 3.0, 9.0])
    right, end = solve(FORCING, kernel, t, method="segments"), Segment.end

    def moved(self, stop):
        state = end(self, stop)
        return state + 1e-6 * state[:, :1] * [1, 0]

    def said(self, stop):
        state = end(self, stop)
        return state + 1e-6 * state[:, :1] * [0, 1]

    monkeypatch.setattr(Segment, "end", moved)
    change = solve(FORCING, kernel, t, method="segments").y - right.y
    monkeypatch.setattr(Segment, "end", said)
    error = solve(FORCING, kernel, t, method="segments").error
    assert np.all(change <= error)
    np.testing.assert_allclose(error, change, rtol=1e-6)


def test_rounding_of_large_exponents_is_counted():
    """A forcing and a mode that have decayed by some hundred orders where a segment begins."""
    rng, ratios = np.random.default_rng(5), []
    for _ in range(20):
        edge, rate = rng.uniform(0.5, 1), rng.uniform(300, 600)
        kernel = PiecewiseClock(SumOfExponentials([1.0], [1.0]), [edge], [1.0, 1.0], [0.0, 0.0])
        t = edge * (1 + 1e-3)
        found = solve(SumOfExponentials([rate], [1.0]), kernel, [t], method="segments")
        with mpmath.workdps(40):
            exact = mpmath.exp(-mpmath.mpf(rate) * mpmath.mpf(t))
            ratios.append(found.error[0] / abs(float(mpmath.mpf(found.y[0]) - exact)))
    assert min(ratios) >= 1
    for _ in range(15):
        edge, length = rng.uniform(0.5, 1), rng.uniform(300, 600)
        edges = [edge, edge + length]
        kernel = PiecewiseClock(SumOfExponentials([1.0], [1.0]), edges, np.ones(3), [1.0, 0.0, 0.0])
        t = edges[1] + 1e-3
        found = solve(SumOfExponentials([50.0], [1.0]), kernel, [t], method="segments")
        with mpmath.workdps(40):
            # U' = -U + (f + U) up to the edge, f = exp(-50 t); then only U' = -U
            full = -mpmath.expm1(-50 * mpmath.mpf(edge)) / 50
            exact = full * mpmath.exp(mpmath.mpf(edge) - mpmath.mpf(t))
            ratios.append(found.error[0] / abs(float(mpmath.mpf(found.y[0]) - exact)))
    assert min(ratios) >= 1


KERNEL = SumOfExponentials([0.5, 1.0, 3.0, 3.0], [0.1, 0.3, 0.5, 0.2], 0.01)
STEPS = PiecewiseClock(KERNEL, [1, 2, 3.5, 5], [1, 0, 0.5, 2, 1], [1, 2, 0.3, 0, 0.5])
FORCING = SumOfExponentials([1.0, 0.7], [1.0, 0.3], 0.5)


@pytest.mark.parametrize("forcing", [FORCING, STEPS.on_clock(FORCING)], ids=["time", "clock"])
def test_agrees_with_collocation(forcing):
    t = np.linspace(0, 12, 25)
    solution = solve(forcing, STEPS, t)
    stepped = solve(forcing, STEPS, t, method="collocation", rtol=1e-11)
    assert (solution.method, stepped.method) == ("segments", "collocation")
    np.testing.assert_allclose(solution.y, stepped.y, rtol=2e-11)
    assert np.all(solution.error <= 1e-12 * solution.y)
    v = np.array([1.0, -2.0, 0.3, 0.1])
    np.testing.assert_allclose(
        solution.observe(v, np.cos).y, stepped.observe(v, np.cos).y, rtol=0, atol=1e-9
    )


def test_is_a_time_changed_kernel():
    """Its functions are the noun's data, seen from the right at a boundary."""
    t = np.array([0.0, 0.5, 1.0, 1.5, 2.0, 6.0])
    np.testing.assert_allclose(STEPS.clock(t), [0, 0.5, 1, 1, 1, 5.75])
    np.testing.assert_array_equal(STEPS.weight(t), [1, 1, 2, 2, 0.3, 0.5])
    np.testing.assert_array_equal(STEPS.clock_rate(t), [1, 1, 0, 0, 0.5, 1])
    assert isinstance(STEPS, TimeChanged)


def test_one_segment_is_the_exact_method():
    t = np.logspace(-3, 3, 13)
    one = PiecewiseClock(KERNEL, [], [1.0], [0.8])
    whole = SumOfExponentials(KERNEL.rates, 0.8 * KERNEL.weights, 0.8 * KERNEL.constant)
    exact = solve(FORCING, whole, t, method="exact")
    np.testing.assert_allclose(solve(FORCING, one, t).y, exact.y, rtol=1e-12)


def test_boundaries_that_change_nothing():
    """A thousand needless boundaries: rounding adds up slowly, and is reported."""
    t, edges = np.array([0.1, 1.0, 5.0, 10.0]), np.linspace(0, 9, 1001)[1:]
    inner = power_law(10, 0.99)
    cut = PiecewiseClock(inner, edges, np.ones(1001), np.ones(1001))
    solution = solve(FORCING, cut, t, method="segments")
    exact = solve(FORCING, inner, t, method="exact")
    error = np.abs(solution.y - exact.y)
    assert np.all(error <= solution.error + exact.error)
    assert np.all(solution.error <= 1e-10 * solution.y)


def test_dense_output_beyond_the_horizon():
    solution = solve(FORCING, STEPS, [0.5])
    assert solution.work["segments"] == 1
    t = np.array([0.2, 1.0, 4.0, 40.0])
    np.testing.assert_allclose(solution(t), by_segments(FORCING, STEPS)(t), rtol=1e-13)
    assert solution.at(t).status is Status.CONVERGED
    np.testing.assert_array_equal(solution.at(t[::-1].copy()).y, solution(t)[::-1])


def test_without_modes():
    empty = PiecewiseClock(SumOfExponentials([], []), [1.0], [1.0, 0.0], [1.0, 1.0])
    np.testing.assert_allclose(solve(FORCING, empty, [0, 2.0]).y, FORCING([0, 2.0]), rtol=1e-15)


def test_overflow_is_a_status():
    growing = PiecewiseClock(SumOfExponentials([1.0], [1.0]), [10, 20], [1, 1, 1], [1, 90, 0])
    solution = solve(FORCING, growing, [1.0, 15.0, 19.9, 21.0])
    assert solution.status is Status.OVERFLOW
    overflown = ~np.isfinite(solution.y)
    np.testing.assert_array_equal(overflown, [False, False, True, True])
    assert np.all(np.isinf(solution.error[overflown]))
    assert solution.observe([0.0]).status is Status.OVERFLOW
    exact = by_segments(FORCING, growing)(solution.t[:2])
    np.testing.assert_allclose(solution.y[:2], exact, rtol=1e-12)


@pytest.mark.parametrize("n", [200])
def test_long_kernels_over_many_scales(n):
    """A power law whose rate halves thrice; collocation at 1e-10 is the witness."""
    steps = np.array([1, 0.5, 0.25, 0.125])
    kernel = PiecewiseClock(power_law(n, 0.95), [10, 1e3, 1e5], steps, steps**2)
    forcing = kernel.on_clock(SumOfExponentials(kernel.kernel.rates, kernel.kernel.rates, 0.1))
    t = np.logspace(-2, 7, 19)
    solution = solve(forcing, kernel, t)
    assert solution.method == "segments"
    assert np.all(solution.error <= 1e-12 * solution.y)
    witness = solve(forcing, kernel, t, method="collocation", rtol=1e-10)
    assert np.all(np.abs(solution.y - witness.y) <= solution.error + witness.error)


@given(split=st.lists(st.floats(0.01, 3), min_size=1, max_size=6), stands=st.booleans())
@settings(max_examples=25, deadline=None)
def test_a_pause_is_cut_out(split, stands):
    """Where clock and weight stand, y stands: pausing shifts time and changes nothing else."""
    edges = np.cumsum(split)
    clock = np.ones(edges.size + 1)
    clock[1] = 0.0 if stands else 1.0
    kernel = PiecewiseClock(KERNEL, edges, clock, clock)
    t = edges[-1] + np.array([0.5, 4.0])
    shift = split[1] if stands and len(split) > 1 else 0.0
    if stands and len(split) == 1:
        t, expected = np.array([edges[0], edges[0] + 3]), np.full(2, edges[0])
    else:
        expected = t - shift
    plain = solve(FORCING, KERNEL, np.unique(expected), method="exact")(expected)
    found = solve(kernel.on_clock(FORCING), kernel, t, method="segments")
    np.testing.assert_allclose(found.y, plain, rtol=1e-11)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: PiecewiseClock(KERNEL, [1, 1], [1] * 3, [1] * 3), "strictly increasing"),
        (lambda: PiecewiseClock(KERNEL, [0], [1] * 2, [1] * 2), "must be > 0"),
        (lambda: PiecewiseClock(KERNEL, [np.inf], [1] * 2, [1] * 2), "finite"),
        (lambda: PiecewiseClock(KERNEL, [1], [1], [1, 1]), "1 boundaries and 1 clock_rates"),
        (lambda: PiecewiseClock(KERNEL, [1], [1, 1], [1]), "1 weights: pass one more"),
        (lambda: PiecewiseClock(KERNEL, [1], [1, -1], [1, 1]), "clock_rates must be >= 0"),
        (lambda: PiecewiseClock(KERNEL, [1], [1, 1], [1, -1]), "weights must be >= 0"),
        (lambda: PiecewiseClock([1.0], [1], [1, 1], [1, 1]), "SumOfExponentials as its kernel"),
        (lambda: STEPS.on_clock(np.cos), "needs a real SumOfExponentials"),
        (lambda: solve(np.cos, STEPS, [1.0], method="segments"), "pass kernel.on_clock"),
        (lambda: solve(FORCING, KERNEL, [1.0], method="segments"), "needs a PiecewiseClock"),
        (
            lambda: solve(
                PiecewiseClock(KERNEL, [1], [1, 2], [1, 1]).on_clock(FORCING),
                STEPS,
                [1.0],
                method="segments",
            ),
            "another clock",
        ),
        (
            lambda: solve(
                PiecewiseClock(KERNEL, [1, 2, 3.5, 5], [1, 0, 0.5, 2, 3], np.ones(5)).on_clock(
                    FORCING
                ),
                STEPS,
                [1.0],
                method="segments",
            ),
            "another clock",
        ),
        (
            lambda: solve(
                FORCING,
                PiecewiseClock(SumOfExponentials([1.0], [-1.0]), [1], [1, 1], [1, 1]),
                [1.0],
                method="segments",
            ),
            "weights >= 0",
        ),
    ],
)
def test_bad_input_gets_a_sentence(build, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence) as caught:
        build()
    assert str(caught.value).count("\n") == 0


def test_other_forcings_and_kernels_go_to_collocation():
    signed = PiecewiseClock(SumOfExponentials([1.0], [-1.0]), [1], [1, 1], [1, 1])
    assert solve(FORCING, signed, [1.0]).method == "collocation"
    assert solve(np.cos, STEPS, [0.5]).method == "collocation"
