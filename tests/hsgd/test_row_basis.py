"""The row-basis method against the plain recursion, against Arnoldi, and its estimates of error."""

import dataclasses
import warnings

import numpy as np
import pytest
from scipy.special import iv

import hsgd
from hsgd.exact.row_basis import cost
from hsgd.exact.row_basis.powers import compress
from hsgd.exact.row_basis.regime import Regime
from hsgd.exact.row_basis.rows import Rows
from hsgd.exact.row_basis.time_panels import Stretch, node_sums
from tests.hsgd import arnoldi
from tests.hsgd.random_problems import random_problem

NAMES = ("empirical_risk", "population_risk", "distance")


def problem_of(
    n, d, *, seed=0, power=0.0, spread=0.0, noise=1.0, rank=None, start=False, ridge=0.0
):
    """Gaussian rows of norm about 1, with what makes them hard."""
    rng = np.random.default_rng(seed)
    spectrum = np.arange(1, d + 1.0) ** -power
    A = rng.normal(size=(n, d)) * np.sqrt(spectrum / spectrum.sum())
    if rank is not None:
        A = A[:, :rank] @ rng.normal(size=(rank, d)) / np.sqrt(rank)
    A *= np.exp(spread * rng.normal(size=n))[:, None]
    b = A @ rng.normal(size=d) + noise * rng.normal(size=n)
    test = (rng.normal(size=(30, d)), rng.normal(size=30))
    x0 = rng.normal(size=d) if start else None
    return hsgd.LeastSquares(A, b, ridge=ridge, x0=x0, population=test)


def both(problem, algorithm, epochs, rtol, **options):
    """The plain recursion and the row basis at every iteration."""
    n = problem.num_rows
    time = np.arange(round(epochs * n) + 1) / n
    return (
        hsgd.exact_mean(problem, algorithm, time, method="recursion", **options),
        hsgd.exact_mean(problem, algorithm, time, method="row_basis", rtol=rtol, **options),
    )


PROBLEMS = {
    "comparable rows": (problem_of(80, 20, ridge=0.1), 0.8, {}),
    "ill-conditioned": (problem_of(50, 25, power=3.0, ridge=1e-6), 0.7, {}),
    "unequal rows": (problem_of(60, 15, spread=0.3, ridge=0.1), 0.9, {}),
    "wide, started elsewhere": (problem_of(30, 45, start=True, ridge=0.2), 0.8, {}),
    "wide, no ridge": (problem_of(30, 45, start=True), 0.8, {}),
    "rank-deficient": (problem_of(50, 30, rank=8, start=True), 0.7, {}),
    "subsets": (problem_of(40, 15), 0.8, {"batch_size": 4, "sampling": "subset"}),
    "batches": (problem_of(40, 15, start=True, ridge=0.1), 0.8, {"batch_size": 4}),
    "above critical": (problem_of(50, 15, ridge=0.1), 1.02, {}),
    "alternating modes": (problem_of(40, 15, power=2.0, ridge=0.1), 0.9, {"batch_size": 8}),
    "alternating and unstable": (
        problem_of(40, 15, power=2.0, ridge=0.1),
        1.02,
        {"batch_size": 30, "sampling": "subset"},
    ),
    "interpolating": (problem_of(40, 12, noise=0.0, start=True), 0.6, {}),
}


def at(problem, fraction, **options):
    """SGD at a fraction of the largest learning rate that is stable on these rows."""
    found = hsgd.exact_stability(problem, **options, rtol=1e-4)
    return hsgd.SGD(fraction * float(found.mean_square_critical_learning_rate), **options)


@pytest.mark.filterwarnings("ignore:The learning rate .* turns unstable")
@pytest.mark.parametrize("name", PROBLEMS)
def test_equal_to_the_plain_recursion_at_every_iteration(name):
    problem, fraction, options = PROBLEMS[name]
    plain, fast = both(problem, at(problem, fraction, **options), 12, 1e-8)
    assert fast.attrs["method"] == "row_basis"
    assert fast.attrs["estimated_error"] <= 1e-8
    for statistic in NAMES:
        true = plain[statistic].values
        # Where the risk has fallen by twelve digits, the residuals' own rounding is left.
        allowed = 1e-8 * np.abs(true) + plain[f"{statistic}_error"].values
        assert (np.abs(fast[statistic].values - true) <= allowed).all(), statistic


@pytest.mark.slow
def test_equal_to_the_plain_recursion_at_200_rows():
    for problem in (problem_of(200, 80, ridge=0.1), problem_of(200, 300, start=True)):
        plain, fast = both(problem, at(problem, 0.8), 10, 1e-8)
        for statistic in NAMES:
            np.testing.assert_allclose(fast[statistic], plain[statistic], rtol=1e-8)


