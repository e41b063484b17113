"""Rules: what an algorithm other than SGD does with the gradient of a batch.

Each says in plain NumPy what it is, and that is its definition; the formulas are those of
`update.py`, and `engines.kernels.following` compiles the same. A rule keeps its state (a memory,
a sum) in arrays that change in place, so that a replicate can be saved and go on. To write a new
one, implement the four methods of `Rule`, and their twins for the compiled engines.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hsgd.algorithms.adaptive import AdaGradNorm, Greedy, LineSearch
from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.general_momentum import GeneralMomentum
from hsgd.checks import Array
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.schedules import Constant
from simulate.formulas import update
from simulate.formulas.schedules import LearningRates

State = dict[str, Array]


class Rule(ABC):
    """What is done with the gradient."""

    is_adaptive: ClassVar[bool] = True
    """Whether the learning rate is found on the way, and recorded."""

    @abstractmethod
    def new_state(self, dimension: int) -> State:
        """The state at the start."""

    @abstractmethod
    def rate(self, state: State, x: Array, factor: float, batch_size: int) -> float:
        """The learning rate as it is known before a step from x, in the rows' basis.

        `factor` is what the algorithm's schedule gives for the iteration.
        """

    @abstractmethod
    def step(
        self, state: State, x: Array, gradient: Array, factor: float, size: int, iteration: int
    ) -> bool:
        """Change x and the state by one iteration; whether all went well: else it diverged."""

    def schedules(self) -> tuple[Any, ...]:
        """Arrays that say what happens when, beside the learning rate's."""
        return ()


@dataclass(frozen=True, eq=False)
class AdaGrad(Rule):
    """x ← x − g·factor/√energy, after |g|² was added to the energy."""

    initial: float

    def new_state(self, dimension: int) -> State:
        return {"energy": np.array([self.initial**2])}

    def rate(self, state: State, x: Array, factor: float, batch_size: int) -> float:
        return float(update.adagrad_rate(factor, state["energy"][0]))

    def step(
        self, state: State, x: Array, gradient: Array, factor: float, size: int, iteration: int
    ) -> bool:
        state["energy"] += gradient @ gradient
        x[:] = update.stepped(x, gradient, self.rate(state, x, factor, size))
        return bool(np.isfinite(state["energy"][0]))


@dataclass(frozen=True, eq=False)
class Nearest(Rule):
    """x ← x − γ g, γ a multiple of what brings x nearest to the minimiser x*, in expectation.

    Near is measured by Σ_j weight_j (x−x*)_j², in the basis of the rows' covariance Σ. With
    h_j = eigenvalue_j·(x−β)_j, the risk's gradient, and ridge ρ, the expected gradient is h + ρx,
    = (eigenvalue + ρ)(x−x*), and one row's covariance is 2RΣ + hhᵀ for Gaussian rows.
    """

    eigenvalues: Array
    coefficients: Array
    """β, in the basis."""
    weights: Array
    slopes: Array
    """weight/(eigenvalue + ρ), 0 where that is nothing over nothing."""
    ridge: float
    noise_variance: float

    def new_state(self, dimension: int) -> State:
        return {}

    @property
    def spread(self) -> float:
        """Σ_j weight_j·eigenvalue_j."""
        return float(self.weights @ self.eigenvalues)

    def rate(self, state: State, x: Array, factor: float, batch_size: int) -> float:
        slope = update.expected_slope(x, self.coefficients, self.eigenvalues)
        expected = update.with_ridge(slope, x, self.ridge)
        twice_risk = slope @ (x - self.coefficients) + self.noise_variance
        noise = twice_risk * self.spread + self.weights @ slope**2
        descent, bend = self.slopes @ expected**2, self.weights @ expected**2
        return float(update.greedy_rate(factor, descent, bend, noise, batch_size))

    def step(
        self, state: State, x: Array, gradient: Array, factor: float, size: int, iteration: int
    ) -> bool:
        x[:] = update.stepped(x, gradient, self.rate(state, x, factor, size))
        return True


@dataclass(frozen=True, eq=False)
class Memory(Rule):
    """y ← (1 − forgetting)·y + gradient_rate·g, then x ← x − factor·g − momentum_rate·y."""

    is_adaptive: ClassVar[bool] = False
    momentum_rates: LearningRates
    forgettings: LearningRates
    gradient_rates: LearningRates

    def new_state(self, dimension: int) -> State:
        return {"memory": np.zeros(dimension)}

    def rate(self, state: State, x: Array, factor: float, batch_size: int) -> float:
        return factor

    def step(
        self, state: State, x: Array, gradient: Array, factor: float, size: int, iteration: int
    ) -> bool:
        momentum_rate, forgetting, gradient_rate = (
            float(rates.between(iteration, iteration + 1)[0])
            for rates in (self.momentum_rates, self.forgettings, self.gradient_rates)
        )
        y = state["memory"]
        y[:] = update.remembered(y, gradient, forgetting, gradient_rate)
        x[:] = update.recalled(update.stepped(x, gradient, factor), y, momentum_rate)
        return True

    def schedules(self) -> tuple[Any, ...]:
        return self.momentum_rates.kept, self.forgettings.kept, self.gradient_rates.kept


def rule_of(problem: Any, algorithm: Algorithm, num_iterations: int) -> Rule | None:
    """The rule of an algorithm; None for SGD, which needs none, and what is SGD."""
    if isinstance(algorithm, AdaGradNorm):
        return AdaGrad(algorithm.initial)
    if isinstance(algorithm, Greedy):
        return _nearest(problem, algorithm)
    if isinstance(algorithm, GeneralMomentum):
        schedules = algorithm.memory_schedules
        if schedules["momentum_rate"] == Constant(0.0):
            return None
        per_unit = problem.iterations_per_unit
        rates = {name: LearningRates(s, per_unit, num_iterations) for name, s in schedules.items()}
        return Memory(rates["momentum_rate"], rates["forgetting"], rates["gradient_rate"])
    return None


def _nearest(problem: GaussianRows, algorithm: Greedy) -> Nearest:
    values, vectors = problem.spectrum
    beta, damping = problem.coefficients, values + problem.ridge
    weights = damping if isinstance(algorithm, LineSearch) else np.ones(len(values))
    slopes = np.divide(weights, damping, out=np.zeros(len(values)), where=damping > 0)
    return Nearest(
        eigenvalues=values,
        coefficients=beta if vectors is None else beta @ vectors,
        weights=weights,
        slopes=slopes,
        ridge=problem.ridge,
        noise_variance=problem.noise**2,
    )
