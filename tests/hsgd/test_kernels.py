"""Kernels: spectra against operators, Gram matrices against features, networks of great width."""

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.kernel_ridge import KernelRidge

import hsgd
import simulate
from hsgd import eigenframeworks, kernels


def gaussian(X, Y, width):
    squares = ((X[:, None] - Y[None]) ** 2).sum(axis=-1)
    return np.exp(-squares / (2 * width**2))


def test_gaussian_modes_are_mercers():
    """The sum over modes is the kernel, the functions are orthonormal under the inputs' law."""
    variances = np.array([0.3, 1.0, 0.5])
    modes = kernels.gaussian_modes(variances, 1.5, 3000)
    X = np.random.default_rng(0).standard_normal((6, 3)) * np.sqrt(variances)
    values = modes.functions(X)
    np.testing.assert_allclose(
        (values * modes.eigenvalues) @ values.T, gaussian(X, X, 1.5), atol=1e-12
    )
    assert (np.diff(modes.eigenvalues) <= 0).all()
    # One coordinate by quadrature: exact for polynomials times Gaussians.
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    single = kernels.gaussian_modes([0.7], 0.9, 12)
    found = single.functions(nodes[:, None] * 0.7**0.5)
    gram = found.T @ (weights[:, None] / np.sqrt(2 * np.pi) * found)
    np.testing.assert_allclose(gram, np.eye(12), atol=1e-10)


def test_gaussian_modes_are_those_of_a_large_gram_matrix():
    variances = np.array([1.0, 0.5, 0.2])
    X = np.random.default_rng(1).standard_normal((1500, 3)) * np.sqrt(variances)
    seen = np.linalg.eigvalsh(gaussian(X, X, 1.5))[::-1] / 1500
    modes = kernels.gaussian_modes(variances, 1.5, 8)
    np.testing.assert_allclose(seen[:8], modes.eigenvalues, rtol=0.1)
    narrower = kernels.gaussian_modes(variances, 1.2, 8)
    assert abs(np.log(seen[:8] / narrower.eigenvalues)).max() > 0.25  # a control


def test_a_narrow_kernel_has_as_many_modes_as_were_asked_for():
    """One coordinate: a geometric series, however slowly it falls."""
    found = kernels.gaussian_modes([1.0], 0.05, 600)
    assert found.exponents[:, 0].tolist() == list(range(600))
    ratios = found.eigenvalues[1:] / found.eigenvalues[:-1]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-10)


@pytest.mark.parametrize("levels", [[1.0, 0.5, 0.25, 0.1], [0.0, 1.0, 0.0, 2.0], [0.1, 0.1, 5.0]])
def test_the_largest_products_are_found_in_order(levels):
    g = np.array([0.5, 1.0, 0.9, 0.2])
    found = kernels.hermite_modes(g, levels, 30)
    degrees = np.array([a for a in np.ndindex(*(len(levels),) * 4) if sum(a) < len(levels)])
    every = np.array(levels)[degrees.sum(axis=1)] * np.prod(g**degrees, axis=1)
    expected = np.sort(every[every > 0])[::-1][:30]
    np.testing.assert_allclose(found.eigenvalues, expected, rtol=1e-12)
    own = np.array(levels)[found.exponents.sum(axis=1)] * np.prod(g**found.exponents, axis=1)
    np.testing.assert_allclose(own, found.eigenvalues, rtol=1e-12)
    assert len({tuple(a) for a in found.exponents}) == len(found.exponents)


def test_levels_are_good_where_no_few_coordinates_rule():
    def worst(variances, count):
        levels = np.exp(-variances.sum()) * np.ones(12)
        found = kernels.hermite_modes(variances, levels, count)
        exact = kernels.gaussian_modes(variances, 1.0, count)
        return np.abs(np.log(found.eigenvalues / exact.eigenvalues)).max()

    broad = np.arange(1, 401.0) ** -0.3
    narrow = np.array([0.8, 0.1, 0.1])
    assert worst(broad / broad.sum(), 1000) < 0.05
    assert worst(narrow, 30) > 1.0


