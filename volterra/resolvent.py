"""Convolve a sum of exponentials (residues at the secular roots) with a forcing, stably.

G(tau) = sum_k G_k exp(-x_k tau) and f(t) = sum_i a_i exp(-sigma_i t) give
(G * f)(t) = sum_ik a_i G_k phi(t; x_k, sigma_i), phi = (exp(-sigma t) - exp(-x t)) / (x - sigma).
Summed pair by pair that is modes^2 * times work and free of cancellation; split into the two
exponentials it is modes * times, but loses digits where x_k and sigma_i nearly agree. So nearly
resonant pairs, a few per forcing rate, are kept as pairs and all others are split.

The error bound has two parts. Rounding: the sum of the absolute values of all terms, times
epsilon. Backward error: the computed roots belong to weights that are slightly off; kernel and
resolvent being positive, the solution moves by at most its derivative ("slope") in the direction
of the absolute errors of the weights, with |f| in the place of f.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from volterra.pairs import Pairs, pairs, resonant_pairs
from volterra.secular import EPS, SecularRoots, row_chunks

Array = NDArray[np.float64]

_TIME_CHUNK = 200_000  # entries of a times x modes temporary; small enough for the cache


@dataclass(frozen=True, eq=False)
class Residues:
    """Residues G_k at the roots, with all that the error bound wants to know about them.

    Attributes
    ----------
    value : ndarray, shape (modes,)
        G_k = g_k sum_j v_j / (rate_j - root_k), or g_k itself for the resolvent.
    rounding : ndarray, shape (modes,)
        Absolute rounding error of G_k in units of epsilon.
    majorant : ndarray, shape (modes,)
        G_k with |v| in the place of v.
    slope : ndarray, shape (modes,)
        Derivative of the majorant in the direction of the errors of the kernel weights.
    """

    value: Array
    rounding: Array
    majorant: Array
    slope: Array


@dataclass(frozen=True, eq=False)
class Terms:
    """Single exponentials: `rate`, and per exponential one coefficient of each kind.

    `own` is what does not belong to G * f; `slope_time` multiplies t exp(-rate t).
    """

    rate: Array
    value: Array
    own: Array
    rounding: Array
    slope: Array
    slope_time: Array

    def evaluate(self, t: Array, growth: float, early: bool) -> tuple[Array, Array, Array]:
        """Value, slope and rounding at times `t`, all multiplied by exp(-growth t)."""
        power = np.minimum(np.multiply.outer(t, self.rate + growth), 800.0)
        basis = np.expm1(-power) if early else np.exp(-power)
        value, slope = basis @ self.value, basis @ self.slope
        plain = basis + 1.0 if early else basis
        value += plain @ self.own
        slope += t * (plain @ self.slope_time)
        # exp(-p) carries the rounding of p, relative to itself.
        np.abs(basis, out=basis)
        summation = 3.0 + np.log2(1 + self.rate.size)
        rounding = basis @ self.rounding + summation * (plain @ np.abs(self.own))
        plain *= power
        rounding += plain @ (self.rounding + np.abs(self.own))
        return value, slope, rounding


@dataclass(frozen=True, eq=False)
class Convolution:
    """G * f (plus f itself, if asked for), ready to be evaluated at any times."""

    growth: float
    at_rates: Terms
    at_roots: Terms
    resonant: Pairs

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and absolute error bounds at times `t`; infinite where they overflow."""
        value, error = np.empty_like(t), np.empty_like(t)
        columns = self.at_rates.rate.size + self.at_roots.rate.size + 2 * self.resonant.weight.size
        step = max(1, _TIME_CHUNK // max(1, columns))
        fastest = np.max(np.abs(np.concatenate([self.at_rates.rate, self.at_roots.rate, [0.0]])))
        is_early = t * fastest <= 1.0
        for early in (True, False):
            chosen = np.flatnonzero(is_early == early)
            for start in range(0, chosen.size, step):
                part = chosen[start : start + step]
                value[part], error[part] = self._evaluate(t[part], early)
        return value, error

    def _evaluate(self, t: Array, early: bool) -> tuple[Array, Array]:
        """Sum all terms; `early` means that t is short against every time scale.

        G * f vanishes at t = 0, so exp may be replaced by exp - 1 in it: at early times that
        keeps the digits which a sum of nearly equal exponentials would lose.
        """
        growth = 0.0 if early else self.growth
        with np.errstate(all="ignore"):
            sums = [
                self.at_rates.evaluate(t, growth, early),
                self.at_roots.evaluate(t, growth, early),
                self.resonant.evaluate(t, growth),
            ]
            value, slope, rounding = (np.sum(column, axis=0) for column in zip(*sums, strict=True))
            rounding = rounding + np.abs(value) * (2.0 + growth * t)
            error = np.abs(slope) + EPS * rounding
            # In two halves, so that only a result that overflows does so.
            factor = np.exp(0.5 * growth * t)
            value = np.where(value == 0, 0.0, value * factor * factor)
            error = np.where(error == 0, 0.0, error * factor * factor)
            return value, np.where(np.isfinite(value), error, np.inf)


def convolve(
    roots: SecularRoots, residues: Residues, rates: Array, weights: Array, *, with_forcing: bool
) -> Convolution:
    """Split G * f into single exponentials and nearly resonant pairs.

    Parameters
    ----------
    roots : SecularRoots
        The exponents x_k of G.
    residues : Residues
        G_k.
    rates, weights : ndarray, shape (terms,)
        sigma_i >= 0, distinct and ascending, and a_i of the forcing.
    with_forcing : bool
        Whether f itself is added: f + G * f.

    Returns
    -------
    Convolution
        Costs modes * terms operations.
    """
    near = resonant_pairs(roots, rates)
    numerators = _numerators(roots, residues)
    own = weights * with_forcing
    at_rate = np.zeros((4, rates.size))
    at_root = np.zeros((4, roots.shift.size))
    both = np.stack([weights, np.abs(weights)])
    for part in row_chunks(rates.size, roots.shift.size):
        c = 1.0 / near.other_differences(roots, rates, part)
        at_rate[:2, part] = (c @ numerators[:, :2]).T
        at_root[:2] += both[:, part] @ c
        np.abs(c, out=c)
        at_rate[2, part] = c @ numerators[:, 2]
        at_root[2] += both[1, part] @ c
        c *= c
        at_rate[1, part] += c @ numerators[:, 3]
        at_rate[2, part] += c @ numerators[:, 4]
        at_root[3] += both[1, part] @ c
    return Convolution(
        growth=max(0.0, -float(roots.root[0])) if roots.shift.size else 0.0,
        at_rates=_rate_terms(rates, weights, own, at_rate),
        at_roots=_root_terms(roots, numerators, at_root),
        resonant=pairs(roots, near, residues, weights),
    )


def _numerators(roots: SecularRoots, residues: Residues) -> Array:
    """Per root: G, slope, rounding; then the slope from, and the rounding by, a moving root."""
    size = np.abs(residues.value)
    return np.stack(
        [
            residues.value,
            residues.slope,
            residues.rounding + 3.0 * size,
            -residues.majorant * roots.root_slope,
            size * np.abs(roots.shift),
        ],
        axis=1,
    )


def _rate_terms(rates: Array, weights: Array, own: Array, sums: Array) -> Terms:
    size = np.abs(weights)
    return Terms(
        rates, weights * sums[0], own, size * sums[2], size * sums[1], np.zeros_like(rates)
    )


def _root_terms(roots: SecularRoots, numerators: Array, sums: Array) -> Terms:
    # notation: sums over the forcing of a c, |a| c, |a c|, |a| c^2 with c = 1 / (root - rate)
    G, slope, rounding, moving, jitter = numerators.T
    return Terms(
        rate=roots.root,
        value=-sums[0] * G,
        own=np.zeros_like(G),
        rounding=sums[2] * rounding + sums[3] * jitter,
        slope=-sums[1] * slope - sums[3] * moving,
        slope_time=-sums[1] * moving,
    )
