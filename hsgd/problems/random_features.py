"""Random features of Gaussian inputs, as frozen nouns: the rows are what a first layer makes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import scipy.linalg

from hsgd.activations import Activation, Function, as_activation
from hsgd.checks import flag, integer, number
from hsgd.machine import memory
from hsgd.nouns import Real, Whole, keep
from hsgd.problems.feature_rows import FeatureRows, check_inputs, generators
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares


@dataclass(frozen=True, eq=False)
class RandomFeatures:
    """Features φ(w_j·x/√tr Σ)/√N of inputs x ~ N(0, Σ), w_j standard normal and fixed.

    The target stays that of the inputs, x·coefficients + noise; what the features cannot express
    of it acts as further noise.

    Parameters
    ----------
    inputs
        The population of the inputs and their targets: `GaussianRows` without ridge or start,
        which belong to the features.
    num_features
        N: the parameters that are trained.
    activation
        φ: an `hsgd.activations.Activation`, the name of one (`"relu"`, `"erf"`, `"tanh"`,
        `"identity"`), or a vectorised function. Pre-activations have variance one on average over
        the weights.
    centre
        Subtract the activation's Gaussian mean. Otherwise one eigenvalue, of size n times its
        square, limits the learning rate.
    ridge
        Per sample, as in `GaussianRows`.

    Raises
    ------
    TypeError, ValueError
        For inputs of another kind or with a ridge or start of their own, or an unknown activation.

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> inputs = hsgd.GaussianRows(np.ones(20), np.ones(20) / 20)
    >>> problem = hsgd.RandomFeatures(inputs, 30, "relu").sample(100, seed=0, num_test=50)
    >>> problem.A.shape
    (100, 30)
    """

    inputs: GaussianRows
    num_features: int
    activation: Activation | Function | str
    centre: bool
    ridge: float

    def __init__(
        self,
        inputs: GaussianRows,
        num_features: Whole,
        activation: Activation | Function | str = "relu",
        *,
        centre: bool = True,
        ridge: Real = 0.0,
    ) -> None:
        check_inputs(inputs)
        keep(
            self,
            inputs=inputs,
            activation=activation,
            centre=flag("centre", centre),
            num_features=integer("num_features", num_features, minimum=1),
            ridge=number("ridge", ridge),
        )
        self.nonlinearity  # noqa: B018  (the check of the activation)

    @cached_property
    def nonlinearity(self) -> Activation:
        """The activation as a noun."""
        return as_activation(self.activation)

    @property
    def dimension(self) -> int:
        """Number of parameters: N."""
        return self.num_features

    @property
    def iterations_per_unit(self) -> int:
        """Iterations in one unit of time: N."""
        return self.num_features

    def given_weights(self, seed: Whole) -> FeatureRows:
        """Draw the weights: the population of features and targets, to stream or to sample.

        Parameters
        ----------
        seed
            The weights are those of `sample` with this seed.
        """
        weights, _, _ = generators(seed)
        return FeatureRows(
            self.inputs,
            weights.standard_normal((self.num_features, self.inputs.dimension)),
            self.nonlinearity,
            centre=self.centre,
            ridge=self.ridge,
        )

    def sample(self, n: Whole, seed: Whole, *, num_test: Whole = 0) -> LeastSquares:
        """Draw the weights, then `n` rows of features and their targets.

        Parameters
        ----------
        n
            Number of rows, at least 1.
        seed
            Seed of the weights (the same for every n) and of the rows.
        num_test
            Held-out rows, through the same weights, for the population risk; 0 for none.
        """
        drawn = self.given_weights(seed).draw(n, seed, num_test)
        record = {"sampled_from": "RandomFeatures", "seed": int(seed)}
        return drawn.replace(preparation=record)

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers; arrays by their SHA-256."""
        return {
            "problem": "RandomFeatures",
            "num_features": self.num_features,
            "activation": self.nonlinearity.name,
            "centre": self.centre,
            "ridge": self.ridge,
            "inputs": self.inputs.description(),
        }


