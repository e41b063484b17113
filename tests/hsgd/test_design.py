"""What schedules lead to, gradients of it, and bounds that no schedule beats."""

import numpy as np
import pytest

import hsgd
from hsgd.theory.design import recursion
from hsgd.theory.design.certificate import certificate, closed_form_bound, least_at_mean, over
from hsgd.theory.design.pieces import (
    Pieces,
    cut,
    exact_homogenized_value,
    homogenized_value,
    polished,
)
from hsgd.theory.design.programme import Programme, shares
from hsgd.theory.design.setting import asked, goal_of, prepared
from hsgd.theory.design.totals import at_total, best_total, longest, optimum_at
from tests.hsgd.design_problems import CASES, goal, setting

K = 61
pytestmark = pytest.mark.filterwarnings(
    "ignore:At [nd] = :UserWarning"  # few rows, but here only theories are compared
)


def random_rates(at, generator, *, spread=0.7):
    """Under the cap, of any shape: a random walk of their logarithms."""
    walk = np.cumsum(generator.normal(size=at.goal.iterations)) * spread / 8
    walk += generator.normal() * np.linspace(-2, 2, len(walk)) - np.abs(generator.normal()) * 2
    return at.cap * np.minimum(1.0, np.exp(walk))


@pytest.mark.parametrize("case", CASES)
def test_the_recursion_is_what_predict_says_and_its_gradient_that_of_differences(case):
    problem, algorithm, statistic = CASES[case]
    it, generator = setting(case, K), np.random.default_rng(1)
    rates = it.cap * generator.uniform(0.2, 0.9, K)
    N = it.goal.per_unit
    schedule = hsgd.Piecewise(np.arange(1, K) / N, rates)
    curve = hsgd.predict(
        problem, algorithm.replace(learning_rate=schedule), [K / N],
        statistics=statistic, method="discrete",
    )  # fmt: skip
    found = recursion.gradient(it.goal, rates)
    assert found.value == pytest.approx(float(curve[it.goal.statistic.name][0]), rel=1e-12)
    assert recursion.value(it.goal, rates) == pytest.approx(found.value, rel=1e-13)
    factors = np.full(K, it.goal.noise_factor)
    for k in (0, 7, 8, K - 1):  # on both sides of a checkpoint, and at both ends
        for which, exact in (("rates", found.by_rate), ("factors", found.by_noise)):
            step, values = (rates if which == "rates" else factors)[k] * 2e-3, []
            for shift in (-2, -1, 1, 2):
                moved = {"rates": rates.copy(), "factors": factors.copy()}
                moved[which][k] += shift * step
                values.append(recursion.value(it.goal, moved["rates"], moved["factors"]))
            # Fourth order: what differences leave out is (2e-3)⁴, and they round to 1e-12.
            slope = (8 * (values[2] - values[1]) - (values[3] - values[0])) / (12 * step)
            assert slope == pytest.approx(exact[k], rel=1e-8, abs=1e-9 * np.abs(exact).max())


def test_an_oracle_in_matrices_gives_the_same_value():
    # Whole second moments, E (x−x*)(x−x*)ᵀ, of fresh Gaussian rows: no modes, no adjoint.
    problem = hsgd.GaussianRows(np.array([0.5, 0.3, 0.1]), np.ones(3), 0.3)
    rates = np.array([0.9, 0.2, 0.5, 0.4, 0.1])
    S, M = np.diag([0.5, 0.3, 0.1]), np.ones((3, 3))
    for g in rates:
        risk = np.trace(S @ M) + 0.3**2
        # E aaᵀMaaᵀ = 2 SMS + S tr(SM) for Gaussian rows.
        M = M - g * (S @ M + M @ S) + g**2 * (2 * S @ M @ S + S * risk)
    at = goal_of(asked(problem, hsgd.StreamingSGD(0.0), None), 5)
    assert recursion.value(at, rates) == pytest.approx(0.5 * (np.trace(S @ M) + 0.09), rel=1e-13)


def test_public_gradient_has_the_same_numbers():
    problem, algorithm, _ = CASES["data"]
    it = setting("data", K)
    schedule = hsgd.PowerDecay(0.5 * it.critical, 0.5)
    found = hsgd.gradient(problem, algorithm.replace(learning_rate=schedule), K)
    rates = schedule(np.arange(K) / it.goal.per_unit)
    own = recursion.gradient(it.goal, rates)
    np.testing.assert_array_equal(found.by_learning_rate, own.by_rate)
    np.testing.assert_array_equal(found.learning_rate, rates)
    assert float(found.value) == own.value
    assert hsgd.dataset.check(found) is None


