"""Populations, random features and algorithms: what is drawn and what is run is what is said."""

import json

import numpy as np
import pytest
import xarray as xr

import hsgd
import simulate
from hsgd.algorithms.timing import first_iterations
from hsgd.setting import check_rate, check_setting
from hsgd.statistics.named import resolve

RNG = np.random.default_rng(0)
ROWS = hsgd.GaussianRows(0.5, np.ones(3), 0.1, ridge=0.2)
INPUTS = hsgd.GaussianRows(np.ones(4), np.ones(4))


def test_a_covariance_may_be_a_number_a_diagonal_or_a_matrix():
    number, diagonal, matrix = (
        hsgd.GaussianRows(c, np.ones(3), 0.3) for c in (0.5, np.full(3, 0.5), 0.5 * np.eye(3))
    )
    np.testing.assert_array_equal(number.covariance, diagonal.covariance)
    first, second, third = (r.sample(7, seed=3) for r in (number, diagonal, matrix))
    np.testing.assert_array_equal(first.A, second.A)
    np.testing.assert_allclose(first.A, third.A, rtol=1e-14)
    assert number.iterations_per_unit == 3


def test_rows_are_independent_of_what_else_is_drawn_with_their_seed():
    # A teacher from the bare seed was once proportional to the first row. N(0, 1/300) each.
    rows = hsgd.GaussianRows(1.0, np.ones(300))
    for seed in range(5):
        generators = [np.random.default_rng(seed)]
        generators += map(np.random.default_rng, np.random.SeedSequence(seed).spawn(3))
        first = rows.sample(2, seed=seed).A[0]
        for generator in generators:
            assert abs(np.corrcoef(first, generator.standard_normal(300))[0, 1]) < 0.35
    np.testing.assert_array_equal(rows.sample(2, seed=0).A, rows.sample(2, seed=0).A)


def test_a_population_has_the_risk_and_the_distance_but_no_empirical_risk():
    chosen = {s.name: s for s in resolve(ROWS, None)}
    assert set(chosen) == {"population_risk", "distance"}
    point = RNG.normal(size=(1, 3))
    risk = 0.25 * np.sum((point - 1) ** 2) + 0.5 * 0.1**2
    assert chosen["population_risk"].values(point)[0] == pytest.approx(risk, rel=1e-14)
    assert chosen["distance"].values(point)[0] == pytest.approx(np.sum((point - 1) ** 2))
    with pytest.raises(ValueError, match="empirical_risk needs fixed rows"):
        resolve(ROWS, "empirical_risk")


def test_typical_rows_are_sampled_with_their_own_ridge():
    assert hsgd.SampledLeastSquares(ROWS, 10).sample(seed=1).ridge == pytest.approx(2.0)
    own = hsgd.SampledLeastSquares(ROWS, 10, ridge=0.7)
    drawn = own.sample(seed=1)
    assert drawn.ridge == 0.7
    np.testing.assert_array_equal(drawn.A, ROWS.sample(10, seed=1).A)
    assert (own.iterations_per_unit, own.dimension, own.replace(n=4).n) == (10, 3, 4)


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_power_law_features_are_gaussian_rows_given_the_weights(alpha):
    # Against the definition: x = j^(-alpha) z, target sum_j j^(-beta) x_j, features W'x.
    beta, v, d = 0.6, 40, 7
    rows = hsgd.PowerLawRandomFeatures(alpha, beta, v, d).given_weights(seed=5)
    W = np.random.default_rng(5).standard_normal((v, d)) / np.sqrt(d)
    j = np.arange(1, v + 1.0)
    D = np.diag(j ** (-2 * alpha))
    np.testing.assert_allclose(rows.covariance, W.T @ D @ W, rtol=1e-12)
    theta = RNG.normal(size=d)
    error = W @ theta - j**-beta
    risk = rows.population.risk.values(theta[None])[0]
    assert risk == pytest.approx(0.5 * error @ D @ error, rel=1e-12)


