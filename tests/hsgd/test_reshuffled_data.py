"""Given rows without replacement: the modified flow and the fitted population, against runs."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_digits

import hsgd
import simulate
from hsgd.theory.reshuffling.data_fit import fitted

STARTS = np.array([0.0, 1.0, 2.0, 4.0, 8.0])
INSIDE = np.array([0.5, 1.25])


def digits(n=300, d=200, *, ridge=0.1, centred=True):
    """Relu features of the digits, of trace one per row."""
    rng = np.random.default_rng(0)
    X, y = load_digits(return_X_y=True)
    chosen = rng.permutation(len(X))[:n]
    F = np.maximum((X - X.mean(axis=0))[chosen] @ rng.standard_normal((64, d)), 0)
    if centred:
        F = F - F.mean(axis=0)
    b = np.where(y[chosen] % 2, 1.0, -1.0)
    return hsgd.LeastSquares(F / np.sqrt((F**2).sum() / n), b - b.mean() * centred, ridge=ridge)


def gaussian(n=300, d=200, *, x0=None, ridge=0.1):
    rows = hsgd.GaussianRows(np.arange(1, d + 1.0) ** -0.5 / 26, np.ones(d) / 2, 0.5)
    return rows.sample(n, seed=3).replace(ridge=ridge, x0=x0)


def runs(problem, algorithm, times, statistic="empirical_risk", number=200):
    found = simulate.sgd(
        problem, algorithm, times, seed=1, num_replicates=number, statistics=statistic
    )[statistic]
    return found.mean("replicate").values, found.std("replicate").values / number**0.5


def per_row(rate, sampling, size=1, momentum=0.0):
    """The same flow, whatever the batch size and the momentum."""
    if momentum:
        return hsgd.HeavyBall(rate * size * (1 - momentum), momentum, size, sampling=sampling)
    return hsgd.SGD(rate * size, size, sampling=sampling)


@pytest.mark.parametrize("method", ["modified_flow", "data_fit"])
@pytest.mark.parametrize("sampling", ["reshuffle", "single_shuffle"])
@pytest.mark.parametrize(
    ("problem", "rate", "size", "momentum"),
    [
        (digits(), 0.1, 1, 0.0),
        (digits(200, 300), 0.1, 6, 0.0),
        (digits(centred=False, ridge=0.0), 0.1, 1, 0.8),
    ],
    ids=["digits", "wide, batches", "momentum"],
)
def test_risks_are_those_of_runs_within_what_is_expected(
    problem, method, sampling, rate, size, momentum
):
    small = 0.4 if method == "modified_flow" else 1.0
    algorithm = per_row(small * rate, sampling, size, momentum)
    times = np.sort(np.concatenate((STARTS, INSIDE))) / size
    mean, error = runs(problem, algorithm, times)
    found = hsgd.predict(problem, algorithm, times, method=method)
    gap = found.empirical_risk_discrepancy.values
    assert (np.abs(found.empirical_risk - mean) <= 3 * error + gap * mean).all()
    assert gap.max() < 0.05


def test_risks_inside_a_pass():
    """Where the flow is for whole passes, and says so."""
    problem, sgd = gaussian(ridge=1.0), per_row(0.4, "reshuffle")
    with pytest.warns(UserWarning, match="large for the modified flow"):
        found = hsgd.predict(problem, sgd, INSIDE, method="modified_flow")
    mean, error = runs(problem, sgd, INSIDE)
    off = np.abs(found.empirical_risk.values - mean)
    assert (off > 0.02 * mean).any()
    assert (off <= 3 * error + found.empirical_risk_discrepancy.values * mean).all()
    outside = hsgd.predict(problem, per_row(0.05, "reshuffle"), [0.5, 1.0], method="modified_flow")
    gap = outside.empirical_risk_discrepancy.values
    assert gap[0] > gap[1]


def test_momentum_lags():
    """With 20 iterations of memory in passes of 200, a tenth of a pass."""
    problem, times = gaussian(200, 100, ridge=1.0), [0.5, 1.0, 2.0]
    method = hsgd.HeavyBall(0.05 * 0.05, 0.95, sampling="reshuffle")
    mean, error = runs(problem, method, times)
    found = hsgd.predict(problem, method, times, method="modified_flow").empirical_risk.values
    assert (np.abs(found - mean) <= 3 * error + 0.004 * mean).all()
    at_once = hsgd.predict(problem, per_row(0.05, "reshuffle"), times).empirical_risk.values
    assert (np.abs(at_once - mean) > 3 * error + 0.004 * mean).any()


def test_larger_steps_need_the_fitted_population():
    problem, sgd = digits(), per_row(0.5, "reshuffle")
    mean, error = runs(problem, sgd, STARTS)
    found = hsgd.predict(problem, sgd, STARTS)
    assert found.attrs["method"] == "data_fit"
    off = np.abs(found.empirical_risk.values / mean - 1)
    assert (off <= 0.015 + 3 * error / mean).all()
    with pytest.warns(UserWarning, match="large for the modified flow"):
        flow = hsgd.predict(problem, sgd, STARTS, method="modified_flow")
    assert np.abs(flow.empirical_risk.values / mean - 1).max() > 0.1
    independent = hsgd.predict(problem, hsgd.SGD(0.5), STARTS)
    assert np.abs(independent.empirical_risk.values / mean - 1).max() > 0.04


def test_a_start_a_schedule_and_the_population_risk():
    d = 200
    problem = gaussian(x0=np.linspace(-1, 1, d), ridge=1.0)
    sgd = hsgd.SGD(hsgd.PowerDecay(0.15, 1.0, 2.0), sampling="reshuffle")
    mean, error = runs(problem, sgd, STARTS, "population_risk")
    found = hsgd.predict(problem, sgd, STARTS)
    assert found.attrs["method"] == "modified_flow"  # the fit is for runs that start at zero
    assert np.abs(found.population_risk.values / mean - 1).max() < 0.004 + 3 * (error / mean).max()
    alone = hsgd.predict(problem, sgd, STARTS[-1:]).population_risk.values
    assert alone == pytest.approx(found.population_risk.values[-1:], rel=1e-6)
    frozen = hsgd.predict(problem, hsgd.SGD(0.15, sampling="reshuffle"), STARTS)
    assert np.abs(frozen.population_risk.values / mean - 1).max() > 0.02
    for own in (problem.replace(x0=None), problem.replace(ridge=0.0)):
        mean, error = runs(own, sgd, STARTS, "population_risk")
        found = hsgd.predict(own, sgd, STARTS, method="data_fit")
        allowed = 0.003 + 3 * (error / mean).max()
        assert np.abs(found.population_risk.values / mean - 1).max() < allowed


def test_whole_batches_without_momentum_are_gradient_descent_to_second_order():
    problem, times = digits(60, 40, ridge=0.0), np.arange(9) / 60
    off = []
    for rate in (0.005, 0.01):
        whole = per_row(rate, "reshuffle", 60)
        descent = hsgd.predict(problem, hsgd.SGD(rate * 60, 60, sampling="subset"), times)
        found = hsgd.predict(problem, whole, times, method="modified_flow")
        off.append(np.abs(found.empirical_risk / descent.empirical_risk - 1).values.max())
    flow = hsgd.predict(problem, whole.replace(sampling="subset"), times, method="hsgd")
    assert off[1] < 0.3 * np.abs(flow.empirical_risk / descent.empirical_risk - 1).values.max()
    assert off[0] < 0.3 * off[1]


def test_the_flow_moves_every_statistic_as_the_mean_of_runs():
    """The distance, which theories of risks do not know, and a start that no row sees."""
    problem = gaussian(60, 90, x0=np.ones(90))
    sgd = per_row(0.1, "single_shuffle")
    mean, error = runs(problem, sgd, STARTS, "distance")
    found = hsgd.predict(problem, sgd, STARTS, statistics="distance")
    assert np.abs(found["distance"].values / mean - 1).max() < 0.01 + 3 * (error / mean).max()


def test_rows_that_sum_to_zero_are_fitted_as_one_less():
    """Centred columns: with fewer rows than columns one combination of the rows is nothing."""
    problem = digits(100, 150)
    like, beyond, unevenness = fitted(problem)
    assert 0 < unevenness < 0.1
    assert like.num_rows == 99
    assert beyond == pytest.approx(0.0, abs=1e-12)
    shifted = problem.replace(b=problem.b + 0.3)
    assert fitted(shifted).beyond == pytest.approx(0.09 * 100)
    sgd = per_row(0.3, "reshuffle")
    mean, error = runs(shifted, sgd, STARTS)
    found = hsgd.predict(shifted, sgd, STARTS, method="data_fit").empirical_risk.values
    assert np.abs(found / mean - 1).max() < 0.02 + 3 * (error / mean).max()


def test_what_they_are_not_for_is_said():
    problem, sgd = gaussian(60, 40), per_row(0.1, "reshuffle")
    for call, words in (
        (lambda: hsgd.predict(problem, sgd, [1.0], statistics="distance", method="data_fit"),
         "no 'distance'"),
        (lambda: hsgd.predict(problem.replace(x0=np.ones(40)), sgd, [1.0], method="data_fit"),
         "start at zero"),
        (lambda: hsgd.predict(problem, per_row(9.0, "reshuffle"), [1.0]), "below 4.44"),
        (lambda: hsgd.predict(problem, hsgd.SGD(0.1), [1.0], method="data_fit"), "leave method"),
        (lambda: hsgd.predict(problem, sgd, [1e6], method="data_fit"), "shorten time"),
        (lambda: hsgd.limits(problem, per_row(9.0, "reshuffle")), "below 4.44"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=re.escape(words)):
            call()
    assert hsgd.predict(problem, sgd, [1e6]).attrs["method"] == "modified_flow"


def test_rows_that_overshoot_are_warned_of():
    """One row of fifty times the others' squared norm."""
    problem = gaussian(100, 60)
    A = problem.A.copy()
    A[0] *= 7.0
    uneven = hsgd.LeastSquares(A, problem.b, ridge=0.1)
    largest = (A**2).sum(axis=1).max()
    for fraction, method in ((2.1, "modified_flow"), (2.1, "data_fit")):
        sgd = per_row(fraction / largest, "reshuffle")
        with pytest.warns(UserWarning, match="overshoots the largest row"):
            hsgd.predict(uneven, sgd, [1.0], method=method)
    within = hsgd.predict(uneven, per_row(1.9 / largest, "reshuffle"), [1.0], method="data_fit")
    assert "followed by a population" in within.attrs["diagnosis"]
    assert fitted(uneven).unevenness > 10 * fitted(problem).unevenness


