"""The verb: check the question, pick a method, hand back a solution."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from volterra.collocation import solve_collocation
from volterra.difference import solve_difference
from volterra.exact import solve_exact
from volterra.kernels import SumOfExponentials, TimeChanged
from volterra.powers import SumOfPowers
from volterra.problem import Problem
from volterra.solution import Forcing, Solution, Trajectory, evaluate_checked, report

Array = NDArray[np.float64]

METHODS = ("auto", "exact", "collocation")

# The exact method costs the square of the number of modes; beyond this, stepping is cheaper.
_MANY_MODES = 8_000


def solve(
    forcing: Forcing,
    kernel: SumOfExponentials | SumOfPowers | TimeChanged,
    t: ArrayLike,
    *,
    method: str = "auto",
    rtol: float = 1e-8,
    atol: float = 0.0,
) -> Solution:
    """Solve the Volterra equation y(t) = f(t) + integral_0^t K(t, s) y(s) ds.

    A `SumOfPowers` as kernel means the difference equation y_k = f_k + sum_(s<k) K_(k-1-s) y_s.

    Parameters
    ----------
    forcing : SumOfExponentials, SumOfPowers or callable
        f; a callable takes an array of times and returns an array of the same shape.
    kernel : SumOfExponentials, SumOfPowers or TimeChanged
        K.
    t : array_like, shape (times,)
        Strictly increasing times >= 0, of any spacing; the equation always starts at 0. Whole
        numbers k for a difference equation.
    method : {"auto", "exact", "collocation", "recursion"}
        "exact" needs sums of exponentials (or of powers), with kernel weights >= 0; "collocation"
        takes everything, "recursion" every difference equation, if k is not too large; "auto" is
        exact where that is possible and affordable.
    rtol, atol : float
        The global tolerance, |error| <= rtol * |y(t)| + atol at every requested time.

    Returns
    -------
    Solution
        With `y`, `error`, `status`; call it for other times; `observe` it for other outputs.

    Raises
    ------
    TypeError
        If the forcing or the kernel is of a kind that cannot be solved.
    ValueError
        If the times, tolerances, method or values of the functions make no sense.

    Notes
    -----
    Exact: modes * (modes + forcing terms) operations once, then modes per time; relative error at
    most 1e-12 + 4 eps max(1, 1/|1 - m|) max(1, |mu| t), with m the kernel norm and mu the growth
    rate. Collocation: linear in the modes, steps as the solution needs them; error >= true error
    by comparison with a solve on bisected steps.

    Examples
    --------
    >>> import numpy as np
    >>> one = SumOfExponentials([], [], constant=1.0)
    >>> solution = solve(one, SumOfExponentials([2.0], [1.0]), np.array([0.0, 1.0]))
    >>> bool(np.allclose(solution.y, [1.0, 2.0 - np.exp(-1.0)], rtol=1e-14))
    True
    """
    times = _check_times(t)
    _check_kernel(kernel)
    _check_forcing(forcing, kernel)
    rtol, atol = _check_tolerance(rtol, "rtol"), _check_tolerance(atol, "atol")
    if rtol == 0 and atol == 0:
        raise ValueError("rtol and atol are both zero, which nothing can meet: pass rtol=1e-8.")
    if isinstance(kernel, SumOfPowers):
        found, method = solve_difference(forcing, kernel, times, method)
        return report(
            found, times, method=method, mode_count=kernel.rates.size, rtol=rtol, atol=atol
        )
    if isinstance(method, str) and method == "auto":
        method = _choose(forcing, kernel)
    trajectory = _run(method, forcing, kernel, times, rtol, atol)
    inner = kernel.kernel if isinstance(kernel, TimeChanged) else kernel
    return report(
        trajectory, times, method=method, mode_count=inner.rates.size, rtol=rtol, atol=atol
    )


def _run(
    method: str,
    forcing: Forcing,
    kernel: SumOfExponentials | TimeChanged,
    t: Array,
    rtol: float,
    atol: float,
) -> Trajectory:
    if method == "exact":
        if not isinstance(forcing, SumOfExponentials) or not isinstance(kernel, SumOfExponentials):
            raise TypeError(
                "the exact method needs a SumOfExponentials as forcing and as kernel, got "
                f"{type(forcing).__name__} and {type(kernel).__name__}: "
                "pass method='collocation' for other kinds."
            )
        return solve_exact(forcing, kernel)
    if method == "collocation":
        _check_functions(forcing, kernel, t)
        return solve_collocation(Problem(forcing, kernel, t, rtol, atol))
    raise ValueError(f"method must be one of {', '.join(map(repr, METHODS))}; got {method!r}.")


def _choose(forcing: Forcing, kernel: SumOfExponentials | TimeChanged) -> str:
    """Exact where both are sums of exponentials, the kernel is positive and not too long."""
    if not isinstance(forcing, SumOfExponentials) or not isinstance(kernel, SumOfExponentials):
        return "collocation"
    positive = bool(np.all(kernel.weights >= 0)) and kernel.constant >= 0
    return "exact" if positive and kernel.rates.size <= _MANY_MODES else "collocation"


def _check_times(t: ArrayLike) -> Array:
    times = np.array(t, dtype=np.float64)
    if times.ndim != 1 or times.size == 0 or not np.all(np.isfinite(times)):
        raise ValueError(
            f"t must be a one-dimensional, non-empty array of finite times; got shape "
            f"{times.shape}: pass e.g. np.linspace(0, 10, 101)."
        )
    if times[0] < 0 or np.any(np.diff(times) <= 0):
        raise ValueError("t must be >= 0 and strictly increasing: pass np.unique(t).")
    times.flags.writeable = False
    return times


def _check_kernel(kernel: object) -> None:
    if not isinstance(kernel, (SumOfExponentials, SumOfPowers, TimeChanged)):
        raise TypeError(
            f"the kernel must be a SumOfExponentials, a SumOfPowers or a TimeChanged, got "
            f"{type(kernel).__name__}: approximate other kernels by a sum of exponentials."
        )


def _check_forcing(forcing: object, kernel: object) -> None:
    if isinstance(forcing, (int, float)):
        raise TypeError(
            "the forcing must be a function of time: pass SumOfExponentials([], [], constant=c) "
            "for a constant c."
        )
    if not callable(forcing):
        raise TypeError(
            f"the forcing must be a SumOfExponentials or a vectorised function of time, got "
            f"{type(forcing).__name__}: values on a grid become a function by "
            "scipy.interpolate.CubicSpline(t, values)."
        )
    if isinstance(forcing, SumOfPowers) and not isinstance(kernel, SumOfPowers):
        raise TypeError(
            f"a SumOfPowers is a function of whole numbers and cannot force a "
            f"{type(kernel).__name__}: pass a SumOfExponentials or a function of time."
        )


def _check_tolerance(value: float, name: str) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating))
    if not number or not np.isfinite(value) or value < 0:
        raise ValueError(f"{name} must be a finite number >= 0, got {value!r}.")
    return float(value)


def _check_functions(forcing: Forcing, kernel: SumOfExponentials | TimeChanged, t: Array) -> None:
    """Call every user function once on the requested times, before any work."""
    probe = np.unique(np.concatenate([[0.0], t]))
    evaluate_checked(forcing, probe, "forcing")
    if isinstance(kernel, SumOfExponentials):
        return
    clock = evaluate_checked(kernel.clock, probe, "clock")
    if np.any(np.diff(clock) < 0):
        raise ValueError("the clock must never decrease; pass the integral of a rate >= 0.")
    evaluate_checked(kernel.weight, probe, "weight")
    if kernel.clock_rate is not None and np.any(
        evaluate_checked(kernel.clock_rate, probe, "clock_rate") < 0
    ):
        raise ValueError("clock_rate must be >= 0: a clock never runs backwards.")
