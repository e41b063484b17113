"""The mean of many runs, against two witnesses that share no code with the engines.

The exact recursion for E x and E xxᵀ has no randomness; the plain loop has NumPy's own. The
false-alarm level is that of each test as a whole, with Bonferroni over the times.
"""

import numpy as np
import pytest
from scipy import stats

import hsgd
from hsgd.algorithms.sgd import SGD
from simulate import sgd

FALSE_ALARM = 1e-4
REPLICATES = 3000
TIMES = np.array([0.25, 0.5, 1.0, 2.0, 4.0])


def exact_means(problem, gamma, batch_size, sampling):
    """E of the empirical risk at TIMES: docs, theory page, "The exact mean at finite n"."""
    A, b, x0 = problem.A, problem.b, problem.x0
    n = len(A)
    H, g, sigma = A.T @ A, A.T @ b, 1 - gamma * problem.ridge / n
    phi = 1 / batch_size
    if sampling == "subset":
        phi = (n - batch_size) / (batch_size * (n - 1))
    M, S, means = x0.copy(), np.outer(x0, x0), {}
    for k in range(int(TIMES[-1] * n) + 1):
        means[k] = (np.trace(H @ S) - 2 * g @ M + b @ b) / (2 * n)
        C = (S @ H - np.outer(M, g)) / n
        squared = np.einsum("id,de,ie->i", A, S, A) - 2 * b * (A @ M) + b * b
        single = A.T @ (squared[:, None] * A) / n
        full = (H @ S @ H - np.outer(H @ M, g) - np.outer(g, H @ M) + np.outer(g, g)) / n**2
        S = sigma**2 * S - sigma * gamma * (C + C.T) + gamma**2 * ((1 - phi) * full + phi * single)
        S = (S + S.T) / 2
        M = sigma * M - gamma * (H @ M - g) / n
    return np.array([means[round(time * n)] for time in TIMES])


def plain_loop(problem, gamma, batch_size, sampling, replicates, seed):
    """Empirical risks of a loop that anyone would write, shape (times, replicates)."""
    A, b, n = problem.A, problem.b, problem.num_rows
    rng = np.random.default_rng(seed)
    risks = np.empty((len(TIMES), replicates))
    wanted = [round(time * n) for time in TIMES]
    for r in range(replicates):
        x, order = problem.x0.copy(), []
        for k in range(wanted[-1] + 1):
            if k in wanted:
                risks[wanted.index(k), r] = np.sum((A @ x - b) ** 2) / (2 * n)
            while len(order) < batch_size:
                order += rng.permutation(n).tolist()
            if sampling == "reshuffle":
                batch, order = order[:batch_size], order[batch_size:]
            else:
                batch = rng.choice(n, batch_size, replace=sampling == "with_replacement")
            x -= gamma * (
                A[batch].T @ (A[batch] @ x - b[batch]) / batch_size + problem.ridge / n * x
            )
    return risks


def largest_z_score(samples, means, further_variance=0.0):
    error = np.sqrt(samples.var(axis=1, ddof=1) / samples.shape[1] + further_variance)
    return np.abs((samples.mean(axis=1) - means) / error).max()


LIMIT = stats.norm.isf(FALSE_ALARM / (2 * len(TIMES)))

CASES = [
    ("with_replacement", 1, 0.5),
    ("with_replacement", 3, 0.9),
    ("subset", 1, 0.5),
    ("subset", 4, 0.9),
]


def risks_of(problem, gamma, batch_size, sampling, replicates=REPLICATES):
    runs = sgd(
        problem,
        SGD(gamma, batch_size, sampling),
        TIMES,
        statistics="empirical_risk",
        num_replicates=replicates,
        seed=0,
    )
    return runs.empirical_risk.values


@pytest.mark.parametrize(("sampling", "batch_size", "gamma"), CASES)
@pytest.mark.parametrize("ridge", [0.0, 0.5])
def test_mean_is_the_exact_one(build, sampling, batch_size, gamma, ridge):
    problem = build(n=16, d=6, ridge=ridge)
    risks = risks_of(problem, gamma, batch_size, sampling)
    assert largest_z_score(risks, exact_means(problem, gamma, batch_size, sampling)) < LIMIT


@pytest.mark.parametrize(("sampling", "batch_size", "gamma"), CASES)
def test_the_test_rejects_a_learning_rate_that_is_a_little_wrong(
    build, sampling, batch_size, gamma
):
    problem = build(n=16, d=6)
    risks = risks_of(problem, 1.05 * gamma, batch_size, sampling)
    assert largest_z_score(risks, exact_means(problem, gamma, batch_size, sampling)) > LIMIT


def test_the_test_rejects_the_other_sampling(build):
    problem = build(n=16, d=6)
    risks = risks_of(problem, 0.9, 4, "with_replacement")
    assert largest_z_score(risks, exact_means(problem, 0.9, 4, "subset")) > LIMIT


@pytest.mark.parametrize(("sampling", "batch_size"), [("with_replacement", 1), ("subset", 4)])
@pytest.mark.parametrize(
    ("n", "dtype"),
    [
        (20, "float64"),
        (80, "float32"),
        pytest.param(150, "float64", marks=pytest.mark.slow),
        pytest.param(400, "float64", marks=pytest.mark.slow),
    ],
)
def test_mean_is_that_of_the_witness_at_every_size(build, n, sampling, batch_size, dtype):
    problem = build(n=n, d=n // 2, ridge=0.3)
    algorithm = SGD(0.7, batch_size, sampling)
    asked = {"statistics": ["empirical_risk", "distance"]}
    exact = hsgd.exact_mean(problem, algorithm, TIMES, **asked)
    runs = sgd(problem, algorithm, TIMES, num_replicates=1000, seed=1, dtype=dtype, **asked)
    for name in asked["statistics"]:
        assert largest_z_score(runs[name].values, exact[name].values) < LIMIT


@pytest.mark.parametrize("sampling", ["with_replacement", "reshuffle"])
def test_mean_is_that_of_a_plain_loop(build, sampling):
    problem = build(n=16, d=6, ridge=0.3)
    plain = plain_loop(problem, 0.6, 3, sampling, 400, seed=5)
    variance = plain.var(axis=1, ddof=1) / plain.shape[1]
    risks = risks_of(problem, 0.6, 3, sampling)
    assert largest_z_score(risks, plain.mean(axis=1), variance) < LIMIT
    if sampling == "reshuffle":  # and it is not that of independent rows
        independent = risks_of(problem, 0.6, 3, "with_replacement")
        assert largest_z_score(independent, plain.mean(axis=1), variance) > LIMIT
