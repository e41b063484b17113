"""What a fresh row looks like: all that its expected risk needs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from hsgd.checks import SPAN, Array, digest, number, plain_array, real_array, vector
from hsgd.interfaces import Statistic
from hsgd.nouns import Real, keep
from hsgd.problems.labelled import aligned
from hsgd.problems.outputs import column, of_parameters, of_shape, targets
from hsgd.statistics.quadratics import CentredQuadratic, MeanSquaredResidual


class Fresh(ABC):
    """What all kinds have in common: they say what they are in a few words.

    Of several outputs each has a risk of its own: `output` gives what a fresh row is for it.
    """

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int | None]:
        """Number of columns, and of outputs; None for a single one."""

    @abstractmethod
    def output(self, index: int) -> Self:
        """The same for the output of this number."""

    def _check_single(self) -> None:
        if self.shape[1] is not None:
            raise TypeError("each output has a population risk of its own: ask output(0).risk.")

    @property
    @abstractmethod
    def words(self) -> str:
        """What a fresh row is known by."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.words}>"


@dataclass(frozen=True, eq=False, repr=False)
class Population(Fresh):
    """Second moments of a fresh row (a, b): all that its risk ½E(a·x−b)² needs.

    Parameters
    ----------
    second_moment
        E aaᵀ, shape (d, d), symmetric positive semi-definite; (d,) if it is diagonal.
    cross_moment
        E ab, shape (d,), of k outputs (d, k).
    target_second_moment
        E b² (label noise included); of k outputs shape (k,).

    Raises
    ------
    TypeError, ValueError
        For wrong shapes or non-finite entries, or moments that no distribution has.
    """

    second_moment: Array
    cross_moment: Array
    target_second_moment: Any

    def __init__(
        self,
        second_moment: ArrayLike,
        cross_moment: ArrayLike,
        target_second_moment: Real | ArrayLike,
    ) -> None:
        # Second moments are squares of data.
        given = plain_array("second_moment", second_moment)
        moment = real_array("second_moment", given, 1 if given.ndim == 1 else 2, span=SPAN**2)
        if moment.shape[0] != moment.shape[-1]:
            raise ValueError(
                f"second_moment has shape {moment.shape}: pass a square matrix, or a vector "
                "for a diagonal one."
            )
        several = plain_array("cross_moment", cross_moment).ndim == 2
        if several and plain_array("target_second_moment", target_second_moment).ndim == 1:
            squares = real_array("target_second_moment", target_second_moment, 1, span=SPAN**2)
            shape = len(moment), len(squares)
            cross = of_shape("cross_moment", cross_moment, shape, span=SPAN**2)
            keep(self, second_moment=moment, cross_moment=cross, target_second_moment=squares)
            for index in range(len(squares)):
                self.output(index)  # is checked there
            return
        keep(
            self,
            second_moment=moment,
            cross_moment=vector("cross_moment", cross_moment, len(moment), SPAN**2),
            target_second_moment=number("target_second_moment", target_second_moment),
        )
        if self._floor < -1e-10 * max(self.target_second_moment, 1e-300):
            raise ValueError(
                "the population's moments are inconsistent (its smallest risk would be negative): "
                "check that cross_moment and target_second_moment belong to second_moment."
            )

    @cached_property
    def coefficients(self) -> Array:
        """The minimiser of the population risk of smallest norm, shape (d,)."""
        if self.second_moment.ndim == 1:
            safe = np.where(self.second_moment > 0, self.second_moment, 1.0)
            return np.where(self.second_moment > 0, self.cross_moment / safe, 0.0)
        return np.asarray(scipy.linalg.lstsq(self.second_moment, self.cross_moment)[0])

    @cached_property
    def _floor(self) -> float:
        return float(self.target_second_moment - self.cross_moment @ self.coefficients)

    @property
    def floor(self) -> float:
        """E(a·x−b)² at its minimum."""
        return max(self._floor, 0.0)

    @cached_property
    def risk(self) -> Statistic:
        """½E(a·x−b)² in the form ½(x−β)ᵀ E aaᵀ (x−β) + smallest risk."""
        self._check_single()
        return _population_risk(self.second_moment, self.coefficients, self.floor)

    @property
    def shape(self) -> tuple[int, int | None]:
        return len(self.second_moment), _count(self.cross_moment)

    def output(self, index: int) -> Population:
        cross, square = (self.cross_moment[:, index], self.target_second_moment[index])
        return Population(self.second_moment, cross, square)

    @property
    def words(self) -> str:
        return "moments of a fresh row"

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers; arrays by their SHA-256."""
        return {
            "kind": "Population",
            "sha256": digest(self.second_moment, self.cross_moment),
            "target_second_moment": _listed(self.target_second_moment),
        }


@dataclass(frozen=True, eq=False, repr=False)
class LinearModel(Fresh):
    """The population of rows (a, a·coefficients + noise): its risk without any subtraction."""

    second_moment: Array
    coefficients: Array
    noise: Any

    @cached_property
    def risk(self) -> Statistic:
        """½(x−β)ᵀ E aaᵀ (x−β) + ½ noise²."""
        self._check_single()
        return _population_risk(self.second_moment, self.coefficients, self.noise**2)

    @property
    def shape(self) -> tuple[int, int | None]:
        return len(self.coefficients), _count(self.coefficients)

    def output(self, index: int) -> LinearModel:
        noise = float(column(self.noise, index))
        return LinearModel(self.second_moment, of_parameters(self.coefficients, index), noise)

    @property
    def words(self) -> str:
        return f"fresh rows with noise {of_noise(self.noise)}"

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers; arrays by their SHA-256."""
        return {
            "kind": "LinearModel",
            "sha256": digest(self.second_moment, self.coefficients),
            "noise": _listed(self.noise),
        }


