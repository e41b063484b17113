"""Momentum with a memory of past gradients that has learning rates of its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.averaging import Averaging
from hsgd.algorithms.base import BatchSize, LearningRate, OnAnyRows
from hsgd.algorithms.linear_form import LinearForm, Steps
from hsgd.checks import flag, number, shown
from hsgd.interfaces import Problem
from hsgd.schedules import Constant, PowerDecay, Scaled, Schedule, as_schedule


@dataclass(frozen=True)
class GeneralMomentum(OnAnyRows):
    """SGD with a memory y of its gradients, and a learning rate for each of the two.

    One iteration takes the mean gradient g of a batch, ridge included, at x; from y = 0 on
    y ← (1 − forgetting)·y + gradient_rate·g, then x ← x − learning_rate·g − momentum_rate·y.

    Parameters
    ----------
    learning_rate
        γ₂, of the gradient.
    momentum_rate
        γ₃, of the memory; where it is the number 0, this is `SGD` or `StreamingSGD`.
    forgetting
        Δ, the share of the memory that is lost in an iteration; values above 1 count as 1.
    gradient_rate
        γ₁, with which the gradient enters the memory. This and the three above are numbers,
        `Schedule` objects, or vectorised callables of time.
    batch_size
        Rows per iteration: an integer, or a `Piecewise` of time with integer levels.
    sampling
        As in `SGD`; on fresh rows there is only `"with_replacement"`.
    averaging
        As in `SGD`.

    Raises
    ------
    TypeError, ValueError
        For a negative factor, and as `SGD`.

    Notes
    -----
    With learning rate 0 and constants this is `HeavyBall(γ₁·γ₃, momentum=1 − Δ)`.

    References
    ----------
    D. Ferbach et al., arXiv:2505.16098, general momentum method: γ₁, γ₂, γ₃ and Δ in its notation.

    Examples
    --------
    >>> import hsgd
    >>> hsgd.GeneralMomentum(0.0, momentum_rate=0.1, forgetting=0.2).description()["algorithm"]
    'GeneralMomentum'
    """

    learning_rate: LearningRate
    momentum_rate: LearningRate
    forgetting: LearningRate
    gradient_rate: LearningRate = 1.0
    batch_size: BatchSize = 1
    sampling: str = "with_replacement"
    averaging: Averaging | None = None

    def __post_init__(self) -> None:
        self._validate()
        self.memory_schedules  # noqa: B018  (the check of the factors)

    @classmethod
    def pytorch(
        cls,
        learning_rate: LearningRate,
        momentum: float,
        *,
        dampening: float = 0.0,
        nesterov: bool = False,
        batch_size: BatchSize = 1,
        sampling: str = "with_replacement",
    ) -> GeneralMomentum:
        """Momentum as `torch.optim.SGD` and optax take it, where the rate multiplies the velocity.

        v ← momentum·v + (1 − dampening)·g, then x ← x − γv, or with `nesterov`
        x ← x − γ(g + momentum·v). `HeavyBall` and `Nesterov` carry on the last *displacement*
        instead, in which earlier gradients keep the rates that they came with. At a constant rate
        heavy ball is the same in both; Nesterov's x is here the point at which `Nesterov` takes its
        gradient, and starts there.

        Parameters
        ----------
        learning_rate
            γ: a number, a `Schedule`, or a vectorised callable of time.
        momentum
            Between 0 and 1, 1 excluded.
        dampening
            Between 0 and 1; PyTorch does not dampen the very first gradient, this does.
        nesterov
            Whether to look ahead; without dampening only, as in PyTorch.
        batch_size, sampling
            As in `GeneralMomentum`.

        Raises
        ------
        TypeError, ValueError
            For a momentum or dampening out of range, or Nesterov's with dampening.

        References
        ----------
        PyTorch, torch.optim.SGD, the note on how its momentum differs from Sutskever's; optax.sgd,
        optax.trace.
        """
        share, fading = number("momentum", momentum), number("dampening", dampening)
        if share >= 1.0 or fading > 1.0:
            raise ValueError(
                f"momentum is {share:g} and dampening {fading:g}: momentum is below 1, and "
                "dampening at most 1."
            )
        if flag("nesterov", nesterov) and fading:
            raise ValueError("nesterov looks ahead without dampening: leave one of the two out.")
        rate = as_schedule(learning_rate)
        return GeneralMomentum(
            learning_rate if nesterov else 0.0,
            momentum_rate=Scaled(rate, share) if nesterov else rate,
            forgetting=1.0 - share,
            gradient_rate=1.0 - fading,
            batch_size=batch_size,
            sampling=sampling,
        )

    @cached_property
    def memory_schedules(self) -> dict[str, Schedule]:
        """`momentum_rate`, `forgetting` and `gradient_rate` as schedules."""
        names = ("momentum_rate", "forgetting", "gradient_rate")
        return {name: as_schedule(getattr(self, name), name) for name in names}

    def linear_form(self) -> LinearForm:
        # notation: Z = (x, y); γ₁, γ₂, γ₃, Δ as above, values of Δ above 1 counted as 1
        factors = (self.schedule, *self.memory_schedules.values())

        def steps(iterations: NDArray[np.int64], per_unit: int) -> Steps:
            time = iterations / per_unit
            rate, memory_rate, forgetting, gradient_rate = (np.asarray(f(time)) for f in factors)
            kept = 1.0 - np.minimum(forgetting, 1.0)
            mixing, gains = np.zeros((len(time), 2, 2)), np.empty((len(time), 2))
            mixing[:, 0, 0], mixing[:, 0, 1] = 1.0, -memory_rate * kept
            mixing[:, 1, 1] = kept
            gains[:, 0], gains[:, 1] = rate + gradient_rate * memory_rate, -gradient_rate
            return Steps(mixing, gains)

        first, constant = np.array([1.0, 0.0]), all(isinstance(f, Constant) for f in factors)
        return LinearForm(first, first, first, steps, constant)

    def description(self) -> dict[str, Any]:
        words = {name: value.description() for name, value in self.memory_schedules.items()}
        shared = self._shared_description()
        return {"algorithm": type(self).__name__, **shared, **words, "sampling": self.sampling}


@dataclass(frozen=True)
class DANA(GeneralMomentum):
    """Dimension-adapted Nesterov acceleration: `GeneralMomentum` that forgets like c/(1 + k).

    Made by `DANA.constant` or `DANA.decaying`; its memory reaches back over a fixed share of all
    iterations so far, so it can average more the longer the run is.

    References
    ----------
    D. Ferbach et al., arXiv:2505.16098, DANA-constant and DANA-decaying.

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(1 / 50, np.ones(50))
    >>> hsgd.DANA.constant(rows, 0.5).momentum_rate
    0.01
    """

    @classmethod
    def constant(
        cls,
        problem: Problem,
        learning_rate: float,
        *,
        momentum_factor: float = 1.0,
        forgetting_constant: float = 4.0,
        batch_size: BatchSize = 1,
        sampling: str = "with_replacement",
    ) -> Self:
        """DANA-constant: γ₁ = 1, γ₂ = learning_rate, γ₃ = momentum_factor·γ₂/d, Δ = c/(1+k).

        Parameters
        ----------
        problem
            What it will run on: its dimension d, and how many iterations make a unit of time.
        learning_rate
            γ₂, of the order of 1/tr Σ.
        momentum_factor
            γ₃ relative to γ₂/d.
        forgetting_constant
            c, greater than 1; what is enough depends on the spectrum.
        batch_size, sampling
            As in `GeneralMomentum`.

        Raises
        ------
        TypeError, ValueError
            For a factor that is negative, or a constant that is not above 1.
        """
        _check_problem(problem)
        rate, factor = _rates(learning_rate, momentum_factor)
        forgetting = _forgetting(problem, forgetting_constant)
        return cls(rate, factor * rate / problem.dimension, forgetting, 1.0, batch_size, sampling)

    @classmethod
    def decaying(
        cls,
        problem: Problem,
        learning_rate: float,
        alpha: float,
        *,
        momentum_factor: float = 1.0,
        forgetting_constant: float = 4.0,
        batch_size: BatchSize = 1,
        sampling: str = "with_replacement",
    ) -> Self:
        """DANA-decaying: as `constant`, but γ₃ = momentum_factor·γ₂·(1+k)^(−1/(2·alpha)).

        Parameters
        ----------
        problem, learning_rate, forgetting_constant, batch_size, sampling
            As in `constant`.
        alpha
            Exponent of the spectrum, whose j-th eigenvalue is of the order j^(−2·alpha).
        momentum_factor
            γ₃ relative to γ₂ at the start.

        Raises
        ------
        TypeError, ValueError
            For a factor that is negative, an alpha that is not positive, a constant not above 1.
        """
        _check_problem(problem)
        rate, factor = _rates(learning_rate, momentum_factor)
        exponent = 1.0 / (2.0 * number("alpha", alpha, strict=True))
        decay = PowerDecay(factor * rate, exponent, 1.0 / problem.iterations_per_unit)
        forgetting = _forgetting(problem, forgetting_constant)
        return cls(rate, decay, forgetting, 1.0, batch_size, sampling)


def _check_problem(problem: object) -> None:
    if isinstance(problem, type) or not hasattr(problem, "iterations_per_unit"):
        raise TypeError(
            f"problem is {shown(problem)}: pass what the algorithm will run on, a "
            "hsgd.LeastSquares or a hsgd.GaussianRows."
        )


def _rates(learning_rate: float, momentum_factor: float) -> tuple[float, float]:
    return number("learning_rate", learning_rate), number("momentum_factor", momentum_factor)


def _forgetting(problem: Problem, constant: float) -> PowerDecay:
    """constant/(1 + k), as a function of the time k/iterations_per_unit."""
    checked = number("forgetting_constant", constant, minimum=1.0, strict=True)
    return PowerDecay(checked, 1.0, 1.0 / problem.iterations_per_unit)
