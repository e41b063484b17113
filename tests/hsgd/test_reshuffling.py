"""Rows without replacement: the mean field against runs, closed forms, and other theories."""

import re

import numpy as np
import pytest

import hsgd
import simulate
from hsgd.theory.reshuffling import refinement
from hsgd.theory.reshuffling.pace import Pace
from hsgd.theory.reshuffling.two_times import Setting, solve
from hsgd.theory.spectra.nodes import nodes_of

NAMES = ("population_risk", "empirical_risk")


def typical(n=600, d=400, *, power=0.0, ridge=0.1, x0=0.0, noise=0.5):
    values = np.arange(1, d + 1.0) ** -power
    rows = hsgd.GaussianRows(values / values.sum(), np.ones(d), noise, x0=np.full(d, x0))
    return hsgd.SampledLeastSquares(rows, n, ridge=ridge)


def in_passes(problem, times, *, rate=0.8, size=1, single=False):
    pace = Pace(hsgd.SGD(rate).schedule, size, problem.n, single)
    return refinement.Passes(problem.equivalent, problem.ridge, pace, np.array(times))


def both(curves):
    return np.array([curves[name].values for name in NAMES])


@pytest.mark.parametrize(
    ("problem", "sampling", "rate"),
    [
        (typical(300, 200, ridge=1.0), "reshuffle", 0.8),
        (typical(300, 200, ridge=1.0), "single_shuffle", 1.2),
        (typical(200, 300, power=0.5, ridge=1.0, x0=1.0), "reshuffle", hsgd.PowerDecay(1, 1, 1)),
    ],
    ids=["reshuffle", "single", "start and schedule"],
)  # fmt: skip
def test_it_is_the_mean_of_runs_and_independent_draws_are_not(problem, sampling, rate):
    times, runs = [0.0, 0.5, 1.0, 2.5, 6.0], 160
    sgd = hsgd.SGD(rate, sampling=sampling)
    means = []
    for seed in range(runs):  # a sample each: rows, too, are random
        one = simulate.sgd(problem.sample(seed), sgd, times, seed=seed, statistics=NAMES)
        means.append(both(one)[:, :, 0])
    mean, error = np.mean(means, axis=0), np.std(means, axis=0) / runs**0.5
    found = hsgd.predict(problem, sgd, times)
    gaps = np.array([found[f"{name}_discrepancy"].values for name in NAMES])
    value = both(found)
    assert (np.abs(value - mean) <= 3.5 * error + 0.4 * gaps * value).all()
    independent = hsgd.predict(problem, hsgd.SGD(rate), times, method="hsgd")
    apart = np.abs(both(independent) - mean)[1, 2:]
    assert (apart > 6 * error[1, 2:] + gaps[1, 2:] * mean[1, 2:]).any()


def test_whole_batches_are_gradient_descent():
    """Of which the theory of independent subsets knows everything, by another route."""
    problem, times = typical(60, 40, power=0.7, ridge=1.0, x0=0.5), np.arange(0, 9) / 60
    whole = hsgd.predict(problem, hsgd.SGD(0.1 * 60, 60, sampling="reshuffle"), times)
    descent = hsgd.predict(problem, hsgd.SGD(0.1 * 60, 60, sampling="subset"), times)
    assert whole.attrs["method"] == "mean_field"
    np.testing.assert_allclose(both(whole), both(descent), rtol=2e-3)
    np.testing.assert_allclose(_unbinned(problem, np.full(8, 0.1)), both(descent), rtol=1e-8)
    falling = hsgd.PowerDecay(0.1 * 60, 1.0, 0.1)
    descent = hsgd.predict(problem, hsgd.SGD(falling, 60, sampling="subset"), times)
    direct = _unbinned(problem, falling(times[:-1]) / 60)
    np.testing.assert_allclose(direct, both(descent), rtol=1e-8)


def _unbinned(problem, rates):
    nodes = nodes_of(problem.equivalent, problem.dimension)
    setting = Setting(nodes, problem.n, problem.ridge, problem.rows.noise, single=False)
    return np.array(solve(setting, rates, 1, explicit=True))


@pytest.mark.parametrize("sampling", ["reshuffle", "single_shuffle"])
def test_the_first_pass_is_streaming(sampling):
    problem, times = typical(power=0.5, x0=1.0), np.linspace(0, 1, 9)
    found = hsgd.predict(problem, hsgd.SGD(0.8, sampling=sampling), times, rtol=3e-4)
    rows = problem.rows.replace(ridge=problem.ridge / problem.n)
    fresh = hsgd.predict(rows, hsgd.StreamingSGD(0.8), times * 600 / 400, method="hsgd")
    np.testing.assert_allclose(found.population_risk, fresh.population_risk, rtol=4e-4)


