import math

import mpmath
import numpy as np
import pytest
from scipy.integrate import quad

from tests.tables.problems import constant, power_law
from volterra import SumOfExponentials, SumOfPowers, TimeChanged, analyse, resolvent, solve


def test_one_mode():
    result = analyse(SumOfExponentials([2.0], [1.0]), SumOfExponentials([1.0], [5.0], 3.0))
    assert result.kernel_norm == 0.5
    assert result.limit == 6.0
    assert result.malthusian_exponent == pytest.approx(-1.0, rel=1e-15)
    assert result.stable


@pytest.mark.parametrize("norm", [0.1, 0.5, 0.9999, 1.01, 2.0, 1e4])
def test_exponent_solves_the_characteristic_equation(norm):
    kernel = power_law(200, norm)
    result = analyse(kernel)
    assert result.kernel_norm == pytest.approx(norm, rel=1e-13)
    transform = np.sum(kernel.weights / (kernel.rates + result.malthusian_exponent))
    assert transform == pytest.approx(1.0, rel=1e-9)
    assert result.stable == (norm < 1) == (result.malthusian_exponent < 0)


def test_limit_is_reached():
    kernel = power_law(20, 0.9)
    forcing = SumOfExponentials([0.1, 0.0], [1.0, 0.25], 0.5)
    limit = analyse(kernel, forcing).limit
    assert limit == pytest.approx(7.5, rel=1e-12)
    assert solve(forcing, kernel, [1e9]).y[0] == pytest.approx(limit, rel=1e-11)


@pytest.mark.parametrize(
    ("forcing", "limit"),
    [
        (constant(1.0), math.inf),
        (constant(-1.0), -math.inf),
        (SumOfExponentials([3.0], [-1.0]), -math.inf),
        (SumOfExponentials([3.0], [-1.0], 0.1), -math.inf),
    ],
)
def test_unstable_limit_has_the_sign_of_the_solution(forcing, limit):
    kernel = SumOfExponentials([1.0], [2.0])
    assert analyse(kernel, forcing).limit == limit
    assert np.sign(solve(forcing, kernel, [50.0]).y[0]) == np.sign(limit)


def test_critical_limit():
    kernel = SumOfExponentials([1.0], [1.0])
    assert analyse(kernel, SumOfExponentials([2.0], [1.0])).limit == 0.5
    assert solve(SumOfExponentials([2.0], [1.0]), kernel, [100.0]).y[0] == pytest.approx(0.5)
    assert analyse(kernel, constant()).limit == math.inf
    assert not analyse(kernel).stable
    # The forcing's integral over the mean of the kernel's time, 1/4 + 1/8.
    kernel, forcing = SumOfExponentials([2.0, 4.0], [1.0, 2.0]), SumOfExponentials([2.0], [1.0])
    assert analyse(kernel, forcing).limit == pytest.approx(0.5 / 0.375, rel=1e-14)
    assert solve(forcing, kernel, [100.0]).y[0] == pytest.approx(0.5 / 0.375)


def test_zero_rate_and_zero_kernel():
    growing = analyse(SumOfExponentials([0.0], [0.25]))
    assert growing.kernel_norm == math.inf
    assert growing.malthusian_exponent == pytest.approx(0.25, rel=1e-15)
    nothing = analyse(SumOfExponentials([0.0, 1.0], [0.0, 0.0]), constant(2.0))
    assert nothing.kernel_norm == 0
    assert nothing.limit == 2
    assert nothing.malthusian_exponent == -math.inf


def test_no_forcing_no_limit():
    assert math.isnan(analyse(SumOfExponentials([1.0], [0.5])).limit)
    assert math.isnan(analyse(SumOfExponentials([1.0], [0.5]), np.cos).limit)


def test_refusals():
    kernel = SumOfExponentials([1.0], [0.5])
    with pytest.raises(TypeError, match="final values"):
        analyse(TimeChanged(kernel, np.log1p, np.cos))
    with pytest.raises(TypeError, match="wrap a function of t - s"):
        analyse(np.exp)
    with pytest.raises(TypeError, match="closed form"):
        resolvent(np.exp)
    with pytest.raises(ValueError, match="finite and >= 0"):
        resolvent(kernel)(-1.0)
    with pytest.raises(ValueError, match="whole numbers"):
        resolvent(SumOfPowers([0.5], [0.1]))(0.5)


# ----------------------------------------------------------------- powers, signs, phases


def test_one_power():
    result = analyse(SumOfPowers([0.5], [0.25]), SumOfPowers([0.1], [5.0], 3.0))
    assert result.kernel_norm == 0.5
    assert result.limit == 6.0
    assert result.malthusian_exponent == pytest.approx(math.log(0.75), rel=1e-15)
    assert result.stable


