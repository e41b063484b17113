"""`exact_stability` against the dense spectrum, long runs of the mean, and unequal rows."""

import numpy as np
import pytest
import scipy.optimize

import hsgd
from hsgd import dataset
from hsgd.exact.mean_square import mean_square_critical_learning_rate


def problem_of(n, d, *, ridge=0.0, spread=0.0, seed=0):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(n, d)) / np.sqrt(d) * np.exp(spread * rng.normal(size=n))[:, None]
    return hsgd.LeastSquares(A, rng.normal(size=n), ridge=ridge)


def dense_threshold(problem, noise_factor):
    """Where the largest eigenvalue of the d² by d² map of second moments passes 1."""
    A, n, d = problem.A, *problem.A.shape
    H, identity = A.T @ A, np.eye(d)
    rows = np.einsum("ia,ib,ic,ie->abce", A, A, A, A).reshape(d * d, d * d) / n
    single = noise_factor * (rows - np.kron(H, H) / n**2)

    def excess(rate):
        mean = (1.0 - rate * problem.ridge / n) * identity - rate * H / n
        return np.linalg.eigvalsh(np.kron(mean, mean) + rate**2 * single)[-1] - 1.0

    guess = mean_square_critical_learning_rate(problem, noise_factor)
    return scipy.optimize.brentq(excess, 0.5 * guess, 1.5 * guess, xtol=1e-13, rtol=1e-12)


@pytest.mark.parametrize("ridge", [0.0, 0.3])
@pytest.mark.parametrize(
    ("batch", "sampling"), [(1, "with_replacement"), (4, "with_replacement"), (5, "subset")]
)
@pytest.mark.parametrize("spread", [0.0, 0.5])
def test_the_bracket_holds_the_dense_threshold(ridge, batch, sampling, spread):
    problem = problem_of(40, 6, ridge=ridge, spread=spread)
    found = hsgd.exact_stability(problem, batch_size=batch, sampling=sampling)
    factor = hsgd.SGD(0.0, batch_size=batch, sampling=sampling).noise_factor(40)
    true = dense_threshold(problem, factor)
    assert float(found.mean_square_critical_learning_rate) == pytest.approx(true, rel=1e-8)
    slack = 1e-11 * true  # of the dense root
    assert float(found.mean_square_critical_learning_rate_lower) <= true + slack
    assert float(found.mean_square_critical_learning_rate_upper) >= true - slack
    assert float(found.mean_square_critical_learning_rate_lower) >= (1 - 1e-5) * true
    quick = mean_square_critical_learning_rate(problem, factor)
    assert quick == pytest.approx(true, rel=2e-4)
    assert quick >= true * (1 - 1e-9)


def dense_maps(problem, noise_factor):
    """A₁ and A₂ as r² by r² matrices in the eigenbasis of H, and the rows there."""
    right = np.linalg.svd(problem.A)[2].T[:, : np.linalg.matrix_rank(problem.A)]
    A, n = problem.A @ right, problem.num_rows
    r, delta = A.shape[1], problem.ridge / n
    H, identity = A.T @ A / n, np.eye(A.shape[1])
    mean = H + delta * identity
    single = np.einsum("ia,ib,ic,ie->abce", A, A, A, A).reshape(r * r, r * r) / n
    second = np.kron(mean, mean) + noise_factor * (single - np.kron(H, H))
    return np.kron(mean, identity) + np.kron(identity, mean), second, A


def test_beyond_the_largest_rank_the_first_quotient_is_taken(monkeypatch):
    """⟨S, A₁S⟩/⟨S, A₂S⟩ at homogenized SGD's stationary S; it is never below the threshold."""
    monkeypatch.setattr("hsgd.exact.mean_square._LARGEST_RANK", 0)
    for factor in (1.0, 0.2):
        problem = problem_of(40, 6, ridge=0.3, spread=0.3)
        first, second, A = dense_maps(problem, factor)
        lam = np.sum(A**2, axis=0)
        S = np.diag(lam / (lam + 0.3)).ravel()
        found = mean_square_critical_learning_rate(problem, factor)
        assert found == pytest.approx(S @ first @ S / (S @ second @ S), rel=1e-11)
        assert found >= dense_threshold(problem, factor)


def test_the_share_of_a_row_is_what_it_passes_on_of_the_covariance_that_grows():
    """p_i²/Σ p², p_i = a_iᵀSa_i: row i makes noise p_i a_i a_iᵀ, and hears p_i of it again."""
    problem = problem_of(40, 6, ridge=0.3, spread=0.5)
    first, second, A = dense_maps(problem, 1.0)
    S = scipy.linalg.eigh(second, first)[1][:, -1].reshape(6, 6)
    heard = np.einsum("ia,ab,ib->i", A, S, A) ** 2
    found = hsgd.exact_stability(problem)
    shares = (heard / heard.sum())[found.row_index.values]
    np.testing.assert_allclose(found.row_share, shares, rtol=1e-3)
    assert (np.diff(found.row_share) <= 0).all()


