"""Two promises of every solver over one table: honest, and converged where that is possible."""

import numpy as np
import pytest

from tests.tables.function_problems import FUNCTION_PROBLEMS
from tests.tables.problems import PROBLEMS, by_eigenvalues, state_space
from volterra import Status, SumOfExponentials, SumOfPowers, TimeChanged, solve

CASES = [
    pytest.param(problem, method, id=f"{problem.name}-{method}")
    for problem in PROBLEMS
    for method in problem.methods
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
@pytest.mark.parametrize("rtol", [pytest.param(1e-5, marks=pytest.mark.slow), 1e-9])
def test_honest_and_converged(problem, method, rtol):
    solution = solve(
        problem.forcing, problem.kernel, problem.times, method=method, rtol=rtol, atol=1e-3 * rtol
    )
    exact = problem.exact(problem.times)
    assert np.all(np.abs(solution.y - exact) <= solution.error + 2 * EPS * np.abs(exact))
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


BLOCKS = [*range(3), *(pytest.param(block, marks=pytest.mark.slow) for block in range(3, 10))]
"""Of twenty problems each: sixty, and with the slow tests 200."""


@pytest.mark.parametrize("block", range(10))
def test_random_problems_exact(block):
    for seed in range(20 * block, 20 * block + 20):
        forcing, kernel, rng = random_problem(seed)
        t = np.sort(10 ** rng.uniform(-4, 1.3, 4))
        solution = solve(forcing, kernel, t, method="exact", rtol=1e-11)
        error = np.abs(solution.y - by_eigenvalues(forcing, kernel)(t))
        assert np.all(error <= solution.error + EPS * np.abs(solution.y)), seed
        assert solution.status is Status.CONVERGED, seed


@pytest.mark.parametrize("block", BLOCKS)
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


# ----------------------------------------------------- powers, and kernels of any sign or phase


def random_sum(kind, rng, modes, *, signed, size=1.0):
    """Rates over several decades, some in complex pairs if `signed` is 2; weights below `size`."""
    if kind is SumOfPowers:
        rates = 10 ** rng.uniform(-6, 0.2, modes)
        turned = (1 - 10 ** rng.uniform(-4, -0.3, modes)) * np.exp(1j * rng.uniform(0, 3, modes))
        turned = 1 - turned
    else:
        rates = 10 ** rng.uniform(-3, 2, modes)
        turned = rates * np.exp(1j * rng.uniform(-1.5, 1.5, modes))
    if signed == 2:
        rates = np.where(rng.uniform(size=modes) < 0.5, turned, rates)
    phase = (1, rng.choice([-1, 1], modes), np.exp(1j * rng.uniform(-3, 3, modes)))[signed]
    weights = size * np.abs(rates) * rng.dirichlet(np.ones(modes)) * phase
    return getattr(kind, "from_decrements", kind)(rates, weights)


def random_sum_problem(seed, kind, signed):
    rng = np.random.default_rng([seed, signed, kind is SumOfPowers])
    kernel = random_sum(
        kind, rng, rng.integers(1, 5), signed=signed, size=10 ** rng.uniform(-1, 0.3)
    )
    terms = random_sum(kind, rng, rng.integers(0, 3) + 1, signed=signed)
    forcing = getattr(kind, "from_decrements", kind)(terms.rates, terms.weights, 1.0)
    last = 4 if np.any(kernel.weights.real > 0) else 6
    k = np.concatenate([[1, 2], np.rint(10 ** rng.uniform(0.5, last, 2))])
    t = k if kind is SumOfPowers else 10 ** rng.uniform(-3, 1.3, 3)
    return forcing, kernel, np.unique(t), rng


def check_random_sum(seed, kind, method, signed):
    """Honest, and accurate relative to the largest y so far, for y and for an observation."""
    forcing, kernel, t, rng = random_sum_problem(seed, kind, signed)
    solution = solve(forcing, kernel, t, method=method)
    weights = rng.normal(size=kernel.rates.size)
    for found, observation in ((solution, None), (solution.observe(weights), weights)):
        exact = state_space(forcing, kernel, observation)(t)
        if not np.all(np.isfinite(exact)):
            assert found.status is Status.OVERFLOW
            continue
        error = np.abs(found.y - exact)
        assert np.all(error <= found.error + EPS * np.abs(exact)), (seed, observation)
        if method != "recursion":
            scale = np.maximum.accumulate(np.abs(solution.y)) * np.maximum(
                1, t if observation is not None else 1
            )
            assert np.all(found.error <= 1e-7 * scale), (seed, observation)
    largest = np.max(np.abs(solution.y))
    if largest < 1e250:  # beyond, no tolerance can be asked for
        best = solve(forcing, kernel, t, atol=1e-7 * largest)
        assert best.status is Status.CONVERGED, seed


SWEEPS = [
    (SumOfPowers, "exact", 0),
    (SumOfPowers, "recursion", 2),
    (SumOfPowers, "companion", 1),
    (SumOfPowers, "companion", 2),
    (SumOfExponentials, "companion", 1),
    (SumOfExponentials, "companion", 2),
]


@pytest.mark.parametrize(("kind", "method", "signed"), SWEEPS)
def test_random_sums(kind, method, signed):
    for seed in range(20 if kind is SumOfPowers else 14 // signed**2):
        check_random_sum(seed, kind, method, signed)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "method", "signed"), SWEEPS)
@pytest.mark.parametrize("block", range(4))
def test_many_random_sums(kind, method, signed, block):
    for seed in range(1000 + 25 * block, 1025 + 25 * block):
        check_random_sum(seed, kind, method, signed)
