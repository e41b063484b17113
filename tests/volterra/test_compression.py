import dataclasses
import tracemalloc

import numpy as np
import pytest

from tests.tables.problems import by_eigenvalues, power_law, two_term_forcing
from tests.volterra.random_problems import (
    EPS,
    SPECTRA,
    by_laplace_inversion,
    needs_extended_precision,
    reference,
    spectrum_rates,
)
from volterra import (
    Compression,
    Status,
    SumOfExponentials,
    TimeChanged,
    analyse,
    compress,
    solve,
)
from volterra.compression.cells import cell_number, condense
from volterra.compression.certificate import GroupRule, grid
from volterra.compression.compress import Compressor
from volterra.compression.gauss import recurrence
from volterra.compression.majorants import Derivative, renewal_bound
from volterra.compression.question import LongQuestion
from volterra.compression.short import chord
from volterra.exact.method import solve_exact
from volterra.exact.secular import secular_roots


def transform(sum, t, shift):
    """The sum times exp(shift t) and the same of its absolute values, in extended precision."""
    rates = np.append(sum.rates, 0.0).astype(np.longdouble) - shift
    weights = np.append(sum.weights, sum.constant).astype(np.longdouble)
    decay = [np.exp(-rates[weights != 0] * time) for time in t.astype(np.longdouble)]
    weights = weights[weights != 0]
    return np.array([d @ weights for d in decay]), np.array([d @ np.abs(weights) for d in decay])


def measured_error(long, short):
    """Largest relative error over all times at which the sum has not underflown."""
    rates = long.rates if long.constant == 0 else np.append(long.rates, 0.0)
    slowest = rates.min()
    positive = rates[rates > 0].min()
    last = 600.0 / slowest if slowest > 0 else 1e3 / positive
    t = np.append(0.0, np.geomspace(1e-3 / rates.max(), last, 150))
    exact, _ = transform(long, t, slowest)
    found, size = transform(short, t, slowest)
    return float(np.max(np.abs(exact - found) / size))


# ------------------------------------------------------------------------- the promise


@needs_extended_precision
@pytest.mark.parametrize("name", SPECTRA)
@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-9, 1e-12])
def test_the_error_is_bounded_and_within_the_tolerance(name, rtol):
    rng = np.random.default_rng(7)
    for modes in (100, 2_000, 9_000):
        rates = spectrum_rates(name, modes, rng)
        long = SumOfExponentials(rates, rates ** rng.uniform(0.5, 2) * rng.uniform(0, 1, modes))
        short = compress(long, rtol=rtol)
        assert measured_error(long, short.sum) <= short.error + 4 * EPS
        assert short.error <= rtol
        assert short.sum.rates.size <= modes
        assert np.all(short.sum.weights > 0)


@needs_extended_precision
def test_the_bound_is_not_hopelessly_pessimistic():
    rates = np.arange(1, 3001) ** -1.7
    long = SumOfExponentials(rates, rates**2)
    for rtol in (1e-4, 1e-9):
        short = compress(long, rtol=rtol)
        assert short.error <= 100 * measured_error(long, short.sum)


@needs_extended_precision
def test_the_certificate_is_sharp_where_rules_are_short():
    """A few nodes in one group: a tenth of the error would be a lie."""
    rates, ratios = np.append(1.0, np.linspace(2.0, 7.9, 500)), []
    long = SumOfExponentials(rates, np.ones(501))
    for rtol in (0.3, 0.1, 0.03, 0.01, 0.003):
        short = compress(long, rtol=rtol)
        ratios.append(short.error / measured_error(long, short.sum))
    assert 1 <= min(ratios) < 10


@needs_extended_precision
def test_nodes_that_no_rate_can_hold_are_counted():
    """Rates of a billion that differ by less than 0.01: a node is rounded to what a rate can be."""
    ratios = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        rates = 1e9 + rng.uniform(0, 1e-2, 200)
        long = SumOfExponentials(rates, rng.uniform(0, 1, 200))
        short = compress(long, rtol=1e-3)
        ratios.append(short.error / measured_error(long, short.sum))
    assert 1 <= min(ratios) < 10


