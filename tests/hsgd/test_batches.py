"""Batch sizes: critical values, iterations to a target, batches that grow while the risk falls."""

import numpy as np
import pytest
import xarray as xr

import hsgd
from hsgd.theory.spectra.providers import modes
from tests.hsgd.test_prediction import problem_of, quiet


def wishart(n=200, d=50, noise=0.0, seed=0, decay=0.5):
    rng = np.random.default_rng(seed)
    spectrum = np.arange(1, d + 1.0) ** -decay
    rows = hsgd.GaussianRows(spectrum / spectrum.sum(), rng.normal(size=d), noise)
    return rows.sample(n, seed)


def test_the_critical_batch_size_is_where_both_limits_meet():
    problem = wishart()
    spectrum = modes(problem).eigenvalues
    size = hsgd.critical_batch_size(problem)
    assert size == pytest.approx(spectrum.sum() / spectrum[0], rel=1e-12)
    edge = 2 * 200 / spectrum[0]
    for sampling in ("with_replacement", "subset"):
        middle = hsgd.critical_batch_size(problem, sampling=sampling)
        for batch in (int(middle), int(np.ceil(middle)) + 1):
            critical = hsgd.critical_learning_rate(
                problem, batch_size=batch, sampling=sampling, method="hsgd"
            )
            # Just below, noise limits; just above, curvature.
            assert (critical == pytest.approx(edge, rel=1e-12)) == (batch > middle)
    assert hsgd.critical_batch_size(problem, sampling="subset") < size
    # `middle` is that of subsets: there their noise is that of `size` rows with replacement.
    assert (200 - middle) / (middle * 199) == pytest.approx(1 / size, rel=1e-12)
    rows = hsgd.GaussianRows(np.array([2.0, 1.0, 1.0]), np.ones(3))
    assert hsgd.critical_batch_size(rows) == pytest.approx(2.0)


@pytest.mark.parametrize("batch", [1, 3, 10, 60])
@pytest.mark.parametrize("sampling", ["with_replacement", "subset"])
@pytest.mark.parametrize("momentum", [0.0, 0.7])
def test_the_critical_learning_rate_brackets_divergence(batch, sampling, momentum):
    problem = problem_of(n=60, d=20, ridge=0.2)
    options = {"batch_size": batch, "sampling": sampling}
    critical = hsgd.critical_learning_rate(problem, momentum=momentum, method="discrete", **options)
    for fraction, settles in ((0.98, True), (1.02, False)):
        algorithm = hsgd.HeavyBall(fraction * critical, momentum, **options)
        ends = hsgd.limits(problem, algorithm)
        assert (ends.attrs["regime"] != "unstable") == settles
        rate = float(ends.rate)
        assert (rate > 0) == settles
        times = np.array([30.0, 32.0]) / abs(rate)
        curve = quiet(problem, algorithm, times).empirical_risk.values
        assert (curve[1] < 1.05 * curve[0]) == settles


def growth_of_runs(problem, rate, batch, replicates=64, epochs=15, seed=0):
    """Mean training risk of a plain loop over its start, all runs at once."""
    rng = np.random.default_rng(seed)
    A, b, n = problem.A, problem.b, problem.num_rows
    X = np.tile(problem.x0, (replicates, 1))
    for _ in range(int(epochs * n / batch)):
        rows = np.argsort(rng.random((replicates, n)), axis=1)[:, :batch] if batch > 1 else None
        rows = rng.integers(n, size=(replicates, 1)) if rows is None else rows
        residual = np.einsum("rbd,rd->rb", A[rows], X) - b[rows]
        X = X - rate * np.einsum("rb,rbd->rd", residual, A[rows]) / batch
    start = np.mean((A @ problem.x0 - b) ** 2)
    return float(np.mean((X @ A.T - b) ** 2) / start)


