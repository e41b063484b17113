"""The verb: check the question, pick a method, hand back a solution."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from volterra.collocation import solve_collocation
from volterra.compressed import CompressedTrajectory, solve_compressed
from volterra.exact import solve_exact
from volterra.kernels import Function, SumOfExponentials, TimeChanged
from volterra.problem import Problem
from volterra.solution import Forcing, Solution, Trajectory, evaluate_checked, report

Array = NDArray[np.float64]

METHODS = ("auto", "exact", "collocation", "compressed")

# The exact method costs the square of the number of modes; beyond this it is too expensive, even
# where the compression's error bound misses the tolerance.
_MANY_MODES = 8_000

# Where compressing begins to pay (benchmarks/volterra_scale.py prints the crossover): modes times
# modes and forcing terms for the exact method, modes for steps.
_LONG_PRODUCT = 250_000
_LONG_KERNEL = 1_000


def solve(
    forcing: SumOfExponentials | Function,
    kernel: SumOfExponentials | TimeChanged,
    t: ArrayLike,
    *,
    method: str = "auto",
    rtol: float = 1e-8,
    atol: float = 0.0,
) -> Solution:
    """Solve the Volterra equation y(t) = f(t) + integral_0^t K(t, s) y(s) ds.

    Parameters
    ----------
    forcing : SumOfExponentials or callable
        f; a callable takes an array of times and returns an array of the same shape.
    kernel : SumOfExponentials or TimeChanged
        K.
    t : array_like, shape (times,)
        Strictly increasing times >= 0, of any spacing; the equation always starts at 0.
    method : {"auto", "exact", "collocation", "compressed"}
        "exact" needs sums of exponentials, with kernel weights >= 0; "collocation" takes
        everything; "compressed" first replaces long sums by short ones (kernel weights >= 0) and
        counts the difference into `error`; "auto" takes the cheapest that meets the tolerance.
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
    rate. Compressed: about 0.1 s per million modes or forcing terms, whatever the horizon, then a
    few hundred modes; error >= true error, proven. Collocation: linear in the modes, steps as the
    solution needs them; error >= true error by comparison with a solve on bisected steps.

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
    _check_forcing(forcing)
    rtol, atol = _check_tolerance(rtol, "rtol"), _check_tolerance(atol, "atol")
    if rtol == 0 and atol == 0:
        raise ValueError("rtol and atol are both zero, which nothing can meet: pass rtol=1e-8.")
    inner = kernel.kernel if isinstance(kernel, TimeChanged) else kernel
    if isinstance(method, str) and method == "auto":
        method, trajectory = _automatic(forcing, kernel, times, rtol, atol)
    else:
        trajectory = _run(method, forcing, kernel, times, rtol, atol)
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
    if method == "compressed":
        return _run_compressed(forcing, kernel, t, rtol, atol)
    if method == "collocation":
        _check_functions(forcing, kernel, t)
        return solve_collocation(Problem(forcing, kernel, t, rtol, atol))
    raise ValueError(f"method must be one of {', '.join(map(repr, METHODS))}; got {method!r}.")


def _run_compressed(
    forcing: Forcing, kernel: SumOfExponentials | TimeChanged, t: Array, rtol: float, atol: float
) -> CompressedTrajectory:
    _check_functions(forcing, kernel, t)
    return solve_compressed(forcing, kernel, t, rtol, atol)


def _automatic(
    forcing: Forcing, kernel: SumOfExponentials | TimeChanged, t: Array, rtol: float, atol: float
) -> tuple[str, Trajectory]:
    """Compressed where that pays and meets the tolerance, else exact where possible, else steps."""
    inner = kernel.kernel if isinstance(kernel, TimeChanged) else kernel
    positive = bool(np.all(inner.weights >= 0)) and inner.constant >= 0
    sums = isinstance(forcing, SumOfExponentials) and isinstance(kernel, SumOfExponentials)
    plain = "exact" if sums and positive and inner.rates.size <= _MANY_MODES else "collocation"
    if positive and _is_long(forcing, kernel):
        trajectory = _run_compressed(forcing, kernel, t, rtol, atol)
        few = inner.rates.size <= _MANY_MODES
        if not (few and trajectory.is_limiting):
            return "compressed", trajectory
    return plain, _run(plain, forcing, kernel, t, rtol, atol)


def _is_long(forcing: Forcing, kernel: SumOfExponentials | TimeChanged) -> bool:
    """Whether compressing costs less than it saves."""
    if not isinstance(forcing, SumOfExponentials):
        inner = kernel.kernel if isinstance(kernel, TimeChanged) else kernel
        return inner.rates.size > _LONG_KERNEL
    if isinstance(kernel, TimeChanged):
        return kernel.kernel.rates.size > _LONG_KERNEL
    modes = kernel.rates.size
    return modes * (modes + forcing.rates.size) > _LONG_PRODUCT


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
    if not isinstance(kernel, (SumOfExponentials, TimeChanged)):
        raise TypeError(
            f"the kernel must be a SumOfExponentials or a TimeChanged, got "
            f"{type(kernel).__name__}: approximate other kernels by a sum of exponentials."
        )


def _check_forcing(forcing: object) -> None:
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


def _check_tolerance(value: float, name: str) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating))
    if not number or not np.isfinite(value) or value < 0:
        raise ValueError(f"{name} must be a finite number >= 0, got {value!r}.")
    return float(value)


def _check_functions(forcing: Forcing, kernel: SumOfExponentials | TimeChanged, t: Array) -> None:
    """Call every user function once on the requested times, before any work."""
    probe = np.unique(np.concatenate([[0.0], t]))
    # A sum was checked when it was made, and may have millions of terms.
    if not isinstance(forcing, SumOfExponentials):
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