def test_negative_factors_occur_in_the_problem_that_is_for_them():
    problem, fraction, options = PROBLEMS["alternating modes"]
    rate = at(problem, fraction, **options).learning_rate
    rows = Rows.of(problem)
    regime = Regime(rows, 0, 100, rate, 1 / 8, rows.start, rows.outside)
    assert regime.factors()[1].any()


def test_piecewise_rates_including_zero_go_segment_by_segment():
    problem = problem_of(20, 24, start=True, ridge=0.1)  # no row sees four directions
    critical = at(problem, 1.0).learning_rate
    schedule = hsgd.Piecewise((2.003, 4.5, 5.0), tuple(critical * f for f in (0.8, 0.3, 0.0, 0.6)))
    plain, fast = both(problem, hsgd.SGD(schedule), 8, 1e-8)
    for statistic in NAMES:
        np.testing.assert_allclose(fast[statistic], plain[statistic], rtol=1e-8)
    levels = [float(fast.learning_rate.sel(time=t, method="nearest")) for t in (1, 3, 4.7, 8)]
    assert levels == [schedule.levels[i] for i in range(4)]


@pytest.mark.parametrize("sampling", ["with_replacement", "subset"])
def test_batch_sizes_change_with_or_without_the_learning_rate(sampling):
    problem = problem_of(50, 15, start=True, ridge=0.1)
    critical = at(problem, 1.0).learning_rate
    sizes = hsgd.Piecewise((1.01, 3.0), (1, 5, 50))
    rates = hsgd.Piecewise((2.0,), (0.8 * critical, 0.5 * critical))
    plain, fast = both(problem, hsgd.SGD(rates, batch_size=sizes, sampling=sampling), 5, 1e-8)
    for statistic in NAMES:
        np.testing.assert_allclose(fast[statistic], plain[statistic], rtol=1e-8)
    # The plain recursion itself, started anew where the batch size changes, has no other answer.
    first = hsgd.exact_mean(
        problem, hsgd.SGD(rates, sampling=sampling), fast.time[:51], method="recursion"
    )
    np.testing.assert_allclose(plain.empirical_risk[:51], first.empirical_risk, rtol=1e-13)
    assert abs(float(plain.empirical_risk[60]) / float(first.empirical_risk[50]) - 1) > 1e-3


def test_few_rows_are_a_basis_that_lacks_nothing():
    """Nothing can be missing, and nothing has to be estimated."""
    problem = problem_of(4, 3, start=True, ridge=0.1)
    plain, fast = both(problem, hsgd.SGD(0.5), 10, 1e-8)
    assert fast.attrs["basis_size"] == 4
    assert fast.attrs["estimated_error"] < 1e-8
    for statistic in NAMES:
        np.testing.assert_allclose(fast[statistic], plain[statistic], rtol=1e-8)


def test_any_quadratic_and_a_few_sparse_times():
    problem = problem_of(50, 25, ridge=0.1)
    rng = np.random.default_rng(1)
    own = hsgd.Quadratic(np.diag(rng.normal(size=25)), rng.normal(size=25), 0.3, name="own")
    sgd, time = hsgd.SGD(0.8), [0.0, 0.31, 2.0, 7.7]
    plain = hsgd.exact_mean(problem, sgd, time, statistics=own, method="recursion")
    fast = hsgd.exact_mean(problem, sgd, time, statistics=own, method="row_basis", rtol=1e-9)
    scale = np.abs(plain.own).max()
    np.testing.assert_allclose(fast.own, plain.own, rtol=1e-8, atol=1e-8 * float(scale))
    assert (np.abs(fast.own - plain.own) <= 3 * fast.own_error + plain.own_error).all()


def test_without_noise_the_mean_is_gradient_descent():
    problem = problem_of(40, 20, start=True, ridge=0.1)
    plain, fast = both(problem, hsgd.SGD(5.0, batch_size=40, sampling="subset"), 3, 1e-6)
    for statistic in NAMES:
        np.testing.assert_allclose(fast[statistic], plain[statistic], rtol=1e-12)
    assert fast.attrs["basis_size"] == 0


@pytest.mark.filterwarnings("ignore:The learning rate .* turns unstable")
def test_far_above_critical_what_overflows_is_infinite():
    problem = problem_of(40, 15, ridge=0.1)
    rate = 3 * hsgd.critical_learning_rate(problem)
    plain, fast = both(problem, hsgd.SGD(rate), 80, 1e-6, statistics="empirical_risk")
    finite = np.isfinite(plain.empirical_risk.values)
    np.testing.assert_array_equal(np.isfinite(fast.empirical_risk.values), finite)
    assert 100 < finite.sum() < len(finite)
    np.testing.assert_allclose(
        fast.empirical_risk.values[finite], plain.empirical_risk.values[finite], rtol=1e-6
    )
    assert "overflow" in fast.attrs["status"]


