"""The problems, as frozen nouns: data, ridge, start and population, validated once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
import scipy.linalg

from hsgd import statistics
from hsgd.checks import Array, digest, integer, number, real_array, vector


class ThinSVD(NamedTuple):
    """A = left · diag(singular_values) · right.T with only the non-zero singular values."""

    left: Array
    singular_values: Array
    right: Array


@dataclass(frozen=True, eq=False)
class Population:
    """Second moments of a fresh row (a, b): all that its risk ½E(a·x−b)² needs.

    Parameters
    ----------
    second_moment
        E aaᵀ, shape (d, d), symmetric positive semi-definite; (d,) if it is diagonal.
    cross_moment
        E ab, shape (d,).
    target_second_moment
        E b² (label noise included).

    Raises
    ------
    TypeError, ValueError
        For wrong shapes or non-finite entries, or moments that no distribution has.
    """

    second_moment: Array
    cross_moment: Array
    target_second_moment: float

    def __post_init__(self) -> None:
        moment = real_array("second_moment", self.second_moment, np.ndim(self.second_moment))
        if moment.ndim not in (1, 2) or moment.shape[0] != moment.shape[-1]:
            raise ValueError(
                f"second_moment has shape {moment.shape}: pass a square matrix, or a vector "
                "for a diagonal one."
            )
        object.__setattr__(self, "second_moment", moment)
        object.__setattr__(
            self, "cross_moment", vector("cross_moment", self.cross_moment, len(moment))
        )
        number("target_second_moment", self.target_second_moment)
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

    @cached_property
    def risk(self) -> statistics.Statistic:
        """½E(a·x−b)² in the form ½(x−β)ᵀ E aaᵀ (x−β) + smallest risk."""
        return _population_risk(self.second_moment, self.coefficients, max(self._floor, 0.0))


@dataclass(frozen=True, eq=False)
class LinearModel:
    """The population of rows (a, a·coefficients + noise): its risk without any subtraction."""

    second_moment: Array
    coefficients: Array
    noise: float

    @cached_property
    def risk(self) -> statistics.Statistic:
        """½(x−β)ᵀ E aaᵀ (x−β) + ½ noise²."""
        return _population_risk(self.second_moment, self.coefficients, self.noise**2)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out rows: the population is their empirical distribution."""

    A: Array
    b: Array

    @cached_property
    def risk(self) -> statistics.Statistic:
        """½ mean (a·x−b)² over the held-out rows."""
        return statistics.MeanSquaredResidual(
            self.A, self.b, "population_risk", "risk on held-out rows"
        )


def _population_risk(moment: Array, centre: Array, twice_floor: float) -> statistics.Statistic:
    return statistics.CentredQuadratic(
        moment, centre, 0.5 * twice_floor, "population_risk", "population risk E(a.x-b)^2/2"
    )