def test_random_features_are_what_they_say():
    features = hsgd.RandomFeatures(INPUTS, 6, "relu", ridge=0.1)
    problem = features.sample(200_000, seed=0, num_test=5)
    assert problem.ridge == pytest.approx(20_000)
    assert problem.population.A.shape == (5, 6)
    # Given w, the pre-activation is N(0, s²), s² = |w|²/4, so E relu = s/√(2π).
    weights = np.random.default_rng(np.random.SeedSequence(0).spawn(3)[0]).standard_normal((6, 4))
    scale = np.linalg.norm(weights, axis=1) / 2
    expected = (scale - 1) / np.sqrt(2 * np.pi) / np.sqrt(6)
    np.testing.assert_allclose(problem.A.mean(axis=0), expected, atol=5e-3)
    uncentred = hsgd.RandomFeatures(INPUTS, 6, "relu", centre=False).sample(10, seed=0)
    assert (uncentred.A >= 0).all()
    shorter = features.sample(10, seed=0)
    np.testing.assert_allclose(
        uncentred.A - shorter.A, 1 / np.sqrt(2 * np.pi) / np.sqrt(6), rtol=1e-12
    )


def test_a_batch_schedule_counts_rows_as_a_loop_does():
    # Boundaries that are and are not multiples of 1/n, and one between two iterations.
    schedule = hsgd.Piecewise((0.3, 0.7, 0.75), (1, 4, 2, 9))
    sgd = hsgd.SGD(0.1, batch_size=schedule)
    for n in (10, 7, 3, 49):
        sizes = sgd.batch_sizes(np.arange(60) / n)
        counted = np.concatenate(([0], np.cumsum(sizes)))
        np.testing.assert_array_equal(sgd.rows_drawn(np.arange(61), n), counted)
        first = first_iterations(schedule.boundaries, n)
        assert (first / n >= schedule.boundaries).all()
        assert ((first - 1) / n < schedule.boundaries).all()
    assert sgd.largest_batch_size == 9
    np.testing.assert_allclose(hsgd.SGD(0.1, 4).noise_factor(9), 0.25)
    subset = hsgd.SGD(0.1, batch_size=schedule, sampling="subset")
    np.testing.assert_allclose(subset.noise_factor(10, np.array([1, 10])), [1, 0], atol=1e-15)


@pytest.mark.parametrize(
    "algorithm",
    [
        hsgd.SGD(0.1, hsgd.Piecewise((1,), (1, 2))),
        hsgd.StreamingSGD(0.1, 3),
        hsgd.HeavyBall(hsgd.PowerDecay(0.1, 0.5), 0.9, 4, "subset"),
        hsgd.Nesterov(0.1, 0.5),
    ],
)
def test_descriptions_are_json(algorithm):
    words = json.loads(json.dumps(algorithm.description()))
    assert words["algorithm"] == type(algorithm).__name__


