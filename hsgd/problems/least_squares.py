"""Least squares on given data, as a frozen noun: data, ridge, start and population."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import (
    Array,
    described,
    digest,
    each,
    flag,
    integer,
    is_swept,
    number,
    shown,
    sparse_or_dense,
)
from hsgd.nouns import Matrix, Real, Sparse, Swept, Whole, keep, taking_its_own_names
from hsgd.owned import read_only
from hsgd.problems import preparing
from hsgd.problems.labelled import aligned, column_names
from hsgd.problems.matrix import WithMatrix, shape_of
from hsgd.problems.outputs import (
    Name,
    Outputs,
    as_record,
    in_words,
    names,
    of_parameters,
    start,
    targets,
)
from hsgd.problems.populations import AnyPopulation, as_population
from hsgd.problems.portrait import Portrayed, of_ridge, of_start
from hsgd.problems.preparing import Coefficients, Transformation
from hsgd.problems.products import is_dask, is_operator
from hsgd.statistics.quadratics import MeanSquaredResidual
from hsgd.statistics.without_points import WithoutPoints

_SHOWN = 2**27
"""Multiplications that a decomposition may cost just to show the spectrum: a tenth of a second."""


@dataclass(frozen=True, eq=False, repr=False)
class LeastSquares(Portrayed, Outputs, WithMatrix):
    """Ridge least squares on given data: minimise ½‖Ax−b‖² + (ridge/2)‖x‖².

    Parameters
    ----------
    A
        Data, shape (n, d), rows of any scale: an array, a memory map or a SciPy sparse matrix; or,
        for the theory alone, a SciPy `LinearOperator` or a dask array. What is too large to factor
        is known to the theory by its products.
    b
        Targets, shape (n,); of k outputs, which a sampled row moves all at once, (n, k).
    ridge
        δ ≥ 0, of the *sum* objective: `sklearn.linear_model.Ridge(alpha=ridge,
        fit_intercept=False)` has the same minimiser.
    x0
        Start of every algorithm, shape (d,), or (d, k) of k outputs; zero if omitted.
    population
        What a fresh row looks like: a `Population` of moments, held-out data `(A_test, b_test)`,
        or None (then there is no population risk).
    outputs
        What the columns of b are called; by default their names in a data frame or DataArray, or
        0, 1, …. Results have them along the dim `output`.
    preparation
        A record of how the data were prepared; `from_data` fills it in.
    transformation
        What `from_data` did to the columns, for `to_original`.

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, entries that are not finite, a negative ridge.

    Notes
    -----
    The arrays are copied, so that nobody can change them afterwards, unless they are memory maps
    or read-only (`A.flags.writeable = False`): these are kept as they are. The thin SVD costs
    O(nd·min(n, d)) once, on first use, and is shared by all that needs it; of sparse matrices above
    2²⁶ entries, and of memory maps whose decomposition does not fit into memory, the theory takes
    products in its place. Of DataArrays the dim of b names the rows of A.
    """

    A: Matrix
    b: Array
    ridge: float
    x0: Array
    population: AnyPopulation | None
    preparation: dict[str, Any]
    transformation: Transformation | None
    outputs: tuple[Name, ...] | None
    _one_column_each: ClassVar[str | None] = "b"

    def __init__(
        self,
        A: ArrayLike | Sparse,
        b: ArrayLike,
        *,
        ridge: Swept = 0.0,
        x0: ArrayLike | None = None,
        population: AnyPopulation | tuple[ArrayLike, ArrayLike] | None = None,
        preparation: Mapping[str, Any] = MappingProxyType({}),
        transformation: Transformation | None = None,
        outputs: Iterable[Name] | None = None,
    ) -> None:
        A, b = aligned(A, b)
        matrix = A if is_operator(A) or is_dask(A) else sparse_or_dense("A", A)
        entries = matrix if isinstance(matrix, np.ndarray) else getattr(matrix, "data", None)
        if isinstance(entries, np.ndarray) and not entries.any():
            raise ValueError("A is zero everywhere, so there is nothing to learn: check the data.")
        n, d = shape_of(matrix)
        kept = targets("b", b, n)
        called = names(outputs, b, kept)
        keep(
            self,
            A=matrix,
            b=kept,
            ridge=each("ridge", ridge, number),
            x0=start(x0, d, called),
            population=as_population(population, d, None if called is None else len(called)),
            preparation=_record(preparation),
            transformation=transformation,
            outputs=called,
        )

    @classmethod
    @taking_its_own_names
    def from_data(
        cls,
        X: ArrayLike,
        y: ArrayLike,
        *,
        ridge: Swept = 0.0,
        centre: bool = True,
        standardise: bool = False,
        normalise_rows: bool = False,
        weights: ArrayLike | None = None,
        test: Real | tuple[ArrayLike, ArrayLike] | ArrayLike | None = None,
        one_hot: bool = False,
        seed: Whole = 0,
        x0: ArrayLike | None = None,
    ) -> Self:
        """Least squares from a user's table, each transformation named and recorded.

        Parameters
        ----------
        X, y
            Inputs, shape (n, d), and targets, shape (n,); of k outputs (n, k).
        ridge, x0
            As in `LeastSquares`.
        centre
            Subtract the training means of X and y from all rows: the same as an intercept that is
            not penalised.
        standardise
            Then divide every column by its standard deviation over the training rows, as
            `sklearn.preprocessing.StandardScaler` does; columns that are constant stay.
        normalise_rows
            Then scale every input row to norm 1 (rows of zeros stay). This changes the problem:
            rows count equally, whatever their size.
        weights
            How much the squared residual of each row counts, shape (n,), as `sample_weight` in
            scikit-learn: rows and targets are multiplied by its root, and SGD draws all rows
            equally often. Held-out rows count equally.
        test
            None; a fraction of the rows to hold out (drawn with `seed`); `(X_test, y_test)`; or
            which rows to hold out, by number or as a mask of length n.
        one_hot
            y holds labels of classes, each of which becomes an output: 1 for its rows, 0 for
            others (before centring).
        seed
            Seed of the split; unused otherwise.

        Returns
        -------
        LeastSquares
            With `population` the held-out rows (prepared with the training means) and
            `preparation` the record of what was done.

        Raises
        ------
        TypeError, ValueError
            For wrong shapes, non-finite entries, negative weights, or a split that leaves no row on
            either side.

        Examples
        --------
        >>> import numpy as np, hsgd
        >>> X = np.random.default_rng(0).normal([3.0, 40.0], [1.0, 9.0], size=(100, 2))
        >>> problem = hsgd.LeastSquares.from_data(X, X @ [2.0, 0.1] + 5.0, standardise=True)
        >>> found = problem.to_original(problem.solution)
        >>> found.coefficients.round(6).tolist(), round(float(found.intercept), 6)
        ([2.0, 0.1], 5.0)
        """
        centre, normalise_rows = flag("centre", centre), flag("normalise_rows", normalise_rows)
        standardise = flag("standardise", standardise)
        classes = None
        X, y = aligned(X, y, ("X", "y"))
        if flag("one_hot", one_hot):
            y, test, classes = preparing.one_hot(y, test)
        called = classes or column_names(y)
        whole = preparing.table(X, y, weights)
        seed = integer("seed", seed, minimum=0, maximum=None)
        train, held_out = preparing.split(whole, test, seed)
        means, scales, target_mean = train.moments(centre=centre, standardise=standardise)
        transformation = Transformation(means, scales, target_mean, normalise_rows, column_names(X))
        record: dict[str, Any] = {"centred": centre, "rows_normalised": normalise_rows}
        record |= {"one_hot": True} if classes is not None else {}
        record |= {"standardised": True} if standardise else {}
        record |= {"weights_sha256": digest(train.weights)} if train.weights is not None else {}
        record["num_test_rows"] = 0 if held_out is None else len(held_out.targets)
        if isinstance(test, float):
            record["split_seed"] = seed
        A, b = preparing.weighted(*transformation.apply(*train[:2]), train.weights)
        # Held-out rows count equally: their risk is that of a fresh row.
        population = None
        if held_out is not None:
            rows, targets = transformation.apply(*held_out[:2])
            population = read_only(rows), read_only(targets)
        return cls(
            A,
            b,
            ridge=ridge,
            x0=x0,
            population=population,
            preparation=record,
            transformation=transformation,
            outputs=called if whole.targets.ndim == 2 else None,
        )

    def to_original(self, x: ArrayLike) -> Coefficients:
        """Parameters as coefficients of the table's own columns, with the intercept.

        Parameters
        ----------
        x
            Parameters of this problem, such as `problem.solution`: shape (..., d), or (d, k) of k
            outputs.

        Returns
        -------
        Coefficients
            `coefficients`, of the same shape, and `intercept`, shape (...) or (k,): what is
            predicted for rows X of the table is X @ coefficients + intercept. Coefficients of a
            data frame, or of a DataArray with a coordinate, are a DataArray with the names of its
            columns.

        Raises
        ------
        ValueError
            If the problem was not made by `from_data`, rows were normalised, or x has another
            length.
        """
        if self.transformation is None:
            raise ValueError(
                "this problem was made of rows as they are, so x are their coefficients: "
                "hsgd.LeastSquares.from_data(X, y) prepares a table, and knows the way back."
            )
        return self.transformation.undo(x)

    @property
    def iterations_per_unit(self) -> int:
        """Iterations in one unit of time: n."""
        return self.num_rows

    @cached_property
    def empirical_risk(self) -> MeanSquaredResidual | WithoutPoints:
        """(1/2n)‖Ax−b‖²; of a single output."""
        self._check_single()
        name, words = "empirical_risk", "empirical risk (1/2n)|Ax-b|^2"
        if self.is_product:
            reason = "A is known by its products alone, so only the theory follows it"
            return WithoutPoints(name, words, self.dimension, reason)
        return MeanSquaredResidual(self.A, self.b, name, words)

    @cached_property
    def solution(self) -> Array:
        """The ridge solution; for ridge 0 the minimiser nearest x0. Shape (d,), or (d, k)."""
        if self.outputs is not None:
            return np.stack([self.output(name).solution for name in self.outputs], axis=1)
        if is_swept(self.ridge):
            raise ValueError(
                "the solution belongs to one ridge, but here it is swept: ask "
                "problem.replace(ridge=value).solution for each value."
            )
        left, values, right = self.svd
        if self.ridge > 0:
            return np.asarray(right @ (values * (left.T @ self.b) / (values**2 + self.ridge)))
        residual = self.b - self.A @ self.x0
        return np.asarray(self.x0 + right @ ((left.T @ residual) / values))

    @cached_property
    def data_digests(self) -> tuple[str, str, str]:
        """SHA-256 of A, b and x0, so that results notice other data."""
        return self._matrix_digest, digest(self.b), digest(self.x0)

    def _of_output(self, index: int) -> Self:
        assert self.outputs is not None
        record = {**self.preparation, "output": self.outputs[index]}
        return self.replace(
            b=of_parameters(self.b, index),
            x0=of_parameters(self.x0, index),
            population=None if self.population is None else self.population.output(index),
            preparation=record,
            transformation=self.transformation and self.transformation.of_output(index),
        )

    def _check_single(self) -> None:
        if self.outputs is not None:
            raise TypeError(
                f"this problem has {len(self.outputs)} outputs, and each has its own: ask "
                f"problem.output({self.outputs[0]!r}) and so on."
            )

    def _facts(self) -> dict[str, str]:
        done = [name.replace("_", " ") for name, value in self.preparation.items() if value is True]
        return {
            "shape": f"{self.num_rows} × {self.dimension}{self._kind}",
            "outputs": in_words(self.outputs),
            "ridge": of_ridge(self.ridge),
            "start": of_start(self.x0),
            "population": "" if self.population is None else self.population.words,
            "prepared": ", ".join(done + ["weighted"] * ("weights_sha256" in self.preparation)),
        }

    @property
    def _kind(self) -> str:
        if self.is_product:
            return " dask" if is_dask(self.A) else " operator"
        return " sparse" if self.is_sparse else ""

    def _spectrum_at_hand(self) -> Array | None:
        n, d = self.shape
        if not self.is_factorable:
            return None
        known = "svd" in self.__dict__
        return self.eigenvalues if known or n * d * min(n, d) <= _SHOWN else None

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers; arrays by their SHA-256."""
        return {
            "problem": "LeastSquares",
            "num_rows": self.num_rows,
            "dimension": self.dimension,
            "ridge": described(self.ridge),
            "A_sha256": self.data_digests[0],
            "b_sha256": self.data_digests[1],
            "x0_sha256": self.data_digests[2],
            "population": None if self.population is None else self.population.description(),
            "preparation": dict(self.preparation),
            **as_record(self.outputs),
        }


def _record(value: Any) -> dict[str, Any]:
    try:
        record = dict(value) if isinstance(value, Mapping) else None
        json.dumps(record)
    except (TypeError, ValueError):
        record = None
    if record is None:
        raise TypeError(
            f"preparation is {shown(value)}: pass a dictionary of what JSON can hold, of words and "
            "numbers."
        )
    return record
