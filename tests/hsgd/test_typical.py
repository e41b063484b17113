"""Rows that are sampled but not drawn: against closed forms, ridge regression, drawn samples."""

import warnings

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

import hsgd
from hsgd.statistics.named import distance
from hsgd.theory.spectra import sampled, sources
from hsgd.theory.spectra.providers import modes
from hsgd.theory.spectra.sample_covariance import SampleSpectrum

RNG = np.random.default_rng(5)
SPECTRA = {
    "isotropic": (np.ones(1), np.array([50.0])),
    "two bulks": (np.array([1.0, 0.01]), np.array([30.0, 70.0])),
    "power law": (np.arange(1, 81) ** -1.3, np.ones(80)),
    "steep": (2.0 ** -np.arange(30), np.ones(30)),
    "random": (np.sort(RNG.gamma(0.7, size=60))[::-1], RNG.integers(1, 4, 60).astype(float)),
}
DRAWS = 12
METHOD = "discrete"
QUADRATIC = hsgd.Quadratic(np.eye(3), name="mine")
ROWS = (20, 50, 51, 100, 400, 3000)


def kappa(lam, counts, n, z):
    """The root of κ = −z + (κ/n) Σ c λ/(λ+κ) for z < 0: an increasing function has one root."""
    room = lambda k: k + z - k / n * np.sum(counts * lam / (lam + k))  # noqa: E731
    high = -z + np.sum(counts * lam) / n
    return brentq(room, 1e-9 * -z, 2 * high, xtol=1e-300, rtol=1e-15)


@pytest.mark.parametrize("n", ROWS)
@pytest.mark.parametrize("name", SPECTRA)
def test_nodes_have_the_transforms_that_define_the_spectrum(name, n):
    """Resolvents far from the nodes, of all rows together and along each direction of Σ."""
    lam, counts = SPECTRA[name]
    spectrum = SampleSpectrum.of(lam, counts, n)
    nu, at_zero = spectrum.measure(np.eye(len(lam)))
    for z in -np.geomspace(1e-4, 10.0, 7):
        k = kappa(lam, counts, n, z)
        transform = 1 + np.sum(spectrum.weights / (spectrum.nodes - z)) + spectrum.at_zero / -z
        assert transform == pytest.approx(k / -z, rel=1e-9)
        along = nu @ (1 / (spectrum.nodes - z)) + at_zero / -z
        np.testing.assert_allclose(along, k / (-z * (lam + k)), rtol=1e-7)
    # Single directions are the hardest; what is lost of them is known.
    assert spectrum.error < 1e-9
    assert max(spectrum.defect(one) for one in np.eye(len(lam))) < 1e-7


@pytest.mark.parametrize("n", [30, 100, 1000])
def test_the_two_sided_resolvent_is_that_of_ridge_regression(n):
    """E uᵀ(H+ρ)⁻¹Σ(H+ρ)⁻¹u in its known form; the form without its mixing of directions fails."""
    lam, counts = SPECTRA["power law"]
    spectrum = SampleSpectrum.of(lam, counts, n)
    x = np.append(spectrum.nodes, 0.0)
    sigma = np.append(spectrum.weights, spectrum.at_zero)
    for rho in (1e-3, 0.03, 1.0):
        k, f = kappa(lam, counts, n, -rho), 1 / (x + rho)
        fed_back = 1 - np.sum(counts * lam**2 / (lam + k) ** 2) / n
        for i in (0, 7, 60):
            nu, at_zero = spectrum.measure(np.eye(len(lam))[i] * lam)
            nu = np.append(nu, at_zero)
            right = lam[i] * (k / (rho * (lam[i] + k))) ** 2 / fed_back
            assert f @ sampled.form(x, nu, sigma) @ f == pytest.approx(right, rel=1e-8)
            assert abs(np.sum(nu * f * f) / right - 1) > 0.1 / n


