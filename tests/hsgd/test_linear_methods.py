"""Every linear method against second moments of all its vectors together, written out."""

import numpy as np
import pytest
import scipy.linalg

import hsgd
import simulate
from validation import compare

ETA, RIDGE = 0.3, 0.02


def population(d, dense=True):
    """Gaussian rows, most of whose directions mix."""
    rng = np.random.default_rng(d)
    basis = np.linalg.qr(rng.standard_normal((d, d)))[0] if dense else np.eye(d)
    covariance = (basis * (np.arange(1, d + 1) ** -0.9)) @ basis.T
    covariance = 0.5 * (covariance + covariance.T) if dense else np.diag(covariance).copy()
    start = rng.standard_normal(d) / 2
    return hsgd.GaussianRows(covariance, np.ones(d), ETA, ridge=RIDGE, x0=start)


def written_out(rows, start, query, readouts, steps, size, last):
    """Risks at each readout before every iteration, from E ZZᵀ of all vectors and a one."""
    d, m = rows.dimension, len(start)
    S = rows.covariance if rows.covariance.ndim == 2 else np.diag(rows.covariance)
    beta, eye = rows.coefficients, np.eye(d)
    z = np.append(np.kron(start, rows.x0 - beta), 1.0)
    E, found = np.outer(z, z), []
    for k in range(last + 1):
        pick = [np.kron(r, eye) for r in readouts]
        found.append([0.5 * (np.trace(S @ p @ E[:-1, :-1] @ p.T) + ETA**2) for p in pick])
        A, b = steps(k)
        # Parameters are relative to beta, towards which the ridge does not pull.
        M = np.zeros((m * d + 1, m * d + 1))
        M[:-1, :-1] = np.kron(A, eye) - np.kron(np.outer(b, query), S + RIDGE * eye)
        M[:-1, -1] = -np.kron(b, RIDGE * beta)
        M[-1, -1] = 1.0
        c = np.kron(query, eye)
        Q = c @ E[:-1, :-1] @ c.T
        spread = ((np.trace(S @ Q) + ETA**2) * S + S @ Q @ S) / size
        E = M @ E @ M.T
        E[:-1, :-1] += np.kron(np.outer(b, b), spread)
    return np.array(found).T


def rate(k, d):
    return 0.15 / (1.0 + k / d)


SCHEDULE = hsgd.PowerDecay(0.15, 1.0)


def streaming(d):
    def steps(k):
        g, a = rate(k, d), 0.1
        return np.array([[1, 0], [a, 1 - a]]), np.array([g, a * g])

    algorithm = hsgd.StreamingSGD(SCHEDULE, 2, averaging=hsgd.EMA(0.1))
    return algorithm, ([1, 1], [1, 0], [[1, 0], [0, 1]], steps)


def nesterov(d):
    def steps(k):
        g, mu, a = rate(k, d), 0.7, 4.0 / (k + 4.0)
        A = np.array([[1 + mu, -mu, 0], [1, 0, 0], [a * (1 + mu), -a * mu, 1 - a]])
        return A, np.array([g, 0, a * g])

    algorithm = hsgd.Nesterov(SCHEDULE, 0.7, 2, averaging=hsgd.PowerAverage(3.0))
    return algorithm, ([1, 1, 1], [1.7, -0.7, 0], [[1, 0, 0], [0, 0, 1]], steps)


def heavy_ball(d):
    def steps(k):
        return np.array([[1.8, -0.8], [1, 0]]), np.array([rate(k, d), 0])

    return hsgd.HeavyBall(SCHEDULE, 0.8, 2), ([1, 1], [1, 0], [[1, 0]], steps)


def schedule_free(d):
    def steps(k):
        c = 1.0 / (k + 1)
        return np.array([[1, 0], [c, 1 - c]]), rate(k, d) * np.array([1, c])

    return hsgd.ScheduleFree(SCHEDULE, 0.8, 2), ([1, 1], [0.2, 0.8], [[0, 1]], steps)


def dana(d):
    def steps(k):
        forget, third = min(4.0 / (1 + k), 1.0), 0.15 / d
        A = np.array([[1, -third * (1 - forget)], [0, 1 - forget]])
        return A, np.array([0.15 + third, -1.0])

    algorithm = hsgd.DANA.constant(population(d), 0.15, batch_size=2)
    return algorithm, ([1, 0], [1, 0], [[1, 0]], steps)


