import numpy as np
import pytest

from volterra import SumOfExponentials, TimeChanged


def test_evaluates_arrays_of_any_shape():
    kernel = SumOfExponentials([1.0, 2.0], [0.5, -0.25], constant=3.0)
    tau = np.array([[0.0, 1.0], [2.0, 30.0], [-1e-9, -0.5]])
    expected = 3 + 0.5 * np.exp(-tau) - 0.25 * np.exp(-2 * tau)
    np.testing.assert_allclose(kernel(tau), expected, rtol=1e-15)
    assert kernel(0.0).shape == ()


def test_long_sums_are_evaluated_in_pieces():
    kernel = SumOfExponentials(np.ones(600_000), np.full(600_000, 1 / 600_000))
    np.testing.assert_allclose(kernel(np.array([0.0, 1.0, 2.0])), np.exp([0.0, -1, -2]), rtol=1e-12)


def test_is_frozen_with_its_arrays():
    kernel = SumOfExponentials([1.0], [1.0])
    with pytest.raises(AttributeError):
        kernel.rates = np.ones(1)
    with pytest.raises(ValueError, match="read-only"):
        kernel.rates[0] = 2.0


def test_a_copy_is_taken():
    rates = np.array([1.0])
    kernel = SumOfExponentials(rates, [1.0])
    rates[0] = 5.0
    assert kernel.rates[0] == 1.0


def test_modes_merge_equal_and_nearly_equal_rates():
    eps = np.finfo(float).eps
    kernel = SumOfExponentials([2.0, 1.0, 2.0 * (1 + 2 * eps), 1.0, 3.0], [1, 2, 3, 4, 5])
    modes = kernel.modes()
    np.testing.assert_allclose(modes.rates, [1, 2, 3], rtol=1e-15)
    np.testing.assert_array_equal(modes.weights, [6, 4, 5])
    np.testing.assert_array_equal(modes.label, [1, 0, 1, 0, 2])
    np.testing.assert_array_equal(modes.collect(np.array([1.0, 10, 100, 1000, 0])), [1010, 101, 0])


def test_distinct_rates_stay_apart():
    rates = 1 + 1e-13 * np.arange(5)
    assert SumOfExponentials(rates, np.ones(5)).modes().rates.size == 5


def test_a_chain_of_close_rates_is_not_one_rate():
    rates = 1 + 5 * np.finfo(float).eps * np.arange(20)
    modes = SumOfExponentials(rates, np.ones(20)).modes()
    assert 1 < modes.rates.size < 20
    assert np.max(np.abs(modes.rates[modes.label] - rates)) <= 10 * np.finfo(float).eps


def test_a_merged_rate_lies_between_those_it_is_made_of():
    """Also where their weights cancel but for little: rates are no centre of mass then."""
    rates = np.array([1.0, 1.0 + 4 * np.finfo(float).eps])
    modes = SumOfExponentials(rates, [1.0, -1.0 + 1e-3]).modes()
    assert rates[0] <= modes.rates[0] <= rates[1]
    assert modes.weights[0] == pytest.approx(1e-3, rel=1e-12)


def test_constant_of_a_kernel_is_a_mode_of_rate_zero():
    modes = SumOfExponentials([1.0], [2.0], constant=3.0).modes()
    np.testing.assert_array_equal(modes.rates, [0, 1])
    np.testing.assert_array_equal(modes.weights, [3, 2])
    np.testing.assert_array_equal(modes.label, [1])


def test_a_negative_constant_is_no_positive_sum():
    assert SumOfExponentials([1.0], [2.0], constant=0.1).is_positive
    assert not SumOfExponentials([1.0], [2.0], constant=-0.1).is_positive


def test_empty_sum():
    assert SumOfExponentials([], []).modes().rates.size == 0
    np.testing.assert_array_equal(SumOfExponentials([], [], 2.0)(np.arange(3.0)), [2, 2, 2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1.0, 2.0], [1.0]), "same length"),
        (([-1.0], [1.0]), "rates must be >= 0"),
        (([np.nan], [1.0]), "rates must be finite"),
        (([1.0], [np.inf]), "weights must be finite"),
        (([[1.0]], [1.0]), "one-dimensional"),
        ((["a"], [1.0]), "array of numbers"),
        (([-1 + 1j], [1.0]), "rates must be >= 0"),
        (([-1e-12], [1.0]), "rates must be >= 0"),
        (([1e-130, 0.0], [1.0, 1.0]), "another unit of time"),
        (([1.0], [1e260]), "other units"),
        (([1.0], [1.0], np.nan), "constant must be a finite number"),
    ],
)
def test_bad_sums_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        SumOfExponentials(*arguments)


def test_bad_time_changes_are_refused():
    kernel = SumOfExponentials([1.0], [1.0])
    with pytest.raises(TypeError, match="needs a SumOfExponentials"):
        TimeChanged(np.exp, np.log1p, np.cos)
    with pytest.raises(TypeError, match="weight must be a vectorised function"):
        TimeChanged(kernel, np.log1p, 0.5)
    with pytest.raises(ValueError, match="breakpoints must be finite"):
        TimeChanged(kernel, np.log1p, np.cos, breakpoints=[np.nan])


def test_breakpoints_are_sorted_once():
    changed = TimeChanged(SumOfExponentials([1.0], [1.0]), np.log1p, np.cos, breakpoints=[2, 1, 2])
    np.testing.assert_array_equal(changed.breakpoints, [1.0, 2.0])