@pytest.mark.parametrize(("n", "ridge"), [(200, 0.0), (200, 4.0), (60, 0.0), (60, 2.0), (100, 1.0)])
def test_a_sample_without_end_is_ridge_regression(n, ridge):
    """The limits of gradient flow are the known risks of (ridgeless) regression, to 1e-8."""
    d, noise = 100, 0.5
    lam, beta = np.arange(1, d + 1) ** -1.1, np.linspace(-1, 2, d)
    problem = hsgd.SampledLeastSquares(hsgd.GaussianRows(lam, beta, noise), n, ridge)
    limits = hsgd.limits(problem, hsgd.SGD(1e-3), method="hsgd")
    # notation: δ = Σ, k from n = Σ L + δ/k, E = test and train errors without ½
    missing = lambda k: n - np.sum(lam / (lam + k)) - ridge / k  # noqa: E731
    k = brentq(missing, 1e-15, 1e6, rtol=1e-15) if ridge or n < d else 0.0
    share = lam / (lam + k)
    test = n / (n - np.sum(share**2)) * (np.sum((1 - share) ** 2 * lam * beta**2) + noise**2)
    train = (ridge / (n * k)) ** 2 * test if k else noise**2 * (1 - d / n)
    name = "limiting_{}_gradient_flow"
    assert float(limits[name.format("population_risk")]) == pytest.approx(test / 2, rel=1e-8)
    assert float(limits[name.format("empirical_risk")]) == pytest.approx(
        train / 2, rel=1e-8, abs=1e-12
    )
    if ridge:
        # What the noise of SGD adds, at any stable rate (theory page, "Typical samples").
        rate = 0.5 * hsgd.critical_learning_rate(problem, method="hsgd")
        ends = hsgd.limits(problem, hsgd.SGD(rate), method="hsgd")
        lasting = rate / 2 * (lam.sum() - ridge * (1 - ridge / n / k))
        empirical = train / 2 / (1 - lasting)
        assert float(ends.limiting_empirical_risk) == pytest.approx(empirical, rel=1e-8)
        excess = rate / 2 * empirical * (lam.sum() - n * (k - ridge / n))
        assert float(ends.excess_population_risk) == pytest.approx(excess, rel=1e-8)


def _means(problem, times, draws):
    """Gradient flow on drawn samples, with all their parts: mean and standard error."""
    rows = problem.rows
    values = []
    for seed in range(draws):
        data = problem.sample(seed)
        lam, right = np.linalg.eigh(data.A.T @ data.A)
        lam, right = np.where(lam > 1e-12 * lam.max(), lam, 0.0), right.T
        rates, image = lam + problem.ridge, right @ (data.A.T @ data.b)
        still = rates < 1e-12
        end = np.where(still, right @ rows.x0, image / np.where(still, 1.0, rates))
        start = right @ rows.x0 - end
        x = (end + start * np.exp(-np.outer(times, rates))) @ right
        values.append([
            0.5 * ((x - rows.coefficients) ** 2 @ rows.covariance + rows.noise**2),
            0.5 * np.mean((x @ data.A.T - data.b) ** 2, axis=1),
            np.sum((x - end @ right) ** 2, axis=1),
        ])  # fmt: skip
    values = np.array(values)
    return values.mean(axis=0), values.std(axis=0) / draws**0.5


@pytest.mark.parametrize("ridge", [0.0, 3.0])
@pytest.mark.parametrize(("n", "d"), [(60, 25), (25, 60)])
def test_gradient_flow_is_the_mean_over_drawn_samples(n, d, ridge):
    """With start, label noise and directions that no row sees; beyond 4 standard errors and 4/n."""
    lam = np.append(np.arange(1, d - 1) ** -0.8, [0.0, 0.0])
    rows = hsgd.GaussianRows(lam, np.cos(np.arange(d)), 0.5, x0=np.sin(np.arange(d)))
    problem, times = hsgd.SampledLeastSquares(rows, n, ridge), np.array([0.0, 0.5, 2.0, 8.0]) / n
    mean, error = _means(problem, times, 400)
    system = modes(problem)
    flow = system.gradient_flow(times)
    named = problem.population.risk, problem.empirical_risk, distance(problem)
    for found, right, deviation in zip(named, mean, error, strict=True):
        values = system.values(found, *flow)
        assert (np.abs(values - right) < 4 * deviation + 4 / n * right * 0.25).all(), found.name
    # The control: samples of another size are told apart.
    larger = modes(problem.replace(n=2 * n))
    for found, right, deviation in zip(named, mean, error, strict=True):
        wrong = larger.values(found, *larger.gradient_flow(times / 2))
        assert (np.abs(wrong - right) > 4 * deviation + 1 / n * right).any(), found.name


