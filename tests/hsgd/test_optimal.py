"""Verbs that say which learning rates and batches are best."""

import numpy as np
import pytest
from scipy.optimize import minimize

import hsgd
import simulate
import validation
from hsgd.theory.design import recursion
from hsgd.theory.design.batches import Batches
from hsgd.theory.design.optimum import designed
from hsgd.theory.design.setting import prepared
from hsgd.theory.design.totals import best_total, longest
from tests.hsgd.design_problems import CASES, power_law, setting

pytestmark = pytest.mark.filterwarnings("ignore:At [nd] = :UserWarning")
STREAM = hsgd.GaussianRows(np.arange(1.0, 31.0) ** -1.0 / 30, np.ones(30), 0.5)
SADDLE = np.eye(30)
SADDLE[0, 1] = SADDLE[1, 0] = 5.0
"""Bent upwards along every mode, and downwards between two of them."""
LOSSES = {
    # (target exponent, noise): constant, cosine, linear, stable_then_linear, inverse_time, power
    (1.0, 0.5): (0.126870, [1.2, 0.07, 0.06, 0.06, 0.40, 0.03]),
    (0.2, 0.5): (0.144074, [18.7, 1.0, 0.5, 0.2, 9.0, 0.45]),
}
"""Percent by which tuned schedules of 6,000 iterations end higher, from programs of their own: one
bounded search each, on the same recursion. Written down to two digits."""


@pytest.mark.parametrize("case", LOSSES)
def test_usual_schedules_are_as_much_worse_as_they_are_known_to_be(case):
    value, losses = LOSSES[case]
    found = hsgd.optimal_schedule(
        power_law(*case), 6000, unit="iterations", cap=0.98, accuracy=None
    )
    assert float(found.optimal_value) == pytest.approx(value, rel=1e-4)
    np.testing.assert_allclose(100 * found.family_loss, losses, atol=0.1)
    assert float(found.population_risk[-1]) == pytest.approx(float(found.optimal_value), rel=1e-9)


@pytest.mark.parametrize("case", ["stream", "data"])
def test_no_other_way_of_looking_finds_a_better_schedule(case):
    problem, algorithm, statistic = CASES[case]
    it = setting(case, 40)
    found = hsgd.optimal_schedule(
        problem, 40, unit="iterations", algorithm=algorithm, statistic=statistic, pieces=40,
        accuracy=None,
    )  # fmt: skip
    least = np.inf
    for seed in range(5):  # every iteration free, from anywhere, with differences for gradients
        start = np.random.default_rng(seed).normal(-1.5, 1.0, 40)
        other = minimize(
            lambda x: np.log(recursion.value(it.goal, it.cap * np.exp(x))),
            np.minimum(start, 0.0), method="L-BFGS-B", bounds=[(-20.0, 0.0)] * 40,
            options={"maxfun": 100_000, "maxiter": 3000, "ftol": 1e-13},
        )  # fmt: skip
        least = min(least, float(np.exp(other.fun)))
    # Iterations at the end are pieces of their own only as far as the programme asks for them.
    assert float(found.optimal_value) <= least * (1 + 2e-4)
    assert float(found.optimal_value) >= least * (1 - 1e-6)


def test_the_answer_in_full():
    found = hsgd.optimal_schedule(STREAM, 30, pieces=6)
    goal_risk = float(found.optimal_value)
    assert float(found.lower_bound) <= float(found.homogenized_value)
    assert float(found.closed_form_lower_bound) <= float(found.homogenized_value)
    assert 0 < float(found.gap) < 0.02
    assert found.sizes["piece"] <= 6
    assert (found.family_loss > 0).all()
    schedule = hsgd.schedule_of(found)
    assert isinstance(schedule, hsgd.Piecewise)
    assert schedule.largest(0, 30) <= 0.8 * float(found.stable_learning_rate) * (1 + 1e-12)
    assert float(found.cap_price) >= 0
    assert "6 iterations" not in found.verdict
    assert "900 iterations" in found.verdict
    assert hsgd.dataset.check(found) is None
    steps = [0.0, 30.0]
    runs = simulate.sgd(STREAM, hsgd.StreamingSGD(schedule), steps, num_replicates=600, seed=1)
    theory = hsgd.predict(STREAM, hsgd.StreamingSGD(schedule), steps)
    assert float(theory.population_risk[-1]) == pytest.approx(goal_risk, rel=1e-9)
    assert validation.compare(theory, runs).agrees.all()


