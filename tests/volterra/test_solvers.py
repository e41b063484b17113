"""Two promises of every solver over one table: honest, and converged where that is possible."""

import numpy as np
import pytest

from tests.function_problems import FUNCTION_PROBLEMS
from tests.problems import PROBLEMS, by_eigenvalues
from volterra import Status, SumOfExponentials, TimeChanged, solve

CASES = [
    pytest.param(problem, method, id=f"{problem.name}-{method}")
    for problem in PROBLEMS
    for method in (("exact", "collocation") if problem.is_sum else ("collocation",))
]
# A sum of exponentials is a function too. Just below critical, over many decades, panels are short
# of breath: see test_panels.py.
CASES += [
    pytest.param(problem, "panels", id=f"{problem.name}-panels")
    for problem in PROBLEMS
    if problem.is_sum and "near-critical" not in problem.tags
]
CASES += [
    pytest.param(problem, "panels", id=f"{problem.name}-panels") for problem in FUNCTION_PROBLEMS
]
EPS = np.finfo(float).eps


@pytest.mark.parametrize(("problem", "method"), CASES)
@pytest.mark.parametrize("rtol", [1e-5, 1e-9])
def test_honest(problem, method, rtol):
    solution = solve(problem.forcing, problem.kernel, problem.times, method=method, rtol=rtol)
    exact = problem.exact(problem.times)
    assert np.all(np.abs(solution.y - exact) <= solution.error + 2 * EPS * np.abs(exact))


@pytest.mark.parametrize(("problem", "method"), CASES)
@pytest.mark.parametrize("rtol", [1e-5, 1e-9])
def test_converged(problem, method, rtol):
    solution = solve(
        problem.forcing, problem.kernel, problem.times, method=method, rtol=rtol, atol=1e-3 * rtol
    )
    exact = problem.exact(problem.times)
    assert solution.status is Status.CONVERGED
    assert np.all(np.abs(solution.y - exact) <= rtol * np.abs(exact) + 1e-3 * rtol)


def random_problem(seed):
    """A problem with a few modes over several decades, norm from 0.1 to 3, signs in the forcing."""
    rng = np.random.default_rng(seed)
    modes, terms = rng.integers(1, 6), rng.integers(0, 4)
    rates = 10 ** rng.uniform(-3, 3, modes)
    weights = rates * rng.dirichlet(np.ones(modes)) * rng.uniform(0.1, 1.2)
    amplitudes = rng.uniform(-0.1, 1, terms) if seed % 2 else rng.uniform(0, 1, terms)
    forcing = SumOfExponentials(10 ** rng.uniform(-3, 3, terms), amplitudes, constant=1.0)
    return forcing, SumOfExponentials(rates, weights), rng


@pytest.mark.parametrize("block", range(10))
def test_random_problems_exact(block):
    for seed in range(20 * block, 20 * block + 20):
        forcing, kernel, rng = random_problem(seed)
        t = np.sort(10 ** rng.uniform(-4, 1.3, 4))
        solution = solve(forcing, kernel, t, method="exact", rtol=1e-11)
        error = np.abs(solution.y - by_eigenvalues(forcing, kernel)(t))
        assert np.all(error <= solution.error + EPS * np.abs(solution.y)), seed
        assert solution.status is Status.CONVERGED, seed


@pytest.mark.parametrize("block", range(10))
def test_random_problems_collocation(block):
    for seed in range(20 * block, 20 * block + 20):
        forcing, kernel, rng = random_problem(seed)
        t = np.sort(10 ** rng.uniform(-4, 1.3, 4))
        rtol = 10 ** rng.uniform(-9, -3)
        wobble = rng.uniform(0, 0.9)
        changed = TimeChanged(
            kernel,
            lambda t, wobble=wobble: t + wobble * np.sin(t),
            lambda t, wobble=wobble: 1 + wobble * np.cos(t),
        )
        clock = changed.clock(t)
        solution = solve(lambda t, f=forcing, c=changed: f(c.clock(t)), changed, t, rtol=rtol)
        exact = by_eigenvalues(forcing, kernel)(clock)
        error = np.abs(solution.y - exact)
        assert np.all(error <= solution.error + EPS * np.abs(exact)), seed
        assert solution.status is Status.CONVERGED, seed
        assert np.all(error <= rtol * np.abs(exact)), seed
