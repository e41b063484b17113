import mpmath
import numpy as np
import pytest

from tests.tables.problems import (
    by_eigenvalues,
    constant,
    multiprecision,
    power_law,
    state_space,
    two_term_forcing,
)
from volterra import PiecewiseClock, Status, SumOfExponentials, analyse, solve
from volterra.exact.secular import secular_roots

EPS = np.finfo(float).eps


def promise(norm, exponent, t):
    """The relative error that the design promises."""
    return 1e-12 + 4 * EPS * max(1, 1 / abs(1 - norm)) * np.maximum(1, abs(exponent) * t)


@pytest.mark.parametrize("norm", [0.5, 0.99, 0.9999, 1.01, 2.0])
@pytest.mark.parametrize("decades", [None, 12])
def test_promise_against_high_precision(norm, decades):
    kernel = power_law(18, norm, decades=decades)
    forcing = two_term_forcing(kernel)
    t = np.concatenate([[0.0], np.logspace(-2, 9, 12)]) if norm < 1 else np.linspace(0, 100, 8)
    solution = solve(forcing, kernel, t, method="exact")
    exact = by_eigenvalues(forcing, kernel)(t)
    root = secular_roots(np.sort(kernel.rates), np.sort(kernel.weights)).root[0]
    error = np.abs(solution.y - exact)
    assert np.all(error <= promise(norm, root, t) * exact)
    assert np.all(error <= solution.error + EPS * exact)
    assert np.all(solution.error <= 1e-9 * exact)


def high_precision(kernel, forcing, v, t):
    """y and z at 50 digits; the roots are polished, and their number and order are checked."""
    rates, weights = np.sort(kernel.rates), np.sort(kernel.weights)
    roots = secular_roots(rates, weights)
    r, w = multiprecision(rates), multiprecision(weights)
    x, g, G = [], [], []
    for origin, shift in zip(roots.origin, roots.shift, strict=True):
        root = mpmath.mpf(float(origin)) + mpmath.mpf(float(shift))
        for _ in range(3):
            inverse = [1 / (a - root) for a in r]
            slope = mpmath.fsum(a * b * b for a, b in zip(w, inverse, strict=True))
            root += (1 - mpmath.fdot(w, inverse)) / slope
        x.append(root)
        inverse = [1 / (a - root) for a in r]
        g.append(1 / mpmath.fsum(a * b * b for a, b in zip(w, inverse, strict=True)))
        G.append(g[-1] * mpmath.fdot(v, inverse))
    assert all(a < b for a, b in zip(x, r, strict=True))
    assert all(a > b for a, b in zip(x[1:], r[:-1], strict=True))
    sigma = multiprecision([0.0, *forcing.rates])
    a = multiprecision([forcing.constant, *forcing.weights])
    y, z = mpmath.mpf(0), mpmath.mpf(0)
    t = mpmath.mpf(float(t))
    decay = [mpmath.exp(-root * t) for root in x]
    for amplitude, rate in zip(a, sigma, strict=True):
        own = mpmath.exp(-rate * t)
        phi = [(own - e) / (root - rate) for e, root in zip(decay, x, strict=True)]
        y += amplitude * (own + mpmath.fdot(g, phi))
        z += amplitude * mpmath.fdot(G, phi)
    return y, z


@pytest.mark.parametrize("t", [0.01, 30.0, 1e9])
def test_power_law_and_observation_against_high_precision(t):
    kernel = power_law(120, 0.99)
    forcing = two_term_forcing(kernel)
    v = kernel.rates / 120
    solution = solve(forcing, kernel, [t])
    observed = solution.observe(v)
    with mpmath.workdps(50):
        y, z = high_precision(kernel, forcing, np.sort(v), t)
    assert abs(solution.y[0] - float(y)) <= min(1e-13 * float(y), solution.error[0])
    assert abs(observed.y[0] - float(z)) <= min(1e-12 * float(z), observed.error[0])


def test_three_thousand_modes_against_the_positive_double_sum():
    kernel = power_law(3000, 0.99)
    forcing = two_term_forcing(kernel)
    order = np.argsort(kernel.rates)
    roots = secular_roots(kernel.rates[order], kernel.weights[order])
    t = np.array([0.1, 1e3, 1e9])
    solution = solve(forcing, kernel, t, method="exact")
    sigma = np.append(forcing.rates, 0.0)
    a = np.append(forcing.weights, forcing.constant)
    for time, y in zip(t, solution.y, strict=True):
        total = 0.0
        for rate, amplitude in zip(np.array_split(sigma, 60), np.array_split(a, 60), strict=True):
            gap = np.abs((roots.origin - rate[:, None]) + roots.shift)
            slow = np.minimum(roots.root, rate[:, None])
            phi = np.exp(-slow * time) * -np.expm1(-gap * time) / gap
            total += amplitude @ (np.exp(-rate * time) + phi @ roots.residue)
        assert y == pytest.approx(total, rel=1e-12)
    assert solution.status is Status.CONVERGED