def test_it_is_kept_in_a_file(tmp_path):
    found = hsgd.optimal_schedule(STREAM, 10, pieces=4, accuracy=None)
    found.hsgd.save(tmp_path / "best.nc")
    again = hsgd.schedule_of(hsgd.load(tmp_path / "best.nc"))
    assert again == hsgd.schedule_of(found)
    one = hsgd.optimal_schedule(STREAM, 10, pieces=1, accuracy=None)
    assert isinstance(hsgd.schedule_of(one), hsgd.Constant)
    # One piece is a constant rate.
    assert float(one.optimal_value) == pytest.approx(float(one.family_value[0]), rel=1e-6)


def test_budgets_in_other_units_are_the_same():
    values = [
        float(hsgd.optimal_schedule(STREAM, *amount, algorithm=hsgd.StreamingSGD(0.0, 2),
                                    accuracy=None).optimal_value)
        for amount in ((10,),)
    ]  # fmt: skip
    for amount, unit in ((150, "iterations"), (300, "rows")):
        found = hsgd.optimal_schedule(
            STREAM, amount, unit=unit, algorithm=hsgd.StreamingSGD(0.0, 2), accuracy=None
        )
        values.append(float(found.optimal_value))
    assert values[0] == values[1] == values[2]


def test_a_long_run_is_designed_in_the_limit_of_small_steps():
    found = hsgd.optimal_schedule(STREAM, 2_000_000, unit="iterations", accuracy=None, pieces=20)
    assert found.attrs["method"] == "hsgd"
    assert float(found.optimal_value) == pytest.approx(float(found.homogenized_value), rel=1e-3)
    assert float(found.population_risk[-1]) == pytest.approx(float(found.optimal_value), rel=1e-3)
    assert (found.family_loss > -1e-3).all()


def test_few_pieces_are_cut_where_they_cost_least():
    it = prepared(power_law(0.2, 0.05, 100), None, 2000, "iterations", None, 0.95)
    many, few = (designed(it, count, rivals=False).value for count in (64, 4))
    assert many < few < 1.06 * many  # in four equal pieces it is 26% above


def test_the_constant_rate_is_the_best_of_many():
    rate = hsgd.optimal_learning_rate(STREAM, 30)
    risks = [
        float(hsgd.predict(STREAM, hsgd.StreamingSGD(r), [30.0]).population_risk[0])
        for r in rate * np.array([0.8, 0.97, 1.0, 1.03, 1.25])
    ]
    assert np.argmin(risks) == 2


def test_a_statistic_that_is_lowest_at_the_start_is_left_there():
    start = hsgd.Quadratic(2 * np.eye(30), name="from_start")
    it = prepared(STREAM, None, 10, "passes", start, 0.8)
    assert best_total(it.goal, it.log_cap).total < 1e-6 * longest(it.goal, it.log_cap)
    found = hsgd.optimal_schedule(STREAM, 10, statistic=start, accuracy=0.01)
    assert float(found.piece_learning_rate.max()) < 1e-6
    assert float(found.lower_bound) <= float(found.optimal_value) <= 1e-6


@pytest.mark.parametrize("case", ["stream", "data"])
def test_batches_are_optimal_and_bounded(case):
    problem, algorithm, statistic = CASES[case]
    it, generator = setting(case, 120), np.random.default_rng(5)
    plain = algorithm.replace(batch_size=1, learning_rate=0.3 * it.critical)
    found = hsgd.optimal_batch_schedule(problem, plain, 120, 600, statistic=statistic, pieces=8)
    ideal, bound = found.piece_ideal_batch_size.values, float(found.lower_bound)
    goal = setting(case, 120).goal
    goal = type(goal)(goal.system, goal.statistic, 120, 1.0)
    edges = np.rint(np.linspace(0, 120, 9)).astype(np.int64)
    programme = Batches.of(goal, np.full(120, 0.3 * it.critical), edges, 600.0)
    assert programme.value(ideal) == pytest.approx(bound, rel=1e-6)
    assert ideal @ np.diff(edges) == pytest.approx(600, rel=1e-6)
    assert ideal.min() >= 1 - 1e-9
    for _ in range(200):
        sizes = 1.0 + generator.gamma(0.7, size=8)
        sizes = 1.0 + (sizes - 1.0) * (600 - 120) / ((sizes - 1.0) @ np.diff(edges))
        assert programme.value(sizes) >= bound
    assert bound <= float(found.optimal_value) <= 1.02 * bound
    assert float(found.optimal_value) < float(found.constant_value)
    # The whole batches are a schedule that predict follows, to the same end.
    N = goal.per_unit
    sizes = hsgd.Piecewise(found.piece_start.values[1:], found.piece_batch_size.values)
    curve = hsgd.predict(
        problem, plain.replace(batch_size=sizes), [120 / N], statistics=statistic,
        method="discrete",
    )  # fmt: skip
    assert float(curve[statistic][0]) == pytest.approx(float(found.optimal_value), rel=1e-12)
    assert int(found.rows_drawn) <= 600


