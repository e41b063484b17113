import math

import numpy as np
import pytest

from tests.problems import constant, power_law
from volterra import SumOfExponentials, TimeChanged, analyse, solve


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
    with pytest.raises(ValueError, match="weights >= 0"):
        analyse(SumOfExponentials([1.0], [-0.5]))