@pytest.mark.parametrize("ridge", [0.0, 0.3])
def test_a_gram_matrix_is_as_good_as_its_features(ridge):
    rng = np.random.default_rng(2)
    A, y = rng.standard_normal((30, 8)), rng.standard_normal(30)
    held = rng.standard_normal((9, 8)), rng.standard_normal(9)
    features = hsgd.LeastSquares(A, y, ridge=ridge, population=held)
    gram = kernels.problem_of_gram(A @ A.T, y, ridge=ridge, test=(held[0] @ A.T, held[1]))
    assert gram.shape == (30, 8)
    sgd, time = hsgd.SGD(0.2 * hsgd.critical_learning_rate(features)), [0.0, 0.5, 3.0]
    one, other = hsgd.predict(features, sgd, time), hsgd.predict(gram, sgd, time)
    for name in ("empirical_risk", "population_risk", "distance"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-8)
    asked = {"num_replicates": 3, "seed": 0, "engine": "reference"}
    runs, same = (simulate.sgd(problem, sgd, time, **asked) for problem in (features, gram))
    np.testing.assert_allclose(same.population_risk, runs.population_risk, rtol=1e-8)
    if ridge:
        fitted = KernelRidge(alpha=ridge, kernel="precomputed").fit(A @ A.T, y)
        predicted = gram.population.A @ gram.solution
        np.testing.assert_allclose(predicted, fitted.predict(held[0] @ A.T), rtol=1e-8)


def test_arc_cosine_kernels_are_those_of_wide_networks():
    """Two hidden layers with biases: entries differ by O(1/√width)."""
    x, weight, bias = np.random.default_rng(0).standard_normal((4, 3)), 1.7, 0.3
    exact = kernels.arc_cosine(x, depth=2, weight_variance=weight, bias_variance=bias)

    def network(width, seed):
        rng = np.random.default_rng(seed)
        W1, W2 = rng.standard_normal((width, 3)), rng.standard_normal((width, width))
        b1, b2, last = (rng.standard_normal(width) for _ in range(3))
        one = np.sqrt(weight / 3) * x @ W1.T + np.sqrt(bias) * b1
        h1 = np.maximum(one, 0)
        two = np.sqrt(weight / width) * h1 @ W2.T + np.sqrt(bias) * b2
        h2 = np.maximum(two, 0)
        # Gradients by the chain rule, layer by layer: last weights, second, first; biases beside.
        back2 = np.sqrt(weight / width) * last * (two > 0)
        back1 = np.sqrt(weight / width) * back2 @ W2 * (one > 0)
        outputs = weight / width * h2 @ h2.T + bias
        gradients = (
            outputs
            + (back2 @ back2.T) * (weight / width * h1 @ h1.T + bias)
            + (back1 @ back1.T) * (weight / 3 * x @ x.T + bias)
        )
        return outputs, gradients

    spreads = []
    for width in (200, 800):
        drawn = [network(width, seed) for seed in range(24)]
        for found, expected in zip(map(np.array, zip(*drawn, strict=True)), exact, strict=True):
            error = found.std(axis=0, ddof=1) / 24**0.5
            gap = np.abs(found.mean(axis=0) - expected)
            assert (gap < 4.5 * error + 3.0 / width * np.abs(expected).max()).all()
        spreads.append(np.array([g for _, g in drawn]).std(axis=0).mean())
    assert 1.5 < spreads[0] / spreads[1] < 2.7
    between = kernels.arc_cosine(x[:2], x, depth=2, weight_variance=weight, bias_variance=bias)
    np.testing.assert_allclose(between.gradients, exact.gradients[:2])


