import mpmath
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tests.tables import fixed_point
from tests.tables.problems import (
    PROBLEMS,
    by_eigenvalues,
    constant,
    multiprecision,
    stairs,
)
from volterra import Status, SumOfExponentials, TimeChanged, solve
from volterra.collocation.defect import unresolved
from volterra.collocation.mesh import Work, sweep
from volterra.collocation.question import SteppedQuestion
from volterra.collocation.step import DirectPropagator, Sample, propagator
from volterra.radau import radau

EPS = np.finfo(float).eps
KERNEL = SumOfExponentials([0.7, 2.0], [0.4, 0.5])


def errors_on_uniform_meshes(counts):
    question = SteppedQuestion(constant(), KERNEL, np.array([4.0]), 1e-8, 0.0)
    exact = by_eigenvalues(constant(), KERNEL)
    inside = np.linspace(0.05, 3.95, 157)
    ends, dense = [], []
    for count in counts:
        mesh = sweep(question.equation(), np.linspace(0, 4, count + 1), Work())
        ends.append(abs(1 + mesh.memory[-1, -1] - exact(4.0)[0]))
        dense.append(np.max(np.abs(1 + mesh.interpolate(inside)[0] - exact(inside))))
    return ends, dense


def test_order_by_regression():
    counts = np.array([1, 2, 3, 4, 6])
    ends, dense = errors_on_uniform_meshes(counts)
    assert -np.polyfit(np.log(counts), np.log(ends), 1)[0] == pytest.approx(9, abs=0.8)
    counts = np.array([4, 8, 16, 32])
    _, dense = errors_on_uniform_meshes(counts)
    assert -np.polyfit(np.log(counts), np.log(dense), 1)[0] == pytest.approx(6, abs=0.5)


def test_error_follows_the_tolerance():
    exact = by_eigenvalues(constant(), KERNEL)
    t = np.linspace(0, 20, 21)
    errors = []
    for rtol in (1e-4, 1e-7, 1e-10):
        solution = solve(constant(), KERNEL, t, method="collocation", rtol=rtol)
        errors.append(np.max(np.abs(solution.y / exact(t) - 1)))
        assert errors[-1] <= rtol
    assert errors[2] < 1e-3 * errors[0]


STEPPED = [problem for problem in PROBLEMS if "collocation" in problem.methods]


@pytest.mark.parametrize("problem", STEPPED, ids=lambda p: p.name)
def test_dense_output_is_as_good_as_the_requested_times(problem):
    last = problem.times[-1]
    solution = solve(
        problem.forcing, problem.kernel, [last], method="collocation", rtol=1e-7, atol=1e-9
    )
    t = np.linspace(0, last, 57)
    if last > 100:
        t = np.append(0, np.logspace(-4, np.log10(last), 57))
    y, exact = solution(t), problem.exact(t)
    assert np.all(np.abs(y - exact) <= solution.at(t).error + 2 * EPS * np.abs(exact))
    assert np.all(np.abs(y - exact) <= 1e-7 * np.abs(exact) + 1e-9)


def segmentwise(forcing, kernel, rates, edges, t, v=None):
    """Exact y at t for weight = rate^2 and clock = its integral, rate constant per segment."""
    r, w = multiprecision(kernel.rates), multiprecision(kernel.weights)
    n = len(r)
    with mpmath.workdps(60):
        state = mpmath.matrix([0] * n + [mpmath.mpf(forcing)])
        for rate, start, stop in zip(rates, edges[:-1], edges[1:], strict=True):
            length = mpmath.mpf(float(min(stop, t))) - mpmath.mpf(float(start))
            if length <= 0:
                break
            speed = mpmath.mpf(float(rate))
            matrix = mpmath.zeros(n + 1)
            for i in range(n):
                for j in range(n):
                    matrix[i, j] = speed**2 * w[j] - (speed * r[i] if i == j else 0)
                matrix[i, n] = speed**2
            state = fixed_point.exponential(matrix * length) * state
        row = [*w, 1] if v is None else [*multiprecision(v), 0]
        return float(mpmath.fdot(row, state))


