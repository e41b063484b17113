"""A fixed preconditioner: against loops in the original coordinates, and their second moments."""

import numpy as np
import pytest
import scipy.sparse

import hsgd
import simulate
from tests.simulate.test_algorithms import batches_of

RNG = np.random.default_rng(3)
D, N = 6, 20
MIXED = np.linalg.qr(RNG.standard_normal((D, D)))[0]
KINDS = {
    "diagonal": np.linspace(0.3, 3.0, D),
    "dense": (MIXED * np.linspace(0.3, 3.0, D)) @ MIXED.T,
}


def data(**more):
    A, b = RNG.standard_normal((N, D)), RNG.standard_normal(N)
    held = RNG.standard_normal((5, D)), RNG.standard_normal(5)
    return hsgd.LeastSquares(A, b, x0=RNG.standard_normal(D), population=held, **more)


def matrix(P):
    return np.diag(P) if P.ndim == 1 else P


@pytest.mark.parametrize("kind", KINDS)
def test_runs_are_those_of_a_loop_with_the_preconditioner(kind):
    problem, P = data(), matrix(KINDS[kind])
    sgd, times = hsgd.SGD(0.05, 3), np.array([0.0, 0.5, 2.0])
    found = hsgd.preconditioned(problem, KINDS[kind])
    runs = simulate.sgd(found, sgd, times, seed=8, first_replicate=4)
    drawn = batches_of(problem, sgd, 8, 4, round(times[-1] * N))
    x, points = problem.x0, [problem.x0]
    for rows in drawn:
        a, b = problem.A[rows], problem.b[rows]
        x = x - 0.05 * P @ (a.T @ (a @ x - b) / len(b))
        points.append(x)
    points = np.array(points)[np.rint(times * N).astype(int)]
    for statistic in (problem.empirical_risk, problem.population.risk):
        name = statistic.name
        np.testing.assert_allclose(runs[name][:, 0], statistic.values(points), rtol=1e-9)
    off = points - problem.solution
    expected = np.einsum("ki,ij,kj->k", off, np.linalg.inv(P), off)
    np.testing.assert_allclose(runs.distance.values[:, 0], expected, rtol=1e-8)
    exact = hsgd.exact_mean(found, sgd, times).empirical_risk
    assert float(exact[0]) == pytest.approx(float(runs.empirical_risk[0, 0]), rel=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_fresh_rows_are_exact(kind):
    """E zzᵀ in the original coordinates, with P in every step."""
    P, eta, rate = matrix(KINDS[kind]), 0.3, 0.1
    covariance = (MIXED.T * np.arange(1, D + 1) ** -1.0) @ MIXED
    S = 0.5 * (covariance + covariance.T)
    rows = hsgd.GaussianRows(S, np.ones(D), eta, x0=np.linspace(-1, 1, D))
    z = rows.x0 - 1.0
    E, risks = np.outer(z, z), []
    for _ in range(4 * D + 1):
        R2 = np.trace(S @ E) + eta**2
        risks.append(0.5 * R2)
        M = np.eye(D) - rate * P @ S
        E = M @ E @ M.T + rate**2 * P @ (R2 * S + S @ E @ S) @ P
    found = hsgd.preconditioned(rows, KINDS[kind])
    theory = hsgd.predict(found, hsgd.StreamingSGD(rate), np.arange(4 * D + 1) / D)
    np.testing.assert_allclose(theory.population_risk, risks, rtol=1e-11)
    plain = hsgd.predict(rows, hsgd.StreamingSGD(rate), np.arange(4 * D + 1) / D)
    assert np.abs(plain.population_risk / risks - 1).max() > 0.01


def test_sparse_rows_populations_and_the_way_back():
    problem, P = data(), KINDS["diagonal"]
    sparse = problem.replace(A=scipy.sparse.csr_array(problem.A))
    one, other = (hsgd.preconditioned(p, P) for p in (problem, sparse))
    assert other.is_sparse
    np.testing.assert_array_equal(one.A, other.A.toarray())
    back = one.to_original(one.solution).coefficients
    np.testing.assert_allclose(back, problem.solution, rtol=1e-9)
    table = hsgd.LeastSquares.from_data(problem.A + 2.0, problem.b, standardise=True)
    moved = hsgd.preconditioned(table, P)
    for found, expected in zip(
        moved.to_original(moved.solution), table.to_original(table.solution), strict=True
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    moments = hsgd.Population(np.eye(D), np.ones(D), 10.0)
    for kind in KINDS.values():
        whole = hsgd.preconditioned(problem.replace(population=moments), kind)
        risks = [
            float(p.population.risk.values(p.x0[None])[0])
            for p in (whole, problem.replace(population=moments))
        ]
        assert risks[0] == pytest.approx(risks[1], rel=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hsgd.preconditioned(data(ridge=0.1), np.ones(D)), "another penalty"),
        (lambda: hsgd.preconditioned(data(), np.ones(D - 1)), "pass 6 numbers"),
        (lambda: hsgd.preconditioned(data(), np.zeros(D)), "must be above 0"),
        (lambda: hsgd.preconditioned(data(), np.ones((D, D))), "eigenvalue"),
        (lambda: hsgd.preconditioned(data(), np.triu(np.ones((D, D)))), "symmetric"),
        (lambda: hsgd.preconditioned(3, np.ones(D)), "the problem is a int"),
    ],
)
def test_bad_input_gets_one_sentence(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
