"""The table of function kernels: each answer satisfies its own equation, by SciPy's quadrature."""

import numpy as np
import pytest
from scipy.integrate import quad_vec

from tests.tables.function_problems import FUNCTION_PROBLEMS, mittag_leffler
from volterra import Convolution, Hammerstein, SumOfExponentials


def test_names_are_unique():
    assert len({problem.name for problem in FUNCTION_PROBLEMS}) == len(FUNCTION_PROBLEMS) >= 14


def memory(problem, t):
    """The integral term, with (t - s)^-alpha taken away by a substitution."""
    kernel, g = problem.kernel, lambda s, y: y
    if isinstance(kernel, Hammerstein):
        kernel, g = kernel.kernel, kernel.nonlinearity
    if isinstance(kernel, SumOfExponentials):
        kernel = Convolution(kernel)
    power = 1 / (1 - kernel.singularity)

    def integrand(u):
        difference = np.array([t * u**power])
        s = np.maximum(t - difference, 0.0)
        arguments = (difference,) if isinstance(kernel, Convolution) else (np.array([t]), s)
        value, z = np.asarray(kernel.function(*arguments))[0], g(s, problem.exact(s))[0]
        scale = power * t ** (1 - kernel.singularity)
        return scale * (np.tensordot(value, z, axes=1) if value.ndim else value * z)

    layers = [1e-9 / t, 1e-8 / t, 1e-7 / t, 0.9, 0.999]
    return quad_vec(integrand, 0, 1, epsabs=1e-8, epsrel=1e-8, points=layers, limit=1000)[0]


@pytest.mark.parametrize("problem", FUNCTION_PROBLEMS, ids=lambda p: p.name)
def test_answer_satisfies_the_equation(problem):
    t = 0.77 * float(problem.times[5])
    at = np.array([t])
    y = np.asarray(problem.exact(at))[0]
    forcing = np.asarray(problem.forcing(at))[0]
    np.testing.assert_allclose(forcing + memory(problem, t), y, rtol=1e-6, atol=1e-7)


def test_mittag_leffler_of_order_one_is_the_exponential():
    assert mittag_leffler(1.0, -3.0) == pytest.approx(np.exp(-3.0), rel=1e-15)
