"""The verb: check the question, pick a method, hand back a solution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from volterra.general_kernels import Convolution, Hammerstein, Kernel
from volterra.kernels import Function, SumOfExponentials, TimeChanged
from volterra.methods import Question, choose
from volterra.sampled import SampledTrajectory, read_samples
from volterra.solution import Solution, report

Array = NDArray[np.float64]


def solve(
    forcing: SumOfExponentials | Function | ArrayLike,
    kernel: SumOfExponentials | TimeChanged | Convolution | Kernel | Hammerstein,
    t: ArrayLike,
    *,
    method: str = "auto",
    rtol: float = 1e-8,
    atol: float = 0.0,
) -> Solution:
    """Solve the Volterra equation y(t) = f(t) + integral_0^t K(t, s) y(s) ds.

    With a `Hammerstein` kernel the integrand is K(t, s) g(s, y(s)).

    Parameters
    ----------
    forcing : SumOfExponentials, callable or array_like
        f; a callable takes an array of times and returns an array of the same shape. An array
        holds the values at `t`, which then starts at 0; between them a cubic spline is used, and
        what that may do to y, judged by leaving out every other value, is part of the error.
        Beside a `Convolution` or a `Kernel` the values may have further axes: (times, r) are r
        right-hand sides of a scalar equation; with `dimension=m`, (times, m) is a system and
        (times, m, r) are r right-hand sides of it.
    kernel : SumOfExponentials, TimeChanged, Convolution, Kernel or Hammerstein
        K.
    t : array_like, shape (times,)
        Strictly increasing times >= 0, of any spacing; the equation always starts at 0.
    method : {"auto", "exact", "collocation", "panels"}
        "exact" needs sums of exponentials, with kernel weights >= 0; "collocation" takes any
        forcing and signs, and clocks; "panels" takes kernels that are functions, a sum of
        exponentials among them; "auto" is the first of these that is possible and affordable.
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
    MemoryError
        If a system is so large that the matrices of one panel would not fit.

    Notes
    -----
    Exact: modes * (modes + forcing terms) operations once, then modes per time; relative error at
    most 1e-12 + 4 eps max(1, 1/|1 - m|) max(1, |mu| t), with m the kernel norm and mu the growth
    rate. Collocation: linear in the modes, steps as the solution needs them. Panels, of order 10:
    the square of the number of panels, or N log^2 N for a convolution that needs many alike; see
    `volterra.general`. For both, error >= true error by comparison with a solve on bisected steps;
    a function whose features are too narrow to be met by any node can hide them.

    Examples
    --------
    >>> import numpy as np
    >>> one = SumOfExponentials([], [], constant=1.0)
    >>> solution = solve(one, SumOfExponentials([2.0], [1.0]), np.array([0.0, 1.0]))
    >>> bool(np.allclose(solution.y, [1.0, 2.0 - np.exp(-1.0)], rtol=1e-14))
    True
    """
    times = _check_times(t)
    _check_forcing(forcing)
    rtol, atol = _check_tolerance(rtol, "rtol"), _check_tolerance(atol, "atol")
    if rtol == 0 and atol == 0:
        raise ValueError("rtol and atol are both zero, which nothing can meet: pass rtol=1e-8.")
    if callable(forcing):
        question = Question(forcing, kernel, times, rtol, atol)
        chosen = choose(question, method)
        trajectory = chosen.run(question)
    else:
        samples = read_samples(forcing, times)
        question = Question(samples.full, kernel, times, samples.tolerance(rtol), atol)
        chosen = choose(question, method)
        thinned = tuple(chosen.run(replace(question, forcing=f)) for f in samples.thinned)
        trajectory = SampledTrajectory(chosen.run(question), thinned, times)
    return report(
        trajectory,
        times,
        method=chosen.name,
        mode_count=_mode_count(kernel),
        rtol=rtol,
        atol=atol,
    )


def _mode_count(kernel: object) -> int | None:
    """How many modes an observation may weigh; none for a kernel that is not made of modes."""
    inner = kernel.kernel if isinstance(kernel, TimeChanged) else kernel
    return inner.rates.size if isinstance(inner, SumOfExponentials) else None


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


def _check_forcing(forcing: object) -> None:
    if isinstance(forcing, (int, float)):
        raise TypeError(
            "the forcing must be a function of time: pass SumOfExponentials([], [], constant=c) "
            "for a constant c."
        )
    if not callable(forcing) and not isinstance(forcing, (np.ndarray, list, tuple)):
        raise TypeError(
            "the forcing must be a SumOfExponentials, a vectorised function of time or an array "
            f"of values at the requested times, got {type(forcing).__name__}."
        )


def _check_tolerance(value: float, name: str) -> float:
    number = isinstance(value, (int, float, np.integer, np.floating))
    if not number or not np.isfinite(value) or value < 0:
        raise ValueError(f"{name} must be a finite number >= 0, got {value!r}.")
    return float(value)