@dataclass(frozen=True, eq=False)
class LeastSquares:
    """Ridge least squares on given data: minimise ½‖Ax−b‖² + (ridge/2)‖x‖².

    Parameters
    ----------
    A
        Data, shape (n, d), dense. Rows of any scale.
    b
        Targets, shape (n,).
    ridge
        δ ≥ 0, of the *sum* objective: `sklearn.linear_model.Ridge(alpha=ridge,
        fit_intercept=False)` has the same minimiser.
    x0
        Start of every algorithm, shape (d,); zero if omitted.
    population
        What a fresh row looks like: a `Population` of moments, held-out data `(A_test, b_test)`,
        or None (then there is no population risk).
    preparation
        A record of how the data were prepared; `from_data` fills it in.

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, entries that are not finite, a negative ridge.

    Notes
    -----
    The arrays are kept as read-only views (a copy is made only for another data type). The thin
    SVD costs O(nd·min(n, d)) once, on first use, and is shared by all that needs it.
    """

    A: Array
    b: Array
    ridge: float = field(default=0.0, kw_only=True)
    x0: Array = field(default=None, kw_only=True)  # type: ignore[arg-type]
    population: Population | LinearModel | HeldOut | None = field(default=None, kw_only=True)
    preparation: Mapping[str, Any] = field(default_factory=dict, kw_only=True, repr=False)

    def __post_init__(self) -> None:
        A = real_array("A", self.A, 2)
        if not A.any():
            raise ValueError("A is zero everywhere, so there is nothing to learn: check the data.")
        set_ = object.__setattr__
        set_(self, "A", A)
        set_(self, "b", vector("b", self.b, A.shape[0]))
        set_(self, "ridge", number("ridge", self.ridge))
        start = np.zeros(A.shape[1]) if self.x0 is None else self.x0
        set_(self, "x0", vector("x0", start, A.shape[1]))
        set_(self, "population", _as_population(self.population, A.shape[1]))

    @classmethod
    def from_data(
        cls,
        X: object,
        y: object,
        *,
        ridge: float = 0.0,
        centre: bool = True,
        normalise_rows: bool = False,
        test: float | tuple[object, object] | None = None,
        seed: int = 0,
        x0: object = None,
    ) -> Self:
        """Least squares from a user's table, each transformation named and recorded.

        Parameters
        ----------
        X, y
            Inputs, shape (n, d), and targets, shape (n,).
        ridge, x0
            As in `LeastSquares`.
        centre
            Subtract the training means of X and y from all rows: the same as an intercept that is
            not penalised.
        normalise_rows
            Then scale every input row to norm 1 (rows of zeros stay). This changes the problem:
            rows count equally, whatever their size.
        test
            None; a fraction of the rows to hold out (drawn with `seed`); or `(X_test, y_test)`.
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
            For wrong shapes, non-finite entries, or a fraction that leaves no row on either side.
        """
        inputs = real_array("X", X, 2)
        targets = vector("y", y, len(inputs))
        train, held_out = _split(inputs, targets, test, integer("seed", seed, minimum=0))
        record: dict[str, Any] = {"centred": bool(centre), "rows_normalised": bool(normalise_rows)}
        record["num_test_rows"] = 0 if held_out is None else len(held_out[1])
        if isinstance(test, float):
            record["split_seed"] = seed
        column_means = train[0].mean(axis=0) if centre else np.zeros(inputs.shape[1])
        target_mean = float(train[1].mean()) if centre else 0.0

        def prepare(rows: Array, values: Array) -> tuple[Array, Array]:
            moved = rows - column_means
            if normalise_rows:
                norms = np.linalg.norm(moved, axis=1, keepdims=True)
                moved = moved / np.where(norms > 0, norms, 1.0)
            return moved, values - target_mean

        A, b = prepare(*train)
        population: Any = None if held_out is None else prepare(*held_out)
        return cls(A, b, ridge=ridge, x0=x0, population=population, preparation=record)  # type: ignore[arg-type]

    @property
    def num_rows(self) -> int:
        """Number of rows n: iterations per unit of time."""
        return int(self.A.shape[0])

    @property
    def dimension(self) -> int:
        """Number of parameters d."""
        return int(self.A.shape[1])

    @cached_property
    def squared_row_norms(self) -> Array:
        """|a_i|², shape (n,)."""
        return np.asarray(np.einsum("ij,ij->i", self.A, self.A))

    @cached_property
    def svd(self) -> ThinSVD:
        """Thin SVD; singular values below max(n, d)·ε·largest are rounding and are left out."""
        left, values, right = scipy.linalg.svd(self.A, full_matrices=False, check_finite=False)
        floor = max(self.A.shape) * np.finfo(float).eps * (values[0] if len(values) else 0.0)
        rank = int(np.count_nonzero(values > floor))
        return ThinSVD(left[:, :rank], values[:rank], right[:rank].T)

    @cached_property
    def solution(self) -> Array:
        """The ridge solution; for ridge 0 the minimiser nearest x0. Shape (d,)."""
        left, values, right = self.svd
        if self.ridge > 0:
            return np.asarray(right @ (values * (left.T @ self.b) / (values**2 + self.ridge)))
        residual = self.b - self.A @ self.x0
        return np.asarray(self.x0 + right @ ((left.T @ residual) / values))

    @cached_property
    def data_digests(self) -> tuple[str, str, str]:
        """SHA-256 of A, b and x0, so that results notice other data."""
        return digest(self.A), digest(self.b), digest(self.x0)

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed, validated anew."""
        return replace(self, **changes)


def _as_population(value: Any, dimension: int) -> Population | LinearModel | HeldOut | None:
    if isinstance(value, tuple) and len(value) == 2:
        rows = real_array("A_test", value[0], 2)
        value = HeldOut(rows, vector("b_test", value[1], len(rows)))
    if value is None:
        return None
    if not isinstance(value, Population | LinearModel | HeldOut):
        raise TypeError(
            f"population is a {type(value).__name__}: pass a hsgd.Population or a pair "
            "(A_test, b_test)."
        )
    if value.risk.dimension != dimension:
        raise ValueError(
            f"the population has {value.risk.dimension} columns but A has {dimension}: "
            "they must describe the same features."
        )
    return value


def _split(
    inputs: Array, targets: Array, test: Any, seed: int
) -> tuple[tuple[Array, Array], tuple[Array, Array] | None]:
    if test is None:
        return (inputs, targets), None
    if isinstance(test, tuple) and len(test) == 2:
        rows = real_array("X_test", test[0], 2)
        if rows.shape[1] != inputs.shape[1]:
            raise ValueError(
                f"X_test has {rows.shape[1]} columns but X has {inputs.shape[1]}: they must match."
            )
        return (inputs, targets), (rows, vector("y_test", test[1], len(rows)))
    fraction = number("test", test)
    count = round(fraction * len(inputs))
    if not 0 < count < len(inputs):
        raise ValueError(
            f"test={fraction:g} holds out {count} of {len(inputs)} rows: choose a fraction that "
            "leaves at least one row on either side."
        )
    order = np.random.default_rng(seed).permutation(len(inputs))
    held, kept = order[:count], order[count:]
    return (inputs[kept], targets[kept]), (inputs[held], targets[held])


@dataclass(frozen=True, eq=False)
class GaussianRows:
    """A population: rows a ~ N(0, covariance), b = a·coefficients + noise·N(0, 1).

    Parameters
    ----------
    covariance
        Σ, shape (d, d) positive semi-definite, or (d,) for a diagonal one.
    coefficients
        β, shape (d,).
    noise
        Standard deviation of the label noise.
    ridge
        Per sample: δ/n, so that `sample(n)` has ridge n times this.
    x0
        Start, shape (d,); zero if omitted.

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, non-finite entries, a covariance with a negative eigenvalue.
    """

    covariance: Array
    coefficients: Array
    noise: float = 0.0
    ridge: float = field(default=0.0, kw_only=True)
    x0: Array = field(default=None, kw_only=True)  # type: ignore[arg-type]

    def __post_init__(self) -> None:
        ndim = 1 if np.ndim(self.covariance) == 1 else 2
        covariance = real_array("covariance", self.covariance, ndim)
        if covariance.shape[0] != covariance.shape[-1]:
            raise ValueError(f"covariance must be square, but its shape is {covariance.shape}.")
        d = len(covariance)
        set_ = object.__setattr__
        set_(self, "covariance", covariance)
        set_(self, "coefficients", vector("coefficients", self.coefficients, d))
        set_(self, "noise", number("noise", self.noise))
        set_(self, "ridge", number("ridge", self.ridge))
        set_(self, "x0", vector("x0", np.zeros(d) if self.x0 is None else self.x0, d))
        self._root  # noqa: B018  (the check for negative eigenvalues)

    @property
    def dimension(self) -> int:
        """Number of parameters d."""
        return len(self.coefficients)

    @cached_property
    def _root(self) -> Array:
        """Σ^½: a vector if Σ is diagonal, else the symmetric matrix."""
        diagonal = self.covariance.ndim == 1
        if not diagonal and not np.allclose(self.covariance, self.covariance.T, rtol=1e-10):
            raise ValueError("covariance must be symmetric: pass 0.5 * (S + S.T).")
        values, vectors = (
            (self.covariance, None) if diagonal else scipy.linalg.eigh(self.covariance)
        )
        if values.min() < -1e-12 * max(values.max(), 1e-300):
            raise ValueError(
                f"covariance has a negative eigenvalue ({values.min():g}): "
                "it must be positive semi-definite."
            )
        root = np.sqrt(np.maximum(values, 0.0))
        return root if vectors is None else np.asarray((vectors * root) @ vectors.T)

    def sample(self, n: int, seed: int) -> LeastSquares:
        """Draw `n` rows: a `LeastSquares` with the population filled in.

        Parameters
        ----------
        n
            Number of rows, at least 1.
        seed
            Seed of `numpy.random.default_rng`.
        """
        generator = np.random.default_rng(integer("seed", seed, minimum=0))
        normals = generator.standard_normal((integer("n", n, minimum=1), self.dimension))
        rows = normals * self._root if self._root.ndim == 1 else normals @ self._root
        targets = rows @ self.coefficients + self.noise * generator.standard_normal(n)
        return LeastSquares(
            rows,
            targets,
            ridge=n * self.ridge,
            x0=self.x0,
            population=LinearModel(self.covariance, self.coefficients, self.noise),
            preparation={"sampled_from": "GaussianRows", "seed": seed},
        )
