"""The finite-step theory of data: its own recursion, the exact mean, batches and momentum."""

from fractions import Fraction

import mpmath
import numpy as np
import pytest

import hsgd
from hsgd.theory.asking import ask
from hsgd.theory.dynamics.discrete import power
from hsgd.theory.dynamics.stepping import check_work, step_through
from hsgd.theory.spectra.providers import modes
from hsgd.theory.stability.iteration import Iteration
from tests.hsgd.reference import expectation
from tests.hsgd.test_prediction import SHAPES, expanded, problem_of, quiet


def moments(problem, factors, rates, momentum=0.0, nesterov=False):
    """E x and E xxᵀ of the linear iteration with noise 2φγ²(L/n)(H/n), in no basis at all.

    The state is (x, previous x), so momentum needs no formula of its own. The noise of homogenized
    SGD in finite steps: docs, theory page, "Finite steps".
    """
    A, b, n, d = problem.A, problem.b, problem.num_rows, problem.dimension
    H, g, I = A.T @ A / n, A.T @ b / n, np.eye(d)
    ridge = problem.ridge / n
    M = np.concatenate((problem.x0, problem.x0))
    S = np.outer(M, M)
    states = [np.concatenate((S[:d, :d].ravel(), M[:d], [1.0]))]
    look = np.hstack(((1 + momentum) * I, -momentum * I)) if nesterov else np.hstack((I, 0 * I))
    for rate, phi in zip(rates, factors, strict=True):
        step = I - rate * (H + ridge * I)
        T = np.block([[step @ look], [I, 0 * I]])
        if not nesterov:
            T[:d] += np.hstack((momentum * I, -momentum * I))
        c = np.concatenate((rate * g, np.zeros(d)))
        y, Y = look @ M, look @ S @ look.T
        risk = 0.5 * (np.trace(A.T @ A @ Y) - 2 * (A.T @ b) @ y + b @ b) / n
        S = T @ S @ T.T + np.outer(T @ M, c) + np.outer(c, T @ M) + np.outer(c, c)
        S[:d, :d] += 2 * phi * rate**2 * risk * H
        M = T @ M + c
        states.append(np.concatenate((S[:d, :d].ravel(), M[:d], [1.0])))
    return np.array(states)


def check(problem, algorithm, factors, rates, **rule):
    states = moments(problem, factors, rates, **rule)
    time = np.arange(len(rates) + 1) / problem.num_rows
    curve = quiet(problem, algorithm, time, method="discrete", rtol=1e-10)
    for name, (M, linear, constant) in expanded(problem).items():
        expected = expectation(states, M, linear, constant)
        # The reference adds moments, so its rounding is relative to the largest of them.
        floor = 1e-15 * (np.abs(states[:, :-1]).max(axis=1) * np.abs(M).sum() + abs(constant))
        gap = np.abs(curve[name].values - expected)
        assert (gap <= 1e-10 * np.abs(expected) + 100 * floor).all(), name
        assert (gap <= curve[f"{name}_error"].values + 100 * floor).all(), name
    return curve


BATCHES = [(1, "with_replacement"), (3, "with_replacement"), (3, "subset")]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ridge", [0.0, 0.4])
@pytest.mark.parametrize(("batch", "sampling"), BATCHES)
def test_finite_steps_are_the_moments_of_the_iteration(shape, ridge, batch, sampling):
    problem = problem_of(**SHAPES[shape], ridge=ridge)
    critical = hsgd.critical_learning_rate(
        problem, batch_size=batch, sampling=sampling, method="discrete"
    )
    algorithm = hsgd.SGD(0.9 * critical, batch, sampling)
    factor = algorithm.noise_factor(problem.num_rows)
    check(problem, algorithm, [factor] * 60, [0.9 * critical] * 60)


@pytest.mark.parametrize("fraction", [1.05, 3.0])
def test_beyond_critical_and_beyond_the_curvature_limit(fraction):
    problem = problem_of(n=12, d=5, ridge=0.2)
    rate = fraction * hsgd.critical_learning_rate(problem, batch_size=4, method="discrete")
    check(problem, hsgd.SGD(rate, 4), [0.25] * 40, [rate] * 40)