@pytest.mark.parametrize("case", ["stream", "data", "wide data, own", "typical, distance"])
def test_noise_is_convex_in_the_logarithms_of_rates_and_its_gradient_right(case):
    it, generator = setting(case, 400), np.random.default_rng(2)
    at = Programme.at(it.goal, 0.3 * longest(it.goal, it.log_cap), shares(40), it.log_cap)
    count = len(at.lengths)
    for _ in range(30):
        one, other = generator.normal(it.log_cap, 2.0, (2, count))
        middle = at.noise(0.5 * (one + other))[0]
        assert middle <= 0.5 * (at.noise(one)[0] + at.noise(other)[0]) + 1e-12
    slope = at.noise(one)[1]
    direction = generator.normal(size=count)
    difference = at.noise(one + 1e-5 * direction)[0] - at.noise(one - 1e-5 * direction)[0]
    assert difference / 2e-5 == pytest.approx(float(slope @ direction), rel=1e-7)
    assert slope.min() >= 0


@pytest.mark.parametrize("share", [0.02, 0.9])
def test_the_dual_bound_meets_the_optimum_and_no_feasible_rates_are_below(share):
    it, generator = setting("data", 400), np.random.default_rng(3)
    at = Programme.at(it.goal, share * longest(it.goal, it.log_cap), shares(60), it.log_cap)
    found = at.solve(np.zeros(len(at.lengths)))
    assert found.log_noise - 2e-6 <= found.log_bound <= found.log_noise + 1e-12
    assert at.spent(found.log_rates) == pytest.approx(400, rel=1e-9)
    assert found.log_rates.max() <= it.log_cap + 1e-12
    assert (found.log_rates.max() > it.log_cap - 1e-9) == (share == 0.9)
    for _ in range(300):
        walk = np.cumsum(generator.normal(size=len(at.lengths))) * generator.uniform(0, 0.5)
        other = at.feasible(found.log_rates + walk)
        assert at.spent(other) <= 400 * (1 + 1e-9)
        assert other.max() <= it.log_cap + 1e-12
        assert at.noise(other)[0] >= found.log_bound
        # A bound from anywhere is a bound, if a poorer one.
        assert at.judged(other).log_bound <= found.log_noise + 1e-9


@pytest.mark.parametrize("case", ["stream", "data", "data, training", "wide data, own", "typical"])
def test_no_random_schedule_is_below_the_certificate(case):
    it, generator = setting(case, 300), np.random.default_rng(4)
    best = best_total(it.goal, it.log_cap)
    bound = certificate(it.goal, best, it.log_cap, 0.01)
    closed = closed_form_bound(it.goal, it.log_cap)
    assert bound.bound >= 0.985 * best.value
    assert closed <= best.value
    edges = np.arange(301)
    least = np.inf
    for _ in range(100):
        value = exact_homogenized_value(it.goal, edges, random_rates(it, generator))
        least = min(least, value)
        assert value >= bound.bound
        assert value >= closed
    # Schedules near the optimum are what could be below: the optimum, shaken.
    odometer = best.total * best.edges
    time = np.append(0.0, np.cumsum(np.diff(odometer) * np.exp(-best.solution.log_rates)))
    rates = np.diff(np.interp(edges, time * 300 / time[-1], odometer)) * it.goal.per_unit
    for size in np.geomspace(0.003, 0.3, 60):
        shaken = rates * np.exp(size * np.cumsum(generator.normal(size=300)) / 8)
        value = exact_homogenized_value(it.goal, edges, np.minimum(shaken, it.cap))
        least = min(least, value)
        assert value >= bound.bound
    assert least <= 1.01 * best.value  # they did come near


@pytest.mark.parametrize("case", ["stream", "data", "wide data, own"])
@pytest.mark.parametrize("wide", [1.05, 1.6])
def test_bounds_of_intervals_lie_below_all_of_their_totals(case, wide):
    it = setting(case, 300)
    edges, top = shares(40), longest(it.goal, it.log_cap)
    start = np.full(len(edges) - 1, it.log_cap)
    for low in top * np.array([1e-3, 0.05, 0.5]):
        inside = np.geomspace(low, wide * low, 7)
        least = min(at_total(it.goal, total) for total in inside)
        bound = least_at_mean(it.goal, low, wide * low)
        assert bound <= least * (1 + 1e-12)
        assert bound >= least * (1 - 0.1 * (wide - 1)) - 1e-3
        ends = [optimum_at(it.goal, total, it.log_cap, 40, (edges, start)) for total in inside]
        values = [at_total(it.goal, one.total) + np.exp(one.solution.log_noise) for one in ends]
        noises = [np.exp(one.solution.log_noise) for one in ends]
        below, _, _ = over(it.goal, low, wide * low, edges, start, it.log_cap, 0.999 * min(values))
        assert below <= min(values) * (1 + 1e-9)
        part = Programme.below(it.goal, low, wide * low, edges, it.log_cap)
        for total in inside:
            at = Programme.at(it.goal, total, edges, it.log_cap)
            for name in ("half_decay", "half_source", "source", "flow", "flow_middle", "lengths"):
                assert (getattr(part, name) <= getattr(at, name) * (1 + 1e-12)).all()
        # What noise is bounded by is what there is, up to the width of the interval.
        programme = part.solve(start)
        assert np.exp(programme.log_bound) <= min(noises) * (1 + 1e-9)
        assert np.exp(programme.log_bound) >= min(noises) / wide**6


