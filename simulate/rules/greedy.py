"""Line search and Polyak's step: the learning rate that brings x nearest to the minimum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from hsgd.algorithms.adaptive import Greedy, LineSearch, Polyak
from hsgd.algorithms.base import Algorithm
from hsgd.checks import Array
from hsgd.problems.feature_rows import FeatureRows
from hsgd.problems.gaussian_rows import GaussianRows
from simulate.formulas.update import stepped, with_ridge
from simulate.rules.base import Rule
from simulate.rules.sharing import in_a_block, own, total


def expected_slope(value: Any, centre: Any, eigenvalue: Any) -> Any:
    """An entry of the risk's gradient, in the basis of the rows' covariance."""
    return eigenvalue * (value - centre)


def greedy_rate(fraction: Any, descent: Any, bend: Any, noise: Any, batch_size: Any) -> Any:
    """Fraction of the γ with the least ½γ²·(bend + noise/B) − γ·descent; 0 if nothing bends."""
    curvature = bend + noise / batch_size
    return fraction * descent / curvature if curvature != 0.0 else 0.0


def find_rate(crew: Any, given: Any, state: Any, factor: Any, size: Any, x: Any) -> Any:
    """The rate before a step, compiled for a thread alone."""
    descent, bend, risk, noise = 0.0, 0.0, given.noise_variance, 0.0
    for j in range(x.size):
        slope = expected_slope(x[j], given.coefficients[j], given.eigenvalues[j])
        expected = with_ridge(slope, x[j], given.ridge)
        risk += slope * (x[j] - given.coefficients[j])
        noise += given.weights[j] * slope * slope
        descent += given.slopes[j] * expected * expected
        bend += given.weights[j] * expected * expected
    return greedy_rate(factor, descent, bend, noise + risk * given.spread, size)


@in_a_block(find_rate)
def find_rate_together(crew: Any, given: Any, state: Any, factor: Any, size: Any, x: Any) -> Any:
    """The same, of three sums over the block in the place of four."""
    descent, bend, noise = 0.0, 0.0, 0.0
    for j in own(x.size):
        centre = given.coefficients[j]
        slope = expected_slope(x[j], centre, given.eigenvalues[j])
        expected = with_ridge(slope, x[j], given.ridge)
        noise += given.weights[j] * slope * slope + given.spread * slope * (x[j] - centre)
        descent += given.slopes[j] * expected * expected
        bend += given.weights[j] * expected * expected
    descent, bend = total(crew, descent), total(crew, bend)
    noise = total(crew, noise) + given.spread * given.noise_variance
    return greedy_rate(factor, descent, bend, noise, size)


def take_step(
    crew: Any, given: Any, i: Any, state: Any, factor: Any, size: Any, x: Any, pull: Any
) -> Any:
    """A step, compiled."""
    rate = find_rate(crew, given, state, factor, size, x)
    for j in own(x.size):
        x[j] = stepped(x[j], with_ridge(pull[j], x[j], given.ridge), rate)
        pull[j] = 0.0
    return True


@dataclass(frozen=True, eq=False)
class GreedyRule(Rule):
    """x ← x − γ g, γ a multiple of what brings x nearest to the minimiser x*, in expectation.

    Near is measured by Σ_j weight_j (x−x*)_j², in the basis of the rows' covariance Σ. With
    h_j = eigenvalue_j·(x−β)_j, the risk's gradient, and ridge ρ, the expected gradient is h + ρx,
    = (eigenvalue + ρ)(x−x*), and one row's covariance is 2RΣ + hhᵀ for Gaussian rows.
    """

    algorithms = (LineSearch, Polyak)
    reads = ("eigenvalues", "coefficients", "weights", "slopes", "spread", "noise_variance")
    compiled_step = staticmethod(take_step)
    compiled_rate = staticmethod(find_rate)
    eigenvalues: Array
    coefficients: Array
    """β, in the basis."""
    weights: Array
    slopes: Array
    """weight/(eigenvalue + ρ), 0 where that is nothing over nothing."""
    ridge: float
    noise_variance: float

    @classmethod
    def check(cls, problem: Any, algorithm: Algorithm) -> None:
        if isinstance(problem, FeatureRows):
            raise ValueError(
                f"{type(algorithm).__name__} rests on the fourth moments of Gaussian rows: run it "
                "on problem.gaussian_equivalent()."
            )

    @classmethod
    def of(cls, problem: GaussianRows, algorithm: Greedy, num_iterations: int) -> Self:
        values, vectors = problem.spectrum
        beta, damping = problem.coefficients, values + problem.ridge
        weights = damping if isinstance(algorithm, LineSearch) else np.ones(len(values))
        slopes = np.divide(weights, damping, out=np.zeros(len(values)), where=damping > 0)
        return cls(
            eigenvalues=values,
            coefficients=beta if vectors is None else beta @ vectors,
            weights=weights,
            slopes=slopes,
            ridge=problem.ridge,
            noise_variance=problem.noise**2,
        )

    @property
    def spread(self) -> float:
        """Σ_j weight_j·eigenvalue_j."""
        return float(self.weights @ self.eigenvalues)

    def constants(self) -> tuple[Any, ...]:
        vectors = (self.eigenvalues, self.coefficients, self.weights, self.slopes)
        return *vectors, self.spread, self.noise_variance

    def rate(self, state: Array, x: Array, factor: float, size: int) -> float:
        slope = expected_slope(x, self.coefficients, self.eigenvalues)
        expected = with_ridge(slope, x, self.ridge)
        twice_risk = slope @ (x - self.coefficients) + self.noise_variance
        noise = twice_risk * self.spread + self.weights @ slope**2
        descent, bend = self.slopes @ expected**2, self.weights @ expected**2
        return float(greedy_rate(factor, descent, bend, noise, size))

    def step(
        self, state: Array, x: Array, gradient: Array, factor: float, size: int, iteration: int
    ) -> bool:
        x[:] = stepped(x, gradient, self.rate(state, x, factor, size))
        return True
