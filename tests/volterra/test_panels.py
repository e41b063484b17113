"""Kernels that are functions: orders, the uniform tail, dense output, outcomes and refusals."""

import numpy as np
import pytest

from tests.tables.function_problems import FUNCTION_PROBLEMS, ROTATION, constant_matrix
from tests.tables.problems import PROBLEMS
from volterra import (
    Convolution,
    Hammerstein,
    Kernel,
    Status,
    SumOfExponentials,
    TimeChanged,
    analyse,
    solve,
)
from volterra.panels.defect import worse_half
from volterra.panels.equation import general_equation
from volterra.panels.history import History
from volterra.panels.mesh import Layout, sweep
from volterra.panels.panel import STAGES, lagrange, nodes, panel

EPS = np.finfo(float).eps
T = np.linspace(0, 2, 5)
ONE = SumOfExponentials([], [], constant=1.0)


def named(name):
    return next(problem for problem in FUNCTION_PROBLEMS if problem.name == name)


def errors_by_panels(problem, layouts, inside):
    equation = general_equation(problem.forcing, problem.kernel, inside)
    errors = []
    for layout in layouts:
        y = sweep(equation, layout).interpolate(inside) + equation.source(inside)
        errors.append(np.max(np.abs(y[:, 0, 0] - problem.exact(inside))))
    return errors


@pytest.mark.parametrize("name", ["pendulum", "twice the cosine"])
def test_order_on_uniform_panels(name):
    counts, inside = np.array([4, 6, 8]), np.linspace(0.05, 9.95, 173)
    layouts = [Layout(np.linspace(0, 10, count + 1), 10.0) for count in counts]
    errors = errors_by_panels(named(name), layouts, inside)
    assert -np.polyfit(np.log(counts), np.log(errors), 1)[0] >= STAGES


@pytest.mark.parametrize("name", ["square-root relaxation", "singular and nonlinear"])
def test_order_on_graded_panels(name):
    inside = np.geomspace(1e-3, 2.9, 60)
    coarse = Layout(np.append(0, 3.0 * 9.0 ** np.arange(-12.0, 1.0)), 3.0).bisect()
    errors = errors_by_panels(named(name), [coarse, coarse.bisect()], inside)
    assert errors[0] / errors[1] >= 2**6


def test_the_error_is_the_difference_of_the_meshes():
    """Wherever one looks: where functions are smooth it is nothing else."""
    problem = named("pendulum")
    solution = solve(problem.forcing, problem.kernel, [20.0], rtol=1e-5)
    fine, coarse = solution.trajectory.fine, solution.trajectory.coarse
    start, length = fine.boundaries[:-1, None], np.diff(fine.boundaries)[:, None]
    t = (start + length * nodes()).reshape(-1)
    apart = np.abs(fine.interpolate(t) - coarse.interpolate(t)[:, :, :1])[:, 0, 0]
    assert np.all(apart <= solution.at(t).error)


def test_a_near_panel_is_cut_towards_its_viewer():
    """A kernel that its own nodes, three tenths of its length away, would see to six digits."""
    steep = Convolution(lambda tau: np.exp(-60 * tau))
    history = History(general_equation(np.ones_like, steep, np.array([3.0])), 1)
    history.push(1.0, np.ones((STAGES, 1, 1)))
    found = history.integrate(np.array([0.3]))[:, 0, 0]
    np.testing.assert_allclose(found, [(np.exp(-18.0) - np.exp(-78.0)) / 60], rtol=1e-13)


def test_a_singular_start_is_interpolated_in_its_own_variable():
    """Inside the first panel, where the solution is a polynomial of the root of time."""
    layout, inside = Layout(np.array([0.0, 1e-2, 0.1]), 0.1), np.array([1e-5, 1e-3, 5e-3])
    assert errors_by_panels(named("square-root relaxation"), [layout], inside)[0] < 1e-12


def test_the_defect_of_a_panel_is_that_of_its_worse_half():
    """And none where the halves were not reached."""
    defects = np.array([1.0, 0.0, 0.0, 2.0, 9.0]).reshape(5, 1, 1)
    np.testing.assert_array_equal(worse_half(defects, 3)[:, 0, 0], [1.0, 2.0, 0.0])


