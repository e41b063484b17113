"""Quadratic statistics of the parameters: what is measured along SGD.

Every statistic is a quadratic ½ xᵀMx + l·x + c. It can be given expanded (`Quadratic`), as a mean
of squared residuals (`MeanSquaredResidual`) or around a centre (`CentredQuadratic`); the last two
keep full relative accuracy where the expanded form would subtract large numbers.
To write a new form, subclass `Statistic` and implement its four methods.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from hsgd.checks import Array, number, real_array, shown
from hsgd.coordinates import Coordinates, EigenCoordinates

if TYPE_CHECKING:
    from hsgd.problems import Problem

NAMED = ("empirical_risk", "population_risk", "distance")
"""Statistics that may be asked for by name."""


class Statistic(ABC):
    """A quadratic function of the parameters with a `name` and a `long_name`."""

    name: str
    long_name: str

    @property
    @abstractmethod
    def dimension(self) -> int:
        """Number of parameters d."""

    @abstractmethod
    def values(self, points: Array) -> Array:
        """Value at each row of `points`, shape (m, d) → (m,), by one matrix product."""

    @abstractmethod
    def curvatures(self, directions: Array) -> Array:
        """uᵀMu for each column u of `directions`, shape (d, r) → (r,)."""

    @abstractmethod
    def matrix(self) -> Array:
        """The second-derivative matrix M, shape (d, d)."""

    def diagonal(self) -> Array:
        """The diagonal of M, shape (d,)."""
        return np.array(self.matrix().diagonal())


def _check_matrix(name: str, matrix: object) -> Array:
    checked = real_array(name, matrix, 2)
    if checked.shape[0] != checked.shape[1]:
        raise ValueError(f"{name} must be square, but its shape is {checked.shape}: pass d by d.")
    if not np.allclose(checked, checked.T, rtol=1e-10, atol=1e-12 * float(np.abs(checked).max())):
        raise ValueError(f"{name} must be symmetric: pass 0.5 * (M + M.T).")
    return checked


def _quadratic_form(points: Array, matrix: Array) -> Array:
    return np.asarray(np.einsum("ij,ij->i", points @ matrix, points))


@dataclass(frozen=True, eq=False)
class Quadratic(Statistic):
    """½ xᵀMx + l·x + c.

    Parameters
    ----------
    matrix
        M, symmetric, shape (d, d).
    linear
        l, shape (d,); zero if omitted.
    constant
        c.
    name
        Its name in the datasets: an identifier that is none of the reserved names.

    Raises
    ------
    TypeError, ValueError
        For a matrix that is not square and symmetric, a wrong length, or an unusable name.
    """

    matrix_: Array
    linear: Array
    constant: float
    name: str
    long_name: str

    def __init__(
        self,
        matrix: object,
        linear: object = None,
        constant: float = 0.0,
        *,
        name: str,
        long_name: str | None = None,
    ) -> None:
        if not isinstance(name, str) or not name.isidentifier() or name in NAMED:
            raise ValueError(
                f"the statistic's name is {shown(name)}: choose an identifier other than "
                + ", ".join(NAMED)
                + "."
            )
        checked = _check_matrix("matrix", matrix)
        slope = np.zeros(len(checked)) if linear is None else real_array("linear", linear, 1)
        if len(slope) != len(checked):
            raise ValueError(
                f"linear has {len(slope)} entries but the matrix is {checked.shape}: they must fit."
            )
        object.__setattr__(self, "matrix_", checked)
        object.__setattr__(self, "linear", slope)
        object.__setattr__(
            self, "constant", number("constant", constant, minimum=-float(np.finfo(float).max))
        )
        object.__setattr__(self, "name", name)
        if not (long_name is None or isinstance(long_name, str)):
            raise TypeError(f"long_name is {shown(long_name)}: pass words for the axes of plots.")
        object.__setattr__(self, "long_name", long_name or name.replace("_", " "))

    @property
    def dimension(self) -> int:
        return len(self.matrix_)

    def values(self, points: Array) -> Array:
        form = 0.5 * _quadratic_form(points, self.matrix_)
        return np.asarray(form + points @ self.linear + self.constant)

    def curvatures(self, directions: Array) -> Array:
        return _quadratic_form(directions.T, self.matrix_)

    def matrix(self) -> Array:
        return self.matrix_


@dataclass(frozen=True, eq=False)
class MeanSquaredResidual(Statistic):
    """½ mean_i (rows_i · x − targets_i)²: the risk on given rows."""

    rows: Array
    targets: Array
    name: str
    long_name: str

    @property
    def dimension(self) -> int:
        return int(self.rows.shape[1])

    def values(self, points: Array) -> Array:
        # One block of residuals at a time: m points against n rows never need more than 64 MB.
        block = max(1, (8 << 20) // len(self.targets))
        result = np.empty(len(points))
        for start in range(0, len(points), block):
            residuals = points[start : start + block] @ self.rows.T - self.targets
            result[start : start + block] = 0.5 * np.mean(residuals * residuals, axis=1)
        return result

    def curvatures(self, directions: Array) -> Array:
        images = self.rows @ directions
        return np.asarray(np.mean(images * images, axis=0))

    def matrix(self) -> Array:
        return self.rows.T @ self.rows / len(self.targets)


@dataclass(frozen=True, eq=False)
class CentredQuadratic(Statistic):
    """½ (x−centre)ᵀ M (x−centre) + constant, with M a matrix, a diagonal, or a multiple of I."""

    curvature: Array | float
    centre: Array
    constant: float
    name: str
    long_name: str

    @property
    def dimension(self) -> int:
        return len(self.centre)

    def _form(self, vectors: Array) -> Array:
        if np.ndim(self.curvature) == 2:
            return _quadratic_form(vectors, np.asarray(self.curvature))
        return np.asarray(np.einsum("ij,ij->i", vectors * self.curvature, vectors))

    def values(self, points: Array) -> Array:
        return 0.5 * self._form(points - self.centre) + self.constant

    def curvatures(self, directions: Array) -> Array:
        return self._form(directions.T)

    def diagonal(self) -> Array:
        if np.ndim(self.curvature) == 2:
            return np.array(np.asarray(self.curvature).diagonal())
        return np.array(np.broadcast_to(self.curvature, self.centre.shape))

    def matrix(self) -> Array:
        if np.ndim(self.curvature) == 2:
            return np.asarray(self.curvature)
        return np.diag(np.broadcast_to(self.curvature, self.centre.shape))


def empirical_risk(problem: Any) -> Statistic:
    """(1/2n)‖Ax−b‖².

    Raises
    ------
    ValueError
        If the problem is a population: it has no fixed rows.
    """
    if not hasattr(problem, "A"):
        raise ValueError(
            f"empirical_risk needs fixed rows, which a {type(problem).__name__} has not: "
            "ask for population_risk."
        )
    return MeanSquaredResidual(
        problem.A, problem.b, "empirical_risk", "empirical risk (1/2n)|Ax-b|^2"
    )


def population_risk(problem: Any) -> Statistic:
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
    risk: Statistic = problem.population.risk
    return risk


def distance(problem: Any) -> Statistic:
    """‖x−x*‖², x* the problem's solution.

    For data the ridge solution (for ridge 0 the minimiser nearest x0), for a population β.
    """
    return CentredQuadratic(
        2.0, problem.solution, 0.0, "distance", "squared distance to the solution |x-x*|^2"
    )


_MEMORY: WeakKeyDictionary[Any, dict[str, Statistic]] = WeakKeyDictionary()
"""Named statistics of a problem: one object each, so that what is computed of it can be kept."""

_BUILDERS = {
    "empirical_risk": empirical_risk,
    "population_risk": population_risk,
    "distance": distance,
}


def available(problem: Any) -> tuple[str, ...]:
    """Names of the statistics that a problem has."""
    has = {
        "empirical_risk": hasattr(problem, "A"),
        "population_risk": problem.population is not None,
        "distance": True,
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
    elif isinstance(statistics, str | Statistic):
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
    statistics: str | Statistic | Coordinates | Iterable[str | Statistic | Coordinates] | None,
) -> tuple[Statistic | EigenCoordinates, ...]:
    """As `resolve`, for verbs that can also record `Coordinates`; these come last.

    Raises
    ------
    TypeError, ValueError
        As `resolve`, and for modes that the problem has not, or `Coordinates` more than once.
    """
    if statistics is None or isinstance(statistics, str | Statistic):
        return resolve(problem, statistics)
    asked = (statistics,) if isinstance(statistics, Coordinates) else _listed(statistics)
    modes = [entry for entry in asked if isinstance(entry, Coordinates)]
    others = [entry for entry in asked if not isinstance(entry, Coordinates)]
    if len(modes) > 1:
        raise ValueError("statistics names Coordinates twice: put all indices into one.")
    quadratics = resolve(problem, others) if others or not modes else ()
    return (*quadratics, *(entry.of(problem) for entry in modes))


def _listed(statistics: Any) -> tuple[Any, ...]:
    try:
        return tuple(statistics)
    except TypeError:
        raise TypeError(
            f"statistics is {shown(statistics)}: name some of {', '.join(NAMED)}, or pass a list "
            "of names and hsgd.Quadratics."
        ) from None


def _resolve_one(problem: Problem, entry: object) -> Statistic:
    if isinstance(entry, Statistic):
        if entry.dimension != problem.dimension:
            raise ValueError(
                f"the statistic {entry.name!r} is for {entry.dimension} parameters but the "
                f"problem has {problem.dimension}: build it for this problem."
            )
        return entry
    if isinstance(entry, Coordinates):
        raise TypeError(
            "only simulations record Coordinates: for the mean of one along a direction u, pass "
            "hsgd.Quadratic(numpy.zeros((d, d)), u, name=...)."
        )
    if not isinstance(entry, str) or entry not in _BUILDERS:
        raise ValueError(
            f"unknown statistic {shown(entry)}: use {', '.join(NAMED)}, or a hsgd.Quadratic."
        )
    known = _MEMORY.setdefault(problem, {})
    if entry not in known:
        known[entry] = _BUILDERS[entry](problem)
    return known[entry]