def test_the_cost_does_not_depend_on_the_number_of_iterations():
    problem, work = problem_of(50, 20, ridge=0.1), []
    for epochs in (1e3, 1e5):
        time = [0.0, 0.9 * epochs, epochs]
        fast = hsgd.exact_mean(
            problem, hsgd.SGD(0.8), time, statistics="empirical_risk", method="row_basis"
        )
        work.append(fast.attrs["num_half_applications"])
        # Long after all transients the mean stands still.
        risk = fast.empirical_risk.values
        assert risk[1] == pytest.approx(risk[2], rel=2e-6)
    assert work[1] < 1.5 * work[0]


@pytest.mark.parametrize("noise_factor", [1.0, 0.25])
def test_arnoldi_agrees_where_the_recursion_is_too_long(noise_factor):
    problem = problem_of(60, 12, ridge=0.1)
    batch = round(1 / noise_factor)
    algorithm = at(problem, 0.7, batch_size=batch)
    iterations = np.array([0, 7, 100, 2000, 30_000])
    fast = hsgd.exact_mean(
        problem,
        algorithm,
        iterations / 60,
        statistics="empirical_risk",
        method="row_basis",
        rtol=1e-8,
    )
    witness = arnoldi.risks(problem, algorithm.learning_rate, noise_factor, iterations, 50)
    np.testing.assert_allclose(fast.empirical_risk, witness, rtol=1e-8)
    other = arnoldi.risks(problem, 1.001 * algorithm.learning_rate, noise_factor, iterations, 50)
    assert np.abs(fast.empirical_risk.values / other - 1)[1:].max() > 1e-5


def overstatement(seed):
    """Reported over true error of each statistic: at the worst iteration, and largest over largest.

    The first must be above 1/3 always, the second at most 10 in the median.
    """
    problem, algorithm = random_problem(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plain, fast = both(problem, algorithm, 12, (1e-4, 1e-6, 1e-8)[seed % 3])
    worst, size = [], []
    for statistic in NAMES:
        value = plain[statistic].values
        true = np.abs(fast[statistic].values - value)
        reported = fast[f"{statistic}_error"].values + plain[f"{statistic}_error"].values
        worst.append(np.min(reported / np.maximum(true, 1e-300)))
        usable = value > 1e-6 * value[0]
        largest = np.max((true / value)[usable])
        if largest > 1e-10:  # below, both are rounding
            size.append(np.max((reported / value)[usable]) / largest)
    return worst, size


def check_honesty(seeds):
    worst, sizes = [], []
    for seed in seeds:
        least, size = overstatement(seed)
        worst += least
        sizes += size
    assert min(worst) > 1 / 3
    assert len(sizes) > len(worst) / 3
    assert np.median(sizes) < 10


def test_the_error_estimate_is_honest_and_not_idle():
    check_honesty((0, 2, 16))  # in the first two the estimate is least above the truth


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_error_estimate_is_honest_on_many_problems():
    check_honesty(range(200))


def test_a_missed_tolerance_is_said(monkeypatch):
    monkeypatch.setattr("hsgd.exact.row_basis.method._MOST_CYCLES", 1)
    problem = problem_of(80, 30, ridge=0.1)
    time = np.arange(401) / 80
    with pytest.warns(UserWarning, match="missed"):
        fast = hsgd.exact_mean(problem, hsgd.SGD(1.2), time, method="row_basis", rtol=1e-9)
    assert fast.attrs["estimated_error"] > 1e-9
    assert "times the rtol of 1e-09" in fast.attrs["status"]
    plain = hsgd.exact_mean(problem, hsgd.SGD(1.2), time, method="recursion")
    for statistic in NAMES:
        true = np.abs(fast[statistic] - plain[statistic])
        assert (true <= 3 * fast[f"{statistic}_error"] + plain[f"{statistic}_error"]).all()


@pytest.mark.parametrize("order", [10, 14])
def test_interpolated_powers_have_the_error_that_their_file_states(order):
    horizon = 10**5
    distance = np.geomspace(1e-9, 1.0, 20_000)
    powers = compress(distance, np.zeros(20_000, dtype=bool), horizon, order)
    x = np.linspace(0.0, 40.0, 4001)
    stated = np.max(np.exp(-1.5 * x) * iv(order, x / 2))
    worst = 0.0
    for k in (1, 3, 17, 300, 5000, horizon):
        nodes = powers.at([k])[0]
        for panel in powers.panels:
            value = panel.cardinal @ nodes[panel.nodes]
            true = np.exp(k * np.log1p(-np.minimum(distance[panel.entries], 1 - 1e-16)))
            worst = max(worst, np.abs(value - true).max())
    assert worst < 3 * stated + 1e-13


def test_sums_over_panels_are_those_of_the_loop():
    distance = np.array([1e-7, 0.003, 0.2, 1.0, 0.4])
    negative = np.array([False, False, False, False, True])
    powers = compress(distance, negative, 1000, 12)
    D = powers.at([1])[0]
    stretch = Stretch(start=50, length=137, order=9)
    rng = np.random.default_rng(0)
    at_nodes = rng.normal(size=9)
    curve = stretch.interpolation(50 + np.arange(137)) @ at_nodes
    sums = node_sums(powers, stretch) @ at_nodes
    for row, stop in enumerate([*stretch.offsets, 137]):
        state = np.zeros(5)
        for j in range(stop):
            state = D * state + curve[j]
        np.testing.assert_allclose(sums[row], state, rtol=1e-11, atol=1e-11)


def test_the_source_is_that_of_the_recursion():
    problem = dataclasses.replace(PROBLEMS["alternating modes"][0], ridge=0.3)
    rows = Rows.of(problem)
    regime = Regime(rows, 0, 50, 4.0, 0.3, rows.start + 1.0, rows.outside)
    n, lam = rows.number, rows.eigenvalues
    factor = 1 - 4.0 * (lam + 0.3) / n
    D = np.outer(factor, factor) - regime.noise / n * np.outer(lam, lam)
    rng = np.random.default_rng(0)
    V = rng.normal(size=D.shape)
    V = V + V.T
    packed = rows.pack(V)
    for k in range(30):
        got = np.empty(rows.size)
        for entries, values in regime.source(np.array([k]), packed):
            got[entries] = values[0]
        np.testing.assert_allclose(got, rows.pack(V), rtol=1e-10, atol=1e-12)
        g = lam * regime.mean(np.array([k]))[0] - rows.targets @ rows.values
        V = D * V - regime.noise / n * np.outer(g, g)


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"rtol": 0.0}, ValueError, "rtol"),
        ({"rtol": 1e-14}, ValueError, "ask for no less"),
        ({"rtol": "small"}, TypeError, "rtol"),
        ({"method": "magic"}, ValueError, "method is 'magic'"),
        ({"progress": "yes"}, TypeError, "progress"),
        ({"statistics": "risk"}, ValueError, "unknown statistic"),
    ],
)
def test_bad_options_are_refused_in_one_sentence(options, error, words):
    with pytest.raises(error, match=words) as caught:
        hsgd.exact_mean(problem_of(20, 5), hsgd.SGD(0.5), [0.0, 1.0], **options)
    assert "\n" not in str(caught.value)


