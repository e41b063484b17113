"""False alarms and power of the decision rule, over thousands of comparisons with a known truth.

The rule is run on arrays: labels change nothing, and would take most of the time.
"""

import numpy as np
import pytest
import scipy.stats

from tests.validation.curves import correlated
from validation import comparison, simultaneous, tails
from validation.points import Points

TRIALS, TIMES = 1000, 40


def share_rejected(
    *, level, number, kind="normal", sigma=0.5, spread=0.1, off=0.0, trials=TRIALS, times=TIMES
):
    """Fraction of comparisons that reject a theory which is `off` by that relative error."""
    rng = np.random.default_rng([number, round(1e4 * level), round(1e4 * off)])
    truth = np.ones((1, times))
    rejected = 0
    for _ in range(trials):
        runs = truth + spread * correlated(rng, (number, 1, times), kind, sigma)
        zero = np.zeros_like(truth)
        points = Points(runs, truth * (1 + off), zero, zero, exact=False)
        rejected += not points.agree(points.critical_value(level)).all()
    return rejected / trials


def interval(level, trials=TRIALS):
    """Where the share must lie with probability 99% if the level is right."""
    return scipy.stats.binom.interval(0.99, trials, level) / np.float64(trials)


@pytest.mark.parametrize(("level", "number"), [(0.01, 32), (0.05, 12)])
def test_false_alarms_of_normal_runs_are_at_the_level(level, number):
    low, high = interval(level)
    assert low <= share_rejected(level=level, number=number) <= high


def test_false_alarms_of_lognormal_runs_are_at_most_twice_the_level():
    # σ = ½ has skewness 1.75; SGD's risk at 0.8 of critical has about 1.3.
    share = share_rejected(level=0.05, number=32, kind="lognormal", trials=1000)
    assert share <= 0.1


def test_a_curve_three_per_cent_off_is_found():
    # A standard error of 0.53%: 3% is 5.7 of them, the critical value for 40 times about 4.3.
    assert share_rejected(level=0.01, number=32, spread=0.03, off=0.03, trials=200) >= 0.9


def test_the_stated_detectable_error_is_detected_nine_times_in_ten():
    """At a single point; of many points some would notice what others do not."""
    trials, spread = 400, 0.1
    runs = np.random.default_rng(5).standard_normal((32, 1, 1))
    runs = 1 + spread * (runs - runs.mean()) / runs.std(ddof=1)  # a standard error that is right
    zero = np.zeros((1, 1))
    points = Points(runs, np.ones((1, 1)), zero, zero, exact=False)
    off = float(comparison._detectable(points, points.critical_value(0.01))[0, 0])
    share = share_rejected(level=0.01, number=32, off=off, trials=trials, times=1)
    low, high = interval(0.9, trials)
    assert low <= share <= high


@pytest.mark.parametrize("level", [0.05, 0.4])
def test_the_pointwise_interval_has_its_level_at_every_point(level):
    """What `coverage` counts: of independent points a share of 1 − level holds a true theory."""
    runs = 1 + 0.1 * np.random.default_rng(8).standard_normal((64, 1, 4000))
    zero = np.zeros((1, 4000))
    points = Points(runs, np.ones((1, 4000)), zero, zero, exact=False)
    low, high = interval(1 - level, 4000)
    assert low <= points.covered(comparison._pointwise(points, level)).mean() <= high


def test_the_band_ends_where_theories_are_no_longer_held_to_agree():
    runs = 1 + 0.1 * correlated(np.random.default_rng(7), (32, 1, TIMES), "lognormal")
    zero = np.zeros((1, TIMES))

    def held(reference):
        return Points(runs, reference, zero, zero, exact=False)

    mean = runs.mean(axis=0)
    for end in held(np.ones((1, TIMES))).band(4.0):
        assert held(mean + 0.999 * (end - mean)).covered(4.0).all()
        assert not held(mean + 1.001 * (end - mean)).covered(4.0).any()


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("level", [0.01, 0.05, 0.2])
def test_of_all_reflections_of_few_runs_just_the_level_is_rejected(level, seed):
    """The level is exact: each of them was equally likely to be what is seen."""
    noise = 0.1 * correlated(np.random.default_rng(seed), (8, 1, 10))
    truth, zero = np.ones((1, 10)), np.zeros((1, 10))
    rejected = 0
    for signs in simultaneous.reflections(8, level):
        points = Points(1 + signs[:, None, None] * noise, truth, zero, zero, exact=False)
        rejected += not points.agree(points.critical_value(level)).all()
    assert rejected == int(level * 128)


