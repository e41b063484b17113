"""Rows of features: their moments against integrals, bounds and samples."""

import json

import numpy as np
import pytest
from scipy.integrate import dblquad
from scipy.stats import multivariate_normal

import hsgd
from hsgd.activations import Activation, erf, identity, relu, tanh
from hsgd.problems.feature_moments import moments

RNG = np.random.default_rng(0)
INPUTS = hsgd.GaussianRows(np.arange(1, 6.0) ** -0.5, RNG.normal(size=5), 0.3)
DENSE = hsgd.GaussianRows(np.diag(np.arange(1, 6.0)) + 0.4, RNG.normal(size=5), 0.3)
hidden = Activation("hidden", lambda x: np.maximum(x - 0.3, 0.0))  # its kink has no name


def covariance(correlations, deviations):
    s = np.asarray(deviations)
    return np.asarray(correlations) * np.outer(s, s)


@pytest.mark.parametrize("activation", [relu, erf, tanh], ids=lambda a: a.name)
@pytest.mark.parametrize("correlation", [0.4, -0.8])
def test_second_moments_are_integrals_over_the_plane(activation, correlation):
    C = covariance([[1, correlation], [correlation, 1]], [0.7, 1.4])
    density = multivariate_normal(cov=C).pdf
    low = 0.0 if activation is relu else -9.0

    def integrand(v, u):
        return float(activation(u) * activation(v) * density([u, v]))

    expected, wrong = dblquad(integrand, max(low, -6.0), 6.0, low, 12.0, epsabs=1e-8, epsrel=1e-8)
    assert moments(activation, C).second[0, 1] == pytest.approx(expected, abs=3e-8 + wrong)


def spread_covariance(largest):
    """Neurons of various sizes, two of them nearly the same."""
    G = RNG.normal(size=(12, 8)) * RNG.uniform(0.2, 1.5, size=(12, 1))
    G[1] = largest * 1.3 * G[0] + (1 - largest) * G[1]
    G[2] = 0.0
    return G @ G.T / 8


@pytest.mark.parametrize("largest", [0.3, 0.99, 1.0])
@pytest.mark.parametrize("known", [relu, erf, identity], ids=lambda a: a.name)
@pytest.mark.parametrize("named", [True, False])
def test_the_series_is_as_far_from_the_closed_form_as_it_says(known, named, largest):
    C = spread_covariance(largest)
    exact = moments(known, C)
    found = moments(Activation("f", known.function, known.breakpoints if named else ()), C)
    assert np.abs(found.second - exact.second).max() <= found.error + exact.error
    alive = np.diag(C) > 0
    np.testing.assert_allclose(found.mean, exact.mean, atol=1e-12 if named else 2e-3)
    np.testing.assert_allclose(
        found.slope[alive], exact.slope[alive], atol=1e-12 if named else 4e-3
    )
    if named and known is not relu and largest < 0.5:
        assert found.error < 1e-12


@pytest.mark.parametrize("jumps", [False, True])
def test_what_happens_at_a_point_that_nobody_named_is_paid_for(jumps):
    """Against the same function with its kink or jump named, at random places.

    The error is an estimate there: it may be too small by chance, and not as a rule.
    """
    rng, missed = np.random.default_rng(11), 0
    for _ in range(80):
        where, s = rng.uniform(-1.5, 1.5), np.exp(rng.uniform(-1.2, 0.8, 2))
        C = covariance([[1, 0.3], [0.3, 1]], s)

        def function(x, where=where):
            return (x > where).astype(float) if jumps else np.maximum(x - where, 0.0)

        sharp = moments(Activation("named", function, (where,)), C)
        found = moments(Activation("hidden", function), C)
        missed += np.abs(found.second - sharp.second).max() > found.error + sharp.error
    assert missed <= 4


def z_scores(rows, count):
    """How far sampled moments are from the population's, in standard errors."""
    drawn = rows.sample(count, seed=7, num_test=1)
    extended = np.column_stack([drawn.A, drawn.b])
    products = extended[:, :, None] * extended[:, None, :]
    population = rows.population
    expected = np.block(
        [
            [population.second_moment, population.cross_moment[:, None]],
            [population.cross_moment[None, :], np.array([[population.target_second_moment]])],
        ]
    )
    return (products.mean(axis=0) - expected) / (products.std(axis=0) / np.sqrt(count))


@pytest.mark.parametrize("centre", [True, False])
@pytest.mark.parametrize("inputs", [INPUTS, DENSE], ids=["diagonal", "dense"])
@pytest.mark.parametrize("activation", ["relu", "erf", "tanh", "identity", hidden])
def test_the_population_is_that_of_a_large_sample(inputs, activation, centre):
    # 36 moments, each beyond 5 standard errors with probability 6e-7: 2e-5 in all, per case.
    rows = hsgd.RandomFeatures(inputs, 5, activation, centre=centre).given_weights(seed=2)
    assert np.abs(z_scores(rows, 100_000)).max() < 5