KINDS = {f.__name__: f for f in (streaming, nesterov, heavy_ball, schedule_free, dana)}


@pytest.mark.parametrize("d", [5, 20])
@pytest.mark.parametrize("kind", KINDS)
def test_streaming_is_exact_at_every_dimension(kind, d):
    algorithm, matrices = KINDS[kind](d)
    rows, last = population(d), 6 * d
    start, query, readouts, steps = matrices
    size = int(algorithm.batch_size)
    expected = written_out(rows, *map(np.array, (start, query, readouts)), steps, size, last)
    found = hsgd.predict(rows, algorithm, np.arange(last + 1) / d)
    np.testing.assert_allclose(found.population_risk, expected[0], rtol=1e-10)
    assert (found.population_risk_discrepancy < 1e-10).all()
    if len(readouts) > 1:
        np.testing.assert_allclose(found.population_risk_averaged, expected[1], rtol=1e-10)
    # A control: without the mean's own share in the noise it is another curve.
    free = written_out(rows, *map(np.array, (start, query, readouts)), steps, 2 * size, last)
    assert np.abs(free[0] / expected[0] - 1).max() > 0.01


SIX = {
    "sgd": hsgd.StreamingSGD(0.15, averaging=hsgd.EMA(0.02)),
    "batches": hsgd.StreamingSGD(0.15, 3, averaging=hsgd.TailAverage(2.0)),
    "momentum": hsgd.HeavyBall(0.05, 0.6, averaging=hsgd.PowerAverage()),
    "nesterov": hsgd.Nesterov(0.05, 0.6, averaging=hsgd.EMA(0.3)),
    "schedule-free": hsgd.ScheduleFree(0.2),
    "dana": hsgd.DANA.constant(population(60, dense=False), 0.05),
}


@pytest.mark.parametrize("kind", SIX)
def test_runs_agree_and_another_rate_does_not(kind):
    rows, times = population(60, dense=False), np.linspace(0.0, 12.0, 7)
    algorithm = SIX[kind]
    theory = hsgd.predict(rows, algorithm, times)
    runs = simulate.sgd(rows, algorithm, times, num_replicates=400, seed=5)
    assert set(runs.data_vars) <= set(theory.data_vars)
    assert compare(theory, runs).attrs["agrees"]
    other = algorithm.replace(learning_rate=1.3 * algorithm.learning_rate)
    wrong = hsgd.predict(rows, other, times).assign_attrs(theory.attrs)
    assert not compare(wrong.assign_coords(theory.coords), runs).attrs["agrees"]


MIXED = np.array([1.0, -2.0, 0.5, 3.0])


def data(ridge=0.3):
    rng = np.random.default_rng(0)
    A = rng.standard_normal((150, 40)) / 6
    b = A @ np.ones(40) + 0.2 * rng.standard_normal(150)
    return hsgd.LeastSquares(A, b, ridge=ridge, x0=rng.standard_normal(40))


MATRICES = {
    "heavy ball": (hsgd.HeavyBall(0.3, 0.7, 4), [1.0, 0.0]),
    "nesterov": (hsgd.Nesterov(0.3, 0.7, 4), [1.7, -0.7]),
}


@pytest.mark.parametrize("ridge", [0.0, 0.3])  # without one the noise sets the rate
@pytest.mark.parametrize("kind", MATRICES)
def test_matrices_have_the_limits_of_the_closed_forms(kind, ridge):
    problem, (algorithm, query) = data(ridge), MATRICES[kind]
    mixing = [[1.7, -0.7], [1.0, 0.0]]
    matrices = hsgd.LinearMethod(mixing, [1, 0], query, [1, 0], 0.3, batch_size=4)
    one, other = (hsgd.limits(problem, a) for a in (algorithm, matrices))
    for name in one.data_vars:
        np.testing.assert_allclose(other[name], one[name], rtol=1e-9, atol=1e-25)
    curves = [hsgd.predict(problem, a, [0.0, 3.0]).empirical_risk for a in (algorithm, matrices)]
    np.testing.assert_allclose(*curves, rtol=1e-12)


def test_small_steps_keep_their_digits():
    """What a mode forgets in an iteration is 1e-14 of it, or less."""
    problem, algorithm = data(1e-9), hsgd.HeavyBall(1e-12, 0.7)
    matrices = hsgd.LinearMethod([[1.7, -0.7], [1.0, 0.0]], [1, 0], [1, 0], [1, 0], 1e-12)
    one, other = (hsgd.limits(problem, a) for a in (algorithm, matrices))
    for name in ("kernel_norm", "excess_empirical_risk", "excess_distance"):
        np.testing.assert_allclose(other[name], one[name], rtol=1e-6)


