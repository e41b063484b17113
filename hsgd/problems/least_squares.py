"""Least squares on given data, as a frozen noun: data, ridge, start and population."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from hsgd.checks import (
    EPS,
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
from hsgd.machine import memory
from hsgd.machine.progress import bar
from hsgd.nouns import Matrix, Noun, Real, Sparse, Swept, Whole, keep, taking_its_own_names
from hsgd.owned import is_memory_map, read_only
from hsgd.problems import preparing
from hsgd.problems.labelled import aligned, column_names
from hsgd.problems.outputs import Name, Outputs, names, of_parameters, start, targets
from hsgd.problems.populations import AnyPopulation, as_population
from hsgd.problems.portrait import Portrayed, of_ridge, of_start
from hsgd.problems.preparing import Coefficients, Transformation
from hsgd.problems.products import Products, is_dask, is_operator, products_of
from hsgd.statistics.quadratics import MeanSquaredResidual
from hsgd.statistics.without_points import WithoutPoints

_SHOWN = 2**27
"""Multiplications that a decomposition may cost just to show the spectrum: a tenth of a second."""
_AT_ONCE = 2**22
"""Entries of a sparse matrix that are squared at once."""
_OF_A = {"svd", "products", "squared_row_norms", "is_factorable", "_matrix_digest"}
"""What is computed of A alone."""
LARGEST_DENSE = 2**26
"""Entries up to which a sparse matrix is decomposed through a dense copy (512 MB)."""


class ThinSVD(NamedTuple):
    """A = left · diag(singular_values) · right.T with only the non-zero singular values."""

    left: Array
    singular_values: Array
    right: Array


@dataclass(frozen=True, eq=False, repr=False)
class LeastSquares(Portrayed, Outputs, Noun):
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
        n, d = _shape(matrix)
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
    def num_rows(self) -> int:
        """Number of rows n: iterations per unit of time."""
        return _shape(self.A)[0]

    @property
    def iterations_per_unit(self) -> int:
        """Iterations in one unit of time: n."""
        return self.num_rows

    @property
    def dimension(self) -> int:
        """Number of parameters d."""
        return _shape(self.A)[1]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns (n, d)."""
        return self.num_rows, self.dimension

    @property
    def eigenvalues(self) -> Array:
        """Non-zero eigenvalues of AᵀA, descending, shape (r,)."""
        return self.eigenpairs[0]

    @property
    def is_sparse(self) -> bool:
        """Whether A is a sparse matrix."""
        return hasattr(self.A, "tocsr")

    @property
    def is_product(self) -> bool:
        """Whether A is known by its products alone: an operator, or a dask array."""
        return not (self.is_sparse or isinstance(self.A, np.ndarray))

    @cached_property
    def products(self) -> Products:
        """Products with A."""
        return products_of(self.A)

    @cached_property
    def is_factorable(self) -> bool:
        """Whether the singular value decomposition of A is within reach."""
        if self.is_product:
            return False
        if self.is_sparse:
            return self.num_rows * self.dimension <= LARGEST_DENSE
        left = memory.available()
        return not is_memory_map(self.A) or left is None or self._svd_bytes <= left

    @cached_property
    def squared_row_norms(self) -> Array:
        """|a_i|², shape (n,)."""
        A = self.A
        if self.is_product:
            raise TypeError("A is known by its products alone: its rows have no norms here.")
        if isinstance(A, np.ndarray):
            return np.asarray(np.einsum("ij,ij->i", A, A))
        # Some rows at a time: a square of the whole matrix would be another one.
        step = max(1, _AT_ONCE * self.num_rows // max(1, A.nnz))
        parts = (A[start : start + step] for start in range(0, self.num_rows, step))
        return np.concatenate([np.asarray(part.multiply(part).sum(axis=1)) for part in parts])

    @cached_property
    def empirical_risk(self) -> MeanSquaredResidual | WithoutPoints:
        """(1/2n)‖Ax−b‖²; of a single output."""
        self._check_single()
        name, words = "empirical_risk", "empirical risk (1/2n)|Ax-b|^2"
        if self.is_product:
            reason = "A is known by its products alone, so only the theory follows it"
            return WithoutPoints(name, words, self.dimension, reason)
        return MeanSquaredResidual(self.A, self.b, name, words)

    @property
    def mean_squared_row_norm(self) -> float:
        """Mean of |a_i|² over the rows."""
        if self.is_product:
            total = self.products.squared_norm
            return (self.products.random_square() if total is None else total) / self.num_rows
        return float(self.squared_row_norms.mean())

    @property
    def _svd_bytes(self) -> int:
        """A copy that is overwritten, both factors, and the workspace of divide and conquer."""
        n, d = self.shape
        return 8 * (n * d + min(n, d) * (n + d) + 6 * min(n, d) ** 2)

    @cached_property
    def svd(self) -> ThinSVD:
        """Thin SVD; singular values below max(n, d)·ε·largest are rounding and are left out."""
        n, d = self.shape
        if self.is_product or (self.is_sparse and n * d > LARGEST_DENSE):
            raise ValueError(
                f"the decomposition of A, {n} by {d}, would need a dense copy of it: ask for what "
                "needs none (predict, limits, critical_learning_rate), without distance."
            )
        memory.check(self._svd_bytes, f"the decomposition of A, {n} by {d},", "rows or columns")
        dense = self.A if isinstance(self.A, np.ndarray) else self.A.toarray()
        with bar(None, 1, description="decompose", unit="matrices", waiting=f"A, {n} by {d}"):
            left, values, right = scipy.linalg.svd(dense, full_matrices=False, check_finite=False)
        floor = max(self.A.shape) * EPS * (values[0] if len(values) else 0.0)
        rank = int(np.count_nonzero(values > floor))
        # Contiguous, so that copies in other processes are laid out alike and give the same bits.
        return ThinSVD(left[:, :rank], values[:rank], np.ascontiguousarray(right[:rank].T))

    @property
    def eigenpairs(self) -> tuple[Array, Array]:
        """Non-zero eigenvalues of AᵀA, descending, shape (r,), and eigenvectors as columns."""
        return self.svd.singular_values**2, self.svd.right

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

    @cached_property
    def _matrix_digest(self) -> str:
        if not self.is_product:
            return digest(self.A)
        # Of one product: other data have another, to all digits that two machines may share.
        signs = np.random.default_rng(1).choice(np.array([-1.0, 1.0]), (self.num_rows, 1))
        product = self.products.adjoint(signs)[:, 0]
        size = float(np.abs(product).max())
        return digest(np.round(product / size, 9) + 0.0, np.array(float(f"{size:.9g}")))

    def decompose(self) -> None:
        """Compute the singular value decomposition now, if it is within reach and not known yet."""
        if self.is_factorable:
            self.svd  # noqa: B018

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated anew; the same A keeps its decomposition."""
        if "b" in changes:  # other targets have other names
            changes = {"outputs": None, **changes}
        copy = super().replace(**changes)
        if "A" not in changes:
            copy.__dict__.update({name: self.__dict__[name] for name in _OF_A & {*self.__dict__}})
        return copy

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
            "outputs": "" if self.outputs is None else f"{len(self.outputs)} outputs",
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
        } | ({} if self.outputs is None else {"outputs": list(self.outputs)})


def _shape(matrix: Any) -> tuple[int, int]:
    if len(matrix.shape) != 2 or 0 in matrix.shape:
        raise ValueError(f"A has shape {matrix.shape}: pass n rows of d columns.")
    return int(matrix.shape[0]), int(matrix.shape[1])


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
