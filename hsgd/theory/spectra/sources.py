"""What a population has along each of its different eigenvalues: target and start."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hsgd.checks import EPS, Array
from hsgd.problems.gaussian_rows import GaussianRows

_SAME = 1e-12
"""Eigenvalues of a covariance closer than this, relative, are one."""
MANY = 2000
"""Different eigenvalues, beyond which some are taken together."""
WIDTH = 0.005
"""Relative distance of those that are left then: sums are right to its square over 32."""


class Sources(NamedTuple):
    """k different eigenvalues, and sums over all directions that belong to each."""

    eigenvalues: Array
    """λ_i > 0, descending, shape (k,)."""
    counts: Array
    """How many directions, shape (k,)."""
    products: Array
    """Σ β², Σ β x0 and Σ x0², shape (3, k)."""
    start_unseen: float
    """|x0|² where the covariance is zero."""
    error: float
    """Relative, of sums over them, where eigenvalues were shared out among neighbours."""


def sources_of(rows: GaussianRows) -> Sources:
    """Those of a population."""
    values, vectors = rows.spectrum
    b, z = rows.coefficients, rows.x0
    if vectors is not None:
        b, z = vectors.T @ b, vectors.T @ z
    seen = values > rows.dimension * EPS * values.max()
    order = np.argsort(values[seen])[::-1]
    products = np.stack((b * b, b * z, z * z))[:, seen][:, order]
    columns = np.concatenate((np.ones((1, len(order))), products))
    lam, columns = _merged(values[seen][order], columns)
    gathered = len(lam) > MANY
    if gathered:
        lam, columns = _gathered(lam, columns)
    error = WIDTH**2 / 32 if gathered else 0.0
    return Sources(lam, columns[0], columns[1:], float(z[~seen] @ z[~seen]), error)


def _merged(lam: Array, columns: Array) -> tuple[Array, Array]:
    """Equal eigenvalues as one, their columns added; both descending, shapes (k,) and (4, k)."""
    first = np.append(True, lam[1:] < (1.0 - _SAME) * lam[:-1])
    return lam[first], np.add.reduceat(columns, np.flatnonzero(first), axis=1)


def _gathered(lam: Array, columns: Array) -> tuple[Array, Array]:
    """Fewer eigenvalues: amounts and first moments of each column are kept, cell by cell."""
    # Corners at equal ratios; each eigenvalue is shared by the two next to it. Where there are no
    # more eigenvalues than corners they stay, whole, as their own.
    log = np.log(lam[0] / lam)
    cell = np.floor(log / WIDTH).astype(np.intp)
    _, place, count = np.unique(cell, return_inverse=True, return_counts=True)
    crowded = count[place] > 2
    upper, lower = (lam[0] * np.exp(-WIDTH * (cell + side)) for side in (0, 1))
    share = np.clip((lam - lower) / (upper - lower), 0.0, 1.0)
    places = np.concatenate((lam[~crowded], upper[crowded], lower[crowded]))
    amounts = np.concatenate(
        (columns[:, ~crowded], (columns * share)[:, crowded], (columns * (1 - share))[:, crowded]),
        axis=1,
    )
    order = np.argsort(places)[::-1]
    places, amounts = places[order], amounts[:, order]
    return _merged(places, amounts)
