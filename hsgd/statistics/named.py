"""From what was asked for to statistics: names, quadratics, readouts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from hsgd.checks import shown
from hsgd.interfaces import Problem, Statistic
from hsgd.kept import kept
from hsgd.statistics.quadratics import NAMED, CentredQuadratic
from hsgd.statistics.readouts import Readout, Recordable
from hsgd.statistics.without_points import WithoutPoints, has_points


def empirical_risk(problem: Problem) -> Statistic:
    """(1/2n)‖Ax−b‖².

    Raises
    ------
    ValueError
        If the problem is a population: it has no fixed rows.
    """
    if problem.empirical_risk is None:
        raise ValueError(
            f"empirical_risk needs fixed rows, which a {type(problem).__name__} has not: "
            "ask for population_risk."
        )
    return problem.empirical_risk


def population_risk(problem: Problem) -> Statistic:
    """½ E(a·x−b)² on a fresh row, from moments or on held-out rows.

    Raises
    ------
    ValueError
        If the problem carries no population.
    """
    if problem.population is None:
        raise ValueError(
            "population_risk needs a population: pass population=(A_test, b_test) or "
            "population=Population(...) to the problem, or leave it out of statistics."
        )
    return problem.population.risk


@kept
def distance(problem: Problem) -> Statistic:
    """‖x−x*‖², x* the problem's solution; one object each, so that what is computed of it is kept.

    For data the ridge solution (for ridge 0 the minimiser nearest x0), for a population β.
    """
    words = "squared distance to the solution |x-x*|^2"
    if not has_points(problem):
        reason = "the solution is not known here, so only the theory follows it"
        return WithoutPoints("distance", words, problem.dimension, reason)
    centre = problem.solution
    assert centre is not None
    return CentredQuadratic(2.0, centre, 0.0, "distance", words)


_BUILDERS: dict[str, Callable[[Problem], Statistic]] = {
    "empirical_risk": empirical_risk,
    "population_risk": population_risk,
    "distance": distance,
}


def available(problem: Problem) -> tuple[str, ...]:
    """Names of the statistics that a problem has."""
    has = {
        "empirical_risk": problem.empirical_risk is not None,
        "population_risk": problem.population is not None,
        # What is not factored has its solution on demand only: nobody can simulate the distance.
        "distance": getattr(problem, "is_factorable", True),
    }
    return tuple(name for name in NAMED if has[name])


def resolve(
    problem: Problem, statistics: str | Statistic | Iterable[str | Statistic] | None
) -> tuple[Statistic, ...]:
    """The statistics that were asked for, as objects; by default all that the problem has.

    Raises
    ------
    TypeError, ValueError
        For an unknown name, a name that occurs twice, or a statistic of another dimension.
    """
    if statistics is None:
        asked: tuple[str | Statistic, ...] = available(problem)
    elif isinstance(statistics, str | Statistic | Recordable):
        asked = (statistics,)
    else:
        asked = _listed(statistics)
    if not asked:
        raise ValueError(f"statistics is empty: name at least one of {', '.join(NAMED)}.")
    resolved = tuple(_resolve_one(problem, entry) for entry in asked)
    names = [statistic.name for statistic in resolved]
    if len(set(names)) < len(names):
        raise ValueError(f"statistics names {names} repeat a name: give each its own.")
    return resolved


def resolve_recorded(
    problem: Problem,
    statistics: str | Statistic | Recordable | Iterable[str | Statistic | Recordable] | None,
) -> tuple[Statistic | Readout, ...]:
    """As `resolve`, for verbs that can also record `Coordinates` and the like; these come last.

    Raises
    ------
    TypeError, ValueError
        As `resolve`, and for what the problem has not, or one kind more than once.
    """
    if statistics is None or isinstance(statistics, str | Statistic):
        found = resolve(problem, statistics)
        _check_recordable(found)
        return found
    asked = (statistics,) if isinstance(statistics, Recordable) else _listed(statistics)
    readouts = [entry for entry in asked if isinstance(entry, Recordable)]
    others = [entry for entry in asked if not isinstance(entry, Recordable)]
    kinds = [type(entry).__name__ for entry in readouts]
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise ValueError(f"statistics names {kind} twice: put all of them into one.")
    quadratics = resolve(problem, others) if others or not readouts else ()
    _check_recordable(quadratics)
    return (*quadratics, *(entry.of(problem) for entry in readouts))


def _check_recordable(statistics: Iterable[Statistic]) -> None:
    for statistic in statistics:
        if isinstance(statistic, WithoutPoints):
            raise ValueError(
                f"{statistic.name} cannot be recorded ({statistic.reason}): leave "
                f"{statistic.name} out of statistics."
            )


def _listed(statistics: Any) -> tuple[Any, ...]:
    try:
        return tuple(statistics)
    except TypeError:
        raise TypeError(
            f"statistics is {shown(statistics)}: name some of {', '.join(NAMED)}, or pass a list "
            "of names and hsgd.Quadratic objects."
        ) from None


def _resolve_one(problem: Problem, entry: object) -> Statistic:
    if isinstance(entry, Statistic):
        if entry.dimension != problem.dimension:
            raise ValueError(
                f"the statistic {entry.name!r} is for {entry.dimension} parameters but the "
                f"problem has {problem.dimension}: build it for this problem."
            )
        return entry
    if isinstance(entry, Recordable):
        raise TypeError(
            f"only simulations record {type(entry).__name__}: for the mean of one along a "
            "direction u, pass hsgd.Quadratic(numpy.zeros((d, d)), u, name=...)."
        )
    if not isinstance(entry, str) or entry not in _BUILDERS:
        raise ValueError(
            f"unknown statistic {shown(entry)}: use {', '.join(NAMED)}, or a hsgd.Quadratic."
        )
    return _BUILDERS[entry](problem)
