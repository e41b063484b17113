"""Constant momentum: heavy ball, and Nesterov's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hsgd.algorithms.averaging import Averaging
from hsgd.algorithms.base import Algorithm, BatchSize, LearningRate, OnAnyRows
from hsgd.algorithms.linear_form import LinearForm, scaled_steps
from hsgd.checks import described, each, number
from hsgd.schedules import Constant


@dataclass(frozen=True)
class WithMomentum(OnAnyRows):
    """A constant momentum; what has one differs in where the gradient is taken."""

    learning_rate: LearningRate
    momentum: float
    batch_size: BatchSize = 1
    sampling: str = "with_replacement"
    averaging: Averaging | None = None

    def __post_init__(self) -> None:
        self._validate()
        object.__setattr__(self, "momentum", each("momentum", self.momentum, _momentum))

    def linear_form(self) -> LinearForm:
        # notation: Z = (x, the previous x)
        mu, constant = self.momentum, isinstance(self.schedule, Constant)
        mixing, gains = np.array([[1.0 + mu, -mu], [1.0, 0.0]]), np.array([1.0, 0.0])
        steps = scaled_steps(mixing, gains, self.schedule, constant=constant)
        query = np.array([1.0 + mu, -mu]) if looks_ahead(self) else gains
        return LinearForm(np.ones(2), query, gains, steps, constant)

    def description(self) -> dict[str, Any]:
        words = {"momentum": described(self.momentum), "sampling": self.sampling}
        return {"algorithm": type(self).__name__, **self._shared_description(), **words}


@dataclass(frozen=True)
class HeavyBall(WithMomentum):
    """Stochastic heavy ball on the rows of a problem, x ← x − γ g(x) + momentum·(x − previous x).

    The first step has no previous one (x₋₁ = x₀). With the sum over the batch in place of the
    mean, as in arXiv:2206.01029, γ would be B times smaller. PyTorch and optax multiply a sum of
    gradients by the *current* γ, which is the same where γ is constant; for schedules of theirs
    take `GeneralMomentum.pytorch`.

    Parameters
    ----------
    learning_rate, batch_size, sampling, averaging
        As in `SGD`.
    momentum
        Between 0 and 1, 1 excluded; at 0 this is `SGD`.

    Raises
    ------
    TypeError, ValueError
        As `SGD`, and for a momentum outside [0, 1).
    """


@dataclass(frozen=True)
class Nesterov(WithMomentum):
    """Stochastic Nesterov momentum: y = x + momentum·(x − previous x), then x ← y − γ g(y).

    PyTorch and optax keep y in the place of x: `GeneralMomentum.pytorch(..., nesterov=True)`.

    Parameters
    ----------
    learning_rate, batch_size, sampling, averaging
        As in `SGD`.
    momentum
        Between 0 and 1, 1 excluded; at 0 this is `SGD`.

    Raises
    ------
    TypeError, ValueError
        As `SGD`, and for a momentum outside [0, 1).
    """


def _momentum(name: str, value: Any) -> float:
    momentum = number(name, value)
    if momentum >= 1.0:
        raise ValueError(f"momentum is {momentum:g}, but it must be below 1: try 0.9.")
    return momentum


def momentum_of(algorithm: Algorithm) -> float:
    """The constant momentum of an algorithm, 0 if it has none."""
    return algorithm.momentum if isinstance(algorithm, WithMomentum) else 0.0


def looks_ahead(algorithm: Algorithm) -> bool:
    """Whether gradients are taken where momentum alone would lead."""
    return isinstance(algorithm, Nesterov)
