"""Limits, critical learning rates and rates against the curves at late times."""

import numpy as np
import pytest
import xarray as xr

import hsgd
from hsgd.theory.asking import ask
from tests.hsgd.test_prediction import SHAPES, problem_of, quiet


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ridge", [0.0, 0.4])
@pytest.mark.parametrize("fraction", [0.3, 0.9])
@pytest.mark.parametrize("method", ["hsgd", "discrete"])
def test_limits_are_where_the_curves_end(shape, ridge, fraction, method):
    problem = problem_of(**SHAPES[shape], ridge=ridge)
    sgd = hsgd.SGD(fraction * hsgd.critical_learning_rate(problem, method=method))
    ends = hsgd.limits(problem, sgd, method=method)
    late = quiet(problem, sgd, [60.0 / float(ends.rate)], method=method).isel(time=0)
    for name in ("empirical_risk", "population_risk", "distance"):
        for suffix in ("", "_gradient_flow"):
            assert float(ends[f"limiting_{name}{suffix}"]) == pytest.approx(
                float(late[name + suffix]), rel=1e-10, abs=1e-12
            )
    if method == "hsgd":  # there the norm is proportional to the learning rate
        assert float(ends.kernel_norm) == pytest.approx(fraction, rel=1e-12)


@pytest.mark.parametrize("ridge", [0.0, 0.4])
@pytest.mark.parametrize("fraction", [0.2, 0.95])
def test_the_rate_is_that_of_the_curve(ridge, fraction):
    problem = problem_of(n=20, d=4, ridge=ridge)
    sgd = hsgd.SGD(fraction * hsgd.critical_learning_rate(problem))
    ends = hsgd.limits(problem, sgd)
    rate = float(ends.rate)
    times = np.array([12.0, 14.0]) / rate
    curve = quiet(problem, sgd, times, rtol=1e-12).empirical_risk.values
    excess = np.abs(curve - float(ends.limiting_empirical_risk))
    n = problem.num_rows
    elapsed = np.ptp(np.rint(times * n) / n)
    assert np.log(excess[0] / excess[1]) / elapsed == pytest.approx(rate, rel=2e-2)


def test_without_noise_the_rate_is_that_of_the_smallest_eigenvalue():
    """Full batches: the risk falls with the square of the slowest mode, in steps or without."""
    problem = problem_of(n=20, d=4)
    least = np.linalg.eigvalsh(problem.A.T @ problem.A)[0]
    descent = hsgd.SGD(2.0, 20, "subset")
    expected = {"hsgd": 4.0 * least, "discrete": -40.0 * np.log(1.0 - 2.0 * least / 20)}
    for method, rate in expected.items():
        found = hsgd.limits(problem, descent, method=method)
        assert float(found.rate) == pytest.approx(rate, rel=1e-11)


def test_unit_rows_without_ridge_are_critical_at_two():
    rows = np.random.default_rng(0).normal(size=(50, 20))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    problem = hsgd.LeastSquares(rows, rows[:, 0])
    assert hsgd.critical_learning_rate(problem, method="hsgd") == pytest.approx(2.0, rel=1e-12)
    assert hsgd.critical_learning_rate(problem, method="hsgd", batch_size=3) == pytest.approx(
        6.0, rel=1e-12
    )
    subset = hsgd.critical_learning_rate(problem, method="hsgd", batch_size=3, sampling="subset")
    assert subset == pytest.approx(6.0 * 49 / 47, rel=1e-12)


def test_large_batches_meet_the_curvature_limit():
    problem = problem_of(n=20, d=5, ridge=0.3)
    top = np.linalg.eigvalsh(problem.A.T @ problem.A)[-1]
    for batch, sampling in ((20, "subset"), (10_000, "with_replacement")):
        critical = hsgd.critical_learning_rate(
            problem, batch_size=batch, sampling=sampling, method="hsgd"
        )
        assert critical == pytest.approx(40 / (top + 0.3), rel=1e-12)


