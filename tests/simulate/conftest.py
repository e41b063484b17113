"""Problems that the tests of the simulation share."""

import numpy as np
import pytest

from hsgd.problems.least_squares import LeastSquares


def make_problem(n: int = 30, d: int = 11, ridge: float = 0.0, seed: int = 0) -> LeastSquares:
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, d)) / np.sqrt(d)
    b = A @ rng.standard_normal(d) + 0.3 * rng.standard_normal(n)
    held_out = (A[::-1] * 1.1, b)
    return LeastSquares(A, b, ridge=ridge, x0=rng.standard_normal(d), population=held_out)


@pytest.fixture
def problem() -> LeastSquares:
    return make_problem()


@pytest.fixture
def build():
    return make_problem
