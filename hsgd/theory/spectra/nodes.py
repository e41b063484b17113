"""A population as a few eigenvalues, each with all that belongs to its neighbours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hsgd.checks import Array
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.theory.spectra.sources import sources_of


class Nodes(NamedTuple):
    """Eigenvalues of Σ, how many directions each stands for, and sums over these; shapes (J,)."""

    eigenvalues: Array
    counts: Array
    target: Array
    """Σ β²."""
    mixed: Array
    """Σ β x0."""
    start: Array
    """Σ x0²."""


def nodes_of(rows: GaussianRows, most: int) -> Nodes:
    """At most `most` nodes; those of the population itself where it has no more.

    Eigenvalues are put into bins of equal ratios, and each bin has two nodes, the Gauss rule of its
    share of the trace: cubics of the eigenvalue have the right trace, and lines the right sums of
    everything else. So the error falls with the fourth power of the number of bins.
    """
    sources = sources_of(rows)
    lam, columns = sources.eigenvalues, np.vstack((sources.counts[None], sources.products))
    if len(lam) <= most:
        return Nodes(lam, *columns)
    bins = max(1, most // 2)
    place = np.log(lam[0] / lam)
    number = np.minimum((place / place[-1] * bins).astype(np.intp), bins - 1)
    found = [_pair(lam[number == k], columns[:, number == k]) for k in np.unique(number)]
    values, sums = zip(*found, strict=True)
    return Nodes(np.concatenate(values), *np.concatenate(sums, axis=1))


def _pair(lam: Array, columns: Array) -> tuple[Array, Array]:
    """A bin by two eigenvalues, descending, and the sums that belong to each."""
    # notation: w = shares of the trace, z = distance to their mean, x = nodes as such
    if len(lam) <= 2:
        return lam, columns
    shares = columns * lam
    w = shares[0] / shares[0].sum()
    z = lam - w @ lam
    variance, third = w @ z**2, w @ z**3
    half = 0.5 * third / variance
    x = half + np.hypot(half, variance**0.5) * np.array([1.0, -1.0])
    total, first = shares.sum(axis=1), shares @ z
    each = np.stack((first - x[1] * total, x[0] * total - first), axis=1) / (x[0] - x[1])
    nodes = w @ lam + x
    return nodes, each / nodes
