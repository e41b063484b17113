"""Populations of rows, as frozen nouns: endless data to stream, or to sample from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from hsgd.checks import (
    SPAN,
    Array,
    described,
    digest,
    each,
    integer,
    number,
    plain_array,
    real_array,
    vector,
)
from hsgd.machine import memory
from hsgd.nouns import Real, Swept, Whole, keep
from hsgd.owned import read_only
from hsgd.problems.fresh import FreshRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.outputs import (
    Name,
    Outputs,
    as_record,
    column,
    in_words,
    names,
    of_parameters,
    start,
)
from hsgd.problems.populations import LinearModel, of_noise
from hsgd.problems.portrait import of_ridge, of_start

_ROWS = 0x726F7773
"""Key of the stream of sampled rows ("rows"): a teacher from the same seed is independent."""


@dataclass(frozen=True, eq=False, repr=False)
class GaussianRows(Outputs, FreshRows):
    """A population: rows a ~ N(0, covariance), b = a·coefficients + noise·N(0, 1).

    Of several outputs, which a row moves all at once, the label noises are independent.

    Stream fresh rows from it (`StreamingSGD`; one unit of time is d iterations), or draw n of
    them once (`sample`) and pass over them many times.

    Parameters
    ----------
    covariance
        Σ, shape (d, d) positive semi-definite; (d,) for a diagonal one; a number for a multiple of
        the identity.
    coefficients
        β, shape (d,), of k outputs (d, k).
    noise
        Standard deviation of the label noise; a number, or of k outputs (k,).
    ridge
        Per sample: δ/n, so that `sample(n)` has ridge n times this.
    x0
        Start, shape (d,), or (d, k) of k outputs; zero if omitted.
    outputs
        What the columns of the coefficients are called; 0, 1, … if omitted.
    noise_stream
        Which of the streams of label noise a simulation draws; each output has one of its own.

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, non-finite entries, a covariance with a negative eigenvalue.

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(1 / 50, np.ones(50), noise=0.5)
    >>> rows.sample(100, seed=0).A.shape
    (100, 50)
    """

    covariance: Array
    coefficients: Array
    noise: Any
    ridge: float
    x0: Array
    outputs: tuple[Name, ...] | None
    noise_stream: int
    _one_column_each: ClassVar[str | None] = "coefficients"
    _computed_of: ClassVar[Mapping[str, str]] = {"spectrum": "covariance", "root": "covariance"}

    def __init__(
        self,
        covariance: ArrayLike,
        coefficients: ArrayLike,
        noise: Real | ArrayLike = 0.0,
        *,
        ridge: Swept = 0.0,
        x0: ArrayLike | None = None,
        outputs: Iterable[Name] | None = None,
        noise_stream: Whole = 0,
    ) -> None:
        several = plain_array("coefficients", coefficients).ndim == 2
        beta = real_array("coefficients", coefficients, 2 if several else 1)
        d, called = len(beta), names(outputs, coefficients, beta)
        keep(
            self,
            covariance=_covariance(covariance, d),
            coefficients=beta,
            noise=_noise(noise, called),
            ridge=each("ridge", ridge, number),
            x0=start(x0, d, called),
            outputs=called,
            noise_stream=integer("noise_stream", noise_stream, minimum=0, maximum=2**24),
        )
        self.spectrum  # noqa: B018  (the check for negative eigenvalues)

    @property
    def dimension(self) -> int:
        """Number of parameters d."""
        return len(self.coefficients)

    @property
    def mean_squared_row_norm(self) -> float:
        """E|a|² = tr Σ."""
        return float(self.spectrum[0].sum())

    @property
    def eigenpairs(self) -> tuple[Array, Array | None]:
        """Eigenvalues of Σ and eigenvectors as columns; see `spectrum`."""
        return self.spectrum

    @property
    def solution(self) -> Array:
        """The coefficients β, from which `distance` is measured, whatever the ridge."""
        return self.coefficients

    def _facts(self) -> dict[str, str]:
        return {
            "dimension": f"{self.dimension} dimensions",
            "covariance": f"trace of the covariance {self.mean_squared_row_norm:.3g}",
            "outputs": in_words(self.outputs),
            "noise": f"noise {of_noise(self.noise)}" if np.any(self.noise) else "no noise",
            "ridge": of_ridge(self.ridge),
            "start": of_start(self.x0),
        }

    def _spectrum_at_hand(self) -> Array | None:
        return self.eigenvalues

    @cached_property
    def population(self) -> LinearModel:
        """Moments of a fresh row."""
        return LinearModel(self.covariance, self.coefficients, self.noise)

    @cached_property
    def spectrum(self) -> tuple[Array, Array | None]:
        """Eigenvalues of Σ, shape (d,), and eigenvectors as columns; None if Σ is diagonal.

        Raises
        ------
        ValueError
            If an eigenvalue is negative beyond rounding.
        """
        values, vectors = self.covariance, None
        if values.ndim == 2:
            d = self.dimension
            memory.check(8 * 5 * d**2, f"the decomposition of the covariance, {d} by {d},", "rows")
            values, vectors = map(read_only, scipy.linalg.eigh(self.covariance))
        if values.min() < -1e-12 * max(values.max(), 1e-300):
            raise ValueError(
                f"covariance has a negative eigenvalue ({values.min():g}): "
                "it must be positive semi-definite."
            )
        return np.maximum(values, 0.0), vectors

    @cached_property
    def root(self) -> Array:
        """Σ^½, which turns standard normals into rows: (d,) if Σ is diagonal, else (d, d)."""
        values, vectors = self.spectrum
        root = np.sqrt(values)
        return root if vectors is None else np.asarray((vectors * root) @ vectors.T)

    def decompose(self) -> None:
        """Compute the eigendecomposition now, if it is not known yet."""
        self.spectrum  # noqa: B018

    def sample(self, n: Whole, seed: Whole) -> LeastSquares:
        """Draw `n` rows: a `LeastSquares` with the population filled in.

        Parameters
        ----------
        n
            Number of rows, at least 1.
        seed
            Seed of a stream that is this function's own: what else is drawn with the same seed, by
            `numpy.random.default_rng(seed)`, is independent of the rows.
        """
        seed = integer("seed", seed, minimum=0, maximum=None)
        generator = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_ROWS,)))
        count = integer("n", n, minimum=1)
        beta = self.coefficients
        width = len(beta) + beta[0].size
        memory.check(8 * 3 * count * width, f"a sample of n={count} rows", "rows")
        normals = generator.standard_normal((count, self.dimension))
        rows = normals * self.root if self.root.ndim == 1 else normals @ self.root
        targets = rows @ beta + self.noise * generator.standard_normal((count, *beta.shape[1:]))
        return LeastSquares(
            read_only(rows),
            read_only(targets),
            ridge=n * self.ridge,
            x0=self.x0,
            population=self.population,
            preparation={"sampled_from": "GaussianRows", "seed": seed},
            outputs=self.outputs,
        )

    def _of_output(self, index: int) -> GaussianRows:
        return self.replace(
            coefficients=of_parameters(self.coefficients, index),
            noise=float(column(self.noise, index)),
            x0=of_parameters(self.x0, index),
            outputs=None,
            noise_stream=self.noise_stream + index,
        )

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers; arrays by their SHA-256."""
        return {
            "problem": "GaussianRows",
            "dimension": self.dimension,
            "noise": self.noise.tolist() if np.ndim(self.noise) else self.noise,
            "ridge": described(self.ridge),
            "covariance_sha256": digest(self.covariance),
            "coefficients_sha256": digest(self.coefficients),
            "x0_sha256": digest(self.x0),
            **as_record(self.outputs),
            **({"noise_stream": self.noise_stream} if self.noise_stream else {}),
        }


