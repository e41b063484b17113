"""Kernels of any sign or phase: complex sums, the companion method and who takes over from it."""

import dataclasses

import mpmath
import numpy as np
import pytest
from scipy.linalg import expm

from tests.tables.problems import constant, multiprecision, state_space
from volterra import Status, SumOfExponentials, SumOfPowers, TimeChanged, solve
from volterra.companion import convolution
from volterra.companion.complex_roots import complex_roots, implied_weights
from volterra.companion.method import (
    _observed_residues,
    complex_poles,
    expand,
    one_of_each_pair,
)

EPS = np.finfo(float).eps


def test_a_pair_is_both_members_or_one_with_twice_its_weight():
    both = SumOfExponentials([1 + 2j, 1 - 2j], [0.5 - 1j, 0.5 + 1j])
    one = SumOfExponentials([1 + 2j], [1 - 2j])
    t = np.linspace(0, 3, 7)
    expected = np.exp(-t) * (np.cos(2 * t) - 2 * np.sin(2 * t))
    np.testing.assert_allclose(both(t), expected, atol=1e-15)
    np.testing.assert_allclose(one(t), expected, atol=1e-15)
    for a, b in zip(expand(both, None), expand(one, None), strict=True):
        np.testing.assert_array_equal(a, b)
    rates, weights, _ = one_of_each_pair(both, None)
    np.testing.assert_array_equal(rates, [1 + 2j])
    np.testing.assert_array_equal(weights, [1 - 2j])


def test_complex_powers():
    terms = SumOfPowers([0.5 + 0.5j, 1j], [1.0, 2.0])
    m = np.arange(9)
    np.testing.assert_allclose(terms(m), ((0.5 + 0.5j) ** m + 2 * 1j**m).real, atol=1e-14)
    assert terms.is_complex
    assert not SumOfPowers([0.5 + 0j], [1.0]).is_complex


def test_against_the_matrix_exponential_of_scipy():
    rng = np.random.default_rng(7)
    n = 30
    rates = 10 ** rng.uniform(-1, 1, n) * np.exp(1j * rng.uniform(0, 1.4, n))
    kernel = SumOfExponentials(rates, rng.normal(size=n) * np.abs(rates) / n)
    t = np.array([0.1, 1.0, 5.0])
    solution = solve(constant(), kernel, t, method="companion", atol=1e-12)
    r, w, _ = expand(kernel, None)
    matrix = np.block([[w - np.diag(r), np.ones((r.size, 1))], [np.zeros((1, r.size + 1))]])
    exact = [(np.append(w, 1.0) @ expm(matrix * time))[-1].real for time in t]
    np.testing.assert_allclose(solution.y, exact, rtol=1e-11)
    assert solution.status is Status.CONVERGED


def test_roots_are_those_of_the_secular_equation():
    rates = np.array([1.0, 2.0 + 1j, 2.0 - 1j, 30.0], complex)
    weights = np.array([-0.5, 0.3 + 1j, 0.3 - 1j, 1e-6], complex)
    roots = complex_roots(rates, weights)
    assert np.all(np.abs(roots.weights - weights) <= 1e-14 * np.abs(weights))
    with mpmath.workdps(40):
        for origin, shift, error in zip(roots.origin, roots.shift, roots.root_error, strict=True):
            x = mpmath.mpmathify(complex(origin)) + mpmath.mpmathify(complex(shift))
            polished = mpmath.findroot(
                lambda x: (
                    1
                    - sum(
                        mpmath.mpmathify(complex(w)) / (mpmath.mpmathify(complex(r)) - x)
                        for r, w in zip(rates, weights, strict=True)
                    )
                ),
                x,
                tol=1e-50,
            )
            assert abs(polished - x) <= error <= 1e-13 * abs(x)