def test_the_kernel_of_an_activation_and_back():
    squares = kernels.dual_coefficients("relu", 400)
    x = np.random.default_rng(0).standard_normal((2, 5))
    x *= np.sqrt(5) / np.linalg.norm(x, axis=1, keepdims=True)
    rho = float(x[0] @ x[1] / 5)
    # The arc-cosine kernel at norms of 1, without the factor 2 that keeps them.
    found = kernels.arc_cosine(x, depth=1, weight_variance=1.0).outputs[0, 1]
    np.testing.assert_allclose(squares @ rho ** np.arange(401.0), found, rtol=1e-6)
    wanted = [0.1, 0.0, 0.5, 0.2]
    designed = kernels.activation_for(wanted)
    np.testing.assert_allclose(kernels.dual_coefficients(designed, 6)[:4], wanted, atol=1e-14)
    by_quadrature = hsgd.activations.Activation("again", designed)
    np.testing.assert_allclose(kernels.dual_coefficients(by_quadrature, 3), wanted, atol=1e-11)


def test_a_learning_curve_of_digits_from_their_covariance_and_a_sample():
    """Odd or even, a kernel of width 2 on inputs of squared norm 1: within 15% of kernel ridge."""
    X, labels = load_digits(return_X_y=True)
    X = X - X.mean(axis=0)
    _, s, axes = np.linalg.svd(X, full_matrices=False)
    Z = X @ axes[s > 1e-6 * s[0]].T
    Z /= np.sqrt((Z**2).sum(axis=1).mean())
    y = (labels % 2 == 0) - np.mean(labels % 2 == 0)
    modes = kernels.gaussian_modes(Z.var(axis=0), 2.0, 5000)
    spectrum = kernels.spectrum_of_target(modes, Z, y)
    sizes = [50, 100, 200, 400]
    predicted = eigenframeworks.ridge_regression(spectrum, sizes, ridge=1e-3).population_risk
    K, found = gaussian(Z, Z, 2.0), []
    for n in sizes:
        risks = []
        for seed in range(4):
            order = np.random.default_rng(seed).permutation(len(y))
            train, test = order[:n], order[n:]
            fitted = KernelRidge(alpha=1e-3, kernel="precomputed")
            fitted.fit(K[np.ix_(train, train)], y[train])
            risks.append(0.5 * np.mean((fitted.predict(K[np.ix_(test, train)]) - y[test]) ** 2))
        found.append(np.mean(risks))
    np.testing.assert_allclose(predicted, found, rtol=0.15)
    # A control: the same powers in another order.
    shuffled = hsgd.Spectrum(spectrum.eigenvalues, spectrum.target_power[::-1], spectrum.noise)
    other = eigenframeworks.ridge_regression(shuffled, sizes, ridge=1e-3).population_risk
    assert (np.abs(other / found - 1) > 0.5).any()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kernels.gaussian_modes([1.0, 0.0], 1.0, 3), "leave out the coordinates"),
        (lambda: kernels.gaussian_modes([1.0], 0.0, 3), "width"),
        (lambda: kernels.hermite_modes([1.0], [-1.0], 3), "level_coefficients must be at least 0"),
        (lambda: kernels.hermite_modes([1.0], [1.0], 0), "count"),
        (lambda: kernels.gaussian_modes([1.0], 1.0, 3).functions(np.ones((2, 2))), "has 2 columns"),
        (lambda: kernels.problem_of_gram([[1.0, 2.0], [0.0, 1.0]], [1, 2]), "square and symmetric"),
        (lambda: kernels.problem_of_gram([[1.0, 2.0], [2.0, 1.0]], [1, 2]), "negative eigenvalue"),
        (lambda: kernels.problem_of_gram(np.eye(2), [1, 2], test=3), "must be a pair"),
        (
            lambda: kernels.problem_of_gram(np.eye(2), [1, 2], test=(np.eye(3), [1, 2, 3])),
            "K_test has 3 columns",
        ),
        (lambda: kernels.arc_cosine(np.eye(2), np.eye(3)), "they must be the same"),
        (lambda: kernels.arc_cosine(np.eye(2), depth=0), "depth"),
        (lambda: kernels.activation_for([0.0, -1.0]), "kernel_coefficients must be at least 0"),
        (
            lambda: kernels.spectrum_of_target(
                kernels.gaussian_modes([1.0], 1.0, 3), np.ones((5, 1)), np.zeros(5)
            ),
            "one is not zero",
        ),
    ],
)
def test_bad_arguments_get_one_sentence(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