@pytest.mark.parametrize(
    ("algorithm", "method"),
    [
        (hsgd.SGD(0.6), "hsgd"),
        (hsgd.SGD(1.5, 8), "discrete"),
        (hsgd.HeavyBall(0.5, 0.5, batch_size=8), "auto"),
        (hsgd.SGD(hsgd.Piecewise((1.0,), (0.8, 0.2)), 4, sampling="subset"), "auto"),
    ],
)
def test_curves_are_the_mean_of_those_of_drawn_samples(algorithm, method):
    lam = np.arange(1, 61) ** -1.0
    rows = hsgd.GaussianRows(lam / lam.sum(), np.ones(60), 0.4, x0=0.5 * np.cos(np.arange(60)))
    problem, times = hsgd.SampledLeastSquares(rows, 120, 1.0), [0.0, 0.2, 1.0, 5.0, 20.0]
    theory = hsgd.predict(problem, algorithm, times, method=method)
    drawn = [_quiet(problem.sample(seed), algorithm, times, method) for seed in range(DRAWS)]
    for name in ("empirical_risk", "population_risk", "distance"):
        values = np.array([one[name].values for one in drawn])
        mean, error = values.mean(axis=0), values.std(axis=0) / DRAWS**0.5
        assert (np.abs(theory[name] - mean) < 4 * error + mean / 120).all(), name
    assert theory.attrs["method"] in ("hsgd", "discrete")
    assert 0 < theory.attrs["expected_discrepancy"] < 0.5


def _quiet(problem, algorithm, times, method):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return hsgd.predict(problem, algorithm, times, method=method)


def test_isotropic_samples_have_the_closed_form():
    """Marchenko–Pastur: a formula of another room, which shares no code."""
    n, d, rate = 400, 100, 0.7
    rows = hsgd.GaussianRows(1 / n, np.full(d, 1.0), 0.0)
    times = np.array([0.0, 0.1, 1.0, 4.0])
    theory = hsgd.predict(hsgd.SampledLeastSquares(rows, n), hsgd.SGD(rate), times, method="hsgd")
    closed = hsgd.isotropic.empirical_risk(times, rate, d / n, signal=d / n)
    np.testing.assert_allclose(theory.empirical_risk, closed, rtol=1e-7)


def test_all_that_the_theory_answers_is_answered_of_a_sample_that_is_not_drawn():
    rows = hsgd.GaussianRows(np.arange(1, 41) ** -1.0 / 5, np.ones(40), 0.3)
    problem = hsgd.SampledLeastSquares(rows, 80, 0.5)
    drawn = problem.sample(0)
    assert hsgd.critical_learning_rate(problem) == pytest.approx(
        float(hsgd.diagnose(drawn, hsgd.SGD(0.1)).mean_square_critical_learning_rate), rel=0.2
    )
    assert hsgd.critical_batch_size(problem) == pytest.approx(
        hsgd.critical_batch_size(drawn), rel=0.3
    )
    steps = hsgd.steps_to_target(problem, 0.3, [1, 8])
    assert (steps.iterations.diff("batch_size") < 0).all()
    bootstrap = hsgd.bootstrap_risk(problem, hsgd.SGD(0.3), [0.1, 20.0])
    assert abs(bootstrap.bootstrap_risk[0]) < 0.05 * bootstrap.streaming_risk[0]
    assert bootstrap.bootstrap_risk[1] > 0
    verdict = hsgd.limits(problem, hsgd.SGD(0.3)).verdict
    assert "settles at empirical risk" in verdict
    conditions = hsgd.limits(problem, hsgd.SGD(0.3))
    assert float(conditions.largest_over_mean_eigenvalue) == pytest.approx(
        float(hsgd.limits(drawn, hsgd.SGD(0.3)).largest_over_mean_eigenvalue), rel=0.3
    )


def test_a_swept_ridge_is_swept_here_too():
    rows = hsgd.GaussianRows(0.02, np.ones(50), 0.5)
    ridges = xr.DataArray([0.1, 10.0], dims="ridge")
    swept = hsgd.predict(hsgd.SampledLeastSquares(rows, 80, ridges), hsgd.SGD(0.3), [0.0, 5.0])
    single = hsgd.predict(hsgd.SampledLeastSquares(rows, 80, 10.0), hsgd.SGD(0.3), [0.0, 5.0])
    np.testing.assert_array_equal(swept.population_risk[1], single.population_risk)


