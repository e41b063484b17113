"""Limits of all algorithms against late times; rates, regimes, conditioning, regularisation."""

import numpy as np
import pytest

import hsgd
from hsgd.theory.asking import ask
from hsgd.theory.spectra.providers import modes
from tests.hsgd.test_prediction import SHAPES, problem_of, quiet
from tests.hsgd.test_streaming import population

SETTINGS = {
    "hsgd": (lambda g: hsgd.SGD(g, 2), {"batch_size": 2}, "hsgd"),
    "subset": (
        lambda g: hsgd.SGD(g, 3, "subset"),
        {"batch_size": 3, "sampling": "subset"},
        "discrete",
    ),
    "heavy ball": (lambda g: hsgd.HeavyBall(g, 0.6, 2), {"batch_size": 2, "momentum": 0.6}, "auto"),
}


def late_time(rate, N):
    """When e^{−rate·t} is far below rounding, as a whole number of iterations."""
    return [np.ceil(60.0 / rate * N) / N]


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ridge", [0.0, 0.4])
@pytest.mark.parametrize("fraction", [0.3, 0.9])
def test_limits_are_where_the_curves_end(setting, shape, ridge, fraction):
    make, options, method = SETTINGS[setting]
    problem = problem_of(**SHAPES[shape], ridge=ridge)
    critical = hsgd.critical_learning_rate(problem, method=method, **options)
    algorithm = make(fraction * critical)
    ends = hsgd.limits(problem, algorithm, method=method)
    time = late_time(float(ends.rate), problem.num_rows)
    late = quiet(problem, algorithm, time, method=method, rtol=1e-10).isel(time=0)
    for name in ("empirical_risk", "population_risk", "distance"):
        limit, flow = (float(ends[f"limiting_{name}{s}"]) for s in ("", "_gradient_flow"))
        assert limit == pytest.approx(float(late[name]), rel=1e-10, abs=1e-12)
        assert flow == pytest.approx(float(late[f"{name}_gradient_flow"]), rel=1e-10, abs=1e-12)
        excess = float(ends[f"excess_{name}"])
        assert excess == pytest.approx(limit - flow, rel=1e-10, abs=1e-12)
        assert excess >= 0
    assert (float(ends.kernel_norm) < 1) == (fraction < 1)


@pytest.mark.parametrize("method", ["hsgd", "discrete"])
@pytest.mark.parametrize("ridge", [0.0, 0.05])
def test_limits_of_streaming(method, ridge):
    rows = population(8, ridge=ridge)
    rate = 0.7 * hsgd.critical_learning_rate(rows, batch_size=2, method=method)
    algorithm = hsgd.StreamingSGD(rate, 2)
    ends = hsgd.limits(rows, algorithm, method=method)
    late = quiet(rows, algorithm, late_time(float(ends.rate), 8), method=method).isel(time=0)
    for name in ("population_risk", "distance"):
        limit = float(ends[f"limiting_{name}"])
        assert limit == pytest.approx(float(late[name]), rel=1e-10)


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.95])
@pytest.mark.parametrize("kind", [hsgd.HeavyBall, hsgd.Nesterov])
@pytest.mark.parametrize("fraction", [0.5, 0.97, 1.05])
def test_rates_with_momentum_are_those_of_the_curve(momentum, kind, fraction):
    problem = problem_of(n=20, d=4)
    stability = ask(problem, kind(0.0, momentum, 4), method="discrete").stability
    algorithm = kind(fraction * stability.critical_rate(), momentum, 4)
    ends = hsgd.limits(problem, algorithm)
    rate = float(ends.rate)
    assert (rate > 0) == (fraction < 1)
    times = np.ceil(np.array([14.0, 16.0]) / abs(rate) * 20) / 20
    curve = quiet(problem, algorithm, times, statistics="empirical_risk", rtol=1e-12)
    limit = float(ends.limiting_empirical_risk) if fraction < 1 else 0.0
    left = np.abs(curve.empirical_risk.values - limit)
    assert np.log(left[0] / left[1]) / np.ptp(times) == pytest.approx(rate, rel=0.05)


