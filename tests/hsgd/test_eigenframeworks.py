"""Ridge regression from a spectrum: against draws, closed forms, and where SGD ends up."""

import numpy as np
import pytest

import hsgd
from hsgd import eigenframeworks as ef

SPECTRUM = hsgd.Spectrum.power_law(300, 1.3, 1.8, noise=0.4)
THIRD = hsgd.Spectrum(SPECTRUM.eigenvalues, np.eye(300)[2])  # one mode, no noise to hide it
DRAWS = 40


def drawn(n, ridge, num_features, seed, spectrum=SPECTRUM):
    """Population and training risk of one draw, by plain linear algebra."""
    rng = np.random.default_rng(seed)
    root, teacher = np.sqrt(spectrum.eigenvalues), np.sqrt(spectrum.target_power)
    functions = rng.standard_normal((n, 300))  # values of the eigenfunctions, as good as Gaussian
    y = functions @ teacher + spectrum.noise * rng.standard_normal(n)
    mixing = np.diag(root)
    if num_features is not None:
        mixing = rng.standard_normal((num_features, 300)) * root / num_features**0.5
    F = functions @ mixing.T
    w = np.linalg.lstsq(F, y, rcond=None)[0]
    if ridge:
        w = np.linalg.solve(F.T @ F + ridge * np.eye(F.shape[1]), F.T @ y)
    error = np.sum((mixing.T @ w - teacher) ** 2) + spectrum.noise**2
    return 0.5 * error, 0.5 * np.mean((F @ w - y) ** 2)


@pytest.mark.parametrize(
    ("n", "ridge", "num_features"),
    [
        (60, 0.0, None),
        (60, 0.05, None),
        (450, 0.0, None),
        (60, 0.05, 30),
        (60, 0.05, 60),
        (60, 0.0, 25),
        (60, 0.0, 150),
        (120, 0.02, 150),
    ],
)
def test_risks_are_those_of_draws(n, ridge, num_features):
    """Within three standard errors and the O(1/n) that this is typical of, and no closer than that
    if the formula is another's."""
    found = ef.ridge_regression(SPECTRUM, n, ridge=ridge, num_features=num_features)
    risks = np.array([drawn(n, ridge, num_features, seed) for seed in range(DRAWS)])
    for name, values in zip(("population_risk", "empirical_risk"), risks.T, strict=True):
        error = values.std(ddof=1) / DRAWS**0.5
        allowed = 3 * error + 0.03 * values.mean() + 1e-25  # interpolants have rounding
        assert abs(float(found[name]) - values.mean()) < allowed, name
    assert float(found.residual) < 1e-12
    # A control: half of the noise is another risk.
    quieter = hsgd.Spectrum(SPECTRUM.eigenvalues, SPECTRUM.target_power, 0.2)
    other = ef.ridge_regression(quieter, n, ridge=ridge, num_features=num_features)
    values = risks[:, 0]
    gap = abs(float(other.population_risk) - values.mean())
    assert gap > 3 * values.std(ddof=1) / DRAWS**0.5 + 0.03 * values.mean()


def test_a_mode_that_features_learn_in_part():
    """Within three standard errors: 18% would be off if all features were as good as free."""
    found = ef.ridge_regression(THIRD, 120, ridge=0.3, num_features=60)
    risks = np.array([drawn(120, 0.3, 60, seed, THIRD)[0] for seed in range(4 * DRAWS)])
    error = risks.std(ddof=1) / len(risks) ** 0.5
    assert abs(float(found.population_risk) - risks.mean()) < 3 * error + 0.03 * risks.mean()
    assert error < 0.04 * risks.mean()


def test_double_descent_has_its_peak_where_features_are_samples():
    features = [20, 59, 60, 61, 400]
    risks = [
        float(ef.ridge_regression(SPECTRUM, 60, num_features=k).population_risk) for k in features
    ]
    assert risks[2] == np.inf
    assert min(risks[1], risks[3]) > 3 * max(risks[0], risks[4])


def test_many_features_are_the_kernel():
    gaps = []
    for ridge in (0.0, 0.05):
        kernel = ef.ridge_regression(SPECTRUM, 60, ridge=ridge)
        for k in (1000, 10_000):
            features = ef.ridge_regression(SPECTRUM, 60, ridge=ridge, num_features=k)
            gaps.append(float(features.population_risk / kernel.population_risk) - 1)
    assert 0 < gaps[1] < 0.012
    assert 0 < gaps[3] < 0.012
    np.testing.assert_allclose([gaps[0] / gaps[1], gaps[2] / gaps[3]], 10.0, rtol=0.1)


