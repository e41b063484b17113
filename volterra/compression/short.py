"""Solving once the sums are short: the exact method or steps, each with the bound that suits it.

Which of the two it is follows from the question; `majorants` says what the bounds are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from volterra.arrays import Array
from volterra.collocation.method import CollocationTrajectory, solve_collocation
from volterra.collocation.question import SteppedQuestion
from volterra.compression.majorants import Chord, Derivative
from volterra.compression.question import LongQuestion
from volterra.exact.method import ExactTrajectory, solve_exact
from volterra.kernels.exponentials import ModalKernel, SumOfExponentials, TimeChanged
from volterra.solution import Forcing, evaluate_checked

Inner = ExactTrajectory | CollocationTrajectory

_INFLATION = 1e-3  # q, where the difference Y(q) − Y(0) comes from rough solves
_ROUGH = 1e-2  # their tolerance, relative to q
_ATTEMPTS = 4


@dataclass(frozen=True, eq=False)
class ShortSolution:
    """The solution for short sums, and what bounds its distance from that for the long ones.

    Attributes
    ----------
    inner
        The solution.
    majorant
        The bound; none if nothing was compressed.
    plain
        Makes the solution with an error that knows nothing of the compression.
    """

    inner: Inner
    majorant: Derivative | Chord | None
    plain: Callable[[], Inner]


def solve_short(
    question: LongQuestion, forcing: Forcing, kernel: SumOfExponentials, deviation: float
) -> ShortSolution:
    """Solve with a short forcing and kernel, both known to a relative `deviation`."""
    if question.is_exact:
        return _solve_exactly(forcing, kernel, deviation)
    inner = _collocate(question, forcing, kernel, question.rtol)
    bound = chord(question, forcing, kernel, deviation) if deviation > 0 else None
    return ShortSolution(inner, bound, lambda: inner)


def _solve_exactly(forcing: Forcing, kernel: SumOfExponentials, deviation: float) -> ShortSolution:
    assert isinstance(forcing, SumOfExponentials)
    inner = solve_exact(forcing, kernel, deviation=deviation)
    if deviation == 0:
        return ShortSolution(inner, None, lambda: inner)
    size = None if forcing.is_positive else inner.forced_by(sized_sum(forcing, 1.0))
    majorant = Derivative(size, inner.roots, deviation, factors=1)
    return ShortSolution(inner, majorant, lambda: solve_exact(forcing, kernel))


def _collocate(
    question: LongQuestion, forcing: Forcing, kernel: SumOfExponentials, rtol: float
) -> CollocationTrajectory:
    """Step through the equation with a short kernel, behind the clock if there is one."""
    atol = question.atol * min(1.0, rtol / question.rtol) if question.rtol > 0 else question.atol
    behind = question.behind_clock(kernel)
    breakpoints = question.breakpoints
    return solve_collocation(
        SteppedQuestion(forcing, behind, question.t, rtol, atol, breakpoints=breakpoints)
    )


def chord(
    question: LongQuestion, forcing: Forcing, kernel: SumOfExponentials, deviation: float
) -> Chord:
    """Rough solves, with the largest inflation that does not bend the chord."""
    question = replace(question, kernel=_positive(question.kernel))
    inflation = max(_INFLATION, deviation)
    for _ in range(_ATTEMPTS):
        rough = _ROUGH * inflation
        lower = _collocate(question, sized(forcing, 1.0), kernel, rough)
        larger = 1.0 + inflation
        upper = _collocate(question, sized(forcing, larger), sized_sum(kernel, larger), rough)
        low, high = (side.evaluate(question.t)[0] for side in (lower, upper))
        # Where Y(q) is far above Y(0) the chord is far above the tangent: a valid bound, but poor.
        if np.all(high <= 2.0 * low) or inflation <= 10.0 * deviation:
            break
        inflation *= 0.1
    return Chord(lower, upper, deviation, inflation)


def sized(function: Forcing, factor: float) -> Forcing:
    """Absolute value (of each term, in a sum), times a factor."""
    if isinstance(function, SumOfExponentials):
        return sized_sum(function, factor)
    return lambda t: factor * np.abs(evaluate_checked(function, t, "forcing"))


def sized_sum(terms: SumOfExponentials, factor: float) -> SumOfExponentials:
    """The sum of the absolute values of the terms, times a factor."""
    return SumOfExponentials(
        terms.rates, factor * np.abs(terms.weights), factor * abs(terms.constant)
    )


def _positive(kernel: ModalKernel) -> ModalKernel:
    if not isinstance(kernel, TimeChanged):
        return kernel
    weight = kernel.weight
    return replace(kernel, weight=lambda t: np.abs(evaluate_checked(weight, t, "weight")))


# ------------------------------------------------------------------------- observations


def follow(
    trajectory: Inner, kernel: SumOfExponentials, v: SumOfExponentials, added: Forcing | None
) -> Inner:
    """Observe with other rates than the kernel's: they join it, with weight zero."""
    if isinstance(trajectory, ExactTrajectory):
        return follow_exact(trajectory, kernel, v, added)
    return follow_steps(trajectory, kernel, v, added)


def follow_exact(
    trajectory: ExactTrajectory,
    kernel: SumOfExponentials,
    v: SumOfExponentials,
    added: Forcing | None,
) -> ExactTrajectory:
    """The same, where the solution is exact."""
    assert isinstance(trajectory.kernel, SumOfExponentials)
    together = replace(trajectory, kernel=_joined(trajectory.kernel, v))
    return together.observe(_weights(kernel, v), added)


def follow_steps(
    trajectory: CollocationTrajectory,
    kernel: SumOfExponentials,
    v: SumOfExponentials,
    added: Forcing | None,
) -> CollocationTrajectory:
    """The same, where it was stepped through."""
    stepped = trajectory.question
    if isinstance(stepped.kernel, TimeChanged):
        inner = _joined(stepped.kernel.kernel, v)
        together: ModalKernel = replace(stepped.kernel, kernel=inner)
    else:
        together = _joined(stepped.kernel, v)
    wider = replace(trajectory, question=replace(stepped, kernel=together))
    return wider.observe(_weights(kernel, v), added)


def _joined(short: SumOfExponentials, v: SumOfExponentials) -> SumOfExponentials:
    """The kernel with the observed rates as modes of weight zero; v's constant is a rate too."""
    nodes = np.append(v.rates, 0.0) if v.constant else v.rates
    return SumOfExponentials(
        np.concatenate([short.rates, nodes]),
        np.concatenate([short.weights, np.zeros(nodes.size)]),
        short.constant,
    )


def _weights(kernel: SumOfExponentials, v: SumOfExponentials) -> Array:
    """Observation weights for the modes of `_joined`: only those that have joined are observed."""
    values = np.append(v.weights, v.constant) if v.constant else v.weights
    return np.concatenate([np.zeros(kernel.rates.size), values])
