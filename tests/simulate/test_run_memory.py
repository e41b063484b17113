"""What a run takes is what was asked for before it began: measured, where one term is nearly all.

A run is made twice, and the second time measured, when nothing is compiled or decomposed any more.
"""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

import hsgd
from simulate import sgd
from simulate.recording import block_size
from simulate.run import memory

OVERHEAD = 400_000
"""Bytes of labels, attributes and other small things."""


@pytest.fixture
def one_point(monkeypatch):
    """Blocks of one record: what is recorded takes nothing."""
    monkeypatch.setattr("simulate.run.planning.block_size", lambda dimension: 1)


def asked_and_taken(monkeypatch, *arguments, **options):
    """Bytes that were asked for, and the most that was taken, of a run in one thread."""
    figures = []
    monkeypatch.setattr(memory, "check", figures.append)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    sgd(*arguments, seed=0, **options)
    tracemalloc.start()
    try:
        sgd(*arguments, seed=0, **options)
        return max(figures), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def few_columns():
    A = np.random.default_rng(0).standard_normal((5000, 4))
    return hsgd.LeastSquares(A, np.ones(5000))


def wide_features():
    inputs = hsgd.GaussianRows(np.full(20_000, 1.0), np.zeros(20_000), 0.1)
    weights = np.random.default_rng(0).standard_normal((20, 20_000))
    return hsgd.FeatureRows(inputs, weights, x0=np.ones(20))


def sparse_rows():
    A = sparse.csr_array(np.random.default_rng(0).standard_normal((1000, 600)))
    return hsgd.LeastSquares(A, np.ones(1000))


FEW = hsgd.GaussianRows(np.full(8, 0.1), np.ones(8), 0.3)
LARGE_BATCH = (FEW, hsgd.StreamingSGD(0.1, 100_000), [0.0, 0.25])


def test_residuals_of_a_block_of_records(monkeypatch):
    """Of all rows at all points of a block; with the parameters alone it would be a hundredth."""
    times = np.arange(128) / 5000
    asked, taken = asked_and_taken(monkeypatch, few_columns(), hsgd.SGD(0.1), times)
    assert 4_000_000 < taken < asked + OVERHEAD


def test_the_rows_of_a_large_batch(monkeypatch):
    asked, taken = asked_and_taken(monkeypatch, *LARGE_BATCH)
    assert 6_400_000 < taken < asked + OVERHEAD


def test_every_thread_has_rows_of_its_own(monkeypatch):
    _, taken = asked_and_taken(monkeypatch, *LARGE_BATCH)
    figures = []
    monkeypatch.setattr(memory, "check", figures.append)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "4")
    sgd(*LARGE_BATCH, num_replicates=4, seed=0)
    assert max(figures) > 4 * (taken - OVERHEAD)


def test_weights_of_features_are_copied(monkeypatch, one_point):
    asked, taken = asked_and_taken(monkeypatch, wide_features(), hsgd.StreamingSGD(0.1), [0.0, 1.0])
    assert 8_000_000 < taken < asked + OVERHEAD


def test_entries_of_sparse_rows_are_copied_in_single_precision(monkeypatch, one_point):
    asked, taken = asked_and_taken(
        monkeypatch, sparse_rows(), hsgd.SGD(0.1), [0.001], dtype="float32",
        statistics="empirical_risk",
    )  # fmt: skip
    assert 2_400_000 < taken < asked + OVERHEAD


def test_a_coordinate_is_as_large_as_a_statistic(monkeypatch):
    """Ten modes are ten numbers at each time."""
    times = np.arange(20_000) / 2.0
    asked, taken = asked_and_taken(
        monkeypatch, hsgd.LeastSquares(np.eye(10), np.ones(10)), hsgd.SGD(0.1), times,
        statistics=hsgd.Coordinates(range(10)),
    )  # fmt: skip
    assert taken > 3_200_000
    assert asked > 2 * 8 * 10 * 20_000


@pytest.mark.parametrize("dimension", [1100, 3000, 8000])
def test_a_block_of_records_fits_into_a_cache_of_a_mebibyte(dimension):
    count = block_size(dimension)
    assert count * 8 * dimension <= 2**20 < (count + 1) * 8 * dimension
