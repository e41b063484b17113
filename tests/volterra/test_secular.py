from fractions import Fraction

import mpmath
import numpy as np
import pytest

from tests.tables.problems import multiprecision, power_law
from tests.volterra.random_problems import random_problem
from volterra import SumOfExponentials, solve
from volterra.exact.secular import implied_weights, secular_roots
from volterra.exact.smallest_root import kernel_deficit, smallest_root

EPS = np.finfo(float).eps


def spectrum(name, norm):
    if name == "power law":
        kernel = power_law(40, norm)
        rates, weights = np.sort(kernel.rates), np.sort(kernel.weights)
    else:
        rng = np.random.default_rng(3)
        rates = np.sort(rng.uniform(0.1, 2, 40)) if name == "bulk" else np.logspace(-12, 0, 40)
        weights = rates * rng.uniform(0.01, 1, 40)
        weights *= norm / np.sum(weights / rates)
    return rates, weights


def polish(rates, weights, origin, shift):
    """The root next to origin + shift, to 50 digits, as a new shift."""
    r, w, shift = multiprecision(rates), multiprecision(weights), mpmath.mpf(float(shift))
    for _ in range(7):
        inverse = [1 / (a - mpmath.mpf(float(origin)) - shift) for a in r]
        value = 1 - mpmath.fdot(w, inverse)
        shift += value / mpmath.fsum(a * b * b for a, b in zip(w, inverse, strict=True))
    return shift


@pytest.mark.parametrize("name", ["power law", "bulk", "twelve decades"])
@pytest.mark.parametrize("norm", [0.5, 0.9999, 1.01, 2.0, 1e5])
def test_shifts_have_full_relative_accuracy(name, norm):
    rates, weights = spectrum(name, norm)
    roots = secular_roots(rates, weights)
    condition = max(1, 1 / abs(1 - norm))
    with mpmath.workdps(50):
        for origin, shift in zip(roots.origin, roots.shift, strict=True):
            exact = polish(rates, weights, origin, shift)
            assert abs(exact - shift) <= 1000 * EPS * condition * abs(exact)


@pytest.mark.parametrize("name", ["power law", "bulk", "twelve decades"])
def test_roots_interlace(name):
    rates, weights = spectrum(name, 0.9)
    roots = secular_roots(rates, weights)
    assert np.all(roots.root <= rates)
    assert np.all(roots.root[1:] >= rates[:-1])
    assert np.all(roots.shift != 0)


def test_residues_add_up():
    rates, weights = spectrum("power law", 0.9)
    roots = secular_roots(rates, weights)
    assert np.sum(roots.residue) == pytest.approx(np.sum(weights), rel=1e-13)
    assert np.sum(roots.residue / roots.root) == pytest.approx(9.0, rel=1e-12)


def test_implied_weights_are_those_given():
    rates, weights = spectrum("twelve decades", 0.9)
    roots = secular_roots(rates, weights)
    np.testing.assert_allclose(roots.weights, weights, rtol=1e-13)
    assert np.all(np.abs(roots.weights - weights) <= roots.weight_error)
    assert np.all(roots.weight_error <= 1e-12 * weights)


def test_roots_next_to_poles_of_tiny_weight():
    """Shifts of 1e-25 of the gap: what interpolates the far pole must not drown in the near one."""
    rng = np.random.default_rng(4)
    rates = np.append(0.0, np.sort(10 ** rng.uniform(-10, 2, 200)))
    weights = np.append(5000.0, rates[1:] ** 2 * rng.uniform(0.1, 1, 200))
    roots = secular_roots(rates, weights)
    np.testing.assert_allclose(roots.weights, weights, rtol=1e-12)


def test_roots_between_clusters_of_rates():
    """There the first steps of the iteration gain little, which is not a sign of its end."""
    for seed in (19, 83, 195, 265):
        modes = random_problem(seed, 101).kernel.modes()
        roots = secular_roots(modes.rates, modes.weights)
        np.testing.assert_allclose(roots.weights, modes.weights, rtol=1e-11)


def test_implied_weights_notice_a_wrong_root():
    rates, weights = spectrum("bulk", 0.9)
    roots = secular_roots(rates, weights)
    shift = roots.shift.copy()
    shift[7] *= 1 + 1e-8
    implied, _ = implied_weights(rates, roots.origin, shift)
    assert np.max(np.abs(implied / weights - 1)) > 1e-9


def test_rounding_of_the_implied_weights_is_bounded_and_not_by_much():
    """Loewner's formula at 40 digits: a tenth of the bound would be below some of the errors."""
    rng, worst = np.random.default_rng(2), 0.0
    for _ in range(150):
        rates, weights = np.sort(rng.uniform(0.5, 2, 3)), rng.uniform(0.01, 0.5, 3)
        roots = secular_roots(rates, weights)
        implied, rounding = implied_weights(rates, roots.origin, roots.shift)
        with mpmath.workdps(40):
            r = multiprecision(rates)
            places = zip(multiprecision(roots.origin), multiprecision(roots.shift), strict=True)
            x = [origin + shift for origin, shift in places]
            for j in range(3):
                exact = r[j] - x[j]
                for k in {0, 1, 2} - {j}:
                    exact *= (x[k] - r[j]) / (r[k] - r[j])
                error = abs(float(mpmath.mpf(float(implied[j])) / exact - 1))
                worst = max(worst, error / (EPS * rounding[j]))
    assert 0.1 < worst <= 1


