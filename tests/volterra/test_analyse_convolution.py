"""Kernels that are functions, analysed: against closed Laplace transforms."""

import math

import numpy as np
import pytest
from scipy.special import gamma

from volterra import Convolution, SumOfExponentials, analyse

FORCING = SumOfExponentials([0.5], [1.0], constant=0.25)


@pytest.mark.parametrize("norm", [0.1, 0.5, 0.99, 1.01, 3.0])
@pytest.mark.parametrize("rate", [1e-6, 1.0, 1e9])
def test_sums_of_exponentials(norm, rate):
    kernel = SumOfExponentials([rate, 50 * rate], [0.7 * norm * rate, 15 * norm * rate])
    function, exact = analyse(Convolution(kernel), FORCING), analyse(kernel, FORCING)
    assert function.kernel_norm == pytest.approx(exact.kernel_norm, rel=1e-12)
    assert function.malthusian_exponent == pytest.approx(exact.malthusian_exponent, rel=1e-9)
    assert function.limit == pytest.approx(exact.limit, rel=1e-9)
    assert function.stable == exact.stable


@pytest.mark.parametrize("norm", [0.3, 2.0])
def test_gamma_and_singular_kernels(norm):
    # transforms norm / (1 + mu)^2 and norm / sqrt(1 + mu)
    gamma_kernel = Convolution(lambda tau: norm * tau * np.exp(-tau))
    assert analyse(gamma_kernel).malthusian_exponent == pytest.approx(norm**0.5 - 1, rel=1e-9)
    singular = Convolution(lambda tau: norm / gamma(0.5) * np.exp(-tau), singularity=0.5)
    assert analyse(singular).kernel_norm == pytest.approx(norm, rel=1e-9)
    assert analyse(singular).malthusian_exponent == pytest.approx(norm**2 - 1, rel=1e-9)


def test_heavy_tails_have_a_norm_but_no_exponent():
    analysis = analyse(Convolution(lambda tau: 0.5 * (1 + tau) ** -2), FORCING)
    assert analysis.kernel_norm == pytest.approx(0.5, rel=1e-9)
    assert math.isnan(analysis.malthusian_exponent)
    assert analysis.limit == pytest.approx(0.5)


def test_a_tail_that_goes_on_beyond_all_scales_counts():
    """Of the norm 0.5 a thousandth lies where no piece is."""
    analysis = analyse(Convolution(lambda tau: 0.05 * (1 + tau) ** -1.1))
    assert analysis.kernel_norm == pytest.approx(0.5, rel=1e-9)


def test_exponential_times_a_power_has_none_either():
    # the transform is 1/2 where it begins to diverge, at mu = -1
    analysis = analyse(Convolution(lambda tau: 0.5 * np.exp(-tau) * (1 + tau) ** -2))
    assert math.isnan(analysis.malthusian_exponent)


def test_an_exponent_next_to_the_decay_is_not_guessed():
    # mu = -1 + 0.001: the integrand e^{-0.001 tau} is gone from double precision before it decays
    assert math.isnan(analyse(Convolution(lambda tau: 1e-3 * np.exp(-tau))).malthusian_exponent)


def test_constants_and_zero():
    growing = analyse(Convolution(lambda tau: np.full_like(tau, 0.3)), FORCING)
    assert growing.kernel_norm == math.inf
    assert growing.malthusian_exponent == pytest.approx(0.3, rel=1e-9)
    assert growing.limit == math.inf
    assert not growing.stable
    nothing = analyse(Convolution(np.zeros_like), FORCING)
    assert nothing.malthusian_exponent == -math.inf
    assert nothing.limit == 0.25


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (Convolution(np.sin), "nowhere negative"),
        (Convolution(lambda tau: (1 + np.cos(tau)) * (1 + tau) ** -2), "too rough"),
        (Convolution(lambda tau: np.zeros((tau.size, 2, 2)), dimension=2), "scalar kernel"),
    ],
)
def test_refusals_are_one_sentence(kernel, message):
    with pytest.raises(ValueError, match=message) as caught:
        analyse(kernel)
    assert "\n" not in str(caught.value)
