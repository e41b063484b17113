"""The verdict on curves whose truth is known."""

import re
import warnings

import numpy as np
import pytest
import scipy.stats
import xarray as xr

import hsgd
import simulate
from hsgd import dataset
from tests.validation import curves
from validation import compare


def test_the_result_follows_the_schema_and_survives_a_file(tmp_path):
    found = compare(curves.theory(), curves.runs(), discrepancy=0.01)
    assert dataset.check(found) is None
    assert found.attrs["source"] == "comparison"
    assert found.z_score.dims == ("statistic", "time")
    assert list(found.statistic.values) == ["empirical_risk", "population_risk"]
    assert found.coverage.dims == ("statistic",)
    kept = dataset.load(dataset.save(found, tmp_path / "comparison.nc"))
    assert kept.attrs == found.attrs
    assert kept.equals(found)


def test_the_numbers_are_what_their_names_say():
    theory, runs = curves.theory(), curves.runs()
    found = compare(theory, runs, discrepancy=0.01).sel(statistic="population_risk")
    values = runs.population_risk.values
    mean, error = values.mean(axis=1), values.std(axis=1, ddof=1) / np.sqrt(32)
    expected = theory.population_risk.values
    np.testing.assert_allclose(found.observed, mean, rtol=1e-14)
    np.testing.assert_allclose(found.standard_error[1:], error[1:], rtol=1e-10)
    np.testing.assert_allclose(found.z_score[1:], (mean - expected)[1:] / error[1:], rtol=1e-8)
    np.testing.assert_allclose(found.relative_error, mean / expected - 1, atol=1e-14)
    np.testing.assert_allclose(found.skewness[1:], scipy.stats.skew(values[1:], axis=1), rtol=1e-8)
    top = np.log(np.sort(values[1:], axis=1)[:, -9:])  # Hill: a quarter of the runs, and the next
    index = 1 / (top[:, 1:] - top[:, :1]).mean(axis=1)
    np.testing.assert_allclose(found.tail_index[1:], index, rtol=1e-8)
    np.testing.assert_array_equal(found.discrepancy, np.where(curves.TIMES > 0, 0.01, 0.0))
    assert np.isnan(found.z_score[0])
    assert (found.lower[1:] < found.observed[1:]).all()
    assert (found.upper[1:] > found.observed[1:]).all()
    # What is within the budget and the band is never noticed, let alone nine times in ten.
    unseen = 0.01 + found.attrs["critical_value"] * error[1:] / expected[1:]
    assert (found.detectable_error[1:] > unseen).all()


def beyond_the_start(gap):
    """A factor that is off by `gap` at all times but the first."""
    return np.where(curves.TIMES > 0, 1 + gap, 1.0)


def saying(data, share, suffix):
    """The same with a share of each curve as what it says of itself."""
    more = {f"{name}_{suffix}": ("time", np.full(9, share)) for name in curves.TRUTH}
    if suffix == "error":
        more = {f"{name}_error": ("time", share * true) for name, true in curves.TRUTH.items()}
    return data.assign(more)


@pytest.mark.parametrize("kind", ["expected_discrepancy", "discrepancies", "numerical errors"])
@pytest.mark.parametrize("side", [1, -1])
def test_half_as_much_again_is_allowed_and_no_more(kind, side):
    """Of what the theory says of itself, and of the numerical errors of both their whole sum.

    Against an exact mean nothing but the allowance decides.
    """
    theory, own_error = curves.theory(), 0.0
    if kind == "expected_discrepancy":
        theory = theory.assign_attrs(expected_discrepancy=0.02 / 1.5)
    elif kind == "discrepancies":
        theory = saying(theory, 0.02 / 1.5, "discrepancy")
    else:
        theory, own_error = saying(theory, 0.012, "error"), 0.008
        theory = theory.assign_attrs(expected_discrepancy=0.0)
    for gap, agrees in ((0.0199, 1), (0.0201, 0)):
        exact = curves.theory(source="exact_mean", scale=beyond_the_start(side * gap))
        found = compare(theory, saying(exact, own_error, "error"))
        assert found.attrs["agrees"] == agrees, found.verdict


