"""Convolve a sum of exponentials (residues at the secular roots) with a forcing, stably.

G(tau) = sum_k G_k exp(-x_k tau) and f(t) = sum_i a_i exp(-sigma_i t) give
(G * f)(t) = sum_ik a_i G_k phi(t; x_k, sigma_i), phi = (exp(-sigma t) - exp(-x t)) / (x - sigma).
Summed pair by pair that is modes^2 * times work and free of cancellation; split into the two
exponentials it is modes * times, but loses digits where x_k and sigma_i nearly agree. So nearly
resonant pairs, a few per forcing rate, are kept as pairs and all others are split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from volterra.secular import EPS, SecularRoots, row_chunks

Array = NDArray[np.float64]

_RESONANT = 0.5  # a pair with residue / |x - sigma| above this stays a pair
_TIME_CHUNK = 2_000_000  # entries of a times x modes temporary: 16 MB


@dataclass(frozen=True, eq=False)
class Convolution:
    """Coefficients of G * f (plus f itself, if asked for), ready to be evaluated at any times.

    `forcing_terms` and `root_terms` hold, per exponential, the columns: coefficient, error of the
    coefficient in units of epsilon, and the error's growth per unit of time in the same units.
    """

    growth: float
    forcing_rate: Array
    forcing_terms: Array
    root_rate: Array
    root_terms: Array
    pair: Pairs
    error_factor: float

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and absolute error bounds at times `t`; infinite where they overflow."""
        value, error = np.empty_like(t), np.empty_like(t)
        columns = self.forcing_rate.size + self.root_rate.size + 2 * self.pair.weight.size
        step = max(1, _TIME_CHUNK // max(1, columns))
        for start in range(0, t.size, step):
            part = slice(start, start + step)
            value[part], error[part] = self._evaluate(t[part])
        return value, error

    def _evaluate(self, t: Array) -> tuple[Array, Array]:
        with np.errstate(all="ignore"):
            left = np.exp(-np.multiply.outer(t, self.forcing_rate)) @ self.forcing_terms
            right = np.exp(-np.multiply.outer(t, self.root_rate)) @ self.root_terms
            both = left + right
            pair_value, pair_error = self.pair.evaluate(t)
            value = both[:, 0] + pair_value
            drift = np.where(both[:, 2] > 0, t * both[:, 2], 0.0) + t * self.growth * np.abs(value)
            error = self.error_factor * EPS * (both[:, 1] + drift + pair_error)
            # In two halves, so that only a result that overflows does so.
            factor = np.exp(0.5 * self.growth * t)
            value = np.where(value == 0, 0.0, value * factor * factor)
            error = np.where(error == 0, 0.0, error * factor * factor)
            return value, np.where(np.isfinite(value), error, np.inf)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Nearly resonant pairs: `weight` * phi, with the slower rate of the two and their distance."""

    weight: Array
    slow: Array
    distance: Array
    error: Array
    root_error: Array
    root_is_slow: NDArray[np.bool_]

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Sum of the pairs and of their error bounds in units of epsilon."""
        if self.weight.size == 0:
            return np.zeros_like(t), np.zeros_like(t)
        time = t[:, None]
        phi = -np.expm1(-time * self.distance) / self.distance
        phi = np.where(self.distance == 0, time, phi)
        phi *= np.exp(-time * self.slow)
        # phi moves with its root by at most time * phi, and if the root is the faster of the two,
        # by phi / distance.
        reach = np.where(self.root_is_slow, time, np.minimum(time, 1.0 / self.distance))
        relative = self.error + np.abs(self.slow) * time + self.root_error * reach
        return phi @ self.weight, np.where(phi > 0, phi * relative, 0.0) @ np.abs(self.weight)


def convolve(
    roots: SecularRoots, residues: Array, residue_errors: Array, rates: Array, weights: Array,
    *, with_forcing: bool,
) -> Convolution:
    """Split G * f into single exponentials and nearly resonant pairs.

    Parameters
    ----------
    roots : SecularRoots
        The exponents x_k of G.
    residues, residue_errors : ndarray, shape (modes,)
        G_k and their absolute errors in units of epsilon.
    rates, weights : ndarray, shape (terms,)
        sigma_i >= 0 and a_i of the forcing.
    with_forcing : bool
        Whether f itself is added: f + G * f.

    Returns
    -------
    Convolution
        Costs modes * terms operations.
    """
    # notation: x roots, s forcing rates, c = 1/(x - s), G residues, dx uncertainty of x
    x, G, dx = roots.root, np.abs(residues), roots.uncertainty / EPS
    row, column, gap = _resonant_pairs(roots, rates)
    at_rate = np.zeros((rates.size, 2))
    at_root = np.zeros((x.size, 2))
    magnitude = np.abs(weights)
    for part in row_chunks(rates.size, x.size):
        c = 1.0 / _differences(roots, rates[part], row, column, part)
        at_rate[part, 0] = c @ residues
        at_root[:, 0] -= weights[part] @ c * residues
        np.abs(c, out=c)
        at_rate[part, 1] = c @ residue_errors
        at_root[:, 1] += magnitude[part] @ c * residue_errors
        c *= c
        at_rate[part, 1] += c @ (G * dx)
        at_root[:, 1] += magnitude[part] @ c * (G * dx)
        absolute = np.sqrt(c)
        at_rate[part, 1] += absolute @ G
        at_root[:, 1] += magnitude[part] @ absolute * G
    return Convolution(
        growth=max(0.0, -float(x[0])) if x.size else 0.0,
        **_terms(x, dx, rates, weights, at_rate, at_root, float(with_forcing)),
        pair=_make_pairs(roots, residues, residue_errors, rates, weights, row, column, gap),
        error_factor=2.0,
    )


def _terms(
    x: Array, dx: Array, rates: Array, weights: Array, at_rate: Array, at_root: Array, own: float
) -> dict[str, Array]:
    """Attach to every exponential its coefficient, error and drift (rate * time rounding)."""
    growth = max(0.0, -float(x[0])) if x.size else 0.0
    magnitude = np.abs(weights)
    error = magnitude * (own + at_rate[:, 1])
    used = error > 0
    slow = np.column_stack([weights * (own + at_rate[:, 0]), error, error * rates])
    fast = np.column_stack([at_root[:, 0], at_root[:, 1], at_root[:, 1] * (np.abs(x) + dx)])
    return {
        "forcing_rate": rates[used] + growth, "forcing_terms": slow[used],
        "root_rate": x + growth, "root_terms": fast,
    }


def _resonant_pairs(
    roots: SecularRoots, rates: Array
) -> tuple[NDArray[np.intp], NDArray[np.intp], Array]:
    """For every forcing rate the nearest root, and its neighbours if they too are resonant."""
    x = roots.root
    if x.size == 0 or rates.size == 0:
        none = np.empty(0, np.intp)
        return none, none, np.empty(0)
    around = np.searchsorted(x, rates)[:, None] + np.arange(-2, 2)
    valid = (around >= 0) & (around < x.size)
    around = np.clip(around, 0, x.size - 1)
    gap = (roots.origin[around] - rates[:, None]) + roots.shift[around]
    distance = np.where(valid, np.abs(gap), np.inf)
    nearest = np.argmin(distance, axis=1)
    keep = valid & (roots.residue[around] > _RESONANT * distance)
    keep |= valid & (roots.uncertainty[around] > 0.1 * distance)
    keep[np.arange(rates.size), nearest] = True
    row, slot = np.nonzero(keep)
    return row, around[row, slot], gap[row, slot]


def _differences(
    roots: SecularRoots, rates: Array, row: NDArray[np.intp], column: NDArray[np.intp], part: slice
) -> Array:
    """root - rate for a slice of rates, infinite where the pair is kept apart."""
    difference = (roots.origin - rates[:, None]) + roots.shift
    inside = slice(*np.searchsorted(row, [part.start, part.stop]))
    difference[row[inside] - part.start, column[inside]] = np.inf
    return difference


def _make_pairs(
    roots: SecularRoots, residues: Array, residue_errors: Array, rates: Array, weights: Array,
    row: NDArray[np.intp], column: NDArray[np.intp], gap: Array,
) -> Pairs:
    x = roots.root
    growth = max(0.0, -float(x[0])) if x.size else 0.0
    size = np.abs(residues[column])
    relative = np.divide(residue_errors[column], size, out=np.zeros_like(size), where=size > 0)
    return Pairs(
        weight=weights[row] * residues[column],
        slow=np.minimum(x[column], rates[row]) + growth,
        distance=np.abs(gap),
        error=1.0 + relative,
        root_error=roots.uncertainty[column] / EPS,
        root_is_slow=gap < 0,
    )
