"""The table of methods: which question each one answers, and which one `auto` takes.

A new method is one more entry. `auto` takes the first entry that applies and is worth it, so the
order of the table is the order of preference.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from volterra import checks
from volterra.collocation.method import solve_collocation
from volterra.collocation.problem import Problem
from volterra.companion.method import WORTHWHILE_MODES, solve_companion
from volterra.compression.method import is_long, solve_compressed
from volterra.exact.method import require_positive, solve_exact
from volterra.exact.segments import solve_segments
from volterra.kernels.exponentials import SumOfExponentials, TimeChanged
from volterra.kernels.functions import Convolution, Hammerstein, Kernel
from volterra.kernels.piecewise import OnClock, PiecewiseClock
from volterra.kernels.powers import SumOfPowers
from volterra.panels.equation import general_equation
from volterra.panels.method import solve_panels
from volterra.recursion.method import solve_recursion
from volterra.solution import Forcing, Trajectory, evaluate_checked

Array = NDArray[np.float64]

# The exact method costs the square of the number of modes; beyond this, stepping is cheaper.
_MANY_MODES = 8_000

# The same segment by segment, in pairs of a mode and a mode or forcing term on all segments.
_MANY_PAIRS = 10_000_000


@dataclass(frozen=True, eq=False)
class Question:
    """An equation, the times at which its solution is wanted, and the tolerance."""

    forcing: Forcing
    kernel: object
    t: Array
    rtol: float
    atol: float


@dataclass(frozen=True)
class Method:
    """One way to solve.

    Attributes
    ----------
    name : str
        What a user passes as `method`.
    kernels : tuple of types
        The kinds of kernel it takes.
    refusal : callable
        Why it cannot answer a question with such a kernel, as one sentence; empty if it can.
    worthwhile : callable
        Whether `auto` should take it, given that it applies.
    run : callable
        Validates the user's functions, then solves.
    """

    name: str
    kernels: tuple[type, ...]
    refusal: Callable[[Question], str]
    worthwhile: Callable[[Question], bool]
    run: Callable[[Question], Trajectory]

    def applies(self, question: Question) -> bool:
        """Whether the kernel is of its kind and nothing else speaks against it."""
        return isinstance(question.kernel, self.kernels) and not self.refusal(question)


def choose(question: Question, name: str) -> Method:
    """The method of that name, or the first worthwhile one for `auto`.

    Raises
    ------
    TypeError
        If no method takes such a kernel, or the named one does not take this question.
    ValueError
        If there is no method of that name.
    """
    _check_kernel(question.kernel)
    if isinstance(name, str) and name == "auto":
        return next(m for m in METHODS if m.applies(question) and m.worthwhile(question))
    method = next((m for m in METHODS if isinstance(name, str) and m.name == name), None)
    if method is None:
        names = ", ".join(map(repr, ("auto", *(m.name for m in METHODS))))
        raise ValueError(f"method must be one of {names}; got {checks.shown(name)}.")
    if not isinstance(question.kernel, method.kernels):
        raise TypeError(_wrong_kernel(method, question))
    if refusal := method.refusal(question):
        raise TypeError(refusal)
    return method


def _check_kernel(kernel: object) -> None:
    kinds = tuple(dict.fromkeys(kind for method in METHODS for kind in method.kernels))
    if not isinstance(kernel, kinds):
        raise TypeError(
            f"the kernel must be one of {', '.join(kind.__name__ for kind in kinds)}; got "
            f"{type(kernel).__name__}: approximate other kernels by a sum of exponentials."
        )


def _wrong_kernel(method: Method, question: Question) -> str:
    others = [repr(m.name) for m in METHODS if m.applies(question)]
    return (
        f"the {method.name} method needs a {' or '.join(k.__name__ for k in method.kernels)} as "
        f"kernel, got {type(question.kernel).__name__}: "
        f"pass method={' or method='.join(others)} instead."
    )


# --------------------------------------------------------------------------- the entries


def _never(question: Question) -> str:
    return ""


def _always(question: Question) -> bool:
    return True


def _sum_refusal(question: Question) -> str:
    """Methods that know exponents only need them in the forcing too."""
    kind = type(question.kernel)
    if isinstance(question.forcing, kind):
        return ""
    other = "recursion" if kind is SumOfPowers else "collocation"
    return (
        f"this method needs a {kind.__name__} as forcing, got {type(question.forcing).__name__}: "
        f"pass method={other!r} for other kinds."
    )


def _exact_refusal(question: Question) -> str:
    return _sum_refusal(question) or _real_refusal(question) or _real_forcing_refusal(question)


def _real_refusal(question: Question) -> str:
    kernel = question.kernel
    if isinstance(kernel, (SumOfExponentials, SumOfPowers)) and kernel.is_complex:
        return "the kernel is complex: pass method='companion' or 'auto'."
    return ""


def _real_forcing_refusal(question: Question) -> str:
    forcing = question.forcing
    if isinstance(forcing, (SumOfExponentials, SumOfPowers)) and forcing.is_complex:
        return "the forcing is complex: pass method='companion' or 'auto'."
    return ""


def _exact_worthwhile(question: Question) -> bool:
    kernel = question.kernel
    assert isinstance(kernel, _SUMS)
    modes = kernel.rates.size
    few = modes <= _MANY_MODES or (isinstance(kernel, SumOfPowers) and question.t[-1] > modes)
    return kernel.is_positive and few


def _compressed_refusal(question: Question) -> str:
    return _real_refusal(question) or _real_forcing_refusal(question)


def _compressed_worthwhile(question: Question) -> bool:
    kernel = question.kernel
    assert isinstance(kernel, (SumOfExponentials, TimeChanged))
    inner = kernel.kernel if isinstance(kernel, TimeChanged) else kernel
    return is_long(question.forcing, kernel) and inner.is_positive


def _run_compressed(question: Question) -> Trajectory:
    kernel = question.kernel
    assert isinstance(kernel, (SumOfExponentials, TimeChanged))
    require_positive(kernel.kernel if isinstance(kernel, TimeChanged) else kernel)
    _check_functions(question.forcing, kernel, question.t)
    return solve_compressed(question.forcing, kernel, question.t, question.rtol, question.atol)


def _run_exact(question: Question) -> Trajectory:
    forcing, kernel = question.forcing, question.kernel
    assert isinstance(forcing, _SUMS)
    assert isinstance(kernel, _SUMS)
    return solve_exact(forcing, kernel)


def _segments_refusal(question: Question) -> str:
    kernel, forcing = question.kernel, question.forcing
    assert isinstance(kernel, PiecewiseClock)
    if isinstance(forcing, SumOfExponentials):
        return _real_forcing_refusal(question)
    if not isinstance(forcing, OnClock):
        return (
            "the segments method needs a SumOfExponentials of the time or of the clock as forcing, "
            f"got {type(forcing).__name__}: pass kernel.on_clock(f) for f(c(t)), or "
            "method='collocation' for other functions."
        )
    if not forcing.fits(kernel):
        return "the forcing runs on another clock: pass kernel.on_clock(f) of this very kernel."
    return ""


def _segments_worthwhile(question: Question) -> bool:
    kernel, forcing = question.kernel, question.forcing
    assert isinstance(kernel, PiecewiseClock)
    outer = forcing.terms if isinstance(forcing, OnClock) else forcing
    assert isinstance(outer, SumOfExponentials)
    modes, segments = kernel.kernel.rates.size, 1 + int(kernel.segment_of(question.t[-1]))
    few = segments * modes * (modes + outer.rates.size) <= _MANY_PAIRS
    return kernel.kernel.is_positive and few


def _run_segments(question: Question) -> Trajectory:
    forcing, kernel = question.forcing, question.kernel
    assert isinstance(forcing, (SumOfExponentials, OnClock))
    assert isinstance(kernel, PiecewiseClock)
    return solve_segments(forcing, kernel)


def _companion_worthwhile(question: Question) -> bool:
    """If it is as accurate as asked for, which it is not where roots nearly coincide.

    Relative to the largest y so far: near a zero of y other methods do no better.
    """
    kernel = question.kernel
    assert isinstance(kernel, _SUMS)
    if kernel.rates.size > WORTHWHILE_MODES:
        return False
    y, error = _run_companion(question).evaluate(question.t)
    scale = np.maximum.accumulate(np.abs(y))
    return not np.any(error > question.rtol * scale + question.atol)


def _run_companion(question: Question) -> Trajectory:
    forcing, kernel = question.forcing, question.kernel
    assert isinstance(forcing, _SUMS)
    assert isinstance(kernel, _SUMS)
    return solve_companion(forcing, kernel)


def _run_recursion(question: Question) -> Trajectory:
    kernel = question.kernel
    assert isinstance(kernel, SumOfPowers)
    return solve_recursion(question.forcing, kernel, int(question.t[-1]))


def _run_collocation(question: Question) -> Trajectory:
    kernel = question.kernel
    assert isinstance(kernel, (SumOfExponentials, TimeChanged))
    _check_functions(question.forcing, kernel, question.t)
    return solve_collocation(
        Problem(question.forcing, kernel, question.t, question.rtol, question.atol)
    )


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


def _run_panels(question: Question) -> Trajectory:
    kernel = question.kernel
    assert isinstance(kernel, _FUNCTIONS)
    equation = general_equation(question.forcing, kernel, question.t)
    return solve_panels(equation, question.t, question.rtol, question.atol)


_FUNCTIONS = (Convolution, Kernel, Hammerstein, SumOfExponentials)

_SUMS = (SumOfExponentials, SumOfPowers)

METHODS = (
    Method(
        "compressed",
        (SumOfExponentials, TimeChanged),
        _compressed_refusal,
        _compressed_worthwhile,
        _run_compressed,
    ),
    Method("exact", _SUMS, _exact_refusal, _exact_worthwhile, _run_exact),
    Method("segments", (PiecewiseClock,), _segments_refusal, _segments_worthwhile, _run_segments),
    Method("companion", _SUMS, _sum_refusal, _companion_worthwhile, _run_companion),
    Method("recursion", (SumOfPowers,), _never, _always, _run_recursion),
    Method(
        "collocation", (SumOfExponentials, TimeChanged), _real_refusal, _always, _run_collocation
    ),
    Method("panels", _FUNCTIONS, _never, _always, _run_panels),
)
