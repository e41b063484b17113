"""From a user's table to rows and targets: split, moved, scaled, weighted, and the way back."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hsgd.checks import Array, number, plain_array, real_array, shown, vector
from hsgd.nouns import keep
from hsgd.owned import read_only
from hsgd.problems.labelled import aligned
from hsgd.problems.outputs import Name, column, targets


class Coefficients(NamedTuple):
    """A linear model in the columns that a user's table had: X @ coefficients + intercept.

    Of a table whose columns have names, the coefficients are a DataArray with these names.
    """

    coefficients: Any
    intercept: Any


@dataclass(frozen=True, eq=False)
class Transformation:
    """What was done to the columns of a table: (X − column_means)/column_scales, y − target_mean.

    Parameters
    ----------
    column_means, column_scales
        Shape (d,); scales are positive.
    target_mean
        A number, or one for each output, shape (k,).
    rows_normalised
        Whether each row was then divided by its own norm; there is no way back from that.
    columns
        What the columns are called, if they have names.
    """

    column_means: Array
    column_scales: Array
    target_mean: Any
    rows_normalised: bool = False
    columns: tuple[Any, ...] | None = None

    def __init__(
        self,
        column_means: ArrayLike,
        column_scales: ArrayLike,
        target_mean: Any,
        rows_normalised: bool = False,
        columns: tuple[Any, ...] | None = None,
    ) -> None:
        # Means of centred data are rounding, of any size.
        means = real_array("column_means", column_means, 1, span=np.inf)
        scales = vector("column_scales", column_scales, len(means))
        if (scales <= 0).any():
            raise ValueError("column_scales must be positive: give columns that are constant a 1.")
        keep(
            self,
            column_means=means,
            column_scales=scales,
            target_mean=target_mean if np.ndim(target_mean) else float(target_mean),
            rows_normalised=rows_normalised,
            columns=columns,
        )

    def apply(self, inputs: Array, targets: Array) -> tuple[Array, Array]:
        """Rows and targets of the problem, from those of the table."""
        rows = (inputs - self.column_means) / self.column_scales
        if self.rows_normalised:
            norms = np.linalg.norm(rows, axis=1, keepdims=True)
            rows = rows / np.where(norms > 0, norms, 1.0)
        return rows, targets - self.target_mean

    def of_output(self, index: int) -> Transformation:
        """The same for one output."""
        return replace(self, target_mean=column(self.target_mean, index))

    def undo(self, x: ArrayLike) -> Coefficients:
        """Parameters of the problem as coefficients of the table's columns.

        Their shape is (..., d), of several outputs (d, k).

        Raises
        ------
        ValueError
            If rows were normalised, or x has another length.
        """
        if self.rows_normalised:
            raise ValueError(
                "each row was divided by its own norm, so that x is no linear model of the table: "
                "prepare it without normalise_rows."
            )
        given, d = np.asarray(x, dtype=np.float64), len(self.column_means)
        several = np.ndim(self.target_mean) > 0
        fits = given.shape == (d, len(self.target_mean)) if several else given.shape[-1:] == (d,)
        if not fits:
            shape = f"{d} by {len(self.target_mean)} outputs" if several else f"{d} entries each"
            raise ValueError(f"x has shape {given.shape}: pass parameters of the problem, {shape}.")
        coefficients = (given.T if several else given) / self.column_scales
        intercept = self.target_mean - coefficients @ self.column_means
        if self.columns is None:
            return Coefficients(coefficients.T if several else coefficients, intercept)
        import xarray as xr

        dims = [f"solution_{axis}" for axis in range(given.ndim - 1)] + ["column"]
        named = xr.DataArray(coefficients, {"column": list(self.columns)}, dims)
        return Coefficients(named.T.rename(solution_0="output") if several else named, intercept)


class Table(NamedTuple):
    """Rows of a table, their targets, and how much each counts."""

    inputs: Array
    targets: Array
    weights: Array | None

    def take(self, rows: Any) -> Table:
        """Some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Table(self.inputs[rows], self.targets[rows], weights)

    def moments(self, *, centre: bool, standardise: bool) -> tuple[Array, Array, Any]:
        """Means and scales of the columns, mean of the targets: 0 and 1 where none is asked for."""
        inputs, targets, weights = self
        width = inputs.shape[1]
        means, target_mean, scales = np.zeros(width), np.zeros(targets.shape[1:]), np.ones(width)
        if centre:
            means = np.average(inputs, axis=0, weights=weights)
            target_mean = np.average(targets, axis=0, weights=weights)
        if standardise:
            centres = np.average(inputs, axis=0, weights=weights)
            spread = np.sqrt(np.average((inputs - centres) ** 2, axis=0, weights=weights))
            # What rounding makes of a constant column is no scale.
            constant = spread <= 1e-12 * np.abs(inputs).max(axis=0)
            scales = np.where(constant, 1.0, spread)
        return means, scales, target_mean


