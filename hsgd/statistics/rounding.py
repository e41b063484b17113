"""What rounding makes of a statistic: the size below which nothing can be told.

SGD's parameters are rounded in every step, the minimiser is known to rounding times the root of
the condition number, and residuals are differences of targets and predictions. So where a
statistic is small against the data, theory, exact mean and runs differ by rounding.
"""

from __future__ import annotations

import numpy as np

from hsgd.checks import EPS, Array
from hsgd.interfaces import Problem, Statistic
from hsgd.statistics.without_points import has_points

_ROUNDINGS = 8.0
"""Of one parameter or residual, that add up to what is lost."""


def rounding(problem: Problem, statistic: Statistic, values: Array) -> Array:
    """Absolute error that rounding may make of values of a statistic, in any way to compute them.

    Parameters
    ----------
    problem
        What is learned: its scale, and the condition number of its Hessian.
    statistic
        What is measured.
    values
        Its values, of any shape.

    Returns
    -------
    Array
        Of the shape of `values`. Costs a product of the data with a vector.
    """
    # notation: lost = what parameters lose, q(x + lost) ≤ q(x) + 2 √(q(x) floor) + floor
    if not has_points(problem):
        return np.zeros_like(values)  # no point is meant, so none is rounded
    assert problem.solution is not None
    eigenvalues, vectors = problem.eigenpairs
    positive = eigenvalues[eigenvalues > EPS * np.max(eigenvalues, initial=0.0)]
    condition = float(positive.max() / positive.min()) if positive.size else 1.0
    start = np.asarray(problem.x0)
    size = float(problem.solution @ problem.solution + start @ start)
    lost = (_ROUNDINGS * EPS) ** 2 * (1.0 + condition) * size
    top = int(np.argmax(eigenvalues)) if eigenvalues.size else 0
    direction = np.eye(problem.dimension, 1, -top) if vectors is None else vectors[:, [top]]
    curvature = float(abs(statistic.curvatures(direction)[0])) if direction.size else 0.0
    at_zero = float(abs(statistic.values(np.zeros((1, problem.dimension)))[0]))
    floor = 0.5 * curvature * lost + (_ROUNDINGS * EPS) ** 2 * at_zero
    # Points lie between start and solution, in every direction: |x| ≤ |x0| + |x*|.
    cancelled = _ROUNDINGS * EPS * statistic.terms((2.0 * size) ** 0.5)
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(cancelled + floor + 2.0 * np.sqrt(floor * np.abs(values)))
