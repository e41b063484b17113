"""Batch sizes over time as a convex programme, iteration by iteration: nothing is approximated.

At given learning rates the noise after the last iteration is a sum of products of the noise factors
1/B of the iterations, none with a negative coefficient, and the rows that are drawn are Σ B: both
are convex in log B.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from hsgd.theory.design import recursion
from hsgd.theory.design.convex import Convex
from hsgd.theory.design.goal import Goal


@dataclass(frozen=True, eq=False, kw_only=True)
class Batches(Convex):
    """Noise by the factors 1/B of pieces between iterations `edges`, under a budget of rows."""

    goal: Goal
    edges: NDArray[np.int64]
    rates: Array
    """Learning rates of all iterations."""
    at_mean: float
    """The statistic without noise."""

    @classmethod
    def of(cls, goal: Goal, rates: Array, edges: NDArray[np.int64], rows: float) -> Batches:
        """At least one row a batch."""
        at_mean = recursion.value(goal, rates, np.zeros(len(rates)))
        lengths = np.diff(edges).astype(np.float64)
        return cls(
            goal=goal, edges=edges, rates=rates, at_mean=at_mean,
            lengths=lengths, budget=rows, log_cap=0.0,
        )  # fmt: skip

    def noise(self, log_rates: Array) -> tuple[float, Array]:
        factors = np.exp(log_rates)
        found = recursion.gradient(self.goal, self.rates, np.repeat(factors, np.diff(self.edges)))
        noise = found.value - self.at_mean
        share = factors * np.add.reduceat(found.by_noise, self.edges[:-1]) / noise
        return float(np.log(noise)), share

    def value(self, sizes: Array) -> float:
        """The statistic with these batches."""
        return recursion.value(self.goal, self.rates, np.repeat(1.0 / sizes, np.diff(self.edges)))

    def whole(self, log_factors: Array) -> NDArray[np.int64]:
        """Whole batch sizes that draw no more rows: rounded down, then the rest dealt out.

        A further row goes where it lowers the noise most for its price, as the shares say.
        """
        sizes = np.maximum(1, np.floor(np.exp(-log_factors) + 1e-9)).astype(np.int64)
        lengths = np.diff(self.edges)
        worth = self.noise(-np.log(sizes))[1] / (sizes * lengths)
        left = int(self.budget) - int(sizes @ lengths)
        for piece in np.argsort(worth)[::-1]:
            if lengths[piece] <= left:
                sizes[piece] += 1
                left -= int(lengths[piece])
        return sizes