@pytest.mark.parametrize(
    ("n", "ridge", "batch_size"), [(400, 2.0, 1), (100, 1.0, 3), (100, 0.0, 1), (400, 0.0, 1)]
)
def test_the_bridge_meets_the_theory_of_sgd(n, ridge, batch_size):
    """By two ways that share no code: ridge regression here, a measure of modes there."""
    spectrum = hsgd.Spectrum.power_law(200, 1.2, 1.5, noise=0.3)
    found = ef.sgd_limits(spectrum, n, 0.5, ridge=ridge, batch_size=batch_size)
    typical, sgd = spectrum.sampled(n, ridge=ridge), hsgd.SGD(0.5, batch_size=batch_size)
    expected = hsgd.limits(typical, sgd, method="hsgd")
    for name in ("limiting_empirical_risk", "limiting_population_risk", "kernel_norm"):
        np.testing.assert_allclose(float(found[name]), float(expected[name]), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(
        float(found.critical_learning_rate), 0.5 / float(expected.kernel_norm), rtol=1e-8
    )
    beyond = ef.sgd_limits(spectrum, n, 1.01 * float(found.critical_learning_rate), ridge=ridge,
                           batch_size=batch_size)  # fmt: skip
    assert beyond.limiting_population_risk == np.inf


def test_without_a_ridge_interpolating_features_keep_no_training_risk():
    """At the peak of double descent the population risk is infinite, and 0·∞ is no number."""
    found = ef.ridge_regression(SPECTRUM, 60, num_features=60)
    ends = ef.sgd_limits(SPECTRUM, 60, 0.1, num_features=60)
    assert found.empirical_risk == ends.limiting_empirical_risk == 0.0
    assert found.population_risk == ends.limiting_population_risk == np.inf
    assert 0 < float(found.residual) < 1e-12  # a figure, not a claim


def test_samples_are_shared_out_among_the_modes():
    shares = ef.learnabilities(SPECTRUM, 60)
    assert shares.shape == (300,)
    np.testing.assert_allclose(shares.sum(), 60.0)
    assert (np.diff(shares) < 0).all()
    assert ef.learnabilities(SPECTRUM, 60, ridge=1.0).sum() < 60.0
    assert ef.learnabilities(hsgd.Spectrum([1.0, 0.0]), 5).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("exponent", [1.5, 2.0, 3.0])
def test_the_overfitting_coefficient_of_a_power_law_is_its_exponent(exponent):
    spectrum = hsgd.Spectrum.power_law(200_000, exponent, 2.0, noise=0.5)
    found = ef.overfitting(spectrum, 1000)
    np.testing.assert_allclose(float(found.overfitting_coefficient), exponent, rtol=0.03)
    assert found.attrs["verdict"].startswith("tempered")
    there = ef.ridge_regression(spectrum, 1000, ridge=float(found.best_ridge))
    np.testing.assert_allclose(float(there.population_risk), float(found.best_population_risk))
    # Finding the best ridge by another way.
    ridges = np.geomspace(1e-3, 1e3, 25) * float(found.best_ridge)
    risks = [float(ef.ridge_regression(spectrum, 1000, ridge=r).population_risk) for r in ridges]
    assert min(risks) >= float(found.best_population_risk) * (1 - 1e-9)
    assert min(risks) < float(found.best_population_risk) * 1.01
    interpolated = float(ef.ridge_regression(spectrum, 1000).population_risk)
    np.testing.assert_allclose(
        float(found.cost_of_overfitting), interpolated / float(found.best_population_risk)
    )


def test_verdicts_on_interpolation():
    i = np.arange(2.0, 10.0**6)
    verdicts = {
        "benign: ": (1000, np.r_[np.ones(10), np.full(10**5, 1e-6)]),
        "benign in the limit": (1000, 1 / i / np.log(i) ** 2),
        "catastrophic": (100, np.exp(-0.2 * np.arange(2000))),
        "undecided": (100, np.ones(200)),
    }
    for start, (n, eigenvalues) in verdicts.items():
        found = ef.overfitting(hsgd.Spectrum(eigenvalues, noise=0.5), n)
        assert found.attrs["verdict"].startswith(start)


def test_curves_have_a_dim_and_pass_the_schema(tmp_path):
    curve = ef.ridge_regression(SPECTRUM, [10, 40], ridge=0.1, num_features=50)
    assert curve.population_risk.dims == ("n",)
    assert hsgd.dataset.check(curve) is None
    assert hsgd.load(hsgd.dataset.save(curve, tmp_path / "curve.nc")).identical(curve)
    single = ef.ridge_regression(SPECTRUM, 40, ridge=0.1, num_features=50)
    assert float(single.population_risk) == float(curve.population_risk[1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ef.ridge_regression([1.0, 2.0], 10), "spectrum is a list: pass hsgd.Spectrum"),
        (lambda: ef.ridge_regression(SPECTRUM, 0), "n "),
        (lambda: ef.ridge_regression(SPECTRUM, []), "pass a number of samples"),
        (lambda: ef.ridge_regression(SPECTRUM, 10, ridge=-1.0), "ridge"),
        (lambda: ef.ridge_regression(SPECTRUM, 10, num_features=0), "num_features"),
        (lambda: ef.sgd_limits(SPECTRUM, 10, -0.1), "learning_rate"),
        (lambda: ef.overfitting(SPECTRUM, 3), "n "),
    ],
)
def test_bad_arguments_get_one_sentence(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
