import dataclasses
import subprocess
import sys

import numpy as np
import pytest

import volterra
from volterra import Solution, Status, SumOfExponentials, TimeChanged, solve
from volterra.solution import ratio_to_tolerance, report

KERNEL = SumOfExponentials([1.0, 2.0], [0.3, 0.4])
NEGATIVE = SumOfExponentials([1.0], [-1.0])
ONE = SumOfExponentials([], [], constant=1.0)
T = np.linspace(0, 2, 5)


def clocked(**changes):
    functions = {"clock": lambda t: 1.0 * t, "weight": np.ones_like} | changes
    return TimeChanged(KERNEL, functions.pop("clock"), functions.pop("weight"), **functions)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((ONE, KERNEL, []), {}, ValueError, "non-empty"),
        ((ONE, KERNEL, [[0.0, 1.0]]), {}, ValueError, "one-dimensional"),
        ((ONE, KERNEL, [0.0, np.nan]), {}, ValueError, "t must be finite"),
        ((ONE, KERNEL, [0.0, 0.0]), {}, ValueError, "strictly increasing"),
        ((ONE, KERNEL, [-1.0, 0.0]), {}, ValueError, ">= 0"),
        (
            (ONE, KERNEL, T),
            {"method": "magic"},
            ValueError,
            "'auto', .*'exact', .*'collocation'",
        ),
        ((ONE, KERNEL, T), {"method": None}, ValueError, "method must be one of"),
        ((ONE, KERNEL, T), {"rtol": -1}, ValueError, "rtol must be"),
        ((ONE, KERNEL, T), {"atol": np.nan}, ValueError, "atol must be"),
        ((ONE, KERNEL, T), {"rtol": 0.0}, ValueError, "both zero"),
        ((np.ones(5), KERNEL, T), {}, ValueError, "at least 8 times"),
        ((np.ones(4), KERNEL, T), {}, ValueError, "one real value per time"),
        ((np.ones(20), KERNEL, np.linspace(1, 2, 20)), {}, ValueError, "first of them 0"),
        ((np.full(20, np.nan), KERNEL, np.linspace(0, 2, 20)), {}, ValueError, "finite"),
        (("text", KERNEL, T), {}, TypeError, "array of values"),
        ((1.0, KERNEL, T), {}, TypeError, "constant=c"),
        ((ONE, np.exp, T), {}, TypeError, "kernel must be"),
        ((np.cos, KERNEL, T), {"method": "exact"}, TypeError, "method='collocation'"),
        ((ONE, NEGATIVE, T), {"method": "exact"}, ValueError, "weights >= 0"),
        ((lambda t: 1.0, KERNEL, T), {}, ValueError, "same shape"),
        ((lambda t: np.full_like(t, np.nan), KERNEL, T), {}, ValueError, "not finite at t = 0"),
        ((lambda t: t + 1j, KERNEL, T), {}, ValueError, "real numbers"),
        ((ONE, clocked(clock=lambda t: -t), T), {}, ValueError, "never decrease"),
        ((ONE, clocked(clock=lambda t: t + np.sin(4 * t)), T), {}, ValueError, "never decrease"),
        ((ONE, clocked(weight=lambda t: t[:-1]), T), {}, ValueError, "weight must map"),
        ((ONE, clocked(clock_rate=lambda t: -np.ones_like(t)), T), {}, ValueError, "backwards"),
    ],
)
def test_bad_input_is_one_sentence(arguments, options, error, message):
    with pytest.raises(error, match=message) as caught:
        solve(*arguments, **options)
    assert "\n" not in str(caught.value)


def test_a_function_that_fails_between_the_requested_times():
    def forcing(t):
        return np.where((t > 0.6) & (t < 0.9), np.nan, 1.0)

    with pytest.raises(ValueError, match="forcing is not finite at t = 0"):
        solve(forcing, KERNEL, T)


@pytest.mark.parametrize(
    ("forcing", "kernel", "method"),
    [
        (ONE, KERNEL, "exact"),
        (np.cos, KERNEL, "collocation"),
        (ONE, clocked(), "collocation"),
        (ONE, SumOfExponentials([1.0], [-1.0]), "companion"),
    ],
)
def test_auto_takes_the_exact_method_where_it_can(forcing, kernel, method):
    assert solve(forcing, kernel, T).method == method


def test_methods_agree():
    one, other = (solve(ONE, KERNEL, T, method=m) for m in ("exact", "collocation"))
    np.testing.assert_allclose(one.y, other.y, rtol=1e-9)