def test_features_are_taken_by_their_moments():
    inputs = hsgd.GaussianRows(np.ones(30), np.ones(30) / 30**0.5, 0.1)
    features = hsgd.RandomFeatures(inputs, 60, "relu", ridge=0.01).given_weights(seed=0)
    problem = hsgd.SampledLeastSquares(features, 120)
    same = hsgd.SampledLeastSquares(features.gaussian_equivalent(), 120)
    theory = hsgd.predict(problem, hsgd.SGD(0.5), [0.0, 4.0])
    np.testing.assert_allclose(
        theory.population_risk,
        hsgd.predict(same, hsgd.SGD(0.5), [0.0, 4.0]).population_risk,
        rtol=1e-12,
    )
    assert problem.sample(3).shape == (120, 60)


def test_many_eigenvalues_are_gathered_and_hardly_change_a_curve(monkeypatch):
    lam = np.arange(1, 601) ** -1.3
    rows = hsgd.GaussianRows(lam / lam.sum(), np.cos(np.arange(600)), 0.3)
    setting = hsgd.SampledLeastSquares(rows, 150, 0.1), hsgd.SGD(0.5), [0.0, 0.5, 5.0]
    exact = hsgd.predict(*setting)
    monkeypatch.setattr(sources, "MANY", 150)
    monkeypatch.setattr(sources, "WIDTH", 0.02)
    short = hsgd.predict(setting[0].replace(rows=rows.replace()), *setting[1:])
    assert len(sources.sources_of(rows).eigenvalues) < 450
    for name in ("empirical_risk", "population_risk", "distance"):
        np.testing.assert_allclose(short[name], exact[name], rtol=1e-4)
        allowed = (short[f"{name}_error"] + exact[f"{name}_error"]) / exact[name]
        assert (np.abs(short[name] / exact[name] - 1) < allowed).all()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda p: hsgd.predict(p, hsgd.SGD(0.1), [1.0], statistics=QUADRATIC), "none are at hand"),
        (lambda p: hsgd.diagnose(p, hsgd.SGD(0.1)), r"problem\.sample\(seed\)"),
        (lambda p: hsgd.predict(p, hsgd.StreamingSGD(0.1), [1.0]), "pass hsgd.SGD"),
        (lambda p: p.empirical_risk.values(np.ones((1, 3))), "belongs to a sample"),
        (lambda p: hsgd.SampledLeastSquares(hsgd.RandomFeatures(p.rows, 3), 3), "given_weights"),
    ],
)  # fmt: skip
def test_what_is_not_known_of_a_typical_sample_is_refused(ask, message):
    problem = hsgd.SampledLeastSquares(hsgd.GaussianRows(0.3, np.ones(3)), 5)
    with pytest.raises((TypeError, ValueError), match=message):
        ask(problem)


def test_effective_epochs_are_the_fresh_rows_that_reach_the_same_risk():
    """Against the two curves themselves; and many passes are worth little."""
    rows = hsgd.GaussianRows(np.arange(1, 51) ** -1.0 / 4, np.ones(50), 0.5, ridge=0.01)
    problem, sgd = hsgd.SampledLeastSquares(rows, 200), hsgd.SGD(0.4, 4)
    worth = hsgd.effective_epochs(problem, sgd, [0.5, 2.0, 30.0])
    real = hsgd.predict(problem, sgd, np.array([0.5, 2.0, 30.0]) / 4, method=METHOD)
    np.testing.assert_allclose(worth.population_risk, real.population_risk, rtol=1e-7)
    streaming = hsgd.StreamingSGD(0.4, 4)
    steps = worth.fresh_rows.values / 4
    around = np.array([np.floor(steps), np.ceil(steps)])
    fresh = hsgd.predict(rows, streaming, np.sort(around.ravel()) / 50, method=METHOD)
    risks = fresh.population_risk.values.reshape(3, 2)
    assert (risks[:, 0] >= worth.population_risk).all()
    assert (risks[:, 1] <= worth.population_risk).all()
    assert worth.worth[0] > 0.85
    assert worth.worth[2] < 0.3
    assert (worth.worth.diff("epochs") < 0).all()
    assert "30 passes are worth" in worth.verdict
    drawn = hsgd.effective_epochs(problem.sample(0), sgd, [2.0])
    assert float(drawn.worth[0]) == pytest.approx(float(worth.worth[1]), rel=0.3)
    with pytest.raises(ValueError, match="epochs must increase"):
        hsgd.effective_epochs(problem, sgd, [2.0, 1.0])
    with pytest.raises(ValueError, match="constant learning rate"):
        hsgd.effective_epochs(problem, hsgd.SGD(hsgd.PowerDecay(0.1, 0.5)), [2.0])


