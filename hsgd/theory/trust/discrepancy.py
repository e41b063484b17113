"""How far SGD's true mean may be from the theory because n is finite: an estimate, not a bound.

Fixed rows: on these rows, noise that was fed back once is fed back more strongly than the theory
says, so the loss is solved again with a heavier kernel; the first iterations are run step by step
with the rows themselves; and the limit of small steps is held against its finite-step twin, if
batches make steps large (docs, theory page, "Diagnose"). Gaussian rows drawn afresh: the twin is
exact, so the difference to it is the discrepancy itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.sgd import SGD
from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.problems.least_squares import LeastSquares
from hsgd.theory.diagnosis import feedback_excess
from hsgd.theory.dynamics.curves import (
    Curves,
    has_momentum,
    is_constant,
    number_of_rows,
    solve_curves,
)
from hsgd.theory.dynamics.stepping import step_through
from hsgd.theory.spectra.modes import Modes, Solvable, modes
from hsgd.theory.trust.first_steps import first_steps

_MOST_WORK = 1e9
"""Modes times iterations that an estimate may step through: about a second."""
_MANY_MODES = 4000
"""Beyond so many, an estimate steps through the difference equation rather than solve it."""
_RTOL = 1e-4
"""Only a budget comes out of it: three digits are plenty."""


@dataclass(frozen=True, eq=False)
class Other:
    """Curves that know something which the theory's do not."""

    curves: Curves
    count: int
    """On how many of the iterations they are known; later ones keep the last discrepancy."""
    same_mean: bool
    """Whether these curves without noise are the theory's."""


@dataclass(frozen=True, eq=False)
class Reference:
    """What the theory's curves are held against; the largest difference counts."""

    others: tuple[Other, ...]
    first: dict[str, Array]
    """Each statistic's mean over the first iterations, step by step with the rows."""


def reference(
    problem: Solvable,
    algorithm: Algorithm,
    iterations: NDArray[np.int64],
    method: str,
    statistics: tuple[Statistic, ...],
    rtol: float,
    share: int = 1,
) -> Reference:
    """What the curves are to be held against; nothing where the method is exact.

    `share` calls, the members of a sweep, have to do with the cost of one where that is a choice.
    """

    def other(name: str, excess: float) -> tuple[Other, ...]:
        solvable = is_constant(algorithm) and not has_momentum(algorithm)
        solvable = solvable and len(modes(problem).eigenvalues) <= _MANY_MODES
        stepped = name == "discrete" and not solvable
        count = _affordable(problem, iterations, share) if stepped else len(iterations)
        if not count:
            return ()
        known, tolerance = iterations[:count], max(rtol, _RTOL)
        curves: Curves
        if stepped:
            rows = number_of_rows(problem)
            curves = step_through(modes(problem), algorithm, rows, known, tolerance, excess)
        else:
            curves = solve_curves(problem, algorithm, known, name, tolerance, excess)
        return (Other(curves, count, name == method),)

    twin = other("discrete", 1.0) if method == "hsgd" and _steps_matter(problem, algorithm) else ()
    if not isinstance(problem, LeastSquares):
        return Reference(twin, {})
    smallest = float(np.min(algorithm.batch_sizes(iterations / problem.num_rows)))
    factor = float(algorithm.noise_factor(problem.num_rows, smallest))
    heavier = other(method, feedback_excess(problem, factor))
    first = {}
    if isinstance(algorithm, SGD):
        first = first_steps(problem, modes(problem), algorithm, iterations, statistics, share)
    return Reference(heavier + twin, first)


def _steps_matter(problem: Solvable, algorithm: Algorithm) -> bool:
    """Whether finite steps make a difference that the other estimates do not see.

    For fixed rows and single draws they are of the size of what those see, and of either sign.
    """
    return not isinstance(problem, LeastSquares) or algorithm.largest_batch_size > 1


def _affordable(problem: Solvable, iterations: NDArray[np.int64], share: int) -> int:
    work = iterations * float(len(modes(problem).eigenvalues))
    return int(np.searchsorted(work, _MOST_WORK / share, side="right"))


def left_out(system: Modes, statistic: Statistic, curves: Curves) -> Array:
    """Bound on what covariances between modes add to a statistic where they are left out.

    Gaussian rows drawn afresh make them, and a statistic sees them unless its matrix and Σ have
    the same eigenvectors, as those of the risk and the distance: at most ½‖off-diagonal part‖ times
    the trace of the covariance.
    """
    own = statistic.name in (system.sampled_risk, "distance")
    trace = curves.uncounted()
    if own or not trace.any():
        return np.zeros(len(trace))
    between = system.directions.T @ statistic.matrix() @ system.directions
    np.fill_diagonal(between, 0.0)
    return np.asarray(0.5 * np.linalg.norm(between, 2) * trace)


def relative_gap(other: Array, value: Array) -> Array:
    """|other/value − 1|; 0 where the value is 0, infinite where the quotient is no number."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        gap = np.where(value > 0, np.abs(other / value - 1.0), 0.0)
    return np.where(np.isfinite(gap), gap, np.inf)