def test_the_naive_pointwise_rule_would_raise_false_alarms():
    # The negative control of the calibration: it can tell a wrong rule from a right one.
    rng = np.random.default_rng(0)
    critical = scipy.stats.t.isf(0.005, 31)
    alarms = 0
    for _ in range(500):
        mean, error, _ = simultaneous.moments(correlated(rng, (32, TIMES)))
        alarms += bool((np.abs(mean / error) > critical).any())
    assert alarms / 500 > interval(0.01, 500)[1]


def test_halls_transformation_and_its_inverse():
    skewness = np.array([-3.0, 0.0, 1e-9, 0.4, 3.0])
    for value in (-4.0, 0.0, 4.0):
        t = simultaneous.hall_inverse(value, skewness, 32)
        np.testing.assert_allclose(simultaneous.hall(t, skewness, 32), value, atol=1e-6)


def test_all_reflections_are_used_where_they_are_few():
    signs = simultaneous.reflections(8, 0.01)
    assert signs.shape == (128, 8)
    assert (signs[0] == 1).all()
    assert len(np.unique(signs, axis=0)) == 128
    assert len(np.unique(np.concatenate([signs, -signs]), axis=0)) == 256


def test_where_reflections_are_many_enough_lie_beyond_the_level():
    """Its estimate is then good to a sixth; and what was seen is among them."""
    for level in (0.2, 0.001):
        signs = simultaneous.reflections(32, level)
        assert level * len(signs) >= 40
        assert (signs[0] == 1).all()
        assert abs(signs[1:].mean()) < 5 / np.sqrt(signs.size)


def test_heavy_tails_do_not_reject_a_true_theory():
    # Pareto runs of index 1.5: means are mostly too low, for their size comes from rare runs.
    rng = np.random.default_rng(2)
    rejected = undecided = naive = 0
    for _ in range(300):
        runs = (rng.uniform(size=(64, 1, 1)) ** (-1 / 1.5)).repeat(TIMES, axis=2)
        zero = np.zeros((1, TIMES))
        points = Points(runs, np.full((1, TIMES), 3.0), zero, zero, exact=False)
        critical = points.critical_value(0.01)
        rejected += not points.agree(critical).all()
        undecided += points.undecided(critical).any()
        naive += not points.covered(critical).all()
    assert rejected <= scipy.stats.binom.isf(0.001, 300, 0.01)
    # The control: without the look at the tail they would be false alarms.
    assert undecided == naive - rejected > 15


def test_light_tails_are_decided_on_both_sides():
    rng = np.random.default_rng(3)
    zero = np.zeros((1, TIMES))
    for off in (0.9, 1.1):
        runs = 1 + 0.05 * correlated(rng, (32, 1, TIMES))
        points = Points(runs, np.full((1, TIMES), off), zero, zero, exact=False)
        critical = points.critical_value(0.01)
        assert not points.agree(critical).all()
        assert not points.undecided(critical).any()


def test_heavy_tails_reject_a_theory_that_is_too_low():
    # Runs above the theory cannot be explained by large runs that are missing.
    runs = (np.random.default_rng(4).uniform(size=(200, 1, 1)) ** -0.5).repeat(TIMES, axis=2)
    zero = np.zeros((1, TIMES))
    points = Points(runs, np.full((1, TIMES), 1.05), zero, zero, exact=False)
    assert points.tail_index.min() < tails.HEAVY
    assert not points.agree(points.critical_value(0.01)).any()


@pytest.mark.parametrize("index", [1.5, 4.0])
def test_hills_index_of_pareto_runs(index):
    # Its standard error is index/√(number of runs in the tail).
    runs = np.random.default_rng(5).uniform(size=(4000, 1)) ** (-1 / index)
    assert tails.tail_index(runs)[0] == pytest.approx(index, abs=4 * index / np.sqrt(1000))


def test_a_tail_may_be_heavy_only_beside_one_that_is():
    assert not tails.heavy(np.array([3.1, 4.0, 30.0]), 32).any()
    assert tails.heavy(np.array([2.9, 4.0, 30.0]), 32).tolist() == [True, True, False]


def test_the_lower_limit_of_an_index_fails_as_often_as_it_says(monkeypatch):
    """At index 3 a tail is taken for lighter than it is with that probability."""
    monkeypatch.setattr(tails, "_DOUBT", 0.1)
    runs = np.random.default_rng(10).uniform(size=(32, 4000)) ** (-1 / tails.HEAVY)
    missed = ~tails.heavy(np.append(tails.tail_index(runs), 1.0), 32)
    low, high = interval(0.1, 4000)
    assert low <= missed.sum() / 4000 <= high


def test_no_tail_where_nothing_varies_or_signs_do():
    runs = np.stack([np.ones(32), np.linspace(-1, 1, 32)], axis=1)
    assert np.isinf(tails.tail_index(runs)).all()
    assert np.isinf(tails.tail_index(runs[:4])).all()