@needs_extended_precision
def test_terms_of_both_signs_zero_rates_and_a_constant():
    rng = np.random.default_rng(3)
    rates = np.concatenate([[0.0, 0.0], 10 ** rng.uniform(-3, 3, 3_000)])
    weights = rng.standard_normal(rates.size)
    for constant in (0.0, 2.0, -50.0):
        long = SumOfExponentials(rates, weights, constant)
        short = compress(long, rtol=1e-10)
        assert 0 < short.error <= 1e-10
        assert measured_error(long, short.sum) <= short.error + 4 * EPS
        assert short.sum.rates.size < 400


def test_gauss_stays_below_at_every_time():
    rates = np.linspace(1.0, 3.0, 5_000)
    long = SumOfExponentials(rates, rates)
    short = compress(long, rtol=1e-4)
    t = np.geomspace(1e-2, 100, 50)
    assert np.all(short.sum(t) <= long(t) * (1 + 1e-12))
    assert np.any(short.sum(t) < long(t) * (1 - 1e-7))


def test_a_few_hundred_terms_at_most_and_more_of_them_for_more():
    lengths = []
    for modes in (1_000, 100_000):
        rates = np.arange(1, modes + 1) ** -1.7
        lengths.append(
            [
                compress(SumOfExponentials(rates, rates**2), rtol=rtol).sum.rates.size
                for rtol in (1e-4, 1e-8, 1e-12)
            ]
        )
    assert np.all(np.diff(lengths, axis=1) > 0)
    assert np.max(lengths) < 300


def test_slowest_rate_and_kernel_norm_are_kept():
    rates = np.arange(1, 20_001) ** -1.5
    long = SumOfExponentials(rates, rates**2)
    short = compress(long, rtol=1e-9).sum
    assert short.rates.min() == rates.min()
    assert short.weights[np.argmin(short.rates)] == rates[-1] ** 2
    norm = np.sum(rates)
    assert np.sum(short.weights / short.rates) == pytest.approx(norm, rel=1e-9)


def test_equal_rates_become_one():
    long = SumOfExponentials(np.repeat([1.0, 2.0, 30.0], 40_000), np.full(120_000, 0.5))
    short = compress(long, rtol=1e-9).sum
    np.testing.assert_allclose(np.sort(short.rates), [1, 2, 30], rtol=1e-14)
    np.testing.assert_allclose(short.weights, 20_000, rtol=1e-12)


def test_what_is_short_or_would_not_become_shorter_stays():
    for modes in (0, 1, 40):
        long = SumOfExponentials(np.arange(modes), np.ones(modes), 1.0)
        kept = compress(long)
        assert kept.sum is long
        assert kept.error == 0
    wide = SumOfExponentials(np.logspace(-30, 0, 60), np.ones(60))
    assert compress(wide, rtol=1e-12).sum is wide


def test_extreme_units_and_weights():
    for unit in (1e-115, 1e115):
        rates = unit * np.linspace(1, 5, 500)
        short = compress(SumOfExponentials(rates, np.ones(500)), rtol=1e-9)
        assert 0 < short.error <= 1e-9
        assert short.sum.rates.size < 60
    steep = SumOfExponentials(np.linspace(1, 1000, 3_000), np.logspace(-200, 0, 3_000))
    short = compress(steep, rtol=1e-8)
    assert measured_error(steep, short.sum) <= short.error + 4 * EPS


def test_an_unreachable_tolerance_gives_the_true_error():
    rates = np.linspace(1, 5, 5_000)
    short = compress(SumOfExponentials(rates, rates), rtol=1e-18)
    assert 1e-18 < short.error < 1e-11