def test_smooth_schedules_are_refused_where_only_the_recursion_would_do():
    problem = problem_of(20, 5)
    cosine = hsgd.SGD(hsgd.CosineDecay(0.5, 10.0))
    with pytest.raises(ValueError, match=r"hsgd\.Piecewise"):
        hsgd.exact_mean(problem, cosine, [1.0], method="row_basis")
    with pytest.raises(ValueError, match=r"hours here .* hsgd\.Piecewise one"):
        hsgd.exact_mean(problem, cosine, [1e7])
    assert hsgd.exact_mean(problem, cosine, [1.0]).attrs["method"] == "recursion"


def test_too_large_a_problem_is_refused_with_memory_and_time(monkeypatch):
    problem = problem_of(60, 25)
    problem.decompose()  # else that is what is refused
    monkeypatch.setattr("hsgd.machine.memory.available", lambda: 10**5)
    with pytest.raises(MemoryError, match=r"GB and .* minutes here .* take fewer rows"):
        hsgd.exact_mean(problem, hsgd.SGD(0.5), [1.0], method="row_basis")
    monkeypatch.setattr("hsgd.machine.memory.available", lambda: 10**4)
    with pytest.raises(MemoryError, match=r"by recursion .* ask for fewer rows or columns"):
        hsgd.exact_mean(problem, hsgd.SGD(0.5), [1.0], method="recursion")


def test_the_memory_that_is_asked_for_is_what_the_docs_say():
    """About 60r² numbers of 8 bytes; more is asked for, not less, and not many times as much."""
    r, nothing = 3000, np.zeros(0)
    table = np.broadcast_to(0.0, (2 * r, r))
    rows = Rows(table, nothing, np.ones(r), nothing, 0.0, nothing, nothing)
    assert 60 * 8 * r**2 < cost.memory(rows, 3, 1) < 3 * 60 * 8 * r**2


def test_a_progress_bar_appears_when_asked(capsys):
    hsgd.exact_mean(problem_of(20, 5), hsgd.SGD(0.5), [1.0], method="row_basis", progress=True)
    assert "exact mean" in capsys.readouterr().err
    hsgd.exact_mean(problem_of(20, 5), hsgd.SGD(0.5), [1.0], method="row_basis", progress=False)
    assert capsys.readouterr().err == ""
