"""Norm, growth rate and limit for a positive kernel that is known only as a function of t − s.

Its Laplace transform is a sum over geometric pieces of the half line, which sees every time scale
alike. All answers are found twice, with pieces of ratio 2 and of ratio √2; if the two differ,
nothing is returned but an error.
"""

from __future__ import annotations

import math

import numpy as np

from volterra.arrays import Array, Mask
from volterra.kernels.exponentials import Function, SumOfExponentials
from volterra.kernels.functions import Convolution
from volterra.panels.panel import gauss

_SCALES = 1e30  # differences from 1/_SCALES to _SCALES are looked at
_AGREEMENT = 1e-9
_TINY = 1e-280  # of the largest value: beyond that a kernel underflows


class Laplace:
    """The Laplace transform of a sampled kernel, as a weighted sum of exponentials."""

    def __init__(self, kernel: Convolution, pieces: int) -> None:
        """Sample the kernel on so many geometric pieces per factor of two."""
        count = math.ceil(2 * math.log2(_SCALES)) * pieces
        edges = np.geomspace(1 / _SCALES, _SCALES, count + 1)
        x, weight = gauss()
        tau = edges[:-1, None] + np.diff(edges)[:, None] * x
        value = kernel.values(tau, tau, tau)[:, :, 0, 0]
        if np.any(value < 0):
            raise ValueError(
                "analyse needs a kernel that is nowhere negative, because only then its growth "
                "rate is real; solve the equation and look at the solution instead."
            )
        self.tau = tau
        self.mass: Array = np.diff(edges)[:, None] * weight * value * tau**-kernel.singularity
        self.faint: Mask = value < _TINY * np.max(value, initial=0.0)
        self._ratio = 2.0 ** (1.0 / pieces)

    def norm(self) -> float:
        """The integral, with a power-law tail continued; infinite if the pieces do not shrink."""
        pieces = self.mass.sum(axis=1)
        before, last = float(pieces[-2]), float(pieces[-1])
        total = float(pieces.sum())
        if last <= 1e-16 * total:
            return total
        shrink = last / before
        return math.inf if shrink > 0.9995 else total + last * shrink / (1 - shrink)

    def __call__(self, rate: float) -> float:
        """The transform at a real rate of either sign; infinite if it overflows."""
        return self._sum(rate, self.mass)

    def resolved(self, rate: float) -> bool:
        """Whether the transform there is made of what the kernel is, not of its faintest tail."""
        faint = self._sum(rate, np.where(self.faint, self.mass, 0.0))
        edge = self._sum(rate, np.where(self.tau > 1e-3 * _SCALES, self.mass, 0.0))
        return faint + edge <= _AGREEMENT

    def _sum(self, rate: float, mass: Array) -> float:
        # In logarithms, for at a negative rate a tiny mass may meet a factor that overflows.
        with np.errstate(over="ignore", divide="ignore"):
            return float(np.sum(np.exp(np.log(mass) - rate * self.tau)))


def exponent(transform: Laplace, norm: float) -> float:
    """The rate at which the transform is one; NaN where it diverges before, −∞ for no kernel."""
    if norm == 0:
        return -math.inf
    if norm == 1:
        return 0.0
    from scipy.optimize import brentq  # scipy is slow to load

    sign = 1.0 if norm > 1 else -1.0
    size = 1.0 / _SCALES
    while (transform(sign * size) - 1) * sign > 0:
        size *= 2
        if size > _SCALES:
            return math.nan
    low = sign * size / 2 if size > 1.0 / _SCALES else 0.0
    # In log space, for the transform may be far above one at the far end.
    root = brentq(
        lambda rate: math.log(min(transform(rate), 1e300)),
        low,
        sign * size,
        xtol=1e-300,
        rtol=1e-14,
    )
    return float(root) if transform.resolved(float(root)) else math.nan


def convolution_facts(
    kernel: Convolution, forcing: SumOfExponentials | Function | None
) -> tuple[float, float, float]:
    """Kernel norm, Malthusian exponent (NaN if there is none), and limit (NaN if unknown).

    Raises
    ------
    ValueError
        If the kernel is a matrix, is negative somewhere, or too rough to be integrated.
    """
    if kernel.dimension is not None:
        raise ValueError(
            "analyse needs a scalar kernel; for a matrix kernel solve the equation instead."
        )
    pair = Laplace(kernel, 1), Laplace(kernel, 2)
    norms = [transform.norm() for transform in pair]
    rates = [exponent(transform, norm) for transform, norm in zip(pair, norms, strict=True)]
    if not _agree(*norms):
        raise ValueError(
            f"the kernel is too rough to be integrated over all time scales: two rules gave "
            f"{norms[0]:g} and {norms[1]:g}; approximate it by a SumOfExponentials."
        )
    rate = rates[1] if _agree(*rates) else math.nan
    return norms[1], rate, _limit(forcing, norms[1], rate)


def _agree(one: float, other: float) -> bool:
    return one == other or abs(one - other) <= _AGREEMENT * abs(other)


def _limit(forcing: SumOfExponentials | Function | None, norm: float, exponent: float) -> float:
    """Limit of y, or infinity with the sign of the growing part."""
    if not isinstance(forcing, SumOfExponentials) or norm == 1:
        return math.nan
    moving = forcing.rates > 0
    at_rest = forcing.constant + float(np.sum(forcing.weights[~moving]))
    if norm < 1:
        return at_rest / (1 - norm)
    amplitude = at_rest / exponent
    amplitude += float(np.sum(forcing.weights[moving] / (forcing.rates[moving] + exponent)))
    return math.copysign(math.inf, amplitude) if amplitude != 0 else math.nan