@pytest.mark.parametrize(
    ("argument", "rtol", "error", "message"),
    [
        (SumOfExponentials([1 + 1j], [1.0]), 1e-8, ValueError, "keep the complex pairs apart"),
        (np.ones(3), 1e-8, TypeError, "build one from rates and weights"),
        (SumOfExponentials([1.0], [1.0]), 0.0, ValueError, "rtol=1e-10"),
        (SumOfExponentials([1.0], [1.0]), -1e-8, ValueError, "finite number > 0"),
        (SumOfExponentials([1.0], [1.0]), np.nan, ValueError, "finite number > 0"),
        (SumOfExponentials([1.0], [1.0]), "tight", ValueError, "finite number > 0"),
    ],
)
def test_bad_input_is_one_sentence(argument, rtol, error, message):
    with pytest.raises(error, match=message) as caught:
        compress(argument, rtol=rtol)
    assert "\n" not in str(caught.value)


def test_is_frozen():
    short = compress(SumOfExponentials([1.0], [1.0]))
    assert isinstance(short, Compression)
    with pytest.raises(dataclasses.FrozenInstanceError):
        short.error = 0.0


def test_memory_is_a_small_multiple_of_the_input():
    rates = 10 ** np.random.default_rng(0).uniform(-6, 0, 1_000_000)
    long = SumOfExponentials(rates, rates)
    tracemalloc.start()
    Compressor(long)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 8 * rates.size


# ------------------------------------------------------------------------- its parts


def test_cells_keep_seven_moments_each():
    rng = np.random.default_rng(5)
    s, w = 10 ** rng.uniform(-3, 0, 20_000), rng.uniform(0, 1, 20_000)
    nodes, weights = condense(s, w, 1e-3)
    assert nodes.size < 1500
    where, there = cell_number(s, 1e-3), cell_number(nodes, 1e-3)
    for cell in np.unique(where)[::40]:
        for power in range(8):
            long = np.sum((w * s**power)[where == cell])
            assert np.sum((weights * nodes**power)[there == cell]) == pytest.approx(long, rel=1e-13)


def test_cells_in_several_chunks_give_the_same_moments():
    rng = np.random.default_rng(5)
    s, w = 10 ** rng.uniform(-1, 0, 1_100_000), rng.uniform(0, 1, 1_100_000)
    nodes, weights = condense(s, w, 0.1)
    assert nodes.size < 500
    assert np.sum(weights * nodes**7) == pytest.approx(np.sum(w * s**7), rel=1e-12)


def test_gauss_and_radau_match_moments_and_enclose():
    rng = np.random.default_rng(6)
    x, w = np.sort(rng.uniform(1, 4, 200)), rng.uniform(0, 1, 200)
    found = recurrence(x, w, 8)
    gauss, radau = found.gauss(5), found.radau(5)
    for power in range(11):
        exact = np.sum(w * x**power)
        assert np.sum(radau.weights * radau.nodes**power) == pytest.approx(exact, rel=1e-13)
        if power < 10:
            assert np.sum(gauss.weights * gauss.nodes**power) == pytest.approx(exact, rel=1e-13)
    assert radau.nodes[0] == x[0]
    for t in (0.5, 2.0, 6.0):
        exact = np.sum(w * np.exp(-t * x))
        assert np.sum(gauss.weights * np.exp(-t * gauss.nodes)) < exact
        assert np.sum(radau.weights * np.exp(-t * radau.nodes)) > exact


def test_lanczos_stays_orthogonal_where_nodes_settle():
    """Points far from all others are nodes early, and come back if rounding is not taken away."""
    far = [2.0, 3.3, 5.0, 7.0, 8.0]
    w = np.concatenate([np.full(1500, 1e-3), [1.0, 1e-5, 1e-9, 1e-3, 1e-12]])
    for seed in range(20):
        x = np.append(1 + 1e-4 * np.random.default_rng(seed).uniform(size=1500), far)
        found = recurrence(x, w, 20).gauss(20)
        long, short = (
            np.polynomial.chebyshev.chebvander((p - 4.5) / 3.5, 39).T @ weights
            for p, weights in ((x, w), (found.nodes, found.weights))
        )
        np.testing.assert_allclose(short, long, rtol=0, atol=1e-11 * np.sum(w))


