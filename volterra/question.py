"""What is asked, and what a method is: a row of the table in `methods`.

A new way to solve is a folder (or a file) that defines one `METHOD`:

1. a trajectory, the answer at any time with its error (`solution.Trajectory`);
2. a function that makes it from a `Question`, and refuses in one sentence what the user's
   functions should not have returned;
3. `METHOD`, which says what kernels it takes, what else speaks against it, and when it pays.

Then it is given its line in `methods.METHODS`, where the order is the order of preference, and its
storey in `pyproject.toml`. Questions are checked before they are asked: times increase from 0, the
forcing is callable, the tolerances make sense.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from volterra.arrays import Array
from volterra.solution import Forcing, Trajectory


@dataclass(frozen=True, eq=False)
class Question:
    """An equation, the times at which its solution is wanted, and the tolerance."""

    forcing: Forcing
    kernel: object
    t: Array
    rtol: float
    atol: float
    breakpoints: tuple[float, ...] = field(default=(), kw_only=True)
    """Times at which the forcing may jump or have a kink."""


def _no_refusal(question: Question) -> str:
    del question  # Nothing speaks against any.
    return ""


def _always(question: Question) -> bool:
    del question
    return True


@dataclass(frozen=True, kw_only=True)
class Method:
    """One way to solve.

    Attributes
    ----------
    name
        What a user passes as `method`.
    kernels
        The kinds of kernel it takes.
    run
        Solves, after a check of what the user's functions return.
    refusal
        Why it cannot answer a question with such a kernel, as one sentence; empty if it can. By
        default it can.
    worthwhile
        Whether `auto` should take it, given that it applies. By default it should.
    """

    name: str
    kernels: tuple[type, ...]
    run: Callable[[Question], Trajectory]
    refusal: Callable[[Question], str] = _no_refusal
    worthwhile: Callable[[Question], bool] = _always

    def applies(self, question: Question) -> bool:
        """Whether the kernel is of its kind and nothing else speaks against it."""
        return isinstance(question.kernel, self.kernels) and not self.refusal(question)
