"""A difference equation iterated in its modes, V ← q V + y, with a running bound of its rounding.

For forcings that are any function and kernels of any sign. Every iteration is stored, so that
other iterations and observations cost no second solve.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from volterra.arrays import EPS, Array, Complex
from volterra.companion.method import one_of_each_pair, solve_companion
from volterra.kernels.powers import SumOfPowers, check_iterations
from volterra.question import Method, Question
from volterra.solution import Forcing, evaluate_forcing

# About half a minute of one core, and two gigabytes.
_MOST_WORK = 2e10
_MOST_ITERATIONS = 1e8


@dataclass(frozen=True, eq=False)
class RecursionTrajectory:
    """y, or an observation of it, at every iteration up to the last; `driver` is y itself."""

    kernel: SumOfPowers
    driver: tuple[Array, Array]
    y: Array
    error: Array
    work: Mapping[str, int] = field(default_factory=dict)

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and error bounds, looked up; infinite from the overflow on."""
        k = check_iterations(t).astype(np.int64)
        if np.any(k >= self.y.size):
            raise ValueError(
                f"the solution was computed up to iteration {self.y.size - 1}; "
                "solve again with a later last iteration to go beyond."
            )
        return self.y[k], self.error[k]

    def observe(self, weights: Array, forcing: Forcing | None) -> RecursionTrajectory:
        """Drive the modes by the stored y, and sum them with other weights."""
        decrements, _, v = one_of_each_pair(self.kernel, weights)
        y, error = _iterate(decrements, v, _forcing(forcing, self.y.size), self.driver)
        return RecursionTrajectory(self.kernel, self.driver, y, error, self.work)


def solve_recursion(forcing: Forcing, kernel: SumOfPowers, last: int) -> RecursionTrajectory:
    """Iterate from 0 to `last`.

    Parameters
    ----------
    forcing
        f; a callable takes an array of iterations and returns an array of the same shape.
    kernel
        K, weights of any sign.
    last
        The last iteration.

    Returns
    -------
    RecursionTrajectory
        Costs modes · iterations operations; its error is a bound, carried along with the solution.

    Raises
    ------
    ValueError
        If there are too many iterations.
    """
    decrements, weights, _ = one_of_each_pair(kernel, None)
    modes = decrements.size
    if last > _MOST_ITERATIONS or last * max(1, modes) > _MOST_WORK:
        raise ValueError(
            f"{last} iterations of {modes} modes are too many for the recursion: give the forcing "
            "as a SumOfPowers, then the exact and the companion method need no iterations, or ask "
            "for earlier ones."
        )
    f = _forcing(forcing, last + 1)
    y, error = _iterate(decrements, weights, f, None)
    work = {"iterations": last, "modes": modes}
    return RecursionTrajectory(kernel, (y, error), y, error, work)


def _forcing(forcing: Forcing | None, count: int) -> tuple[Array, Array]:
    """Values with their error; a function's values are exact by definition."""
    k = np.arange(count, dtype=np.float64)
    if isinstance(forcing, SumOfPowers):
        return solve_companion(forcing, SumOfPowers([], [])).evaluate(k)
    return evaluate_forcing(forcing, k), np.zeros(count)


def _iterate(
    decrements: Array | Complex,
    weights: Array | Complex,
    forcing: tuple[Array, Array],
    driver: tuple[Array, Array] | None,
) -> tuple[Array, Array]:
    from volterra.recursion.loop import iterate  # numba is loaded only where it is needed

    y, error = forcing
    source = (y, error) if driver is None else driver
    unit = EPS if weights.dtype == np.float64 else 3 * EPS  # a complex product is four real ones
    iterate(decrements, weights, y, error, *source, driver is None, unit)
    overflow = ~np.isfinite(y)
    if np.any(overflow):
        # From the first overflow on, infinite with the sign of the last finite value.
        first = int(np.argmax(overflow))
        y[first:] = np.copysign(np.inf, y[first - 1] if first else y[first])
        error[first:] = np.inf
    return y, np.where(np.isnan(error), np.inf, error)


def _run(question: Question) -> RecursionTrajectory:
    assert isinstance(question.kernel, SumOfPowers)
    return solve_recursion(question.forcing, question.kernel, int(question.t[-1]))


METHOD = Method(name="recursion", kernels=(SumOfPowers,), run=_run)