@pytest.mark.parametrize("momentum", [None, 0.6])
@pytest.mark.parametrize("streamed", [False, True])
def test_limits_of_averages_are_where_curves_end(momentum, streamed):
    problem = population(30, dense=False) if streamed else data()
    options = {"averaging": hsgd.EMA(0.05)}
    if momentum is None:
        algorithm = (hsgd.StreamingSGD if streamed else hsgd.SGD)(0.15, 2, **options)
    else:
        algorithm = hsgd.HeavyBall(0.05, momentum, 2, **options)
    late = 2.0e5 / problem.iterations_per_unit
    ends, curve = hsgd.limits(problem, algorithm), hsgd.predict(problem, algorithm, [0.0, late])
    for name in [n for n in ends.data_vars if str(n).endswith("_averaged") and "limiting" in n]:
        value = curve[name.removeprefix("limiting_")][-1]
        np.testing.assert_allclose(ends[name], value, rtol=1e-10)
        assert ends[name] < ends[name.removesuffix("_averaged")]


@pytest.mark.parametrize(("averaging", "worth"), [("tail", 1.0), ("power", 16.0 / 7.0)])
def test_means_of_many_iterates_lose_their_noise_like_one_over_their_number(averaging, worth):
    problem = population(30, dense=False)
    start, last = 200.0, 200.0 + 2.0e4
    kind = hsgd.TailAverage(start) if averaging == "tail" else hsgd.PowerAverage(3.0)
    algorithm = hsgd.StreamingSGD(0.2, averaging=kind)
    ends, curve = hsgd.limits(problem, algorithm), hsgd.predict(problem, algorithm, [0.0, last])
    length = last - start if averaging == "tail" else last
    excess = curve.population_risk_averaged[-1] - ends.limiting_population_risk_gradient_flow
    paid = ends.averaging_pays_after_population_risk * ends.excess_population_risk
    np.testing.assert_allclose(float(excess) * length, float(paid), rtol=2e-3)
    assert float(ends.excess_population_risk_averaged) == 0.0
    equal = hsgd.limits(problem, algorithm.replace(averaging=hsgd.TailAverage()))
    ratio = ends.averaging_pays_after_population_risk / equal.averaging_pays_after_population_risk
    np.testing.assert_allclose(float(ratio), worth, rtol=1e-12)


def all_moments(rows, A, b, c, size):
    """What an iteration does to all second moments together, without what forces them."""
    lam, m = rows.covariance, len(b)
    blocks = [np.kron(T, T) for T in (A - value * np.outer(b, c) for value in lam)]
    whole = scipy.linalg.block_diag(*blocks)
    bb, cc = np.outer(b, b).ravel(), np.outer(c, c).ravel()
    for j, driven in enumerate(lam):
        for i, heard in enumerate(lam):
            share = driven * heard * (1 + (i == j)) / size
            place = np.ix_(range(j * m * m, (j + 1) * m * m), range(i * m * m, (i + 1) * m * m))
            whole[place] += share * np.outer(bb, cc)
    return float(np.abs(np.linalg.eigvals(whole)).max())


def matrices(g2, g3, forget):
    return np.array([[1, -g3 * (1 - forget)], [0, 1 - forget]]), np.array([g2 + g3, -1.0])


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize(("third", "forget"), [(0.02, 0.1), (0.1, 0.5), (0.001, 0.01)])
def test_the_critical_rate_is_where_all_moments_begin_to_grow(third, forget, size):
    rows = hsgd.GaussianRows(np.arange(1, 7) ** -0.9, np.ones(6), 0.3)
    method = hsgd.GeneralMomentum(0.0, third, forget, batch_size=size)
    critical = hsgd.critical_learning_rate(rows, method)
    for share, grows in ((1 - 1e-6, False), (1 + 1e-6, True)):
        A, b = matrices(share * critical, third, forget)
        assert (all_moments(rows, A, b, np.array([1.0, 0.0]), size) > 1) == grows
        ends = hsgd.limits(rows, method.replace(learning_rate=share * critical))
        assert (ends.attrs["regime"] == "unstable") == grows