def test_a_mode_at_rest_is_no_number_times_infinity():
    """Far beyond the curvature limit all powers overflow, also of the mode that starts at 0."""
    problem = hsgd.LeastSquares(np.diag([2.0, 1.0]), [2.0, 1.0], x0=[3.0, 1.0])
    curve = quiet(problem, hsgd.SGD(10.0), [0.0, 2000.0], method="discrete")
    assert all(np.isposinf(curve[name][1]) for name in ("empirical_risk", "distance"))
    assert not any(np.isnan(curve[name]).any() for name in curve.data_vars)


def test_schedules_of_rate_and_batch_size():
    problem = problem_of(n=9, d=4, ridge=0.2)
    rates, sizes = hsgd.PowerDecay(1.0, 0.5), hsgd.Piecewise((1.0, 2.5), (1, 3, 9))
    time = np.arange(40) / 9
    batches = np.array([1 if t < 1 else 3 if t < 2.5 else 9 for t in time])
    algorithm = hsgd.SGD(rates, sizes, "subset")
    factors = (9 - batches) / (batches * 8)
    check(problem, algorithm, factors, rates(time))


def test_batch_schedules_in_the_limit_of_small_steps():
    # Homogenized SGD with a batch schedule is homogenized SGD segment by segment.
    problem = problem_of(n=40, d=15, ridge=0.3)
    first = quiet(problem, hsgd.SGD(0.6, 2), [0.0, 2.0], method="hsgd")
    sizes = hsgd.Piecewise((2.0,), (2, 5))
    both = quiet(problem, hsgd.SGD(0.6, sizes), [0.0, 1.0, 2.0, 3.0], method="hsgd", rtol=1e-10)
    assert both.empirical_risk[2] == pytest.approx(float(first.empirical_risk[1]), rel=1e-9)
    rates = np.full(40_000, 0.6e-2)
    factors = np.where(np.arange(40_000) < 200 * 40, 0.5e2, 0.2e2)
    fine = moments(problem, factors[:12_000], rates[:12_000])
    M, linear, constant = expanded(problem)["empirical_risk"]
    risk = expectation(fine, M, linear, constant)
    # A hundred times smaller steps with a hundred times the noise: error O(1/100) of the steps.
    np.testing.assert_allclose(both.empirical_risk, risk[[0, 4000, 8000, 12000]], rtol=3e-3)


@pytest.mark.parametrize("kind", [hsgd.HeavyBall, hsgd.Nesterov])
@pytest.mark.parametrize("ridge", [0.0, 0.4])
@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
@pytest.mark.parametrize("shape", ["tall", "wide"])
def test_momentum_is_the_moments_of_the_iteration(kind, ridge, momentum, shape):
    problem = problem_of(**SHAPES[shape], ridge=ridge)
    algorithm = kind(0.25, momentum, batch_size=2, sampling="subset")
    factor = algorithm.noise_factor(problem.num_rows)
    rule = {"momentum": momentum, "nesterov": kind is hsgd.Nesterov}
    check(problem, algorithm, [factor] * 80, [0.25] * 80, **rule)


def test_without_momentum_it_is_sgd():
    problem = problem_of(n=20, d=6, ridge=0.1)
    time = np.linspace(0, 5, 11)
    plain = quiet(problem, hsgd.SGD(0.7, 2), time, method="discrete")
    for kind in (hsgd.HeavyBall, hsgd.Nesterov):
        same = quiet(problem, kind(0.7, 0.0, 2), time)
        for name in ("empirical_risk", "population_risk", "distance"):
            np.testing.assert_allclose(same[name], plain[name], rtol=1e-11)


