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


def test_the_row_basis_is_a_reference_as_good_as_the_recursion():
    problem, time = gaussian(20), np.linspace(0.0, 8.0, 17)
    runs = simulate.sgd(problem, hsgd.SGD(0.8), time, num_replicates=512, seed=1)
    verdicts = []
    for method in ("recursion", "row_basis"):
        exact = hsgd.exact_mean(problem, hsgd.SGD(0.8), time, method=method)
        found = compare(exact, runs)
        assert (found.discrepancy == 0).all()
        assert "nothing is allowed for finite n" in found.verdict
        verdicts.append(found.agrees)
    assert verdicts[0].all()
    assert verdicts[0].equals(verdicts[1])
    # Both witnesses against each other, with no error but their own.
    both = compare(
        hsgd.exact_mean(problem, hsgd.SGD(0.8), time, method="recursion"),
        hsgd.exact_mean(problem, hsgd.SGD(0.8), time, method="row_basis", rtol=1e-8),
    )
    assert both.attrs["agrees"], both.verdict
    assert "no Monte Carlo error" in both.verdict


def test_an_error_of_three_percent_is_noticed_nine_times_in_ten():
    # The reference has no finite-n budget, so only Monte Carlo error stands between the two.
    problem, time = gaussian(20), np.array([0.0, 1.0, 4.0])
    exact = hsgd.exact_mean(problem, hsgd.SGD(0.6), time, statistics="empirical_risk")
    wrong = exact.copy()
    wrong["empirical_risk"] = exact.empirical_risk * np.where(time > 0, 1.03, 1.0)
    noticed, alarms = 0, 0
    for seed in range(10):
        runs = simulate.sgd(
            problem,
            hsgd.SGD(0.6),
            time,
            statistics="empirical_risk",
            num_replicates=4096,
            first_replicate=4096 * seed,
            seed=5,
        )
        noticed += not compare(wrong, runs).attrs["agrees"]
        alarms += not compare(exact, runs).attrs["agrees"]
    assert noticed >= 9
    assert alarms <= 1  # 0.1 expected at a level of 1%; more than 1 has probability 0.004