@pytest.mark.parametrize("method", ["exact", "collocation"])
def test_solution_is_frozen_callable_and_complete(method):
    solution = solve(ONE, KERNEL, T, method=method)
    assert isinstance(solution, Solution)
    np.testing.assert_array_equal(solution.t, T)
    np.testing.assert_array_equal(solution(T), solution.y)
    assert solution(T.reshape(1, 5)).shape == (1, 5)
    assert solution(0.5).shape == ()
    assert solution.at([0.5]).status is Status.CONVERGED
    assert solution.status.value.endswith(".")
    assert all(isinstance(count, int) for count in solution.work.values())
    with pytest.raises(dataclasses.FrozenInstanceError):
        solution.y = T
    with pytest.raises(ValueError, match="finite and >= 0"):
        solution(-1.0)


def test_beyond_the_horizon():
    solution = solve(ONE, KERNEL, T)
    np.testing.assert_allclose(solution(9.0), solve(ONE, KERNEL, [9.0]).y[0], rtol=1e-14)
    for late in (2.001, 9.0):
        with pytest.raises(ValueError, match="later last time"):
            solve(np.cos, KERNEL, T)(late)


def test_bad_observations_are_refused():
    solution = solve(ONE, KERNEL, T)
    with pytest.raises(ValueError, match="2 rates"):
        solution.observe([1.0])
    with pytest.raises(ValueError, match="weights must be finite"):
        solution.observe([1.0, np.nan])
    with pytest.raises(TypeError, match="forcing of an observation"):
        solution.observe([1.0, 1.0], np.ones(5))
    with pytest.raises(ValueError, match="same shape"):
        solution.observe([1.0, 1.0], lambda t: 1.0)


class Known:
    """A trajectory of known values and errors."""

    def __init__(self, y, error):
        self.y, self.error, self.work = np.array(y), np.array(error), {}

    def evaluate(self, t):
        return self.y, self.error


def told(y, error, rtol, atol):
    t = np.arange(1.0, 1 + len(y))
    return report(Known(y, error), t, method="", mode_count=None, rtol=rtol, atol=atol).status


def test_the_status_is_what_the_errors_say():
    """The tolerance is met or not, to the last digit; a sign may be unknown where errors are small.

    Allowed are 0.25 and 0.45.
    """
    assert told([2.0, -4.0], [0.2499, 0.4499], 0.1, 0.05) is Status.CONVERGED
    for error in ([0.2501, 0.1], [0.1, 0.4501]):
        assert told([2.0, -4.0], error, 0.1, 0.05) is Status.TOLERANCE_NOT_REACHED
    crossing = [-1.0, 1e-6, 1.0]
    assert told(crossing, [1e-5, 1e-5, 1e-5], 1e-4, 0.0) is Status.CHANGES_SIGN
    assert told(crossing, [1e-5, 1e-5, 0.5], 1e-4, 0.0) is Status.TOLERANCE_NOT_REACHED
    assert told(crossing, [1e-5, 1e-5, 1e-5], 1e-6, 1e-9) is Status.TOLERANCE_NOT_REACHED
    assert told([1.0, np.inf], [0.0, np.inf], 0.1, 0.0) is Status.OVERFLOW
    assert told([np.inf, np.nan], [np.inf, np.inf], 0.1, 0.0) is Status.NOT_CONTINUED


def test_where_nothing_is_allowed_any_error_is_too_large():
    y, error = np.array([0.0, 0.0, 2.0]), np.array([1e-300, 0.0, 0.5])
    np.testing.assert_array_equal(ratio_to_tolerance(y, error, 0.5, 0.0), [np.inf, 0.0, 0.5])


def test_an_impossible_tolerance_is_a_status_not_a_lie():
    solution = solve(ONE, KERNEL, T[1:], rtol=1e-18)
    assert solution.status is Status.TOLERANCE_NOT_REACHED
    assert np.all(solution.error < 1e-14)


def test_exact_and_absolute_tolerance_only():
    assert solve(np.cos, KERNEL, T, rtol=0.0, atol=1e-8).status is Status.CONVERGED


def test_facade():
    assert sorted(volterra.__all__) == volterra.__all__
    assert all(hasattr(volterra, name) for name in volterra.__all__)


def test_import_is_light():
    code = (
        "import sys, volterra; "
        "heavy = {'scipy', 'numba', 'xarray', 'sympy', 'matplotlib'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("method", ["exact", "compressed"])
def test_a_solution_through_zero_asks_for_an_absolute_tolerance(method):
    forcing = SumOfExponentials([1.0, 0.5], [-1.0, 0.5])
    t = np.linspace(0.5, 3.0, 6)
    crossing = solve(forcing, KERNEL, t)
    inside = np.flatnonzero(np.diff(np.sign(crossing.y)))
    low, high = t[inside[0]], t[inside[0] + 1]
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if crossing(middle) < 0 else (low, middle)
    t = np.sort(np.append(t, 0.5 * (low + high)))
    solution = solve(forcing, KERNEL, t, method=method)
    assert solution.status is Status.CHANGES_SIGN
    assert "atol" in solution.status.value
    assert solve(forcing, KERNEL, t, method=method, atol=1e-12).status is Status.CONVERGED