def test_stepping_and_solving_are_one_recursion():
    problem = problem_of(n=60, d=30, ridge=0.1)
    iterations = np.array([0, 1, 5, 60, 5000])
    for algorithm in (hsgd.SGD(0.9), hsgd.SGD(4.0, 8, "subset")):
        question = ask(problem, algorithm, method="discrete", rtol=1e-10).but(excess=1.1)
        solved = question.solve(iterations)
        stepped = step_through(question, iterations)
        np.testing.assert_allclose(solved.loss()[0], stepped.loss()[0], rtol=1e-11)
        noise = solved.noise(np.ones(30)), stepped.noise(np.ones(30))
        # The solved equation drives others with the unscaled kernel, the stepped one divides.
        np.testing.assert_allclose(noise[0][0], noise[1][0], rtol=1e-11)


@pytest.mark.parametrize(("decrement", "k"), [(1e-14, 10**14), (1e-9, 10**10), (0.3, 7), (1.7, 5)])
def test_powers_of_what_is_nearly_one_keep_their_digits(decrement, k):
    with mpmath.workdps(40):
        exact = float((1 - mpmath.mpf(decrement)) ** k)
    assert float(power(decrement, np.array([k]))[0]) == pytest.approx(exact, rel=1e-13)


def one_mode(algorithm, k):
    """Risk at iteration k and its error, for one row and x from 1 to 0, without noise."""
    problem = hsgd.LeastSquares(np.ones((1, 1)), np.zeros(1), x0=np.ones(1))
    curve = quiet(problem, algorithm, [0.0, k], statistics="empirical_risk", method="discrete")
    assert curve.attrs["solver"] == "stepping"
    return mpmath.mpf(float(curve.empirical_risk[1])), float(curve.empirical_risk_error[1])


def test_every_step_is_rounded_and_the_error_counts_them():
    """1 − γ lies half-way between two numbers, so that every step errs on the same side."""
    rate, k = 2.0**-17 + 2.0**-54, 10**5
    value, error = one_mode(hsgd.SGD(hsgd.Piecewise((1.0,), (rate, rate)), 1, "subset"), k)
    with mpmath.workdps(40):
        exact = (1 - mpmath.mpf(rate)) ** (2 * k) / 2
        gap = float(abs(value - exact) / exact)
    assert gap == pytest.approx(2 * k * 2.0**-54, rel=0.01)
    assert gap * float(exact) <= error < 1e3 * gap * float(exact)


def test_momentum_enlarges_what_every_step_rounds():
    """The rate whose 1 − γ + momentum is rounded most; the roots of the recursion feel it a lot."""
    momentum, k = 0.99, 20_000
    exactly = [Fraction(rate) for rate in 2.0**-20 * (1 + np.arange(40) / 41)]
    lost = [abs(Fraction(1 - float(g) + momentum) - 1 + g - Fraction(momentum)) for g in exactly]
    rate = exactly[int(np.argmax(lost))]
    value, error = one_mode(hsgd.HeavyBall(float(rate), momentum, 1, "subset"), k)
    with mpmath.workdps(60):
        mu = mpmath.mpf(momentum)
        alpha = 1 - mpmath.mpf(float(rate)) + mu
        root = mpmath.sqrt(alpha**2 - 4 * mu)
        z, w = (alpha + root) / 2, (alpha - root) / 2
        # e = c z^k + (1 − c) w^k with e₀ = e₋₁ = 1
        c = (1 - 1 / w) / (1 / z - 1 / w)
        exact = (c * z**k + (1 - c) * w**k) ** 2 / 2
        gap = float(abs(value - exact))
    assert gap > 20 * k * np.finfo(float).eps * float(exact)
    assert gap <= error < 1e3 * gap


def test_work_is_modes_times_iterations():
    """2·10⁹ steps of one mode take seconds, of 200 modes half an hour."""
    few, many = (modes(hsgd.GaussianRows(1.0, np.ones(d))) for d in (1, 200))
    assert check_work(few, 2 * 10**9) is None
    with pytest.raises(ValueError, match=r"200 modes would take about \d+ minutes"):
        check_work(many, 2 * 10**9)