def test_slopes_are_derivatives_in_the_direction_of_the_weight_error():
    rates, weights = spectrum("bulk", 0.9)
    middle = secular_roots(rates, weights)
    step = 1e-6 * np.min(weights / middle.weight_error)
    up, down = (secular_roots(rates, weights + s * middle.weight_error) for s in (step, -step))
    slope = (up.residue - down.residue) / (2 * step)
    np.testing.assert_allclose(
        middle.residue_slope, slope, rtol=1e-4, atol=1e-5 * np.max(np.abs(slope))
    )
    slope = (up.root - down.root) / (2 * step)
    np.testing.assert_allclose(
        middle.root_slope, slope, rtol=1e-4, atol=1e-5 * np.max(np.abs(slope))
    )


def test_many_modes_agree_with_high_precision_at_a_few_roots():
    rates = np.sort(np.arange(1, 3001) ** -1.7)
    weights = rates**2
    weights *= 0.99 / np.sum(weights / rates)
    roots = secular_roots(rates, weights)
    with mpmath.workdps(50):
        for k in (0, 1, 100, 1500, 2998, 2999):
            exact = polish(rates, weights, roots.origin[k], roots.shift[k])
            assert abs(exact - roots.shift[k]) <= 1e-11 * abs(exact)


def test_one_mode_and_none():
    assert secular_roots(np.array([3.0]), np.array([1.0])).root[0] == pytest.approx(2.0, rel=1e-15)
    assert secular_roots(np.empty(0), np.empty(0)).root.size == 0


def test_neighbouring_floating_point_numbers_as_rates():
    rates = np.array([1.0, np.nextafter(1.0, 2.0), 2.0])
    roots = secular_roots(rates, np.full(3, 0.1))
    assert np.all(np.isfinite(roots.residue))
    assert np.sum(roots.residue) == pytest.approx(0.3, rel=1e-13)


def test_scale_invariance_over_extreme_units():
    rates, weights = spectrum("power law", 0.9)
    unit = 2.0**-200
    plain, tiny = secular_roots(rates, weights), secular_roots(rates * unit, weights * unit)
    np.testing.assert_array_equal(plain.root * unit, tiny.root)


def test_kernel_deficit():
    assert kernel_deficit(np.array([0.0, 1.0]), np.array([0.1, 0.1])) == -np.inf
    assert kernel_deficit(np.array([0.0, 1.0]), np.array([0.0, 0.25])) == 0.75
    assert kernel_deficit(np.array([1.0, 2.0]), np.array([0.1, 1.8])) == pytest.approx(0, abs=1e-16)
    # Ten times 0.1 is more than one, which a sum that is rounded at every step does not see.
    exact = 1 - 10 * Fraction(0.1)
    assert exact < 0
    assert kernel_deficit(np.ones(10), np.full(10, 0.1)) == float(exact)


def test_smallest_root_sees_an_exact_distance_from_critical():
    """At x near 0 the value is (1 - norm) - x * positive, not one minus something near one."""
    distance = 2.0**-40
    rates, weights = np.array([1.0, 2.0]), np.array([0.5, 1.0 - 2 * distance])
    origin, shift = smallest_root(rates, weights)
    with mpmath.workdps(50):
        exact = mpmath.findroot(
            lambda x: 1 - mpmath.mpf(0.5) / (1 - x) - mpmath.mpf(weights[1]) / (2 - x),
            origin + shift,
        )
        assert abs(exact - shift) <= 8 * EPS * abs(exact)


@pytest.mark.parametrize("method", ["exact", "companion", "auto"])
def test_rates_a_hundred_decades_apart_are_observed_without_a_warning(method):
    """Up to t = 1 nothing decays but in the digits beyond: y = 1.5, and z = 1.5·Σv·t."""
    rates = np.array([8e-88, 1e-116, 1e-118, 1.7e-21, 2.3e-9])
    kernel = SumOfExponentials(rates, 0.15 * rates)
    solution = solve(SumOfExponentials(rates[:1], [1.0], 0.5), kernel, [0.5, 1.0], method=method)
    np.testing.assert_allclose(solution.y, 1.5, rtol=1e-8)
    seen = solution.observe(rates)
    true = 1.5 * rates.sum() * np.array([0.5, 1.0])
    assert (np.abs(seen.y - true) <= seen.error + 1e-8 * true).all()
    # In the complex plane roots have too few digits for that; there the error says so.
    assert np.isfinite(seen.error).all() == (method != "companion")