@pytest.mark.parametrize("rate_is_given", [True, False])
@pytest.mark.parametrize("side", ["left", "right"])
def test_piecewise_constant_rate_against_segments(rate_is_given, side):
    kernel, edges = SumOfExponentials([0.3, 2.0, 50.0], [0.1, 0.5, 9.0]), [0.0, 1.0, 3.0, np.inf]
    values = np.array([1.0, 0.5, 0.25])

    def rate(t):
        return values[np.searchsorted([1.0, 3.0], t, side=side)]

    changed = TimeChanged(
        kernel,
        stairs,
        lambda t: rate(t) ** 2,
        clock_rate=rate if rate_is_given else None,
        breakpoints=[1.0, 3.0, -2.0, 99.0],
    )
    t = np.array([0.5, 1.0, 1.5, 3.0, 8.0])
    solution = solve(constant(), changed, t, rtol=1e-9)
    exact = np.array([segmentwise(1.0, kernel, values, edges, time) for time in t])
    np.testing.assert_allclose(solution.y, exact, rtol=1e-9)
    assert np.all(np.abs(solution.y - exact) <= solution.error)
    assert solution.status is Status.CONVERGED
    observed = solution.observe([1.0, -2.0, 3.0])
    exact = np.array(
        [segmentwise(1.0, kernel, values, edges, time, v=[1.0, -2.0, 3.0]) for time in t]
    )
    assert np.all(np.abs(observed.y - exact) <= observed.error + 1e-9 * np.abs(exact))
    np.testing.assert_allclose(observed.y, exact, rtol=1e-8)


def test_an_undeclared_jump_is_survived_honestly():
    kernel, values = SumOfExponentials([0.3, 2.0], [0.1, 0.5]), np.array([1.0, 0.5])

    def rate(t):
        return np.where(t < 1.0, 1.0, 0.5)

    changed = TimeChanged(
        kernel,
        lambda t: np.minimum(t, 1) + 0.5 * np.maximum(t - 1, 0),
        lambda t: rate(t) ** 2,
        clock_rate=rate,
    )
    t = np.array([0.7, 1.3, 5.0])
    solution = solve(constant(), changed, t, rtol=1e-6)
    exact = [segmentwise(1.0, kernel, values, [0, 1.0, np.inf], time) for time in t]
    assert np.all(np.abs(solution.y - exact) <= solution.error)


def test_smooth_schedule_against_scipy():
    kernel = SumOfExponentials([0.3, 2.0, 5.0], [0.3, 0.5, 2.0])
    v = np.array([1.0, 0.0, -1.0])

    def rate(t):
        return 0.5 + 0.4 * np.cos(t)

    def clock(t):
        return 0.5 * t + 0.4 * np.sin(t)

    def forcing(t):
        return 1 + np.exp(-t)

    def derivative(t, modes):
        y = forcing(t) + kernel.weights @ modes
        return -rate(t) * kernel.rates * modes + rate(t) ** 2 * y

    t = np.linspace(0, 10, 11)
    modes = solve_ivp(
        derivative, (0, 10), np.zeros(3), method="DOP853", t_eval=t, rtol=1e-12, atol=1e-14
    ).y
    changed = TimeChanged(kernel, clock, lambda t: rate(t) ** 2, clock_rate=rate)
    solution = solve(forcing, changed, t, rtol=1e-10)
    np.testing.assert_allclose(solution.y, forcing(t) + kernel.weights @ modes, rtol=2e-11)
    np.testing.assert_allclose(solution.observe(v).y, v @ modes, rtol=1e-9, atol=1e-11)