def test_the_norm_is_the_sum_of_the_kernel():
    # ‖K‖ = c Σ h² Σ_m G_m², G from its definition; both kinds, complex and real roots.
    problem = problem_of(n=12, d=5, ridge=0.3)
    h, r = modes(problem).eigenvalues / 12, modes(problem).damping / 12
    for kind, momentum, rate in (
        (hsgd.HeavyBall, 0.9, 0.2),
        (hsgd.HeavyBall, 0.1, 0.6),
        (hsgd.Nesterov, 0.8, 0.3),
    ):
        algorithm = kind(rate, momentum, 3)
        total, old, new = np.zeros(5), np.zeros(5), np.ones(5)
        for _ in range(4000):
            nesterov = kind is hsgd.Nesterov
            seen = new + momentum * (new - old) if nesterov else new
            total += seen**2
            push = 0.0 if nesterov else momentum * (new - old)
            old, new = new, (seen if nesterov else new) - rate * r * seen + push
        expected = rate**2 / 3 * float(h**2 @ total)
        assert float(hsgd.limits(problem, algorithm).kernel_norm) == pytest.approx(expected)


def test_the_published_norm_of_minibatch_momentum():
    # arXiv:2206.01029: sums over a batch of fraction ζ, step g: (1−ζ)g(1+Δ)/(1−Δ)·mean of
    # λ/(2(1+Δ)−gζλ), up to n/(n−1) for finite n; the mean-gradient rate is B·g.
    problem = problem_of(n=40, d=10)
    B, g, momentum = 10, 0.05, 0.6
    lam, zeta = modes(problem).eigenvalues, B / 40
    published = (1 - zeta) * g * (1 + momentum) / (1 - momentum)
    published *= np.sum(lam / (2 * (1 + momentum) - g * zeta * lam)) / 40
    ends = hsgd.limits(problem, hsgd.HeavyBall(B * g, momentum, B, "subset"))
    assert float(ends.kernel_norm) == pytest.approx(published * 40 / 39, rel=1e-12)


def test_the_transition_is_where_the_regime_changes():
    problem = problem_of(n=60, d=20, ridge=0.5)
    change = float(hsgd.limits(problem, hsgd.SGD(0.1), method="hsgd").transition_learning_rate)
    critical = hsgd.critical_learning_rate(problem, method="hsgd")
    assert 0 < change < critical
    slowest = float(modes(problem).damping.min())
    below = hsgd.limits(problem, hsgd.SGD(0.999 * change), method="hsgd")
    above = hsgd.limits(problem, hsgd.SGD(1.001 * change), method="hsgd")
    assert below.attrs["regime"] == "forcing-dominated"
    assert above.attrs["regime"] == "noise-dominated"
    assert float(below.rate) == pytest.approx(0.999 * change * slowest, rel=1e-12)
    assert float(above.rate) < 1.001 * change * slowest
    stability = ask(problem, hsgd.SGD(0.0), method="hsgd").stability
    assert stability.noise_rate(change) == pytest.approx(change * slowest, rel=1e-9)
    assert hsgd.limits(problem, hsgd.SGD(2 * critical), method="hsgd").attrs["regime"] == "unstable"
    # With finite steps the regimes are the same.
    below, above = (
        hsgd.limits(problem, hsgd.SGD(fraction * critical), method="discrete")
        for fraction in (0.05, 0.9)
    )
    assert below.attrs["regime"] == "forcing-dominated"
    assert above.attrs["regime"] == "noise-dominated"
    expected = -60 * np.log(1 - 0.05 * critical * slowest / 60)
    assert float(below.rate) == pytest.approx(expected, rel=1e-12)
    assert float(above.rate) < -60 * np.log(1 - 0.9 * critical * slowest / 60)


def test_the_transition_of_isotropic_rows_is_the_published_one():
    # Marchenko–Pastur with ratio r = d/n: γ* = 2/(√r (r−√r+1)), up to the fluctuations of the edge.
    n, d = 1200, 600
    A = np.random.default_rng(0).normal(size=(n, d)) / np.sqrt(n)
    change = float(
        hsgd.limits(hsgd.LeastSquares(A, A[:, 0]), hsgd.SGD(0.1)).transition_learning_rate
    )
    r = d / n
    assert change == pytest.approx(2 / (r**0.5 * (r - r**0.5 + 1)), rel=0.02)