def test_single_sample_heavy_ball_is_sgd_at_a_larger_rate():
    # At γ and momentum Δ as SGD at γ/(1−Δ): exactly so in the limit, to O(1/n) here.
    gaps = []
    for n in (200, 800):
        rng = np.random.default_rng(0)
        problem = hsgd.GaussianRows(2 / n, rng.normal(size=n // 2), 0.3).sample(n, 0)
        time = np.linspace(1, 8, 8)
        heavy = quiet(problem, hsgd.HeavyBall(0.3, 0.5), time).empirical_risk
        plain = quiet(problem, hsgd.SGD(0.6), time, method="discrete").empirical_risk
        other = quiet(problem, hsgd.SGD(0.3), time, method="discrete").empirical_risk
        gaps.append(float(np.abs(heavy / plain - 1).max()))
        assert float(np.abs(heavy / other - 1).max()) > 0.2
    assert gaps[1] < 0.4 * gaps[0] < 0.02


def runs_of(problem, rate, momentum, batch, count, replicates, seed, nesterov=False):
    """A plain loop over runs and steps: risks, shape (count + 1, replicates)."""
    rng = np.random.default_rng(seed)
    A, b, n = problem.A, problem.b, problem.num_rows
    out = np.empty((count + 1, replicates))
    for run in range(replicates):
        x = before = problem.x0
        for k in range(count + 1):
            out[k, run] = np.mean((A @ x - b) ** 2) / 2
            rows = rng.permutation(n)[:batch]
            y = x + momentum * (x - before) if nesterov else x
            gradient = A[rows].T @ (A[rows] @ y - b[rows]) / batch + problem.ridge / n * y
            new = y - rate * gradient
            if not nesterov:
                new = new + momentum * (x - before)
            x, before = new, x
    return out


# Fraction of the rows per batch, fraction of the critical rate, momentum: four settings.
MOMENTUM = [(0.05, 0.5, 0.5), (0.1, 0.3, 0.9), (0.25, 0.5, 0.8), (0.5, 0.6, 0.6)]


def momentum_setting(zeta, fraction, momentum):
    rng = np.random.default_rng(5)
    rows = hsgd.GaussianRows(1 / 60, rng.normal(size=60), 0.5, ridge=1e-3, x0=rng.normal(size=60))
    problem = rows.sample(240, 0)
    options = {"batch_size": int(zeta * 240), "sampling": "subset"}
    rate = fraction * hsgd.critical_learning_rate(problem, momentum=momentum, **options)
    return problem, hsgd.HeavyBall(rate, momentum, **options), rate


@pytest.mark.parametrize(("zeta", "fraction", "momentum"), MOMENTUM)
def test_heavy_ball_against_a_plain_loop(zeta, fraction, momentum):
    problem, algorithm, rate = momentum_setting(zeta, fraction, momentum)
    count, replicates = 120, 48
    risks = runs_of(problem, rate, momentum, algorithm.batch_size, count, replicates, 1)
    curve = quiet(problem, algorithm, np.arange(count + 1) / 240, statistics="empirical_risk")
    gap = np.abs(risks.mean(axis=1) / curve.empirical_risk.values - 1)
    error = risks.std(axis=1, ddof=1) / np.sqrt(replicates) / curve.empirical_risk.values
    # 120 dependent times at 4.5 standard errors, plus 2% for n = 240.
    assert (gap[1:] <= 4.5 * error[1:] + 0.02).all(), (gap - 4.5 * error).max()
    # Negative control: SGD at the same rate is told apart, and so is a rate 15% off.
    for other in (
        hsgd.HeavyBall(rate, 0.0, algorithm.batch_size, "subset"),
        hsgd.HeavyBall(1.15 * rate, momentum, algorithm.batch_size, "subset"),
    ):
        wrong = quiet(problem, other, np.arange(count + 1) / 240, statistics="empirical_risk")
        gap = np.abs(risks.mean(axis=1) / wrong.empirical_risk.values - 1)
        assert (gap[1:] > 4.5 * error[1:] + 0.02).any()


def test_nesterov_against_a_plain_loop():
    problem, heavy, rate = momentum_setting(0.25, 0.5, 0.8)
    algorithm = hsgd.Nesterov(rate, 0.8, heavy.batch_size, "subset")
    risks = runs_of(problem, rate, 0.8, heavy.batch_size, 100, 48, 2, nesterov=True)
    options = {"statistics": "empirical_risk"}
    curve = quiet(problem, algorithm, np.arange(101) / 240, **options).empirical_risk.values
    wrong = quiet(problem, heavy, np.arange(101) / 240, **options).empirical_risk.values
    error = 4.5 * risks.std(axis=1, ddof=1) / np.sqrt(48) + 0.02 * curve
    assert (np.abs(risks.mean(axis=1) - curve)[1:] <= error[1:]).all()
    assert (np.abs(risks.mean(axis=1) - wrong)[1:] > error[1:]).any(), "heavy ball is not it"


STATISTICS = ("empirical_risk", "population_risk", "distance")


def gaps_to_the_exact_mean(ratio, batch, sampling, method, d, seed):
    """Largest relative error over epochs 1–4 of each statistic, with ridge and start."""
    rng = np.random.default_rng(1000 + seed)
    n = int(d * ratio)
    rows = hsgd.GaussianRows(1 / d, rng.normal(size=d), 0.5, ridge=0.1 / n, x0=rng.normal(size=d))
    problem = rows.sample(n, seed)
    rate = 0.4 * hsgd.critical_learning_rate(problem, batch_size=batch, sampling=sampling)
    algorithm, time = hsgd.SGD(rate, batch, sampling), np.arange(1.0, 5.0)
    exact = hsgd.exact_mean(problem, algorithm, time)
    theory = quiet(problem, algorithm, time, method=method)
    return [float(np.abs(theory[name] / exact[name] - 1).max()) for name in STATISTICS]


def slopes(ratio, batch, sampling, method, sizes, seeds):
    """Log-log slopes of the mean error against n, per statistic, with standard errors."""
    gaps = np.array(
        [
            [gaps_to_the_exact_mean(ratio, batch, sampling, method, d, s) for s in seeds]
            for d in sizes
        ]
    )
    mean = gaps.mean(axis=1)
    error = gaps.std(axis=1, ddof=1) / np.sqrt(len(seeds)) / mean
    x = np.log(sizes) - np.mean(np.log(sizes))
    return x @ np.log(mean) / (x @ x), np.sqrt(x**2 @ error**2) / (x @ x)


RULES = [(1, "with_replacement"), (4, "with_replacement"), (4, "subset")]


@pytest.mark.parametrize("ratio", [2.0, 0.5])
@pytest.mark.parametrize(("batch", "sampling"), RULES)
def test_every_statistic_errs_like_one_over_n(ratio, batch, sampling):
    sizes = [15, 30, 60] if ratio > 1 else [20, 40, 80]
    slope, error = slopes(ratio, batch, sampling, "discrete", sizes, range(8))
    # Three standard errors; at n = 10 the law is only beginning to hold, which costs 0.1.
    assert (np.abs(slope + 1.0) <= 3.0 * error + 0.1).all(), (slope, error)


# Left out are settings whose batch is near the critical size at these n: there steps are not small
# yet (homogenized SGD), or the batch is most of the rows.
LARGER = [
    *(("hsgd", 2.0, *rule) for rule in RULES),
    ("hsgd", 0.5, *RULES[0]),
    *(("discrete", 2.0, *rule) for rule in (*RULES, (16, "with_replacement"), (16, "subset"))),
    *(("discrete", 0.5, *rule) for rule in RULES),
]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "ratio", "batch", "sampling"), LARGER)
def test_every_statistic_errs_like_one_over_n_larger(method, ratio, batch, sampling):
    slope, error = slopes(ratio, batch, sampling, method, [40, 80, 160], range(16))
    assert (np.abs(slope + 1.0) <= 3.0 * error + 0.1).all(), (slope, error)


