"""The normals: exact formulas, their law, independence of streams; and that the tests can fail."""

import math

import mpmath
import numpy as np
import pytest
from scipy import stats

from simulate.engines.cpu.lanes import LANES, fill_normals, fill_words, room
from simulate.randomness.normals import BROWNIAN, FEATURES, LABEL_NOISE, direction, normals, radius
from simulate.randomness.philox import philox4x32
from simulate.randomness.sampling import PURPOSES
from simulate.randomness.seeds import as_seed

FALSE_ALARM = 1e-4
EDGES = [0, 1, 2, 2**29, 2**30 - 1, 2**30, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1]
WORDS = np.array(
    [*EDGES, *np.random.default_rng(0).integers(0, 2**32, 500)]
    + [round(2**32 * 0.5**k * f) for k in range(31) for f in (0.5, 2**-0.5, 0.99)],
    dtype=np.uint64,
)


def test_radius_is_the_formula_to_a_few_ulp():
    with mpmath.workdps(30):
        exact = [float(mpmath.sqrt(-2 * mpmath.log((w + 0.5) / 2**32))) for w in map(int, WORDS)]
    np.testing.assert_allclose(radius(WORDS), exact, rtol=6e-16)


def test_direction_is_a_point_of_the_circle_to_a_few_ulp():
    first, second = direction(WORDS)
    for word, x, y in zip(map(int, WORDS), first, second, strict=True):
        with mpmath.workdps(30):
            angle = ((word % 2**30) + 0.5) / 2**30 * mpmath.pi / 2
            # Two bits are the signs.
            exact = mpmath.cos(angle) * (-1) ** (word >> 31)
            other = mpmath.sin(angle) * (-1) ** (word >> 30 & 1)
            assert abs(x - exact) < 4e-16
            assert abs(y - other) < 4e-16


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7, 4 * LANES, 4 * LANES + 1, 1001])
@pytest.mark.parametrize("index", [0, 2**32 + 5])
def test_compiled_normals_are_the_plain_ones(count, index):
    key = as_seed(3).key(1)
    expected = normals(key, LABEL_NOISE, index, count)
    compiled_key = (np.uint64(key[0]), np.uint64(key[1]))
    out = np.empty(count)
    fill_normals(compiled_key, LABEL_NOISE, index, out, room())
    np.testing.assert_allclose(out, expected, rtol=1e-13, atol=1e-15)
    # Single precision is the double rounded.
    single = np.empty(count, dtype=np.float32)
    fill_normals(compiled_key, LABEL_NOISE, index, single, room())
    assert (single == out.astype(np.float32)).all()
    # The first ones do not depend on how many are drawn.
    assert (normals(key, LABEL_NOISE, index, 2000)[:count] == expected).all()


def test_words_in_lanes_are_the_plain_ones_to_the_bit():
    key, index, first = (0xA4093822, 0x299F31D0), 0x13198A2E_85A308D3, 0x3707344
    words = room()
    fill_words(tuple(map(np.uint64, key)), FEATURES, index, first, LANES, words)
    counter = (np.arange(LANES) + first, 0x85A308D3, 0x13198A2E, FEATURES)
    expected = philox4x32(*(np.asarray(c, dtype=np.uint64) for c in counter), *map(np.uint64, key))
    assert (words == np.array(expected)).all()


SAMPLE = 400_000


def sample(key=(5, 6), purpose=FEATURES, index=9):
    return normals(key, purpose, index, SAMPLE)


def bad_by_few_uniforms():
    """The classic bad normals: the sum of twelve uniforms, less six."""
    return np.random.default_rng(0).random((SAMPLE, 12)).sum(axis=1) - 6