@needs_extended_precision
def test_the_bound_holds_between_the_times_of_its_grid():
    """Early on the error of twenty nodes grows by a factor of seven from one time to the next."""
    rng, m = np.random.default_rng(6), 20
    x, w = np.sort(rng.uniform(1, 8, 300)), rng.uniform(0, 1, 300)
    found = recurrence(x, w, m + 2)
    rule = GroupRule(
        found.gauss(m), found.radau(m), np.zeros(m), found.left, found.right, found.mass, False
    )
    t = grid(0.1, 100.0)
    between = (t[:-1, None] * (t[1:] / t[:-1])[:, None] ** np.linspace(0, 1, 5)).reshape(-1)
    long = SumOfExponentials(x, w)
    short = SumOfExponentials(rule.gauss.nodes, rule.gauss.weights)
    wrong = np.abs(transform(long, between, 0.0)[0] - transform(short, between, 0.0)[0])
    bound = rule.error(t, rule.transform(t))[:-1]
    assert np.all(np.max(wrong.reshape(-1, 5), axis=1) <= bound)


def test_lanczos_notices_that_a_measure_has_few_points():
    found = recurrence(np.repeat([1.0, 1.5, 7.0], 50), np.ones(150), 10)
    assert found.distinct == 3
    np.testing.assert_allclose(found.gauss(3).nodes, [1, 1.5, 7], rtol=1e-14)


# ------------------------------------------------------------------------- solutions


@needs_extended_precision
@pytest.mark.parametrize("norm", [0.5, 0.99, 0.9999, 1.01, 2.0])
@pytest.mark.parametrize("rtol", [1e-4, 1e-10])
def test_solution_is_honest_and_converged(norm, rtol):
    kernel = power_law(400, norm)
    forcing = two_term_forcing(kernel)
    t = np.geomspace(0.1, 1e9, 4) if norm < 1 else np.array([0.1, 10.0, 100.0, 600.0])
    solution = solve(forcing, kernel, t, method="compressed", rtol=rtol)
    exact = reference(forcing, kernel, t)
    assert solution.status is Status.CONVERGED
    assert np.all(np.abs(solution.y - exact) <= solution.error)


def test_the_error_grows_where_the_kernel_nears_its_critical_norm():
    """The same compression; what it does to y is amplified by 1 / (1 - norm), and said so."""
    errors = []
    for norm in (0.5, 0.99):
        kernel = power_law(600, norm)
        solution = solve(two_term_forcing(kernel), kernel, [1e5], rtol=1e-6)
        errors.append(solution.trajectory.compression_error(np.array([1e5]))[0] / solution.y[0])
        errors[-1] /= solution.trajectory.deviation
    assert 20 < errors[1] / errors[0] < 100


def convolved_with_itself(x, g, t):
    """R*R of R = sum_k g_k exp(-x_k t), pair by pair."""
    gap = np.abs(x - x[:, None])
    near = np.where(gap == 0, 1.0, gap)
    decay = np.exp(-np.multiply.outer(t, np.minimum(x, x[:, None])))
    lag = np.where(gap == 0, t[:, None, None], -np.expm1(-gap * t[:, None, None]) / near)
    return np.einsum("k,l,tkl->t", g, g, decay * lag)


@pytest.mark.parametrize("norm", [0.3, 0.99, 1.0, 2.0])
@pytest.mark.parametrize("horizon", [1.0, 30.0, 1e4, 1e9])
def test_renewal_bound_holds_and_is_not_absurd(norm, horizon):
    kernel = power_law(12, norm)
    order = np.argsort(kernel.rates)
    roots = secular_roots(kernel.rates[order], kernel.weights[order])
    # A common factor exp(x_0 t) leaves the ratio alone.
    x, g = roots.root - roots.root[0], roots.residue
    t = np.geomspace(1e-3, horizon, 400)
    ratio = convolved_with_itself(x, g, t) / (np.exp(-np.multiply.outer(t, x)) @ g)
    if roots.root[0] * horizon < 700:
        assert np.max(ratio) <= renewal_bound(roots, horizon) <= 30 * np.max(ratio)
    else:
        assert np.max(ratio[t * roots.root[0] < 700]) <= renewal_bound(roots, horizon)