@pytest.mark.parametrize("sampling", ["reshuffle", "single_shuffle"])
@pytest.mark.parametrize("rate", [0.01, 0.5])
def test_limits_are_where_runs_end(sampling, rate):
    problem, sgd = digits(200, 100, ridge=2.0), per_row(rate, sampling)
    found = hsgd.limits(problem, sgd)
    assert found.attrs["method"] == ("data_fit" if rate == 0.5 else "modified_flow")
    mean, error = runs(problem, sgd, [800.0 if rate < 0.1 else 40.0], number=60)
    value = float(found.limiting_empirical_risk)
    allowed = float(found.limiting_empirical_risk_error)
    assert abs(value - mean[0]) <= allowed + 3 * error[0]
    assert allowed < 0.15 * value
    flow = float(found.limiting_empirical_risk_gradient_flow)
    assert flow == pytest.approx(problem.empirical_risk.values(problem.solution[None])[0])
    if rate == 0.5:
        assert abs(flow - mean[0]) > 1.1 * allowed + 3 * error[0]


def test_limits_without_a_ridge_are_those_of_the_fit_to_the_rows():
    problem = digits(100, 150, ridge=0.0, centred=False)
    ends = hsgd.limits(problem, per_row(0.3, "reshuffle"))
    assert float(ends.limiting_empirical_risk) == pytest.approx(0.0, abs=1e-12)
