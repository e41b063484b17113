"""What is asked of the theory, resolved once: everything below a verb takes this noun.

A `Question` is made by `asking.ask`, which checks the setting; nothing checks that again. Related
questions are copies with some fields changed (`but`): another method, a looser tolerance, a heavier
kernel.

A `Method` is a way to answer: one file in `dynamics/` that defines it, and a line in
`dynamics.methods`, the table. It says what it refuses, how its modes take steps (`stability/`),
and how it solves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NoReturn, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.linear_form import LinearForm
from hsgd.algorithms.momentum import momentum_of
from hsgd.checks import Array
from hsgd.dataset.grid import Grid
from hsgd.interfaces import Statistic
from hsgd.machine import memory
from hsgd.machine.progress import bar
from hsgd.problems.least_squares import LeastSquares
from hsgd.schedules import Constant
from hsgd.statistics.named import resolve
from hsgd.theory.curves import Answer, Solved
from hsgd.theory.spectra.modes import AT_ONCE, Modes
from hsgd.theory.spectra.providers import Solvable, modes
from hsgd.theory.stability.base import Stability

Statistics = str | Statistic | Iterable[str | Statistic] | None
"""How a user names what is to be measured."""


@dataclass(frozen=True)
class Method:
    """A way to answer a question."""

    name: str
    """What a user passes as `method`."""
    title: str
    """What the theory is called."""
    noiseless: str
    """What SGD without noise is then."""
    refusal: Callable[[Any, Algorithm], str]
    """Why it cannot follow an algorithm on a problem, in one sentence; empty if it can."""
    stability: Callable[[Question], Stability]
    """How modes take steps, and so where the noise dies out."""
    solve: Callable[[Question, NDArray[np.int64]], Solved]
    """Answers at ascending iterations, shape (m,): all that `curves.Solved` asks, to the question's
    `rtol`, with the kernel of Ψ multiplied by its `excess`."""
    suits: Callable[[Question, float], bool] | None = None
    """Whether `auto` should take it, up to such an iteration; None: where no finer one suits."""
    twin: Method | None = None
    """For a limit of small steps, the same with steps of finite size; else None."""
    answer: Callable[[Question], Answer] | None = None
    """The curves as they are, of a method that has them not from modes."""
    ends: Callable[[Question], dict[str, tuple[float, float]]] | None = None
    """Where each statistic ends, and the error of that, if such a method knows it."""
    accuracy: float = np.inf
    """Relative, of what has an `answer`: to this, whatever less is asked for."""
    in_blocks: bool = False
    """Whether it looks at a block of times after the other, so that few are held at once."""


def knows_curves_alone(question: Question, *_: Any) -> NoReturn:
    """In place of what a method does not have."""
    raise ValueError(
        f"method={question.method.name!r} knows curves alone: ask hsgd.predict for them."
    )


def dependent_batches(algorithm: Algorithm) -> str:
    """Why a theory of independent batches refuses an algorithm; empty if it need not."""
    if algorithm.has_independent_batches:
        return ""
    return (
        "homogenized SGD is for independent batches (of others the training loss is lower than it "
        f"says), but sampling is {getattr(algorithm, 'sampling', '')!r}: ask hsgd.predict for its "
        "curves without a method, simulate it (simulate.sgd), or use sampling='with_replacement' "
        "or 'subset'."
    )


@dataclass(frozen=True, eq=False)
class Question:
    """A problem, an algorithm, a way to answer, what is measured, and how accurately."""

    problem: Solvable
    algorithm: Algorithm
    method: Method
    measured: tuple[Statistic, ...] | None = None
    """What the user asked to have measured; None: all that the problem has."""
    grid: Grid | None = None
    """When; None if what happens after long times is asked for."""
    rtol: float = 1e-8
    chance: float = 1e-2
    """How much of a curve may be left to chance, relative, where traces are estimated."""
    excess: float = 1.0
    """Factor of Ψ's kernel; the kernels of other statistics keep theirs."""
    spectrum: Modes | None = None
    """Modes in place of the problem's own."""

    def but(self, **changes: Any) -> Self:
        """The same with some fields changed."""
        return replace(self, **changes)

    @cached_property
    def statistics(self) -> tuple[Statistic, ...]:
        """What is measured."""
        return resolve(self.problem, self.measured)

    @property
    def system(self) -> Modes:
        """The modes of the problem."""
        return modes(self.problem) if self.spectrum is None else self.spectrum

    @property
    def wanted(self) -> float:
        """The relative accuracy that curves should have."""
        if self.method.answer is not None:
            return min(self.chance, self.method.accuracy)
        return self.chance if self.system.replicas else self.rtol

    @property
    def num_rows(self) -> float:
        """How many rows a batch is drawn from; infinite for fresh ones."""
        return self.problem.num_rows

    @property
    def rows(self) -> LeastSquares | None:
        """The given rows, if there are any and they are factored."""
        if isinstance(self.problem, LeastSquares) and self.problem.is_factorable:
            return self.problem
        return None

    @property
    def is_streamed(self) -> bool:
        """Whether every row is a fresh one."""
        return bool(np.isinf(self.num_rows))

    @property
    def noise_factor(self) -> float:
        """Variance of a batch's mean relative to that of one draw; for one batch size."""
        return float(self.algorithm.noise_factor(self.num_rows))

    def noise_factors(self, time: Array) -> Array:
        """The same at each of these times, whatever the batch size then."""
        sizes = self.algorithm.batch_sizes(time)
        return np.asarray(self.algorithm.noise_factor(self.num_rows, sizes))

    @property
    def is_constant(self) -> bool:
        """Whether every iteration has the same learning rate and batch size."""
        form = self.algorithm.linear_form()
        rate_stays = isinstance(self.algorithm.schedule, Constant)
        constant = rate_stays if form is None else form.is_constant
        return constant and not self.algorithm.has_batch_schedule

    @property
    def momentum(self) -> float:
        """The algorithm's momentum, 0 if it has none."""
        return momentum_of(self.algorithm)

    @cached_property
    def form(self) -> LinearForm:
        """The algorithm as a linear method, with the average that it keeps."""
        form = self.algorithm.linear_form()
        assert form is not None
        return form.averaged(self.algorithm.averaging)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the first iteration: of all, where it is constant."""
        return float(self.algorithm.schedule(np.zeros(1))[0])

    @cached_property
    def stability(self) -> Stability:
        """Norms and critical rates; for one batch size."""
        return self.method.stability(self)

    def solve(self, iterations: ArrayLike) -> Solved:
        """Solved at ascending iterations, shape (m,).

        Raises
        ------
        MemoryError
            If they do not fit.
        """
        k = np.asarray(iterations, dtype=np.int64)
        # Modes and parameters at these times are held at once; each a few times over.
        d = self.problem.dimension
        held = min(len(k), max(1, AT_ONCE // d)) if self.method.in_blocks else len(k)
        needed = 8 * held * (4 * int(min(self.num_rows, d)) + 3 * d)
        memory.check(needed, f"a prediction at {len(k)} times of {d} parameters", "times")
        words = f"{self.method.title}, {len(self.system.eigenvalues)} modes, {k[-1]} iterations"
        with bar(None, 1, description="predict", unit="solutions", waiting=words):
            return self.method.solve(self, k)
