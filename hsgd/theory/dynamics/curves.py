"""Which solver answers which question: one protocol, three ways to solved curves."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.momentum import HeavyBall, Nesterov
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.schedules import Constant
from hsgd.theory.dynamics.discrete import Iteration, solve_discrete
from hsgd.theory.dynamics.homogenized import solve_homogenized
from hsgd.theory.dynamics.stepping import step_through
from hsgd.theory.spectra.modes import Modes, Solvable, modes

PROBLEMS = (LeastSquares, GaussianRows)
ALGORITHMS: tuple[type[Algorithm], ...] = (SGD, StreamingSGD, HeavyBall, Nesterov)
INDEPENDENT = ("with_replacement", "subset")
"""Samplings whose batches are independent, which homogenized SGD is for."""
METHODS = ("auto", "hsgd", "discrete")


class Curves(Protocol):
    """Ψ and what other statistics need, on a grid of iterations."""

    @property
    def solver(self) -> str:
        """How it was solved."""
        ...

    @property
    def status(self) -> str:
        """How that went, in a sentence."""
        ...

    def mean(self, statistic: Statistic) -> Array:
        """A statistic at the mean, shape (iterations,)."""
        ...

    def flow(self) -> Array:
        """Ψ at the mean."""
        ...

    def loss(self) -> tuple[Array, Array]:
        """Ψ and its numerical error."""
        ...

    def noise(self, curvatures: Array) -> tuple[Array, Array]:
        """½ Σ_j curvature_j · variance_j and its numerical error."""
        ...

    def uncounted(self) -> Array:
        """Bound on the trace of the covariance whose parts between modes are left out."""
        ...


def has_momentum(algorithm: Algorithm) -> bool:
    """Whether the algorithm remembers its previous step."""
    return isinstance(algorithm, HeavyBall | Nesterov)


def is_constant(algorithm: Algorithm) -> bool:
    """Whether every iteration has the same learning rate and batch size."""
    return isinstance(algorithm.schedule, Constant) and not algorithm.has_batch_schedule


def number_of_rows(problem: Solvable) -> float:
    """How many rows a batch is drawn from."""
    return problem.num_rows if isinstance(problem, LeastSquares) else np.inf


def refuse_dependent_batches(algorithm: Algorithm) -> None:
    """Refuse sampling without replacement across iterations, with the reason.

    Raises
    ------
    ValueError
        If batches depend on earlier ones.
    """
    sampling = getattr(algorithm, "sampling", "with_replacement")
    if sampling not in INDEPENDENT:
        raise ValueError(
            f"homogenized SGD is for independent batches; with sampling={sampling!r} the "
            "training loss is lower than it says, so the theory refuses it: simulate it, "
            "or use sampling='with_replacement' or 'subset'."
        )


def resolve_method(method: str, algorithm: Algorithm) -> str:
    """The method that `"auto"` stands for: homogenized SGD where there is one.

    Raises
    ------
    ValueError
        If there is no homogenized limit of the algorithm.
    """
    if has_momentum(algorithm):
        if method == "hsgd":
            raise ValueError(
                f"method='hsgd' is for SGD without momentum: pass method='discrete' for "
                f"{type(algorithm).__name__}."
            )
        return "discrete"
    return "hsgd" if method == "auto" else method


def solve_curves(
    problem: Solvable,
    algorithm: Algorithm,
    iterations: NDArray[np.int64],
    method: str,
    rtol: float,
    excess: float = 1.0,
) -> Curves:
    """Solve by `method`, `"hsgd"` or `"discrete"`, at ascending `iterations`, shape (m,).

    `excess` multiplies the kernel of Ψ, and of Ψ alone.
    """
    system, rows = modes(problem), number_of_rows(problem)
    if method == "hsgd":
        assert isinstance(algorithm, SGD | StreamingSGD)
        return solve_homogenized(system, algorithm, rows, iterations, rtol, excess)
    if is_constant(algorithm) and not has_momentum(algorithm):
        return solve_discrete(iteration_of(system, algorithm, rows), iterations, rtol, excess)
    return step_through(system, algorithm, rows, iterations, rtol, excess)


def iteration_of(system: Modes, algorithm: Algorithm, num_rows: float) -> Iteration:
    """One iteration of an algorithm whose learning rate and batch size are constant."""
    rate = float(algorithm.schedule(np.zeros(1))[0])
    return Iteration(system, rate, float(algorithm.noise_factor(num_rows)))
