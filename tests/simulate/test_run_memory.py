"""What a run takes is asked for before it begins: measured, where one term is nearly all.

The least that must be asked for is counted by hand. That the run takes this, and no more than was
asked for, is measured in a second run, when nothing is compiled or decomposed any more.
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


def asked_for(monkeypatch, threads, *arguments, **options):
    """Bytes that a run asks for, which is not begun."""
    figures = []

    def note(figure):
        figures.append(figure)
        if len(figures) == 2:  # the first is of the replicates' keys
            raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(memory, "check", note)
        patch.setenv("NUMBA_NUM_THREADS", str(threads))
        with pytest.raises(MemoryError):
            sgd(*arguments, seed=0, **options)
    return figures[1]


def check_all(monkeypatch, least, *arguments, **options):
    """That a run asks for the least that it needs, takes that, and not more than it asked for."""
    asked = asked_for(monkeypatch, 1, *arguments, **options)
    assert asked > least
    sgd(*arguments, seed=0, **options)
    tracemalloc.start()
    try:
        sgd(*arguments, seed=0, **options)
        taken = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert least < taken < asked + OVERHEAD


FEW = hsgd.GaussianRows(np.full(8, 0.1), np.ones(8), 0.3)
LARGE_BATCH = (FEW, hsgd.StreamingSGD(0.1, 100_000), [0.0, 0.25])
BATCH_BYTES = 8 * 100_000 * (8 + 1)
"""Rows and residuals."""


def test_residuals_of_a_block_of_records(monkeypatch):
    """Of all rows at all points of a block; with the parameters alone it would be a hundredth."""
    A = np.random.default_rng(0).standard_normal((5000, 4))
    problem, times = hsgd.LeastSquares(A, np.ones(5000)), np.arange(128) / 5000
    check_all(monkeypatch, 8 * 128 * 5000, problem, hsgd.SGD(0.1), times)


def test_the_rows_of_a_large_batch(monkeypatch):
    check_all(monkeypatch, BATCH_BYTES, *LARGE_BATCH)


def test_every_thread_has_rows_of_its_own(monkeypatch):
    assert asked_for(monkeypatch, 4, *LARGE_BATCH, num_replicates=4) > 4 * BATCH_BYTES


def test_weights_of_features_are_copied(monkeypatch, one_point):
    """And there is room for the normals of 32 rows."""
    inputs = hsgd.GaussianRows(np.full(20_000, 1.0), np.zeros(20_000), 0.1)
    weights = np.random.default_rng(0).standard_normal((20, 20_000))
    rows = hsgd.FeatureRows(inputs, weights, x0=np.ones(20))
    least = 8 * (20 + 32) * 20_000
    check_all(monkeypatch, least, rows, hsgd.StreamingSGD(0.1), [0.0, 1.0])


def test_entries_of_sparse_rows_are_copied_in_single_precision(monkeypatch, one_point):
    A = sparse.csr_array(np.random.default_rng(0).standard_normal((1000, 600)))
    check_all(
        monkeypatch, 4 * A.nnz, hsgd.LeastSquares(A, np.ones(1000)), hsgd.SGD(0.1), [0.001],
        dtype="float32", statistics="empirical_risk",
    )  # fmt: skip


def test_a_coordinate_is_as_large_as_a_statistic(monkeypatch):
    """Ten modes are ten numbers at each time, held once as recorded and once as labelled."""
    problem, times = hsgd.LeastSquares(np.eye(10), np.ones(10)), np.arange(20_000) / 2.0
    asked = {"statistics": hsgd.Coordinates(range(10))}
    least = 2 * 8 * 10 * 20_000
    assert asked_for(monkeypatch, 1, problem, hsgd.SGD(0.1), times, **asked) > least


@pytest.mark.parametrize("dimension", [1100, 3000, 8000])
def test_a_block_of_records_fits_into_a_cache_of_a_mebibyte(dimension):
    count = block_size(dimension)
    assert count * 8 * dimension <= 2**20 < (count + 1) * 8 * dimension