def test_however_little_runs_scatter_it_is_their_scatter_that_counts():
    """Standard errors of 1e-8 are far above rounding: points that have them are random."""
    runs = curves.runs(32, spread=1e-7)
    assert compare(curves.theory(source="exact_mean"), runs).attrs["agrees"]
    off = curves.theory(source="exact_mean", scale=beyond_the_start(2e-7))
    assert not compare(off, runs).attrs["agrees"]


def test_the_same_datasets_always_get_the_same_verdict_whatever_the_order_of_dims():
    runs = curves.runs()
    first = compare(curves.theory(), runs, discrepancy=0.0)
    again = compare(curves.theory(), runs.transpose("replicate", "time"), discrepancy=0.0)
    assert first.equals(again)
    assert first.attrs["verdict"] == again.attrs["verdict"]


@pytest.mark.parametrize("number", [8, 11, 64])
def test_a_wrong_curve_is_rejected_and_a_budget_can_forgive_it(number):
    runs = curves.runs(number, spread=0.01)
    wrong = curves.theory(scale=1.05)
    runs[["empirical_risk", "population_risk"]] *= np.where(curves.TIMES > 0, 1, 1.05)[:, None]
    found = compare(wrong, runs, discrepancy=0.0)
    assert found.attrs["agrees"] == 0
    assert found.attrs["verdict"].startswith("REJECTED: at worst the mean of")
    assert found.agrees[:, 0].all()
    assert compare(wrong, runs, discrepancy=0.06).attrs["agrees"] == 1
    own = wrong.assign_attrs(expected_discrepancy=0.06)
    assert compare(own, runs).attrs["agrees"] == 1
    each = wrong.assign(empirical_risk_discrepancy=("time", np.full(9, 0.06)))
    partly = compare(each.assign_attrs(expected_discrepancy=0.0), runs)
    assert partly.agrees.sel(statistic="empirical_risk").all()
    assert not partly.agrees.sel(statistic="population_risk").all()


def test_the_start_must_agree_to_rounding_whatever_the_budget():
    for gap in (5e-10, 2e-9):
        runs = curves.runs()
        values = runs.empirical_risk.values.copy()
        values[0] *= 1 + gap
        runs["empirical_risk"] = (runs.empirical_risk.dims, values)
        found = compare(curves.theory(), runs, discrepancy=0.5)
        assert found.attrs["agrees"] == (gap < 1e-9)
    assert int(found.agrees.sum()) == found.agrees.size - 1
    assert "at time 0" in found.attrs["verdict"]


def test_an_exact_mean_has_no_monte_carlo_error():
    exact = curves.theory(source="exact_mean", scale=1.02)
    exact[["empirical_risk", "population_risk"]] /= np.where(curves.TIMES > 0, 1, 1.02)
    rejected = compare(curves.theory(), exact, discrepancy=0.019)
    accepted = compare(curves.theory(), exact, discrepancy=0.021)
    assert (rejected.attrs["agrees"], accepted.attrs["agrees"]) == (0, 1)
    assert "no Monte Carlo error" in accepted.attrs["verdict"]
    assert "critical_value" not in accepted.attrs
    assert (accepted.standard_error == 0).all()


def test_an_exact_mean_as_reference_has_no_budget():
    found = compare(curves.theory(source="exact_mean"), curves.runs())
    assert (found.discrepancy == 0).all()
    assert found.attrs["agrees"]
    assert "nothing is allowed for finite n" in found.attrs["verdict"]


def test_runs_that_diverged_agree_only_with_a_theory_that_diverged():
    runs, theory = curves.runs(), curves.theory()
    runs = runs.where(runs.time < 3.9, np.inf)
    assert not compare(theory, runs, discrepancy=0.1).attrs["agrees"]
    assert compare(theory.where(theory.time < 3.9, np.inf), runs, discrepancy=0.1).attrs["agrees"]


