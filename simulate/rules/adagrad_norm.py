"""AdaGrad-Norm: the learning rate falls with the squared norms of all gradients so far."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from hsgd.algorithms.adaptive import AdaGradNorm
from hsgd.checks import Array
from simulate.formulas.update import square_root, stepped, with_ridge
from simulate.rules.base import Rule
from simulate.rules.sharing import leads, own, total


def adagrad_rate(learning_rate: Any, energy: Any) -> Any:
    """The rate, from the squared norms of gradients added up."""
    return learning_rate / square_root(energy)


def find_rate(crew: Any, given: Any, state: Any, factor: Any, size: Any, x: Any) -> Any:
    """The rate before a step, compiled."""
    return adagrad_rate(factor, state[0])


def take_step(
    crew: Any, given: Any, i: Any, state: Any, factor: Any, size: Any, x: Any, pull: Any
) -> Any:
    """A step, compiled."""
    part = 0.0
    for j in own(x.size):
        gradient = with_ridge(pull[j], x[j], given.ridge)
        part += gradient * gradient
    energy = state[0] + total(crew, part)
    rate = adagrad_rate(factor, energy)
    for j in own(x.size):
        x[j] = stepped(x[j], with_ridge(pull[j], x[j], given.ridge), rate)
        pull[j] = 0.0
    if leads(crew):
        state[0] = energy  # since the sum nobody needs what was there before
    # `isfinite` takes a number from itself, and compilers that may reorder sums find that zero.
    return energy < math.inf


@dataclass(frozen=True, eq=False)
class AdaGradNormRule(Rule):
    """x ← x − g·factor/√energy, after |g|² was added to the energy, the state."""

    algorithms = (AdaGradNorm,)
    state_name = "energy"
    compiled_step = staticmethod(take_step)
    compiled_rate = staticmethod(find_rate)
    initial: float

    @classmethod
    def of(cls, problem: Any, algorithm: AdaGradNorm, num_iterations: int) -> Self:
        return cls(algorithm.initial)

    def new_state(self, dimension: int) -> Array:
        return np.array([self.initial**2])

    def rate(self, state: Array, x: Array, factor: float, size: int) -> float:
        return float(adagrad_rate(factor, state[0]))

    def step(
        self, state: Array, x: Array, gradient: Array, factor: float, size: int, iteration: int
    ) -> bool:
        state += gradient @ gradient
        x[:] = stepped(x, gradient, self.rate(state, x, factor, size))
        return bool(np.isfinite(state[0]))