def ends(problem, rate, sampling):
    found = hsgd.limits(problem, hsgd.SGD(rate, sampling=sampling))
    value = [float(found[f"limiting_{name}"]) for name in NAMES]
    return np.array(value), np.array([float(found[f"limiting_{name}_error"]) for name in NAMES])


@pytest.mark.parametrize("rate", [0.5, 1.2])
@pytest.mark.parametrize("shape", [(300, 200), (200, 300)])
def test_a_single_order_ends_where_the_closed_form_says(rate, shape):
    """And nowhere else: the cells of a pass know nothing of the closed form."""
    problem = typical(*shape, power=0.3, ridge=3.0, x0=1.0)
    sgd = hsgd.SGD(rate, sampling="single_shuffle")
    late = both(hsgd.predict(problem, sgd, [30.0], rtol=1e-5))[:, 0]
    value, _ = ends(problem, rate, "single_shuffle")
    np.testing.assert_allclose(late, value, rtol=5e-6)
    assert (np.abs(ends(problem, 1.25 * rate, "single_shuffle")[0] / value - 1) > 1e-3).all()


def test_new_orders_end_where_late_passes_are():
    problem = typical(300, 200, power=0.5, ridge=1.0)
    value, error = ends(problem, 0.8, "reshuffle")
    late = both(hsgd.predict(problem, hsgd.SGD(0.8, sampling="reshuffle"), [60.0]))[:, 0]
    assert (np.abs(late - value) <= error + 1e-4 * value).all()
    assert (np.abs(ends(problem, 0.8, "single_shuffle")[0] - value) > 10 * error).all()
    value, error = ends(typical(300, 200, ridge=0.1), 0.2, "reshuffle")
    assert error[0] > 3e-4 * value[0]  # the ratio has not settled, and that is said


def test_rows_that_can_all_be_fitted_end_there():
    problem = typical(100, 200, ridge=0.0, x0=0.3)
    for sampling in ("reshuffle", "single_shuffle"):
        value, error = ends(problem, 0.8, sampling)
        assert value[1] == 0.0
        late = hsgd.predict(problem, hsgd.SGD(0.8, sampling=sampling), [40.0])
        assert abs(value[0] - float(late.population_risk[0])) <= error[0] + 2e-3 * value[0]
    found = hsgd.limits(problem, hsgd.SGD(0.8, sampling="reshuffle"))
    assert found.attrs["verdict"].startswith("SGD on reshuffled rows settles at empirical risk 0")


def test_whole_batches_and_momentum_have_limits():
    problem = typical(60, 40, ridge=1.0)
    whole = hsgd.limits(problem, hsgd.SGD(6.0, 60, sampling="reshuffle"))
    flow = hsgd.limits(problem, hsgd.SGD(6.0, 60, sampling="subset"))
    for name in NAMES:
        assert float(whole[f"limiting_{name}"]) == pytest.approx(
            float(flow[f"limiting_{name}_gradient_flow"]), rel=2e-3
        )
        assert float(whole[f"limiting_{name}_gradient_flow"]) == pytest.approx(
            float(flow[f"limiting_{name}_gradient_flow"]), rel=1e-12
        )
    heavy = hsgd.HeavyBall(0.08, 0.9, sampling="reshuffle")
    plain = ends(problem, 0.8, "reshuffle")[0]
    found = [float(hsgd.limits(problem, heavy)[f"limiting_{name}"]) for name in NAMES]
    np.testing.assert_allclose(found, plain, rtol=1e-6)


@pytest.mark.parametrize("single", [False, True])
def test_cells_are_of_second_order_and_the_error_says_how_far_they_are(single):
    problem = typical(power=0.5, x0=1.0)
    nodes = nodes_of(problem.equivalent, 8)
    setting = Setting(nodes, problem.n, problem.ridge, 0.5, single)
    ends = {}
    for cells in (16, 32, 64, 128):
        risks = solve(setting, np.full(3 * cells, 0.8), cells, explicit=False)
        ends[cells] = np.array(risks)[:, -1]
    exact = (4 * ends[128] - ends[64]) / 3
    order = np.log2((ends[16] - exact) / (ends[32] - exact))
    assert (np.abs(order - 2) < 0.25).all()
    for rtol in (1e-2, 1e-3):
        passes = in_passes(problem, [0.4, 1.3, 3.0], single=single)
        found = refinement.refined(passes, rtol)
        better = refinement.refined(passes, 1e-5)
        assert (np.abs(found.value - better.value) <= found.error + better.error).all()
        assert (found.error <= rtol * found.value).all()