def test_a_spectrum_is_enough():
    """Rows that are streamed and rows that are sampled, from eigenvalues and the target's power."""
    spectrum = hsgd.Spectrum.power_law(60, 1.2, 1.5, trace=2.0, power=3.0, noise=0.2)
    assert spectrum.eigenvalues.sum() == pytest.approx(2.0)
    np.testing.assert_allclose(spectrum.eigenvalues[:-1] / spectrum.eigenvalues[1:],
                               (np.arange(2, 61) / np.arange(1, 60)) ** 1.2)  # fmt: skip
    rows = spectrum.rows(ridge=0.1)
    target = np.sum(rows.coefficients**2 * spectrum.eigenvalues)
    assert target == pytest.approx(3.0)
    curve = hsgd.predict(spectrum.sampled(90, ridge=9.0), hsgd.SGD(0.2), [0.0])
    assert float(curve.population_risk[0]) == pytest.approx(0.5 * (3.0 + 0.04), rel=1e-9)
    assert spectrum.sampled(90, ridge=9.0).ridge == rows.sample(90, seed=0).ridge
    assert repr(spectrum) == "<Spectrum: 60 eigenvalues, trace 2, target power 3, noise 0.2>"
    assert spectrum.replace(noise=0.0).noise == 0.0
    for make, message in (
        (lambda: hsgd.Spectrum([1.0, -1.0]), "eigenvalues has a negative entry"),
        (lambda: hsgd.Spectrum([1.0, 0.0], [1.0, 1.0]), "give that power as noise"),
        (lambda: hsgd.Spectrum([0.0, 0.0]), "all zero"),
        (lambda: hsgd.Spectrum.power_law(1000, 40.0, 1.0), "smaller exponents"),
    ):
        with pytest.raises(ValueError, match=message):
            make()


def test_bulks_that_have_just_merged_are_told_apart():
    """Two eigenvalues whose bulks touch: nearly a root of the density."""
    lam, counts = np.array([1.0, 0.25]), np.array([40.0, 40.0])
    depths = {n: SampleSpectrum.of(lam, counts, n) for n in (300, 420, 440, 480)}
    for n, spectrum in depths.items():
        assert spectrum.error < 1e-10, n
        assert len(spectrum.nodes) < 400, n


def test_the_discrepancy_is_that_of_drawn_rows():
    rows = hsgd.GaussianRows(np.arange(1, 61) ** -1.0 / 5, np.ones(60), 0.5)
    problem = hsgd.SampledLeastSquares(rows, 100)
    setting = hsgd.SGD(0.2 * hsgd.critical_learning_rate(problem)), [0.0, 10.0, 40.0]
    typical = _quiet(problem, *setting, "hsgd").empirical_risk_discrepancy
    drawn = _quiet(problem.sample(0), *setting, "hsgd").empirical_risk_discrepancy
    # Both count that steps are finite: the one knows how much of it is due to the rows' norms.
    assert float(typical[-1]) == pytest.approx(float(drawn[-1]), rel=0.5)
    finer = _quiet(problem, *setting, "discrete").empirical_risk_discrepancy
    assert 0 < float(finer[-1]) < 0.7 * float(typical[-1])
    larger = _quiet(problem.replace(n=400), *setting, "discrete").empirical_risk_discrepancy
    assert 0 <= float(larger[-1]) < 0.7 * float(finer[-1])


def test_label_noise_alone_moves_the_solution():
    """E|x*|² of least squares without a target, which is known: noise² Σ 1/λ / (n − d)."""
    lam = np.arange(1, 31) ** -0.7
    rows = hsgd.GaussianRows(lam, np.zeros(30), 0.6)
    curve = hsgd.predict(hsgd.SampledLeastSquares(rows, 90), hsgd.SGD(0.1), [0.0, 1.0])
    assert float(curve.distance[0]) == pytest.approx(0.36 * np.sum(1 / lam) / 60, rel=1e-9)


