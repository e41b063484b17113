"""Convex programmes in logarithms: what rates lead to under a cap, and no more spent than there is.

min f(x) over x ≤ log_cap with Σ lengths·e^{−x} ≤ budget, f convex with a gradient nowhere negative:
the logarithm of noise, a sum of products of rates. To write a new one, subclass `Convex` and give
`noise`; it is solved, and bounded from below by duality, here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from hsgd.checks import Array

_EXACT = 1e-9
_WIDEST = 60.0
_STIFF = 50.0
"""Of the price, by how much it rises with the logarithm of what is spent."""
_MOST_PRICES = 8


class Solution(NamedTuple):
    """Rates that spend what there is, and what no others can beat."""

    log_rates: Array
    log_noise: float
    log_bound: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Convex(ABC):
    """One of them.

    Attributes
    ----------
    lengths
        What a cell spends at rate 1.
    budget
        What there is to spend.
    log_cap
        Of all rates; may be infinite.
    """

    lengths: Array
    budget: float
    log_cap: float

    @abstractmethod
    def noise(self, log_rates: Array) -> tuple[float, Array]:
        """The logarithm of what is to be small, and its gradient: each rate's share, none < 0."""

    def spent(self, log_rates: Array) -> float:
        """What these rates spend."""
        return float(self.lengths @ np.exp(-log_rates))

    def feasible(self, log_rates: Array) -> Array:
        """The same rates times one factor, under the cap, so that all iterations are spent."""
        K = self.budget
        order = np.sort(log_rates)[::-1]
        # With the m largest at the cap, the others are multiplied by one factor; the least m for
        # which none of these passes the cap is the right one.
        ranked = np.argsort(log_rates)[::-1]
        capped = np.append(0.0, np.cumsum(self.lengths[ranked])) * np.exp(-self.log_cap)
        others = np.cumsum((self.lengths * np.exp(-log_rates))[ranked][::-1])[::-1]
        with np.errstate(divide="ignore", invalid="ignore"):
            shift = np.log(others / (K - capped[:-1]))
        fits = np.isfinite(shift) & (order + shift <= self.log_cap)
        if not fits.any():
            return np.full(len(log_rates), self.log_cap)
        return np.asarray(np.minimum(log_rates + shift[int(np.argmax(fits))], self.log_cap))

    def solve(self, start: Array, *, tolerance: float = 1e-9, most: int = 300) -> Solution:
        """The optimal rates, and a bound by duality that is as good as they are.

        Notes
        -----
        A call of L-BFGS, and where the cap is reached some ten: O(cells · modes) an iteration.
        """
        least = float(self.lengths.sum()) * np.exp(-self.log_cap)
        if least >= self.budget * (1.0 - _EXACT):  # there is no choice
            return self.judged(np.full(len(start), self.log_cap))
        x = self.feasible(start)
        at_the_cap = x.max() >= self.log_cap  # then most likely in the end, too
        x = x if at_the_cap else self._free(x, tolerance, most)
        if at_the_cap or x.max() > self.log_cap:
            x = self._capped(x, tolerance, most)
        return self.judged(x)

    def judged(self, log_rates: Array) -> Solution:
        """Any rates made feasible, their noise, and the bound that follows from its gradient."""
        x = self.feasible(log_rates)
        value, slope = self.noise(x)
        return Solution(x, value, value + self.least_rise(x, slope))

    def least_rise(self, log_rates: Array, slope: Array) -> float:
        """The least of slope·(y − x) over all y under the cap that spend no more than there is.

        A convex function lies above its tangents, so that this bounds it from below everywhere.
        For any multiplier μ the Lagrangian's minimum over each y is a bound; it is taken at the μ
        that spends all: y = log(μ·length/slope), or the cap.
        """
        K, cap = self.budget, self.log_cap
        share = np.maximum(slope, 1e-300)
        # A cell is at the cap from a price of `leaves` on; with the first c of them there, in the
        # order of these prices, the others cost their shares over μ, and one c fits its own price.
        leaves = share * np.exp(cap) / self.lengths
        order = np.argsort(leaves)
        free = np.append(np.cumsum(share[order][::-1])[::-1], 0.0)
        capped = np.exp(-cap) * np.append(0.0, np.cumsum(self.lengths[order]))
        prices = free / np.maximum(K - capped, 1e-300)
        low, high = np.append(0.0, leaves[order]), np.append(leaves[order], np.inf)
        fits = np.flatnonzero((prices >= low * (1 - 1e-12)) & (prices <= high * (1 + 1e-12)))
        mu = float(prices[fits[0]]) if len(fits) else 0.0
        if mu <= 0.0:
            return float(slope @ (cap - log_rates)) if np.isfinite(cap) else -np.inf
        y = np.minimum(np.log(mu * self.lengths / share), cap)
        return float(slope @ (y - log_rates) + mu * (self.lengths @ np.exp(-y) - K))

    def _free(self, start: Array, tolerance: float, most: int) -> Array:
        """Without a cap: what is spent is made right by one factor, and so drops out."""
        K = self.budget

        def scaled(g: Array) -> Array:
            return np.asarray(g + np.log(self.lengths @ np.exp(-g) / K))

        def cost(g: Array) -> tuple[float, Array]:
            value, slope = self.noise(scaled(g))
            weight = self.lengths * np.exp(-g)
            return value, slope - slope.sum() * weight / weight.sum()

        return scaled(_least(cost, start, None, tolerance, most))

    def _capped(self, start: Array, tolerance: float, most: int) -> Array:
        """Under the cap, with a price for what is spent too much, raised until nothing is.

        Augmented Lagrangian in the logarithm of what is spent, which is convex in x as well.
        """
        x = np.minimum(start, self.log_cap)
        price = float(self.noise(x)[1].sum())  # what it is at the optimum without a cap
        stiffness = _STIFF * price

        def cost(x: Array) -> tuple[float, Array]:
            value, slope = self.noise(x)
            weight = self.lengths * np.exp(-x)
            excess = float(np.log(weight.sum() / self.budget))
            pull = price + stiffness * excess
            value += (price + 0.5 * stiffness * excess) * excess
            return value, slope - pull * weight / weight.sum()

        for _ in range(_MOST_PRICES):
            x = _least(cost, x, self.log_cap, tolerance, most)
            excess = float(np.log(self.spent(x) / self.budget))
            if abs(excess) <= tolerance**0.5:
                break
            price = max(0.0, price + stiffness * excess)
        return x


def _least(
    cost: Callable[[Array], tuple[float, Array]],
    start: Array,
    cap: float | None,
    tolerance: float,
    most: int,
) -> Array:
    from scipy.optimize import minimize  # slow to load

    # Within a factor 1e26: a first step from afar must not leave what exp can hold.
    top = np.inf if cap is None else cap
    found = minimize(
        cost, start, jac=True, method="L-BFGS-B",
        bounds=[(x - _WIDEST, min(x + _WIDEST, top)) for x in start.tolist()],
        options={"maxiter": most, "ftol": tolerance * 1e-3, "gtol": tolerance, "maxcor": 20},
    )  # fmt: skip
    return np.asarray(found.x)