def test_a_recommendation_is_what_it_says():
    found = hsgd.recommend(STREAM, 100, accuracy=None)
    sizes, losses = found.batch_size.values, found.batch_loss.values
    chosen = int(found.recommended_batch_size)
    np.testing.assert_array_equal(sizes, 2 ** np.arange(len(sizes)))
    assert losses[0] == 0
    position = list(sizes).index(chosen)
    assert (losses[: position + 1] < 0.01).all()
    assert position + 1 == len(sizes) or losses[position + 1] >= 0.01
    sgd = hsgd.StreamingSGD(hsgd.schedule_of(found), chosen)
    end = [float(found.time[-1])]
    assert int(found.iteration[-1]) == round(100 * 30 / chosen)
    value = float(hsgd.predict(STREAM, sgd, end).population_risk[0])
    assert value == pytest.approx(float(found.optimal_value), rel=1e-9)
    # With the schedule for single rows, polished, it is not far from what batches were judged by.
    assert value < 1.03 * float(found.batch_value[0])
    usual = hsgd.predict(STREAM, hsgd.StreamingSGD(0.01, 32), [100 / 32]).population_risk[0]
    assert float(found.usual_value) == pytest.approx(float(usual), rel=1e-9)
    single = hsgd.recommend(STREAM, 100, accuracy=None, batch_cost=1e-9)
    assert int(single.recommended_batch_size) == 1
    assert "batches of" in found.verdict
    assert hsgd.dataset.check(found) is None
    assert hsgd.plotting.plot(found).shape == (1, 1)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: hsgd.optimal_schedule(STREAM, 0), "budget is 0"),
        (lambda: hsgd.optimal_schedule(STREAM, 0.01), "choose one of 2"),
        (lambda: hsgd.optimal_schedule(STREAM, 10, unit="epochs"), "'passes', 'iterations', 'row"),
        (lambda: hsgd.optimal_schedule(STREAM, 10, cap=1.5), "choose one below 1"),
        (lambda: hsgd.optimal_schedule(STREAM, 10, pieces=0), "pieces is 0"),
        (lambda: hsgd.optimal_schedule(3, 10), "the problem is 3"),
        (
            lambda: hsgd.optimal_schedule(STREAM, 10, algorithm=hsgd.HeavyBall(0.1, 0.5)),
            "schedules are designed for hsgd.SGD",
        ),
        (
            lambda: hsgd.optimal_schedule(STREAM, 10, algorithm=hsgd.StreamingSGD(
                0.1, averaging=hsgd.EMA(0.5))),
            "average",
        ),
        (lambda: hsgd.optimal_schedule(STREAM, 10, statistic=["distance"]), "pass one name"),
        (
            lambda: hsgd.optimal_schedule(
                STREAM, 10, statistic=hsgd.Quadratic(-np.eye(30), name="cliff")
            ),
            "falls without end",
        ),
        (
            lambda: hsgd.optimal_schedule(
                STREAM, 10, statistic=hsgd.Quadratic(SADDLE, name="saddle")
            ),
            "falls without end",
        ),
        (
            lambda: hsgd.optimal_schedule(
                STREAM.sample(20, 0), 10, algorithm=hsgd.SGD(0.0, 20, sampling="subset")
            ),
            "smaller batch_size",
        ),
        (
            lambda: hsgd.optimal_batch_schedule(STREAM, hsgd.StreamingSGD(0.1), 10, 5),
            "fewer than the 10 iterations",
        ),
        (
            lambda: hsgd.optimal_batch_schedule(STREAM, hsgd.StreamingSGD(0.0), 10, 50),
            "and a positive rate",
        ),
        (
            lambda: hsgd.optimal_batch_schedule(
                STREAM.sample(20, 0), hsgd.SGD(0.1, sampling="subset"), 10, 50
            ),
            "not convex in their sizes",
        ),
        (lambda: hsgd.recommend(STREAM, 100, unit="iterations"), "pass unit='rows'"),
        (lambda: hsgd.recommend(STREAM, 5, unit="rows"), "too few for a schedule"),
        (lambda: hsgd.schedule_of(3), "no dataset"),
        (lambda: hsgd.gradient(STREAM, hsgd.StreamingSGD(0.1), 0), "iterations is 0"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_a_sentence(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()