def test_skewed_runs_are_noted():
    runs = curves.runs(16, kind="lognormal", sigma=1.0, spread=0.1)
    verdict = compare(curves.theory(), runs, discrepancy=0.05).attrs["verdict"]
    assert "skewed" in verdict
    normal = compare(curves.theory(), curves.runs(64), discrepancy=0.05)
    assert "skewed" not in normal.attrs["verdict"]


def test_what_rare_large_runs_may_explain_is_undecided():
    tame, times = curves.runs(32), curves.TIMES > 0
    heavy = (
        tame * np.random.default_rng(6).uniform(size=(1, 32)) ** np.where(times, -0.6, 0)[:, None]
    )
    heavy = heavy.assign_attrs(tame.attrs)
    high = curves.theory(scale=np.where(times, 20.0, 1.0))
    found = compare(high, heavy, discrepancy=0.0)
    assert (found.attrs["agrees"], found.attrs["decided"]) == (1, 0)
    assert found.undecided.sum() > 0
    assert found.attrs["verdict"].startswith("undecided: at worst the mean of 32 runs is")
    assert "hsgd.exact_mean" in found.attrs["verdict"]
    # The control: the same theory and runs without the tail.
    plain = compare(high, tame, discrepancy=0.0)
    assert (plain.attrs["agrees"], plain.attrs["decided"]) == (0, 1)


def test_nothing_is_decided_where_everything_is_allowed_or_the_reference_is_infinite():
    theory, runs = curves.theory(), curves.runs(32)
    for budget in (11.0, np.inf):
        gap = xr.full_like(theory.empirical_risk, budget)
        allowed = theory.assign(empirical_risk_discrepancy=gap)
        found = compare(allowed, runs, statistics="empirical_risk")
        assert (found.attrs["agrees"], found.attrs["decided"]) == (1, 0)
        assert "nothing speaks for or against it" in found.attrs["verdict"]
    assert compare(theory, runs, discrepancy=0.9).attrs["decided"] == 1
    assert compare(theory, runs, discrepancy=1.01).attrs["decided"] == 0
    # A theory a thousand times too low is rejected, unless it does not even claim to be better.
    low = curves.theory(scale=beyond_the_start(-0.999))
    for budget, decided in ((9.9, 1), (10.1, 0)):
        found = compare(low, runs, discrepancy=budget)
        assert (found.attrs["agrees"], found.attrs["decided"]) == (1 - decided, decided)
    # An infinite reference: runs with heavy tails may lack what makes it so, tame ones do not.
    times = curves.TIMES > 0
    tails = np.random.default_rng(6).uniform(size=(1, 32)) ** np.where(times, -2.0, 0)[:, None]
    infinite = theory.where(theory.time < 3.9, np.inf)
    for spread, budget, decided in ((tails, 5.0, 0), (1.0, 0.9, 1)):
        heavy = (runs * spread).assign_attrs(runs.attrs)
        found = compare(infinite, heavy, discrepancy=budget)
        assert (found.attrs["agrees"], found.attrs["decided"]) == (1 - decided, decided)


def test_tiny_and_huge_units_change_no_verdict():
    theory, runs = curves.theory(source="exact_mean"), curves.runs()
    plain = compare(theory, runs)
    for unit in (1e-140, 1e140):
        scaled = compare(
            theory.assign({name: theory[name] * unit for name in theory.data_vars}), runs * unit
        )
        np.testing.assert_allclose(scaled.z_score, plain.z_score, rtol=1e-6)
        assert scaled.attrs["verdict"] == plain.attrs["verdict"]