def test_a_time_at_which_all_has_decayed():
    kernel = power_law(20_000, 0.9)
    solution = solve(two_term_forcing(kernel), kernel, [1e200])
    assert solution.status is Status.CONVERGED
    assert solution.y[0] == pytest.approx(10 * two_term_forcing(kernel).constant, rel=1e-8)


def test_derivative_bounds_what_a_perturbation_does():
    """Weights off by d in the worst direction: the bound holds, and is sharp to first order."""
    kernel = power_law(60, 0.9)
    forcing = two_term_forcing(kernel)
    t = np.geomspace(0.1, 1e4, 30)
    for d in (1e-6, 1e-3):
        known = solve_exact(forcing, kernel, deviation=d)
        bound = Derivative(None, known.roots, d, factors=1).error(t, *known.evaluate(t))
        larger = [
            SumOfExponentials(s.rates, (1 + d) * s.weights, (1 + d) * s.constant)
            for s in (forcing, kernel)
        ]
        change = solve_exact(*larger).evaluate(t)[0] - known.evaluate(t)[0]
        assert np.all(change <= bound)
        assert np.all(bound <= 1.2 * change)


@pytest.mark.parametrize("norm", [0.2, 0.9])
def test_derivative_bounds_what_a_perturbation_does_to_an_observation(norm):
    """Kernel, forcing and weights off by d each; at the smaller norm each of them shows."""
    kernel = power_law(60, norm)
    forcing, v = two_term_forcing(kernel), kernel.rates
    t = np.geomspace(0.1, 1e4, 30)
    for d in (1e-6, 1e-3):
        known = solve_exact(forcing, kernel, deviation=d).observe(v, None)
        bound = Derivative(None, known.roots, d, factors=2).error(t, *known.evaluate(t))
        larger = [
            SumOfExponentials(s.rates, (1 + d) * s.weights, (1 + d) * s.constant)
            for s in (forcing, kernel)
        ]
        other = solve_exact(*larger).observe((1 + d) * v, None)
        change = other.evaluate(t)[0] - known.evaluate(t)[0]
        assert np.all(change <= bound)
        assert np.all(bound <= 1.2 * change)


def test_chord_bounds_what_a_perturbation_does():
    """The same for the bound from two rough solves."""
    kernel, forcing = (
        SumOfExponentials([0.3, 2.0], [0.1, 0.8]),
        SumOfExponentials([0.5], [1.0], 0.2),
    )
    t, d = np.array([0.5, 3.0, 20.0]), 1e-5
    function = lambda t: forcing(t)  # noqa: E731
    question = LongQuestion(function, kernel, t, 1e-6, 0.0, Compressor(kernel), None)
    bound = chord(question, function, kernel, d).error(t, np.zeros(3), np.zeros(3))
    larger = [
        SumOfExponentials(s.rates, (1 + d) * s.weights, (1 + d) * s.constant)
        for s in (forcing, kernel)
    ]
    change = solve_exact(*larger).evaluate(t)[0] - solve_exact(forcing, kernel).evaluate(t)[0]
    assert np.all(change <= bound)
    assert np.all(bound <= 1.2 * change)


def test_times_beyond_those_asked_for_are_answered_too():
    kernel = power_law(1_000, 0.9)
    forcing = two_term_forcing(kernel)
    early = solve(forcing, kernel, [1.0, 20.0])
    late = early.at([10.0, 1e6])
    exact = solve(forcing, kernel, [10.0, 1e6], method="exact")
    assert late.status is Status.CONVERGED
    assert np.all(np.abs(late.y - exact.y) <= late.error + exact.error)
    v = kernel.rates * np.cos(np.arange(1_000))
    observed, truth = early.observe(v).at([10.0, 1e6]), exact.observe(v)
    assert np.all(np.abs(observed.y - truth.y) <= observed.error + truth.error)
    assert np.all(observed.error <= 1e-6 * np.max(np.abs(truth.y)))