def test_limits_above_critical_and_at_rest():
    problem = problem_of()
    above = hsgd.limits(problem, hsgd.SGD(1.5 * hsgd.critical_learning_rate(problem)))
    assert float(above.limiting_empirical_risk) == np.inf
    assert float(above.rate) < 0
    assert np.isfinite(float(above.limiting_empirical_risk_gradient_flow))
    rest = hsgd.limits(problem, hsgd.SGD(0.0))
    start = np.mean((problem.A @ problem.x0 - problem.b) ** 2) / 2
    assert float(rest.limiting_empirical_risk) == pytest.approx(start, rel=1e-12)


def test_condition_numbers():
    A = np.diag([3.0, 2.0, 1.0])
    ends = hsgd.limits(hsgd.LeastSquares(A, np.ones(3)), hsgd.SGD(0.1))
    assert float(ends.condition_number) == pytest.approx(9.0)
    assert float(ends.average_condition_number) == pytest.approx(14.0 / 3.0)
    assert float(ends.largest_over_mean_eigenvalue) == pytest.approx(27.0 / 14.0)
    # Two rows and a column more, that hold nothing: the trace is divided by n, the mean is over d.
    larger = np.zeros((5, 4))
    larger[:3, :3] = A
    ends = hsgd.limits(hsgd.LeastSquares(larger, np.ones(5)), hsgd.SGD(0.1))
    assert float(ends.condition_number) == pytest.approx(9.0)
    assert float(ends.average_condition_number) == pytest.approx(14.0 / 5.0)
    assert float(ends.largest_over_mean_eigenvalue) == pytest.approx(9.0 / (14.0 / 4.0))


def test_bad_arguments_get_one_sentence():
    problem = problem_of()
    with pytest.raises(ValueError, match="constant learning rate"):
        hsgd.limits(problem, hsgd.SGD(lambda t: 0.1 + 0 * t))
    with pytest.raises(ValueError, match="simulate it"):
        hsgd.limits(problem, hsgd.SGD(0.1, sampling="reshuffle"), method="hsgd")
    with pytest.raises(ValueError, match="simulate it"):
        hsgd.critical_learning_rate(problem, sampling="single_shuffle")
    with pytest.raises(ValueError, match="batch_size is 0"):
        hsgd.critical_learning_rate(problem, batch_size=0)
    sizes = xr.DataArray([2, 4], dims="batch_size")
    swept = hsgd.critical_learning_rate(problem, batch_size=sizes)
    assert swept.batch_size.values.tolist() == [2, 4]


@pytest.mark.parametrize("ridge", [0.0, 0.4])
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("method", ["hsgd", "discrete"])
def test_the_transition_is_where_the_regime_changes(ridge, batch, method):
    """Where there are modes that force the loss, the two rates themselves say so, too."""
    problem = problem_of(n=20, d=4, ridge=ridge)

    def ends(rate):
        return hsgd.limits(problem, hsgd.SGD(rate, batch), method=method)

    transition = float(ends(0.1).transition_learning_rate)
    assert 0 < transition < float(ends(0.1).critical_learning_rate)
    for factor, regime in ((0.999, "forcing-dominated"), (1.001, "noise-dominated")):
        rate = factor * transition
        assert ends(rate).attrs["regime"] == regime
        stability = ask(problem, hsgd.SGD(rate, batch), method=method).stability
        if ridge:
            assert (stability.forced_rate(rate) < stability.noise_rate(rate)) == (factor < 1)


def test_without_noise_no_rate_is_beyond_the_transition():
    descent = hsgd.limits(problem_of(n=20, d=4), hsgd.SGD(0.1, 20, "subset"), method="discrete")
    assert descent.transition_learning_rate == np.inf


def test_regimes_with_momentum():
    """Slow steps follow the data's slowest mode; near critical noise dies out more slowly still."""
    problem = problem_of(n=20, d=4, ridge=0.4)
    critical = hsgd.critical_learning_rate(problem, momentum=0.3)
    regimes = [
        hsgd.limits(problem, hsgd.HeavyBall(fraction * critical, 0.3)).attrs["regime"]
        for fraction in (0.02, 0.98)
    ]
    assert regimes == ["forcing-dominated", "noise-dominated"]