def test_a_population_of_other_features_is_rejected():
    rows = hsgd.RandomFeatures(INPUTS, 5, "relu").given_weights(seed=2)
    rows.__dict__["population"] = rows.replace(activation="tanh").population
    assert np.abs(z_scores(rows, 100_000)).max() > 20


@pytest.mark.parametrize("inputs", [INPUTS, DENSE], ids=["diagonal", "dense"])
def test_samples_are_those_of_the_definition_to_the_bit(inputs):
    features = hsgd.RandomFeatures(inputs, 6, "tanh", ridge=0.1)
    weights, train, test = (
        np.random.default_rng(child) for child in np.random.SeedSequence(3).spawn(3)
    )
    W = weights.standard_normal((6, 5))

    def drawn(count, generator):
        root = inputs.root
        z = generator.standard_normal((count, 5))
        x = z * root if root.ndim == 1 else z @ root
        b = x @ inputs.coefficients
        b += inputs.noise * generator.standard_normal(count)
        return np.tanh(x @ W.T / np.sqrt(inputs.spectrum[0].sum())), b

    after, b = drawn(9, train)
    held_out, _ = drawn(4, test)
    problem = features.sample(9, seed=3, num_test=4)
    shift = features.given_weights(seed=3).shift
    np.testing.assert_array_equal(problem.A, (after - shift) / np.sqrt(6))
    np.testing.assert_array_equal(problem.b, b)
    np.testing.assert_array_equal(problem.population.A, (held_out - shift) / np.sqrt(6))
    assert features.sample(9, seed=3).population is None
    again = features.given_weights(seed=3)
    np.testing.assert_array_equal(again.weights, W)
    same = again.sample(9, seed=3)
    np.testing.assert_array_equal(same.A, problem.A)
    assert same.population is again.population
    assert same.ridge == problem.ridge == pytest.approx(0.9)


def test_the_gaussian_equivalent_has_the_same_risk():
    start = RNG.normal(size=7)
    rows = hsgd.FeatureRows(DENSE, RNG.normal(size=(7, 5)), "erf", ridge=0.2, x0=start)
    same = rows.gaussian_equivalent()
    points = RNG.normal(size=(4, 7))
    np.testing.assert_allclose(
        same.population.risk.values(points), rows.population.risk.values(points), rtol=1e-10
    )
    assert same.ridge == 0.2
    np.testing.assert_array_equal(same.x0, start)
    assert (rows.dimension, rows.iterations_per_unit) == (7, 7)
    gradient = rows.population.second_moment @ rows.solution - rows.population.cross_moment
    np.testing.assert_allclose(gradient, 0, atol=1e-12)


def test_features_that_are_linear_express_a_linear_target():
    rows = hsgd.RandomFeatures(INPUTS.replace(noise=0.0), 5, "identity").given_weights(seed=1)
    assert rows.population.floor == pytest.approx(0, abs=1e-12)


def test_descriptions_are_json_and_tell_functions_apart():
    first, second = (
        hsgd.FeatureRows(INPUTS, np.ones((2, 5)), function)
        for function in (lambda x: x, lambda x: x + 1)
    )
    words = [json.dumps(rows.description()) for rows in (first, second)]
    assert json.loads(words[0])["problem"] == "FeatureRows"
    assert words[0] != words[1]


W = np.ones((3, 5))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: hsgd.FeatureRows(np.eye(5), W), "inputs is a ndarray: pass the hsgd.GaussianRows"),
        (lambda: hsgd.FeatureRows(INPUTS.replace(ridge=1), W), "a start of their own"),
        (lambda: hsgd.FeatureRows(INPUTS, W.T), "has 3 columns but the inputs have dimension 5"),
        (lambda: hsgd.FeatureRows(INPUTS, W * np.inf), "weights has 15 entries that are NaN"),
        (lambda: hsgd.FeatureRows(INPUTS, W, "sin"), "must be one of 'relu'"),
        (lambda: hsgd.FeatureRows(INPUTS, W, 3), "pass a name, a hsgd.activations"),
        (lambda: hsgd.FeatureRows(INPUTS, W, centre=1), "pass True or False"),
        (lambda: hsgd.FeatureRows(INPUTS, W, ridge=-1), "ridge is -1"),
        (lambda: hsgd.FeatureRows(INPUTS, W, x0=np.ones(2)), "x0 has 2 entries where 3"),
        (lambda: hsgd.FeatureRows(INPUTS, W).sample(0, 0), "n is 0"),
        (lambda: hsgd.FeatureRows(INPUTS, W).sample(2, -1), "seed is -1"),
        (
            lambda: (
                hsgd.FeatureRows(INPUTS, W, np.exp, centre=False)
                .replace(activation=lambda x: np.exp(x * x))
                .population
            ),
            "grows so fast|not finite everywhere",
        ),
    ],
)
def test_bad_input_gets_one_sentence_with_the_remedy(make, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_the_theory_asks_for_the_gaussian_equivalent():
    rows = hsgd.FeatureRows(INPUTS, W)
    with pytest.raises(TypeError, match=r"problem\.gaussian_equivalent\(\)"):
        hsgd.predict(rows, hsgd.StreamingSGD(0.1), [1.0])