def test_auto_compresses_when_it_pays_and_counts_modes():
    short, long = power_law(100, 0.9), power_law(3_000, 0.9)
    t = np.array([1.0, 100.0])
    assert solve(two_term_forcing(short), short, t).method == "exact"
    solution = solve(two_term_forcing(long), long, t)
    assert solution.method == "compressed"
    assert solution.work["modes"] == 3_000
    assert 20 < solution.work["compressed_modes"] < 300


def test_too_tight_a_tolerance_leaves_the_modes_alone():
    kernel = power_law(1_000, 0.9999)
    t = np.array([1e5])
    solution = solve(two_term_forcing(kernel), kernel, t, rtol=2e-12)
    assert solution.work["compressed_modes"] == solution.work["modes"] == 1_000
    plain = solve(two_term_forcing(kernel), kernel, t, method="exact", rtol=2e-12)
    np.testing.assert_array_equal(solution.y, plain.y)


def test_overflow_is_a_status():
    kernel = power_law(600, 2.0)
    solution = solve(two_term_forcing(kernel), kernel, [1.0, 1e6])
    assert solution.status is Status.OVERFLOW
    assert np.isfinite(solution.error[0])
    assert solution.error[1] == np.inf


@pytest.mark.parametrize("sign", ["positive", "mixed"])
@pytest.mark.parametrize("norm", [0.5, 0.99, 1.01])
def test_observations(sign, norm):
    rng = np.random.default_rng(11)
    kernel = power_law(600, norm)
    forcing = two_term_forcing(kernel)
    v = kernel.rates * (rng.uniform(0, 1, 600) if sign == "positive" else rng.standard_normal(600))
    t = np.geomspace(0.1, 300.0, 20)
    extra = SumOfExponentials([0.5], [1.0])
    observed = solve(forcing, kernel, t, rtol=1e-6, method="compressed").observe(v, extra)
    exact = solve(forcing, kernel, t, method="exact").observe(v, extra)
    assert np.all(np.abs(observed.y - exact.y) <= observed.error + exact.error)
    assert np.all(observed.error <= 1e-6 * np.abs(exact.y))
    assert observed.status is Status.CONVERGED
    assert observed.work["compressed_modes"] < 200


def test_observing_twice_observes_the_solution():
    kernel = power_law(600, 0.9)
    solution = solve(two_term_forcing(kernel), kernel, [1.0, 50.0], method="compressed")
    once = solution.observe(kernel.rates)
    np.testing.assert_array_equal(once.observe(kernel.rates).y, once.y)


def test_a_clock_and_a_callable_forcing():
    kernel = power_law(400, 0.9)
    forcing = two_term_forcing(kernel)
    t = np.array([0.0, 1.0, 30.0, 1000.0])

    def clock(t):
        return 2 * (np.sqrt(1 + t) - 1)

    def rate(t):
        return 1 / np.sqrt(1 + t)

    changed = TimeChanged(kernel, clock, rate, clock_rate=rate)
    solution = solve(lambda t: forcing(clock(t)), changed, t, method="compressed", rtol=1e-7)
    exact = solve(forcing, kernel, clock(t), method="exact")
    assert solution.status is Status.CONVERGED
    assert np.all(np.abs(solution.y - exact.y) <= solution.error + exact.error)
    assert solution.work["compressed_modes"] < 150
    v = kernel.rates * np.cos(np.arange(400))
    observed, truth = solution.observe(v), exact.observe(v)
    assert np.all(np.abs(observed.y - truth.y) <= observed.error + truth.error)
    assert np.all(observed.error <= 1e-5 * np.max(np.abs(truth.y)))


def test_a_clock_that_runs_far_ahead_of_time():
    """Lags are the clock's: what is compressed has to be right beyond all times that are asked."""
    kernel, speed = power_law(400, 0.9), 1e6
    forcing = two_term_forcing(kernel)
    t = np.array([1.0, 1e3, 1e5]) / speed
    changed = TimeChanged(
        kernel,
        lambda t: speed * t,
        lambda t: np.full_like(t, speed),
        clock_rate=lambda t: np.full_like(t, speed),
    )
    solution = solve(lambda t: forcing(speed * t), changed, t, method="compressed", rtol=1e-6)
    exact = solve(forcing, kernel, speed * t, method="exact")
    assert np.all(np.abs(solution.y - exact.y) <= solution.error + exact.error)
    assert solution.work["compressed_modes"] < 150