def _drawn(n, times, draws):
    """Population risk of gradient flow, the mean over drawn samples, and the typical one."""
    # The means over label noise and over the signs of β are taken by hand, so that draws vary less.
    d, rng, noise, ridge = n // 2, np.random.default_rng(n), 0.5, 0.04
    lam = np.linspace(0.2, 1.8, d) / d
    A = rng.standard_normal((draws, n, d)) * np.sqrt(lam)
    x, V = np.linalg.eigh(A.transpose(0, 2, 1) @ A / n)
    means = []
    for t in times * d:
        left = np.exp(-t * (x + ridge / n))
        learned = x / (x + ridge / n) * (1 - left)
        F = (V * (1 - learned)[:, None, :]) @ V.transpose(0, 2, 1)
        target = np.einsum("j,kji,kji->k", lam, F, F)
        bent = np.einsum("kij,i,kij->kj", V, lam, V)
        spread = noise**2 * (1 + np.sum(bent * learned**2 / x, axis=1) / n)
        means.append(np.mean(0.5 * (target + spread)))
    problem = hsgd.SampledLeastSquares(hsgd.GaussianRows(lam, np.ones(d), noise), n, ridge)
    return np.array(means), problem, times * d / n


def test_the_error_against_drawn_samples_falls_like_one_over_n():
    """And that of samples that are fifty times as large does not fall at all."""
    sizes, times = np.array([8, 16, 32]), np.array([0.5, 2.0, 8.0])
    right, wrong = [], []
    for n in sizes:
        mean, problem, when = _drawn(int(n), times, 24_000 // int(n))
        larger = problem.replace(n=50 * int(n), ridge=50 * problem.ridge)
        for one, at, errors in ((problem, when, right), (larger, when / 50, wrong)):
            system = modes(one)
            values = system.values(one.population.risk, *system.gradient_flow(at))
            errors.append(np.abs(values / mean - 1))
    slopes = np.polyfit(np.log(sizes), np.log(right), 1)[0]
    assert (np.abs(slopes + 1.0) < 0.25).all(), slopes
    assert np.polyfit(np.log(sizes), np.log(wrong), 1)[0].max() > -0.5


def test_finite_steps_count_that_rows_are_gaussian_in_every_mode():
    """The exact mean, over samples, where one direction carries a quarter of the trace."""
    lam = np.arange(1, 31) ** -1.2
    rows = hsgd.GaussianRows(lam / lam.sum(), np.ones(30), 0.4)
    problem, times = hsgd.SampledLeastSquares(rows, 300), np.array([0.1, 2.0, 20.0])
    sgd = hsgd.SGD(0.5 * hsgd.critical_learning_rate(problem))
    drawn = [hsgd.exact_mean(problem.sample(seed), sgd, times) for seed in range(10)]
    typical = _quiet(problem, sgd, times, "auto")
    assert typical.attrs["method"] == "discrete"
    ends = hsgd.limits(problem, sgd)
    for name in ("empirical_risk", "population_risk"):
        values = np.array([one[name].values for one in drawn])
        mean, error = values.mean(axis=0), values.std(axis=0) / len(drawn) ** 0.5
        assert (np.abs(typical[name] - mean) < 4 * error + 0.02 * mean).all(), name
        assert float(ends[f"limiting_{name}"]) == pytest.approx(float(typical[name][-1]), rel=1e-6)
        limit = _quiet(problem, sgd, times, "hsgd")
        # The control: the limit of small steps is far off, and says so.
        gap = np.abs(limit[name] - mean)
        assert (gap > 2 * error + 0.04 * mean).any(), name
        assert (gap < mean * limit[f"{name}_discrepancy"] + 4 * error).all(), name


def test_stepping_is_the_closed_form():
    """Iteration by iteration, and in the limit, with a ridge: nodes stand for shares of modes."""
    lam, x0 = np.arange(1, 13) ** -1.0 / 3, np.cos(np.arange(12))
    rows = hsgd.GaussianRows(lam, np.ones(12), 0.5, x0=x0)
    problem, times = hsgd.SampledLeastSquares(rows, 30, 1.5), np.array([0.0, 0.2, 3.0, 800.0])
    sgd = hsgd.SGD(0.3 * hsgd.critical_learning_rate(problem))
    closed = _quiet(problem, sgd, times, "discrete")
    steps = hsgd.SGD(hsgd.Piecewise((1.0,), (sgd.learning_rate, sgd.learning_rate)))
    stepped = _quiet(problem, steps, times, "discrete")
    assert stepped.attrs["solver"] == "stepping"
    ends = hsgd.limits(problem, sgd, method="discrete")
    for name in ("empirical_risk", "population_risk", "distance"):
        np.testing.assert_allclose(stepped[name], closed[name], rtol=1e-9)
        assert float(ends[f"limiting_{name}"]) == pytest.approx(float(closed[name][-1]), rel=1e-6)
