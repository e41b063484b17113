"""Log-log slopes with an uncertainty that is right."""

import numpy as np
import pytest
import scipy.stats

from validation import convergence

SIZES = np.array([50, 100, 200, 400, 800])


def test_an_exact_power_is_found():
    found = convergence(3.0 * SIZES**-0.5, SIZES)
    assert found.slope == pytest.approx(-0.5, abs=1e-12)
    assert found.standard_error < 1e-12
    np.testing.assert_allclose(found.at(SIZES), found.errors)


@pytest.mark.parametrize("number", [None, 12])
def test_the_standard_error_is_the_scatter_of_the_slope(number):
    # 400 fits: their scatter is known to 3.5%, so 15% is more than four standard deviations.
    rng = np.random.default_rng(0)
    shape = (len(SIZES),) if number is None else (len(SIZES), number)
    truth = 2.0 / (SIZES if number is None else SIZES[:, None])
    fits = [
        convergence(truth * np.exp(0.1 * rng.standard_normal(shape)), SIZES) for _ in range(400)
    ]
    slopes = np.array([fit.slope for fit in fits])
    stated = np.sqrt(np.mean([fit.standard_error**2 for fit in fits]))
    assert slopes.mean() == pytest.approx(-1.0, abs=4 * slopes.std() / 20)
    if number is None:
        assert stated == pytest.approx(slopes.std(), rel=0.15)
    else:
        # Never smaller; larger, because a scatter that is small by chance is not believed.
        assert slopes.std() <= stated * 1.15 < slopes.std() * 1.6


def test_one_repetition_is_fitted_as_scipy_does():
    errors = 2.0 / SIZES * np.exp(0.1 * np.random.default_rng(2).standard_normal(len(SIZES)))
    found = convergence(errors, SIZES)
    expected = scipy.stats.linregress(np.log(SIZES), np.log(errors))
    assert found.slope == pytest.approx(expected.slope, rel=1e-12)
    assert found.standard_error == pytest.approx(expected.stderr, rel=1e-12)
    assert found.intercept == pytest.approx(expected.intercept, rel=1e-12)


def test_a_scatter_that_is_small_by_chance_is_not_believed():
    """Means exactly on a line, each known to 10% only: their errors are all there is."""
    table = 3.0 / SIZES[:, None] * np.array([0.9, 1.1])
    found = convergence(table, SIZES)
    x = np.log(SIZES)
    expected = 0.1 / np.sqrt(np.sum((x - x.mean()) ** 2))
    assert found.standard_error == pytest.approx(expected, rel=1e-9)
    np.testing.assert_allclose(found.error_spread, 0.1 * found.errors, rtol=1e-12)


def test_a_bent_curve_gets_a_larger_uncertainty():
    rng = np.random.default_rng(1)
    noise = 1 + 0.01 * rng.standard_normal((len(SIZES), 20))
    straight = convergence(1.0 / SIZES[:, None] * noise, SIZES)
    bent = convergence((1.0 / SIZES + 0.005)[:, None] * noise, SIZES)
    assert bent.standard_error > 10 * straight.standard_error


@pytest.mark.parametrize(
    ("errors", "sizes", "words"),
    [
        ([1.0, 2.0], [1, 2], "three different"),
        ([1.0, 2.0, 3.0], [1, 2, 2], "three different"),
        ([1.0, -2.0, 3.0], [1, 2, 3], "must be positive"),
    ],
)
def test_what_has_no_slope_is_refused(errors, sizes, words):
    with pytest.raises(ValueError, match=words):
        convergence(errors, sizes)