def table(X: Any, y: Any, weights: Any) -> Table:
    """What a user passed, in the order of the rows, checked.

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, entries that are not finite, or weights that are negative or all zero.
    """
    inputs = real_array("X", X, 2)
    wanted = targets("y", y, len(inputs))
    if weights is None:
        return Table(inputs, wanted, None)
    counted = vector("weights", weights, len(inputs))
    if (counted < 0).any() or not counted.any():
        raise ValueError("weights must be at least 0, and some above: pass how much a row counts.")
    return Table(inputs, wanted, counted)


def one_hot(y: Any, test: Any) -> tuple[Array, Any, tuple[Name, ...]]:
    """Labels of classes as targets, those of rows held out as well, and the classes.

    Raises
    ------
    TypeError, ValueError
        For labels that are no words or integers, less than two classes, or one that only the rows
        held out have.
    """
    labels = _labels("y", y)
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError("y holds one class alone, so there is nothing to learn: check the labels.")
    if isinstance(test, tuple) and len(test) == 2:
        held = _labels("y_test", test[1])
        unknown = np.setdiff1d(held, classes)
        if unknown.size:
            raise ValueError(f"y_test holds the class {shown(unknown[0].item())}, which y has not.")
        test = test[0], _indicators(held, classes)
    return _indicators(labels, classes), test, tuple(classes.tolist())


def _labels(name: str, value: Any) -> NDArray[Any]:
    found = plain_array(name, value)
    if found.dtype == object:
        odd = [entry for entry in found.flat if not isinstance(entry, str | int | np.integer)]
        if odd:
            raise TypeError(
                f"{name} holds {shown(odd[0])}, which is no label: drop the rows without one."
            )
        found = found.astype(str)
    if found.ndim != 1 or found.dtype.kind not in "biuU":
        raise TypeError(
            f"{name} has shape {found.shape} and type {found.dtype}: with one_hot pass labels, a "
            "word or an integer for each row."
        )
    return found.astype(int) if found.dtype.kind == "b" else found


def _indicators(labels: NDArray[Any], classes: NDArray[Any]) -> Array:
    return read_only((labels[:, None] == classes).astype(np.float64))


def weighted(rows: Array, targets: Array, weights: Array | None) -> tuple[Array, Array]:
    """Rows and targets whose squared residuals count as much as their weights say."""
    if weights is not None:
        root = np.sqrt(weights)
        rows, targets = rows * root[:, None], (targets.T * root).T
    return read_only(rows), read_only(np.ascontiguousarray(targets))


def split(whole: Table, test: Any, seed: int) -> tuple[Table, Table | None]:
    """Rows to learn from, and those held out: a fraction, some by number or mask, or given ones.

    Raises
    ------
    TypeError, ValueError
        If no row would be left on either side, or `test` is nothing of the kind.
    """
    if test is None:
        return whole, None
    if isinstance(test, tuple) and len(test) == 2:
        return whole, _given(whole, *test)
    count = len(whole.targets)
    if plain_array("test", test).ndim > 0:
        held = _chosen(test, count)
        return whole.take(np.setdiff1d(np.arange(count), held)), whole.take(held)
    held_out = _number_held_out(number("test", test), count)
    order = np.random.default_rng(seed).permutation(count)
    return whole.take(order[held_out:]), whole.take(order[:held_out])


def _given(whole: Table, X: Any, y: Any) -> Table:
    X, y = aligned(X, y, ("X_test", "y_test"))
    rows = real_array("X_test", X, 2)
    if rows.shape[1] != whole.inputs.shape[1]:
        raise ValueError(
            f"X_test has {rows.shape[1]} columns but X has {whole.inputs.shape[1]}: they must "
            "match."
        )
    wanted = targets("y_test", y, len(rows))
    if wanted.shape[1:] != whole.targets.shape[1:]:
        raise ValueError(f"y_test has shape {wanted.shape}: pass as many outputs as y has.")
    return Table(rows, wanted, None)


def _chosen(test: Any, count: int) -> NDArray[np.intp]:
    """Row numbers, from numbers or a mask."""
    marks = np.asarray(test)
    if marks.dtype == bool and marks.shape == (count,):
        held = np.flatnonzero(marks)
    elif marks.dtype.kind in "iu" and marks.ndim == 1:
        outside = marks[(marks < -count) | (marks >= count)]
        if outside.size:
            raise ValueError(f"test names row {outside[0]}, but there are {count} rows.")
        held = np.unique(marks % count)
    else:
        raise TypeError(
            f"test is {shown(test)}: pass a fraction, (X_test, y_test), the numbers of the rows to "
            f"hold out, or a mask of length {count}."
        )
    if not 0 < len(held) < count:
        raise ValueError(
            f"test holds out {len(held)} of {count} rows: leave at least one on either side."
        )
    return held


def _number_held_out(fraction: float, count: int) -> int:
    if fraction >= 1:
        raise ValueError(
            f"test is {fraction:g}, but it is the fraction of the rows to hold out: pass "
            f"test={math.ceil(fraction)} / {count} for {math.ceil(fraction)} of them, or a list of "
            "row numbers."
        )
    held_out = round(fraction * count)
    if not 0 < held_out < count:
        raise ValueError(
            f"test={fraction:g} holds out {held_out} of {count} rows: choose a fraction that "
            "leaves at least one row on either side."
        )
    return held_out
