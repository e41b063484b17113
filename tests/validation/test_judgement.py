"""What cases make of numbers, on numbers whose verdict is known: no case is run."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

import hsgd
from tests.validation import curves
from validation import compare, figures
from validation.cases import (
    batches,
    concentration,
    conditioning,
    confront,
    finite_size,
    gaussian,
    in_the_large,
    limiting,
    phases,
    photographs,
    photographs_kept_means,
    quickstart,
    reshuffling,
    streaming,
)
from validation.cases.arrival import arrival
from validation.cases.base import Check, Number


@pytest.mark.parametrize(
    ("value", "agrees"), [(0.99, False), (1.0, True), (1.2, True), (1.21, False)]
)
def test_a_number_lies_between_both_ends_or_not(value, agrees):
    check = Check.within("x", Number("x", value), 1.0, 1.2)
    assert check.agrees == check.passed == agrees
    assert Check.within("x", Number("x", value), 1.0, 1.2, control=True).passed != agrees


@pytest.mark.parametrize("sign", [1, -1])
def test_a_relative_error_is_small_on_either_side_or_not(sign):
    assert Check.close("x", sign * 0.9e-9, 1e-9, "both").agrees
    assert not Check.close("x", sign * 1.1e-9, 1e-9, "both").agrees


def told(agrees, decided):
    found = xr.Dataset(attrs={"verdict": "made up", "agrees": agrees, "decided": decided})
    return [Check.of("x", found, **kind) for kind in ({}, {"expected": False}, {"control": True})]


def test_what_is_undecided_is_never_as_expected():
    assert [check.passed for check in told(1, 1)] == [True, False, False]
    assert [check.passed for check in told(1, 0)] == [False, False, False]
    # What is rejected somewhere is rejected, whatever cannot be told elsewhere.
    assert [check.passed for check in told(0, 0)] == [False, True, True]


def test_an_exponential_arrives_when_its_formula_says():
    times = np.array([0.0, 0.7, 1.9, 2.2, 5.0])
    assert arrival(3.0 * np.exp(-times), times, 0.1) == pytest.approx(np.log(10), rel=1e-12)
    assert np.isnan(arrival(np.exp(-times), times, 1e-3))


@pytest.mark.parametrize("batch", [1, 3])
def test_mistakes_made_on_purpose_are_of_the_size_that_they_say(batch):
    right = hsgd.SGD(0.3, batch).noise_factor(40)
    assert confront.HalfDropped(0.3, batch).noise_factor(40) == pytest.approx(2 * right)
    wrong = confront.DimensionForRows(0.3, batch, dimension=10)
    assert wrong.noise_factor(40) == pytest.approx(4 * right)
    assert finite_size.FivePercentOff(0.3, batch).noise_factor(40) == pytest.approx(1.05 * right)


def test_the_quickstarts_controls_are_wrong_by_what_their_labels_say():
    for fraction, factors in quickstart.WRONG_RATES.items():
        half, *others = quickstart._wrong(fraction, 0.4)
        assert isinstance(half[1], confront.HalfDropped)
        assert half[1].learning_rate == 0.4
        for (label, wrong), factor in zip(others, factors, strict=True):
            assert type(wrong) is hsgd.SGD
            assert wrong.learning_rate == pytest.approx(0.4 * factor)
            side = "low" if wrong.learning_rate < 0.4 else "high"
            assert label == f"the learning rate {abs(factor - 1):.0%} too {side}"


def eigenvalues_and_start():
    values = np.array([7.0, 3.0, 1.0])
    return values, np.array([0.2, 0.5, 0.3])


@pytest.mark.parametrize("kind", ["gradient_descent", "heavy_ball"])
def test_algorithms_without_noise_arrive_as_their_matrices_do(kind):
    """The iteration as powers of one 2 × 2 matrix for each eigenvalue."""
    values, start = eigenvalues_and_start()
    if kind == "heavy_ball":
        step = 4 / (np.sqrt(7) + 1) ** 2
        momentum = ((np.sqrt(7) - 1) / (np.sqrt(7) + 1)) ** 2
    else:
        step, momentum = 2 / 8, 0.0
    count = getattr(conditioning, f"_{kind}")(values, start)

    def left(steps):
        total = 0.0
        for value, share in zip(values, start, strict=True):
            matrix = np.array([[1 + momentum - step * value, -momentum], [1.0, 0.0]])
            total += share * (np.linalg.matrix_power(matrix, steps) @ [1.0, 1.0])[0] ** 2
        return total / start.sum()

    assert left(count) <= conditioning.TOLERANCE < left(count - 1)


def test_spectra_are_what_the_cases_say():
    values = conditioning.spectrum(50, 32.0)
    assert (values == 32.0).sum() == conditioning.NUM_SPIKES
    assert values.min() == 1.0
    assert values[values < 32.0].max() <= 4.0
    problem = batches.make_problem(120, 40)
    hessian = problem.svd.singular_values**2
    assert hessian.sum() / hessian[0] == pytest.approx(batches.KNEE)
    assert hessian.sum() == pytest.approx(120)  # rows of norm one on average
    shares = (problem.svd.left.T @ problem.b) ** 2
    assert shares[0] / shares.sum() == pytest.approx(batches.TOP_SHARE)


@pytest.mark.parametrize(("below", "above"), [(True, True), (False, True), (True, False)])
def test_saturation_needs_both_sides_of_the_knee(below, above):
    """1/B up to the knee and a constant beyond it, or one slope where the other belongs."""
    sizes = np.array(batches.FINE, float)
    counts = 1000 / np.minimum(sizes, 16.0)
    if not below:
        counts = np.full(len(sizes), 1000.0)
    elif not above:
        counts = 1000 / sizes
    _, checks = batches._slopes(list(counts), 16.0)
    assert [check.agrees for check in checks] == [below, above, not above]


def test_slopes_of_passes_go_with_their_algorithms():
    kappa = np.array([10.0, 40.0, 160.0])
    average = np.array([5.0, 6.0, 8.0])
    theory = np.ones(3)  # of SGD, and no part of this
    passes = np.stack([theory, 7 * average, 2 * kappa, 3 * np.sqrt(kappa)], axis=1)
    checks, numbers = conditioning._scaling(passes, kappa, average)
    of_sgd = np.polyfit(np.log(kappa), np.log(average), 1)[0]
    assert [number.value for number in numbers[:3]] == pytest.approx([1.0, 0.5, of_sgd])
    assert all(check.passed for check in checks)
    swapped, _ = conditioning._scaling(passes[:, [0, 1, 3, 2]], kappa, average)
    assert not any(check.agrees for check in swapped[:2])
    uneven, _ = conditioning._scaling(passes, kappa, average * [1, 1, 1.4])
    assert not uneven[2].agrees


def statistics_of(values, variable="empirical_risk", **more):
    """Runs (replicates, times) as a dataset."""
    return xr.Dataset({variable: (("replicate", "time"), values), **more})


def test_the_band_of_single_runs_is_between_their_tenths(monkeypatch):
    """The width of a uniform law on [0.5, 1.5] is 0.8 of its median, at all late times."""
    late = np.linspace(0.5, 1.5, 400)
    runs = np.ones((concentration.GROUPS * 400, 26))
    runs[:, concentration.LATE] = np.tile(late, concentration.GROUPS)[:, None]
    data = statistics_of(runs).transpose("time", "replicate")
    monkeypatch.setattr(concentration, "_runs", lambda *_: data)
    np.testing.assert_allclose(concentration._widths(None, 1.0, len(runs), 0), 0.8, rtol=1e-12)
    one = SimpleNamespace(runs=statistics_of(np.pad(late[:, None], ((0, 0), (20, 0)))))
    assert photographs_kept_means._width(one) == pytest.approx(0.8)


def bootstrap(off, discrepancy=0.05):
    """The verdict on a difference of means that is `off` standard errors from what is predicted.

    Two times, the first of which does not count; 50 runs each, of ±1 and of ±√3 about their mean.
    """
    signs = np.tile([1.0, -1.0], 25)[:, None] * np.sqrt(49 / 50)
    means = np.array([1.0, 3.0])
    many = statistics_of(means + signs, "population_risk")
    fresh = statistics_of(np.ones(2) + np.sqrt(3) * signs, "population_risk")
    error = np.hypot(1, np.sqrt(3)) / np.sqrt(50)
    gap = xr.Dataset(
        {
            "bootstrap_risk": ("time", np.array([0.0, 2.0]) - off * error),
            "bootstrap_risk_discrepancy": ("time", np.full(2, discrepancy)),
            "streaming_risk": ("time", np.ones(2)),
        }
    )
    return streaming._bootstrap(gap, many, fresh, "n = d").agrees


def test_the_bootstrap_risk_may_be_off_by_four_standard_errors_and_its_allowance():
    assert bootstrap(3.99, 0.0)
    assert not bootstrap(4.01, 0.0)
    # Off by x errors e, the prediction 2 − x·e may be off by 4·e + 1.5 · 10% of itself.
    most = (4 + 1.5 * 0.1 * 2 / np.sqrt(4 / 50)) / (1 + 1.5 * 0.1)
    assert bootstrap(0.99 * most, 0.1)
    assert not bootstrap(1.01 * most, 0.1)


def test_below_gradient_flow_is_below_by_more_than_four_standard_errors():
    """200 runs of ±√(199/200) about their mean: a standard error of 1/√200 exactly."""
    signs = np.tile([1.0, -1.0], 100)[:, None] * np.sqrt(199 / 200) * np.ones(3)
    flow = {f"{name}_gradient_flow": ("time", np.full(3, 2.0)) for name in limiting.STATISTICS}
    curve = {name: ("time", np.full(3, 2.0)) for name in limiting.STATISTICS}
    theory = xr.Dataset({**flow, **curve}, {"time": [0.0, 1.0, 2.0]})

    def above(below):
        mean = 2.0 - below / np.sqrt(200) * np.array([0, 0, 1])
        runs = statistics_of(mean + signs, population_risk=(("replicate", "time"), 3.0 + signs))
        return limiting._above_flow(theory, runs, "made up").agrees

    assert above(3.9)
    assert not above(4.1)
    low = theory.assign(population_risk=("time", [2.0, 1.999, 2.0]))
    runs = statistics_of(3.0 + signs, population_risk=(("replicate", "time"), 3.0 + signs))
    assert not limiting._above_flow(low, runs, "made up").agrees


@pytest.mark.parametrize("side", [1, -1])
def test_the_end_may_be_off_by_its_allowance_and_four_standard_errors(side, monkeypatch):
    """400 runs of ±√(399/400) about a mean of 10 (1 + gap): a relative standard error of 0.005."""
    signs = np.tile([1.0, -1.0], 200)[:, None] * np.sqrt(399 / 400) * np.ones(8)
    limits = xr.Dataset({"limiting_empirical_risk": 10.0})
    monkeypatch.setattr(limiting.hsgd, "limits", lambda *_, **__: limits)
    monkeypatch.setattr(limiting, "_algorithm", lambda _: None)
    theory = xr.Dataset({"empirical_risk_discrepancy": ("time", np.full(8, 0.02))})
    for gap, agrees in ((0.0499, True), (0.0501, False)):  # 1.5 · 2% + 4 · 0.5%
        one = SimpleNamespace(
            runs=statistics_of(10 * (1 + side * gap) + signs), theory=theory, problem=None
        )
        check, number = limiting._at_the_end(one, "empirical_risk", 0.5)
        assert number.standard_error == pytest.approx(0.005)
        assert check.agrees == agrees


@pytest.mark.parametrize("side", [1, -1])
def test_a_closed_form_may_be_off_by_two_percent_and_four_standard_errors(side):
    """Eight draws of ±0.02·√(7/8) about their mean: a standard error of 0.02/√8."""
    signs = np.tile([1.0, -1.0], 4)[:, None] * 0.02 * np.sqrt(7 / 8) * np.ones(3)
    room = 0.02 + 4 * 0.02 / np.sqrt(8)
    for share, agrees in ((0.99, True), (1.01, False)):
        mean = side * share * room * np.array([0, 1, 0])
        assert in_the_large._near(mean + signs, "made up", False).agrees == agrees


@pytest.mark.parametrize(
    ("problem", "ridge", "rows"),
    [
        (gaussian.make_problem(20, 2.5), 0.01, 50),
        (limiting.make_problem(20), 1.0, 40),
        (finite_size.make_problem(20, 0), 0.1, 40),
    ],
)
def test_problems_have_the_ridge_of_the_sum_that_is_said(problem, ridge, rows):
    assert problem.ridge == pytest.approx(ridge)
    assert problem.num_rows == rows


def test_a_pool_of_rows_has_the_same_ridge_per_row(monkeypatch):
    monkeypatch.setattr(photographs, "confront", lambda problem, *_, **__: problem)
    A = np.arange(6.0).reshape(3, 2)
    problem = hsgd.LeastSquares(A, np.ones(3), ridge=0.6, population=(np.ones((5, 2)), np.ones(5)))
    pool = photographs._streaming(problem, 0.1, np.arange(3), 8, 0)
    assert pool.num_rows == 5
    assert pool.ridge / 5 == pytest.approx(problem.ridge / 3)


def test_a_title_says_how_far_off_the_mean_is_at_worst_on_either_side():
    off = np.where(curves.TIMES > 3, 0.8, 1.01)
    found = compare(curves.theory(), curves.theory("exact_mean", scale=off), discrepancy=0.0)
    axes = figures.new_figure(4, 3).subplots()
    figures.verdict_title(axes, "half", found)
    assert axes.get_title() == "half: REJECTED\nexact mean within 20% of theory"


def test_a_ratio_has_the_standard_error_of_its_numerator():
    found = compare(curves.theory(), curves.runs(), discrepancy=0.0)
    number = reshuffling._ratio(SimpleNamespace(comparison=found), "made up")
    last = curves.runs().empirical_risk.values[-1] / curves.TRUTH["empirical_risk"][-1]
    assert number.value == pytest.approx(last.mean())
    assert number.standard_error == pytest.approx(last.std(ddof=1) / np.sqrt(32))


def test_the_other_target_of_a_phase_is_another_one():
    """Its theory poses as that of the right problem, or compare would not look at the curve."""
    model = hsgd.PowerLawRandomFeatures(0.8, 0.3, v=40, d=10)
    rows, sgd = model.given_weights(seed=0), hsgd.StreamingSGD(0.05)
    theory = phases.predict(rows, sgd, [0.0, 1.0], statistics=(phases.RISK,), method="discrete")
    means = theory[phases.RISK].values
    values = means[:, None] * (1 + 1e-3 * np.array([-1, 1] * 8))
    values[0] = means[0]
    runs = theory[["population_risk"]].assign(population_risk=(("time", "replicate"), values))
    runs = runs.assign_attrs(source="simulation")
    one = SimpleNamespace(theory=theory, runs=runs)
    assert compare(theory, runs).attrs["agrees"]
    assert phases._other_target(one, model, 0.05, "Ia").passed
    assert json.loads(theory.attrs["problem"])["problem"] == "GaussianRows"
