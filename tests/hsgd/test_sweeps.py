"""Sweeps: each member is what a single call gives, its parameters are coordinates."""

import numpy as np
import pytest
import xarray as xr

import hsgd
from hsgd.problems import matrix
from hsgd.sweeps.stacking import stacked
from tests.hsgd.test_prediction import problem_of, quiet
from tests.hsgd.test_streaming import population

RATES = xr.DataArray([0.1, 0.4, 0.9], dims="rate", coords={"rate": ["slow", "middle", "fast"]})
SIZES = xr.DataArray([1, 2, 5, 9], dims="batch_size", coords={"batch_size": [1, 2, 5, 9]})
RIDGES = xr.DataArray([0.0, 0.3], dims="ridge", coords={"ridge": [0.0, 0.3]})
TIME = np.linspace(0, 4, 9)


@pytest.mark.parametrize("method", ["hsgd", "discrete"])
def test_a_sweep_is_its_members(method):
    problem = problem_of(n=9, d=4)
    swept = quiet(problem.replace(ridge=RIDGES), hsgd.SGD(RATES, SIZES), TIME, method=method)
    assert swept.empirical_risk.dims == ("ridge", "rate", "batch_size", "time")
    assert hsgd.dataset.check(swept) is None
    for ridge in (0.0, 0.3):
        for rate, name in zip(RATES.values, RATES.rate.values, strict=True):
            for size in SIZES.values:
                one = quiet(
                    problem.replace(ridge=ridge),
                    hsgd.SGD(float(rate), int(size)),
                    TIME,
                    method=method,
                )
                member = swept.sel(ridge=ridge, rate=name, batch_size=size)
                assert float(member.learning_rate) == rate
                np.testing.assert_array_equal(member.epoch, one.epoch)
                for variable in one.data_vars:
                    np.testing.assert_allclose(
                        member[variable], one[variable], rtol=1e-12, atol=1e-300
                    )
    assert swept.learning_rate.dims == ("rate",)
    assert swept.epoch.dims == ("ridge", "rate", "batch_size", "time")
    assert swept.iteration.dims == ("time",)


def test_several_parameters_along_one_dimension():
    rates = xr.DataArray([0.1, 0.2, 0.4], dims="setting")
    sizes = xr.DataArray([1, 2, 4], dims="setting")
    swept = quiet(population(4), hsgd.StreamingSGD(rates, sizes), TIME)
    assert swept.population_risk.dims == ("setting", "time")
    last = quiet(population(4), hsgd.StreamingSGD(0.4, 4), TIME).population_risk
    np.testing.assert_allclose(swept.population_risk[-1], last, rtol=1e-12)
    np.testing.assert_array_equal(swept.batch_size, [1, 2, 4])


def test_limits_follow_sweeps():
    problem = problem_of(n=20, d=6, ridge=0.1)
    ends = hsgd.limits(problem, hsgd.SGD(0.1, SIZES))
    assert ends.critical_learning_rate.dims == ("batch_size",)
    for size in SIZES.values:
        expected = hsgd.critical_learning_rate(problem, batch_size=int(size))
        assert float(ends.critical_learning_rate.sel(batch_size=size)) == expected


def test_the_spectrum_is_decomposed_once(monkeypatch):
    calls = []
    right = matrix.scipy.linalg.svd
    monkeypatch.setattr(
        matrix.scipy.linalg, "svd", lambda *a, **k: calls.append(1) or right(*a, **k)
    )
    problem = problem_of(n=9, d=4).replace(ridge=RIDGES)
    quiet(problem, hsgd.SGD(RATES), TIME)
    assert len(calls) == 1


def test_warnings_are_counted_and_a_file_keeps_the_sweep(tmp_path):
    problem = problem_of(n=60, d=20)
    critical = hsgd.critical_learning_rate(problem)
    rates = xr.DataArray(np.array([0.1, 1.1, 1.2]) * critical, dims="learning_rate")
    rates = rates.assign_coords(learning_rate=rates.values)
    with pytest.warns(UserWarning, match="2 warnings in 3 members of the sweep, the first: .*"):
        swept = hsgd.predict(problem, hsgd.SGD(rates), TIME)
    np.testing.assert_array_equal(swept.learning_rate, rates.values)
    hsgd.dataset.save(swept, tmp_path / "sweep.nc")
    assert hsgd.dataset.load(tmp_path / "sweep.nc").identical(swept)


