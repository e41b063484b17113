"""A network of two layers in NumPy: small enough to be read, wide enough to be linear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import Array, flag, integer, real_array, vector
from hsgd.machine import memory
from hsgd.nouns import Whole, keep


@dataclass(frozen=True, eq=False)
class TwoLayer:
    """f(x) = Σ_j a_j relu(w_j·x/√d)·√(2/m): m hidden units of d inputs.

    Parameters
    ----------
    weights
        w, shape (m, d).
    last
        a, shape (m,).
    train_first, train_last
        Which layers SGD moves; by default both.

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, entries that are not finite, or no layer that moves.
    """

    weights: Array
    last: Array
    train_first: bool
    train_last: bool

    def __init__(
        self,
        weights: ArrayLike,
        last: ArrayLike,
        *,
        train_first: bool = True,
        train_last: bool = True,
    ) -> None:
        W = real_array("weights", weights, 2)
        first, second = flag("train_first", train_first), flag("train_last", train_last)
        if not (first or second):
            raise ValueError("train_first or train_last must be True: else nothing moves.")
        keep(
            self,
            weights=W,
            last=vector("last", last, len(W)),
            train_first=first,
            train_last=second,
        )

    @classmethod
    def random(cls, width: Whole, dimension: Whole, *, seed: Whole) -> Self:
        """Standard normal weights, for inputs of norm √dimension or so."""
        m = integer("width", width, minimum=1)
        d = integer("dimension", dimension, minimum=1)
        memory.check(8 * m * (d + 1), f"{m} units of {d} inputs", "width or dimension")
        rng = np.random.default_rng(integer("seed", seed, minimum=0, maximum=None))
        return cls(rng.standard_normal((m, d)), rng.standard_normal(m))

    @property
    def width(self) -> int:
        """Hidden units m."""
        return len(self.last)

    def hidden(self, inputs: ArrayLike) -> tuple[Array, Array]:
        """Values of the hidden units, scaled, and their slopes, shapes (n, m)."""
        x = real_array("inputs", inputs, 2)
        if x.shape[1] != self.weights.shape[1]:
            raise ValueError(
                f"inputs has {x.shape[1]} columns but the network takes {self.weights.shape[1]}: "
                "pass rows of that length."
            )
        before = x @ self.weights.T / np.sqrt(x.shape[1])
        scale = np.sqrt(2.0 / self.width)
        return scale * np.maximum(before, 0.0), (before > 0).astype(np.float64) * scale

    def outputs(self, inputs: ArrayLike) -> Array:
        """F at each row, shape (n,)."""
        return np.asarray(self.hidden(inputs)[0] @ self.last)

    def gram(self, inputs: ArrayLike, others: ArrayLike) -> Array:
        """Inner products of gradients: of the last layer h·h', of the first Σ a_j² s_j s_j' x·x'/d.

        They are summed over units, so that no gradient, of m(d+1) entries, is ever written down.
        """
        (h, s), (k, t) = self.hidden(inputs), self.hidden(others)
        x, y = np.asarray(inputs, dtype=np.float64), np.asarray(others, dtype=np.float64)
        found = np.zeros((len(x), len(y)))
        if self.train_last:
            found += h @ k.T
        if self.train_first:
            found += ((s * self.last) @ (t * self.last).T) * (x @ y.T / x.shape[1])
        return found