def test_a_wrong_noise_has_no_such_slope(monkeypatch):
    # Negative control: the batch's noise twice too large does not go away with n.
    right = Iteration.gain.fget
    monkeypatch.setattr(Iteration, "gain", property(lambda self: 2 * right(self)))
    slope, _ = slopes(2.0, 1, "subset", "discrete", [20, 80], range(4))
    assert (slope > -0.5).all()


def test_large_batches_need_finite_steps():
    # Where γλ/n is not small, the limit of small steps is far off and its twin is not.
    rng = np.random.default_rng(0)
    problem = hsgd.GaussianRows(1 / 100, rng.normal(size=100), 0.3).sample(200, 0)
    rate = 0.6 * hsgd.critical_learning_rate(
        problem, batch_size=50, sampling="subset", method="discrete"
    )
    algorithm, time = hsgd.SGD(rate, 50, "subset"), np.arange(1, 40) / 200
    options = {"statistics": "empirical_risk"}
    exact = hsgd.exact_mean(problem, algorithm, time, **options).empirical_risk
    limit = quiet(problem, algorithm, time, method="hsgd", **options).empirical_risk
    steps = quiet(problem, algorithm, time, method="discrete", **options).empirical_risk
    assert float(np.abs(limit / exact - 1).max()) > 0.15
    assert float(np.abs(steps / exact - 1).max()) < 0.05
    # The limit says so itself, at every time.
    said = quiet(problem, algorithm, time, method="hsgd", **options).empirical_risk_discrepancy
    assert (said > 0.5 * np.abs(exact / limit - 1) - 0.01).all()
    full = hsgd.SGD(rate, 200, "subset")
    descent = quiet(problem, full, time, method="discrete")
    np.testing.assert_allclose(descent.empirical_risk, descent.empirical_risk_gradient_flow)
    same = hsgd.exact_mean(problem, full, time, **options).empirical_risk
    np.testing.assert_allclose(descent.empirical_risk, same, rtol=1e-10)