@pytest.mark.parametrize("beta", [0.5, 0.9, 0.99])
def test_late_schedule_free_steps_are_those_of_a_smaller_rate(beta):
    """x hardly moves, and z is SGD with gradients at (1 - beta) z, so with a rate as much smaller.

    (And far above what would be critical for SGD: no rate is out of sight.)"""
    for problem in (population(20, dense=False), data()):
        kind = hsgd.StreamingSGD(0.1) if problem.num_rows == np.inf else hsgd.SGD(0.1)
        plain = hsgd.critical_learning_rate(problem, kind, method="discrete")
        critical = hsgd.critical_learning_rate(problem, hsgd.ScheduleFree(0.1, beta))
        np.testing.assert_allclose(critical * (1 - beta), plain, rtol=1e-4)


def test_gains_are_a_unit_of_the_learning_rate():
    for gain in (1e-9, 1e9):
        method = hsgd.LinearMethod([[1.0]], [gain], [1.0], [1.0])
        rows = population(20, dense=False)
        plain = hsgd.critical_learning_rate(rows)
        np.testing.assert_allclose(
            hsgd.critical_learning_rate(rows, method) * gain, plain, rtol=1e-9
        )


def test_a_method_without_a_stable_rate_and_one_that_moves_by_memory_alone_say_so():
    hopeless, plain = (
        hsgd.GeneralMomentum.pytorch(9.0, 0.7),
        hsgd.GeneralMomentum.pytorch(0.05, 0.7),
    )
    for problem in (population(20, dense=False), data()):
        assert "at any learning_rate" in hsgd.limits(problem, hopeless).attrs["verdict"]
        with pytest.warns(UserWarning, match="at any learning_rate, because of its other rates"):
            hsgd.predict(problem, hopeless, [0.0, 0.5])
        ends = hsgd.limits(problem, plain)
        assert ends.attrs["verdict"].startswith("SGD settles at")
        same = hsgd.limits(problem, hsgd.HeavyBall(0.05, 0.7))
        name = problem.population.risk.name if problem.population else "empirical_risk"
        np.testing.assert_allclose(ends[f"limiting_{name}"], same[f"limiting_{name}"], rtol=1e-10)


@pytest.mark.parametrize("forget", [0.3, 0.01])
def test_the_error_of_stepping_is_honest(forget):
    """The same recursion in more digits; memories enlarge rounding."""
    if np.finfo(np.longdouble).eps > 1e-18:
        pytest.skip("no more digits here")
    rows = hsgd.GaussianRows(np.arange(1, 9) ** -0.9, np.ones(8), 0.3)
    method, last = hsgd.GeneralMomentum(0.05, 0.02 * forget, forget), 2000
    lam, (A, b) = rows.covariance.astype(np.longdouble), matrices(0.05, 0.02 * forget, forget)
    A, b, c = (one.astype(np.longdouble) for one in (A, b, np.array([1.0, 0.0])))
    M = np.zeros((8, 2, 2), dtype=np.longdouble)
    M[:, 0, 0] = 1.0  # x0 - beta, squared
    T = A - lam[:, None, None] * np.outer(b, c)
    for _ in range(last):
        q = lam * M[:, 0, 0]
        noise = lam * (q + q.sum() + np.longdouble(0.3) ** 2)
        M = T @ M @ T.transpose(0, 2, 1) + noise[:, None, None] * np.outer(b, b)
    expected = 0.5 * ((lam * M[:, 0, 0]).sum() + np.longdouble(0.3) ** 2)
    found = hsgd.predict(rows, method, [last / 8])
    error = abs(float(found.population_risk[0] - expected))
    assert error < float(found.population_risk_error[0]) < 1e-8 * float(expected)
    assert error > 1e-5 * float(found.population_risk_error[0])


def test_descriptions_keep_what_methods_and_averages_call_alike():
    method = hsgd.LinearMethod([[1.0]], [1.0], [1.0], [1.0], averaging=hsgd.TailAverage(3.0))
    words = method.description()
    assert words["start"] == [1.0]
    assert words["averaging"] == {"kind": "TailAverage", "start": 3.0}