def by_laplace_inversion(forcing, kernel, t, growth):
    """y at one time from F / (1 - K) on a parabola around all singularities, at 50 digits."""
    points = 36  # the rule errs by 2.85^-points
    r, w = multiprecision(kernel.rates), multiprecision(kernel.weights)
    sigma, a = multiprecision([0.0, *forcing.rates]), multiprecision([0.0, *forcing.weights])
    a[0] = mpmath.mpf(float(forcing.constant))
    time, total = mpmath.mpf(float(t)), mpmath.mpf(0)
    mu, step = mpmath.pi * points / (12 * time), mpmath.mpf(3) / points
    for k in range(points + 1):
        arc = mpmath.mpc(1, k * step)
        p = mu * arc**2 + mpmath.mpf(growth)
        transform = mpmath.fsum(x / (s + p) for x, s in zip(a, sigma, strict=True))
        transform /= 1 - mpmath.fsum(x / (s + p) for x, s in zip(w, r, strict=True))
        term = mpmath.exp(p * time) * transform * 2 * mu * arc
        total += (term.real if k else term.real / 2) * step / mpmath.pi
    return float(total)


@pytest.mark.parametrize("modes", [10, pytest.param(3000, marks=pytest.mark.slow)])
@pytest.mark.parametrize("norm", [0.5, 0.99, 0.9999, 1.01, 2.0])
def test_promise_on_long_power_laws_at_fifty_digits(modes, norm):
    kernel = power_law(modes, norm)
    forcing = SumOfExponentials(0.5 * kernel.rates, kernel.rates, constant=0.3)
    growth = analyse(kernel).malthusian_exponent
    t = np.array([30.0, 1e9] if norm < 1 else [30.0, 300.0])
    solution = solve(forcing, kernel, t, method="exact", rtol=1e-9)
    with mpmath.workdps(50):
        exact = [by_laplace_inversion(forcing, kernel, time, max(0.0, growth)) for time in t]
    error = np.abs(solution.y - exact)
    assert np.all(error <= promise(norm, growth, t) * exact)
    assert np.all(error <= solution.error)
    assert solution.status is Status.CONVERGED


OBSERVATIONS = {
    "plain": ([0.5, 3.0, 40.0], [0.2, 0.9, 5.0], [1.0, 0.5, 2.0]),
    "any sign": ([0.5, 3.0, 40.0], [0.2, 0.9, 5.0], [1.0, -0.5, 2.0]),
    "unsorted and repeated": ([3.0, 0.5, 3.0], [0.2, 0.1, 0.3], [1.0, 2.0, -3.0]),
    "zero weight": ([0.5, 3.0, 7.0], [0.2, 0.0, 0.3], [1.0, 2.0, 0.5]),
    "zero rate and weight": ([0.5, 0.0, 7.0], [0.2, 0.0, 0.3], [1.0, 2.0, 0.5]),
    "zero kernel": ([0.5, 2.0], [0.0, 0.0], [1.0, 2.0]),
    "growing": ([0.5, 3.0], [1.2, 0.9], [1.0, 0.5]),
}


@pytest.mark.parametrize("name", OBSERVATIONS)
@pytest.mark.parametrize("method", ["exact", "collocation"])
def test_observations(name, method):
    rates, weights, v = OBSERVATIONS[name]
    kernel = SumOfExponentials(rates, weights)
    forcing = SumOfExponentials([1.0, 0.25], [1.0, 0.5], 0.2)
    t = np.array([0.0, 0.3, 4.0, 20.0])
    observed = solve(forcing, kernel, t, method=method).observe(v)
    exact = state_space(forcing, kernel, observation=v)(t)
    assert np.all(np.abs(observed.y - exact) <= observed.error + EPS * np.abs(exact))
    assert observed.status is Status.CONVERGED
    if method == "exact":
        np.testing.assert_allclose(observed.y, exact, rtol=1e-12)


def test_observing_a_mode_of_zero_weight_at_a_root_is_honest():
    kernel, v = SumOfExponentials([2.0, 1.0], [1.0, 0.0]), [1.0, 2.0]
    t = np.array([0.3, 4.0])
    observed = solve(constant(), kernel, t, method="exact").observe(v)
    exact = state_space(constant(), kernel, observation=v)(t)
    assert np.all(np.abs(observed.y - exact) <= observed.error)
    assert observed.status is Status.TOLERANCE_NOT_REACHED
    stepped = solve(constant(), kernel, t, method="collocation").observe(v)
    np.testing.assert_allclose(stepped.y, exact, rtol=1e-8)


@pytest.mark.parametrize("extra", [np.cos, SumOfExponentials([1.0], [3.0], 2.0)])
@pytest.mark.parametrize("method", ["exact", "collocation"])
def test_observation_adds_its_forcing(extra, method):
    kernel = SumOfExponentials([0.5, 3.0], [0.2, 0.9])
    t = np.linspace(0, 5, 6)
    solution = solve(constant(), kernel, t, method=method)
    plain, shifted = solution.observe([1.0, 2.0]), solution.observe([1.0, 2.0], extra)
    np.testing.assert_allclose(shifted.y, plain.y + extra(t), rtol=1e-14)
    assert shifted.y[0] == extra(np.zeros(1))[0]