KERNELS = {
    "powers": SumOfPowers([0.5, 0.9], [0.1, 0.05]),
    "powers above critical": SumOfPowers([0.5, 0.9], [0.2, 0.07]),
    "negative ratios": SumOfPowers([0.5, -0.97], [0.1, 0.05]),
    "signed powers": SumOfPowers([0.5, 0.9], [-0.4, 0.05]),
    "rotating powers": SumOfPowers([0.9 * np.exp(0.5j), 0.3], [0.3, 0.1]),
    "signed": SumOfExponentials([1.0, 0.2], [-3.0, 0.1]),
    "signed, growing": SumOfExponentials([1.0, 0.2], [3.0, -0.1]),
    "oscillating": SumOfExponentials([0.5 + 3j, 1.0], [0.4 - 0.2j, 0.3]),
    "oscillating, growing": SumOfExponentials([0.1 + 3j], [0.9]),
    "positive": SumOfExponentials([0.3, 2.0], [0.1, 0.5]),
    "positive, growing": SumOfExponentials([0.3, 2.0], [0.4, 0.5]),
    "a rate of zero, negative": SumOfExponentials([1.0], [0.5], -0.2),
}


def forcing_like(kernel, *arguments):
    return type(kernel)(*arguments)


@pytest.mark.parametrize("name", KERNELS)
def test_analysis_is_what_the_solution_does(name):
    kernel = KERNELS[name]
    forcing = forcing_like(kernel, [0.7], [0.3], 0.2)
    result = analyse(kernel, forcing)
    late = np.array([300.0, 310.0, 330.0])
    y = solve(forcing, kernel, late, rtol=1e-6, atol=1e-9).y
    if result.stable:
        assert result.limit == pytest.approx(0.2 / (1 - result.kernel_norm), rel=1e-14)
        assert y[2] == pytest.approx(result.limit, rel=1e-3, abs=1e-9)
    else:
        envelope = np.max(np.abs(solve(forcing, kernel, np.arange(250.0, 300.0), rtol=1e-6).y))
        later = np.max(np.abs(solve(forcing, kernel, np.arange(300.0, 350.0), rtol=1e-6).y))
        assert math.log(later / envelope) / 50 == pytest.approx(
            result.malthusian_exponent, rel=0.02
        )
        if not math.isnan(result.limit):
            assert np.sign(y[2]) == np.sign(result.limit)
    assert result.stable == (result.malthusian_exponent < 0)


def test_limits_that_do_not_exist():
    kernel = SumOfPowers([0.5], [0.1])
    assert math.isnan(analyse(kernel, SumOfPowers([-1.0], [1.0])).limit)
    assert math.isnan(analyse(SumOfExponentials([1.0], [0.1]), SumOfExponentials([1j], [1])).limit)
    assert math.isnan(analyse(kernel, SumOfExponentials([1.0], [1.0])).limit)
    assert analyse(SumOfPowers([0.0], [0.0]), SumOfPowers([], [], 2.0)).limit == 2.0
    assert math.isnan(analyse(KERNELS["oscillating, growing"], constant()).limit)


@pytest.mark.parametrize("name", KERNELS)
def test_resolvent_solves_its_equation(name):
    """R = K + K * R, and R is the solution for the forcing K."""
    kernel = KERNELS[name]
    found = resolvent(kernel)
    t = np.arange(12.0)
    value, error = found.evaluate(t)
    solution = solve(kernel, kernel, t, rtol=1e-12, atol=1e-14)
    assert np.all(np.abs(value - solution.y) <= error + solution.error)
    np.testing.assert_allclose(value, solution.y, rtol=1e-10, atol=1e-13)
    if isinstance(kernel, SumOfPowers):
        memory = [kernel(t[:k])[::-1] @ value[:k] for k in range(t.size)]
    else:
        memory = [quad(lambda s, b=b: kernel(b - s) * found(s), 0, b, limit=200)[0] for b in t]
    np.testing.assert_allclose(value, kernel(t) + memory, rtol=1e-7, atol=1e-9)


def test_the_error_of_a_resolvent_is_sharp():
    """Late, where a rounded exponent shows: a tenth of the error would be a lie."""
    rng, ratios = np.random.default_rng(3), []
    for _ in range(100):
        rate = 10 ** rng.uniform(-1, 1)
        weight, t = rate * rng.uniform(0, 0.9), 10 ** rng.uniform(2, 2.7) / rate
        value, error = resolvent(SumOfExponentials([rate], [weight])).evaluate(t)
        with mpmath.workdps(50):
            w = mpmath.mpf(weight)
            exact = w * mpmath.exp((w - mpmath.mpf(rate)) * mpmath.mpf(t))
            wrong = float(abs(mpmath.mpf(float(value)) - exact))
        ratios.append(float(error) / wrong if wrong else np.inf)
    assert 1 <= min(ratios) < 10


def test_resolvent_of_many_modes_is_positive_and_of_the_right_mass():
    kernel = power_law(300, 0.9)
    found = resolvent(kernel)
    assert np.all(found.weights > 0)
    assert np.sum(found.weights / found.rates) == pytest.approx(9.0, rel=1e-11)
    assert found(1e9).shape == ()
    assert resolvent(SumOfExponentials([], []))(1.0) == 0


def test_a_growing_resolvent_overflows_to_infinity():
    found = resolvent(SumOfExponentials([1.0], [2.0]))
    value, error = found.evaluate([700.0, 1e4])
    assert value[0] == pytest.approx(2 * math.exp(700.0), rel=1e-12)
    assert value[1] == error[1] == math.inf