def test_large_steps_that_only_their_limit_survives_are_warned_of():
    problem = hsgd.GaussianRows(1 / 100, np.ones(100), 0.3).sample(200, 0)
    batch = {"batch_size": 40, "sampling": "subset"}
    steps = hsgd.critical_learning_rate(problem, method="discrete", **batch)
    rate = 0.5 * (steps + hsgd.critical_learning_rate(problem, method="hsgd", **batch))
    assert rate > 1.05 * steps
    with pytest.warns(UserWarning, match="SGD on these rows turns unstable"):
        limit = hsgd.predict(problem, hsgd.SGD(rate, **batch), [0.0, 40.0], method="hsgd")
    assert limit.empirical_risk_discrepancy[-1] > 1
    with pytest.warns(UserWarning, match="so the risk diverges: write SGD"):
        hsgd.predict(problem, hsgd.SGD(rate, **batch), [0.0, 1.0], method="discrete")


@pytest.mark.parametrize(
    ("algorithm", "options", "message"),
    [
        (hsgd.HeavyBall(0.1, 0.9), {"method": "hsgd"}, "pass method='discrete' for HeavyBall"),
        (
            hsgd.Nesterov(0.1, 0.9, sampling="reshuffle"),
            {"method": "discrete"},
            "independent batches",
        ),
        (hsgd.HeavyBall(0.1, 0.9, 99, "subset"), {}, "at most 9"),
        (hsgd.HeavyBall(0.1, 0.9), {"time": [1e14]}, "shorten time"),
        (hsgd.SGD(0.1, hsgd.Piecewise((1,), (1, 99)), "subset"), {}, "at most 9"),
    ],
)
def test_bad_arguments_get_one_sentence(algorithm, options, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        hsgd.predict(problem_of(), algorithm, **{"time": [0.0, 1.0], **options})
    assert "\n" not in str(caught.value)