def test_polishing_from_a_poor_start_finds_the_same():
    it = setting("data", 120)
    found = cut(it.goal, best_total(it.goal, it.log_cap), 12)
    near = polished(it.goal, found, it.cap)[1]
    poor = Pieces(found.edges, np.full(len(found.rates), 0.01 * it.cap))
    assert polished(it.goal, poor, it.cap)[1] == pytest.approx(near, rel=1e-6)


def test_the_scheme_is_of_second_order():
    it = setting("data", 200)
    total = 0.3 * longest(it.goal, it.log_cap)

    def noise(cells):
        at = Programme.at(it.goal, total, np.linspace(0, 1, cells + 1), it.log_cap)
        return at.noise(np.full(cells, it.log_cap))[0]

    errors = np.array([noise(50), noise(100)]) - noise(1600)
    assert errors[0] / errors[1] == pytest.approx(4.0, abs=0.5)


def test_other_batches_have_a_cap_of_their_own():
    it = setting("stream", 300)
    four = it.with_batch(4)
    assert four.cap == pytest.approx(0.8 * four.critical)
    assert four.critical > it.critical
    assert four.goal.iterations == 75
    assert four.goal.noise_factor == 0.25


def test_a_bound_that_takes_a_rising_loss_for_a_falling_one_would_be_false():
    # The start is at the minimum of the rows without a ridge: along the flow the loss only rises.
    problem = hsgd.GaussianRows(np.full(6, 1 / 6), np.ones(6), 0.3, ridge=0.2, x0=np.ones(6))
    it = prepared(problem, None, 200, "iterations", "distance", 0.8)
    low, high = (share * longest(it.goal, it.log_cap) for share in (0.02, 0.9))
    edges = shares(30)
    below = Programme.below(it.goal, low, high, edges, it.log_cap)
    for total in np.geomspace(low, high, 9):
        at = Programme.at(it.goal, total, edges, it.log_cap)
        assert (below.flow <= at.flow * (1 + 1e-12)).all()
        x = np.full(len(edges) - 1, it.log_cap)
        assert below.noise(x)[0] <= at.noise(x)[0]
    late = Programme.at(it.goal, high, edges, it.log_cap)
    assert (late.flow > Programme.at(it.goal, low, edges, it.log_cap).flow * 1.01).any()


def test_the_scheme_is_the_solution_of_the_volterra_equation():
    it = setting("data", 200)
    problem, algorithm, statistic = CASES["data"]
    N = it.goal.per_unit
    edges = np.array([0, 40, 90, 200])
    rates = it.cap * np.array([0.6, 0.9, 0.2])
    schedule = hsgd.Piecewise(edges[1:-1] / N, rates)
    curve = hsgd.predict(
        problem, algorithm.replace(learning_rate=schedule), [200 / N],
        statistics=statistic, method="hsgd",
    )  # fmt: skip
    value = exact_homogenized_value(it.goal, edges, rates)
    assert value == pytest.approx(float(curve.population_risk[0]), rel=2e-4)
    smooth = homogenized_value(it.goal, Pieces(edges, rates).shape())
    assert smooth == pytest.approx(value, rel=3e-3)
    assert at_total(it.goal, 0.0) == pytest.approx(
        float(hsgd.predict(problem, algorithm, [0.0]).population_risk[0]), rel=1e-12
    )


def test_goals_are_for_one_statistic_and_know_their_slopes():
    for case in CASES:
        at, generator = goal(case, 5), np.random.default_rng(0)
        left = generator.uniform(0, 1, len(at.damping))
        direction = generator.normal(size=len(left))
        ahead, back = at.at_mean(left + 1e-3 * direction), at.at_mean(left - 1e-3 * direction)
        slope = float(at.slope(left) @ direction)
        assert (ahead - back) / 2e-3 == pytest.approx(slope, rel=1e-8, abs=1e-9)
        assert at.is_bowl
