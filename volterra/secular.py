"""Roots of the secular equation 1 = sum_j w_j / (rate_j - x), each to full relative accuracy.

Between two neighbouring rates there is exactly one root, and one lies below the smallest rate.
A root is kept as origin + shift, the origin being the nearer rate, so that every difference
rate_j - root = (rate_j - origin) - shift is accurate however close the two are. That is the
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

EPS = float(np.finfo(np.float64).eps)
_CHUNK = 120_000  # matrix entries worked on at once; small enough to stay in the cache
_MAX_ITERATIONS = 60


@dataclass(frozen=True, eq=False)
class SecularRoots:
    """All roots of 1 = sum_j w_j / (rate_j - x), ascending, with what the resolvent needs.

    Attributes
    ----------
    rates, weights : ndarray, shape (modes,)
        The poles, ascending and distinct, and their positive weights.
    origin, shift : ndarray, shape (modes,)
        root_k = origin_k + shift_k.
    uncertainty : ndarray, shape (modes,)
        A bound on the absolute error of shift_k.
    residue : ndarray, shape (modes,)
        1 / sum_j w_j / (rate_j - root_k)^2, the weight of exp(-root_k t) in the resolvent.
    residue_error : ndarray, shape (modes,)
        Relative error of the residue, in units of the machine epsilon.
    iterations : int
        Sweeps over the interior roots.
    """

    rates: Array
    weights: Array
    origin: Array
    shift: Array
    uncertainty: Array
    residue: Array
    residue_error: Array
    iterations: int

    @property
    def root(self) -> Array:
        """The roots themselves, rounded to floating point."""
        return self.origin + self.shift

    def pole_sums(self, numerators: Array) -> tuple[Array, Array, Array]:
        """Sums over j of v/(rate-root), |v|/|rate-root| and |v|/(rate-root)^2, for every root."""
        signed, absolute, squared = (np.empty_like(self.shift) for _ in range(3))
        for part in row_chunks(self.shift.size, self.rates.size):
            inverse = 1.0 / ((self.rates - self.origin[part, None]) - self.shift[part, None])
            signed[part] = inverse @ numerators
            np.abs(inverse, out=inverse)
            absolute[part] = inverse @ np.abs(numerators)
            inverse *= inverse
            squared[part] = inverse @ np.abs(numerators)
        return signed, absolute, squared


def row_chunks(rows: int, columns: int) -> Iterator[slice]:
    """Slices of rows such that rows * columns stays near the chunk size."""
    step = max(1, _CHUNK // max(1, columns))
    for start in range(0, rows, step):
        yield slice(start, min(start + step, rows))


def kernel_deficit(rates: Array, weights: Array) -> float:
    """1 - kernel norm = 1 - sum_j w_j / rate_j, summed exactly; -inf if a rate is zero."""
    if np.any(weights[rates == 0] > 0):
        return -math.inf
    keep = weights > 0
    with np.errstate(over="ignore"):
        terms = weights[keep] / rates[keep]
    return 1.0 - math.inf if np.any(np.isinf(terms)) else math.fsum([1.0, *(-terms)])


def secular_roots(rates: Array, weights: Array) -> SecularRoots:
    """Find all roots.

    Parameters
    ----------
    rates : ndarray, shape (modes,)
        Distinct and ascending, >= 0.
    weights : ndarray, shape (modes,)
        Positive.

    Returns
    -------
    SecularRoots
        Promise: |error of shift| <= uncertainty; relative error of a shift is a few units in the
        last place times (1 + sum |w/(rate-x)|) / (|shift| sum w/(rate-x)^2).

    Notes
    -----
    Costs about six sweeps over a modes x modes matrix that is never stored.
    """
    if rates.size == 0:
        empty = np.empty(0)
        return SecularRoots(rates, weights, *(empty,) * 5, iterations=0)
    # A power of two brings the total weight near 1 without rounding anything.
    scale = 2.0 ** -math.floor(math.log2(float(np.sum(weights))))
    scaled_rates, scaled_weights = rates * scale, weights * scale
    origin, shift = np.empty(rates.size), np.empty(rates.size)
    origin[0], shift[0], noise = _smallest_root(scaled_rates, scaled_weights)
    iterations = 0
    for part in row_chunks(rates.size - 1, rates.size):
        rows = np.arange(part.start + 1, part.stop + 1)
        origin[rows], shift[rows], count = _interior_roots(scaled_rates, scaled_weights, rows)
        iterations = max(iterations, count)
    return _finish(rates, weights, origin / scale, shift / scale, noise, iterations)


# ------------------------------------------------------------------------- interior roots


def _interior_roots(rates: Array, weights: Array, rows: NDArray[np.intp]) -> tuple[Array, Array, int]:
    """Roots number `rows`, each between the rates rows-1 and rows, by Gragg's iteration.

    The unknown is theta > 0, the distance to the nearer of the two rates.
    """
    left, right = rates[rows - 1], rates[rows]
    gap = right - left
    inverse = 1.0 / ((rates - left[:, None]) - 0.5 * gap[:, None])
    middle = 1.0 - inverse @ weights
    near_left = middle <= 0.0
    origin = np.where(near_left, left, right)
    side = np.where(near_left, 1.0, -1.0)
    offset = rates - origin[:, None]
    background = middle + 2.0 * (weights[rows] - weights[rows - 1]) / gap
    theta = _two_pole_root(background, weights[rows - 1], weights[rows], gap, near_left)
    low, high = np.zeros_like(theta), 0.75 * gap
    theta = np.clip(theta, np.finfo(np.float64).tiny, high)
    active = np.arange(rows.size)
    count = 0
    while active.size and count < _MAX_ITERATIONS:
        count += 1
        here = theta[active]
        updated = _gragg_step(
            offset if active.size == rows.size else offset[active], weights, side[active] * here,
            rows[active], gap[active], near_left[active], here, low, high, active,
        )
        moved = np.abs(updated - here)
        theta[active] = updated
        # The order is three: a step this small was the last one worth taking.
        active = active[moved > 1e-6 * updated]
    return origin, side * theta, count


def _gragg_step(
    offset: Array, weights: Array, shift: Array, rows: NDArray[np.intp], gap: Array,
    near_left: Mask, theta: Array, low: Array, high: Array, active: NDArray[np.intp],
) -> Array:
    # notation: a, b the distances to the poles left and right of x; S1, S2, S3 = sum w/(rate-x)^p
    inverse = 1.0 / (offset - shift[:, None])
    value = 1.0 - inverse @ weights
    power = inverse * inverse
    S2 = power @ weights
    power *= inverse
    S3 = power @ weights
    a = np.where(near_left, -theta, theta - gap)
    b = np.where(near_left, gap - theta, theta)
    # In exact arithmetic both interpolating weights are at least the poles' own.
    at_left = np.maximum((S2 - b * S3) / (1.0 - b / a), weights[rows - 1] / (a * a))
    at_right = np.maximum((S2 - a * S3) / (1.0 - a / b), weights[rows] / (b * b))
    background = value + at_left * a + at_right * b
    updated = _two_pole_root(background, at_left * a * a, at_right * b * b, gap, near_left)
    # value > 0 means that the root lies to the right of x.
    grow = (value > 0) == near_left
    low[active] = np.where(grow, theta, low[active])
    high[active] = np.where(grow, high[active], theta)
    # At the root rounding may step over the bracket by a few units in the last place: let it.
    below, above = low[active] * (1 - 8 * EPS), high[active] * (1 + 8 * EPS)
    inside = (updated >= below) & (updated <= above) & (updated > 0)
    return np.where(inside, updated, 0.5 * (low[active] + high[active]))


def _two_pole_root(c: Array, s: Array, S: Array, d: Array, near_left: Mask) -> Array:
    # notation: c + s/theta - S/(d-theta) = 0, theta from the left pole; mirrored for the right one
    c, s, S = np.where(near_left, c, -c), np.where(near_left, s, S), np.where(near_left, S, s)
    B = c * d - s - S
    root = np.sqrt(np.maximum(B * B + 4.0 * c * s * d, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(B > 0, (B + root) / (2.0 * c), 2.0 * s * d / (root - B))


# ------------------------------------------------------------------------- the smallest root


def _smallest_root(rates: Array, weights: Array) -> tuple[float, float, float]:
    """Origin, shift and evaluation noise of the root below the smallest rate.

    Near the critical point this root is near 0, not near a rate; there 1 - K is written
    (1 - norm) - x sum w/(rate (rate-x)), whose value at 0 carries all of the cancellation.
    """
    smallest, total = float(rates[0]), float(np.sum(weights))
    deficit = kernel_deficit(rates, weights)

    def direct(x: float, origin: float) -> tuple[float, float, float]:
        inverse = 1.0 / ((rates - origin) - x)
        terms = weights * inverse
        value = math.fsum([1.0, *(-terms)])
        return value, float(terms @ inverse), 2.0 - value

    def from_zero(x: float, origin: float) -> tuple[float, float, float]:
        inverse = 1.0 / (rates - x)
        terms = weights * inverse
        product = x * math.fsum(terms / rates)
        return deficit - product, float(terms @ inverse), abs(1.0 - deficit) + abs(product)

    half = 0.5 * smallest
    if smallest > 0 and deficit > 0 and direct(half, 0.0)[0] > 0:
        bracket = (-half, -0.5 * float(weights[0]))
        return _one_pole_iteration(direct, smallest, bracket, pole=0.0, start=bracket[1])
    low, high = smallest - total, (half if deficit > 0 else 0.0)
    if smallest == 0:
        high = -float(weights[0])
    function = direct if deficit < -1.0 else from_zero
    return _one_pole_iteration(function, 0.0, (1.01 * low, high), pole=smallest, start=high)


def _one_pole_iteration(
    function: Callable[[float, float], tuple[float, float, float]], origin: float,
    bracket: tuple[float, float], *, pole: float, start: float,
) -> tuple[float, float, float]:
    """Bracketed interpolation by c - S/(pole - x), from the right of the root."""
    low, high = bracket
    x, noise = start, 2.0
    for _ in range(400):
        value, slope, noise = function(x, origin)
        low, high = (x, high) if value > 0 else (low, x)
        if value == 0:
            break
        b = pole - x
        step = value * b / (value + slope * b) if value + slope * b > 0 else math.inf
        new = x + step
        if abs(step) <= 2 * EPS * abs(x):
            break
        if not low < new < high:
            new = math.copysign(math.sqrt(low * high), low) if low * high > 0 else (low + high) / 2
        x = new
    return origin, x, noise


# ------------------------------------------------------------------------- residues, errors


def _finish(
    rates: Array, weights: Array, origin: Array, shift: Array, first_noise: float, iterations: int
) -> SecularRoots:
    # notation: D = rate_j - root_k; sums over j of w/D^2 and w/|D|^3 and w/|D|
    residue, uncertainty, residue_error = (np.empty_like(shift) for _ in range(3))
    growth = 3.0 + math.log2(rates.size)
    for part in row_chunks(shift.size, rates.size):
        inverse = np.abs(1.0 / ((rates - origin[part, None]) - shift[part, None]))
        noise = 1.0 + inverse @ weights
        if part.start == 0:
            noise[0] = first_noise
        power = inverse * inverse
        second = power @ weights
        power *= inverse
        third = power @ weights
        residue[part] = 1.0 / second
        uncertainty[part] = growth * EPS * noise / second + 2 * EPS * np.abs(shift[part])
        residue_error[part] = growth + 2.0 * third / second * uncertainty[part] / EPS
    return SecularRoots(
        rates, weights, origin, shift, uncertainty, residue, residue_error, iterations
    )


def smallest_root(rates: Array, weights: Array) -> float:
    """The root below the smallest rate alone, at a cost linear in the modes."""
    origin, shift, _ = _smallest_root(rates, weights)
    return origin + shift