@pytest.mark.parametrize(
    "problem",
    [
        ROWS,
        hsgd.SampledLeastSquares(ROWS, 5),
        hsgd.RandomFeatures(INPUTS, 3),
        hsgd.PowerLawRandomFeatures(1, 1, 5, 2),
    ],
)
def test_problems_describe_themselves_and_sample(problem):
    assert json.loads(json.dumps(problem.description()))["problem"] == type(problem).__name__
    sizes = (5,) if not isinstance(problem, hsgd.SampledLeastSquares) else ()
    first, second = problem.sample(*sizes, seed=2), problem.sample(*sizes, seed=2)
    assert first.A.shape == (5, problem.dimension)
    assert first.data_digests == second.data_digests


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hsgd.GaussianRows(-0.5, np.ones(3)), "covariance is -0.5"),
        (lambda: hsgd.GaussianRows(0.0, np.ones(3)), "nothing to learn"),
        (lambda: hsgd.GaussianRows(np.ones(2), np.ones(3)), "coefficients has 3 entries where 2"),
        (lambda: hsgd.GaussianRows(np.triu(np.ones((2, 2))), np.ones(2)), "symmetric"),
        (lambda: hsgd.SampledLeastSquares(ROWS.sample(4, 0), 3), "pass the hsgd.GaussianRows"),
        (lambda: hsgd.SampledLeastSquares(ROWS, 0), "n is 0"),
        (lambda: hsgd.SampledLeastSquares(ROWS, 5, ridge=-1), "ridge is -1"),
        (lambda: hsgd.RandomFeatures(np.eye(3), 3), "inputs is a ndarray"),
        (lambda: hsgd.RandomFeatures(ROWS, 3), "a ridge or a start of their own"),
        (lambda: hsgd.RandomFeatures(INPUTS, 3, "sin"), "must be one of 'relu'"),
        (lambda: hsgd.RandomFeatures(INPUTS, 3, np.sum).sample(4, 0), "vectorise it"),
        (lambda: hsgd.PowerLawRandomFeatures(1, 1, v=3, d=4), "raise v or lower d"),
        (lambda: hsgd.PowerLawRandomFeatures(-1, 1, 5, 4), "alpha is -1"),
        (lambda: hsgd.StreamingSGD(-1), "learning_rate is -1"),
        (lambda: hsgd.StreamingSGD(1, 0), "batch_size is 0"),
        (lambda: hsgd.StreamingSGD(1, 2**62 + 1), "batch_size is .* at most"),
        (lambda: hsgd.SGD(1, hsgd.Piecewise((1.0,), (1, 2.5))), "whole number of rows"),
        (lambda: hsgd.SGD(1, hsgd.Piecewise((1.0,), (0, 2))), "at least 1"),
        (lambda: hsgd.SGD(1, hsgd.CosineDecay(4, 1)), "piecewise constant"),
        (lambda: hsgd.SGD(1, hsgd.Piecewise((1,), (1, 2))).noise_factor(5), "one integer"),
        (lambda: hsgd.HeavyBall(0.1, 1.0), "momentum is 1, but it must be below 1"),
        (lambda: hsgd.HeavyBall(0.1, -0.1), "momentum is -0.1"),
        (lambda: hsgd.Nesterov(0.1, 0.5, sampling="x"), "sampling is 'x'"),
    ],
)
def test_bad_input_gets_one_sentence_with_the_remedy(make, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("problem", "algorithm", "message"),
    [
        (hsgd.SampledLeastSquares(ROWS, 5), hsgd.SGD(0.1), r"problem\.sample\(seed\)"),
        (ROWS, hsgd.StreamingSGD(0.1), r"by \.sample\(n, seed\)"),
        (hsgd.PowerLawRandomFeatures(1, 1, 5, 2), hsgd.SGD(0.1), r"given_weights\(seed\)"),
        (ROWS.sample(5, 0), hsgd.HeavyBall(0.1, 0.5), r"pass hsgd.SGD\(learning_rate\)"),
        (ROWS.sample(5, 0), hsgd.StreamingSGD(0.1), "stream fresh rows of a hsgd.GaussianRows"),
        (ROWS.sample(5, 0), hsgd.SGD(0.1, hsgd.Piecewise((1,), (1, 2))), "pass one integer"),
        (ROWS.sample(5, 0), hsgd.SGD(0.1, hsgd.Piecewise((1,), (1, 9)), "subset"), "only 5 rows"),
    ],
)
def test_what_a_verb_cannot_do_is_refused_in_one_sentence(problem, algorithm, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        check_setting(problem, algorithm)
    assert "\n" not in str(caught.value)


def test_a_step_that_leaves_floating_point_is_refused():
    """What counts is the rate times the mean squared norm of the rows, here 4 or 1/4."""
    steep = hsgd.LeastSquares(2 * np.eye(3), np.ones(3))
    flat = hsgd.LeastSquares(np.eye(3) / 2, np.ones(3))
    check_rate(flat, hsgd.SGD(3e25))
    check_rate(flat, hsgd.SGD(hsgd.Piecewise((1.0,), (0.0, 3e25))))
    for rate in (3e25, hsgd.Piecewise((1.0,), (0.1, 3e25))):
        with pytest.raises(ValueError, match="one step would multiply"):
            check_rate(steep, hsgd.SGD(rate))
    with pytest.raises(ValueError, match="no step would change anything"):
        check_rate(steep, hsgd.SGD(1e-51))


def test_a_streaming_verb_refuses_what_is_not_streamed():
    options = {
        "problems": (hsgd.LeastSquares, hsgd.GaussianRows),
        "algorithms": (hsgd.SGD, hsgd.StreamingSGD),
    }
    check_setting(ROWS, hsgd.StreamingSGD(0.1), **options)
    with pytest.raises(TypeError, match=r"problem\.sample\(n, seed\)"):
        check_setting(ROWS, hsgd.SGD(0.1), **options)
    with pytest.raises(TypeError, match="stream fresh rows"):
        check_setting(ROWS.sample(4, 0), hsgd.StreamingSGD(0.1), **options)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: hsgd.SGD(lr=0.1), "called learning_rate here"),
        (lambda: hsgd.SGD(0.1, momentum=0.9), "hsgd.HeavyBall"),
        (lambda: hsgd.SGD(0.1, nesterov=True), "hsgd.Nesterov"),
        (lambda: hsgd.SGD(0.1, batchsize=2), "called batch_size here"),
        (lambda: hsgd.SGD(0.1, batch_siz=2), "did you mean batch_size"),
        (lambda: hsgd.SGD(0.1, weight_decay=2), "give the problem a ridge"),
        (lambda: hsgd.SGD(0.1, nonsense=2), "it takes learning_rate, batch_size, sampling"),
        (lambda: hsgd.HeavyBall(0.1, beta=0.9), "called momentum here"),
        (lambda: hsgd.LeastSquares(X=np.eye(2), y=np.ones(2)), "called A here"),
        (lambda: hsgd.LeastSquares(np.eye(2), np.ones(2), alpha=1.0), "called ridge here"),
        (lambda: hsgd.GaussianRows(1.0, beta=np.ones(2)), "called coefficients here"),
        (lambda: hsgd.LeastSquares(np.eye(2), np.ones(2)).replace(l2=1.0), "called ridge here"),
    ],
)
def test_words_of_other_programs_are_translated(make, words):
    with pytest.raises(TypeError, match=words):
        make()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hsgd.LeastSquares.from_data(np.eye(3), np.ones(3), standardize=True),
         "from_data has no standardize: it is called standardise here"),
        (lambda: hsgd.LeastSquares.from_data(np.eye(3), np.ones(3), sample_weight=np.ones(3)),
         "it is called weights here"),
        (lambda: hsgd.predict(hsgd.LeastSquares(np.eye(3), np.ones(3)), hsgd.SGD(0.1), epochs=3),
         "predict has no epochs: make times of them"),
        (lambda: simulate.sgd(hsgd.LeastSquares(np.eye(3), np.ones(3)), hsgd.SGD(0.1), [1], runs=3),
         "sgd has no runs: it is called num_replicates here"),
    ],
)  # fmt: skip
def test_functions_say_the_right_word_too(call, message):
    with pytest.raises(TypeError, match=message):
        call()