def test_observing_with_the_kernel_weights_gives_the_solution_back():
    kernel = power_law(300, 0.9)
    forcing = two_term_forcing(kernel)
    solution = solve(forcing, kernel, np.logspace(-3, 6, 10), method="exact")
    again = solution.observe(kernel.weights, forcing)
    np.testing.assert_allclose(again.y, solution.y, rtol=1e-12)


def test_many_double_resonances():
    """A forcing rate between two roots that share one resonance (a tiny weight on a root)."""
    kernel = SumOfExponentials([1.0, 0.5], [0.5, 1e-16])
    forcing = SumOfExponentials([0.5, 0.5 + 1e-8], [1.0, 1.0])
    t = np.array([0.1, 1.0, 30.0])
    solution = solve(forcing, kernel, t)
    exact = by_eigenvalues(forcing, kernel)(t)
    np.testing.assert_allclose(solution.y, exact, rtol=1e-13)
    assert np.all(np.abs(solution.y - exact) <= solution.error + EPS * exact)
    assert np.all(solution.error <= 1e-11 * exact)


@pytest.mark.parametrize("forcing", [constant(), SumOfExponentials([1.0], [-1.0])])
def test_overflow_is_a_status(forcing):
    solution = solve(forcing, SumOfExponentials([1.0], [2.0]), [1.0, 700.0, 720.0, 1e9])
    assert solution.status is Status.OVERFLOW
    assert np.all(np.isfinite(solution.y[:2]))
    assert np.all(solution.y[2:] == np.copysign(np.inf, solution.y[0]))
    assert np.all(solution.error[2:] == np.inf)
    assert solution.y[1] == pytest.approx(
        by_eigenvalues(forcing, SumOfExponentials([1.0], [2.0]))(700.0)[0], rel=1e-12
    )


def test_only_what_is_too_large_itself_overflows():
    """y = c (2 exp(t) - 1), of a small forcing c: within range where exp(t) no longer is."""
    t = np.array([700.0, 720.0, 745.0, 800.0])
    solution = solve(constant(1e-20), SumOfExponentials([1.0], [2.0]), t)
    exact = [float(mpmath.mpf(1e-20) * (2 * mpmath.exp(time) - 1)) for time in t[:3]]
    np.testing.assert_allclose(solution.y[:3], exact, rtol=1e-12)
    assert solution.y[3] == np.inf


@pytest.mark.parametrize("method", ["exact", "segments", "companion", "collocation"])
def test_what_an_added_forcing_drowns_is_reported(method):
    """One and a small number are one in floating point: what is lost must be in the error."""
    kernel = SumOfExponentials([1.0], [0.5])
    if method == "segments":
        kernel = PiecewiseClock(kernel, [], [1.0], [1.0])
    solution = solve(constant(), kernel, [2.0], method=method)
    alone, added = solution.observe([1e-17]), solution.observe([1e-17], np.ones_like)
    assert added.y[0] == 1.0
    assert 1e-17 < alone.y[0] <= added.error[0]


def test_the_error_is_sharp_at_late_times():
    """One mode, in closed form: the rounding of exponents dominates, and a tenth would be a lie."""
    rng, ratios = np.random.default_rng(1), []
    for _ in range(100):
        rate = 10 ** rng.uniform(-1, 1)
        weight, t = rate * rng.uniform(0, 1.2), 10 ** rng.uniform(1.5, 2.2)
        kernel, forcing = SumOfExponentials([rate], [weight]), SumOfExponentials([3.0], [1.0])
        found = solve(forcing, kernel, [t], method="exact", atol=1e-12)
        with mpmath.workdps(50):
            w, time = multiprecision([weight, t])
            root = mpmath.mpf(rate) - w
            own, other = mpmath.exp(-3 * time), mpmath.exp(-root * time)
            wrong = float(abs(mpmath.mpf(found.y[0]) - own - w * (own - other) / (root - 3)))
        ratios.append(found.error[0] / wrong if wrong else np.inf)
    assert 1 <= min(ratios) < 10


def test_value_at_zero_is_the_forcing_exactly():
    kernel = power_law(50, 0.9)
    forcing = two_term_forcing(kernel)
    assert solve(forcing, kernel, [0.0]).y[0] == forcing(0.0)


def test_first_call_is_vectorised_over_many_times():
    kernel = power_law(100, 0.9)
    t = np.linspace(0, 1000, 20_001)
    solution = solve(constant(), kernel, t)
    assert np.all(np.diff(solution.y) > 0)
    np.testing.assert_allclose(solution(t[[5, 20_000]]), solution.y[[5, 20_000]], rtol=4 * EPS)
