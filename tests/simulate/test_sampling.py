"""Which rows are read: each sampling has the law it claims, compiled and plain alike."""

from collections import Counter
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from hsgd.algorithms.base import SAMPLINGS
from hsgd.algorithms.sgd import SGD
from hsgd.problems.least_squares import LeastSquares
from simulate import sgd
from simulate.randomness import philox
from simulate.randomness.sampling import (
    CODES,
    SUBSET,
    block_length,
    choose,
    rows_of_block,
    undo_choice,
)
from simulate.randomness.seeds import as_seed

FALSE_ALARM = 1e-4


def blocks(sampling, count, n, batch_size=1, seed=0):
    code, key = CODES[sampling], as_seed(seed).key(0)
    return [rows_of_block(code, key, block, n, batch_size) for block in range(count)]


def test_every_sampling_has_a_code():
    assert tuple(CODES) == SAMPLINGS


def test_with_replacement_is_uniform_and_successive_rows_are_independent():
    rows = np.concatenate(blocks("with_replacement", 100, n=7))
    pairs = Counter(zip(rows[:-1:2].tolist(), rows[1::2].tolist(), strict=True))
    observed = [pairs[i, j] for i in range(7) for j in range(7)]
    assert stats.chisquare(observed).pvalue > FALSE_ALARM


def test_subsets_are_uniform_over_all_subsets():
    seen = Counter(frozenset(rows.tolist()) for rows in blocks("subset", 3000, n=6, batch_size=3))
    observed = [seen[frozenset(subset)] for subset in combinations(range(6), 3)]
    assert sum(observed) == 3000  # so every batch had three different rows
    assert stats.chisquare(observed).pvalue > FALSE_ALARM


def test_reshuffled_epochs_are_uniform_permutations():
    seen = Counter(tuple(rows.tolist()) for rows in blocks("reshuffle", 3000, n=4))
    observed = [seen[permutation] for permutation in permutations(range(4))]
    assert sum(observed) == 3000
    assert stats.chisquare(observed).pvalue > FALSE_ALARM


def test_the_tests_of_laws_reject_a_naive_shuffle():
    # The classic mistake: every exchange is drawn from all places.
    rng = np.random.default_rng(0)
    seen = Counter()
    for _ in range(3000):
        order = np.arange(4)
        choose_anywhere = rng.integers(0, 4, 4)
        for j, other in enumerate(choose_anywhere):
            order[[j, other]] = order[[other, j]]
        seen[tuple(order.tolist())] += 1
    assert stats.chisquare([seen[p] for p in permutations(range(4))]).pvalue < FALSE_ALARM


def test_single_shuffle_repeats_the_first_epoch_of_reshuffle():
    single, fresh = blocks("single_shuffle", 3, n=50), blocks("reshuffle", 3, n=50)
    assert (single[0] == fresh[0]).all()
    assert (single[1] == single[0]).all()
    assert (single[2] == single[0]).all()
    assert (fresh[1] != fresh[0]).any()


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 40), st.data())
def test_undo_choice_restores_the_order(n, data):
    count = data.draw(st.integers(1, n))
    draws = np.array([data.draw(st.integers(0, n - 1 - j)) for j in range(count)])
    order = np.arange(n)
    choose(order, draws, count)
    undo_choice(order, draws, count)
    assert (order == np.arange(n)).all()


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(SAMPLINGS), st.integers(1, 70), st.integers(0, 2**40), st.integers(0, 5),
    st.data(),
)  # fmt: skip
def test_compiled_blocks_are_the_plain_ones(sampling, n, block, replicate, data):
    from simulate.engines.cpu.kernels.order import fill_block, new_order

    batch_size = data.draw(st.integers(1, n))
    code, key = CODES[sampling], as_seed(1).key(replicate)
    order = new_order(code, key, n, batch_size)
    fill_block(order, block, block_length(code, n, batch_size))
    assert (order.rows == rows_of_block(code, key, block, n, batch_size)).all()
    assert (order.identity == np.arange(n)).all()
    assert order.held[0] == block


def test_a_subset_of_everything_is_a_permutation():
    rows = rows_of_block(SUBSET, (1, 2), 0, 20, 20)
    assert sorted(rows.tolist()) == list(range(20))


@pytest.mark.parametrize("engine", ["reference", "cpu"])
@pytest.mark.parametrize(
    ("sampling", "every_row_once"),
    [("reshuffle", True), ("single_shuffle", True), ("with_replacement", False), ("subset", False)],
)
def test_an_epoch_visits_every_row_once(engine, sampling, every_row_once):
    # With orthonormal rows and step 1, a visit makes a row's residual exactly zero; so the risk
    # after one epoch counts the rows that were not visited.
    n = 24
    problem = LeastSquares(np.eye(n), np.ones(n))
    runs = sgd(problem, SGD(1.0, 1, sampling), [1.0], num_replicates=5, seed=0, engine=engine)
    unvisited = 2 * n * runs.empirical_risk.values
    assert (unvisited == 0).all() if every_row_once else (unvisited >= 1).all()


@pytest.mark.parametrize("engine", ["reference", "cpu"])
def test_batches_read_on_across_the_end_of_an_epoch(engine):
    # n = 10, B = 4: after 5 iterations two epochs are done. Distinct residual halvings show each
    # row was read exactly twice, where batches do not overlap themselves (step 2 = B/2 here).
    n = 10
    problem = LeastSquares(np.eye(n), np.ones(n))
    runs = sgd(
        problem, SGD(2.0, 4, "single_shuffle"), [0.5], num_replicates=3, seed=4, engine=engine
    )
    # Each read halves the residual: 2 reads leave 1/4, and the risk is (1/2)(1/16).
    np.testing.assert_allclose(runs.empirical_risk.values, 1 / 32, rtol=1e-14)


def test_the_stream_of_rows_is_for_ever():
    """With replacement, row 512·b + j is word j of block b, scaled to n: seeds are published."""
    n, key = 700, as_seed(4).key(0)
    words = np.concatenate([philox.words(key, 1, block, 512) for block in range(2)])[:n]
    visited, left = set(), [n]
    for word in words:
        visited.add(int(word) * n >> 64)
        left.append(n - len(visited))
    # Orthonormal rows and step 1: a visit makes a row's residual zero.
    problem = LeastSquares(np.eye(n), np.ones(n))
    asked = {"statistics": "empirical_risk", "seed": 4, "engine": "reference"}
    runs = sgd(problem, SGD(1.0), np.arange(n + 1) / n, **asked)
    assert np.rint(2 * n * runs.empirical_risk.values[:, 0]).tolist() == left
