"""Forcings given as arrays: the spline's error is counted, for every kind of kernel."""

import numpy as np
import pytest

from tests.tables.problems import by_eigenvalues
from volterra import Convolution, Hammerstein, Kernel, Status, SumOfExponentials, solve

SUM = SumOfExponentials([0.5, 3.0], [0.2, 1.2])
FORCING = SumOfExponentials([0.3, 2.0], [1.0, -0.5], 0.2)


@pytest.mark.parametrize("kernel", [SUM, Convolution(SUM), Kernel(lambda t, s: SUM(t - s))])
@pytest.mark.parametrize("count", [8, 21, 100, 400])
def test_honest_and_of_order_four(kernel, count):
    t = np.linspace(0, 10, count)
    solution = solve(FORCING(t), kernel, t, rtol=1e-9)
    inside = np.linspace(0, 10, 303)
    error = np.abs(solution(inside) - by_eigenvalues(FORCING, SUM)(inside))
    assert np.all(error <= solution.at(inside).error)
    assert np.max(error) <= 4e3 / count**4 + 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_oscillations_and_uneven_times(seed):
    rng = np.random.default_rng(seed)
    t = np.unique(np.concatenate([[0.0], rng.uniform(0, 5, 60), [5.0]]))
    frequency = rng.uniform(1, 12)
    solution = solve(np.cos(frequency * t), SUM, t, rtol=1e-8)
    exact = solve(lambda t: np.cos(frequency * t), SUM, t, rtol=1e-11, atol=1e-13)
    assert np.all(np.abs(solution.y - exact.y) <= solution.error + exact.error)


def test_status_says_whether_the_samples_suffice():
    coarse, fine = np.linspace(0, 10, 21), np.linspace(0, 10, 2001)
    assert solve(FORCING(coarse), SUM, coarse, rtol=1e-6).status is Status.TOLERANCE_NOT_REACHED
    assert solve(FORCING(fine), SUM, fine, rtol=1e-6).status is Status.CONVERGED


def test_columns_nonlinear_and_observed():
    t = np.linspace(0, 3, 61)
    values = np.stack([np.cos(t), np.exp(-t)], axis=1)
    both = solve(values, Convolution(SUM), t, rtol=1e-6)
    one = solve(list(np.cos(t)), Convolution(SUM), t, rtol=1e-6)
    assert both.y.shape == (61, 2)
    np.testing.assert_allclose(both.y[:, 0], one.y, atol=1e-6)
    law = Hammerstein(Convolution(lambda tau: -np.ones_like(tau)), lambda s, y: y**2)
    decay = solve(np.ones_like(t), law, t, rtol=1e-8)
    np.testing.assert_allclose(decay.y, 1 / (1 + t), rtol=1e-8)
    observed = solve(FORCING(t), SUM, t).observe([1.0, 1.0])
    exact = solve(FORCING, SUM, t).observe([1.0, 1.0])
    assert np.all(np.abs(observed.y - exact.y) <= observed.error + exact.error)
