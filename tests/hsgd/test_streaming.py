"""Streaming SGD: the exact recursion against its definition, Monte Carlo, and the limit."""

import warnings

import numpy as np
import pytest

import hsgd
from hsgd.theory.asking import ask
from hsgd.theory.dynamics import discrete
from hsgd.theory.dynamics.stepping import step_through
from tests.hsgd.test_prediction import quiet


def population(d, *, ridge=0.0, start=True, diagonal=False, decay=0.7, seed=0, noise=0.4):
    rng = np.random.default_rng(seed)
    spectrum = np.arange(1, d + 1.0) ** -decay
    spectrum /= spectrum.sum()
    if diagonal:
        covariance = spectrum
    else:
        Q = np.linalg.qr(rng.normal(size=(d, d)))[0]
        covariance = (Q * spectrum) @ Q.T
    x0 = rng.normal(size=d) if start else None
    return hsgd.GaussianRows(covariance, rng.normal(size=d), noise, ridge=ridge, x0=x0)


def moments(rows, rates, sizes):
    """E z and E zzᵀ of z = x − β after every step, with no basis chosen and no limit taken."""
    d, beta, rho = rows.dimension, rows.coefficients, rows.ridge
    Sigma = rows.covariance if rows.covariance.ndim == 2 else np.diag(rows.covariance)
    M = rows.x0 - beta
    S = np.outer(M, M)
    states = [(M, S)]
    for g, B in zip(rates, sizes, strict=True):
        keep = 1 - g * rho
        fourth = (1 - 1 / B) * Sigma @ S @ Sigma
        fourth += (2 * Sigma @ S @ Sigma + Sigma * np.trace(Sigma @ S)) / B
        pull = np.outer(keep * M - g * Sigma @ M, beta)
        S = keep**2 * S - keep * g * (Sigma @ S + S @ Sigma) + g * g * fourth
        S = S + g * g * rows.noise**2 / B * Sigma - g * rho * (pull + pull.T)
        S = S + g * g * rho * rho * np.outer(beta, beta)
        M = keep * M - g * Sigma @ M - g * rho * beta
        states.append((M, S))
    assert S.shape == (d, d)
    return states


def expectations(rows, states):
    Sigma = rows.covariance if rows.covariance.ndim == 2 else np.diag(rows.covariance)
    risk = [0.5 * np.trace(Sigma @ S) + 0.5 * rows.noise**2 for _, S in states]
    return {"population_risk": np.array(risk), "distance": [np.trace(S) for _, S in states]}


@pytest.mark.parametrize("d", [1, 3, 8])
@pytest.mark.parametrize("ridge", [0.0, 0.1])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("diagonal", [True, False])
def test_the_recursion_is_the_moments_of_the_algorithm(d, ridge, batch, diagonal):
    rows = population(d, ridge=ridge, diagonal=diagonal, seed=d)
    rate = 0.8 * hsgd.critical_learning_rate(rows, batch_size=batch, method="discrete")
    count = 60
    states = moments(rows, [rate] * count, [batch] * count)
    own = hsgd.Quadratic(np.diag(np.arange(1.0, d + 1)), np.ones(d), 0.3, name="own")
    curve = quiet(
        rows,
        hsgd.StreamingSGD(rate, batch),
        np.arange(count + 1) / d,
        statistics=("population_risk", "distance", own),
        method="discrete",
        rtol=1e-11,
    )
    expected = expectations(rows, states)
    x = [M + rows.coefficients for M, _ in states]
    second = [
        S + np.outer(m, rows.coefficients) + np.outer(rows.coefficients, M + rows.coefficients)
        for (M, S), m in zip(states, [s[0] for s in states], strict=True)
    ]
    expected["own"] = [
        0.5 * np.trace(own.matrix_ @ X) + own.linear @ point + 0.3
        for X, point in zip(second, x, strict=True)
    ]
    for name, values in expected.items():
        gap = np.abs(curve[name] - values)
        if name == "own" and not diagonal:
            # Its matrix does not share the eigenvectors: what is left out is said.
            assert (gap <= (curve[f"{name}_discrepancy"] + 1e-10) * np.abs(curve[name])).all()
            continue
        np.testing.assert_allclose(curve[name], values, rtol=1e-10, atol=1e-13, err_msg=name)
        assert (gap <= curve[f"{name}_error"] + 1e-14 * np.abs(values)).all()
        if name != "own":
            assert (curve[f"{name}_discrepancy"] == 0).all(), "nothing is approximated"