@dataclass(frozen=True)
class PowerLawRandomFeatures:
    """Power-law random features: x_j = j^(−alpha) z_j, target Σ_j j^(−beta) x_j, features Wᵀx.

    z is standard normal of dimension v, W is v × d with independent N(0, 1/d) entries, and the d
    feature weights are trained. Given W, features and target are jointly Gaussian, so the problem
    *is* a `GaussianRows`, with covariance WᵀDW, D = diag(j^(−2·alpha)); the part of the target out
    of the features' reach is its noise.

    Parameters
    ----------
    alpha, beta
        Exponents of the data and of the target, ≥ 0.
    v, d
        Numbers of inputs and of features, d ≤ v.

    Raises
    ------
    TypeError, ValueError
        For exponents that are negative or sizes that are not integers with 1 ≤ d ≤ v.

    References
    ----------
    arXiv:2405.15074, section 2. Risks there have no ½: they are twice ours.

    Examples
    --------
    >>> import hsgd
    >>> rows = hsgd.PowerLawRandomFeatures(1.0, 0.7, v=200, d=50).given_weights(seed=0)
    >>> rows.dimension
    50
    """

    alpha: float
    beta: float
    v: int
    d: int

    def __init__(self, alpha: Real, beta: Real, v: Whole, d: Whole) -> None:
        keep(
            self,
            alpha=number("alpha", alpha),
            beta=number("beta", beta),
            v=integer("v", v, minimum=1),
            d=integer("d", d, minimum=1),
        )
        if (self.alpha + self.beta) * np.log10(self.v) > 100.0:
            raise ValueError(
                f"alpha is {self.alpha:g} and beta {self.beta:g}, so that the last of v={self.v} "
                "inputs is below 1e-100 and lost to rounding: pass smaller exponents."
            )
        if self.d > self.v:
            raise ValueError(
                f"d is {self.d} but v is {self.v}: there must be at least as many inputs as "
                "features, so raise v or lower d."
            )

    @property
    def dimension(self) -> int:
        """Number of parameters d."""
        return self.d

    @property
    def iterations_per_unit(self) -> int:
        """Iterations in one unit of time: d."""
        return self.d

    def given_weights(self, seed: Whole) -> GaussianRows:
        """Draw W: the exact population of features and targets, to stream or to sample.

        Parameters
        ----------
        seed
            Seed of `numpy.random.default_rng` for W.

        Returns
        -------
        GaussianRows
            Of dimension d. Costs O(vd²).
        """
        # notation: scaled = D^½ W, reach = the part of D^½ (target) that features express
        generator = np.random.default_rng(integer("seed", seed, minimum=0, maximum=None))
        what = f"v={self.v} inputs of d={self.d} features"
        memory.check(8 * 5 * self.v * self.d, what, "inputs or features")
        j = np.arange(1, self.v + 1, dtype=np.float64)
        W = generator.standard_normal((self.v, self.d)) / np.sqrt(self.d)
        scaled = j[:, None] ** -self.alpha * W
        target = j ** -(self.alpha + self.beta)
        left, singular, right = scipy.linalg.svd(scaled, full_matrices=False)
        reach = left.T @ target
        remainder = target - left @ reach
        return GaussianRows(
            scaled.T @ scaled,
            right.T @ (reach / singular),
            # The remainder by its own norm: as a difference of squares it would lose its digits.
            noise=float(np.linalg.norm(remainder)),
        )

    def sample(self, n: Whole, seed: Whole) -> LeastSquares:
        """Draw W and then `n` rows."""
        root = np.random.SeedSequence(integer("seed", seed, minimum=0, maximum=None))
        weights, rows = (int(s) for s in root.generate_state(2))
        return self.given_weights(weights).sample(n, rows)

    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers."""
        sizes = {"alpha": self.alpha, "beta": self.beta, "v": self.v, "d": self.d}
        return {"problem": "PowerLawRandomFeatures", **sizes}
