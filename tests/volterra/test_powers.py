"""Difference equations: the noun, the exact method at any iteration, the recursion."""

from fractions import Fraction

import numpy as np
import pytest

from tests.tables.problems import state_space
from volterra import Status, SumOfExponentials, SumOfPowers, solve
from volterra.exact.secular import secular_roots
from volterra.recursion import loop

EPS = np.finfo(float).eps
ONE = SumOfPowers([], [], constant=1.0)
KERNEL = SumOfPowers([0.5, -0.25, 0.9], [0.2, 0.1, 0.03])


def iterate(forcing, kernel, last):
    """The definition, in the plainest words."""
    k, y = np.arange(last + 1), np.zeros(last + 1)
    memory = kernel(k)
    for i in k:
        y[i] = forcing(np.array([float(i)]))[0] + memory[:i][::-1] @ y[:i]
    return y


def test_evaluates_powers_of_any_sign():
    terms = SumOfPowers([0.5, -0.5, 0.0, 1.0, -1.0], [1.0, 2.0, 3.0, 4.0, 5.0], constant=6.0)
    m = np.array([[0, 1], [2, 3]])
    powers = [0.5**m, 2 * (-0.5) ** m, 3 * 0.0**m, 4, 5 * (-1.0) ** m, 6]
    np.testing.assert_allclose(terms(m), sum(powers), rtol=1e-15)
    assert terms(0).shape == ()
    assert SumOfPowers([], [], 2.0)(7) == 2.0


def test_ratios_on_the_unit_circle_may_be_off_by_rounding():
    turns = np.exp(1j * np.arange(1.0, 200.0))
    assert np.any(np.abs(turns) > 1)
    m = np.arange(9)
    expected = np.cos(np.multiply.outer(m, np.arange(1.0, 200.0))).sum(axis=1)
    np.testing.assert_allclose(SumOfPowers(turns, np.ones(199))(m), expected, atol=1e-11)


def test_decrements_keep_their_digits():
    terms = SumOfPowers.from_decrements([1e-20, 2.0], [1.0, 0.5])
    np.testing.assert_array_equal(terms.ratios, [1.0, -1.0])
    assert terms(10**15 - 1) == pytest.approx(np.exp(-1e-5) - 0.5, rel=1e-15)


@pytest.mark.parametrize("method", ["exact", "recursion"])
def test_against_the_definition(method):
    forcing = SumOfPowers([0.3, -0.8], [1.0, -0.5], constant=0.2)
    k = np.arange(60)
    solution = solve(forcing, KERNEL, k, method=method, rtol=1e-12)
    assert solution.status is Status.CONVERGED
    np.testing.assert_allclose(solution.y, iterate(forcing, KERNEL, 59), rtol=1e-12)
    assert solution(7.0) == pytest.approx(solution.y[7], rel=1e-15)
    assert solution.y[0] == forcing(0)


@pytest.mark.parametrize("norm", [0.5, 0.99, 0.9999, 1.01, 2.0])
def test_promise_against_high_precision(norm):
    decrements = np.arange(1, 9) ** -1.7 * np.geomspace(1, 1e-6, 8)
    weights = decrements**2 * norm / np.sum(decrements)
    kernel = SumOfPowers.from_decrements(decrements, weights)
    forcing = SumOfPowers.from_decrements(
        np.concatenate([decrements, 0.5 * decrements]), np.ones(16), constant=0.3
    )
    k = np.unique(np.rint(np.logspace(0, 9, 7))) if norm < 1 else np.arange(0, 400, 57)
    solution = solve(forcing, kernel, k, method="exact")
    exact = state_space(forcing, kernel)(k)
    order = np.argsort(decrements)
    exponent = np.log1p(-secular_roots(decrements[order], weights[order]).root[0])
    promise = 1e-12 + 4 * EPS / min(1, abs(1 - norm)) * np.maximum(1, abs(exponent) * k)
    error = np.abs(solution.y - exact)
    assert np.all(error <= promise * exact)
    assert np.all(error <= solution.error + EPS * exact)
    assert np.all(solution.error <= 1e-9 * exact)


def test_errors_of_the_forcing_are_iterated_like_the_forcing():
    """Without rounding, and with a kernel that is positive: an error of f is another forcing."""
    decrements, weights = np.array([0.5, 0.1]), np.array([0.2, 0.03])
    y, error = np.linspace(1.0, 2.0, 50), np.linspace(2.0, 0.5, 50)
    other, none = error.copy(), np.zeros(50)
    loop.iterate(decrements, weights, y, error, y, error, True, 0.0)
    loop.iterate(decrements, weights, other, none, other, none, True, 0.0)
    np.testing.assert_allclose(error, other, rtol=1e-13)


def test_the_error_of_the_recursion_is_sharp():
    """In fractions, which do not round: the error bounds, and a tenth of it would not.

    The memory is small against the forcing, for of all its terms the bound takes the worst.
    """
    rng, ratios = np.random.default_rng(1), []
    for _ in range(60):
        f, d, w = rng.uniform(1, 2, 5), rng.uniform(0, 1), 0.02 * rng.uniform(0.5, 1)
        kernel = SumOfPowers.from_decrements([d], [w])
        found = solve(lambda k, f=f: f[k.astype(int)], kernel, np.arange(5), method="recursion")
        mode = Fraction(0)
        for k in range(5):
            exact = Fraction(f[k]) + Fraction(w) * mode
            mode = (1 - Fraction(d)) * mode + exact
            wrong = abs(Fraction(found.y[k]) - exact)
            ratios.append(found.error[k] / float(wrong) if wrong else np.inf)
    assert 1 <= min(ratios) < 10


