"""A sweep is compared as a whole: one verdict, at one level, that names the setting."""

import numpy as np
import pytest
import xarray as xr

import hsgd
from tests.validation import curves
from tests.validation.curves import correlated
from tests.validation.test_calibration import interval
from validation import compare
from validation.points import Points

RATES = xr.DataArray(
    [0.1, 0.2, 0.4], dims="learning_rate", coords={"learning_rate": [0.1, 0.2, 0.4]}
)


def swept(kind, **options):
    """Made-up curves for three learning rates."""
    seeds = [{"seed": seed} if kind is curves.runs else {} for seed in range(3)]
    found = [
        kind(algorithm=hsgd.SGD(rate), **options, **seed)
        for rate, seed in zip(RATES.values.tolist(), seeds, strict=True)
    ]
    bare = [one.drop_vars("learning_rate") for one in found]
    whole = xr.concat(bare, RATES.learning_rate, data_vars="all", coords="minimal",
                      combine_attrs="override", compat="override")  # fmt: skip
    words = found[0].attrs["algorithm"].replace('"level": 0.1', '"level": "swept"')
    return whole.assign_attrs(algorithm=words).assign_coords(learning_rate=RATES)


def test_one_verdict_for_all_settings_and_the_numbers_of_each():
    theory, runs = swept(curves.theory, expected_discrepancy=0.0), swept(curves.runs)
    found = compare(theory, runs)
    assert hsgd.dataset.check(found) is None
    assert found.relative_error.dims == ("learning_rate", "statistic", "time")
    assert found.coverage.dims == ("learning_rate", "statistic")
    assert found.attrs["agrees"]
    assert "all times and settings together" in found.attrs["verdict"]
    member = {"learning_rate": 0.2}
    alone = compare(theory.sel(member), runs.sel(member))
    for name in ("observed", "standard_error", "z_score", "relative_error", "discrepancy"):
        np.testing.assert_array_equal(found[name].sel(member), alone[name])
    assert found.attrs["critical_value"] > alone.attrs["critical_value"]


def test_the_setting_that_is_wrong_is_named():
    theory, runs = swept(curves.theory, expected_discrepancy=0.0), swept(curves.runs)
    factor = xr.where(theory.learning_rate == 0.4, 1.2, 1.0)
    wrong = theory.assign(empirical_risk=factor * theory.empirical_risk)
    found = compare(wrong.assign_attrs(theory.attrs), runs)
    assert not found.attrs["agrees"]
    assert "for learning rate 0.4" in found.attrs["verdict"]
    assert "in 1 of 3 settings" in found.attrs["verdict"]
    by_setting = found.agrees.min(("statistic", "time"))
    np.testing.assert_array_equal(by_setting, [1, 1, 0])


@pytest.mark.parametrize("shared", [False, True])
def test_the_level_is_that_of_all_settings_together(shared):
    """Twelve settings; alone, each at its own level, some would be rejected far more often."""
    rng, level, trials, settings, number, times = np.random.default_rng(5), 0.05, 200, 12, 16, 6
    one, zero = np.ones((1, times)), np.zeros((1, times))
    together = alone = 0
    for _ in range(trials):
        noise = correlated(rng, (1 if shared else settings, number, 1, times))
        # Settings that share random numbers differ by what is theirs.
        noise = noise + 0.3 * correlated(rng, (settings, number, 1, times)) if shared else noise
        several = [Points(1 + 0.1 * part, one, zero, zero, exact=False) for part in noise]
        points = Points.together(several)
        together += not points.agree(points.critical_value(level)).all()
        alone += not all(p.agree(p.critical_value(level)).all() for p in several)
    low, high = interval(level, trials)
    assert low <= together / trials <= high
    assert alone / trials > 1.3 * high


def test_a_heavy_tail_in_one_setting_excuses_no_other():
    """Where no index of its own is below 3, one that may be is no excuse for a mean that is low."""
    rng = np.random.default_rng(0)
    one, zero = np.ones((1, 4)), np.zeros((1, 4))
    several = [
        Points(1 + 0.01 * rng.standard_normal((64, 1, 4)), 1.1 * one, zero, zero, exact=False)
        for _ in range(2)
    ]
    points = Points.together(several)
    points.__dict__["tail_index"] = np.array([[2.0] * 4, [3.2] * 4])
    heavy, light = points.undecided(points.critical_value(0.01))
    assert heavy.all()
    assert not light.any()


@pytest.mark.parametrize(
    ("theory", "runs", "words"),
    [
        (swept(curves.theory), curves.runs(), "theory has the dimension learning_rate, but runs"),
        (curves.theory(), swept(curves.runs), "runs has the dimension learning_rate, but theory"),
        (
            swept(curves.theory),
            swept(curves.runs)[{"learning_rate": [1, 0, 2]}],
            "different members",
        ),
    ],
)
def test_sweeps_that_differ_are_refused(theory, runs, words):
    with pytest.raises(ValueError, match=words) as caught:
        compare(theory, runs)
    assert "\n" not in str(caught.value)


def test_a_control_may_have_other_rates_along_the_sweep():
    theory, runs = swept(curves.theory, expected_discrepancy=0.0), swept(curves.runs)
    wrong = (
        (1.3 * theory).assign_attrs(theory.attrs).assign_coords(learning_rate=1.3 * RATES.values)
    )
    found = compare(wrong, runs, same_algorithm=False)
    assert not found.attrs["agrees"]
    with pytest.raises(ValueError, match="different members"):
        compare(wrong, runs)
