"""The random numbers: known answers, uniformity, independence; and that the tests can fail."""

import numpy as np
import pytest
from scipy import stats

from simulate.numba_policy import compiled
from simulate.randomness import philox
from simulate.randomness.seeds import as_seed

# Random123's kat_vectors, philox4x32 with 10 rounds: counter, key, answer.
KNOWN = [
    ("00000000 00000000 00000000 00000000", "00000000 00000000",
     "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
    ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
     "408f276d 41c83b0e a20bc7c6 6d5451fd"),
    ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
     "d16cfe09 94fdcceb 5001e420 24126ea1"),
]  # fmt: skip
FALSE_ALARM = 1e-4


def numbers(text):
    return [np.uint64(int(word, 16)) for word in text.split()]


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN)
def test_known_answers(counter, key, answer):
    assert list(philox.philox4x32(*numbers(counter), *numbers(key))) == numbers(answer)


def test_known_answers_on_arrays_and_compiled():
    from simulate.engines.cpu import engine  # noqa: F401  (shares the formula with the compiler)

    @compiled
    def kernel(c0, c1, c2, c3, k0, k1):
        return philox.philox4x32(c0, c1, c2, c3, k0, k1)

    columns = [
        np.array(c) for c in zip(*(numbers(c) + numbers(k) for c, k, _ in KNOWN), strict=True)
    ]
    answers = np.array([numbers(answer) for *_, answer in KNOWN])
    np.testing.assert_array_equal(np.array(philox.philox4x32(*columns)).T, answers)
    for row, answer in zip(zip(*columns, strict=True), answers, strict=True):
        assert list(kernel(*row)) == list(answer)


def test_layout_of_counter_and_words():
    # Words are (w1 w0), (w3 w2) of the counter (pair, index low, index high, purpose).
    key, purpose, index = (0xA4093822, 0x299F31D0), 0x03707344, 0x13198A2E_85A308D3
    drawn = philox.words(key, purpose, index, 3)
    one = philox.philox4x32(
        *map(np.uint64, (1, 0x85A308D3, 0x13198A2E, purpose)), *map(np.uint64, key)
    )
    assert drawn.shape == (3,)
    assert int(drawn[2]) == int(one[0]) | int(one[1]) << 32
    assert (philox.words(key, purpose, index, 2) == drawn[:2]).all()


@pytest.mark.parametrize("bound", [1, 2, 3, 1000, 2**31 + 11, 2**32 - 1])
def test_bounded_is_the_high_part_of_the_exact_product(bound):
    rng = np.random.default_rng(0)
    chosen = [0, 1, 2**32 - 1, 2**32, 2**64 - 1, *map(int, rng.integers(0, 2**64, 50, np.uint64))]
    got = philox.bounded(np.array(chosen, dtype=np.uint64), np.uint64(bound))
    assert [int(value) for value in got] == [word * bound >> 64 for word in chosen]


def p_value_of_uniformity(words, bound):
    counts = np.bincount(philox.bounded(words, np.uint64(bound)).astype(int), minlength=bound)
    return stats.chisquare(counts).pvalue


@pytest.mark.parametrize("bound", [2, 7, 1000])
@pytest.mark.parametrize("purpose", [1, 2, 3])
def test_bounded_draws_are_uniform(bound, purpose):
    assert p_value_of_uniformity(philox.words((5, 6), purpose, 9, 200_000), bound) > FALSE_ALARM


def test_the_test_of_uniformity_rejects_a_bad_generator():
    words = philox.words((5, 6), 1, 9, 200_000)
    biased = words - words // np.uint64(50)  # the top 2% of the range is never reached
    assert p_value_of_uniformity(biased, 7) < FALSE_ALARM


def correlation_z_score(first, second):
    uniform = [words / 2.0**64 - 0.5 for words in (first, second)]
    return abs(np.mean(uniform[0] * uniform[1])) * 12 * np.sqrt(len(first))


LIMIT = stats.norm.isf(FALSE_ALARM / 2)


@pytest.mark.parametrize("lag", [0, 1, 2])
def test_replicates_purposes_indices_and_similar_seeds_are_uncorrelated(lag):
    count = 100_000
    base = philox.words(as_seed(0).key(0), 1, 0, count)
    others = {
        "next replicate": philox.words(as_seed(0).key(1), 1, 0, count),
        "next seed": philox.words(as_seed(1).key(0), 1, 0, count),
        "purpose": philox.words(as_seed(0).key(0), 2, 0, count),
        "index": philox.words(as_seed(0).key(0), 1, 1, count),
        "high half of the index": philox.words(as_seed(0).key(0), 1, 2**32, count),
    }
    scores = {
        name: correlation_z_score(base[lag:], words[: count - lag])
        for name, words in others.items()
    }
    assert max(scores.values()) < LIMIT, scores


def test_the_test_of_correlation_rejects_shared_streams():
    words = philox.words(as_seed(0).key(0), 1, 0, 100_000)
    mixed = np.where(np.arange(100_000) % 10 == 0, words, philox.words((1, 2), 1, 0, 100_000))
    assert correlation_z_score(words, mixed) > LIMIT


def test_keys_of_a_seed_are_all_different():
    seed = as_seed(3)
    keys = {seed.key(replicate) for replicate in range(10_000)}
    assert len(keys) == 10_000
    assert all(0 <= word < 2**32 for key in keys for word in key)


def test_every_bit_of_a_key_depends_on_the_seed():
    """Of 64 bits each: keys of 32 would meet after some ten thousand replicates."""
    keys = [as_seed(seed).key(0) for seed in range(400)]
    words = np.array([low | high << 32 for low, high in keys], dtype=np.uint64)
    bits = words[:, None] >> np.arange(64, dtype=np.uint64) & np.uint64(1)
    # Binomial counts: half of 400, six standard deviations.
    assert np.abs(bits.sum(axis=0).astype(int) - 200).max() < 60


def test_seeds_are_recorded_and_repeat():
    assert as_seed(7).attributes == {"seed": "7"}
    fresh = as_seed(None)
    assert as_seed(int(fresh.attributes["seed"])) == fresh
    assert fresh.base != as_seed(None).base
    child = np.random.SeedSequence(7).spawn(2)[1]
    assert as_seed(child).attributes == {"seed": "7", "seed_spawn_key": "[1]"}
    assert as_seed(child).base != as_seed(7).base
    assert as_seed(np.random.SeedSequence(7)) == as_seed(7) == as_seed(np.int64(7))
