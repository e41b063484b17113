"""From what a verb was given to a goal and a largest learning rate, checked before any work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.checks import integer, number, one_of, shown
from hsgd.exact.mean_square import mean_square_critical_learning_rate
from hsgd.interfaces import Statistic
from hsgd.theory.asking import ask
from hsgd.theory.critical import with_rate_open
from hsgd.theory.design.goal import Goal
from hsgd.theory.dynamics.stepping import check_work
from hsgd.theory.question import Question
from hsgd.theory.spectra.providers import PROBLEMS, Solvable

UNITS = ("passes", "iterations", "rows")


@dataclass(frozen=True, eq=False)
class Setting:
    """What a schedule is designed for."""

    question: Question
    goal: Goal
    critical: float
    """Largest learning rate that is stable in the mean square."""
    cap: float
    """Largest learning rate that a schedule may have."""

    def with_batch(self, size: int) -> Setting:
        """The same with batches of another size, and as many rows."""
        algorithm = self.question.algorithm.replace(batch_size=size)
        question = self.question.but(algorithm=algorithm)
        rows = self.goal.iterations * self.question.algorithm.largest_batch_size
        goal = self.goal.but(int(np.rint(rows / size)), question.noise_factor)
        critical = stable_rate(question)
        return Setting(question, goal, critical, self.cap / self.critical * critical)

    @property
    def log_cap(self) -> float:
        """Of the rate over N."""
        return float(np.log(self.cap / self.goal.per_unit))


def opened(problem: Any, algorithm: Any) -> Algorithm:
    """The algorithm whose learning rate is to be found.

    Raises
    ------
    TypeError, ValueError
        For what is no algorithm, or no problem.
    """
    if algorithm is None:
        if not isinstance(problem, PROBLEMS):
            raise TypeError(
                f"the problem is {shown(problem)}: pass hsgd.LeastSquares, hsgd.GaussianRows or "
                "hsgd.SampledLeastSquares."
            )
        return with_rate_open(problem, 1, "with_replacement")
    if not isinstance(algorithm, SGD | StreamingSGD):
        raise TypeError(
            f"the algorithm is {shown(algorithm)}: schedules are designed for hsgd.SGD(0.0) or "
            "hsgd.StreamingSGD(0.0), whose learning rate is not looked at."
        )
    return algorithm.replace(learning_rate=0.0)


def iterations_of(problem: Solvable, algorithm: Algorithm, budget: Any, unit: Any) -> int:
    """Iterations that a budget pays for; of fresh rows a pass is d of them.

    Raises
    ------
    TypeError, ValueError
        For a budget that is no number, or of fewer than two iterations.
    """
    one_of("unit", unit, UNITS)
    amount = number("budget", budget, strict=True)
    rows = {"passes": amount * problem.iterations_per_unit, "rows": amount}
    count = rows[unit] / algorithm.largest_batch_size if unit in rows else amount
    if not 2.0 <= count <= 2.0**53:
        raise ValueError(
            f"budget is {amount:g} {unit}, with batch_size {algorithm.largest_batch_size} that is "
            f"{count:g} iterations: choose one of 2 to 2^53 of them."
        )
    return int(np.rint(count))


def prepared(
    problem: Any, algorithm: Any, budget: Any, unit: Any, statistic: Any, cap: Any
) -> Setting:
    """The setting, if a schedule can be designed for it.

    Raises
    ------
    TypeError, ValueError
        In one sentence with the remedy.
    """
    share = number("cap", cap, strict=True)
    if share >= 1.0:
        raise ValueError(
            f"cap is {share:g}, but it is a share of the critical learning rate, at which risks "
            "stop being finite: choose one below 1, as 0.8."
        )
    question = asked(problem, opened(problem, algorithm), statistic)
    if question.noise_factor == 0.0:
        raise ValueError(
            "a batch is all of the rows, so that there is no noise, and every schedule of the same "
            "total ends at the same risk: pass a smaller batch_size."
        )
    iterations = iterations_of(problem, question.algorithm, budget, unit)
    goal = goal_of(question, iterations)
    critical = stable_rate(question)
    if not np.isfinite(critical) or not goal.system.losses(np.ones((1, len(goal.damping) - 1)))[0]:
        raise ValueError(
            "the rows, or the risk at the start, are zero, so there is nothing to learn: check the "
            "problem."
        )
    if not goal.is_bowl:
        raise ValueError(
            f"the statistic {goal.statistic.name!r} falls without end along some direction, so it "
            "has no best schedule: pass one whose matrix is positive."
        )
    return Setting(question, goal, critical, share * critical)


def asked(problem: Any, algorithm: Algorithm, statistic: Any) -> Question:
    """The question of one statistic; by default the population risk, or else the training risk."""
    if isinstance(statistic, list | tuple):
        raise TypeError("statistic is a list, and a schedule has one goal: pass one name.")
    if statistic is None:
        has_population = getattr(problem, "population", None) is not None
        statistic = "population_risk" if has_population else "empirical_risk"
    elif not isinstance(statistic, str | Statistic):
        raise TypeError(
            f"statistic is {shown(statistic)}: pass a name, as 'population_risk', or a "
            "hsgd.Quadratic."
        )
    question = ask(problem, algorithm, statistics=statistic, method="discrete")
    algorithm.noise_factor(question.num_rows)  # refuses batches that change over time
    return question


def goal_of(question: Question, iterations: int) -> Goal:
    """Its one statistic after so many iterations."""
    (statistic,) = question.statistics
    return Goal(question.system, statistic, iterations, question.noise_factor)


def stepped(question: Question, iterations: Any) -> Goal:
    """The same, where every iteration is to be looked at."""
    count = integer("iterations", iterations, minimum=1)
    check_work(question.system, count)
    return goal_of(question, count)


def stable_rate(question: Question) -> float:
    """Largest learning rate at which second moments stay finite, of these rows or such as these."""
    critical = question.stability.critical_rate()
    if question.rows is None:
        return critical
    return min(critical, mean_square_critical_learning_rate(question.rows, question.noise_factor))