def test_a_hundred_million_million_iterations():
    kernel = SumOfPowers.from_decrements([1e-12, 1e-3], [0.4e-12, 0.5e-3])
    k = np.array([10**6, 10**12, 10**14], dtype=np.int64)
    solution = solve(ONE, kernel, k, rtol=1e-11)
    exact = state_space(ONE, kernel)(k)
    np.testing.assert_allclose(solution.y, exact, rtol=1e-11)
    assert solution.status is Status.CONVERGED


@pytest.mark.parametrize("method", ["exact", "recursion"])
@pytest.mark.parametrize("added", [None, SumOfPowers([0.4], [2.0]), np.sqrt])
def test_observations(method, added):
    kernel = SumOfPowers([0.5, 0.5, -0.25, 0.9], [0.2, 0.0, 0.1, 0.03], constant=1e-3)
    forcing = SumOfPowers([0.3, -0.8], [1.0, -0.5], constant=0.2)
    v = [1.0, 2.0, -3.0, 0.5]
    k = np.array([0, 1, 2, 3, 10, 100])
    observed = solve(forcing, kernel, k, method=method).observe(v, added)
    exact = state_space(forcing, kernel, observation=v)(k)
    exact = exact + (0 if added is None else added(k.astype(float)))
    assert np.all(np.abs(observed.y - exact) <= observed.error + EPS * np.abs(exact))
    np.testing.assert_allclose(observed.y, exact, rtol=1e-11)


@pytest.mark.parametrize(
    "rates",
    [
        [0.3, 0.3 + 1e-9, 0.7],  # forcing at, and next to, a ratio of the kernel
        [0.3 + 1e-12, 1.0, 1.0 - 1e-14],  # around the ratio zero
        [1.7, 1.7 + 1e-11, 2.0],  # negative ratios
    ],
)
def test_resonances(rates):
    kernel = SumOfPowers.from_decrements([0.3, 1.0, 1.7], [0.2, 1e-14, 0.1])
    forcing = SumOfPowers.from_decrements(rates, [1.0, -0.5, 2.0])
    k = np.array([0, 1, 2, 3, 9, 40, 1000])
    solution = solve(forcing, kernel, k, method="exact")
    exact = state_space(forcing, kernel)(k)
    assert np.all(np.abs(solution.y - exact) <= solution.error + EPS * np.abs(exact))
    np.testing.assert_allclose(solution.y, exact, rtol=1e-11)


@pytest.mark.parametrize("method", ["exact", "recursion"])
def test_overflow_is_a_status(method):
    kernel = SumOfPowers([0.5], [1.5])  # y_k = (1 + 3 * 2^k) / 4 ... and so on: it doubles
    solution = solve(ONE, kernel, [1, 1000, 1100, 5000], method=method)
    assert solution.status is Status.OVERFLOW
    assert np.all(np.isfinite(solution.y[:2]))
    assert np.all(solution.y[2:] == np.inf)
    assert solution.y[1] == pytest.approx(state_space(ONE, kernel)([1000])[0], rel=1e-11)


def test_auto():
    signed = SumOfPowers([0.5, 0.25], [0.5, -0.5])
    solution = solve(np.sqrt, signed, [0, 1, 5, 50])
    assert solution.method == "recursion"
    np.testing.assert_allclose(solution.y, iterate(np.sqrt, signed, 50)[[0, 1, 5, 50]], rtol=1e-13)
    assert solve(ONE, signed, [5]).method == "companion"
    assert solve(ONE, KERNEL, [5]).method == "exact"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: SumOfPowers([1.5], [1.0]), ValueError, r"lie in \[-1, 1\]"),
        (lambda: SumOfPowers([0.5], [1.0, 2.0]), ValueError, "same length"),
        (lambda: SumOfPowers([np.nan], [1.0]), ValueError, "ratios must be finite"),
        (lambda: SumOfPowers.from_decrements([-0.1], [1.0]), ValueError, r"lie in \[-1, 1\]"),
        (lambda: ONE(0.5), ValueError, "whole numbers"),
        (lambda: ONE(-1), ValueError, ">= 0"),
        (lambda: solve(ONE, KERNEL, [0.5, 1.0]), ValueError, "whole numbers"),
        (lambda: solve(ONE, KERNEL, [2.0**60]), ValueError, "whole numbers"),
        (lambda: solve(ONE, KERNEL, [-1, 0]), ValueError, ">= 0"),
        (lambda: solve(ONE, KERNEL, [1])(0.5), ValueError, "whole numbers"),
        (lambda: solve(np.cos, KERNEL, [1])(2.0), ValueError, "later last iteration"),
        (lambda: solve(np.cos, KERNEL, [1], method="exact"), TypeError, "method='recursion'"),
        (lambda: solve(ONE, KERNEL, [1], method="collocation"), TypeError, "'recursion'"),
        (lambda: solve(np.cos, KERNEL, [10**9]), ValueError, "too many for the recursion"),
        (
            lambda: solve(ONE, SumOfPowers([0.5], [-1.0]), [1], method="exact"),
            ValueError,
            "weights >= 0",
        ),
        (
            lambda: solve(ONE, SumOfExponentials([0.5], [1.0]), [1.0]),
            TypeError,
            "cannot force a SumOfExponentials",
        ),
    ],
)
def test_bad_input_is_one_sentence(call, error, message):
    with pytest.raises(error, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
