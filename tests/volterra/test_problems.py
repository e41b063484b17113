"""The table itself: complete, and each answer satisfies its own equation."""

import itertools

import numpy as np
import pytest
from scipy.integrate import quad

from tests.tables.problems import PROBLEMS, TAGS, by_eigenvalues, state_space
from volterra import SumOfExponentials, SumOfPowers, TimeChanged


def test_names_are_unique_and_all_tags_are_used():
    assert len({problem.name for problem in PROBLEMS}) == len(PROBLEMS) >= 38
    assert set().union(*(problem.tags for problem in PROBLEMS)) == TAGS


def memory(problem, t):
    """The integral term by adaptive quadrature over the exact answer."""
    kernel, clock, weight, points = problem.kernel, lambda s: s, lambda s: 1.0, []
    if isinstance(kernel, SumOfPowers):
        s = np.arange(round(t))
        return kernel(round(t) - 1 - s) @ problem.exact(s)
    if isinstance(kernel, TimeChanged):
        clock, weight, points = kernel.clock, kernel.weight, list(kernel.breakpoints)
        kernel = kernel.kernel

    def integrand(s):
        return float(kernel(clock(t) - clock(s)) * weight(s) * problem.exact(np.array([s]))[0])

    edges = [0.0, *(p for p in points if p < t), t]
    return sum(
        quad(integrand, a, b, epsrel=1e-9, limit=100)[0] for a, b in itertools.pairwise(edges)
    )


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda p: p.name)
def test_answer_satisfies_the_equation(problem):
    t = 2.5e-6 if "stiff" in problem.tags else 0.77 * float(problem.times[5])
    t = t if "discrete" not in problem.tags else 9.0
    y = float(problem.exact(np.array([t]))[0])
    forcing = float(np.asarray(problem.forcing(np.array([t])))[0])
    assert forcing + memory(problem, t) == pytest.approx(y, rel=1e-8, abs=1e-10)


def test_the_two_references_agree():
    forcing = SumOfExponentials([0.3, 2.0], [1.0, -0.5], 0.2)
    kernel = SumOfExponentials([0.5, 3.0, 40.0], [0.2, 0.9, 5.0])
    t = np.array([0.1, 3.0, 50.0])
    one, other = by_eigenvalues(forcing, kernel)(t), state_space(forcing, kernel)(t)
    np.testing.assert_allclose(one, other, rtol=2e-16)
