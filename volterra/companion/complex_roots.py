"""Roots of 1 = Σ_j w_j / (rate_j − x) in the complex plane, for weights of any sign or phase.

With weights that are not positive the roots neither interlace with the rates nor stay real. They
are the eigenvalues of the companion matrix diag(rates) − s s', s = √weights, which is complex
symmetric and dense. LAPACK finds them to the accuracy of the whole matrix; a few sweeps of
Ehrlich's iteration on the secular equation then give each, as nearest rate + shift, the accuracy
of its own neighbourhood.

References
----------
L. W. Ehrlich, "A modified Newton method for polynomials", Comm. ACM 10 (1967), 107-108.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volterra.arrays import EPS, Array, Complex, Index
from volterra.exact.secular import row_chunks

_SWEEPS = 40
# A residue that may move by more than this part of itself is beyond a first-order bound.
_FIRST_ORDER = 0.1


@dataclass(frozen=True, eq=False)
class ComplexRoots:
    """All roots, with the resolvent's residues and bounds on how far each may be off.

    Attributes
    ----------
    rates, weights
        The poles, and the weights for which the roots are exact up to rounding, shape (modes,).
    origin, shift
        root_k = origin_k + shift_k, shape (modes,).
    residue
        g_k = 1 / Σ_j w_j / (rate_j − root_k)², shape (modes,).
    root_error, residue_error
        Absolute error bounds of the first order in the errors of the weights, shape (modes,);
        infinite where roots are so close that the first order says nothing.
    sweeps
        Sweeps of the iteration.
    """

    rates: Complex
    weights: Complex
    origin: Complex
    shift: Complex
    residue: Complex
    root_error: Array
    residue_error: Array
    sweeps: int

    @property
    def root(self) -> Complex:
        """The roots themselves, rounded to floating point."""
        return self.origin + self.shift

    def differences(self, values: Complex, part: slice) -> Complex:
        """Differences value − root for the roots of a slice: shape (roots, values)."""
        return (values - self.origin[part, None]) - self.shift[part, None]


def complex_roots(rates: Complex, weights: Complex) -> ComplexRoots:
    """Find all roots.

    Parameters
    ----------
    rates
        Distinct, shape (modes,).
    weights
        Not zero, shape (modes,).

    Returns
    -------
    ComplexRoots
        Costs an eigenvalue problem, about 25 modes³, and some sweeps of modes².
    """
    if rates.size == 0:
        empty, none = np.empty(0, np.complex128), np.empty(0)
        return ComplexRoots(rates, weights, empty, empty, empty, none, none, 0)
    s = np.sqrt(weights)
    start = np.linalg.eigvals(np.diag(rates) - np.multiply.outer(s, s)).astype(np.complex128)
    origin = np.empty_like(rates)
    # A shift starts with the error of its eigenvalue, one of the whole matrix; but as a number of
    # its own it has digits of its own to gain.
    for part in row_chunks(start.size, rates.size):
        origin[part] = rates[np.argmin(np.abs(start[part, None] - rates), axis=1)]
    shift = start - origin
    # A root on a rate is one that rounding put there: it starts where a lone mode has its own.
    stuck = shift == 0
    lone = dict(zip(rates.tolist(), weights.tolist(), strict=True))
    shift[stuck] = [-lone[rate] for rate in origin[stuck].tolist()]
    with np.errstate(all="ignore"):
        sweeps = _ehrlich(rates, weights, origin, shift)
        return _finish(rates, weights, origin, shift, sweeps)


def _ehrlich(rates: Complex, weights: Complex, origin: Complex, shift: Complex) -> int:
    """Improve all shifts at once, in place, until none moves by more than rounding."""
    active = np.arange(shift.size)
    for sweep in range(1, _SWEEPS + 1):
        steps = np.concatenate(
            [
                _ehrlich_step(rates, weights, origin, shift, active[part])
                for part in row_chunks(active.size, rates.size)
            ]
        )
        # Two roots in one place, or one on a pole: the step says nothing, the error bound will.
        steps[~np.isfinite(steps)] = 0.0
        shift[active] += steps
        active = active[np.abs(steps) > 4 * EPS * np.abs(shift[active])]
        if active.size == 0:
            return sweep
    return _SWEEPS


def _ehrlich_step(
    rates: Complex, weights: Complex, origin: Complex, shift: Complex, rows: Index
) -> Complex:
    # notation: F = 1 − Σ w/(r − x); p = F Π (r − x), a polynomial with
    # p'/p = F'/F − Σ 1/(r − x). Newton's step −p/p' with all other roots x_l divided out of p,
    # p'/p − Σ 1/(x − x_l), cannot lead two of them to the same place.
    inverse = 1.0 / ((rates - origin[rows, None]) - shift[rows, None])
    terms = inverse * weights
    newton = -np.einsum("ij,ij->i", terms, inverse) / (1.0 - terms.sum(axis=1))
    others = (origin[rows, None] - origin) + (shift[rows, None] - shift)
    others[np.arange(rows.size), rows] = np.inf
    step: Complex = -1.0 / (newton - inverse.sum(axis=1) - (1.0 / others).sum(axis=1))
    return step


def _finish(
    rates: Complex, weights: Complex, origin: Complex, shift: Complex, sweeps: int
) -> ComplexRoots:
    # notation: D = rate_j − root_k, p_j the uncertainty of w_j; S2, S3 sums of w/D², w/D³; P1, P2
    # with |D| in the place of D and p in that of w. From 1 = Σ w/D: dx = −g Σ dw/D; from g = 1/S2:
    # dg = −g² (Σ dw/D² + 2 S3 dx)
    implied, rounding = implied_weights(rates, origin, shift)
    p = np.abs(implied - weights) + EPS * rounding * np.abs(weights)
    residue = np.empty_like(shift)
    root_error, residue_error = np.empty(shift.size), np.empty(shift.size)
    relative = EPS * (6.0 + np.log2(1 + rates.size))
    for part in row_chunks(shift.size, rates.size):
        inverse = 1.0 / ((rates - origin[part, None]) - shift[part, None])
        S2, S3 = (inverse**2) @ implied, (inverse**3) @ implied
        size = np.abs(inverse)
        P1, P2 = size @ p, size**2 @ (p + relative * np.abs(implied))
        g = residue[part] = 1.0 / S2
        root_error[part] = np.abs(g) * P1 + 2 * EPS * np.abs(shift[part])
        moved = np.abs(g) * (2.0 * root_error[part] * np.abs(S3) + P2)
        residue_error[part] = np.where(moved < _FIRST_ORDER, moved * np.abs(g), np.inf)
    return ComplexRoots(rates, implied, origin, shift, residue, root_error, residue_error, sweeps)


def implied_weights(rates: Complex, origin: Complex, shift: Complex) -> tuple[Complex, Array]:
    """Weights for which the computed roots are exact, and their rounding in units of epsilon.

    Loewner's formula, −w_j = Π_k (root_k − rate_j) / Π_(k ≠ j) (rate_k − rate_j), each rate
    divided into the root that sorting puts at its place.
    """
    order = np.argsort(rates)
    place = np.argsort(origin + shift)
    implied, rounding = np.empty_like(rates), np.empty(rates.size)
    for part in row_chunks(rates.size, rates.size):
        rows = order[part]
        own = np.arange(part.start, part.stop)
        gap = rates[order] - rates[rows, None]
        gap[own - part.start, own] = 1.0
        below = (origin[place] - rates[rows, None]) + shift[place]
        # Sums of logarithms: products of so many factors may leave the range on their way. Sorted
        # alike, most factors are near one; which branch a logarithm takes does not matter to exp.
        factors = np.log(below / gap)
        implied[rows] = -np.exp(factors.sum(axis=1))
        rounding[rows] = 6.0 * rates.size + 2.0 * np.abs(factors).sum(axis=1)
    return implied, rounding