@pytest.mark.parametrize("spike", [1e2, 1e4])
def test_epochs_follow_the_three_condition_numbers(spike):
    # One direction of eigenvalue `spike`, the others 1, as many rows as make κ̄ about 1 or more.
    d = 20
    scale = np.ones(d)
    scale[0] = spike
    problem = hsgd.LeastSquares(np.diag(scale**0.5), np.zeros(d), x0=np.ones(d))
    ends = hsgd.limits(problem, hsgd.SGD(1e-6))
    kappa, average = float(ends.condition_number), float(ends.average_condition_number)
    assert kappa == pytest.approx(spike)
    assert average == pytest.approx((spike + d - 1) / d)
    assert float(ends.implicit_conditioning_ratio) == pytest.approx(average / kappa**0.5)
    found = hsgd.epochs_to_tolerance(problem, 1e-3)
    needed = np.log(1e3)
    assert 0.2 < float(found.sgd_epochs) / (average * needed) < 3
    assert float(found.gradient_descent_epochs) == pytest.approx(kappa * needed / 4, rel=0.05)
    assert float(found.heavy_ball_epochs) == pytest.approx(kappa**0.5 * needed / 4, rel=0.05)
    # SGD gains κ/κ̄ on gradient descent, and heavy ball κ̄/√κ on SGD.


def test_the_predicted_epochs_are_the_curves():
    problem = problem_of(n=30, d=6, ridge=0.2)
    found = hsgd.epochs_to_tolerance(problem, 1e-6)
    n = problem.num_rows
    runs = {
        "sgd": hsgd.SGD(float(found.sgd_learning_rate)),
        "gradient_descent": hsgd.SGD(float(found.gradient_descent_learning_rate), n, "subset"),
        "heavy_ball": hsgd.HeavyBall(
            float(found.heavy_ball_learning_rate), float(found.heavy_ball_momentum), n, "subset"
        ),
    }
    for name, algorithm in runs.items():
        epochs = float(found[f"{name}_epochs"])
        per_unit = 1 if name == "sgd" else n
        method = "hsgd" if name == "sgd" else "discrete"
        times = np.unique(np.ceil(np.array([0.75, 1.25]) * epochs)) / per_unit
        curve = quiet(problem, algorithm, times, method=method, rtol=1e-12)
        limit = float(hsgd.limits(problem, algorithm, method=method).limiting_distance)
        left = np.abs(curve.distance.values - limit)
        # Half of the predicted number apart: three of the six digits.
        gained = np.log10(left[0] / left[1]) / (np.ptp(times) * per_unit / epochs)
        assert 0.6 * 6 < gained < 1.5 * 6, (name, gained)


def never_below_gradient_flow(seeds):
    for seed in seeds:
        rng = np.random.default_rng(seed)
        n, d = (int(v) for v in rng.integers(2, 14, size=2))
        problem = problem_of(n, d, ridge=float(rng.choice([0.0, 0.3])), seed=seed)
        batch = int(rng.integers(1, n + 1))
        sampling = str(rng.choice(["with_replacement", "subset"]))
        options = {"batch_size": batch, "sampling": sampling}
        rate = rng.uniform(0.05, 1.1) * hsgd.critical_learning_rate(problem, **options)
        rates = hsgd.PowerDecay(rate, 0.4) if seed % 20 == 0 else rate
        curve = quiet(problem, hsgd.SGD(rates, **options), np.linspace(0, 20, 12))
        for name in ("empirical_risk", "population_risk", "distance"):
            risk, flow, error = (
                curve[name + suffix].values for suffix in ("", "_gradient_flow", "_error")
            )
            assert (risk >= flow - 1e-10 * flow - error - 1e-14).all(), (seed, name)


def test_sgd_is_never_below_gradient_flow_at_equal_odometer():
    never_below_gradient_flow(range(100))


@pytest.mark.slow
def test_sgd_is_never_below_gradient_flow_on_a_thousand_problems():
    never_below_gradient_flow(range(1000))


def test_bad_arguments_get_one_sentence():
    problem = problem_of()
    for call, message in (
        (lambda: hsgd.limits(problem, hsgd.SGD(0.1, hsgd.Piecewise((1,), (1, 2)))), "batch size"),
        (lambda: hsgd.limits(problem, hsgd.HeavyBall(0.1, 0.5), method="hsgd"), "'discrete'"),
        (lambda: hsgd.limits(problem, hsgd.SGD(0.1), method="x"), "must be one of"),
        (lambda: hsgd.epochs_to_tolerance(problem, 2.0), "between 0 and 1"),
        (lambda: hsgd.epochs_to_tolerance(problem, 0.0), "greater than 0"),
        (lambda: hsgd.epochs_to_tolerance(population(3), 0.1), "pass a hsgd.LeastSquares"),
    ):
        with pytest.raises((TypeError, ValueError), match=message) as caught:
            call()
        assert "\n" not in str(caught.value)


