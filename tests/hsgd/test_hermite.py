"""Hermite coefficients: closed forms, quadrature, and multiprecision integrals of neither."""

import math

import mpmath
import numpy as np
import pytest
from scipy import special

from hsgd import activations, hermite
from hsgd.activations import Activation

KNOWN = {
    "relu": (1 / math.sqrt(2 * math.pi), 0.5, 0.25 - 1 / (2 * math.pi)),
    "erf": (
        0.0,
        2 / math.sqrt(3 * math.pi),
        2 / math.pi * math.asin(2 / 3) - 4 / (3 * math.pi),
    ),
    "identity": (0.0, 1.0, 0.0),
}


def without_closed_form(activation):
    return Activation(activation.name, activation.function, activation.breakpoints)


def multiprecision(function, order, breakpoints=()):
    """E f(g) He_k(g)/√k! by mpmath at 30 digits: its own quadrature and its own polynomials."""
    with mpmath.workdps(30):
        pieces = [-mpmath.inf, *sorted({-4, 0, 4, *breakpoints}), mpmath.inf]

        def integrand(x):
            # He_k(x) = 2^{-k/2} H_k(x/√2)
            h = mpmath.hermite(order, x / mpmath.sqrt(2)) / mpmath.sqrt(2) ** order
            return function(x) * h * mpmath.exp(-x * x / 2)

        total = mpmath.quad(integrand, pieces) / mpmath.sqrt(2 * mpmath.pi)
        return float(total / mpmath.sqrt(mpmath.factorial(order)))


@pytest.mark.parametrize("name", KNOWN)
def test_constants(name):
    exact = hermite.constants(name)
    quadrature = hermite.constants(without_closed_form(activations.BY_NAME[name]))
    for found in (exact, quadrature):
        values = (found.mean, found.linear, found.nonlinear_variance)
        assert values == pytest.approx(KNOWN[name], abs=1e-13)
        assert np.max(np.abs(np.subtract(values, KNOWN[name]))) <= found.error < 1e-12
    assert exact.standard_deviation**2 == pytest.approx(KNOWN[name][1] ** 2 + KNOWN[name][2])


@pytest.mark.parametrize("name", ["relu", "erf", "tanh"])
@pytest.mark.parametrize("order", [0, 1, 2, 3, 8, 13])
def test_coefficients_against_multiprecision(name, order):
    function = {"relu": lambda x: max(x, 0), "erf": mpmath.erf, "tanh": mpmath.tanh}[name]
    found = hermite.coefficients(name, order)
    error = abs(found.values[order] - multiprecision(function, order))
    assert error <= found.error + 1e-30
    assert found.error < 1e-12


@pytest.mark.parametrize("activation", [activations.relu, activations.erf])
def test_quadrature_agrees_with_closed_forms_at_high_order(activation):
    exact = hermite.coefficients(activation, 200).values
    found = hermite.coefficients(without_closed_form(activation), 200)
    assert np.max(np.abs(found.values - exact)) <= found.error < 1e-12
    # Parseval: the power beyond order 200 is positive and small.
    power = np.sum(exact**2)
    constants = hermite.constants(activation)
    total = constants.mean**2 + constants.linear**2 + constants.nonlinear_variance
    assert 0 <= total - power + 1e-15 < 1e-3


def test_polynomials_are_orthonormal_and_exact():
    cube = activations.polynomial([1.0, -2.0, 0.5, 3.0])
    found = hermite.coefficients(without_closed_form(cube), 6)
    assert np.max(np.abs(found.values - hermite.coefficients(cube, 6).values)) <= found.error
    # x³ = He_3 + 3 He_1, x² = He_2 + 1
    expected = [1.5, 7.0, 0.5 * math.sqrt(2), 3.0 * math.sqrt(6), 0, 0, 0]
    assert found.values == pytest.approx(expected, abs=1e-12)
    assert hermite.constants(cube).nonlinear_variance == pytest.approx(0.5 + 54.0, rel=1e-14)
    x = 1.7
    values = hermite.polynomials(x, 9)
    classical = [special.eval_hermitenorm(k, x) / math.sqrt(math.factorial(k)) for k in range(10)]
    assert values == pytest.approx(classical, rel=1e-13)


@pytest.mark.parametrize("named", [True, False])
def test_the_error_is_honest_with_a_kink_that_nobody_named(named):
    where = 0.1234567
    kink = Activation("kink", lambda x: np.maximum(x - where, 0), (where,) if named else ())
    found = hermite.coefficients(kink, 12)
    second = special.eval_hermitenorm
    density = math.exp(-0.5 * where**2) / math.sqrt(2 * math.pi)
    for k in range(2, 13):
        exact = second(k - 2, where) * density / math.sqrt(math.factorial(k))
        assert abs(found.values[k] - exact) <= found.error
    assert found.error < 1e-12


@pytest.mark.parametrize("named", [True, False])
def test_a_jump_is_found_sharply(named):
    step = Activation("step", lambda x: (x > 0.3).astype(float), (0.3,) if named else ())
    found = hermite.constants(step)
    mean = special.ndtr(-0.3)
    linear = math.exp(-0.045) / math.sqrt(2 * math.pi)
    expected = (mean, linear, mean - mean**2 - linear**2)
    got = (found.mean, found.linear, found.nonlinear_variance)
    assert np.max(np.abs(np.subtract(got, expected))) <= found.error < 1e-12


def test_nearly_linear_activations_keep_their_digits():
    """The power of 1e-7·sin 3x beside x is 1e-14: a difference of second moments would lose it."""
    nearly = hermite.constants(lambda x: x + 1e-7 * np.sin(3 * x))
    sine_power, sine_linear = 0.5 * (1 - math.exp(-18)), 3 * math.exp(-4.5)
    exact = 1e-14 * (sine_power - sine_linear**2)
    assert nearly.nonlinear_variance == pytest.approx(exact, rel=1e-6)


def test_activations_by_name_and_by_function():
    assert activations.as_activation("relu") is activations.relu
    assert activations.as_activation(activations.erf) is activations.erf
    assert activations.as_activation(np.tanh).name == "tanh"
    assert hermite.constants(np.cos).mean == pytest.approx(math.exp(-0.5), abs=1e-14)
    assert activations.as_activation(np.tanh)([0.0, 1.0]) == pytest.approx([0, math.tanh(1)])


def test_bad_activations_get_one_sentence():
    with pytest.raises(ValueError, match="must be one of 'relu', 'erf'"):
        hermite.constants("rely")
    with pytest.raises(TypeError, match="activation is a int"):
        hermite.constants(3)
    with pytest.raises(TypeError, match="give the activation a word"):
        Activation("", np.tanh)
    with pytest.raises(TypeError, match="pass a vectorised function"):
        Activation("three", 3)
    with pytest.raises(ValueError, match=r"vectorise it, for example with numpy\.vectorize"):
        Activation("sum", np.sum)
    with pytest.raises(ValueError, match="breakpoints is inf, but it must be finite"):
        Activation("relu", np.abs, (np.inf,))
    with pytest.raises(ValueError, match="grows so fast"):
        hermite.constants(lambda x: np.exp(x**2 / 4))
    with pytest.raises(ValueError, match="not finite everywhere"):
        hermite.constants(lambda x: np.exp(x**2))
    with pytest.raises(ValueError, match="order is -1"):
        hermite.coefficients("relu", -1)
    with pytest.raises(ValueError, match="beyond 1000"):
        hermite.coefficients("relu", 2000)
