"""The exact mean over orders of reshuffled rows: enumeration, runs, and the modified flow."""

import itertools
import re

import numpy as np
import pytest

import hsgd
import simulate


def few(n=6, d=4, ridge=0.3, x0=True):
    rng = np.random.default_rng(7)
    start = rng.normal(size=d) if x0 else None
    population = rng.normal(size=(9, d)), rng.normal(size=9)
    A = rng.normal(size=(n, d)) / np.sqrt(d)
    return hsgd.LeastSquares(A, rng.normal(size=n), ridge=ridge, x0=start, population=population)


def followed(problem, order, rates, size):
    """Both risks after each iteration along one order of rows."""
    x, found = problem.x0.copy(), []
    risks = problem.empirical_risk, problem.population.risk
    for k, rate in enumerate([*rates, 0.0]):
        found.append([risk.values(x[None])[0] for risk in risks])
        rows = np.array(order[k * size : (k + 1) * size], dtype=int)
        residuals = problem.A[rows] @ x - problem.b[rows]
        gradient = problem.A[rows].T @ residuals / size + problem.ridge / len(problem.b) * x
        x = x - rate * gradient
    return np.array(found)


@pytest.mark.parametrize(("n", "size", "d"), [(4, 1, 3), (4, 2, 3), (3, 1, 5)])
@pytest.mark.parametrize("sampling", ["reshuffle", "single_shuffle"])
def test_it_is_the_mean_over_all_orders(sampling, n, size, d):
    problem, schedule = few(n, d), hsgd.PowerDecay(0.8, 0.5, 0.7)
    last = 2 * n // size
    rates = schedule(np.arange(last) / n)
    orders = list(itertools.permutations(range(n)))
    pairs = [(a, b) for a in orders for b in orders if sampling == "reshuffle" or a == b]
    mean = np.mean([followed(problem, a + b, rates, size) for a, b in pairs], axis=0)
    sgd = hsgd.SGD(schedule, size, sampling=sampling)
    exact = hsgd.exact_mean(problem, sgd, np.arange(last + 1) / n)
    assert exact.attrs["method"] == "orders"
    np.testing.assert_allclose(exact.empirical_risk, mean[:, 0], rtol=1e-12)
    np.testing.assert_allclose(exact.population_risk, mean[:, 1], rtol=1e-12)
    other = "single_shuffle" if sampling == "reshuffle" else "reshuffle"
    wrong = hsgd.exact_mean(problem, sgd.replace(sampling=other), [2 / size])
    assert abs(float(wrong.empirical_risk[0]) / mean[-1, 0] - 1) > 1e-4


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("sampling", ["reshuffle", "single_shuffle"])
def test_runs_have_this_mean(sampling, size):
    problem, sgd = few(), hsgd.SGD(0.4, size, sampling=sampling)
    times = np.array([0.5, 1.0, 1.5, 3.0])
    exact = hsgd.exact_mean(problem, sgd, times)
    found = simulate.sgd(problem, sgd, times, num_replicates=2_000, seed=5)
    for name in ("empirical_risk", "population_risk"):
        error = found[name].std("replicate") / 2_000**0.5
        assert (np.abs(found[name].mean("replicate") - exact[name]) <= 3.5 * error + 1e-12).all()


@pytest.mark.parametrize("rate", [0.1, 0.2])
def test_the_modified_flow_is_nearer_than_gradient_flow(rate):
    """Even of seven rows, whose norms differ, so that not all of the first order is right."""
    problem, sgd = few(7, 5, x0=False), hsgd.SGD(rate, sampling="reshuffle")
    times = np.round([0.8 / rate, 3.2 / rate])
    exact = hsgd.exact_mean(problem, sgd, times, statistics="empirical_risk").empirical_risk
    flow = hsgd.predict(problem, sgd, times, method="modified_flow")
    off = np.abs(flow.empirical_risk / exact - 1)
    assert (off < 0.4 * np.abs(flow.empirical_risk_gradient_flow / exact - 1)).all()
    assert (off < 0.001).all()


def test_what_is_out_of_reach_is_refused():
    problem = few(15, 4)
    for changed, words in (
        ({"sampling": "reshuffle"}, "at most 14 rows"),
        ({"sampling": "single_shuffle"}, "at most 8 rows"),
    ):
        with pytest.raises(ValueError, match=words):
            hsgd.exact_mean(problem, hsgd.SGD(0.1, **changed), [1.0])
    small = few()
    for algorithm, options, words in (
        (hsgd.SGD(0.1, 4, sampling="reshuffle"), {}, "divide the 6 rows"),
        (hsgd.SGD(0.1, sampling="reshuffle", averaging=hsgd.EMA(0.1)), {}, "no averages"),
        (hsgd.SGD(0.1, sampling="reshuffle"), {"method": "recursion"}, "method='recursion' is not"),
        (hsgd.SGD(0.1), {"method": "orders"}, "method='orders' is not"),
    ):
        with pytest.raises(ValueError, match=re.escape(words)):
            hsgd.exact_mean(small, algorithm, [1.0], **options)