def test_nodes_are_gauss_rules_of_their_bins():
    rows = typical(power=1.0, x0=1.0).equivalent
    values = rows.eigenvalues
    nodes = nodes_of(rows, 12)
    assert len(nodes.eigenvalues) <= 12
    for power in range(1, 5):
        right = np.sum(values**power)
        assert np.sum(nodes.counts * nodes.eigenvalues**power) == pytest.approx(right, rel=1e-12)
    assert abs(np.sum(nodes.counts * nodes.eigenvalues**6) / np.sum(values**6) - 1) > 1e-12
    for sums, square in ((nodes.target, 1.0), (nodes.start, 1.0), (nodes.mixed, 1.0)):
        for power in (1, 2):
            found = np.sum(sums * nodes.eigenvalues**power)
            assert found == pytest.approx(square * np.sum(values**power), rel=1e-12)


@pytest.mark.parametrize("single", [False, True])
def test_the_error_is_that_of_one_grid_less(single):
    """Three grids; of one eigenvalue, so that nodes leave no error."""
    passes = in_passes(typical(x0=1.0), [0.4, 1.3, 3.0], single=single)
    found, exact = refinement.refined(passes, 1.0), refinement.refined(passes, 1e-6).value
    grids = [refinement._solved(passes, 16, cells, explicit=False) for cells in (4, 8, 16)]
    before = np.abs((4 * grids[1] - grids[0]) / 3 - exact)
    largest = (before / exact).max(axis=1, keepdims=True) * exact
    np.testing.assert_allclose(found.error, 0.5 * largest, rtol=0.2)
    assert (np.abs(found.value - exact) <= 0.5 * found.error).all()
    assert (np.abs(found.value - exact) < 0.5 * np.abs(grids[2] - exact)).all()


def test_batches_between_two_grids(monkeypatch):
    """Fifty batches a pass, one by one, and from the grids on both sides of them."""
    problem = typical(power=0.5)
    passes = in_passes(problem, [0.5, 1.0, 2.5, 4.0], rate=12 * 0.8, size=12)
    monkeypatch.setattr(refinement, "_CHEAP_WORK", 5e7)
    found = refinement.refined(passes, 1e-3)
    exact = refinement._solved(passes, 64, 50, explicit=True)
    assert (np.abs(found.value - exact) <= 0.6 * found.error).all()
    assert (found.error <= 4e-3 * exact).all()
    without = refinement.refined(in_passes(problem, passes.times), 1e-3)
    assert (np.abs(without.value / exact - 1) > 5e-3).any()  # the control: as if steps were small


def test_what_it_is_not_for_is_said():
    problem = typical(60, 40)
    sgd = hsgd.SGD(0.5, sampling="reshuffle")
    kept = hsgd.SGD(0.5, sampling="reshuffle", averaging=hsgd.EMA(0.1))
    for call, words in (
        (lambda: hsgd.predict(problem, sgd, [1.0], statistics="distance"), "no 'distance'"),
        (lambda: hsgd.predict(problem, sgd, [1e5]), "shorten time"),
        (lambda: hsgd.predict(problem, kept, [1.0], method="mean_field"), "no averages"),
        (lambda: hsgd.predict(problem.sample(0), kept, [1.0]), "independent batches"),
        (lambda: hsgd.predict(problem, hsgd.SGD(0.5), [1.0], method="mean_field"), "leave method"),
        (lambda: hsgd.predict(problem.sample(0), sgd, [1.0], method="mean_field"), "typical"),
        (lambda: hsgd.limits(problem, kept), "independent batches"),
        (lambda: hsgd.limits(problem, hsgd.SGD(0.0, sampling="reshuffle")), "nothing moves"),
        (lambda: hsgd.limits(problem, sgd, statistics="distance"), "no 'distance'"),
        (lambda: hsgd.limits(problem, hsgd.SGD(0.5), method="mean_field"), "that are reshuffled"),
        (lambda: hsgd.critical_learning_rate(problem, method="mean_field"), "curves alone"),
        (lambda: hsgd.bootstrap_risk(problem, sgd, [1.0]), "independent batches"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=re.escape(words)):
            call()


def test_few_directions_are_warned_of():
    with pytest.warns(UserWarning, match="One direction carries"):
        hsgd.predict(typical(60, 20, power=2.0), hsgd.SGD(0.2, sampling="reshuffle"), [1.0])