def test_observation_refines_the_mesh_if_it_must():
    """Fast observed modes on a slow y: the mesh made for y alone is too coarse for z."""
    kernel = SumOfExponentials([0.01, 50.0], [0.005, 1e-9])
    changed = TimeChanged(kernel, lambda t: 1.0 * t, lambda t: 1 + 0.5 * np.sin(t))
    t = np.linspace(0.5, 30, 60)
    solution = solve(constant(), changed, t, rtol=1e-7)
    observed = solution.observe([0.0, 1.0])
    finer = solve(constant(), changed, t, rtol=1e-11).observe([0.0, 1.0])
    assert observed.status is Status.CONVERGED
    assert np.all(np.abs(observed.y - finer.y) <= observed.error + finer.error)
    np.testing.assert_allclose(observed.y, finer.y, rtol=1e-7)


def test_stiffness_costs_nothing():
    kernel = SumOfExponentials([1.0, 1e12], [0.3, 3e11])
    solution = solve(constant(), kernel, [1.0, 10.0], method="collocation")
    assert solution.status is Status.CONVERGED
    assert solution.work["steps"] < 500
    exact = by_eigenvalues(constant(), kernel)(solution.t)
    np.testing.assert_allclose(solution.y, exact, rtol=1e-8)


def test_weights_of_either_sign():
    kernel = SumOfExponentials([1.0, 1.0 + 1e-9], [-2.0, 0.5])
    solution = solve(constant(), kernel, np.linspace(0, 5, 6), method="collocation")
    exact = 1 / 2.5 + (1 - 1 / 2.5) * np.exp(-2.5 * solution.t)
    np.testing.assert_allclose(solution.y, exact, rtol=1e-8)


def test_growth_to_overflow():
    solution = solve(
        constant(), SumOfExponentials([1.0], [9.0]), [1.0, 50.0, 200.0], method="collocation"
    )
    assert solution.status is Status.OVERFLOW
    assert np.isfinite(solution.y[1])
    assert solution.y[2] == np.inf


def test_tolerance_out_of_reach_is_said_and_honest():
    kernel = SumOfExponentials([1.0], [0.9999])
    solution = solve(constant(), kernel, [1.0, 1e5], method="collocation", rtol=1e-13)
    exact = by_eigenvalues(constant(), kernel)(solution.t)
    assert solution.status is Status.TOLERANCE_NOT_REACHED
    assert np.all(np.abs(solution.y - exact) <= solution.error)
    assert np.all(solution.error <= 1e-9 * exact)


def test_only_time_zero():
    solution = solve(np.cos, KERNEL, [0.0])
    assert solution.y[0] == 1.0
    assert solution.status is Status.CONVERGED


def test_zero_forcing():
    solution = solve(lambda t: np.zeros_like(t), KERNEL, [0.0, 1.0])
    np.testing.assert_array_equal(solution.y, 0.0)
    assert solution.status is Status.CONVERGED


def test_both_propagators_agree():
    rates = np.array([0.0, 0.01, 1.0, 100.0, 1e9])
    sample = Sample(0.0, 0.5, np.ones(5), np.ones(5), np.linspace(1, 1.5, 5))
    fast = propagator(rates, sample)
    slow = propagator(rates, Sample(0.0, 0.5, np.ones(5), np.ones(5), np.array([1.0, 0, 0, 0, 0])))
    assert isinstance(slow, DirectPropagator)
    system = np.eye(5) + rates[:, None, None] * (0.5 * radau().coefficients * sample.clock_rate)
    direct = DirectPropagator(np.linalg.inv(system))
    weights, source = np.array([1.0, 2, 3, 4, 5]), np.linspace(1, 2, 5)
    np.testing.assert_allclose(fast.matrix_sum(weights), direct.matrix_sum(weights), rtol=1e-11)
    np.testing.assert_allclose(fast.end(weights, source), direct.end(weights, source), rtol=1e-11)


