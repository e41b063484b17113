"""What can be said about an equation without solving it: norm, limit, growth rate, stability."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from volterra.analyse_convolution import convolution_facts
from volterra.exact import require_positive
from volterra.general_kernels import Convolution
from volterra.kernels import Function, SumOfExponentials
from volterra.smallest_root import kernel_deficit, smallest_root

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Analysis:
    """Long-time behaviour of y = f + K * y.

    Attributes
    ----------
    kernel_norm : float
        Integral of K over time, sum_j w_j / r_j; infinite if a rate is zero.
    limit : float
        Limit of y: f(infinity) / (1 - kernel_norm) if stable, else infinite with the sign of the
        growing part. NaN without a forcing, or for one that is not a `SumOfExponentials`.
    malthusian_exponent : float
        mu with integral K(s) exp(-mu s) ds = 1: y grows (mu > 0) or relaxes (mu < 0) like
        exp(mu t). Minus infinity for the zero kernel, NaN if there is none (heavy
        tails), or if it is too near the rate of a function's own decay to be told from it.
    stable : bool
        kernel_norm < 1.
    """

    kernel_norm: float
    limit: float
    malthusian_exponent: float
    stable: bool


def analyse(
    kernel: SumOfExponentials | Convolution,
    forcing: SumOfExponentials | Function | None = None,
) -> Analysis:
    """Kernel norm, limit, Malthusian exponent and stability.

    Parameters
    ----------
    kernel : SumOfExponentials or Convolution
        With weights >= 0, or a scalar function >= 0; that is integrated numerically, to 1e-9.
    forcing : SumOfExponentials or callable, optional
        Needed for the limit only.

    Returns
    -------
    Analysis
        Costs O(modes).

    Raises
    ------
    TypeError
        If the kernel is of another kind.
    ValueError
        If a kernel weight is negative; if a function is, or is too rough to be integrated.

    Examples
    --------
    >>> analyse(SumOfExponentials([2.0], [1.0])).malthusian_exponent
    -1.0
    """
    if isinstance(kernel, Convolution):
        norm, rate, limit = convolution_facts(kernel, forcing)
        return Analysis(norm, limit, rate, norm < 1)
    if not isinstance(kernel, SumOfExponentials):
        raise TypeError(
            f"analyse needs a SumOfExponentials or a Convolution, got {type(kernel).__name__}: "
            "with a clock and a weight, analyse the kernel that their final values make."
        )
    require_positive(kernel)
    modes = kernel.modes()
    keep = modes.weights > 0
    rates, weights = modes.rates[keep], modes.weights[keep]
    deficit = kernel_deficit(rates, weights)
    exponent = -sum(smallest_root(rates, weights)) if rates.size else -math.inf
    return Analysis(
        kernel_norm=1.0 - deficit,
        limit=_limit(forcing, deficit, rates, weights, -exponent),
        malthusian_exponent=exponent,
        stable=deficit > 0,
    )


def _limit(
    forcing: SumOfExponentials | Function | None,
    deficit: float,
    rates: Array,
    weights: Array,
    root: float,
) -> float:
    """Limit of y; an unstable y grows like the forcing's Laplace transform at the growth rate."""
    if not isinstance(forcing, SumOfExponentials):
        return math.nan
    at_rest = forcing.constant + float(np.sum(forcing.weights[forcing.rates == 0]))
    if deficit > 0:
        return at_rest / deficit
    decaying = forcing.rates > 0
    if deficit == 0:
        return _critical_limit(forcing, at_rest, rates, weights)
    amplitude = float(np.sum(forcing.weights[decaying] / (forcing.rates[decaying] - root)))
    amplitude -= at_rest / root
    return math.copysign(math.inf, amplitude) if amplitude != 0 else math.nan


def _critical_limit(
    forcing: SumOfExponentials, at_rest: float, rates: Array, weights: Array
) -> float:
    """At kernel norm one y tends to the forcing's integral over the kernel's mean time."""
    if at_rest != 0:
        return math.copysign(math.inf, at_rest)
    decaying = forcing.rates > 0
    integral = float(np.sum(forcing.weights[decaying] / forcing.rates[decaying]))
    return integral / float(np.sum(weights / rates**2))