@pytest.mark.parametrize("batch", [1, 10])
def test_runs_diverge_beyond_the_critical_learning_rate(batch):
    problem = hsgd.GaussianRows(1 / 60, np.ones(60), 0.1).sample(120, 0)
    critical = hsgd.critical_learning_rate(
        problem, batch_size=batch, sampling="subset", method="discrete"
    )
    assert growth_of_runs(problem, 0.75 * critical, batch) < 0.2
    assert growth_of_runs(problem, 1.25 * critical, batch) > 10


def test_noise_and_curvature_are_one_limit_in_finite_steps():
    problem = problem_of(n=60, d=20)
    sizes = xr.DataArray(np.arange(1, 61), dims="batch_size")
    rates = hsgd.critical_learning_rate(problem, batch_size=sizes, method="discrete").values
    limit = hsgd.critical_learning_rate(problem, batch_size=sizes, method="hsgd").values
    assert rates[2] == hsgd.critical_learning_rate(problem, batch_size=3, method="discrete")
    assert (np.diff(rates) > 0).all(), "larger batches always allow larger steps"
    assert (rates < limit).all()
    assert rates[0] == pytest.approx(limit[0], rel=0.1)


def test_iterations_to_a_target():
    problem = wishart(n=200, d=40)
    sizes = [1, 2, 4, 128, 200]
    found = hsgd.steps_to_target(problem, 2e-4, sizes, sampling="subset")
    steps = found.iterations.values
    slopes = np.diff(np.log(steps[:3])) / np.diff(np.log(sizes[:3]))
    np.testing.assert_allclose(slopes, -1.0, atol=0.06)
    descent = found.attrs["gradient_descent_iterations"]
    assert steps[-1] == descent
    assert steps[-2] < 1.3 * descent
    # It bends about the critical batch size: there a batch is worth about half of itself.
    middle = found.attrs["critical_batch_size"]
    about = hsgd.steps_to_target(problem, 2e-4, [round(middle)], sampling="subset")
    bend = float(about.iterations[0])
    assert 1.05 < bend * middle / steps[0] < 4
    assert bend > 1.2 * descent
    for size, count, rate in zip(sizes, steps, found.learning_rate.values, strict=True):
        # `predict` agrees on the iteration, and no other learning rate is quicker.
        time = np.array([count - 1, count]) / 200
        algorithm = hsgd.SGD(rate, size, "subset")
        curve = quiet(problem, algorithm, time, method="discrete").empirical_risk
        assert curve[1] <= 2e-4 * (1 + 1e-9) < curve[0] * (1 + 2e-9)
        for other in (0.8 * rate, 1.1 * rate):
            algorithm = hsgd.SGD(other, size, "subset")
            risk = quiet(problem, algorithm, [(count - 1) / 200], method="discrete").empirical_risk
            assert risk[0] > 2e-4


def test_with_label_noise_small_batches_pay_for_their_floor():
    rows = hsgd.GaussianRows(1 / 40, np.ones(40), 0.5)
    found = hsgd.steps_to_target(rows, 0.14, [1, 4, 10_000])
    assert (np.diff(found.iterations) < 0).all()
    assert found.fraction_of_critical[0] < 0.5
    assert (found.rows_drawn == found.iterations * found.batch_size).all()