def floors():
    """Settings in which nothing is left but rounding, and how far apart theories may be there."""
    rng = np.random.default_rng(0)
    A = rng.standard_normal((60, 20)) / 20**0.5
    b = A @ rng.standard_normal(20) + 0.5 * rng.standard_normal(60)
    solved = hsgd.LeastSquares(A, b, x0=np.linalg.lstsq(A, b, rcond=None)[0])
    wide = rng.standard_normal((60, 200)) / 200**0.5
    interpolating = hsgd.LeastSquares(wide, wide @ rng.standard_normal(200))
    ill = np.linalg.qr(rng.standard_normal((60, 5)))[0] * 10.0 ** -np.arange(5.0)
    return {
        "started at the solution": (solved, np.linspace(0, 3, 7)),
        "interpolating": (interpolating, np.array([0.0, 1.0, 100.0, 1000.0])),
        "ill-conditioned": (
            hsgd.LeastSquares(ill, ill @ np.ones(5), x0=np.linalg.lstsq(ill, ill @ np.ones(5))[0]),
            np.array([0.0, 1.0, 10.0]),
        ),
        "large numbers": (
            hsgd.LeastSquares(1e20 * A, 1e20 * b, x0=solved.x0), np.array([0.0, 1.0])
        ),
        "small numbers": (
            hsgd.LeastSquares(1e-20 * A, 1e-20 * b, x0=solved.x0), np.array([0.0, 1.0])
        ),
    }  # fmt: skip


@pytest.mark.parametrize(
    "setting",
    ["started at the solution", "interpolating", "ill-conditioned", "large numbers",
     "small numbers"],
)  # fmt: skip
def test_right_runs_agree_where_rounding_is_all_there_is(setting):
    problem, time = floors()[setting]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sgd = hsgd.SGD(0.3 * hsgd.critical_learning_rate(problem))
        runs = simulate.sgd(problem, sgd, time, num_replicates=32, seed=0)
        exact = hsgd.exact_mean(problem, sgd, time)
        theory = hsgd.predict(problem, sgd, time)
    for reference, budget in ((exact, 0.0), (theory, 0.6)):
        found = compare(reference, runs, discrepancy=budget)
        assert found.attrs["agrees"], found.attrs["verdict"]
        assert "diverged" not in found.attrs["verdict"]


def test_rounding_is_no_excuse_for_what_is_wrong():
    """The floor is far below everything that is not rounding."""
    problem, time = floors()["interpolating"]
    sgd = hsgd.SGD(0.3 * hsgd.critical_learning_rate(problem))
    exact = hsgd.exact_mean(problem, sgd, time[:3])
    assert float((exact.empirical_risk_error / exact.empirical_risk[0]).max()) < 1e-6
    runs = simulate.sgd(problem, sgd, time[:2], num_replicates=32, seed=0)
    off = hsgd.exact_mean(problem, hsgd.SGD(1.5 * sgd.learning_rate), time[:2])
    assert not compare(off, runs, same_algorithm=False).attrs["agrees"]


def test_the_sentence_says_both_allowances_where_the_error_is_largest():
    theory, runs = curves.theory(), curves.runs(32)
    found = compare(theory, runs, discrepancy=0.02)
    assert re.search(
        r"at iteration \d+ \(time [\d.e-]+\); there 2\.0% are allowed because n is finite, and "
        r"[\d.]+% for Monte Carlo error \(a false-alarm level of 1% for all times together\)",
        found.attrs["verdict"],
    )


def told(pattern, verdict):
    """A percentage that a sentence tells, as a share, and how far rounding may have moved it."""
    text = re.search(pattern.replace("X", r"([\d.]+)%"), verdict)[1]
    return float(text) / 100, 0.501 * 10.0 ** -(2 + len(text.partition(".")[2]))


