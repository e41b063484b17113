"""Schedules: the odometer is the integral, the rim refuses what is not a learning rate."""

import numpy as np
import pytest
from scipy.integrate import quad

import hsgd
from hsgd.schedules import as_schedule

SCHEDULES = [
    hsgd.Constant(0.7),
    hsgd.Piecewise((1.0, 2.5), (0.5, 0.0, 0.2)),
    hsgd.PowerDecay(0.9, 0.5, 3.0),
    hsgd.PowerDecay(0.9, 1.0, 3.0),
    hsgd.PowerDecay(0.9, 1.0 + 1e-9, 3.0),
    hsgd.PowerDecay(0.9, 2.0),
    hsgd.CosineDecay(0.8, 4.0, 0.1),
    hsgd.FromFunction(lambda t: 0.3 + 0.2 * np.sin(3 * t)),
    hsgd.FromFunction(lambda t: 0.1 + 1 / (1 + 25 * (t - 1) ** 2)),
    hsgd.FromFunction(lambda t: np.where(t < 1.7, 1.0, 0.25), breakpoints=(1.7,)),
]


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("end", [0.0, 0.3, 1.0, 2.9, 6.0])
def test_the_odometer_is_the_integral_of_the_rate(schedule, end):
    points = [b for b in schedule.breakpoints if b < end]
    expected = quad(
        lambda t: float(schedule(np.array([t]))[0]),
        0.0,
        end,
        points=points or None,
        epsabs=1e-12,
        epsrel=1e-12,
        limit=200,
    )[0]
    assert schedule.integral(np.array([end]))[0] == pytest.approx(expected, rel=1e-10, abs=1e-12)


def test_an_unnamed_jump_is_found_by_bisection():
    schedule = hsgd.FromFunction(lambda t: np.where(t < 1.3, 1.0, 0.2))
    np.testing.assert_allclose(
        schedule.integral(np.array([1.0, 2.0, 5.0])), [1.0, 1.44, 2.04], rtol=1e-11
    )


def test_the_odometer_may_be_asked_beyond_what_it_knows():
    schedule = hsgd.FromFunction(lambda t: np.exp(-t))
    near = schedule.integral(np.array([0.5]))
    far = schedule.integral(np.array([0.5, 20.0]))
    np.testing.assert_allclose(far, 1 - np.exp(-np.array([0.5, 20.0])), rtol=1e-12)
    assert near[0] == pytest.approx(far[0], rel=1e-13)


def test_the_odometer_of_a_function_does_not_start_below_zero():
    rates = [lambda t, c=c: c * np.minimum(t, 1.0) for c in np.geomspace(0.01, 10.0, 40)]
    for rate in rates:
        odometer = hsgd.FromFunction(rate, breakpoints=(1.0,)).integral(np.linspace(0.0, 12.0, 61))
        assert odometer[0] >= 0.0


def test_piecewise_is_right_continuous():
    schedule = hsgd.Piecewise((1.0,), (0.5, 0.1))
    np.testing.assert_array_equal(schedule(np.array([0.999, 1.0])), [0.5, 0.1])


def test_the_largest_rate_may_be_that_of_a_short_pulse():
    """Shorter than the grid is fine; the breakpoints say where it is."""
    pulse = hsgd.Piecewise((50.0, 50.01), (0.1, 5.0, 0.2))
    assert pulse.largest(0.0, 99.0) == 5.0
    assert (pulse.largest(0.0, 49.0), pulse.largest(51.0, 99.0)) == (0.1, 0.2)


def test_numbers_and_callables_become_schedules():
    assert as_schedule(0.5) == hsgd.Constant(0.5)
    assert as_schedule(lambda t: 0 * t)(np.array([3.0]))[0] == 0.0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: as_schedule(-0.1), "at least 0"),
        (lambda: as_schedule(np.nan), "finite"),
        (lambda: as_schedule("fast"), "must be a number"),
        (lambda: hsgd.Piecewise((1.0,), (0.5,)), "one more level than boundaries"),
        (lambda: hsgd.Piecewise((2.0, 1.0), (0.5, 0.4, 0.3)), "increase strictly"),
        (lambda: hsgd.Piecewise((1.0,), (0.5, -1.0)), "at least 0"),
        (lambda: hsgd.CosineDecay(0.5, 0.0), "greater than 0"),
        (lambda: hsgd.FromFunction(3.0), "callable"),
        (lambda: as_schedule(lambda t: 1.0 - t)(np.array([0.0, 2.0])), "negative or not finite"),
        (lambda: as_schedule(lambda t: 0.5)(np.array([0.0, 2.0])), "vectorised"),
    ],
)
def test_bad_schedules_get_one_sentence(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()
