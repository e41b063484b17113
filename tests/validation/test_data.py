"""The data of the cases: shapes, norms, disjoint regions, the same every time."""

import numpy as np
import pytest

from validation import data
from validation.features import random_features


def test_features_have_rows_of_norm_about_one_and_keep_training_and_test_alike():
    split = data.digits(600, seed=0)
    A, A_test = random_features(split.inputs, split.inputs_test, 300, seed=1)
    assert A.shape == (600, 300)
    assert A_test.shape == (1197, 300)
    for rows in (A, A_test):
        assert np.mean(np.sum(rows**2, axis=1)) == pytest.approx(1.0, abs=0.05)
    again, _ = random_features(split.inputs, split.inputs_test, 300, seed=1)
    assert np.array_equal(A, again)
    # The test rows are prepared with the training mean: swapping one of them changes no other.
    fewer = random_features(split.inputs, split.inputs_test[:5], 300, seed=1)[1]
    np.testing.assert_allclose(fewer, A_test[:5], rtol=1e-12, atol=1e-15)


def test_targets_are_centred_by_the_training_mean():
    split = data.digits(1200, seed=0)
    assert abs(split.targets.mean()) < 1e-14
    assert np.ptp(split.targets_test) == 2.0
    # ±1 less one number, the same for both, although their own means differ.
    assert split.targets_test.max() == split.targets.max()
    assert split.targets_test.mean() != 0.0
    assert len(split.targets_test) == 597


def test_patches_come_from_disjoint_regions():
    split = data.photograph_patches(400, 300, remove_mean=True, seed=0)
    assert split.inputs.shape == (400, 192)
    assert split.inputs_test.shape == (300, 192)
    colours = split.inputs.reshape(400, 3, 64).mean(axis=2)
    np.testing.assert_allclose(colours, 0.0, atol=1e-14)
    kept = data.photograph_patches(400, 300, remove_mean=False, seed=0)
    assert kept.inputs.min() >= 0.0
    train, test = (data._places((2, 427, 640, 3), colour) for colour in (0, 1))

    def squares(places):
        corners = np.concatenate([places[:, 1:], places[:, 1:] + data.PATCH - 1])
        return set(map(tuple, corners // data.REGION))

    assert not squares(train) & squares(test)


def test_rows_have_the_spectrum_that_was_asked_for():
    values = np.array([9.0, 4.0, 1.0, 0.25])
    A, directions = data.rows_with_spectrum(values, 7, seed=3)
    np.testing.assert_allclose(A.T @ A @ directions, directions * values, atol=1e-13)
    np.testing.assert_allclose(directions.T @ directions, np.eye(4), atol=1e-14)
    # |β|² of d entries N(0, s²/d): s² to within 5 standard deviations, √(2/d) of it.
    found = np.sum(data.coefficients(10_000, 3.0) ** 2)
    assert found == pytest.approx(9.0, rel=5 * np.sqrt(2 / 10_000))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: data.digits(1797, seed=0), "hold at least one out"),
        (lambda: data.photograph_patches(10**6, 1, remove_mean=True, seed=0), "ask less"),
        (lambda: random_features(np.ones((3, 2)), np.ones((3, 4)), 5, seed=0), "must match"),
    ],
)
def test_bad_sizes_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