def test_every_number_of_the_sentence_is_the_comparisons():
    """On skewed runs, whose band is wider above than below."""
    theory = curves.theory(scale=beyond_the_start(0.1))
    runs = curves.runs(32, kind="lognormal", sigma=0.8, spread=0.05)
    found = compare(theory, runs, discrepancy=0.02)
    wrong = found.agrees.values == 0
    assert wrong.any()
    assert not wrong.all()
    errors = np.where(wrong, abs(found.relative_error.values), 0.0)
    worst = found.isel(dict(zip(found.agrees.dims, divmod(int(errors.argmax()), 9), strict=True)))
    verdict = found.attrs["verdict"]
    assert f"below the theory in {str(worst.statistic.values).replace('_', ' ')} at" in verdict
    assert f"at iteration {int(worst.iteration)} (time {float(worst.time):.3g})" in verdict
    random = found.z_score.notnull().values
    for pattern, expected in {
        "X below the theory": errors.max(),
        "X of the points disagree": wrong.mean(),
        "there X are allowed": 0.02,
        "X for Monte Carlo error": float((worst.upper - worst.observed) / worst.expected),
        "false-alarm level of X": 0.01,
        "an error of X would": np.median(found.detectable_error.values[random]),
    }.items():
        share, rounding = told(pattern, verdict)
        assert share == pytest.approx(expected, abs=rounding), pattern
    first = found.time.values[wrong.any(axis=0)].min()
    assert f"the first at time {first:.3g}" in verdict
    middle = np.median(abs(found.skewness.values[random]))
    enough = int(re.search(r"so take (\d+) or more", verdict)[1])  # |skewness|/√R is a quarter then
    assert middle / np.sqrt(enough) <= 0.25 < middle / np.sqrt(enough - 1)


def test_what_fails_is_named_even_where_something_else_is_farther_off():
    """5% of one risk are allowed, 3% of the other are not."""
    theory = curves.theory().assign(
        empirical_risk_discrepancy=("time", np.full(9, 0.1)),
        population_risk_discrepancy=("time", np.full(9, 0.001)),
    )
    exact = curves.theory(source="exact_mean")
    for name, gap in (("empirical_risk", 0.05), ("population_risk", 0.03)):
        exact[name] = exact[name] * beyond_the_start(gap)
    verdict = compare(theory, exact).attrs["verdict"]
    assert verdict.startswith("REJECTED: at worst the exact mean is 3.0% above the theory in popul")


def test_a_discrepancy_that_is_no_number_allows_everything_and_decides_nothing():
    theory, runs = curves.theory(), curves.runs(32)
    unknown = theory.assign(empirical_risk_discrepancy=theory.empirical_risk * np.nan)
    found = compare(unknown, runs, statistics="empirical_risk")
    assert found.attrs["decided"] == 0
    assert "nothing is allowed" not in found.attrs["verdict"]


@pytest.mark.parametrize("damage", ["{", "", "[" * 5000, "9" * 5000, "nul"])
def test_a_damaged_attribute_is_named(damage):
    theory, runs = curves.theory(), curves.runs(32)
    damaged = theory.assign_attrs(problem=damage)
    with pytest.raises(ValueError, match=r"problem .* (no JSON|differs|is )"):
        compare(damaged, runs)
    if damage != "9" * 5000:
        assert "problem is damaged" in hsgd.dataset.check(damaged)


def test_what_simulations_read_off_the_parameters_is_not_compared():
    """Predictions and coordinates have dims of their own, and nothing is predicted of them."""
    A = np.random.default_rng(3).standard_normal((60, 4)) / 2
    problem = hsgd.LeastSquares(A, A @ np.ones(4) + 0.1, ridge=0.1)
    sgd, times = hsgd.SGD(0.2), [0.0, 1.0, 3.0]
    seen = ("empirical_risk", hsgd.Predictions(A[:2]), hsgd.Coordinates((0, 3)))
    runs = simulate.sgd(problem, sgd, times, statistics=seen, num_replicates=8, seed=1)
    alone = simulate.sgd(problem, sgd, times, statistics="empirical_risk", num_replicates=8, seed=1)
    assert {"row", "mode"} & set(runs.dims)
    theory = hsgd.predict(problem, sgd, times, statistics="empirical_risk")
    xr.testing.assert_equal(compare(theory, runs), compare(theory, alone))
