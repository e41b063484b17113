"""The exact mean against the raw second-moment recursion and enumeration."""

from itertools import combinations

import numpy as np
import pytest

import hsgd


def problem_of(n, d, *, ridge=0.0, start=True, rank=None, seed=0):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, d)) / np.sqrt(d)
    if rank is not None:
        A = A[:, :rank] @ rng.normal(size=(rank, d)) / np.sqrt(rank)
    x0 = rng.normal(size=d) if start else None
    test = (rng.normal(size=(7, d)), rng.normal(size=7))
    return hsgd.LeastSquares(A, rng.normal(size=n), ridge=ridge, x0=x0, population=test)


def second_moments(problem, rates, noise_factor):
    """E x and E xx' by the raw recursion on second moments, step by step in the original basis."""
    A, b, n = problem.A, problem.b, problem.num_rows
    H, g, delta = A.T @ A, A.T @ b, problem.ridge
    M, S = problem.x0.copy(), np.outer(problem.x0, problem.x0)
    yield M, S
    for rate in rates:
        sigma = 1.0 - rate * delta / n
        C = (S @ H - np.outer(M, g)) / n
        E = (H @ S @ H - np.outer(H @ M, g) - np.outer(g, H @ M) + np.outer(g, g)) / n**2
        rows = np.einsum("ij,jk,ik->i", A, S, A) - 2 * b * (A @ M) + b**2
        single = (A.T * rows) @ A / n
        noise = (1 - noise_factor) * E + noise_factor * single
        S = sigma**2 * S - sigma * rate * (C + C.T) + rate**2 * noise
        M = sigma * M - rate * (H @ M - g) / n
        yield M, S


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize(
    "shape", [(12, 5, None), (6, 9, None), (12, 6, 3)], ids=["tall", "wide", "rank-deficient"]
)
@pytest.mark.parametrize(("batch", "sampling"), [(1, "with_replacement"), (4, "subset")])
def test_equal_to_the_raw_recursion_for_every_statistic(ridge, shape, batch, sampling):
    n, d, rank = shape
    problem = problem_of(n, d, ridge=ridge, rank=rank)
    algorithm = hsgd.SGD(hsgd.CosineDecay(0.4, 3.0, 0.1), batch_size=batch, sampling=sampling)
    rng = np.random.default_rng(1)
    root = rng.normal(size=(d, d))
    own = hsgd.Quadratic(root @ root.T, rng.normal(size=d), 0.7, name="own")
    names = ("empirical_risk", "population_risk", "distance", own)
    steps = 5 * n
    results = [
        hsgd.exact_mean(
            problem, algorithm, np.arange(steps + 1) / n, statistics=names, method=method
        )
        for method in ("recursion", "moments")
    ]
    rates = algorithm.schedule(np.arange(steps) / n)
    factor = algorithm.noise_factor(n)
    A_test, b_test = problem.population.A, problem.population.b
    star = problem.solution
    for k, (M, S) in enumerate(second_moments(problem, rates, factor)):
        expected = {
            "empirical_risk": (
                np.trace(problem.A @ S @ problem.A.T)
                - 2 * problem.b @ problem.A @ M
                + problem.b @ problem.b
            )
            / (2 * n),
            "population_risk": (
                np.trace(A_test @ S @ A_test.T) - 2 * b_test @ A_test @ M + b_test @ b_test
            )
            / (2 * len(b_test)),
            "distance": np.trace(S) - 2 * star @ M + star @ star,
            "own": 0.5 * np.trace(own.matrix() @ S) + own.linear @ M + 0.7,
        }
        for name, value in expected.items():
            for result in results:
                assert result[name][k] == pytest.approx(value, rel=1e-10, abs=1e-12), (name, k)


def test_equal_to_the_enumeration_of_all_subsets():
    problem = problem_of(5, 3, ridge=0.2)
    algorithm = hsgd.SGD(0.5, batch_size=3, sampling="subset")
    points = [problem.x0]
    for _ in range(2):
        points = [
            x
            - 0.5
            * (
                problem.A[list(batch)].T @ (problem.A[list(batch)] @ x - problem.b[list(batch)]) / 3
                + 0.2 / 5 * x
            )
            for x in points
            for batch in combinations(range(5), 3)
        ]
    risk = np.mean([np.sum((problem.A @ x - problem.b) ** 2) / 10 for x in points])
    exact = hsgd.exact_mean(problem, algorithm, [0.4], statistics="empirical_risk")
    assert float(exact.empirical_risk[0]) == pytest.approx(risk, rel=1e-13)


@pytest.mark.filterwarnings("ignore:The learning rate 1.5 is")
@pytest.mark.parametrize("sampling", ["with_replacement", "subset"])
def test_leaps_in_the_moments_are_the_steps_they_stand_for(sampling):
    """Rates and batch sizes that change at other times, one of them beyond critical; r = 3."""
    problem = problem_of(60, 3, ridge=0.2)
    rate = hsgd.Piecewise((0.55, 1.2, 2.5), (0.4, 1.5, 0.0, 0.8))
    algorithm = hsgd.SGD(rate, hsgd.Piecewise((0.9, 2.0), (1, 5, 2)), sampling)
    time = np.arange(0, 240, 7) / 60
    first, second = (
        hsgd.exact_mean(problem, algorithm, time, method=method)
        for method in ("recursion", "moments")
    )
    for name in ("empirical_risk", "population_risk", "distance"):
        np.testing.assert_allclose(second[name], first[name], rtol=1e-12, err_msg=name)
        gap = np.abs(second[name] - first[name])
        assert (gap <= first[f"{name}_error"] + second[f"{name}_error"]).all(), name