def test_a_dataarray_without_dimensions_is_a_number():
    algorithm = hsgd.SGD(xr.DataArray(0.5), xr.DataArray(3))
    assert (algorithm.learning_rate, algorithm.batch_size) == (0.5, 3)
    assert problem_of().replace(ridge=xr.DataArray(0.25)).ridge == 0.25


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hsgd.SGD(-RATES), "learning_rate is -0.1"),
        (lambda: hsgd.SGD(0.1, SIZES * 0.5), "must be an integer"),
        (lambda: hsgd.SGD(RATES[:0]), "empty DataArray"),
        (lambda: hsgd.SGD(RATES * [1, 1, -1]), "learning_rate is -0.9"),
        (lambda: problem_of().replace(ridge=-RIDGES - 1), "ridge is -1"),
        (lambda: population(3).replace(ridge=-RIDGES - 1), "ridge is -1"),
        (
            lambda: hsgd.grow_batch_size(population(4).sample(9, 0), hsgd.SGD(RATES), 1.0),
            r"learning_rate is swept .* pass one number",
        ),
        (
            lambda: hsgd.predict(problem_of(), hsgd.SGD(RATES.rename(rate="time")), [1.0]),
            "rename the dimension",
        ),
        (
            lambda: hsgd.predict(problem_of(), hsgd.SGD(RATES.rename(rate="mode")), [1.0]),
            "rename the dimension",
        ),
        (
            lambda: hsgd.predict(problem_of(), hsgd.SGD(RATES.rename(rate="replicate")), [1.0]),
            "rename the dimension",
        ),
        (
            lambda: hsgd.predict(problem_of(), hsgd.SGD(RATES.rename(rate="ridge")), [1.0]),
            "the name of another parameter",
        ),
    ],
)
def test_bad_sweeps_get_one_sentence(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_attributes_of_a_sweep_are_shared_listed_added_or_the_worst():
    words = ({"source": "theory", "method": m, "num_diverged": k, "solution_error": e}
             for m, k, e in (("a", 2, 1e-12), ("b", 2, 3e-9), ("a", 3, 2e-10)))  # fmt: skip
    found = stacked([xr.Dataset({"x": 1.0}, attrs=one) for one in words], ("rate",), (3,))
    expected = {"source": "theory", "method": "a | b", "num_diverged": 7, "solution_error": 3e-9}
    assert found.attrs == expected


def test_a_rate_that_diverges_at_the_end_of_a_sweep_is_not_hidden_by_the_first_warning():
    problem = hsgd.LeastSquares(np.eye(6) + 2.0, np.arange(6.0))
    critical = hsgd.critical_learning_rate(problem)
    rates = xr.DataArray(np.array([0.1, 1.2]) * critical, dims="learning_rate")
    with pytest.warns(UserWarning, match=r"the first: .* One eigenvalue .* The last: .* diverges"):
        hsgd.predict(problem, hsgd.SGD(rates), [0.0, 1.0])


def test_schedules_and_momentum_are_swept_like_numbers():
    problem = problem_of(n=9, d=4)
    initial = xr.DataArray([0.1, 0.3], dims="initial", coords={"initial": [0.1, 0.3]})
    horizon = xr.DataArray([1.0, 4.0], dims="horizon", coords={"horizon": [1.0, 4.0]})
    swept = quiet(problem, hsgd.SGD(hsgd.CosineDecay(initial, horizon)), TIME)
    assert swept.learning_rate.dims == swept.empirical_risk.dims == ("initial", "horizon", "time")
    one = quiet(problem, hsgd.SGD(hsgd.CosineDecay(0.3, 1.0)), TIME)
    member = swept.sel(initial=0.3, horizon=1.0)
    for name in ("learning_rate", "empirical_risk", "distance"):
        np.testing.assert_array_equal(member[name], one[name])
    momenta = xr.DataArray([0.0, 0.5], dims="momentum", coords={"momentum": [0.0, 0.5]})
    swept = quiet(problem, hsgd.HeavyBall(0.1, momenta), TIME)
    one = quiet(problem, hsgd.HeavyBall(0.1, 0.5), TIME)
    np.testing.assert_array_equal(swept.empirical_risk.sel(momentum=0.5), one.empirical_risk)
    assert hsgd.dataset.check(swept) is None


def test_critical_learning_rates_of_a_sweep_can_be_swept_themselves():
    problem = problem_of(n=30, d=6).replace(ridge=RIDGES)
    momenta = xr.DataArray([0.0, 0.5], dims="momentum", coords={"momentum": [0.0, 0.5]})
    found = hsgd.critical_learning_rate(problem, momentum=momenta)
    assert found.dims == ("ridge", "momentum")
    alone = hsgd.critical_learning_rate(problem.replace(ridge=0.3), momentum=0.5)
    assert float(found.sel(ridge=0.3, momentum=0.5)) == alone
    # A share of critical for every ridge: its learning rates vary along the sweep of the ridge.
    shares = xr.DataArray([0.2, 0.5], dims="share", coords={"share": [0.2, 0.5]})
    rates = shares * hsgd.critical_learning_rate(problem)
    swept = quiet(problem, hsgd.SGD(rates), TIME)
    one = quiet(problem.replace(ridge=0.3), hsgd.SGD(float(rates.sel(share=0.5, ridge=0.3))), TIME)
    member = swept.sel(share=0.5, ridge=0.3).empirical_risk
    np.testing.assert_allclose(member, one.empirical_risk, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hsgd.CosineDecay(RATES, -RATES), "horizon is -0.1"),
        (lambda: hsgd.HeavyBall(0.1, RATES + 0.2), "momentum is 1.1"),
        (
            lambda: hsgd.predict(
                problem_of(), hsgd.SGD(RATES, xr.DataArray([1, 2], dims="rate")), TIME
            ),
            "common dimension, but with different values",
        ),
        (
            lambda: hsgd.predict(
                problem_of(),
                hsgd.GeneralMomentum(hsgd.PowerDecay(RATES, 1.0), hsgd.PowerDecay(RATES, 1.0), 0.1),
                TIME,
            ),
            "two sweeps are called initial",
        ),
    ],
)
def test_sweeps_that_mean_nothing_get_one_sentence(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