@pytest.mark.parametrize("kind", [hsgd.EMA(0.07), hsgd.TailAverage(0.5), hsgd.PowerAverage(2.0)])
def test_the_exact_mean_of_an_average_is_that_of_all_moments(kind):
    """E of (x, x̄, 1) times itself, with every row of the data as likely as any other."""
    rng = np.random.default_rng(4)
    A, b, d, n, ridge = rng.standard_normal((9, 4)), rng.standard_normal(9), 4, 9, 0.5
    problem = hsgd.LeastSquares(A, b, ridge=ridge, x0=rng.standard_normal(d))
    algorithm = hsgd.SGD(0.05, averaging=kind)
    z = np.concatenate((problem.x0, problem.x0, [1.0]))
    E, risks, moments = np.outer(z, z), [], []
    for k in range(4 * n + 1):
        moments.append(E)
        both = [E[np.ix_([*range(s, s + d), 2 * d], [*range(s, s + d), 2 * d])] for s in (0, d)]
        residuals = np.hstack((A, -b[:, None]))
        risks.append([np.einsum("ij,jk,ik->", residuals, e, residuals) / (2 * n) for e in both])
        share = float(kind.shares(np.array([k]), n)[0])
        total = np.zeros_like(E)
        for a, target in zip(A, b, strict=True):
            M = np.eye(2 * d + 1)
            M[:d, :d] -= 0.05 * (np.outer(a, a) + ridge / n * np.eye(d))
            M[:d, -1] += 0.05 * a * target
            M[d:-1] = share * M[:d] + (1 - share) * M[d:-1]
            total += M @ E @ M.T / n
        E = total
    mixed = hsgd.Quadratic(np.outer(MIXED, MIXED), name="mixed")  # all covariances enter
    asked = ("empirical_risk", mixed)
    found = hsgd.exact_mean(problem, algorithm, np.arange(4 * n + 1) / n, statistics=asked)
    expected = [0.5 * np.pad(MIXED, (d, 0)) @ e[:-1, :-1] @ np.pad(MIXED, (d, 0)) for e in moments]
    np.testing.assert_allclose(found.mixed_averaged, expected, rtol=1e-11)
    np.testing.assert_allclose(found.empirical_risk, np.array(risks)[:, 0], rtol=1e-11)
    np.testing.assert_allclose(found.empirical_risk_averaged, np.array(risks)[:, 1], rtol=1e-11)


@pytest.mark.parametrize("kind", [hsgd.EMA(0.02), hsgd.TailAverage(2.0), hsgd.PowerAverage(3.0)])
def test_averages_on_data_are_within_the_discrepancy_of_the_exact_mean(kind):
    problem, algorithm = data(), hsgd.SGD(0.5, averaging=kind)
    times = np.linspace(0.0, 10.0, 6)
    theory, exact = (verb(problem, algorithm, times) for verb in (hsgd.predict, hsgd.exact_mean))
    for name in ("empirical_risk_averaged", "distance_averaged"):
        gap = np.abs(theory[name] / exact[name] - 1)
        assert (gap <= 1.5 * theory[f"{name}_discrepancy"] + 1e-12).all()
        assert (gap < 0.02).all()
        assert float(gap.max()) > 1e-5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hsgd.EMA(1.5), "at most 1"),
        (lambda: hsgd.EMA(0.0), "rate"),
        (lambda: hsgd.TailAverage(-1.0), "start"),
        (lambda: hsgd.PowerAverage(-1.0), "power"),
        (lambda: hsgd.SGD(0.1, averaging=0.9), "pass hsgd.EMA"),
        (lambda: hsgd.ScheduleFree(0.1, 1.0), "below 1"),
        (lambda: hsgd.LinearMethod([[1, 1]], [1], [1], [1]), "m by m"),
        (lambda: hsgd.LinearMethod([[1.1]], [1], [1], [1]), "moves a state at rest"),
        (lambda: hsgd.LinearMethod([[1.0]], [1], [2.0], [1]), "query adds up to 2"),
        (lambda: hsgd.LinearMethod([[1.0]], [1], [1], [1], start=[0.5]), "start holds 1"),
        (lambda: hsgd.limits(data(), hsgd.ScheduleFree(0.1)), "predict a late time"),
        (
            lambda: hsgd.predict(
                data(), hsgd.SGD(0.1, averaging=hsgd.EMA(0.1)), [0.0, 1.0], method="hsgd"
            ),
            "keeps no averages",
        ),
        (
            lambda: simulate.diffusion(
                data(), hsgd.SGD(0.1, averaging=hsgd.EMA(0.1)), [0.0, 1.0], seed=0
            ),
            "knows nothing of averages",
        ),
    ],
)
def test_bad_input_gets_one_sentence(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
