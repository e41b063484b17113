"""SGD's first iterations, step by step with the given rows: where steps are not small.

Homogenized SGD is a limit of small steps. In the first tens of iterations the stiffest modes have
not settled yet, and there it differs from SGD's mean by up to γλ_max/n: an error of its own, which
later times forget. This recursion keeps the discrete steps, the rows and the mean gradient's share
of the noise, and leaves out only covariances between modes, so that an iteration costs O(nr).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from hsgd.theory.question import Question
from hsgd.theory.spectra.eigenmodes import EigenModes

_MOST_STEPS = 400
_WORK = 1e9
"""Operations that may be spent: a fraction of a second."""


def num_first_steps(question: Question, calls: int = 1) -> int:
    """How many iterations are affordable: 400, or fewer on large problems.

    `calls` of them have to do with the cost of one.
    """
    per_step = 6.0 * question.num_rows * len(question.system.eigenvalues)
    return int(min(_MOST_STEPS, _WORK / calls // per_step))


def first_steps(
    question: Question, iterations: NDArray[np.int64], calls: int = 1
) -> dict[str, Array]:
    """Each statistic's mean at those of the ascending `iterations` that are affordable.

    Parameters
    ----------
    question
        About SGD with independent batches on given rows.
    iterations
        Ascending, shape (m,); only the first ones, up to `num_first_steps`, are answered.
    calls
        How many calls, as in a sweep, have to do with the cost of one.

    Returns
    -------
    dict
        name → values, shape (number answered,).
    """
    # notation: V = variances of the modes, rho = mean squared residual of each row,
    # g = mean gradient in the modes, phi = noise factor of the batch
    problem, system, algorithm = question.rows, question.system, question.algorithm
    assert problem is not None
    assert isinstance(system, EigenModes)
    n = problem.num_rows
    wanted = iterations[iterations <= num_first_steps(question, calls)]
    rows = problem.svd.left * problem.svd.singular_values
    squares = rows * rows
    lam, damping = system.eigenvalues, system.damping
    inside, outside = system.limit + system.start, system.start_outside
    V = np.zeros(len(lam))
    points, variances = [], []
    k = 0
    for target in wanted:
        time = np.arange(k, target) / n
        factors = question.noise_factors(time)
        # Beyond critical it may overflow; what is no number then counts as an infinite difference.
        with np.errstate(over="ignore", invalid="ignore"):
            for rate, phi in zip(algorithm.schedule(time), factors, strict=True):
                residual = rows @ inside - problem.b
                g = residual @ rows
                rho = residual**2 + squares @ V
                factor = 1.0 - rate * damping / n
                V = (factor**2 - phi * (rate * lam / n) ** 2) * V
                V += phi * rate**2 / n * (rho @ squares - g * g / n)
                inside = inside - rate / n * (g + problem.ridge * inside)
                outside = outside * (1.0 - rate * problem.ridge / n)
        k = int(target)
        points.append(system.directions @ inside + outside)
        variances.append(V)
    where, spread = np.array(points), np.array(variances)
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            s.name: s.values(where) + 0.5 * spread @ system.curvatures(s)
            for s in question.statistics
            if len(wanted)
        }
