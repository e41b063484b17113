"""What a rule is, and how to write the next one.

A rule takes the gradient g of a batch, ridge included, and changes the parameters x. To write one,
put a file into this folder that holds a subclass of `Rule`. It says

1. which nouns of `hsgd` it is for, and how it is made of one (`algorithms`, `of`);
2. what a step is, in plain NumPy: that is its definition, and what the reference engine runs
   (`step`; `rate`, if it finds its learning rate on the way);
3. the same for the compiled engines: functions `compiled_step` and `compiled_rate` of numbers and
   single entries, with the words of `sharing`, which both the CPU's engine and the GPU's compile.
   Formulas of one entry are functions of their own, which the definition may call as well.

Nothing else has to be told of it: the registry finds the file, and `tests.simulate.test_every_rule`
takes every rule from there and holds the engines together; what the rule should do is a test of its
own. What is compiled must not import a compiler; those who compile it do.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import namedtuple
from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np

from hsgd.algorithms.base import Algorithm
from hsgd.checks import Array

_named_tuple: Any = namedtuple  # type checkers know those with literal names


class Rule(ABC):
    """What is done with the gradient."""

    algorithms: ClassVar[tuple[type[Algorithm], ...]]
    """The nouns that it is for, and all that inherit from them."""
    state_name: ClassVar[str] = ""
    """What its state is called in a checkpoint; "" if it has none."""
    in_any_basis: ClassVar[bool] = True
    """Whether it takes the same steps in any orthonormal basis, so that the engine may choose."""
    reads: ClassVar[tuple[str, ...]] = ()
    """The names by which compiled steps know the `constants`, and then the `factors`."""
    compiled_step: ClassVar[Callable[..., bool]]
    """(crew, given, i, state, factor, size, x, pull): take step number i of a call; see `step`.

    `given.ridge` is the ridge per row; the factors in `given` are arrays, for the iterations of a
    call. `pull` is the batch's part of the gradient, to which the ridge's must be added; the step
    leaves it zero. Entries of `x` and `pull` are changed by those who own them.
    """
    compiled_rate: ClassVar[Callable[..., float] | None] = None
    """(crew, given, state, factor, size, x): see `rate`; None where that is the factor."""
    compiled_note: ClassVar[Callable[..., None] | None] = None
    """(crew, given, state, x, point): see `seen`; None where that is x."""

    Given: ClassVar[Any]
    """The named tuple of the ridge and what the rule `reads`: a type of its own for every rule."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        names = ("ridge", *cls.reads)
        cls.Given = _named_tuple(f"GivenTo{cls.__name__}", names, module=cls.__module__)
        # Where those find it who keep compiled kernels on disk.
        cls.Given.__qualname__ = f"{cls.__qualname__}.Given"

    @classmethod
    def check(cls, problem: Any, algorithm: Algorithm) -> None:
        """Refuse a problem that the rule cannot be run on, although the algorithm could.

        Raises
        ------
        ValueError
            With what to do instead.
        """
        del problem, algorithm  # By default it can be run on any.

    @classmethod
    @abstractmethod
    def of(cls, problem: Any, algorithm: Any, num_iterations: int) -> Self | None:
        """The rule of an algorithm on a problem; None where the algorithm is SGD after all."""

    @classmethod
    def takes(cls, problem: Any, algorithm: Algorithm) -> bool:
        """Whether it is the rule of an algorithm on a problem."""
        del problem
        return isinstance(algorithm, cls.algorithms) and algorithm.averaging is None

    @classmethod
    def finds_rates(cls) -> bool:
        """Whether the learning rate is found on the way, and recorded."""
        return cls.algorithms[0].is_adaptive

    @property
    def keeps_average(self) -> bool:
        """Whether an average of the iterates is behind them in what is seen."""
        return False

    @property
    def numbers_per_iteration(self) -> int:
        """How many numbers its `factors` are."""
        return len(self.factors())

    def seen(self, state: Array, x: Array) -> Array:
        """What is recorded where the engine's parameters are x: the iterate, and its average."""
        del state
        return x

    def new_state(self, dimension: int) -> Array:
        """What the rule remembers, at the start: one array, of any shape, changed in place."""
        del dimension
        return np.empty(0)

    def constants(self) -> tuple[Any, ...]:
        """What compiled steps read, the same for all: vectors like x, matrices, and numbers."""
        return ()

    def factors(self) -> tuple[Any, ...]:
        """What compiled steps read that changes over time, each like `LearningRates`."""
        return ()

    def rate(self, state: Array, x: Array, factor: float, size: int) -> float:
        """The learning rate as it is known before a step from x, in the rows' basis.

        `factor` is what the algorithm's schedule gives for the iteration, `size` its batch size.
        """
        del state, x, size
        return factor

    @abstractmethod
    def step(
        self, state: Array, x: Array, gradient: Array, factor: float, size: int, iteration: int
    ) -> bool:
        """Change x and the state by one iteration; whether all went well: else it diverged."""
