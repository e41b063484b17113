"""Rows that are sampled but not drawn, as a frozen noun: what is typical of all such samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from hsgd.checks import Array, described, each, integer, number
from hsgd.kept import kept
from hsgd.nouns import Swept, Whole, keep
from hsgd.problems.fresh import FreshRows
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.outputs import Name, Outputs
from hsgd.problems.portrait import Portrayed, of_ridge, of_start
from hsgd.statistics.without_points import WithoutPoints

if TYPE_CHECKING:
    from hsgd.problems.feature_rows import FeatureRows  # its moments take a second to load

UNDRAWN = "it belongs to a sample, and none is drawn here: draw one by problem.sample(seed)"


@dataclass(frozen=True)
class FreshRow:
    """A fresh row, seen by SGD on a sample that nobody has drawn."""

    risk: WithoutPoints


@dataclass(frozen=True, eq=False, repr=False)
class SampledLeastSquares(Portrayed, Outputs):
    """`n` rows of a population, not drawn: what is typical of all such samples.

    The theory takes it as it takes data, and says what SGD does on a sample before there is one:
    no randomness is left in high dimensions. `sample` draws an instance, to simulate.

    Parameters
    ----------
    rows
        The population: `GaussianRows`, or `FeatureRows`, which the theory replaces by Gaussian rows
        of the same moments.
    n
        Number of rows, at least 1.
    ridge
        δ ≥ 0 of the *sum* objective, as in `LeastSquares`; by default n times the population's
        ridge per sample.

    Raises
    ------
    TypeError, ValueError
        For a population of another kind, n below 1, a negative ridge.

    Notes
    -----
    Statistics are `"empirical_risk"`, `"population_risk"` and `"distance"`, from the sample's own
    minimiser as in `LeastSquares`. The cost grows with the number of different eigenvalues k of the
    covariance and not with n: O(k) for each of at most some twenty times k nodes; and with their
    square for each time of the population risk. At n rows and d dimensions the curves differ by
    O(1/n) from the mean over samples.

    References
    ----------
    V. Marchenko, L. Pastur, 1967; docs, theory page, "Typical samples".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> typical = hsgd.SampledLeastSquares(hsgd.GaussianRows(0.02, np.ones(50)), 100, ridge=0.1)
    >>> typical.sample(seed=0).ridge
    0.1
    >>> curve = hsgd.predict(typical, hsgd.SGD(0.5), [0.0, 10.0])
    >>> round(float(curve.population_risk[0]), 6)
    0.5
    """

    rows: GaussianRows | FeatureRows
    n: int
    ridge: float

    def __init__(
        self, rows: GaussianRows | FeatureRows, n: Whole, ridge: Swept | None = None
    ) -> None:
        if not isinstance(rows, FreshRows):
            raise TypeError(
                f"rows is a {type(rows).__name__}: pass the hsgd.GaussianRows to sample from, or "
                "hsgd.FeatureRows, for example hsgd.RandomFeatures(...).given_weights(seed)."
            )
        count = integer("n", n, minimum=1)
        given = count * rows.ridge if ridge is None else ridge
        keep(self, rows=rows, n=count, ridge=each("ridge", given, number))

    @property
    def outputs(self) -> tuple[Name, ...] | None:
        """What the outputs are called, if there are several: those of the population."""
        return self.rows.outputs if isinstance(self.rows, GaussianRows) else None

    def _of_output(self, index: int) -> SampledLeastSquares:
        assert isinstance(self.rows, GaussianRows)
        assert self.outputs is not None
        return self.replace(rows=self.rows.output(self.outputs[index]))

    @property
    def num_rows(self) -> int:
        """Number of rows n."""
        return self.n

    @property
    def dimension(self) -> int:
        """Number of parameters d."""
        return self.rows.dimension

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns (n, d)."""
        return self.n, self.dimension

    @property
    def iterations_per_unit(self) -> int:
        """Iterations in one unit of time: n."""
        return self.n

    @property
    def x0(self) -> Array:
        """Start, shape (d,): that of the population."""
        return self.rows.x0

    @property
    def mean_squared_row_norm(self) -> float:
        """E|a|²."""
        return self.rows.mean_squared_row_norm

    @property
    def equivalent(self) -> GaussianRows:
        """Gaussian rows of the population's moments."""
        return self.rows if isinstance(self.rows, GaussianRows) else _equivalent(self.rows)

    def decompose(self) -> None:
        """Compute the eigendecomposition of the covariance now, if it is not known yet."""
        self.equivalent.decompose()

    @property
    def eigenpairs(self) -> tuple[Array, Array | None]:
        """Eigenvalues of E AᵀA, shape (d,), and eigenvectors as columns; None: unit vectors."""
        values, vectors = self.rows.eigenpairs
        return self.n * values, vectors

    @property
    def solution(self) -> None:
        """None: each sample has its own."""
        return None

    @cached_property
    def empirical_risk(self) -> WithoutPoints:
        """(1/2n)‖Ax−b‖²."""
        words = "empirical risk (1/2n)|Ax-b|^2"
        return WithoutPoints("empirical_risk", words, self.dimension, UNDRAWN)

    @cached_property
    def population(self) -> FreshRow:
        """What a fresh row looks like."""
        words = "population risk E(a.x-b)^2/2"
        return FreshRow(WithoutPoints("population_risk", words, self.dimension, UNDRAWN))

    def _facts(self) -> dict[str, str]:
        return {
            "shape": f"{self.n} × {self.dimension}",
            "rows": f"of {self.rows!r}",
            "ridge": of_ridge(self.ridge),
            "start": of_start(self.x0),
        }

    def sample(self, seed: Whole) -> LeastSquares:
        """One instance, as `GaussianRows.sample` draws it."""
        return self.rows.sample(self.n, seed).replace(ridge=self.ridge)

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers; arrays by their SHA-256."""
        return {
            "problem": "SampledLeastSquares",
            "num_rows": self.num_rows,
            "ridge": described(self.ridge),
            "rows": self.rows.description(),
        }


@kept
def _equivalent(rows: FeatureRows) -> GaussianRows:
    return rows.gaussian_equivalent()