@pytest.mark.parametrize("streaming", [True, False])
def test_growing_batches_change_where_the_predicted_risk_has_fallen(streaming):
    rows = hsgd.GaussianRows(1 / 30, np.ones(30), 0.2, ridge=0.001)
    problem = rows if streaming else rows.sample(60, 0)
    kind, N = (hsgd.StreamingSGD, 30) if streaming else (hsgd.SGD, 60)
    adaptive = hsgd.grow_batch_size(
        problem, kind(0.8), horizon=20.0, risk_factor=3.0, growth=2.5, largest=10
    )
    assert isinstance(adaptive, kind)
    np.testing.assert_array_equal(
        adaptive.batch_size.levels, [1, 3, 8] if streaming else [1, 3, 8, 10]
    )
    changes = np.rint(np.multiply(adaptive.batch_size.boundaries, N)).astype(int)
    name = "population_risk" if streaming else "empirical_risk"
    k = np.arange(20 * N + 1)
    risk = quiet(problem, adaptive, k / N, method="discrete", statistics=name)[name].values
    last = 0
    for change in changes:
        assert risk[change] <= risk[last] / 3
        assert (risk[last:change] > risk[last] / 3).all()
        last = change
    fixed = quiet(problem, kind(0.8), k / N, method="discrete", statistics=name)[name].values
    assert risk[-1] < 0.8 * fixed[-1], "a lower floor"
    np.testing.assert_allclose(risk[: changes[0]], fixed[: changes[0]], rtol=1e-12)


def test_a_risk_that_never_falls_so_far_leaves_the_algorithm_alone():
    problem = wishart()
    algorithm = hsgd.SGD(0.1)
    assert hsgd.grow_batch_size(problem, algorithm, 0.1, risk_factor=1e6) is algorithm


def test_a_batch_grows_no_larger_than_the_data():
    """Nobody passed a largest size; without a limit the second batch would hold 1000 rows."""
    rows = hsgd.GaussianRows(1 / 30, np.ones(30))
    found = hsgd.grow_batch_size(rows.sample(60, 0), hsgd.SGD(0.8), 5.0, growth=1e3)
    assert found.batch_size.levels == (1.0, 60.0)
    streaming = hsgd.grow_batch_size(rows, hsgd.StreamingSGD(0.8), 5.0, growth=1e9)
    assert streaming.batch_size.levels == (1.0, 2.0**20)


P = problem_of(n=12, d=4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hsgd.critical_batch_size(P, sampling="reshuffle"), "independent batches"),
        (lambda: hsgd.critical_batch_size(3.0), "pass a hsgd.LeastSquares"),
        (lambda: hsgd.critical_learning_rate(P, momentum=1.0), "momentum is 1"),
        (lambda: hsgd.critical_learning_rate(P, momentum=0.5, method="hsgd"), "'discrete'"),
        (lambda: hsgd.critical_learning_rate(P, method="exact"), "must be one of"),
        (lambda: hsgd.critical_learning_rate(P, batch_size=13, sampling="subset"), "at most 12"),
        (lambda: hsgd.steps_to_target(P, 1e-9, [1]), "must lie between"),
        (lambda: hsgd.steps_to_target(P, 1e9, [1]), "must lie between"),
        (lambda: hsgd.steps_to_target(P, -1.0, [1]), "risk is -1"),
        (lambda: hsgd.steps_to_target(P, 0.3, []), "list of integers"),
        (lambda: hsgd.steps_to_target(P, 0.3, 4), "list of integers"),
        (lambda: hsgd.steps_to_target(P, 0.3, [0.5]), "must be an integer"),
        (lambda: hsgd.grow_batch_size(P, hsgd.SGD(0.1), 1.0, growth=1.0), "growth is 1"),
        (lambda: hsgd.grow_batch_size(P, hsgd.SGD(0.1), -1.0), "horizon is -1"),
        (lambda: hsgd.grow_batch_size(P, hsgd.SGD(0.1), 1e14), "shorten time"),
        (
            lambda: hsgd.grow_batch_size(P, hsgd.SGD(0.1, hsgd.Piecewise((1,), (1, 2))), 1.0),
            "pass one integer",
        ),
    ],
)
def test_bad_arguments_get_one_sentence(call, message):
    with pytest.raises((TypeError, ValueError), match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_what_fresh_rows_have_not_is_not_passed_over():
    rows = hsgd.GaussianRows(0.1, np.ones(10))
    with pytest.raises(ValueError, match=r"problem\.sample\(n, seed\)"):
        hsgd.critical_learning_rate(rows, sampling="subset")