def test_errors_of_roots_and_residues_are_those_of_weights_that_are_off():
    """By what errors are made of, in the direction that is worst for each; near a double root."""
    a = -0.25 * (1 + 1e-3)
    rates, weights = np.array([1.0, 2.0], complex), np.array([a, -a], complex)
    found = complex_roots(rates, weights)
    implied, rounding = implied_weights(rates, found.origin, found.shift)
    off, scale = np.abs(implied - weights) + EPS * rounding * np.abs(weights), 1e5
    for k, (root, g) in enumerate(zip(found.root, found.residue, strict=True)):
        D = rates - root
        # 1 = sum of w / D and g = 1 / sum of w / D^2, differentiated by the weights
        by_weight = -g / D
        of_residue = -(g**2) * (1 / D**2 + 2 * np.sum(weights / D**3) * by_weight)
        slopes = (by_weight, "root", "root_error"), (of_residue, "residue", "residue_error")
        for slope, name, error in slopes:
            worst = scale * off * np.conj(slope) / np.abs(slope)
            moved = complex_roots(rates, weights + worst)
            nearest = np.argmin(np.abs(moved.root - root))
            change = np.abs(getattr(moved, name)[nearest] - getattr(found, name)[k]) / scale
            assert change <= getattr(found, error)[k] <= 1.5 * change


ROOT, RESIDUE, OFF = 0.8 + 0.1j, 0.1 + 0j, 1e-6


def lone_root(**errors):
    """A root and its residue, said to be off by that much."""
    roots = complex_roots(np.array([ROOT + RESIDUE]), np.array([RESIDUE]))
    given = {"root_error": 0.0, "residue_error": 0.0} | errors
    return dataclasses.replace(roots, **{name: np.full(1, size) for name, size in given.items()})


@pytest.mark.parametrize("rate", [0.3, 1.2, 0.8 - 0.3j])
@pytest.mark.parametrize("powers", [False, True])
@pytest.mark.parametrize("few", [0, 2_500])
@pytest.mark.parametrize("what", ["root", "residue"])
def test_errors_of_roots_and_residues_are_carried_into_the_solution(
    rate, powers, few, what, monkeypatch
):
    """Off in the worst of 16 directions: the bound holds, and a tenth of it would not."""
    monkeypatch.setattr(convolution, "_FEW_PAIRS", few)
    t, roots = np.arange(1.0, 25.0), lone_root(**{f"{what}_error": OFF})
    _, error = convolution.complex_convolution(
        roots,
        roots.residue,
        roots.residue_error,
        np.array([rate + 0j]),
        np.array([1.0 + 0j]),
        powers=powers,
        with_forcing=True,
    ).evaluate(t)

    def y(root, residue):
        own, other = ((1 - z) ** t if powers else np.exp(-z * t) for z in (rate, root))
        return (own + residue * (own - other) / (root - rate)).real

    turns = OFF * np.exp(2j * np.pi * np.arange(16) / 16)
    moved = [y(ROOT + d, RESIDUE) if what == "root" else y(ROOT, RESIDUE + d) for d in turns]
    change = np.max(np.abs(moved - y(ROOT, RESIDUE)), axis=0)
    assert np.all(change <= error)
    assert np.max(change / error) > 0.1


def test_errors_of_roots_are_carried_into_observations():
    roots = lone_root(root_error=OFF)
    _, error = _observed_residues(roots, np.array([2.0 + 0j]))
    change = np.abs(RESIDUE * (2.0 / (RESIDUE - OFF) - 2.0 / RESIDUE))
    assert error[0] == pytest.approx(change, rel=1e-4)


@pytest.mark.parametrize("distance", [1e-3, 1e-6, 1e-9, 0.0])
def test_nearly_equal_roots_are_admitted_and_handed_over(distance):
    """K = a (e^-t - e^-2t) has the roots 3/2 +- sqrt(1 + 4a)/2, one double root at a = -1/4."""
    a = -0.25 * (1 + distance)
    kernel = SumOfExponentials([1.0, 2.0], [a, -a])
    t = np.array([0.1, 1.0, 3.0])
    exact = state_space(constant(), kernel)(t)
    solution = solve(constant(), kernel, t, method="companion")
    assert np.all(np.abs(solution.y - exact) <= solution.error)
    # What is known to first order only must not be trusted where two roots may be one.
    known = complex_roots(*complex_poles(kernel)).residue_error
    assert np.all(np.isfinite(known) if distance else np.isinf(known))
    best = solve(constant(), kernel, t)
    assert best.status is Status.CONVERGED
    assert np.all(np.abs(best.y - exact) <= best.error + EPS * np.abs(exact))
    assert best.method == ("companion" if distance >= 1e-3 else "collocation")


