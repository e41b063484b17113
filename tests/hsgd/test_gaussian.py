"""Gaussian expectations in closed form, against mpmath's quadrature at 30 digits."""

import math

import mpmath
import numpy as np
import pytest
import sympy

from hsgd import activations, hermite
from hsgd.symbolic import NoClosedForm, activation, gaussian_expectation, hermite_expansion

x = sympy.Symbol("x")
CLOSED = {
    "polynomial": x**4 - 3 * x**3 + 1,
    "shifted exponential": x**2 * sympy.exp(x / 2 - x**2 / 3),
    "growing": sympy.exp(x**2 / 5),
    "oscillating": x * sympy.sin(2 * x) * sympy.cos(x) + sympy.sinh(x / 2) ** 2,
    "erf": x**3 * sympy.erf(2 * x + sympy.Rational(1, 3)),
    "erf squared": x**2 * sympy.erf(x / 3) * sympy.erf(x) * sympy.exp(-(x**2)),
    "gelu squared": (x * (1 + sympy.erf(x / sympy.sqrt(2))) / 2) ** 2,
    "relu": sympy.Max(x, 0) ** 3,
    "shifted relu": sympy.Max(x - sympy.Rational(1, 2), 0) * x,
    "leaky": sympy.Max(x, x / 10),
    "clipped": sympy.Min(sympy.Max(x, -1), 2) ** 2,
    "abs": sympy.Abs(x + 1),
    "step": sympy.Heaviside(x - 1) * sympy.exp(x),
    "sign": sympy.sign(x) * x,
    "pieces": sympy.Piecewise((x**2, x < -1), (sympy.exp(x), x < 1), (0, True)),
}


@pytest.mark.parametrize("name", CLOSED)
def test_expectations(name):
    function = CLOSED[name]
    exact = gaussian_expectation(function)
    assert not exact.has(sympy.Integral, sympy.Float, sympy.I)
    numeric = sympy.lambdify(x, function, "mpmath")
    kinks = [-1, 0, mpmath.mpf(1) / 2, 1, 2]
    with mpmath.workdps(30):
        total = mpmath.quad(
            lambda u: numeric(u) * mpmath.npdf(u), [-mpmath.inf, -5, *kinks, 5, mpmath.inf]
        )
        assert abs(mpmath.mpf(str(exact.evalf(30))) - total) < 1e-16


def test_parameters_stay_symbols():
    a = sympy.Symbol("a", positive=True)
    mean = gaussian_expectation(a * sympy.Max(x, 0) + sympy.exp(a * x), x)
    assert sympy.simplify(mean - a / sympy.sqrt(2 * sympy.pi) - sympy.exp(a**2 / 2)) == 0
    second = gaussian_expectation(sympy.erf(a * x) ** 2, x)
    assert sympy.simplify(second - 2 / sympy.pi * sympy.asin(2 * a**2 / (1 + 2 * a**2))) == 0


@pytest.mark.parametrize(
    ("function", "known"),
    [(sympy.Max(x, 0), activations.relu), (sympy.erf(x), activations.erf)],
    ids=["relu", "erf"],
)
def test_closed_forms_agree_with_the_numeric_ones(function, known):
    expansion = hermite_expansion(function, 12)
    assert expansion.exact
    values = np.array([float(c.evalf(30)) for c in expansion.coefficients])
    assert values == pytest.approx(hermite.coefficients(known, 12).values, abs=1e-15)
    constants = hermite.constants(known)
    variance = float(expansion.nonlinear_variance.evalf(30))
    assert variance == pytest.approx(constants.nonlinear_variance, abs=1e-15)


def test_relu_has_the_general_formula():
    found = hermite_expansion(sympy.Max(x, 0), 10).coefficients
    for k in range(2, 11):
        sign = (-1) ** (k // 2 + 1)
        formula = sign * sympy.factorial2(k - 3) / sympy.sqrt(2 * sympy.pi * sympy.factorial(k))
        assert sympy.simplify(found[k] - (formula if k % 2 == 0 else 0)) == 0


def test_without_a_closed_form_the_quadrature_answers_with_its_error():
    expansion = hermite_expansion(sympy.tanh(x), 5)
    assert not expansion.exact
    assert 0 < expansion.error < 1e-12
    values = [float(c) for c in expansion.coefficients]
    assert values == pytest.approx(hermite.coefficients("tanh", 5).values, abs=1e-15)
    assert "0.6057" in expansion.latex()
    # The variance is among the numbers, and of a steep function the hardest of them.
    steep = hermite_expansion(1000 * sympy.tanh(x), 1)
    assert steep.error >= hermite.constants(lambda u: 1000 * np.tanh(u)).error


@pytest.mark.parametrize("order", [3, 40])
def test_an_activation_from_an_expression(order):
    gelu = activation(x * (1 + sympy.erf(x / sympy.sqrt(2))) / 2, "gelu")
    assert gelu([0.0, 1.0]) == pytest.approx([0.0, 0.5 * (1 + math.erf(1 / math.sqrt(2)))])
    same = activations.Activation("same", gelu.function)
    found, by_quadrature = (hermite.coefficients(each, order) for each in (gelu, same))
    gap = np.max(np.abs(found.values - by_quadrature.values))
    assert gap <= by_quadrature.error < 1e-12
    first, second = hermite.constants(gelu), hermite.constants(same)
    assert first.nonlinear_variance == pytest.approx(second.nonlinear_variance, abs=1e-14)


def test_pieces_become_breakpoints():
    found = activation(sympy.Piecewise((0, x < sympy.Rational(1, 3)), (sympy.tanh(x), True)))
    assert found.breakpoints == (1 / 3,)
    assert found.exact_coefficients is None
    assert hermite.coefficients(found, 4).error < 1e-12


def test_bad_expressions_get_one_sentence():
    a = sympy.Symbol("a", positive=True)
    with pytest.raises(NoClosedForm, match="no closed form"):
        gaussian_expectation(sympy.tanh(x))
    with pytest.raises(NoClosedForm, match="no closed form"):
        hermite_expansion(sympy.tanh(a * x), 2, x)
    with pytest.raises(NoClosedForm, match="substitute numbers for parameters"):
        gaussian_expectation(sympy.Max(x, a * x), x)
    with pytest.raises(ValueError, match=r"several symbols \(a, x\): name the variable"):
        gaussian_expectation(a * x)
    with pytest.raises(TypeError, match="or a SymPy expression"):
        gaussian_expectation("x + 1")
    with pytest.raises(TypeError, match="or a SymPy expression"):
        hermite_expansion(np.tanh)
    with pytest.raises(ValueError, match="infinite"):
        gaussian_expectation(sympy.exp(x**2))
    with pytest.raises(ValueError, match="infinite"):
        hermite_expansion(sympy.exp(x**2 / 3))
    with pytest.raises(ValueError, match="substitute numbers"):
        activation(a * x, variable=x)
    with pytest.raises(ValueError, match="order is -1"):
        hermite_expansion(x, -1)
