"""Batch sizes: where larger ones stop paying, and how they may grow while the risk falls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from hsgd import dataset
from hsgd.algorithms.base import Algorithm
from hsgd.checks import Array, integer, number, plain_array
from hsgd.dataset import provenance
from hsgd.nouns import Whole
from hsgd.problems.outputs import any_output
from hsgd.schedules import Piecewise
from hsgd.theory.asking import ask
from hsgd.theory.critical import with_rate_open
from hsgd.theory.dynamics.discrete import solve_iteration
from hsgd.theory.dynamics.stepping import CHUNK, State, check_work
from hsgd.theory.question import Question
from hsgd.theory.spectra.modes import Modes
from hsgd.theory.spectra.providers import Solvable
from hsgd.theory.stability.asymptotics import Asymptotics
from hsgd.theory.stability.base import Stability
from hsgd.theory.stability.finite_steps import FiniteSteps

if TYPE_CHECKING:
    import xarray as xr

A = TypeVar("A", bound=Algorithm)

_LATEST = 2**52
_TRIALS = 24


def critical_batch_size(problem: Solvable, *, sampling: str = "with_replacement") -> float:
    """The batch size beyond which curvature, not noise, limits the learning rate.

    With replacement Σ_j λ_j²/(λ_j+ridge) / (λ_max+ridge), which is tr H/λ_max without a ridge: up
    to it the critical learning rate grows in proportion to the batch, beyond it not at all.

    Parameters
    ----------
    problem
        `LeastSquares` or `GaussianRows`.
    sampling
        `"with_replacement"` or `"subset"`, whose noise vanishes at n rows: the size is smaller.

    Returns
    -------
    float
        Not rounded; at least 1 for the rules of sampling that a batch of one row obeys.

    Raises
    ------
    TypeError, ValueError
        For another problem or sampling.

    References
    ----------
    arXiv:2206.01029, section 3; docs, theory page, "Mini-batches".
    """
    problem = any_output(problem)
    stability = ask(problem, with_rate_open(problem, 1, sampling), method="hsgd").stability
    # notation: phi = noise factor at which both limits agree
    norm_per_rate = stability.system.kernel_norm(1.0, 1.0)
    phi = 1.0 / (norm_per_rate * stability.curvature_limit())
    n = problem.num_rows
    if sampling == "subset" and np.isfinite(n):
        return float(n / (1.0 + phi * (n - 1)))
    return float(1.0 / phi)


def grow_batch_size(
    problem: Solvable,
    algorithm: A,
    horizon: float,
    *,
    risk_factor: float = 2.0,
    growth: float = 2.0,
    largest: Whole | None = None,
) -> A:
    """The algorithm with a batch that grows whenever its predicted risk has fallen far enough.

    Each time the sampled risk (the training risk; streaming: the population risk) has fallen by
    `risk_factor` since the last change, the batch size is multiplied by `growth`: an adaptive batch
    size, decided by the theory beforehand, so that it can be predicted and simulated alike.

    Parameters
    ----------
    problem, algorithm
        As in `predict`; the algorithm's batch size, one integer, is the first.
    horizon
        Time up to which the rule is followed, in units of n iterations (streaming: d).
    risk_factor, growth
        Both greater than 1.
    largest
        The batch size never exceeds this; by default the number of rows, or 2²⁰ for a population.

    Returns
    -------
    Algorithm
        Of the same kind, its `batch_size` a `Piecewise` of time; unchanged if the risk never fell
        so far.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, or more iterations than can be stepped through.

    Notes
    -----
    Cost: O(r) per iteration (finite-step theory).

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(1 / 50, np.ones(50), noise=0.5)
    >>> adaptive = hsgd.grow_batch_size(rows, hsgd.StreamingSGD(0.5), horizon=10.0)
    >>> [int(size) for size in adaptive.batch_size.levels]
    [1, 2, 4]
    """
    question = ask(problem, algorithm, method="discrete")
    fall = _above_one("risk_factor", risk_factor)
    factor = _above_one("growth", growth)
    system = question.system
    most = min(question.num_rows, 2**20) if largest is None else largest
    cap = integer("largest", most, minimum=1)
    last = int(np.rint(number("horizon", horizon) * system.iterations_per_unit))
    check_work(system, last)
    size = algorithm.largest_batch_size
    boundaries: list[float] = []
    levels, grown = [size], algorithm
    state = State.start(question)
    threshold: float | None = None
    while state.iteration < last and levels[-1] < cap:
        before = state.copy()
        losses = state.advance(min(last, state.iteration + CHUNK))
        threshold = float(losses[0]) / fall if threshold is None else threshold
        fallen = np.flatnonzero(losses <= threshold)
        if not len(fallen):
            continue
        at = before.iteration + int(fallen[0])
        threshold = float(losses[fallen[0]]) / fall
        levels.append(int(min(cap, np.ceil(levels[-1] * factor))))
        boundaries.append(at / system.iterations_per_unit)
        before.advance(at)
        schedule = Piecewise(tuple(boundaries), tuple(float(level) for level in levels))
        grown = algorithm.replace(batch_size=schedule)
        state = before
        state.question = question.but(algorithm=grown)
    return grown


def _above_one(name: str, value: Any) -> float:
    return number(name, value, minimum=1.0, strict=True)


def steps_to_target(
    problem: Solvable,
    risk: float,
    batch_sizes: ArrayLike,
    *,
    sampling: str = "with_replacement",
) -> xr.Dataset:
    """Iterations until the predicted risk first reaches a target, at the best learning rate per B.

    Small batches scale perfectly (twice the batch, half the iterations); around the critical batch
    size the curve bends; large batches need as many iterations as gradient descent.

    Parameters
    ----------
    problem
        `LeastSquares` (its training risk is meant) or `GaussianRows` (the population risk).
    risk
        The target: above the lowest risk that gradient descent reaches, below the start's.
    batch_sizes
        Integers ≥ 1, shape (m,).
    sampling
        `"with_replacement"` or `"subset"`; a population is streamed.

    Returns
    -------
    xarray.Dataset
        dims `batch_size`. `iterations`, `rows_drawn` (iterations times B), `learning_rate` (the
        constant one that needs the fewest iterations), `fraction_of_critical`. Attributes:
        `critical_batch_size`, and `gradient_descent_iterations`, the count without noise.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, or a target that is met at the start or never.

    Notes
    -----
    Finite-step theory; about forty solutions of O(r²) per batch size.

    References
    ----------
    arXiv:1811.03600 for the question; arXiv:2206.01029; docs, theory page, "Mini-batches".
    """
    sizes = plain_array("batch_sizes", batch_sizes)
    if sizes.ndim != 1 or sizes.size == 0:
        raise ValueError(
            f"batch_sizes has shape {sizes.shape}: pass a list of integers, for example [1, 4, 16]."
        )
    counts = [integer("batch_sizes", size, minimum=1) for size in sizes]
    questions = [
        ask(problem, with_rate_open(problem, size, sampling), method="discrete") for size in counts
    ]
    reach = _Reach(questions[0], number("risk", risk, strict=True))
    reach.check()
    found = [reach.best(question.stability) for question in questions]
    rates, steps, critical = np.array(found).T
    import xarray as xr

    def variable(values: Array, words: str) -> xr.Variable:
        return xr.Variable(("batch_size",), values, {"units": "1", "long_name": words})

    attrs = provenance.attributes(
        problem, with_rate_open(problem, 1, "with_replacement"),
        source="theory", title="iterations to a target risk",
    )  # fmt: skip
    attrs |= {
        "target_risk": reach.risk,
        "sampling": sampling,
        "critical_batch_size": critical_batch_size(problem, sampling=sampling),
        "gradient_descent_iterations": reach.best(FiniteSteps(reach.system, 0.0))[1],
    }
    return xr.Dataset(
        {
            "iterations": variable(steps, "iterations to the target risk"),
            "rows_drawn": variable(steps * counts, "rows drawn until the target risk"),
            "learning_rate": variable(rates, "learning rate of the fewest iterations"),
            "fraction_of_critical": variable(rates / critical, "learning rate over critical"),
        },
        {"batch_size": variable(np.array(counts, dtype=np.int64), "batch size")},
        dataset.with_schema(attrs),
    )


@dataclass(frozen=True)
class _Reach:
    """When a risk is first reached."""

    question: Question
    risk: float

    @property
    def system(self) -> Modes:
        return self.question.system

    @property
    def target(self) -> float:
        return self.risk * self.system.iterations_per_unit

    def check(self) -> None:
        """Refuse targets that are no question."""
        N = self.system.iterations_per_unit
        start = float(self.system.losses(np.ones((1, 1)))[0]) / N
        end = float(self.system.losses(np.zeros((1, 1)))[0]) / N
        if not end < self.risk < start:
            raise ValueError(
                f"the target risk is {self.risk:g}, but it must lie between {end:.6g}, where "
                f"gradient descent ends, and {start:.6g}, where it starts."
            )

    def best(self, stability: Stability) -> tuple[float, float, float]:
        """The learning rate of the fewest iterations, that number, and the critical rate."""
        from scipy.optimize import minimize_scalar  # slow to load

        critical = stability.critical_rate()

        def cost(log_fraction: float) -> float:
            return float(np.log(self.count(stability, critical * np.exp(log_fraction))))

        # A coarse search first: at small and at critical rates the count is infinite.
        grid = np.append(
            np.linspace(np.log(1e-5), np.log(0.05), 8),
            np.log(np.linspace(0.1, 1 - 1e-4, _TRIALS - 8)),
        )
        costs = np.array([cost(point) for point in grid])
        at = int(np.argmin(costs))
        low, high = grid[max(at - 1, 0)], grid[min(at + 1, len(grid) - 1)]
        fine = minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-3})
        point = float(fine.x) if fine.fun <= costs[at] else float(grid[at])
        rate = critical * float(np.exp(point))
        return rate, float(np.ceil(self.count(stability, rate))), critical

    def count(self, stability: Stability, rate: float) -> float:
        """Iterations, interpolated between whole ones; infinite if the target is never reached."""
        if Asymptotics(stability, rate).loss() >= self.target:
            return float("inf")
        losses = solve_iteration(stability.at(rate), np.array([0]), 1e-9).solution
        low, high = 0, 16
        while high < _LATEST:
            k = np.unique(np.rint(np.geomspace(max(low, 1), high, 24)).astype(np.int64))
            k = np.unique(np.append(k, low))
            loss = losses(k)
            below = np.flatnonzero(loss <= self.target)
            if not len(below):
                low, high = high, high * 64
                continue
            at = int(below[0])
            if k[at] - k[at - 1] <= 1:
                # Between two whole numbers, by the logarithm of the loss.
                fall = np.log(loss[at - 1] / loss[at])
                return float(k[at - 1] + np.log(loss[at - 1] / self.target) / fall)
            low, high = int(k[at - 1]), int(k[at])
        return float("inf")