def _noise(value: Any, outputs: tuple[Name, ...] | None) -> Any:
    if outputs is None or plain_array("noise", value).ndim == 0:
        return number("noise", value)
    found = vector("noise", value, len(outputs))
    if (found < 0).any():
        raise ValueError(f"noise holds {found.min():g}, but standard deviations are at least 0.")
    return found


def _covariance(value: Any, dimension: int) -> Array:
    if not hasattr(value, "tocsr"):
        value = plain_array("covariance", value)
        if value.ndim == 0:
            value = np.full(dimension, number("covariance", value))
    # A covariance is the square of data.
    ndim = 1 if value.ndim == 1 else 2
    covariance = real_array("covariance", value, ndim, span=SPAN**2)
    if covariance.shape[0] != covariance.shape[-1]:
        raise ValueError(
            f"covariance must be square, but its shape is {covariance.shape}: pass d by d, or the "
            "diagonal alone."
        )
    if len(covariance) != dimension:
        raise ValueError(
            f"coefficients has {dimension} entries where {len(covariance)} are needed: "
            "check that they belong to this covariance."
        )
    if not covariance.any():
        raise ValueError("covariance is zero everywhere, so there is nothing to learn: check it.")
    scale = 1e-12 * float(np.abs(covariance).max())
    if covariance.ndim == 2 and not np.allclose(covariance, covariance.T, rtol=1e-10, atol=scale):
        raise ValueError("covariance must be symmetric: pass 0.5 * (S + S.T).")
    return covariance
