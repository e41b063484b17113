"""Quadratic statistics of the parameters: what is measured along SGD.

Every statistic is a quadratic ½ xᵀMx + l·x + c. It can be given expanded (`Quadratic`), as a mean
of squared residuals (`MeanSquaredResidual`) or around a centre (`CentredQuadratic`); the last two
keep full relative accuracy where the expanded form would subtract large numbers.
To write a new form, subclass `Statistic` and implement its four methods.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import Array, number, real_array, shown
from hsgd.interfaces import Statistic
from hsgd.nouns import Matrix, Real, keep

NAMED = ("empirical_risk", "population_risk", "distance")
"""Statistics that may be asked for by name."""


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
        matrix: ArrayLike,
        linear: ArrayLike | None = None,
        constant: Real = 0.0,
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
        lowest = -float(np.finfo(float).max)
        offset = number("constant", constant, minimum=lowest)
        if not (long_name is None or isinstance(long_name, str)):
            raise TypeError(f"long_name is {shown(long_name)}: pass words for the axes of plots.")
        words = long_name or name.replace("_", " ")
        keep(self, matrix_=checked, linear=slope, constant=offset, name=name, long_name=words)

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

    def terms(self, norm: float) -> float:
        form = 0.5 * float(np.linalg.norm(self.matrix_)) * norm**2
        return form + float(np.linalg.norm(self.linear)) * norm + abs(self.constant)


@dataclass(frozen=True, eq=False)
class MeanSquaredResidual(Statistic):
    """½ mean_i (rows_i · x − targets_i)²: the risk on given rows."""

    rows: Matrix
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
