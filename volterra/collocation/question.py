"""The question as stepping sees it: modes behind a clock, and times on which steps must land."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from volterra.arrays import Array
from volterra.collocation.step import Equation
from volterra.kernels.exponentials import ModalKernel, SumOfExponentials, without_clock
from volterra.question import Question
from volterra.solution import Forcing, evaluate_checked
from volterra.stepping import grid, last_time


@dataclass(frozen=True, eq=False)
class SteppedQuestion(Question):
    """An equation on [0, stop] with stops in between, and a global tolerance."""

    kernel: ModalKernel

    @property
    def stop(self) -> float:
        """The last requested time; something positive if only t = 0 is asked for."""
        return last_time(self.t)

    @property
    def stops(self) -> list[float]:
        """Times on which steps must land, the last one included."""
        inner = () if isinstance(self.kernel, SumOfExponentials) else self.kernel.breakpoints
        points = np.union1d(inner, self.breakpoints)
        return [float(b) for b in points if 0 < b < self.stop] + [self.stop]

    @property
    def mode_count(self) -> int:
        """Number of modes that the kernel was given with."""
        return without_clock(self.kernel).rates.size

    def equation(self) -> Equation:
        """The equation in distinct modes with nonzero weights."""
        modes = without_clock(self.kernel).modes()
        keep = modes.weights != 0
        return self._with_modes(self.forcing, modes.rates[keep], modes.weights[keep])

    def _with_modes(self, forcing: Forcing | None, rates: Array, weights: Array) -> Equation:
        if isinstance(self.kernel, SumOfExponentials):
            return Equation(forcing, rates, weights, grid=grid(self.stop))
        changed = self.kernel
        functions = changed.clock, changed.clock_rate, changed.weight
        return Equation(forcing, rates, weights, *functions, grid(self.stop))

    def observation(self, weights: Array, forcing: Forcing | None) -> tuple[Equation, Array]:
        """The modes that are observed, and their weights."""
        modes = without_clock(self.kernel).modes()
        v = modes.collect(weights)
        keep = v != 0
        return self._with_modes(forcing, modes.rates[keep], modes.weights[keep]), v[keep]


def stepped(question: Question) -> SteppedQuestion:
    """A question with a modal kernel as stepping sees it."""
    return SteppedQuestion(**{f.name: getattr(question, f.name) for f in fields(Question)})


def check_functions(forcing: Forcing, kernel: ModalKernel, t: Array) -> None:
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