def test_what_compressing_the_forcing_does_is_counted():
    """The kernel is short as it is, and the forcing's terms cancel at the time that is asked."""
    rates, t = np.append(1.0, np.linspace(2.0, 7.9, 600)), np.array([8.0])
    size = float(np.sum(np.exp(-rates * t)))
    forcing = SumOfExponentials(
        np.append(rates, 1.5), np.append(np.ones(601), -size * np.exp(1.5 * t))
    )
    kernel = SumOfExponentials([1.0], [1e-5])
    solution = solve(forcing, kernel, t, method="compressed", rtol=1e-3, atol=1e-2 * size)
    exact = solve(forcing, kernel, t, method="exact")
    assert solution.work["forcing_terms"] < 30
    assert 1e-6 * size < np.abs(solution.y - exact.y) <= solution.error <= 1e-2 * size


def test_what_compressing_an_observation_does_is_counted():
    """Of the kernel's modes only ten have a weight, so that it becomes short without an error."""
    rates = power_law(600, 0.9).rates
    kernel = SumOfExponentials(rates, np.where(np.arange(600) % 60 == 0, 0.5 * rates, 0.0) / 10)
    forcing, t = SumOfExponentials([0.5], [1.0], 0.1), np.array([1.0, 30.0, 1e5])
    observed = solve(forcing, kernel, t, method="compressed", rtol=1e-4).observe(rates)
    exact = solve(forcing, kernel, t, method="exact").observe(rates)
    wrong = np.abs(observed.y - exact.y)
    assert observed.work["compressed_modes"] < 20
    assert np.max(wrong / exact.y) > 1e-9
    assert np.all(wrong <= observed.error + exact.error)


def test_negative_kernel_weights_are_refused():
    kernel = SumOfExponentials([1.0, 2.0], [1.0, -0.5])
    with pytest.raises(ValueError, match="weights >= 0"):
        solve(SumOfExponentials([], [], 1.0), kernel, [1.0], method="compressed")


@needs_extended_precision
@pytest.mark.parametrize("norm", [0.99, 1.01])
def test_a_hundred_thousand_rates_against_an_uncompressed_reference(norm):
    kernel = power_law(100_000, norm)
    forcing = SumOfExponentials(0.5 * kernel.rates, kernel.rates, constant=0.1)
    t = np.array([0.3, 300.0]) if norm > 1 else np.array([30.0, 1e9])
    solution = solve(forcing, kernel, t, rtol=1e-8)
    growth = max(0.0, analyse(kernel).malthusian_exponent)
    exact = by_laplace_inversion(forcing, kernel, t, growth, points=24)
    assert solution.work["compressed_modes"] < 300
    assert solution.status is Status.CONVERGED
    assert np.all(np.abs(solution.y - exact) <= solution.error)
    assert np.all(solution.error <= 1e-8 * exact)
    observed = solution.observe(kernel.rates)
    exact = by_laplace_inversion(forcing, kernel, t, growth, kernel.rates, points=24)
    assert observed.status is Status.CONVERGED
    assert np.all(np.abs(observed.y - exact) <= observed.error)


def test_the_references_agree_with_eigenvalues():
    kernel = power_law(12, 0.99)
    forcing = two_term_forcing(kernel)
    t = np.array([0.1, 10.0, 1e4])
    found = reference(forcing, kernel, t).astype(float)
    exact = by_eigenvalues(forcing, kernel)(t)
    np.testing.assert_allclose(found, exact, rtol=1e-15)
    inverted = by_laplace_inversion(forcing, kernel, t).astype(float)
    np.testing.assert_allclose(inverted, exact, rtol=1e-13)
