"""Roots of the secular equation 1 = Σ_j w_j / (rate_j − x), each to full relative accuracy.

Between two neighbouring rates there is exactly one root, and one lies below the smallest rate.
A root is kept as origin + shift, the origin being the nearer rate, so that every difference
rate_j − root = (rate_j − origin) − shift is accurate however close the two are. That is the
representation of the symmetric eigenvalue solvers for "diagonal plus rank one".

References
----------
C. F. Borges, W. B. Gragg, "A parallel divide and conquer algorithm for the generalized real
symmetric definite tridiagonal eigenproblem", 1993 (the iteration: three-parameter rational
interpolation with both neighbouring poles, of third order and monotone).
R.-C. Li, "Solving secular equations stably and efficiently", LAPACK Working Note 89, 1993.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from volterra.arrays import EPS, Array, Index, Mask
from volterra.exact.smallest_root import smallest_root

# A weight this small relative to the sum acts on nothing; as zero it keeps 1/shift³ finite.
NEGLIGIBLE = 1e-40
_CHUNK = 120_000  # matrix entries worked on at once; small enough to stay in the cache
_MAX_ITERATIONS = 60
_LEAST_RATE = 1e-95
"""Whose third power can be inverted; so can the largest one's, for rates that span 1e190."""


@dataclass(frozen=True, eq=False)
class SecularRoots:
    """All roots of 1 = Σ_j w_j / (rate_j − x), ascending, with what the resolvent needs.

    Attributes
    ----------
    rates, weights
        The poles, ascending and distinct, and the positive weights for which the roots are exact,
        shape (modes,); they differ from the given ones by rounding.
    origin, shift
        root_k = origin_k + shift_k, shape (modes,).
    residue
        g_k = 1 / Σ_j w_j / (rate_j − root_k)², the weight of exp(−root_k t) in the resolvent,
        shape (modes,).
    weight_error
        Bound on |implied weight − true weight|, rounding included, shape (modes,).
    root_slope, residue_slope
        How root_k and g_k move when `weight_error` is added to the weights, to first order, shape
        (modes,); if not `positive`, how far at most when errors of that size and any sign are.
    iterations
        Sweeps over the interior roots.
    positive
        Whether kernel and resolvent are positive functions, so that the worst of all errors is the
        one with the same sign everywhere. Not so if ratios of a difference equation are negative.
    """

    rates: Array
    weights: Array
    origin: Array
    shift: Array
    residue: Array
    root_slope: Array
    residue_slope: Array
    weight_error: Array
    iterations: int
    positive: bool = True

    @property
    def root(self) -> Array:
        """The roots themselves, rounded to floating point."""
        return self.origin + self.shift

    def pole_sums(self, numerators: Array) -> tuple[Array, Array, Array, Array]:
        """Sums over j of v/D, |v|/D, |v/D| and |v|/D² for every root, D = rate_j − root."""
        both = np.stack([numerators, np.abs(numerators)], axis=1)
        out = np.empty((4, self.shift.size))
        for part in row_chunks(self.shift.size, self.rates.size):
            inverse = 1.0 / ((self.rates - self.origin[part, None]) - self.shift[part, None])
            out[:2, part] = (inverse @ both).T
            np.abs(inverse, out=inverse)
            out[2, part] = inverse @ both[:, 1]
            inverse *= inverse
            out[3, part] = inverse @ both[:, 1]
        signed, positive, absolute, squared = out
        return signed, positive, absolute, squared