def test_a_far_panel_is_cut_where_the_kernel_jumps():
    """Seen from 2.3 and 2.9, a kernel that is one up to a difference of 2."""
    box = Convolution(lambda tau: np.where(tau < 2, 1.0, 0.0), breakpoints=[2.0])
    history = History(general_equation(np.ones_like, box, np.array([3.0])), 1)
    for stop in (1.0, 2.0):
        history.push(stop, np.ones((STAGES, 1, 1)))
    found = history.integrate(np.array([0.3, 0.9]))[:, 0, 0]
    np.testing.assert_allclose(found, [1.7, 1.1], rtol=1e-14)


def test_tail_by_transforms_is_the_same_equation():
    problem = named("pendulum")
    equation = general_equation(problem.forcing, problem.kernel, problem.times)
    edges = np.linspace(0, 20, 101)
    dense = sweep(equation, Layout(edges, 20.0))
    for start in (1, 3, 40):
        tail = sweep(equation, Layout(edges[: start + 1], 20.0, 100 - start))
        np.testing.assert_allclose(tail.y, dense.y, atol=3e-14)
        np.testing.assert_allclose(tail.boundaries, dense.boundaries, rtol=1e-14)


def test_tail_of_a_nonlinear_system():
    problem = named("rotation on the circle")
    equation = general_equation(problem.forcing, problem.kernel, problem.times)
    edges = np.linspace(0, 10, 71)
    dense, tail = (sweep(equation, Layout(edges[:k], 10.0, 71 - k)) for k in (71, 4))
    np.testing.assert_allclose(tail.y, dense.y, atol=3e-14)


def test_tail_of_a_singular_kernel():
    problem = named("square-root relaxation")
    equation = general_equation(problem.forcing, problem.kernel, np.array([3.0]))
    edges = np.concatenate([[0.0], np.geomspace(1e-9, 0.1, 20), np.linspace(0.1, 3, 60)[1:]])
    dense, tail = (sweep(equation, Layout(edges[:k], 3.0, edges.size - k)) for k in (80, 21))
    np.testing.assert_allclose(tail.y, dense.y, atol=3e-14)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 0.9])
@pytest.mark.parametrize("first", [False, True])
def test_product_integration_is_exact_for_the_panel_polynomial(alpha, first):
    from scipy.special import beta

    rule = panel(alpha, first)
    power = 3 * (1 - alpha) if first else 3
    own = np.einsum("inj,j->i", rule.basis, rule.positions**power)
    exact = rule.positions ** (1 - alpha + power) * beta(1 - alpha, 1 + power)
    np.testing.assert_allclose(own, exact, rtol=1e-12, atol=2e-14)
    tame = np.sum(rule.source_basis @ rule.positions**power)
    assert tame == pytest.approx(1 / (1 + power), rel=1e-12)


def test_lagrange_polynomials_at_their_nodes():
    np.testing.assert_allclose(lagrange(nodes(), nodes()), np.eye(nodes().size), atol=1e-280)


@pytest.mark.parametrize("problem", FUNCTION_PROBLEMS, ids=lambda p: p.name)
def test_dense_output_is_as_good_as_the_requested_times(problem):
    last = problem.times[-1]
    solution = solve(problem.forcing, problem.kernel, [last], rtol=1e-7, atol=1e-9)
    t = np.linspace(0, last, 57)
    if last > 100:
        t = np.append(0, np.geomspace(1e-4, last, 57))
    y, exact = solution(t), problem.exact(t)
    assert y.shape == exact.shape
    assert np.all(np.abs(y - exact) <= solution.at(t).error + 2 * EPS * np.abs(exact))
    assert np.all(np.abs(y - exact) <= 1e-7 * np.abs(exact) + 1e-9)
    assert solution(0.5 * last).shape == exact.shape[1:]


@pytest.mark.parametrize("name", ["sine kernel", "square-root relaxation", "rotation"])
def test_twelve_digits(name):
    problem = named(name)
    solution = solve(problem.forcing, problem.kernel, problem.times[:9], rtol=1e-12, atol=1e-15)
    exact = problem.exact(problem.times[:9])
    assert np.all(np.abs(solution.y - exact) <= 1e-12 * np.abs(exact) + 1e-15)
    assert np.all(np.abs(solution.y - exact) <= solution.error + 2 * EPS * np.abs(exact))