def test_what_no_row_sees_fades_in_the_moments_too():
    problem = problem_of(12, 6, rank=3, ridge=0.5)
    time = np.array([0.0, 5.0, 40.0])
    first, second = (
        hsgd.exact_mean(problem, hsgd.SGD(0.2), time, method=method).distance
        for method in ("recursion", "moments")
    )
    np.testing.assert_allclose(second, first, rtol=1e-11)


def test_many_rows_of_few_columns_take_no_steps():
    """30,000 rows, 300 passes: nine million iterations, against the method for other shapes."""
    problem = problem_of(30_000, 3, start=False)
    time, sgd = np.array([0.0, 1e-4, 0.01, 1.0, 300.0]), hsgd.SGD(0.3)
    moments = hsgd.exact_mean(problem, sgd, time)
    assert moments.attrs["method"] == "moments"
    assert moments.attrs["num_steps"] == 9_000_000
    basis = hsgd.exact_mean(problem, sgd, time, method="row_basis", rtol=1e-8)
    for name in ("empirical_risk", "distance"):
        allowed = basis[f"{name}_error"] + moments[f"{name}_error"]
        assert (np.abs(moments[name] - basis[name]) <= allowed).all(), name


def test_scaling_the_data_changes_no_risk():
    base = problem_of(12, 5, ridge=0.3)
    time = np.linspace(0, 5, 9)
    expected = hsgd.exact_mean(base, hsgd.SGD(0.4), time, statistics="empirical_risk")
    for c in (1e-6, 1e6):
        scaled = hsgd.LeastSquares(c * base.A, base.b, ridge=c**2 * 0.3, x0=base.x0 / c)
        moved = hsgd.exact_mean(scaled, hsgd.SGD(0.4 / c**2), time, statistics="empirical_risk")
        np.testing.assert_allclose(moved.empirical_risk, expected.empirical_risk, rtol=1e-12)


def test_dependent_batches_and_large_problems_are_refused():
    problem = problem_of(12, 5)
    with pytest.raises(ValueError, match="independent batches"):
        hsgd.exact_mean(problem, hsgd.SGD(0.1, sampling="single_shuffle"), [1.0])
    with pytest.raises(ValueError, match=r"hours here .* method='auto'"):
        hsgd.exact_mean(problem, hsgd.SGD(0.1), [1e12], method="recursion")
    with pytest.raises(ValueError, match="at most 12"):
        hsgd.exact_mean(problem, hsgd.SGD(0.1, batch_size=13, sampling="subset"), [1.0])


def test_steps_below_rounding_are_in_the_error():
    """1 − γ is rounded to 1: x never moves, and in truth it has fallen by kγ."""
    problem = hsgd.LeastSquares(np.ones((1, 1)), np.zeros(1), x0=np.ones(1))
    found = hsgd.exact_mean(problem, hsgd.SGD(5e-17), [0.0, 4000.0], method="recursion")
    assert found.empirical_risk[1] == found.empirical_risk[0] == 0.5
    gap = -0.5 * np.expm1(2 * 4000 * np.log1p(-5e-17))
    assert gap <= float(found.empirical_risk_error[1]) < 4 * gap


def test_a_rate_is_held_against_the_threshold_of_its_batch():
    """A larger batch bears what single draws do not."""
    problem = problem_of(12, 5)
    single, six = (
        float(hsgd.exact_stability(problem, batch_size=size).mean_square_critical_learning_rate)
        for size in (1, 6)
    )
    assert six > 1.6 * single
    rates = hsgd.Piecewise((1.0,), (1.5 * single, 0.5 * single))
    sizes = hsgd.Piecewise((1.0,), (6, 1))
    hsgd.exact_mean(problem, hsgd.SGD(rates, sizes), [0.0, 0.5, 1.5])  # warnings are errors


def test_a_mean_that_diverges_is_explained_with_a_rate_at_which_it_does_not():
    problem = problem_of(12, 5)
    threshold = float(hsgd.exact_stability(problem).mean_square_critical_learning_rate)
    beyond = hsgd.Piecewise((1.0,), (0.5 * threshold, 1.1 * threshold))
    for rate in (1.1 * threshold, beyond):
        with pytest.warns(UserWarning, match=rf"1\.1 times .*=({0.5 * threshold:.4g})") as caught:
            hsgd.exact_mean(problem, hsgd.SGD(rate), [0.0, 1.0, 2.0])
        assert len(caught) == 1
    hsgd.exact_mean(problem, hsgd.SGD(0.9 * threshold), [0.0, 1.0])  # warnings are errors
    hsgd.exact_mean(problem, hsgd.SGD(beyond), [0.0, 0.5])
