"""How long the next step may be, where steps end and where functions are looked at."""

import numpy as np
import pytest

from volterra.stepping import end_of_step, grid, growth, with_neighbours


def test_no_step_is_left_over_that_is_short_against_the_others():
    """One that ended just before the stop would leave a step that is nothing but rounding."""
    for length in np.geomspace(1e-3, 3.0, 200):
        end = end_of_step(0.0, length, 1.0)
        assert 0.5 * min(length, 1.0) <= end <= min(1.05 * length, 1.0)
        assert end == 1.0 or 1.0 - end >= 0.5 * length


@pytest.mark.parametrize("order", [1, 6, 11])
def test_the_next_step_errs_by_what_is_allowed_and_little_less(order):
    """Where the error goes like a power of the length; a wrong power shows at large errors."""
    for error in np.geomspace(1e-3, 1e3, 13):
        factor = growth(error, order)
        if 0.1 < factor < 8.0:
            assert 0.8 <= (error * factor**order) ** (1 / order) <= 1.0


def test_the_error_of_a_step_is_the_largest_next_to_it():
    """On both sides: where two meshes cross, one of their differences is zero by chance."""
    difference = np.array([3.0, 1.0, 0.0, 2.0, 5.0, 0.0])
    np.testing.assert_array_equal(with_neighbours(difference), [3, 3, 2, 5, 5, 5])
    columns = np.stack([difference, difference[::-1]], axis=1)
    np.testing.assert_array_equal(with_neighbours(columns)[:, 1], [5, 5, 5, 2, 3, 3])


def test_what_lasts_a_thousandth_is_looked_at():
    """And early on, over nine decades, what lasts a tenth of the time that has passed."""
    t = np.concatenate([[0.0], grid(7.0), [7.0]])
    assert np.max(np.diff(t)) <= 7e-3
    late = t[t >= 7e-9]
    assert late[0] < 8e-9
    assert np.max(late[1:] / late[:-1]) <= 1.1
