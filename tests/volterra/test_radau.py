import numpy as np
import pytest

from volterra.radau import STAGES, lagrange_matrix, radau, radau_nodes

RULE = radau()


def test_three_stage_nodes_are_the_known_ones():
    root = np.sqrt(6.0)
    np.testing.assert_allclose(radau_nodes(3), [(4 - root) / 10, (4 + root) / 10, 1.0], rtol=2e-15)


@pytest.mark.parametrize("power", range(1, 2 * STAGES))
def test_quadrature_has_order_nine(power):
    weights = RULE.coefficients[-1]
    assert weights @ RULE.nodes ** (power - 1) == pytest.approx(1 / power, rel=1e-14)


def test_quadrature_has_not_order_ten():
    power = 2 * STAGES
    assert abs(RULE.coefficients[-1] @ RULE.nodes ** (power - 1) - 1 / power) > 1e-8


@pytest.mark.parametrize("power", range(1, STAGES + 1))
def test_stages_integrate_polynomials(power):
    left = RULE.coefficients @ RULE.nodes ** (power - 1)
    np.testing.assert_allclose(left, RULE.nodes**power / power, rtol=1e-14, atol=1e-16)


def test_decays_infinitely_stiff_modes_at_once():
    system = np.eye(STAGES) + 1e14 * RULE.coefficients
    assert abs(np.linalg.solve(system, np.ones(STAGES))[-1]) < 1e-12


def test_derivative_and_interpolation_are_exact_for_polynomials():
    polynomial = np.polynomial.Polynomial([1.0, -2.0, 0.5, 3.0, -1.0, 0.7])
    values = polynomial(RULE.points)
    np.testing.assert_allclose(RULE.derivative @ values, polynomial.deriv()(RULE.nodes), rtol=1e-12)
    np.testing.assert_allclose(RULE.first_half @ values, polynomial(RULE.nodes / 2), rtol=1e-13)
    np.testing.assert_allclose(
        RULE.second_half @ values, polynomial(0.5 + RULE.nodes / 2), rtol=1e-13
    )
    at = np.array([0.1, 0.9])
    found = lagrange_matrix(RULE.points, at) @ values
    np.testing.assert_allclose(found, polynomial(at), rtol=1e-13)