@pytest.mark.parametrize("t", [1e-9, 1e-6, 3e-4, 1e-2])
@pytest.mark.parametrize(
    ("kernel", "method"),
    [
        ("clock", "collocation"),
        *(("plain", m) for m in ("collocation", "panels", "exact", "companion")),
    ],
)
def test_rounding_of_a_forcing_whose_terms_cancel_is_counted(t, kernel, method):
    """1 − exp(−0.7 t): nothing but rounding is wrong, and it dominates."""
    rate, weight = mpmath.mpf(0.7), mpmath.mpf(0.9)
    forcing = SumOfExponentials([0.7], [-1.0], 1.0)
    inner = SumOfExponentials([1.0], [0.9])
    if kernel == "clock":
        inner = TimeChanged(inner, lambda t: t, np.ones_like, clock_rate=np.ones_like)
    solution = solve(forcing, inner, [t], method=method, atol=1e-12)
    with mpmath.workdps(40):
        f = lambda u: -mpmath.expm1(-rate * u)  # noqa: E731
        resolvent = lambda u: weight * mpmath.exp(-(1 - weight) * u)  # noqa: E731
        right = f(mpmath.mpf(t))
        right += mpmath.quad(lambda u: resolvent(mpmath.mpf(t) - u) * f(u), [0, mpmath.mpf(t)])
        wrong = abs(float(mpmath.mpf(float(solution.y[0])) - right))
    assert wrong <= solution.error[0] < 1e-13
    assert solution.error[0] >= 4 * np.finfo(float).eps * 2.0, "four roundings of the terms' sizes"


def test_an_observed_mode_without_weight_in_the_kernel():
    kernel = SumOfExponentials([1.0, 2.0], [-0.5, 0.0])
    one = SumOfExponentials([], [], 1.0)
    seen = [
        solve(one, kernel, [1.0], method=method).observe([0.0, 1.0])
        for method in ("companion", "collocation")
    ]
    assert seen[0].y[0] == pytest.approx(0.34675149, abs=1e-8)
    assert abs(seen[0].y[0] - seen[1].y[0]) <= seen[0].error[0] + seen[1].error[0]


@pytest.mark.parametrize("method", ["collocation", "panels"])
def test_rounding_of_a_forcing_is_amplified_like_the_forcing(method):
    """1 - exp(-rate t) is an ulp or none, by machine; the kernel, just below critical, adds it up.

    What is forgotten in the errors that go through the equation is a twentieth of what is wrong.
    """
    kernel, rate, t = SumOfExponentials([1.0], [0.999]), 2.5e-20, 2000.0
    solution = solve(
        SumOfExponentials([rate], [-1.0], 1.0), kernel, [t], method=method, rtol=1e-6, atol=1e-9
    )
    left = 1.0 - 0.999
    memory = rate * (t / left + np.expm1(-left * t) / left**2)  # of 0.999 exp(-left (t - s))
    grown = 1.0 - 0.999 * np.expm1(-left * t) / left  # what becomes of a constant forcing
    right = rate * t + 0.999 * memory
    assert abs(solution.y[0] - right) <= solution.error[0] < 1e-10
    assert solution.error[0] >= 0.99 * 4 * EPS * 2.0 * grown, "four roundings of the terms' sizes"
    assert right <= solution.error[0]
    if method == "collocation":
        assert memory <= solution.observe([1.0]).error[0] < 1e-11


def test_what_a_step_and_its_halves_miss_alike_is_not_resolved():
    """A jump is missed by one of the halves as by the whole; of smooth functions 2^-5 is left."""
    coarse, fine = np.ones(3), np.array([1.0, 0.0, 0.0, 1.0, 2.0**-5, 2.0**-5])
    found = unresolved(coarse, fine)
    assert np.all(found[:2] >= 0.9)
    assert found[2] == 0.0


def test_the_error_is_the_difference_of_the_meshes():
    """Wherever one looks: where functions are smooth it is nothing else."""
    solution = solve(np.cos, KERNEL, [20.0], method="collocation", rtol=1e-5)
    fine, coarse = solution.trajectory.fine, solution.trajectory.coarse
    start, length = fine.boundaries[:-1, None], np.diff(fine.boundaries)[:, None]
    t = (start + length * radau().nodes).reshape(-1)
    apart = np.abs(fine.interpolate(t)[0] - coarse.interpolate(t)[0])
    assert np.all(apart <= solution.at(t).error)
