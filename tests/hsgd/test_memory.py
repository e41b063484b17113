"""What does not fit is refused with the figure, before it is allocated."""

import tracemalloc

import numpy as np
import pytest

import hsgd
import simulate
from hsgd.machine import memory

LITTLE = 2_000_000


@pytest.fixture
def little(monkeypatch):
    """A machine with two megabytes to spare, whatever this one has."""
    monkeypatch.setattr(memory, "available", lambda: LITTLE)


def problem(n=600, d=500):
    A = np.random.default_rng(0).standard_normal((n, d)) / np.sqrt(d)
    return hsgd.LeastSquares(A, A.sum(axis=1), ridge=0.1)


def small():
    return problem(60, 10)


ROWS = hsgd.GaussianRows(np.full(10, 0.1), np.ones(10))
MANY = np.linspace(0.0, 1e6, 20_000)

TOO_MUCH = {
    "the decomposition": lambda p: p.svd,
    "critical_learning_rate": lambda p: hsgd.critical_learning_rate(p),
    "limits": lambda p: hsgd.limits(p, hsgd.SGD(0.1)),
    "predict, large": lambda p: hsgd.predict(p, hsgd.SGD(0.1), [0.0, 1.0]),
    "predict, many times": lambda p: hsgd.predict(small(), hsgd.SGD(0.1), MANY),
    "predict, streaming": lambda p: hsgd.predict(ROWS, hsgd.StreamingSGD(0.1), MANY),
    "exact_mean": lambda p: hsgd.exact_mean(p, hsgd.SGD(0.1), [0.0, 1.0]),
    "exact_stability": lambda p: hsgd.exact_stability(p),
    "simulate, many": lambda p: simulate.sgd(
        small(), hsgd.SGD(0.1), [0.0, 1.0], num_replicates=10**6
    ),
    "simulate, many times": lambda p: simulate.sgd(
        small(), hsgd.SGD(0.1), MANY[:5000], num_replicates=100
    ),
    "simulate, a large batch": lambda p: simulate.sgd(
        ROWS, hsgd.StreamingSGD(0.1, batch_size=10**6), [0.0, 1.0]
    ),
    "sample": lambda p: ROWS.sample(10**6, seed=0),
    "features": lambda p: hsgd.RandomFeatures(ROWS, 50).sample(10**5, seed=0),
    "power law": lambda p: hsgd.PowerLawRandomFeatures(1.0, 1.0, 10**5, 10).given_weights(0),
}


@pytest.mark.parametrize("name", TOO_MUCH)
def test_what_does_not_fit_is_refused_with_both_figures_before_it_is_allocated(name, little):
    large = problem()
    verbs = (simulate.sgd, hsgd.limits, hsgd.exact_mean, hsgd.exact_stability)
    assert verbs  # loaded now: their code is not what is measured
    tracemalloc.start()
    try:
        with pytest.raises(MemoryError, match=r"about \S+ GB.* but \S+ GB are free: .*\.$"):
            TOO_MUCH[name](large)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * LITTLE


def test_what_fits_is_not_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 10**9)
    hsgd.predict(small(), hsgd.SGD(0.1), np.linspace(0, 5, 50))
    hsgd.exact_mean(small(), hsgd.SGD(0.1), [0.0, 1.0])
    ROWS.sample(1000, seed=0)


def test_where_memory_is_not_known_nothing_is_refused(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: None)
    assert memory.check(10**18, "all of it", "wishes") is None
