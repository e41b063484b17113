"""What can be said about an equation without solving it: norm, limit, growth rate, stability.

Everything follows from the kernel's transform Σ_j w_j / (r_j − x), for powers with r = 1 − q:
its value at rest x = 0, and where it is one. A kernel of another kind is analysed through its own
transform: for sums it is known in closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from volterra.analysis.convolution import convolution_facts
from volterra.analysis.resolvent import resolvent
from volterra.arrays import Complex
from volterra.exact.method import distinct_positive
from volterra.exact.smallest_root import kernel_deficit, smallest_root
from volterra.kernels.exponentials import Function
from volterra.kernels.exponents import of_powers
from volterra.kernels.functions import Convolution
from volterra.kernels.powers import SumOfPowers
from volterra.kernels.sums import Sum


@dataclass(frozen=True)
class Analysis:
    """Long-time behaviour of y = f + K * y.

    Attributes
    ----------
    kernel_norm
        Integral of K over time, Re Σ_j w_j / r_j, for powers the sum over all m, r = 1 − q;
        infinite if a rate is zero. That is K's norm if K ≥ 0, and else what the limit depends on.
    limit
        Limit of y: f(∞) / (1 − kernel_norm) if stable, else infinite with the sign of the
        growing part; NaN if there is none, as where y oscillates. NaN without a forcing, or for one
        that is not a sum like the kernel.
    malthusian_exponent
        Growth rate μ of the resolvent: y grows (μ > 0) or relaxes (μ < 0) like exp(μ t), for
        powers like exp(μ k). For K ≥ 0 it solves ∫ K(s) exp(−μ s) ds = 1. Minus infinity
        for the zero kernel, NaN if there is none (heavy tails), or if it is too near the rate of a
        function's own decay to be told from it.
    stable
        malthusian_exponent < 0; for K ≥ 0 the same as kernel_norm < 1.
    """

    kernel_norm: float
    limit: float
    malthusian_exponent: float
    stable: bool


def analyse(kernel: Sum | Convolution, forcing: Sum | Function | None = None) -> Analysis:
    """Kernel norm, limit, Malthusian exponent and stability.

    Parameters
    ----------
    kernel
        A sum with weights of any sign or phase, or a scalar function ≥ 0; that is integrated
        numerically, to 1e-9.
    forcing
        Needed for the limit only; beside a sum it must be one of the same kind.

    Returns
    -------
    Analysis
        Costs O(modes) if all weights are ≥ 0 and all ratios of powers too; modes² with negative
        ratios, modes³ with weights of any sign or phase.

    Raises
    ------
    TypeError
        If the kernel is of another kind.
    ValueError
        If a function is negative somewhere, or too rough to be integrated.

    Examples
    --------
    >>> from volterra import SumOfExponentials
    >>> analyse(SumOfExponentials([2.0], [1.0])).malthusian_exponent
    -1.0
    """
    if isinstance(kernel, Convolution):
        norm, rate, limit = convolution_facts(kernel, forcing)
        return Analysis(norm, limit, rate, norm < 1)
    if not isinstance(kernel, Sum):
        raise TypeError(
            "analyse needs a SumOfExponentials, a SumOfPowers or a Convolution, got "
            f"{type(kernel).__name__}: wrap a function of t - s as Convolution(k); with a clock "
            "and a weight, analyse the kernel that their final values make."
        )
    comparable = forcing if isinstance(forcing, type(kernel)) else None
    alternates = isinstance(kernel, SumOfPowers) and bool(np.any(kernel.rates.real > 1))
    if kernel.is_positive and not alternates:
        return _positive(kernel, comparable)
    return _any_sign(kernel, comparable)


# ------------------------------------------------------------------ positive kernels: one root


def _positive(kernel: Sum, forcing: Sum | None) -> Analysis:
    rates, weights = distinct_positive(kernel)
    deficit = kernel_deficit(rates, weights)
    root = sum(smallest_root(rates, weights)) if rates.size else math.inf
    exponent = -root
    if isinstance(kernel, SumOfPowers) and rates.size:
        exponent = -float(of_powers(np.array([root])).decay[0])
    limit = math.nan
    if forcing is not None:
        parts = _parts(forcing)
        mean_time = float(np.sum(weights / rates**2)) if deficit == 0 else math.nan
        limit = parts.growth(root, 1.0) if deficit < 0 else parts.limit(deficit, mean_time)
    return Analysis(1.0 - deficit, limit, exponent, deficit > 0)


# ------------------------------------------------------------------ any sign: all roots


def _any_sign(kernel: Sum, forcing: Sum | None) -> Analysis:
    found, own = resolvent(kernel), _parts(kernel)
    decay = found.functions.decay.real
    exponent = -float(np.min(decay, initial=math.inf))
    norm = math.copysign(math.inf, own.at_rest) if own.at_rest else own.integral
    limit = math.nan
    if forcing is not None and exponent < 0:
        limit = _parts(forcing).limit(1.0 - norm, math.nan)
    elif forcing is not None and exponent > 0:
        root = complex(found.rates[np.argmin(decay)])
        residue = complex(found.weights[np.argmin(decay)]).real
        # A growing mode that oscillates has no limit, not even an infinite one.
        steady = root.imag == 0 and root.real < 0
        limit = _parts(forcing).growth(root.real, residue) if steady else math.nan
    return Analysis(norm, limit, exponent, exponent < 0)


# ------------------------------------------------------------------ forcings


@dataclass(frozen=True, eq=False)
class _Parts:
    """A sum in two parts: a constant for ever, and functions of the given rates."""

    at_rest: float
    rates: Complex
    weights: Complex
    oscillates: bool

    @property
    def integral(self) -> float:
        """Integral of the moving part (in Abel's sense, where it oscillates for ever)."""
        return float(np.sum(self.weights / self.rates).real)

    def limit(self, deficit: float, mean_time: float) -> float:
        """Limit of a y that does not grow; at the critical point it sums up all of the forcing."""
        if deficit == 0 and self.at_rest != 0:
            return math.copysign(math.inf, self.at_rest)
        if self.oscillates:
            return math.nan
        return self.at_rest / deficit if deficit != 0 else self.integral / mean_time

    def growth(self, root: float, residue: float) -> float:
        """Plus or minus infinity, by the sign of the forcing's transform at the growing root."""
        amplitude = float(np.sum(self.weights / (self.rates - root)).real) - self.at_rest / root
        amplitude *= residue
        return math.copysign(math.inf, amplitude) if amplitude != 0 else math.nan


def _parts(terms: Sum) -> _Parts:
    still = terms.rates == 0
    at_rest = terms.constant + float(np.sum(terms.weights[still].real))
    rates = terms.rates[~still].astype(np.complex128)
    weights = terms.weights[~still].astype(np.complex128)
    lasts = rates.real == 0
    if isinstance(terms, SumOfPowers):
        lasts = (np.abs(1.0 - rates) >= 1) & ((rates.imag != 0) | (rates.real >= 2))
    return _Parts(at_rest, rates, weights, bool(np.any(lasts & (weights != 0))))
