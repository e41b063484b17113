"""Rows that a fixed first layer makes of Gaussian inputs, as a frozen noun."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from hsgd import hermite
from hsgd.activations import Activation, Function, as_activation
from hsgd.checks import Array, digest, flag, integer, number, real_array, vector
from hsgd.machine import memory
from hsgd.nouns import Real, Whole, keep
from hsgd.owned import read_only
from hsgd.problems.feature_moments import FeatureMoments, moments
from hsgd.problems.fresh import FreshRows
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.populations import Population
from hsgd.problems.portrait import of_ridge, of_start


@dataclass(frozen=True, eq=False, repr=False)
class FeatureRows(FreshRows):
    """A population: rows a_j = φ(w_j·x/√tr Σ)/√N of inputs x ~ N(0, Σ), given the weights.

    The targets stay those of the inputs, b = x·coefficients + noise·N(0, 1). Stream fresh rows from
    it (`StreamingSGD`; one unit of time is N iterations), or draw n of them once (`sample`).
    `RandomFeatures.given_weights` draws the weights.

    Parameters
    ----------
    inputs
        The population of the inputs and their targets: `GaussianRows` without ridge or start,
        which belong to the features.
    weights
        w_j as rows, shape (N, dimension of the inputs).
    activation
        φ: an `hsgd.activations.Activation`, the name of one (`"relu"`, `"erf"`, `"tanh"`,
        `"identity"`), or a vectorised function.
    centre
        Subtract E φ(g), g ~ N(0, 1), from all features.
    ridge
        Per sample, as in `GaussianRows`.
    x0
        Start, shape (N,); zero if omitted.

    Raises
    ------
    TypeError, ValueError
        For inputs of another kind or with a ridge or start of their own, weights that do not fit
        them, or an unknown activation.

    Notes
    -----
    The population risk is a quadratic whose moments are known; see `moments`. With N features of
    inputs of dimension d they cost O(N²(d + 100)) at most, once.

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> inputs = hsgd.GaussianRows(np.ones(20), np.ones(20) / 20)
    >>> rows = hsgd.RandomFeatures(inputs, 30, "relu").given_weights(seed=0)
    >>> rows.weights.shape, rows.dimension
    ((30, 20), 30)
    """

    inputs: GaussianRows
    weights: Array
    activation: Activation | Function | str
    centre: bool
    ridge: float
    x0: Array

    def __init__(
        self,
        inputs: GaussianRows,
        weights: ArrayLike,
        activation: Activation | Function | str = "relu",
        *,
        centre: bool = True,
        ridge: Real = 0.0,
        x0: ArrayLike | None = None,
    ) -> None:
        check_inputs(inputs)
        W = real_array("weights", weights, 2)
        if W.shape[1] != inputs.dimension:
            raise ValueError(
                f"weights has {W.shape[1]} columns but the inputs have dimension "
                f"{inputs.dimension}: pass one row of weights for each feature."
            )
        keep(
            self,
            inputs=inputs,
            weights=W,
            activation=activation,
            centre=flag("centre", centre),
            ridge=number("ridge", ridge),
            x0=vector("x0", np.zeros(len(W)) if x0 is None else x0, len(W)),
        )
        self.nonlinearity  # noqa: B018  (the check of the activation)

    @cached_property
    def nonlinearity(self) -> Activation:
        """The activation as a noun."""
        return as_activation(self.activation)

    @property
    def dimension(self) -> int:
        """Number of parameters: N."""
        return len(self.weights)

    @cached_property
    def shift(self) -> float:
        """What is subtracted from the activation."""
        return float(hermite.coefficients(self.nonlinearity, 0).values[0]) if self.centre else 0.0

    @cached_property
    def mixing(self) -> Array:
        """G, which turns standard normals z into pre-activations Gz; shape (N, inputs)."""
        root = self.inputs.root
        mixed = self.weights * root if root.ndim == 1 else self.weights @ root
        return np.asarray(mixed / np.sqrt(self._total))

    @cached_property
    def direction(self) -> Array:
        """t, with which the same normals give the targets t·z + noise; shape (inputs,)."""
        root = self.inputs.root
        return (
            np.asarray(root * self.inputs.coefficients)
            if root.ndim == 1
            else np.asarray(root @ self.inputs.coefficients)
        )

    @property
    def _total(self) -> float:
        return float(self.inputs.spectrum[0].sum())

    @cached_property
    def moments(self) -> FeatureMoments:
        """Moments of φ(Gz), neither shifted nor scaled, with an error."""
        return moments(self.nonlinearity, self.mixing @ self.mixing.T)

    @cached_property
    def population(self) -> Population:
        """Second moments of a fresh row: the population risk is their quadratic."""
        # notation: E(φ_i − c)(φ_j − c) = E φ_i φ_j − c E φ_i − c E φ_j + c²; E b φ_i by Stein
        mean, slope, second = self.moments.mean, self.moments.slope, self.moments.second
        shifted = second - self.shift * (mean[:, None] + mean[None, :]) + self.shift**2
        cross = slope * (self.mixing @ self.direction)
        return Population(
            shifted / self.dimension,
            cross / np.sqrt(self.dimension),
            float(self.direction @ self.direction) + self.inputs.noise**2,
        )

    @property
    def mean_squared_row_norm(self) -> float:
        """E|a|²."""
        return float(np.trace(self.population.second_moment))

    @cached_property
    def eigenpairs(self) -> tuple[Array, Array | None]:
        """Eigenvalues of the features' second moment and eigenvectors as columns."""
        values, vectors = scipy.linalg.eigh(self.population.second_moment)
        return values, vectors

    @property
    def solution(self) -> Array:
        """The minimiser of the population risk of smallest norm, whatever the ridge."""
        return self.population.coefficients

    def _facts(self) -> dict[str, str]:
        return {
            "features": f"{self.dimension} {self.nonlinearity.name} features",
            "inputs": f"of {self.inputs.dimension} inputs",
            "centred": "centred" if self.centre else "",
            "ridge": of_ridge(self.ridge),
            "start": of_start(self.x0),
        }

    def _spectrum_at_hand(self) -> Array | None:
        return self.eigenvalues if "eigenpairs" in self.__dict__ else None

    def gaussian_equivalent(self) -> GaussianRows:
        """Gaussian rows and targets with the same second moments.

        SGD on features follows SGD on them in high dimensions (universality), and the theory is
        for them. The rows of features have a mean, which theirs have not: small if `centre`.

        Returns
        -------
        GaussianRows
            Of dimension N, with this ridge and start.
        """
        return GaussianRows(
            self.population.second_moment,
            self.population.coefficients,
            float(np.sqrt(self.population.floor)),
            ridge=self.ridge,
            x0=self.x0,
        )

    def sample(self, n: Whole, seed: Whole, *, num_test: Whole = 0) -> LeastSquares:
        """Draw `n` rows: a `LeastSquares` with a population.

        Parameters
        ----------
        n
            Number of rows, at least 1.
        seed
            Seed of the rows.
        num_test
            Held-out rows for the population risk; 0 for the exact moments.
        """
        drawn = self.draw(n, seed, num_test)
        return drawn if num_test else drawn.replace(population=self.population)

    def draw(self, n: Whole, seed: Whole, num_test: Whole) -> LeastSquares:
        """The same without a population where there are no held-out rows: its moments take time."""
        _, train, test = generators(seed)
        n = integer("n", n, minimum=1)
        held_out = integer("num_test", num_test, minimum=0)
        width = 3 * (self.inputs.dimension + self.dimension)
        what = f"a sample of n={n} and num_test={held_out} rows"
        memory.check(8 * width * (n + held_out), what, "rows")
        A, b = self._rows(n, train)
        return LeastSquares(
            read_only(A),
            read_only(b),
            ridge=n * self.ridge,
            x0=self.x0,
            population=self._rows(held_out, test) if held_out else None,
            preparation={"sampled_from": "FeatureRows", "seed": int(seed)},
        )

    def _rows(self, count: int, generator: np.random.Generator) -> tuple[Array, Array]:
        root = self.inputs.root
        normals = generator.standard_normal((count, self.inputs.dimension))
        x = normals * root if root.ndim == 1 else normals @ root
        after = self.nonlinearity(x @ self.weights.T / np.sqrt(self._total))
        targets = x @ self.inputs.coefficients
        targets += self.inputs.noise * generator.standard_normal(count)
        return (after - self.shift) / np.sqrt(self.dimension), targets

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers; arrays by their SHA-256."""
        # A user's function has no content that could be compared but its values.
        probes = self.nonlinearity(np.linspace(-6.0, 6.0, 1201))
        return {
            "problem": "FeatureRows",
            "weights_sha256": digest(self.weights),
            "activation": self.nonlinearity.name,
            "activation_sha256": digest(probes),
            "centre": self.centre,
            "ridge": self.ridge,
            "x0_sha256": digest(self.x0),
            "inputs": self.inputs.description(),
        }


def generators(seed: Whole) -> tuple[np.random.Generator, ...]:
    """Independent generators for weights, rows and held-out rows."""
    children = np.random.SeedSequence(integer("seed", seed, minimum=0, maximum=None)).spawn(3)
    return tuple(np.random.default_rng(child) for child in children)


def check_inputs(inputs: Any) -> None:
    """Refuse what features cannot be made of.

    Raises
    ------
    TypeError, ValueError
        For inputs of another kind, or with a ridge or start of their own.
    """
    if not isinstance(inputs, GaussianRows):
        raise TypeError(
            f"inputs is a {type(inputs).__name__}: pass the hsgd.GaussianRows that the "
            "features are made of."
        )
    if inputs.outputs is not None:
        raise ValueError(
            f"the inputs of random features have {len(inputs.outputs)} outputs: pass "
            f"inputs.output({inputs.outputs[0]!r}), or targets of your own with the sampled rows."
        )
    if inputs.ridge or inputs.x0.any():
        raise ValueError(
            "the inputs of random features have a ridge or a start of their own, which nothing "
            "would use: give both to the features."
        )