def vander():
    years = np.arange(1990, 2021.0)
    return hsgd.LeastSquares(np.vander(years, 3), years)


@pytest.mark.parametrize("condition", [1e4, 1e8, 1e12, 1e15])
def test_epochs_at_large_condition_numbers(condition):
    """Of the order of κ log(1/tolerance)/4 and √κ log(1/tolerance)/4, without cancellation."""
    n = 50
    left, _ = np.linalg.qr(np.random.default_rng(0).standard_normal((n, 2)))
    problem = hsgd.LeastSquares(left * np.array([1.0, condition**-0.5]), np.ones(n))
    found, needed = hsgd.epochs_to_tolerance(problem, 1e-3), np.log(1e3)
    assert float(found.gradient_descent_epochs) == pytest.approx(needed * condition / 4, rel=1e-3)
    assert float(found.heavy_ball_epochs) == pytest.approx(needed * condition**0.5 / 4, rel=1e-2)
    assert 0 < float(found.sgd_epochs) < np.inf


@pytest.mark.parametrize(
    "problem",
    [
        vander(),
        # A timestamp beside an intercept; a column twice, but for 1e-8; one row.
        hsgd.LeastSquares(np.stack([1.6e9 + np.arange(30.0), np.ones(30)], axis=1), np.ones(30)),
        hsgd.LeastSquares(
            np.random.default_rng(0).standard_normal((30, 1)) + np.array([0.0, 1e-8]), np.ones(30)
        ),
        hsgd.LeastSquares(np.ones((1, 3)), [1.0]),
        hsgd.LeastSquares(np.diag([1.0, 1e-7, 1e-7]), np.ones(3), ridge=1e-12),
    ],
)
def test_epochs_of_tables_as_people_have_them(problem):
    found = hsgd.epochs_to_tolerance(problem, 1e-3)
    assert all(float(found[name]) >= 0 for name in found if name.endswith("epochs"))


def test_the_critical_rate_of_an_algorithm():
    problem = hsgd.LeastSquares(np.diag([3.0, 2.0, 1.0]), np.ones(3))
    ball = hsgd.HeavyBall(0.1, 0.9, batch_size=2)
    named = hsgd.critical_learning_rate(problem, momentum=0.9, batch_size=2)
    assert hsgd.critical_learning_rate(problem, ball) == named
    assert hsgd.critical_learning_rate(problem, hsgd.Nesterov(0.1, 0.9)) > 0
    with pytest.raises(ValueError, match="said by the algorithm"):
        hsgd.critical_learning_rate(problem, ball, batch_size=2)
    with pytest.raises(TypeError, match="leave it out"):
        hsgd.critical_learning_rate(problem, 0.1)


@pytest.mark.parametrize("batch", [1, 4])
def test_every_number_of_the_verdict_is_the_datasets(batch):
    problem = hsgd.GaussianRows(1 / 20, np.ones(20), noise=0.5).sample(60, seed=0)
    critical = hsgd.critical_learning_rate(problem, batch_size=batch)
    ends = hsgd.limits(problem, hsgd.SGD(0.3 * critical, batch))
    end, flow = (float(ends[f"limiting_empirical_risk{s}"]) for s in ("", "_gradient_flow"))
    passes = np.log(2) / float(ends.rate) * batch
    assert ends.attrs["verdict"] == (
        f"SGD settles at empirical risk {end:.4g}, {end / flow - 1:.1%} above gradient flow, with "
        f"30% of the critical learning rate {critical:.4g}; in the end what is left halves every "
        f"{passes:.3g} passes, a pace set by the slowest direction of the data."
    )
    # Two halvings later a quarter is left.
    late = 20 * np.log(2) / float(ends.rate) + np.array([0.0, 2.0]) * np.log(2) / float(ends.rate)
    curve = hsgd.predict(problem, hsgd.SGD(0.3 * critical, batch), late, rtol=1e-12)
    left = curve.empirical_risk.values - end
    assert left[1] / left[0] == pytest.approx(0.25, rel=0.05)