def test_the_bound_on_what_is_left_out_between_modes_is_attained():
    """Two modes with equal gradients: after one step all their noise is common to both."""
    start = np.array([1.0, 2.0])
    rows = hsgd.GaussianRows(np.array([0.6, 0.3]), np.zeros(2), 0.3, x0=start)
    own = hsgd.Quadratic([[3.0, 1.0], [1.0, 5.0]], name="own")
    for batch in (1, 3):
        (_, before), (_, S) = moments(rows, [0.4], [batch])
        algorithm = hsgd.StreamingSGD(0.4, batch)
        curve = quiet(rows, algorithm, [0.0, 0.5], statistics=own, method="discrete")
        exact = np.array([0.5 * np.trace(own.matrix_ @ moment) for moment in (before, S)])
        gap = exact - curve.own.values
        assert gap[1] > 0.01
        np.testing.assert_allclose(curve.own_discrepancy * curve.own, gap, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("ridge", [0.0, 0.1])
def test_schedules_of_rate_and_batch_size_are_stepped(ridge):
    rows = population(4, ridge=ridge)
    rates, sizes = hsgd.CosineDecay(0.9, 10.0, 0.1), hsgd.Piecewise((3.1, 7.0), (1, 2, 5))
    k = np.arange(50)
    batches = [1 if t < 3.1 else 2 if t < 7.0 else 5 for t in k / 4]
    states = moments(rows, rates(k / 4), batches)
    algorithm = hsgd.StreamingSGD(rates, sizes)
    curve = quiet(rows, algorithm, np.arange(51) / 4, method="discrete")
    for name, values in expectations(rows, states).items():
        np.testing.assert_allclose(curve[name], values, rtol=1e-12, err_msg=name)
    np.testing.assert_array_equal(curve.batch_size[:-1], batches)
    drawn = np.concatenate(([0], np.cumsum(batches)))
    np.testing.assert_allclose(curve.epoch * 4, drawn)


def test_stepping_and_solving_are_one_recursion():
    rows = population(30, ridge=0.05, seed=3)
    iterations = np.array([0, 1, 7, 100, 3000])
    for algorithm in (hsgd.StreamingSGD(0.9), hsgd.StreamingSGD(1.4, 4)):
        question = ask(rows, algorithm, method="discrete", rtol=1e-10)
        solved = question.solve(iterations)
        stepped = step_through(question, iterations)
        np.testing.assert_allclose(solved.loss()[0], stepped.loss()[0], rtol=1e-12)
        for curvatures in (np.ones(30), np.arange(30.0)):
            first, second = solved.noise(curvatures), stepped.noise(curvatures)
            np.testing.assert_allclose(first[0], second[0], rtol=1e-11, atol=1e-15)
            assert (np.abs(first[0] - second[0]) <= first[1] + second[1]).all()


def test_a_billion_iterations_cost_no_more():
    rows = population(200, seed=1)
    rate = 0.9 * hsgd.critical_learning_rate(rows, method="discrete")
    times = np.concatenate(([0.0], np.geomspace(1, 1e9, 40))) / 200
    curve = quiet(rows, hsgd.StreamingSGD(rate), times, method="discrete")
    assert curve.iteration[-1] == 10**9
    ends = hsgd.limits(rows, hsgd.StreamingSGD(rate), method="discrete")
    last = float(curve.population_risk[-1])
    assert last == pytest.approx(float(ends.limiting_population_risk), rel=1e-10)
    assert curve.attrs["status"] == "The tolerance is met at every requested time."


def test_ten_thousand_modes_of_a_power_law():
    # No matrix of d by d is made, and the limit agrees with the steps where d is so large.
    d = 10_000
    spectrum = np.arange(1, d + 1.0) ** -0.5
    rows = hsgd.GaussianRows(spectrum / spectrum.sum(), np.ones(d), 0.1)
    algorithm, times = hsgd.StreamingSGD(1.0), np.geomspace(1, 1e6, 7) / d
    limit = hsgd.predict(rows, algorithm, times, rtol=1e-6)
    question = ask(rows, algorithm, method="discrete", rtol=1e-9)
    stepped = step_through(question, limit.iteration.values[:5])
    exact = stepped.loss()[0] / d
    gap = np.abs(exact / limit.population_risk.values[:5] - 1)
    assert 1e-4 < gap.max() < 0.02
    np.testing.assert_allclose(limit.population_risk_discrepancy[:5], gap, atol=1e-6)
    # The last time is too far to be stepped to: the discrepancy before it stands.
    said = limit.population_risk_discrepancy.values
    assert said[6] == said[5] > 0


def test_a_mode_whose_powers_coincide_loses_no_digits():
    # γλ = ½ without ridge, and its neighbours: there the forcing's ratios a and q agree.
    for shift in (0.0, 1e-12, 1e-7, 1e-4):
        rows = hsgd.GaussianRows(
            np.array([1.0, 0.3]), np.array([1.0, -1.0]), 0.2, ridge=0.05, x0=np.array([0.4, 2.0])
        )
        h, rho = 1.0, 0.05
        # r(1−γr) = γh² at γ = r/(r²+h²).
        rate = (h + rho) / ((h + rho) ** 2 + h**2) * (1 + shift)
        iteration = ask(rows, hsgd.StreamingSGD(rate), method="discrete").stability.at(rate)
        near = (1 - iteration.settling) - (1 - iteration.step)
        assert np.abs(near).min() <= 1.1 * shift + 1e-15
        count = 40
        states = moments(rows, [rate] * count, [1] * count)
        curve = quiet(
            rows, hsgd.StreamingSGD(rate), np.arange(count + 1) / 2, method="discrete", rtol=1e-9
        )
        for name, values in expectations(rows, states).items():
            gap = np.abs(curve[name] - values)
            assert (gap <= 1e-9 * np.abs(values)).all(), (shift, name)
            assert (gap <= curve[f"{name}_error"] + 1e-15).all(), (shift, name)


@pytest.mark.parametrize("rate", [2.2, 5.0, 40.0])
def test_divergence_is_predicted_too(rate):
    # 2.2: noise alone; 5 and 40: beyond the curvature limit, where each mode grows by itself.
    rows = population(5, seed=2)
    states = moments(rows, [rate] * 30, [1] * 30)
    with pytest.warns(UserWarning, match="so the risk diverges: write StreamingSGD"):
        curve = hsgd.predict(rows, hsgd.StreamingSGD(rate), np.arange(31) / 5, method="discrete")
    for name, values in expectations(rows, states).items():
        np.testing.assert_allclose(curve[name], values, rtol=1e-9, err_msg=name)
    with pytest.warns(UserWarning, match="diverges|grows beyond"):
        late = hsgd.predict(rows, hsgd.StreamingSGD(rate), [1e8], method="discrete")
    assert late.population_risk[-1] == np.inf
    ends = hsgd.limits(rows, hsgd.StreamingSGD(rate), method="discrete")
    assert ends.attrs["regime"] == "unstable"
    growth = np.log(states_ratio(rows, states))
    assert -float(ends.rate) / 5 == pytest.approx(growth, rel=0.05)


def test_large_steps_that_only_their_limit_survives_are_warned_of():
    rows = hsgd.GaussianRows(1 / 50, np.ones(50), 0.3)
    steps = hsgd.critical_learning_rate(rows, batch_size=20, method="discrete")
    rate = 0.5 * (steps + hsgd.critical_learning_rate(rows, batch_size=20, method="hsgd"))
    with pytest.warns(UserWarning, match=r"steps of this size diverge above .* lower it, or pass"):
        limit = hsgd.predict(rows, hsgd.StreamingSGD(rate, 20), [0.0, 40.0], method="hsgd")
    assert limit.population_risk_discrepancy[-1] > 1


def test_a_limit_that_is_far_from_exact_says_so():
    rows = population(4)
    with pytest.warns(UserWarning, match="At d = 4 .* off by up to .*%: pass method='discrete'"):
        curve = hsgd.predict(rows, hsgd.StreamingSGD(0.9), np.linspace(0, 5, 11), method="hsgd")
    assert curve.attrs["expected_discrepancy"] > 0.1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        hsgd.predict(rows, hsgd.StreamingSGD(0.9), np.linspace(0, 5, 11))


def states_ratio(rows, states):
    risk = expectations(rows, states)["population_risk"]
    return risk[-1] / risk[-2]


def monte_carlo(rows, rate, batch, count, replicates, seed):
    """Plain SGD on fresh rows, many runs at once: risks, shape (count + 1, replicates)."""
    rng = np.random.default_rng(seed)
    d = rows.dimension
    X = np.tile(rows.x0, (replicates, 1))
    Sigma = rows.covariance if rows.covariance.ndim == 2 else np.diag(rows.covariance)
    root = np.linalg.cholesky(Sigma)
    risks = []
    for _ in range(count + 1):
        Z = X - rows.coefficients
        risks.append(0.5 * np.einsum("ri,ij,rj->r", Z, Sigma, Z) + 0.5 * rows.noise**2)
        gradient = rows.ridge * X
        for _ in range(batch):
            a = rng.standard_normal((replicates, d)) @ root.T
            residual = np.einsum("ri,ri->r", a, Z) - rows.noise * rng.standard_normal(replicates)
            gradient = gradient + a * (residual / batch)[:, None]
        X = X - rate * gradient
    return np.array(risks)


def largest_z(rows, curve, risks):
    gap = risks.mean(axis=1) - curve.population_risk.values
    error = risks.std(axis=1, ddof=1) / np.sqrt(risks.shape[1])
    return float(np.max(np.abs(gap[1:]) / error[1:]))


CASES = [(2, 0.0, 1), (2, 0.2, 1), (5, 0.0, 1), (5, 0.1, 3), (20, 0.0, 1), (20, 0.05, 2)]


@pytest.mark.parametrize(("d", "ridge", "batch"), CASES)
def test_against_plain_monte_carlo(d, ridge, batch):
    # 25 times, two-sided level 1e-4 in all: the largest |z| stays below 4.7.
    rows = population(d, ridge=ridge, seed=d)
    rate = 0.5 * hsgd.critical_learning_rate(rows, batch_size=batch, method="discrete")
    risks = monte_carlo(rows, rate, batch, 25, 20_000, seed=1)
    time = np.arange(26) / d
    exact = quiet(rows, hsgd.StreamingSGD(rate, batch), time, method="discrete")
    assert largest_z(rows, exact, risks) < 4.7
    limit = quiet(rows, hsgd.StreamingSGD(rate, batch), time, method="hsgd")
    if d <= 5:
        assert largest_z(rows, limit, risks) > 10, "the limit is visibly wrong here"


@pytest.mark.parametrize(("d", "ridge", "batch"), CASES)
def test_monte_carlo_would_notice_a_wrong_rate(d, ridge, batch):
    rows = population(d, ridge=ridge, seed=d)
    rate = 0.5 * hsgd.critical_learning_rate(rows, batch_size=batch, method="discrete")
    risks = monte_carlo(rows, rate, batch, 25, 20_000, seed=1)
    wrong = quiet(rows, hsgd.StreamingSGD(1.1 * rate, batch), np.arange(26) / d, method="discrete")
    assert largest_z(rows, wrong, risks) > 4.7


def test_the_limit_errs_like_one_over_d():
    sizes, gaps = np.array([20, 40, 80, 160]), []
    for d in sizes:
        rows = hsgd.GaussianRows(1 / d, np.ones(d) / d**0.5, 0.5, ridge=0.1 / d)
        time = np.linspace(0.5, 6, 12)
        limit = quiet(rows, hsgd.StreamingSGD(0.8), time, method="hsgd")
        exact = quiet(rows, hsgd.StreamingSGD(0.8), time, method="discrete")
        gap = np.abs(limit.population_risk / exact.population_risk - 1).max()
        gaps.append(float(gap))
        # The limit reports that very difference as what to expect.
        reported = limit.population_risk_discrepancy.values
        true = np.abs(exact.population_risk / limit.population_risk - 1).values
        np.testing.assert_allclose(reported, true, rtol=1e-3, atol=1e-7)
    slopes = np.diff(np.log(gaps)) / np.diff(np.log(sizes))
    np.testing.assert_allclose(slopes, -1.0, atol=0.1)


def test_the_slope_is_not_minus_one_without_the_noise_of_the_labels(monkeypatch):
    # Negative control: a limit that forgets the label noise in the gradient does not converge.
    gaps = []
    for d in (20, 80):
        rows = hsgd.GaussianRows(1 / d, np.ones(d) / d**0.5, 0.5)
        silent = rows.replace(noise=0.0)
        time = np.linspace(0.5, 6, 12)
        exact = quiet(rows, hsgd.StreamingSGD(0.8), time, method="discrete").population_risk
        wrong = quiet(silent, hsgd.StreamingSGD(0.8), time, method="hsgd").population_risk + 0.125
        gaps.append(float(np.abs(wrong / exact - 1).max()))
    assert np.log(gaps[1] / gaps[0]) / np.log(4) > -0.3


def test_closed_form_of_the_isotropic_floor():
    d, eta, rate = 40, 0.7, 0.9
    rows = hsgd.GaussianRows(1 / d, np.zeros(d), eta)
    ends = hsgd.limits(rows, hsgd.StreamingSGD(rate), method="hsgd")
    floor = eta**2 / 2 + rate * eta**2 / (2 * (2 - rate))
    assert float(ends.limiting_population_risk) == pytest.approx(floor, rel=1e-12)
    limit = hsgd.critical_learning_rate(rows, batch_size=3, method="hsgd")
    assert limit == pytest.approx(6.0, rel=1e-12)
    # Exactly, at finite d: s = 1 − 2γ/d + γ²(d+2)/d² per direction, critical at γ = 2d/(d+2).
    exact = hsgd.critical_learning_rate(rows)
    assert exact == pytest.approx(2 * d / (d + 2), rel=1e-12)
    # A batch divides what a single draw adds: γ = 2dB/(B + d + 1), beyond d for B > d + 1.
    for batch in (3, 100):
        exact = hsgd.critical_learning_rate(rows, batch_size=batch, method="discrete")
        assert exact == pytest.approx(2 * d * batch / (batch + d + 1), rel=1e-12)


def test_at_rest_nothing_moves():
    rows = population(3, ridge=0.1)
    for method in ("hsgd", "discrete"):
        curve = hsgd.predict(rows, hsgd.StreamingSGD(0.0), [0.0, 5.0], method=method)
        start = rows.population.risk.values(rows.x0[None])[0]
        np.testing.assert_allclose(curve.population_risk, start, rtol=1e-14)
        ends = hsgd.limits(rows, hsgd.StreamingSGD(0.0), method=method)
        assert float(ends.limiting_population_risk) == pytest.approx(start, rel=1e-14)


def test_directions_that_no_row_sees_keep_their_start_or_fade():
    covariance = np.diag([1.0, 0.5, 0.0])
    for ridge in (0.0, 0.1):
        rows = hsgd.GaussianRows(covariance, np.ones(3), x0=np.array([0, 0, 2.0]), ridge=ridge)
        states = moments(rows, [0.5] * 20, [1] * 20)
        curve = quiet(rows, hsgd.StreamingSGD(0.5), np.arange(21) / 3, method="discrete")
        np.testing.assert_allclose(curve.distance, expectations(rows, states)["distance"])


def test_directions_that_no_row_sees_are_no_modes():
    """In a rotated basis their eigenvalues are rounding, by which nothing may be divided."""
    Q = np.linalg.qr(np.random.default_rng(0).normal(size=(6, 6)))[0]
    rows = hsgd.GaussianRows((Q * [4.0, 2.0, 1.0, 0, 0, 0]) @ Q.T, np.ones(6))
    ends = hsgd.limits(rows, hsgd.StreamingSGD(0.1))
    assert float(ends.condition_number) == pytest.approx(4.0, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"algorithm": hsgd.SGD(0.1)}, r"problem\.sample\(n, seed\)"),
        ({"algorithm": hsgd.SignSGD(0.1)}, r"pass hsgd.StreamingSGD"),
        ({"statistics": "empirical_risk"}, "needs fixed rows"),
        ({"method": "mean_field"}, "is for SGD, HeavyBall and Nesterov, not for"),
        (
            {
                "algorithm": hsgd.StreamingSGD(hsgd.PowerDecay(0.1, 0.5)),
                "time": [1e12],
                "method": "discrete",
            },
            "shorten time, or use method='hsgd'",
        ),
    ],
)
def test_bad_arguments_get_one_sentence(arguments, message):
    options = {"algorithm": hsgd.StreamingSGD(0.1), "time": [0.0, 1.0], **arguments}
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        hsgd.predict(population(4), **options)
    assert "\n" not in str(caught.value)


def test_many_modes_and_few_iterations_are_stepped_through(monkeypatch):
    """Ten thousand modes would take the closed form a quarter of a minute."""
    rows, time = population(12), np.linspace(0, 10, 7)
    solved = quiet(rows, hsgd.StreamingSGD(0.4), time)
    monkeypatch.setattr(discrete, "MANY_MODES", 10)
    stepped = quiet(rows, hsgd.StreamingSGD(0.4), time, method="discrete")
    assert stepped.attrs["solver"] == "stepping"
    np.testing.assert_allclose(stepped.population_risk, solved.population_risk, rtol=1e-11)
    late = quiet(rows, hsgd.StreamingSGD(0.4), [100.0], method="discrete")
    assert late.attrs["solver"] != "stepping"
    monkeypatch.setattr(discrete, "MOST_STEPPED", 12 * 12)  # more than that would be refused
    solved = quiet(rows, hsgd.StreamingSGD(0.4), time, method="discrete")
    assert solved.attrs["solver"] != "stepping"
