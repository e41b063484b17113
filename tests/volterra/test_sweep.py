"""Honest and converged over random equations: the exact method and the compressed one."""

import numpy as np
import pytest

from tests.volterra.random_problems import (
    EPS,
    attainable,
    majorant,
    needs_extended_precision,
    random_problem,
    reference,
)
from volterra import Status, solve

# Below this even 80-bit references of decaying solutions leave double precision behind.
SMALLEST = 1e-280


def check(seed, modes, methods=("exact", "compressed")):
    problem = random_problem(seed, modes)
    exact = reference(problem.forcing, problem.kernel, problem.t)
    promise = attainable(problem) * majorant(problem, exact)
    for method in methods:
        solution = solve(
            problem.forcing,
            problem.kernel,
            problem.t,
            method=method,
            rtol=problem.rtol,
            atol=problem.atol,
        )
        overflown = ~np.isfinite(solution.y)
        message = f"seed {seed}, {modes} modes, {method}, {problem.spectrum}"
        assert np.all(np.abs(exact[overflown]) > 1e290), message
        assert np.all(np.isinf(solution.error[overflown])), message
        seen = ~overflown & (np.abs(exact) > SMALLEST)
        y, size = solution.y[seen], np.abs(exact[seen])
        error = np.abs(y - exact[seen])
        assert np.all(error <= solution.error[seen] + EPS * size), message
        allowed = problem.rtol * size + problem.atol
        if np.all(allowed >= 10 * promise[seen]):
            assert solution.status in (Status.CONVERGED, Status.OVERFLOW), message
        if solution.status is Status.CONVERGED:
            assert np.all(error <= 1.01 * allowed), message
        if method == "exact":
            assert np.all(error <= promise[seen]), message


@needs_extended_precision
@pytest.mark.parametrize("block", range(15))
def test_random_problems(block):
    for seed in range(10 * block, 10 * block + 10):
        check(seed, int(np.random.default_rng([seed, 1]).integers(50, 150)))


@needs_extended_precision
@pytest.mark.slow
@pytest.mark.parametrize("block", range(24))
def test_many_random_problems(block):
    for seed in range(10_000 + 50 * block, 10_000 + 50 * block + 50):
        check(seed, int(np.random.default_rng([seed, 1]).integers(1, 300)))


@needs_extended_precision
def test_the_sweep_notices_an_error_that_is_understated(monkeypatch):
    """The negative control: a bound a thousand times too small must fail."""
    import volterra.compression.method as compressed

    original = compressed.CompressedTrajectory.evaluate

    def understated(self, t):
        value, error = original(self, t)
        return value, 1e-3 * error

    monkeypatch.setattr(compressed.CompressedTrajectory, "evaluate", understated)
    failures = 0
    for seed in range(20):
        try:
            check(seed, 100, methods=("compressed",))
        except AssertionError:
            failures += 1
    assert failures >= 5
