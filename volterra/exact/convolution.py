"""Convolve the resolvent (residues at the secular roots) with a forcing, stably.

G(τ) = Σ_k G_k exp(−x_k τ) and f(t) = Σ_i a_i exp(−σ_i t) give
(G * f)(t) = Σ_ik a_i G_k φ(t; x_k, σ_i), φ = (exp(−σ t) − exp(−x t)) / (x − σ).
For the difference equation exp(−x t) is the power (1 − x)^t, and nothing else changes.
Summed pair by pair that is modes² · times work and free of cancellation; split into the two
exponentials it is modes · times, but loses digits where x_k and σ_i nearly agree. So nearly
resonant pairs, a few per forcing rate, are kept as pairs and all others are split.

The error bound has two parts. Rounding: the sum of the absolute values of all terms, times
epsilon. Backward error: the computed roots belong to weights that are slightly off; kernel and
resolvent being positive, the solution moves by at most its derivative ("slope") in the direction
of the absolute errors of the weights, with |f| in the place of f. Where ratios are negative
nothing is positive, and the absolute values of all terms of that derivative are summed instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volterra.arrays import EPS, Array
from volterra.exact.residues import Residues
from volterra.exact.resonances import ResonantPairs, resonances, with_residues
from volterra.exact.secular import SecularRoots, row_chunks
from volterra.kernels.exponents import Exponents, Reading, regrown

_TIME_CHUNK = 200_000  # entries of a times x modes temporary; small enough for the cache


@dataclass(frozen=True, eq=False)
class SingleTerms:
    """Single exponentials: their exponents, and per exponential one coefficient of each kind.

    `own` is what does not belong to G * f; `slope_time` multiplies t times the exponential.
    """

    exponents: Exponents
    value: Array
    own: Array
    rounding: Array
    slope: Array
    slope_time: Array

    def evaluate(self, t: Array, growth: float, early: bool) -> tuple[Array, Array, Array]:
        """Value, slope and rounding at times `t`, all multiplied by exp(−growth t)."""
        # exp(−800) is zero; of a larger power rounding would make infinity times zero.
        power = np.minimum(np.multiply.outer(t, self.exponents.decay + growth), 800.0)
        basis = np.expm1(-power) if early else np.exp(-power)
        plain = basis + 1.0 if early else basis
        slope = basis @ self.slope + t * (plain @ self.slope_time)
        # Values alternate, the slope that bounds sizes does not; at early times nothing does.
        self.exponents.flip(basis, t)
        value = basis @ self.value + plain @ self.own
        np.abs(basis, out=basis)
        # exp(−p) carries the rounding of p, relative to itself.
        size = self.rounding + np.abs(self.own)
        summation = 3.0 + np.log2(1 + self.own.size)
        rounding = basis @ self.rounding + summation * (plain @ np.abs(self.own))
        if np.any(self.exponents.excess):
            rounding += t * (plain @ (self.exponents.excess * size))
        plain *= power
        return value, slope, rounding + plain @ size


@dataclass(frozen=True, eq=False)
class RealConvolution:
    """G * f, plus f itself or other exponentials of its rates, ready for any times."""

    growth: float
    at_rates: SingleTerms
    at_roots: SingleTerms
    resonant: ResonantPairs

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and absolute error bounds at times `t`; infinite where they overflow."""
        value, error = np.empty_like(t), np.empty_like(t)
        single = [self.at_rates.exponents, self.at_roots.exponents]
        columns = sum(e.decay.size for e in single) + 2 * self.resonant.weight.size
        step = max(1, _TIME_CHUNK // max(1, columns))
        fastest = max(float(np.max(np.abs(e.decay), initial=0.0)) for e in single)
        is_early = t * fastest <= (-1.0 if any(e.alternate for e in single) else 1.0)
        for early in (True, False):
            chosen = np.flatnonzero(is_early == early)
            for start in range(0, chosen.size, step):
                part = chosen[start : start + step]
                value[part], error[part] = self._evaluate(t[part], early)
        return value, error

    def _evaluate(self, t: Array, early: bool) -> tuple[Array, Array]:
        """Sum all terms; `early` means that t is short against every time scale.

        G * f vanishes at t = 0, so exp may be replaced by exp − 1 in it: at early times that
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
            value, error = regrown(value, growth, t), regrown(error, growth, t)
            return value, np.where(np.isfinite(value), error, np.inf)


def convolve(
    roots: SecularRoots,
    residues: Residues,
    rates: Array,
    weights: Array,
    *,
    reading: Reading,
    own: Array,
) -> RealConvolution:
    """Split G * f into single exponentials and nearly resonant pairs.

    Parameters
    ----------
    roots
        The exponents x_k of G.
    residues
        G_k.
    rates, weights
        σ_i ≥ 0, distinct and ascending, and a_i of the forcing, shape (terms,).
    reading
        How rates and roots become functions of time, `of_exponentials` or `of_powers`.
    own
        Coefficients of exp(−σ_i t) that are added to G * f, shape (terms,): `weights` to add f.

    Returns
    -------
    RealConvolution
        Costs modes · terms operations.
    """
    ours, theirs = reading(roots.root), reading(rates)
    near = resonances(roots, ours, theirs)
    # Sums over roots for each rate: of G c, of its slope and of its rounding. Sums over rates for
    # each root, what the residue is multiplied by: a c, |a| c, |a c|, |a| c².
    numerators = _numerators(roots, residues)
    at_rate = np.zeros((4, rates.size))
    at_root = np.zeros((4, roots.shift.size))
    both = np.stack([weights, np.abs(weights)])
    for part in row_chunks(rates.size, roots.shift.size):
        c = 1.0 / near.other_differences(roots, rates, part)
        at_rate[:2, part] = (c @ numerators[:, :2]).T
        at_root[:2] += both[:, part] @ c
        # |c| from here, then c²: in place, for writing such matrices costs more than the products.
        np.abs(c, out=c)
        at_rate[2, part] = c @ numerators[:, 2]
        at_root[2] += both[1, part] @ c
        if not roots.positive:
            at_rate[1, part] = c @ numerators[:, 1]
        c *= c
        at_rate[1, part] += c @ numerators[:, 3]
        at_rate[2, part] += c @ numerators[:, 4]
        at_root[3] += both[1, part] @ c
    return RealConvolution(
        growth=max(0.0, -float(np.min(ours.decay, initial=0.0))),
        at_rates=_rate_terms(theirs, weights, own, at_rate),
        at_roots=_root_terms(ours, numerators, at_root, roots.positive),
        resonant=with_residues(near, roots, residues, weights),
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


def _rate_terms(theirs: Exponents, weights: Array, own: Array, sums: Array) -> SingleTerms:
    size = np.abs(weights)
    return SingleTerms(
        theirs, weights * sums[0], own, size * sums[2], size * sums[1], np.zeros_like(weights)
    )


def _root_terms(ours: Exponents, numerators: Array, sums: Array, positive: bool) -> SingleTerms:
    # notation: sums over the forcing of a c, |a| c, |a c|, |a| c² with c = 1 / (root − rate)
    G, slope, rounding, moving, jitter = numerators.T
    weight, gradient = (-sums[1], -sums[3]) if positive else (sums[2], sums[3])
    return SingleTerms(
        exponents=ours,
        value=-sums[0] * G,
        own=np.zeros_like(G),
        rounding=sums[2] * rounding + sums[3] * jitter,
        slope=weight * slope + gradient * moving,
        slope_time=weight * moving * ours.slope,
    )
