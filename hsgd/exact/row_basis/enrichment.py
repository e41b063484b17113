"""Which row vectors the basis holds: first guesses that cost nothing, then what is missing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from hsgd.exact.row_basis.galerkin import Basis
from hsgd.exact.row_basis.regime import Regime

SNAPSHOTS = 24
_FIRST_GUESS = 1e-4
"""Directions of the (normalised) guesses that are worth a half-application."""
_WORTH = 1e-3
"""The same for what is missing, relative to the largest part of it."""
_GOLDEN = 0.6180339887498949


def geometric(length: int, count: int, offset: float = 0.0) -> NDArray[np.int64]:
    """About `count` iterations in [1, length], evenly spaced in logarithm.

    An offset in [0, 1) shifts them: cycles that look at the same iterations stall.
    """
    exponents = (np.arange(count) + 0.5 + (offset - 0.5) * (offset > 0)) / count
    return np.unique(np.rint(float(length) ** exponents).astype(np.int64))


def cycle_offset(cycle: int) -> float:
    """The golden ratio's multiples fill the unit interval most evenly."""
    return (_GOLDEN * cycle) % 1.0


def first_guess(regimes: Iterable[Regime], basis: Basis) -> Array:
    """1; the squared residuals of the mean; and which rows a later risk would see noise through.

    The last are diag(A (D^m∘T) Aᵀ) with T replaced by its diagonal, T each statistic's matrix.
    """
    rows = basis.rows
    diagonals = [rows.eigenvalues, *basis.observed[:, rows.diagonal]]
    guesses = []
    for regime in regimes:
        k = np.r_[0, geometric(regime.length, SNAPSHOTS)]
        guesses.append(regime.squared_residuals(k))
        powers = regime.diagonal_powers(k)
        guesses += [(powers * diagonal) @ rows.squares.T for diagonal in diagonals]
    columns = np.concatenate(guesses)
    norms = np.linalg.norm(columns, axis=1, keepdims=True)
    usable = (np.isfinite(norms) & (norms > 0)).ravel()
    ones = np.full((1, rows.number), rows.number**-0.5)
    return np.concatenate((ones, missing(ones, columns[usable] / norms[usable], _FIRST_GUESS)))


def missing(known: Array, wanted: Array, threshold: float) -> Array:
    """Orthonormal directions of the `wanted` (rows) outside the span of `known` (orthonormal)."""
    rest = wanted - (wanted @ known.T) @ known
    rest -= (rest @ known.T) @ known
    room = known.shape[1] - len(known)
    if not rest.size or room == 0:
        return rest[:0]
    directions, sizes, _ = np.linalg.svd(rest.T, full_matrices=False)
    chosen = directions[:, sizes > threshold][:, :room]
    # Small directions come with a little of the known ones, by rounding.
    chosen -= known.T @ (known @ chosen)
    return np.asarray(np.linalg.qr(chosen)[0].T)


def from_residuals(basis: Basis, residuals: Array) -> Array:
    """Directions of ρ − P y, each row scaled by |ρ|, that are large enough to matter."""
    outside = residuals - (residuals @ basis.P.T) @ basis.P
    largest = float(np.linalg.norm(outside, axis=1).max(initial=0.0))
    return missing(basis.P, residuals, max(_WORTH * largest, 1e-14))