def bad_by_coarse_words():
    """Box and Muller's transform of words of eight bits."""
    words = np.random.default_rng(0).integers(0, 2**8, (2, SAMPLE // 2)).astype(np.uint64)
    length, (first, second) = radius(words[0] << np.uint64(24)), direction(words[1])
    return np.concatenate([length * first, length * second])


def largest_moment_score(x):
    """z-scores of the first six moments."""
    scores = []
    for power in range(1, 7):
        mean = 0 if power % 2 else math.prod(range(1, power, 2))
        variance = math.prod(range(1, 2 * power, 2)) - mean**2
        scores.append(abs(np.mean(x**power) - mean) / np.sqrt(variance / len(x)))
    return max(scores)


MOMENT_LIMIT = stats.norm.isf(FALSE_ALARM / 12)


def tail_p_value(x):
    """Counts beyond ±1, …, ±4 against the binomial law."""
    values = []
    for edge in (1, 2, 3, 4):
        for beyond in (x > edge, x < -edge):
            values.append(
                stats.binomtest(int(beyond.sum()), len(x), stats.norm.sf(edge)).pvalue * 8
            )
    return min(values)


@pytest.mark.parametrize("purpose", [FEATURES, LABEL_NOISE, BROWNIAN])
def test_the_law_is_normal(purpose):
    x = sample(purpose=purpose)
    assert largest_moment_score(x) < MOMENT_LIMIT
    assert tail_p_value(x) > FALSE_ALARM
    assert stats.kstest(x, "norm").pvalue > FALSE_ALARM
    for part in range(4):  # each of the four numbers of a block
        assert stats.kstest(x[part::4], "norm").pvalue > FALSE_ALARM
    # The squared radius of a pair is exponential, and neighbours are independent.
    assert stats.kstest((x[::2] ** 2 + x[1::2] ** 2) / 2, "expon").pvalue > FALSE_ALARM
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) * np.sqrt(SAMPLE) < 4
    assert abs(np.corrcoef(x[:-1] ** 2, x[1:] ** 2)[0, 1]) * np.sqrt(SAMPLE) < 4


@pytest.mark.parametrize("bad", [bad_by_few_uniforms, bad_by_coarse_words])
def test_the_tests_of_the_law_reject_bad_normals(bad):
    x = bad()
    assert (
        largest_moment_score(x) > MOMENT_LIMIT
        or tail_p_value(x) < FALSE_ALARM
        or stats.kstest(x, "norm").pvalue < FALSE_ALARM
    )


def correlations(x, y):
    """z-scores of the correlations of values and of squares at lags 0, 1, 2."""
    scores = []
    for lag in range(3):
        first, second = x[lag:], y[: len(y) - lag]
        scores += [np.corrcoef(f(first), f(second))[0, 1] for f in (np.asarray, np.square)]
    return np.abs(scores).max() * np.sqrt(len(x))


LIMIT = stats.norm.isf(FALSE_ALARM / (2 * 6 * 6))


def test_streams_are_uncorrelated():
    keys = as_seed(0).key
    base = sample(keys(0))
    others = {
        "next replicate": sample(keys(1)),
        "next seed": sample(as_seed(1).key(0)),
        "purpose": sample(keys(0), LABEL_NOISE),
        "next iteration": sample(keys(0), index=10),
        "high half of the index": sample(keys(0), index=9 + 2**32),
        "a block further": np.roll(base, 4),
    }
    scores = {name: correlations(base, other) for name, other in others.items()}
    assert max(scores.values()) < LIMIT, scores


def test_no_two_purposes_share_their_numbers():
    """Row numbers, entries, label noise, Brownian motion: one seed serves them all."""
    drawn = [FEATURES, LABEL_NOISE, BROWNIAN, *set(PURPOSES)]
    assert len({normals((5, 6), purpose, 9, 1)[0] for purpose in drawn}) == 6


def test_the_test_of_correlation_rejects_shared_streams():
    base, other = sample(), sample((7, 8))
    assert correlations(base, np.where(np.arange(SAMPLE) % 50 == 0, base, other)) > LIMIT
