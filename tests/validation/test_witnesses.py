"""Two witnesses that share no formula: runs of SGD, and the exact mean, at every size."""

import numpy as np
import pytest

import hsgd
import simulate
from validation import compare


def gaussian(d, seed=0):
    coefficients = np.random.default_rng(1000 + seed).normal(size=d)
    rows = hsgd.GaussianRows(np.ones(d) / d, coefficients, 0.5, ridge=0.1 / (2 * d))
    return rows.sample(2 * d, seed)


@pytest.mark.parametrize("d", [10, 20, 40, 80])
@pytest.mark.parametrize(("batch", "sampling"), [(1, "with_replacement"), (4, "subset")])
def test_the_runs_have_the_exact_mean_at_every_size(d, batch, sampling):
    # No discrepancy is allowed: false alarms of 1% per comparison, at fixed seeds.
    problem, time = gaussian(d), np.linspace(0.0, 8.0, 17)
    algorithm = hsgd.SGD(0.8, batch_size=batch, sampling=sampling)
    exact = hsgd.exact_mean(problem, algorithm, time)
    runs = simulate.sgd(problem, algorithm, time, num_replicates=512, seed=1)
    found = compare(exact, runs)
    assert found.attrs["agrees"], found.verdict


@pytest.mark.parametrize("d", [20, 80])
def test_runs_at_another_learning_rate_have_another_mean(d):
    problem, time = gaussian(d), np.linspace(0.0, 8.0, 17)
    exact = hsgd.exact_mean(problem, hsgd.SGD(0.8), time)
    runs = simulate.sgd(problem, hsgd.SGD(0.9), time, num_replicates=512, seed=1)
    found = compare(exact, runs, same_algorithm=False)
    assert not found.attrs["agrees"], found.verdict