def row_chunks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of rows such that rows · columns stays near the chunk size."""
    step = max(1, _CHUNK // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def secular_roots(
    rates: Array, weights: Array, *, positive: bool = True, deviation: float = 0.0
) -> SecularRoots:
    """Find all roots.

    Parameters
    ----------
    rates
        Distinct and ascending, ≥ 0, shape (modes,).
    weights
        Positive, shape (modes,).
    positive
        See `SecularRoots`.
    deviation
        Relative to which the weights are known; it joins their `weight_error`.

    Returns
    -------
    SecularRoots
        The relative error of a shift is a few units in the last place times
        (1 + Σ |w/(rate−x)|) / (|shift| Σ w/(rate−x)²).

    Notes
    -----
    Costs about six sweeps over a modes x modes matrix that is never stored.
    """
    if rates.size == 0:
        empty = np.empty(0)
        return SecularRoots(rates, weights, *(empty,) * 6, iterations=0, positive=positive)
    # A power of two brings the total weight near 1 without rounding anything, and the least rate
    # so far up that 1/rate³ is finite.
    scale = 2.0 ** -math.floor(math.log2(float(np.sum(weights))))
    least = float(rates[rates > 0].min(initial=np.inf)) * scale
    if least < _LEAST_RATE:
        scale *= 2.0 ** math.ceil(math.log2(_LEAST_RATE / least))
    scaled_rates, scaled_weights = rates * scale, weights * scale
    origin, shift = np.empty(rates.size), np.empty(rates.size)
    origin[0], shift[0] = smallest_root(scaled_rates, scaled_weights)
    iterations = 0
    for part in row_chunks(rates.size - 1, rates.size):
        rows = np.arange(part.start + 1, part.stop + 1)
        origin[rows], shift[rows], count = _interior_roots(scaled_rates, scaled_weights, rows)
        iterations = max(iterations, count)
    implied, rounding = implied_weights(rates, origin / scale, shift / scale)
    error = np.abs(implied - weights) + (EPS * rounding + deviation) * weights
    return _finish(rates, implied, origin / scale, shift / scale, error, iterations, positive)


# ------------------------------------------------------------------------- interior roots


def _interior_roots(rates: Array, weights: Array, rows: Index) -> tuple[Array, Array, int]:
    """Roots number `rows`, each between the rates rows-1 and rows, by Gragg's iteration.

    The unknown is θ > 0, the distance to the nearer of the two rates.
    """
    left, right = rates[rows - 1], rates[rows]
    gap = right - left
    inverse = 1.0 / ((rates - left[:, None]) - 0.5 * gap[:, None])
    # The function falls from one pole to the next: its sign in the middle says which is nearer.
    middle = 1.0 - inverse @ weights
    near_left = middle <= 0.0
    origin = np.where(near_left, left, right)
    side = np.where(near_left, 1.0, -1.0)
    offset = rates - origin[:, None]
    # First guess: the two neighbouring poles as they are, all others as in the middle.
    background = middle + 2.0 * (weights[rows] - weights[rows - 1]) / gap
    theta = _two_pole_root(background, weights[rows - 1], weights[rows], gap, near_left)
    # Half of the gap would do, but rounding may have chosen the farther side.
    low, high = np.zeros_like(theta), 0.75 * gap
    theta = np.clip(theta, np.finfo(np.float64).tiny, high)
    active = np.arange(rows.size)
    count = 0
    while active.size and count < _MAX_ITERATIONS:
        count += 1
        here = theta[active]
        updated = _gragg_step(
            offset if active.size == rows.size else offset[active],
            weights,
            side[active] * here,
            rows[active],
            gap[active],
            near_left[active],
            here,
            low,
            high,
            active,
        )
        moved = np.abs(updated - here)
        theta[active] = updated
        # The order is three in the end, but next to a cluster of rates the steps gain little at
        # first: a short step alone does not say that the root is near. Rounding may keep a few
        # ill-conditioned roots moving to the last iteration; they are few.
        active = active[moved > 16 * EPS * updated]
    return origin, side * theta, count


def _gragg_step(
    offset: Array,
    weights: Array,
    shift: Array,
    rows: Index,
    gap: Array,
    near_left: Mask,
    theta: Array,
    low: Array,
    high: Array,
    active: Index,
) -> Array:
    # notation: near, far the signed distances to the two poles around x; S2, S3 the sums of
    # w/(rate-x)^p over all poles but the nearer one, whose own share would drown them.
    inverse = 1.0 / (offset - shift[:, None])
    value = 1.0 - inverse @ weights
    pole, other = np.where(near_left, rows - 1, rows), np.where(near_left, rows, rows - 1)
    near, far = np.where(near_left, -theta, theta), np.where(near_left, gap - theta, theta - gap)
    inverse[np.arange(rows.size), pole] = 0.0
    power = inverse * inverse
    S2 = power @ weights
    power *= inverse
    S3 = power @ weights
    own = weights[pole] / (near * near)
    # The interpolant, a constant less a share of either pole, weight/(pole − x), has the function's
    # value and first two derivatives here: these are its weights, over the squares of near and far.
    # In exact arithmetic both interpolating weights are at least the poles' own.
    at_far = np.maximum((S2 - near * S3) / (1.0 - near / far), weights[other] / (far * far))
    at_near = np.maximum((S2 + own - far * (S3 + own / near)) / (1.0 - far / near), own)
    background = value + at_far * far + at_near * near
    at_near, at_far = at_near * near * near, at_far * far * far
    at_left, at_right = np.where(near_left, (at_near, at_far), (at_far, at_near))
    updated = _two_pole_root(background, at_left, at_right, gap, near_left)
    # value > 0 means that the root lies to the right of x.
    grow = (value > 0) == near_left
    low[active] = np.where(grow, theta, low[active])
    high[active] = np.where(grow, high[active], theta)
    # At the root rounding may step over the bracket by a few units in the last place: let it.
    below, above = low[active] * (1 - 8 * EPS), high[active] * (1 + 8 * EPS)
    inside = (updated >= below) & (updated <= above) & (updated > 0)
    return np.where(inside, updated, 0.5 * (low[active] + high[active]))


def _two_pole_root(c: Array, s: Array, S: Array, d: Array, near_left: Mask) -> Array:
    # notation: c + s/theta − S/(d−theta) = 0, theta from the left pole; mirrored for the right one.
    # Of the two formulas for the root of the quadratic, the one that does not subtract.
    c, s, S = np.where(near_left, c, -c), np.where(near_left, s, S), np.where(near_left, S, s)
    B = c * d - s - S
    root = np.sqrt(np.maximum(B * B + 4.0 * c * s * d, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(B > 0, (B + root) / (2.0 * c), 2.0 * s * d / (root - B))


# ------------------------------------------------------------------------- residues, errors


def _finish(
    rates: Array,
    implied: Array,
    origin: Array,
    shift: Array,
    p: Array,
    iterations: int,
    positive: bool,
) -> SecularRoots:
    # notation: D = rate_j − root_k, p_j the uncertainty of w_j; S2 = Σ w/D², S3 = Σ w/D³;
    # P1, P2 with p in the place of w
    residue, root_slope, residue_slope = (np.empty_like(shift) for _ in range(3))
    both = np.stack([implied, p], axis=1)
    for part in row_chunks(shift.size, rates.size):
        # In units of the distance to the nearest pole: the cube of 1/D would overflow.
        unit = np.where(shift[part] == 0, 1.0, np.abs(shift[part]))
        inverse = unit[:, None] / ((rates - origin[part, None]) - shift[part, None])
        P1 = (inverse if positive else np.abs(inverse)) @ p
        power = inverse * inverse
        S2, P2 = (power @ both).T
        power *= inverse
        S3 = power @ implied
        g = unit / S2
        residue[part], root_slope[part] = g * unit, -g * P1
        moved, added = 2.0 * P1 * S3 / S2, -P2
        residue_slope[part] = g * g * (moved + added if positive else np.abs(moved) + P2)
    return SecularRoots(
        rates, implied, origin, shift, residue, root_slope, residue_slope, p, iterations, positive
    )


def implied_weights(rates: Array, origin: Array, shift: Array) -> tuple[Array, Array]:
    """Weights for which the computed roots are exact, and their rounding in units of epsilon.

    Every root is right for slightly other weights than the next one is; residues taken from the
    given weights would then not belong to one and the same equation, and sums over them would lose
    digits. Loewner's formula gives the weights that fit all roots at once, and their distance from
    the given ones is a backward error of the whole solution.

    References
    ----------
    M. Gu, S. C. Eisenstat, "A stable and efficient algorithm for the rank-one modification of the
    symmetric eigenproblem", SIAM J. Matrix Anal. Appl. 15 (1994), 1266-1276.
    """
    # notation: w_j = (rate_j − root_j) Π_(k ≠ j) (1 + u_jk), 1 + u = (root_k − rate_j) / gap
    below = (origin - rates) + shift
    implied, rounding = np.empty_like(rates), np.empty_like(rates)
    for part in row_chunks(rates.size, rates.size):
        rows = np.arange(part.start, part.stop)
        gap = rates - rates[part, None]
        gap[rows - part.start, rows] = 1.0
        u = below / gap
        u[rows - part.start, rows] = 0.0
        # Nearly −1: there 1 + u is taken from the differences, in which nothing cancels.
        row, k = np.nonzero(u < -0.5)
        close = ((origin[k] - rates[rows[row]]) + shift[k]) / gap[row, k]
        u[row, k] = 0.0
        factors = np.log1p(u, out=u)
        factors[row, k] = np.log(close)
        implied[part] = -below[part] * np.exp(factors.sum(axis=1))
        rounding[part] = 6.0 + 2.0 * np.abs(factors).sum(axis=1)
    return implied, rounding
