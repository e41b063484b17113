"""From what a verb was given to a `Question`, checked before any work, and only here."""

from __future__ import annotations

from typing import Any

from hsgd.algorithms.adaptive import AdaGradNorm, LineSearch, Polyak
from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.general_momentum import GeneralMomentum
from hsgd.algorithms.linear import LinearMethod, ScheduleFree
from hsgd.algorithms.momentum import HeavyBall, Nesterov
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.checks import number
from hsgd.dataset.grid import time_grid
from hsgd.interfaces import Statistic
from hsgd.setting import check_rate, check_setting
from hsgd.statistics.named import resolve
from hsgd.statistics.quadratics import NAMED
from hsgd.statistics.without_points import WithoutPoints, has_points
from hsgd.theory.dynamics.methods import able, finest
from hsgd.theory.question import Question, Statistics
from hsgd.theory.spectra.providers import PROBLEMS

ALGORITHMS: tuple[type[Algorithm], ...] = (
    SGD,
    StreamingSGD,
    HeavyBall,
    Nesterov,
    GeneralMomentum,
    ScheduleFree,
    LinearMethod,
)
"""What the verbs of the theory follow."""
ADAPTIVE: tuple[type[Algorithm], ...] = (AdaGradNorm, LineSearch, Polyak)
"""What finds its learning rate on the way: curves of it are predicted, and nothing else."""


_NEVER: Any = object()
"""In place of times; None is what a user may pass by mistake."""


def ask(
    problem: Any,
    algorithm: Any,
    *,
    statistics: Statistics = None,
    time: Any = _NEVER,
    method: str = "auto",
    rtol: float | None = None,
    problems: tuple[type, ...] = PROBLEMS,
    algorithms: tuple[type[Algorithm], ...] = ALGORITHMS,
    batch_schedules: bool = False,
    averages: bool = False,
    any_rate: bool = False,
    curves_alone: bool = False,
    ends_alone: bool = False,
) -> Question:
    """The question, if the theory can answer it.

    Parameters
    ----------
    problem, algorithm, statistics, method, rtol
        What the user gave.
    time
        Where curves are asked for; left out if what happens after long times is.
    problems, algorithms
        Types that the verb takes.
    batch_schedules
        Whether it follows batch sizes that change over time.
    averages
        Whether it knows averages of the iterates, or need not.
    any_rate
        Whether it has an answer for absurd learning rates, too.
    curves_alone
        Whether curves are all that it asks for, so that methods may answer that know no more.
    ends_alone
        The same of where they end.

    Raises
    ------
    TypeError, ValueError
        In one sentence with the remedy.
    """
    check_setting(
        problem,
        algorithm,
        problems=problems,
        algorithms=algorithms,
        batch_schedules=batch_schedules,
        sparse=True,
        products=True,
        averages=averages,
    )
    if not any_rate:
        check_rate(problem, algorithm)
    methods = able(method, problem, algorithm, curves=curves_alone, ends=ends_alone)
    tolerance = None if rtol is None else number("rtol", rtol, strict=True)
    grid = None if time is _NEVER else time_grid(time, problem.iterations_per_unit)
    if grid is not None:
        algorithm.schedule(grid.unique / problem.iterations_per_unit)  # refuses negative rates
    measured = None if statistics is None else resolve(problem, statistics)
    _check_followed(problem, measured or ())
    question = Question(problem, algorithm, methods[0], measured, grid)
    if tolerance is not None:
        question = question.but(rtol=tolerance, chance=tolerance)
    return finest(question, methods)


def _check_followed(problem: Any, statistics: tuple[Statistic, ...]) -> None:
    """Refuse statistics of parameters where the theory has no points to take them at."""
    population = problem.population
    own = (problem.empirical_risk, None if population is None else population.risk)
    for statistic in () if has_points(problem) else statistics:
        if not isinstance(statistic, WithoutPoints) and statistic not in own:
            raise ValueError(
                f"the statistic {statistic.name!r} is one of parameters, and none are at hand "
                f"here: ask for {', '.join(NAMED)}."
            )