def random_problem(seed):
    """Sums of exponentials over six decades of rates and twelve of time, norm from 0.01 to 3."""
    rng = np.random.default_rng(seed)
    modes, terms = rng.integers(1, 6), rng.integers(0, 4)
    rates, norm = 10 ** rng.uniform(-3, 3, modes), 10 ** rng.uniform(-2, np.log10(3))
    kernel = SumOfExponentials(rates, rates * rng.dirichlet(np.ones(modes)) * norm)
    amplitudes = rng.uniform(-0.1 if seed % 2 else 0, 1, terms)
    forcing = SumOfExponentials(10 ** rng.uniform(-3, 3, terms), amplitudes, constant=1.0)
    last, growth = 10 ** rng.uniform(-3, 9), analyse(kernel).malthusian_exponent
    last = min(last, 50 / growth) if growth > 0 else last
    return forcing, kernel, np.sort(last * 10 ** rng.uniform(-6, 0, 5)), 10 ** rng.uniform(-12, -3)


def check_random(seed):
    forcing, kernel, t, rtol = random_problem(seed)
    two_times = Kernel(lambda t, s: kernel(t - s))
    # A kernel that has to subtract rounded times itself cannot be stiff over many decades.
    rounded = 1e-15 * kernel.rates.max() * t[-1] > 1e-3 * rtol
    function = Convolution(kernel) if seed % 4 or rounded else two_times
    solution = solve(lambda t: forcing(t), function, t, rtol=rtol)
    exact = solve(forcing, kernel, t, method="exact", rtol=1e-12)
    error = np.abs(solution.y - exact.y)
    assert np.all(error <= solution.error + exact.error), seed
    near = abs(analyse(kernel).kernel_norm - 1) < 0.02
    if not near:
        assert solution.status is Status.CONVERGED, seed
        assert np.all(error <= rtol * np.abs(exact.y) + exact.error), seed


@pytest.mark.parametrize("block", range(8))
def test_random_problems(block):
    for seed in range(10 * block, 10 * block + 10):
        check_random(seed)


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_many_random_problems(block):
    for seed in range(1000 + 60 * block, 1060 + 60 * block):
        check_random(seed)


@pytest.mark.slow
def test_just_below_critical_is_honest():
    for problem in PROBLEMS:
        if problem.is_sum and "near-critical" in problem.tags:
            solution = solve(
                problem.forcing, problem.kernel, problem.times, method="panels", rtol=1e-5
            )
            exact = problem.exact(problem.times)
            assert np.all(np.abs(solution.y - exact) <= solution.error + 2 * EPS * np.abs(exact))


# ----------------------------------------------------------------- outcomes


def test_blow_up_is_a_status():
    problem = named("towards a blow-up")
    t = np.linspace(0, 2, 21)
    solution = solve(problem.forcing, problem.kernel, t, rtol=1e-8)
    assert solution.status is Status.NOT_CONTINUED
    before = t < 0.999
    np.testing.assert_allclose(solution.y[before], 1 / (1 - t[before]), rtol=1e-8)
    assert np.all(np.isnan(solution.y[t > 1]))
    assert np.all(np.isinf(solution.error[t > 1]))


def test_linear_growth_overflows():
    t = np.array([1.0, 600.0, 800.0])
    solution = solve(ONE, Convolution(np.ones_like), t, rtol=1e-6)
    assert solution.status is Status.OVERFLOW
    assert solution.y[1] == pytest.approx(np.exp(600.0), rel=1e-6)
    assert np.isposinf(solution.y[2])


@pytest.mark.parametrize("rtol", [1e-4, 1e-8])
def test_a_jump_in_the_forcing_is_honest(rtol):
    # y = 1, then 2 from t = pi / 3 on
    jump = np.pi / 3

    def forcing(t):
        return np.where(t < jump, 1 - t, 2 - jump - 2 * (t - jump))

    solution = solve(forcing, Convolution(np.ones_like), np.linspace(0, 3, 7), rtol=rtol)
    error = np.abs(solution.y - np.where(solution.t < jump, 1, 2))
    assert np.all(error <= solution.error)


@pytest.mark.parametrize("rtol", [1e-3, 1e-6, 1e-9])
def test_a_kink_in_the_forcing_is_honest(rtol):
    kink = np.pi / 3

    def forcing(t):
        before, after = kink * t - t**2 / 2, kink**2 / 2 + (t - kink) ** 2 / 2
        return np.abs(t - kink) - np.where(t < kink, before, after)

    solution = solve(forcing, Convolution(np.ones_like), np.linspace(0, 3, 7), rtol=rtol)
    assert np.all(np.abs(solution.y - np.abs(solution.t - kink)) <= solution.error)