def test_defective_with_complex_rates():
    """K = sin, f = 1: y = 1 + t^2/2, a double root, at the rate of the forcing besides."""
    sine, t = SumOfExponentials([1j], [1j]), np.array([0.5, 4.0])
    assert solve(constant(), sine, t, method="companion").status is Status.TOLERANCE_NOT_REACHED
    solution = solve(constant(), sine, t)
    assert solution.method == "panels"
    np.testing.assert_allclose(solution.y, 1 + t**2 / 2, rtol=1e-8)


@pytest.mark.parametrize("method", ["companion", "recursion"])
def test_observing_with_complex_weights(method):
    kernel = SumOfPowers([0.8 * np.exp(0.3j), 0.5], [0.1 + 0.1j, 0.2])
    forcing = SumOfPowers([0.9], [1.0], 0.5)
    v, k = [1.0 - 2j, 0.5], np.array([0, 1, 5, 200])
    observed = solve(forcing, kernel, k, method=method).observe(v)
    exact = state_space(forcing, kernel, observation=v)(k)
    assert np.all(np.abs(observed.y - exact) <= observed.error + EPS * np.abs(exact))
    np.testing.assert_allclose(observed.y, exact, rtol=1e-11)


def test_many_oscillating_modes_agree_with_the_recursion():
    rng = np.random.default_rng(3)
    n = 120
    ratios = (1 - 10 ** rng.uniform(-3, -0.5, n)) * np.exp(1j * rng.uniform(0, 1, n))
    kernel = SumOfPowers(ratios, 0.3 * np.abs(1 - ratios) / n)
    forcing = SumOfPowers(ratios, np.full(n, 1 / n), 0.1)
    k = np.array([1, 10, 100, 1000])
    one, other = (
        solve(forcing, kernel, k, method=method, rtol=1e-7, atol=1e-7)
        for method in ("companion", "recursion")
    )
    assert np.all(np.abs(one.y - other.y) <= one.error + other.error)
    assert one.status is Status.CONVERGED


def test_overflow_with_complex_roots_is_a_status():
    kernel = SumOfExponentials([1.0 + 1j], [3.0])
    solution = solve(constant(), kernel, [1.0, 2000.0], method="companion")
    assert solution.status is Status.OVERFLOW
    assert np.isfinite(solution.y[0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SumOfPowers([0.9 + 0.9j], [1.0]), "unit disk"),
        (lambda: SumOfExponentials([-0.1 + 1j], [1.0]), "rates must be >= 0"),
        (lambda: SumOfExponentials([1j], [1.0]).modes(), "method='companion'"),
        (lambda: TimeChanged(SumOfExponentials([1j], [1.0]), np.log1p, np.cos), "real rates"),
        (
            lambda: complex_poles(SumOfExponentials(np.arange(2000.0), -np.ones(2000))),
            "at most 1500 modes",
        ),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_methods_for_real_kernels_refuse_complex_ones():
    kernel = SumOfExponentials([1.0 + 1j], [0.5])
    for method in ("exact", "collocation"):
        with pytest.raises(TypeError, match="complex"):
            solve(constant(), kernel, [1.0], method=method)
    for method in ("exact", "compressed"):
        with pytest.raises(TypeError, match="the forcing is complex"):
            solve(kernel, SumOfExponentials([1.0], [0.5]), [1.0], method=method)
    assert solve(np.cos, kernel, [1.0], rtol=1e-6).method == "panels"


def test_multiprecision_reference_for_a_damped_pair():
    """One complex root pair by hand: K = e^-t cos t against e^{-t/2} times cosine and sine."""
    kernel = SumOfExponentials([1 + 1j], [1.0])
    t = np.array([0.5, 2.0])
    # y = 1 + K * y: Y = (s^2 + 2 s + 2) / (s (s^2 + s + 1)) = 2/s - (s + 0) / (s^2 + s + 1)
    root = mpmath.sqrt(3) / 2
    exact = [
        2 - mpmath.exp(-x / 2) * (mpmath.cos(root * x) - mpmath.sin(root * x) / (2 * root))
        for x in multiprecision(t)
    ]
    solution = solve(constant(), kernel, t)
    np.testing.assert_allclose(solution.y, [float(x) for x in exact], rtol=1e-13)
