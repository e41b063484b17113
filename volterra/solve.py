"""The verb: check the question, pick a method, hand back a solution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from volterra import checks
from volterra.arrays import Array
from volterra.kernels.exponentials import SumOfExponentials, TimeChanged
from volterra.kernels.functions import Convolution, Hammerstein, Kernel
from volterra.kernels.powers import SumOfPowers, check_iterations
from volterra.kernels.sums import Sum
from volterra.methods import choose
from volterra.question import Question
from volterra.sampled import SampledTrajectory, read_samples
from volterra.solution import Forcing, Solution, report


def solve(
    forcing: Forcing | ArrayLike,
    kernel: SumOfExponentials | SumOfPowers | TimeChanged | Convolution | Kernel | Hammerstein,
    t: ArrayLike,
    *,
    method: str = "auto",
    rtol: float = 1e-8,
    atol: float = 0.0,
    breakpoints: ArrayLike = (),
) -> Solution:
    """Solve the Volterra equation y(t) = f(t) + ∫₀ᵗ K(t, s) y(s) ds.

    With a `Hammerstein` kernel the integrand is K(t, s) g(s, y(s)). A `SumOfPowers` as kernel
    means the difference equation y_k = f_k + Σ_(s<k) K_(k−1−s) y_s.

    Parameters
    ----------
    forcing
        f: a sum, a function or an array. A function takes an array of times and returns an array
        of the same shape. An array holds the values at `t`, which then starts at 0; between them a
        cubic spline is used, and what that may do to y, judged by leaving out every other value,
        is part of the error. Beside a `Convolution` or a `Kernel` the values may have further
        axes: (times, r) are r right-hand sides of a scalar equation; with `dimension=m`, (times, m)
        is a system and (times, m, r) are r right-hand sides of it.
    kernel
        K: a `SumOfExponentials`, `SumOfPowers`, `TimeChanged` (which a `PiecewiseClock` is too),
        `Convolution`, `Kernel` or `Hammerstein`.
    t
        Strictly increasing times ≥ 0, of any spacing, shape (times,); the equation always starts
        at 0. Whole numbers k for a difference equation.
    method
        "auto", "compressed", "exact", "segments", "companion", "recursion", "collocation" or
        "panels". "exact" and "companion" need sums of exponentials, or of powers, as kernel and as
        forcing, "exact" with kernel weights ≥ 0, "companion" with any, real or complex; "segments"
        is "exact" for a `PiecewiseClock`, forced by exponentials of the time or of its clock;
        "compressed" first replaces long sums of exponentials by short ones (kernel weights ≥ 0)
        and counts the difference into `error`; "recursion" takes all difference equations that do
        not go too far, "collocation" all kernels made of real exponentials, "panels" those given as
        functions, a sum of exponentials among them; "auto" is the first of these that applies and
        pays.
    rtol, atol
        The global tolerance, |error| ≤ rtol · |y(t)| + atol at every requested time.
    breakpoints
        Times at which the forcing, a function, jumps or has a kink. Steps land on them. Where they
        are missing a jump is found by bisection, which may cost several times the steps of all the
        rest; a pulse that lasts less than a thousandth of the last time is found for sure only if
        it is named.

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
    Exact: modes · (modes + forcing terms) operations once, then modes per time; relative error at
    most 1e-12 + 4 eps max(1, 1/|1 − m|) max(1, |μ| t), with m the kernel norm and μ the growth
    rate. Compressed: about 0.1 s per million modes or forcing terms, whatever the horizon, then a
    few hundred modes; error ≥ true error, proven. Companion: 25 modes³ operations once, then
    modes per time. Segments: modes · (modes + terms) operations and exponentials per segment.
    Recursion: modes per iteration. Collocation: linear in the modes, steps as the solution needs
    them. Panels, of order 10: the square of the number of panels, or N log² N for
    a convolution that needs many alike. For both, error ≥ true error by comparison with a solve
    on bisected steps, and by looking at the functions between their nodes.

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
    if isinstance(kernel, SumOfPowers):
        check_iterations(times)
    elif isinstance(forcing, SumOfPowers):
        raise TypeError(
            f"a SumOfPowers is a function of whole numbers and cannot force a "
            f"{type(kernel).__name__}: pass a SumOfExponentials or a function of time."
        )
    rtol, atol = (checks.number(n, v, minimum=0.0) for n, v in (("rtol", rtol), ("atol", atol)))
    points = tuple(np.unique(checks.vector("breakpoints", breakpoints)).tolist())
    if rtol == 0 and atol == 0:
        raise ValueError("rtol and atol are both zero, which nothing can meet: pass rtol=1e-8.")
    if callable(forcing):
        question = Question(forcing, kernel, times, rtol, atol, breakpoints=points)
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
    return inner.rates.size if isinstance(inner, Sum) else None


def _check_times(t: ArrayLike) -> Array:
    times = checks.times("t", t)
    if times.ndim != 1 or times.size == 0:
        raise ValueError(
            f"t must be a one-dimensional, non-empty array of finite times; got shape "
            f"{times.shape}: pass e.g. np.linspace(0, 10, 101)."
        )
    if np.any(np.diff(times) <= 0):
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
            f"of values at the requested times, got a {type(forcing).__name__}: pass one of these."
        )
