"""The scalar equations: how far n samples, a ridge and so many features resolve a spectrum."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from hsgd.checks import Array

_WIDENINGS = 1000
"""Times that a bracket may grow by a factor e on either side: doubles span 1400 of them."""


@dataclass(frozen=True)
class Effective:
    """What samples and features make of a spectrum.

    Kernel ridge: n = Σ λ_i/(λ_i + κ) + δ/κ. With k random features of the kernel the eigenvalues
    are resolved to an inner scale G ≥ κ: z = Σ λ_i/(λ_i + G), (n − z)(k − z)G/k = δ and
    κ = G(k − z)/k.
    """

    # notation: κ = scale, G = inner, z = learned, q = squares, k = num_features (infinite: G = κ)
    scale: float
    inner: float
    learned: float
    squares: float
    num_features: float
    residual: float
    """Of the equation, relative to n, or to the ridge."""

    def shares(self, eigenvalues: Array) -> Array:
        """L_i = λ_i/(λ_i + G), shape (modes,): how far each mode is learned."""
        return _shares(eigenvalues, self.inner)


def _shares(eigenvalues: Array, scale: float) -> Array:
    """λ_i/(λ_i + scale), 0 where nothing is to be learned."""
    total = eigenvalues + scale
    return np.divide(eigenvalues, total, out=np.zeros(len(total)), where=eigenvalues > 0)


def of_kernel(eigenvalues: Array, n: int, ridge: float) -> Effective:
    """Effective scale of kernel ridge regression."""
    seen = eigenvalues[eigenvalues > 0]
    if ridge == 0.0 and len(seen) <= n:
        return Effective(0.0, 0.0, float(len(seen)), float(len(seen)), np.inf, 0.0)

    def excess(logarithm: float) -> float:
        scale = float(np.exp(logarithm))
        return float(_shares(seen, scale).sum()) + ridge / scale - n

    # All is learned at most (tr + δ)/κ times, so that the root is below this.
    high = float(np.log((seen.sum() + ridge) / n))
    scale = _root(excess, high - 1.0, high)
    return _at(seen, scale, scale, np.inf, abs(excess(np.log(scale))) / n)


def at_scale(eigenvalues: Array, n: int, scale: float) -> tuple[float, Effective]:
    """The ridge of an effective scale, and what it makes of the spectrum: no root needed."""
    seen = eigenvalues[eigenvalues > 0]
    found = _at(seen, scale, scale, np.inf, 0.0)
    return scale * (n - found.learned), found


def of_features(eigenvalues: Array, n: int, num_features: int, ridge: float) -> Effective:
    """Effective scales of ridge regression on random features of the kernel."""
    seen = eigenvalues[eigenvalues > 0]
    k, least = float(num_features), min(n, num_features)
    # Without a ridge as many modes are learned as there are samples or features.
    unridged = of_kernel(seen, least, 0.0)
    lowest = unridged.inner
    if ridge == 0.0:
        scale = lowest * max(k - unridged.learned, 0.0) / k
        return _at(seen, scale, lowest, k, unridged.residual)

    def excess(logarithm: float) -> float:
        inner = float(np.exp(logarithm))
        learned = float(_shares(seen, inner).sum())
        return (n - learned) * (k - learned) * inner / (k * ridge) - 1.0

    # At `lowest` the product vanishes; beyond all eigenvalues it is nG.
    low = float(np.log(lowest)) if lowest > 0 else float(np.log(min(ridge / n, seen.min()))) - 1.0
    high = float(np.log(max(lowest, ridge / n, 2.0 * seen.sum() / least))) + 2.0
    inner = _root(excess, low, high)
    scale = inner * (k - float(_shares(seen, inner).sum())) / k
    return _at(seen, scale, inner, k, abs(excess(np.log(inner))))


def _at(seen: Array, scale: float, inner: float, k: float, residual: float) -> Effective:
    shares = _shares(seen, inner)
    return Effective(scale, inner, float(shares.sum()), float(shares @ shares), k, residual)


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a monotone function of the logarithm is zero; the bracket grows until it holds it.

    Raises
    ------
    ArithmeticError
        If there is no root among the numbers that doubles can hold.
    """
    for _ in range(_WIDENINGS):
        if function(low) * function(high) <= 0.0:
            found = brentq(function, low, high, xtol=1e-15, rtol=4 * np.finfo(float).eps)
            return float(np.exp(found))
        low, high = low - 1.0, high + 1.0
    raise ArithmeticError("the effective scale lies outside of what doubles can hold.")
