"""General momentum: a memory of past gradients, with learning rates of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from hsgd.algorithms.general_momentum import GeneralMomentum
from hsgd.checks import Array
from hsgd.schedules import Constant
from simulate.formulas.schedules import LearningRates
from simulate.formulas.update import stepped, with_ridge
from simulate.rules.base import Rule
from simulate.rules.sharing import own


def remembered(memory: Any, gradient: Any, forgetting: Any, gradient_rate: Any) -> Any:
    """An entry of the memory after a gradient."""
    return (1.0 - min(forgetting, 1.0)) * memory + gradient_rate * gradient


def recalled(stepped_value: Any, memory: Any, momentum_rate: Any) -> Any:
    """A parameter after a step along the memory."""
    return stepped_value - momentum_rate * memory


def take_step(
    crew: Any, given: Any, i: Any, state: Any, factor: Any, size: Any, x: Any, pull: Any
) -> Any:
    """A step, compiled."""
    momentum_rate, forgetting = given.momentum_rates[i], given.forgettings[i]
    gradient_rate = given.gradient_rates[i]
    for j in own(x.size):
        gradient = with_ridge(pull[j], x[j], given.ridge)
        state[j] = remembered(state[j], gradient, forgetting, gradient_rate)
        x[j] = recalled(stepped(x[j], gradient, factor), state[j], momentum_rate)
        pull[j] = 0.0
    return True


@dataclass(frozen=True, eq=False)
class GeneralMomentumRule(Rule):
    """y ← (1 − forgetting)·y + gradient_rate·g, then x ← x − factor·g − momentum_rate·y.

    The state is y.
    """

    algorithms = (GeneralMomentum,)
    state_name = "memory"
    reads = ("momentum_rates", "forgettings", "gradient_rates")
    compiled_step = staticmethod(take_step)
    momentum_rates: LearningRates
    forgettings: LearningRates
    gradient_rates: LearningRates

    @classmethod
    def of(cls, problem: Any, algorithm: GeneralMomentum, num_iterations: int) -> Self | None:
        schedules = algorithm.memory_schedules
        if schedules["momentum_rate"] == Constant(0.0):
            return None
        per_unit = problem.iterations_per_unit
        rates = {name: LearningRates(s, per_unit, num_iterations) for name, s in schedules.items()}
        return cls(rates["momentum_rate"], rates["forgetting"], rates["gradient_rate"])

    def new_state(self, dimension: int) -> Array:
        return np.zeros(dimension)

    def factors(self) -> tuple[LearningRates, ...]:
        return self.momentum_rates, self.forgettings, self.gradient_rates

    def step(
        self, state: Array, x: Array, gradient: Array, factor: float, size: int, iteration: int
    ) -> bool:
        momentum_rate, forgetting, gradient_rate = (
            float(rates.between(iteration, iteration + 1)[0]) for rates in self.factors()
        )
        state[:] = remembered(state, gradient, forgetting, gradient_rate)
        x[:] = recalled(stepped(x, gradient, factor), state, momentum_rate)
        return True
