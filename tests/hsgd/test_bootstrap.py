"""The bootstrap risk: two worlds at equal iterations."""

import numpy as np
import pytest
import xarray as xr

import hsgd
from hsgd.theory.bootstrap import fresh_rows, streamed
from tests.hsgd.test_prediction import quiet


def rows_of(d=60, **options):
    rng = np.random.default_rng(0)
    spectrum = np.arange(1, d + 1.0) ** -0.6
    return hsgd.GaussianRows(spectrum / spectrum.sum(), rng.normal(size=d), 0.4, **options)


@pytest.mark.parametrize("method", ["hsgd", "discrete"])
def test_it_is_the_difference_of_two_predictions(method):
    rows = rows_of(ridge=0.001, x0=np.ones(60))
    problem = rows.sample(150, 0)
    time = np.linspace(0, 3, 100)
    curve = hsgd.bootstrap_risk(problem, hsgd.SGD(0.6, 2), time, method=method)
    real = quiet(problem, hsgd.SGD(0.6, 2), time, method=method).population_risk
    k, where = np.unique(curve.iteration, return_inverse=True)
    ideal = quiet(rows, hsgd.StreamingSGD(0.6, 2), k / 60, method=method).population_risk[where]
    np.testing.assert_allclose(curve.population_risk, real, rtol=1e-12)
    np.testing.assert_allclose(curve.streaming_risk, ideal, rtol=1e-9)
    np.testing.assert_allclose(curve.bootstrap_risk, real.values - ideal.values, atol=1e-12)
    # Errors and discrepancies of a difference add, for nothing says that they cancel.
    both = ("population_risk", "streaming_risk")
    error = sum(curve[f"{name}_error"] for name in both)
    np.testing.assert_allclose(curve.bootstrap_risk_error, error, rtol=1e-13)
    gap = sum(curve[f"{name}_discrepancy"] * curve[name] for name in both)
    allowed = curve.bootstrap_risk_discrepancy * np.abs(curve.bootstrap_risk)
    np.testing.assert_allclose(allowed[1:], gap[1:], rtol=1e-12)
    assert hsgd.dataset.check(curve) is None
    assert abs(curve.bootstrap_risk[0]) < 1e-14
    assert curve.bootstrap_risk[-1] > 0, "reusing rows costs something"


def test_both_worlds_against_simulated_ones():
    # Plain loops: the mean of the difference over fresh samples and runs.
    rows, n, rate, count = rows_of(20), 40, 0.5, 80
    rng = np.random.default_rng(1)
    problems = [rows.sample(n, seed) for seed in range(150)]
    curves = []
    for problem in problems:
        x, y, gap = np.zeros(20), np.zeros(20), []
        for _ in range(count + 1):
            gap.append(0.5 * np.sum(rows.covariance * ((x - rows.coefficients) ** 2)))
            gap[-1] -= 0.5 * np.sum(rows.covariance * ((y - rows.coefficients) ** 2))
            i = rng.integers(n)
            x = x - rate * problem.A[i] * (problem.A[i] @ x - problem.b[i])
            a = rng.standard_normal(20) * rows.covariance**0.5
            b = a @ rows.coefficients + rows.noise * rng.standard_normal()
            y = y - rate * a * (a @ y - b)
        curves.append(gap)
    simulated = np.array(curves)
    time = np.arange(0, count + 1, 10) / n
    predicted = np.mean(
        [
            hsgd.bootstrap_risk(p, hsgd.SGD(rate), time, method="discrete").bootstrap_risk
            for p in problems[:40]
        ],
        axis=0,
    )
    mean = simulated.mean(axis=0)[::10]
    error = simulated.std(axis=0, ddof=1)[::10] / np.sqrt(len(problems))
    # Late: clearly positive, and as predicted up to 4 standard errors and 1/n of the risk.
    assert mean[-1] > 5 * error[-1]
    assert (np.abs(mean - predicted) <= 4 * error + 0.15 * np.abs(mean) + 1e-12).all()
    assert (np.abs(mean - 2 * predicted) > 4 * error + 0.15 * np.abs(mean))[-1], "a control"


def test_schedules_are_taken_at_the_same_iterations():
    rows = rows_of()
    problem = rows.sample(150, 0)
    sizes = hsgd.Piecewise((0.7, 1.3), (1, 2, 5))
    algorithm = hsgd.SGD(hsgd.CosineDecay(0.8, 3.0), sizes)
    other = streamed(algorithm, 150, 60)
    k = np.arange(500)
    np.testing.assert_allclose(other.schedule(k / 60), algorithm.schedule(k / 150), rtol=1e-12)
    np.testing.assert_array_equal(other.batch_sizes(k / 60), algorithm.batch_sizes(k / 150))
    np.testing.assert_allclose(
        other.schedule.integral(k / 60) * 60, algorithm.schedule.integral(k / 150) * 150
    )
    np.testing.assert_allclose(other.schedule.breakpoints, [3.0 * 150 / 60])
    curve = hsgd.bootstrap_risk(problem, algorithm, np.linspace(0, 3, 7))
    assert curve.bootstrap_risk[-1] > 0
    assert '"stretched"' not in curve.attrs["algorithm"]


def test_every_kind_of_population_becomes_rows():
    rows = rows_of(5)
    problem = rows.sample(30, 0)
    moments = hsgd.Population(
        rows.covariance,
        rows.covariance * rows.coefficients,
        float(np.sum(rows.covariance * rows.coefficients**2) + 0.16),
    )
    for population in (problem.population, moments):
        same = fresh_rows(problem.replace(population=population))
        np.testing.assert_allclose(same.coefficients, rows.coefficients)
        assert same.noise == pytest.approx(0.4)
    A, b = np.random.default_rng(2).normal(size=(50, 5)), np.arange(50.0)
    held = problem.replace(population=(A, b))
    point = np.ones((1, 5))
    risk = fresh_rows(held).population.risk.values(point)[0]
    assert risk == pytest.approx(np.mean((A @ point[0] - b) ** 2) / 2, rel=1e-12)


def test_bad_arguments_get_one_sentence():
    problem = rows_of(5).sample(30, 0)
    for call, message in (
        (
            lambda: hsgd.bootstrap_risk(problem.replace(population=None), hsgd.SGD(0.1), [1.0]),
            "needs a population",
        ),
        (lambda: hsgd.bootstrap_risk(rows_of(5), hsgd.SGD(0.1), [1.0]), r"\.sample\(n, seed\)"),
        (lambda: hsgd.bootstrap_risk(problem, hsgd.StreamingSGD(0.1), [1.0]), "pass hsgd.SGD"),
        (
            lambda: hsgd.bootstrap_risk(problem, hsgd.SGD(0.1, sampling="reshuffle"), [1.0]),
            "independent batches",
        ),
    ):
        with pytest.raises((TypeError, ValueError), match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


def test_a_sweep_is_what_its_members_are():
    problem = hsgd.GaussianRows(1 / 30, np.ones(30), noise=0.3).sample(60, seed=0)
    rates = xr.DataArray([0.1, 0.3], dims="learning_rate")
    swept = hsgd.bootstrap_risk(problem, hsgd.SGD(rates), [1.0, 2.0])
    for rate in (0.1, 0.3):
        alone = hsgd.bootstrap_risk(problem, hsgd.SGD(rate), [1.0, 2.0])
        member = swept.bootstrap_risk.sel(learning_rate=rate)
        np.testing.assert_array_equal(member, alone.bootstrap_risk)