def test_an_impossible_tolerance_is_a_status():
    solution = solve(ONE, Convolution(lambda tau: np.exp(-tau)), T[1:], rtol=1e-18)
    assert solution.status is Status.TOLERANCE_NOT_REACHED
    assert np.all(np.abs(solution.y - (1 + T[1:])) <= solution.error)
    assert np.all(solution.error < 1e-12)


def test_a_sum_of_exponentials_under_a_nonlinearity_needs_no_derivative():
    one, other = (
        solve(ONE, Hammerstein(SumOfExponentials([1.0], [0.3]), np_sin, derivative), T)
        for derivative in (None, lambda s, y: np.cos(y))
    )
    np.testing.assert_allclose(one.y, other.y, rtol=1e-12)


def np_sin(s, y):
    return np.sin(y)


# ----------------------------------------------------------------- refusals


def test_observation_is_refused():
    solution = solve(ONE, Convolution(lambda tau: np.exp(-tau)), T)
    with pytest.raises(TypeError, match="sum of exponentials"):
        solution.observe([1.0])
    with pytest.raises(TypeError, match="'auto'"):
        solve(ONE, SumOfExponentials([1.0], [0.5]), T, method="panels").observe([1.0])
    with pytest.raises(ValueError, match="later last time"):
        solution(9.0)


K1, ROTATE = Convolution(np.cos), Convolution(constant_matrix(ROTATION), dimension=2)


@pytest.mark.parametrize(
    ("forcing", "kernel", "message"),
    [
        (ONE, Convolution(lambda tau: 1.0), r"shape \(\d+,\)"),
        (ONE, Convolution(lambda tau: tau[:-1]), "vectorise"),
        (ONE, Convolution(lambda tau: np.full_like(tau, np.nan)), "not finite at t - s"),
        (ONE, Kernel(lambda t, s: 1 / np.zeros_like(s) + t, singularity=0.5), "singularity=alpha"),
        (ONE, Convolution(lambda tau: tau + 1j), "real numbers"),
        (ONE, ROTATE, "one more axis"),
        (lambda t: np.ones((t.size, 3)), ROTATE, "one more axis"),
        (lambda t: np.ones((t.size, 2, 2)), K1, "one more axis"),
        (lambda t: 1.0, K1, "vectorise"),
        (lambda t: np.full_like(t, np.inf), K1, "forcing is not finite"),
        (lambda t: np.ones((t.size, 2)), Hammerstein(K1, lambda s, y: y), "one more axis"),
        (ONE, Hammerstein(K1, lambda s, y: 1.0), "nonlinearity"),
        (ONE, Hammerstein(K1, lambda s, y: y, lambda s, y: 1.0), "derivative"),
        (ONE, Hammerstein(K1, lambda s, y: y * np.nan), "not finite at s = 0"),
    ],
)
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_bad_functions_are_one_sentence(forcing, kernel, message):
    with pytest.raises(ValueError, match=message) as caught:
        solve(forcing, kernel, T)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Convolution(3.0), TypeError, "vectorised function"),
        (lambda: Kernel(np.add, singularity=1.0), ValueError, "integrable"),
        (lambda: Kernel(np.add, singularity="a"), ValueError, "number"),
        (lambda: Kernel(np.add, dimension=0), ValueError, ">= 1"),
        (lambda: Kernel(np.add, dimension=1.5), TypeError, "integer"),
        (lambda: Hammerstein(np.cos, np_sin), TypeError, "wrap"),
        (lambda: Hammerstein(K1, 1.0), TypeError, "nonlinearity"),
    ],
)
def test_bad_nouns_are_one_sentence(make, error, message):
    with pytest.raises(error, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_too_large_a_system_is_refused_with_the_memory_it_needs():
    m = 2200

    def forcing(t):
        return np.broadcast_to(1.0, (t.size, m))

    kernel = Convolution(lambda tau: np.broadcast_to(0.0, (tau.size, m, m)), dimension=m)
    with pytest.raises(MemoryError, match="GiB"):
        solve(forcing, kernel, T)


def test_methods_refuse_kernels_of_other_kinds():
    with pytest.raises(TypeError, match="method='panels'"):
        solve(ONE, K1, T, method="exact")
    changed = TimeChanged(SumOfExponentials([1.0], [0.5]), lambda t: t, np.ones_like)
    with pytest.raises(TypeError, match="method='collocation'"):
        solve(ONE, changed, T, method="panels")
