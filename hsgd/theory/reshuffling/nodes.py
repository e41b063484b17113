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

    Bins are of equal ratios. A node is the mean of its bin, so that the trace is kept.
    """
    sources = sources_of(rows)
    lam, columns = sources.eigenvalues, np.vstack((sources.counts[None], sources.products))
    if len(lam) > most:
        place = np.log(lam[0] / lam)
        number = np.minimum((place / place[-1] * most).astype(np.intp), most - 1)
        first = np.flatnonzero(np.append(True, np.diff(number) > 0))
        weighted = np.add.reduceat(columns[0] * lam, first)
        columns = np.add.reduceat(columns, first, axis=1)
        lam = weighted / columns[0]
    return Nodes(lam, *columns)