SWEEP = xr.DataArray([0.1, 0.2], dims="initial")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hsgd.predict(hsgd.LeastSquares(np.eye(3), np.ones(3)), hsgd.SGD(0.1), None),
         r"time is None: pass times, as hsgd\.times"),
        (lambda: hsgd.bootstrap_risk(hsgd.GaussianRows(0.1, np.ones(3)).sample(9, 0),
                                     hsgd.SGD(0.1), None), r"time is None: pass times"),
        (lambda: hsgd.CosineDecay(SWEEP, 1.0)([0.0, 1.0]), "initial is swept"),
        (lambda: hsgd.LeastSquares.from_data(np.eye(3), np.ones(3), test=[[1], [1, 2]]),
         "test cannot be read as an array of numbers"),
        (lambda: hsgd.exact_stability(hsgd.LeastSquares(np.eye(3), np.ones(3)),
                                      batch_size=xr.DataArray(["a", "b"], dims="size")),
         "in the member batch_size = 'a': batch_size must be an integer"),
        (lambda: hsgd.diagnose(hsgd.LeastSquares(np.eye(3), np.ones(3)), hsgd.SGD(0.1),
                               horizon=2**70), "horizon is 1.18"),
    ],
)  # fmt: skip
def test_what_the_catalogue_found_is_refused_in_a_sentence(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