@pytest.mark.filterwarnings("ignore:The learning rate .* turns unstable")
@pytest.mark.parametrize("spread", [0.0, 0.3])
def test_just_below_the_mean_settles_and_just_above_it_grows(spread):
    problem = problem_of(30, 8, ridge=0.1, spread=spread)
    critical = float(hsgd.exact_stability(problem).mean_square_critical_learning_rate)
    risks = {}
    for fraction in (0.99, 1.01):
        risks[fraction] = hsgd.exact_mean(
            problem,
            hsgd.SGD(fraction * critical),
            [0.0, 150.0, 300.0, 600.0],
            statistics="empirical_risk",
            rtol=1e-4,
        ).empirical_risk.values
    settled, grown = risks[0.99], risks[1.01]
    assert settled[3] == pytest.approx(settled[2], rel=1e-3)
    assert grown[3] > 10 * grown[2] > 100 * grown[1]


@pytest.mark.parametrize(
    ("shape", "spread", "low", "high"),
    [
        ((120, 60), 0.3, 1.5, 5.0),
        ((300, 150), 0.3, 2.0, 8.0),
        ((80, 140), 0.3, 2.0, 8.0),
        ((300, 150), 0.8, 20.0, 100.0),
    ],
)
def test_heavy_rows_push_the_threshold_far_below_homogenized_sgd(shape, spread, low, high):
    problem = problem_of(*shape, ridge=0.1, spread=spread)
    found = hsgd.exact_stability(problem)
    assert low < 1 / float(found.mean_square_over_critical) < high
    # The rows that are named are the heavy ones, and without them the threshold is another.
    heaviest = int(np.argmax(problem.squared_row_norms))
    assert heaviest in found.row_index.values[:3]
    assert f"{found.row_index.values[0]}" in found.attrs["verdict"]
    assert "times the median" in found.attrs["verdict"]
    lighter = np.delete(np.arange(shape[0]), found.row_index.values[:3])
    without = hsgd.LeastSquares(problem.A[lighter], problem.b[lighter], ridge=0.1)
    assert float(hsgd.exact_stability(without).mean_square_over_critical) > float(
        found.mean_square_over_critical
    )


def test_comparable_rows_have_nobody_to_blame():
    found = hsgd.exact_stability(problem_of(300, 100, ridge=0.1))
    assert 0.9 < float(found.mean_square_over_critical) < 1.0
    assert "no few rows" in found.attrs["verdict"]


def test_homogenized_value_is_that_of_the_theory():
    # Of 40 rows curvature is the limit.
    for options in (
        {},
        {"batch_size": 3},
        {"batch_size": 7, "sampling": "subset"},
        {"batch_size": 40},
    ):
        problem = problem_of(50, 20, ridge=0.2)
        found = hsgd.exact_stability(problem, **options)
        expected = hsgd.critical_learning_rate(problem, method="hsgd", **options)
        assert float(found.critical_learning_rate) == pytest.approx(expected, rel=1e-13)


def test_a_full_batch_has_the_curvature_limit():
    problem = problem_of(12, 5, ridge=0.3)
    top = np.linalg.eigvalsh(problem.A.T @ problem.A)[-1]
    found = hsgd.exact_stability(problem, batch_size=12, sampling="subset")
    assert float(found.mean_square_critical_learning_rate) == pytest.approx(24 / (top + 0.3))
    assert mean_square_critical_learning_rate(problem, 0.0) == pytest.approx(24 / (top + 0.3))


def test_scaling_the_data_scales_the_answer_and_nothing_else():
    base = problem_of(30, 10, ridge=0.3, spread=0.3)
    scaled = hsgd.LeastSquares(1e5 * base.A, base.b, ridge=1e10 * 0.3)
    first, second = hsgd.exact_stability(base), hsgd.exact_stability(scaled)
    assert 1e10 * float(second.mean_square_critical_learning_rate) == pytest.approx(
        float(first.mean_square_critical_learning_rate), rel=1e-9
    )


def test_the_result_follows_the_schema_and_survives_a_file(tmp_path):
    found = hsgd.exact_stability(problem_of(30, 10))
    assert dataset.check(found) is None
    kept = dataset.load(dataset.save(found, tmp_path / "stability.nc"))
    assert kept.identical(found)
    assert "\n" not in found.attrs["verdict"]


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"sampling": "reshuffle"}, ValueError, "independent batches"),
        ({"sampling": "none"}, ValueError, "sampling"),
        ({"batch_size": 0}, ValueError, "batch_size"),
        ({"batch_size": 31, "sampling": "subset"}, ValueError, "at most 30"),
        ({"rtol": 0}, ValueError, "rtol"),
        ({"rtol": 1e-15}, ValueError, "ask for no less"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(options, error, words):
    with pytest.raises(error, match=words) as caught:
        hsgd.exact_stability(problem_of(30, 10), **options)
    assert "\n" not in str(caught.value)


def test_what_is_no_problem_or_does_not_fit_is_refused(monkeypatch):
    with pytest.raises(TypeError, match=r"hsgd\.LeastSquares"):
        hsgd.exact_stability(np.ones((3, 2)))
    monkeypatch.setattr("hsgd.machine.memory.available", lambda: 1000)
    with pytest.raises(MemoryError, match=r"would need about .* GB are free"):
        hsgd.exact_stability(problem_of(30, 10))