@dataclass(frozen=True, eq=False, repr=False)
class HeldOut(Fresh):
    """Held-out rows: the population is their empirical distribution."""

    A: Array
    b: Array

    @cached_property
    def risk(self) -> Statistic:
        """½ mean (a·x−b)² over the held-out rows."""
        self._check_single()
        return MeanSquaredResidual(self.A, self.b, "population_risk", "risk on held-out rows")

    @property
    def shape(self) -> tuple[int, int | None]:
        return self.A.shape[1], _count(self.b)

    def output(self, index: int) -> HeldOut:
        return HeldOut(self.A, of_parameters(self.b, index))

    @property
    def words(self) -> str:
        return f"{len(self.b)} held-out rows"

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers; arrays by their SHA-256."""
        return {
            "kind": "HeldOut",
            "sha256": digest(self.A, self.b),
            "num_rows": len(self.b),
        }


AnyPopulation = Population | LinearModel | HeldOut
"""What a problem keeps of a fresh row."""


def _population_risk(moment: Array, centre: Array, twice_floor: float) -> Statistic:
    return CentredQuadratic(
        moment, centre, 0.5 * twice_floor, "population_risk", "population risk E(a.x-b)^2/2"
    )


def of_noise(noise: Any) -> str:
    """Noise in words, of one output or several."""
    return f"{float(noise):.3g}" if np.ndim(noise) == 0 else f"{min(noise):.3g} to {max(noise):.3g}"


def _count(values: Array) -> int | None:
    return values.shape[1] if values.ndim == 2 else None


def _listed(values: Any) -> Any:
    return values.tolist() if np.ndim(values) else values


def as_population(
    value: Any, dimension: int, num_outputs: int | None = None
) -> AnyPopulation | None:
    """What a user passed as a population, checked against the columns and outputs of the data.

    Raises
    ------
    TypeError, ValueError
        If it is no population, or describes other features.
    """
    if isinstance(value, tuple) and len(value) == 2:
        value = aligned(*value, ("A_test", "b_test"))
        rows = real_array("A_test", value[0], 2)
        value = HeldOut(rows, targets("b_test", value[1], len(rows)))
    if value is None:
        return None
    if not isinstance(value, AnyPopulation):
        raise TypeError(
            f"population is a {type(value).__name__}: pass a hsgd.Population or a pair "
            "(A_test, b_test)."
        )
    columns, outputs = value.shape
    if columns != dimension:
        raise ValueError(
            f"the population has {columns} columns but A has {dimension}: "
            "they must describe the same features."
        )
    if outputs != num_outputs:
        raise ValueError(
            f"the population has {outputs or 1} outputs but b has {num_outputs or 1}: they must "
            "be the same."
        )
    return value
