"""The smallest root of 1 = Σ_j w_j / (rate_j − x): the rate at which a solution relaxes or grows.

It lies below the smallest rate and is the only root that may be near zero or negative.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from volterra.arrays import EPS, Array


def kernel_deficit(rates: Array, weights: Array) -> float:
    """1 − kernel norm = 1 − Σ_j w_j / rate_j, summed exactly; −∞ if a rate is zero."""
    if np.any(weights[rates == 0] > 0):
        return -math.inf
    keep = weights > 0
    with np.errstate(over="ignore"):
        terms = weights[keep] / rates[keep]
    return 1.0 - math.inf if np.any(np.isinf(terms)) else math.fsum([1.0, *(-terms)])


def smallest_root(rates: Array, weights: Array) -> tuple[float, float]:
    """Origin and shift of the root below the smallest rate.

    Near the critical point this root is near 0, not near a rate; there 1 − K is written
    (1 − norm) − x Σ w/(rate (rate−x)), whose value at 0 carries all of the cancellation.
    """
    smallest, total = float(rates[0]), float(np.sum(weights))
    deficit = kernel_deficit(rates, weights)

    def sums(inverse: Array) -> tuple[float, float]:
        terms = weights * inverse
        return math.fsum([1.0, *(-terms)]), float(terms @ inverse)

    def near_rate(x: float) -> tuple[float, float]:
        return sums(1.0 / ((rates - smallest) - x))

    def far(x: float) -> tuple[float, float]:
        return sums(1.0 / (rates - x))

    def from_zero(x: float) -> tuple[float, float]:
        inverse = 1.0 / (rates - x)
        terms = weights * inverse
        return deficit - x * math.fsum(terms / rates), float(terms @ inverse)

    # The sign at half the smallest rate tells whether the root is nearer to that or to 0; as the
    # distance from the nearer one it keeps its digits.
    half = 0.5 * smallest
    if smallest > 0 and deficit > 0 and far(half)[0] > 0:
        bracket = (-half, -0.5 * float(weights[0]))
        return smallest, _one_pole_iteration(near_rate, bracket, pole=0.0)
    low, high = smallest - total, (half if deficit > 0 else 0.0)
    if smallest == 0:
        high = -float(weights[0])
    function = far if deficit < -1.0 else from_zero
    # The lower end is a root if there is one mode: leave room for rounding.
    return 0.0, _one_pole_iteration(function, (low - 0.01 * abs(low), high), pole=smallest)


def _one_pole_iteration(
    function: Callable[[float], tuple[float, float]], bracket: tuple[float, float], *, pole: float
) -> float:
    """Bracketed interpolation by c − S/(pole − x), from the right end of the bracket."""
    low, x = bracket
    high = x
    for _ in range(400):
        value, slope = function(x)
        low, high = (x, high) if value > 0 else (low, x)
        b = pole - x
        denominator = value + slope * b
        step = value * b / denominator if denominator > 0 else math.inf
        if abs(step) <= 2 * EPS * abs(x):
            break
        x += step
        # Left the bracket: halve it, in the logarithm if both ends have one sign.
        if not low < x < high:
            product = low * high
            x = math.copysign(math.sqrt(product), low) if product > 0 else 0.5 * (low + high)
    return x
