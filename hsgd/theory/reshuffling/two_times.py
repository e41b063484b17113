"""The mean field of reshuffled SGD on a grid of cells: both risks at the edges.

A row that was drawn before remembers it: its residual is that of a fresh row, less what its earlier
visits have taught. In high dimensions all that matters of a visit is when it was, so that the
responses of the modes and the correlations of residuals at two times close among themselves (docs,
theory page, "Without replacement"). One unit of time here is a pass over the rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hsgd.checks import Array
from hsgd.theory.spectra.nodes import Nodes


class Setting(NamedTuple):
    """What is followed; learning rates are those of a batch, divided by its size."""

    nodes: Nodes
    num_rows: int
    ridge: float
    noise: float
    single: bool
    """Whether one order is kept for ever."""


class Risks(NamedTuple):
    """At the edges of the cells, shape (K+1,)."""

    population: Array
    empirical: Array


def solve(setting: Setting, rates: Array, cells: int, *, explicit: bool) -> Risks:
    """Both risks at the K+1 edges of cells with these learning rates, shape (K,).

    Parameters
    ----------
    cells
        How many make a pass.
    explicit
        Whether a cell is an iteration; otherwise steps are small, and the error is of second order
        in the length of a cell.

    Notes
    -----
    O(J K³) for J nodes, and 16 J K² bytes.
    """
    from hsgd.theory.reshuffling.two_times_kernel import fluctuate, losses, respond

    nodes, K = setting.nodes, len(rates)
    J = len(nodes.eigenvalues)
    given = nodes.eigenvalues, nodes.counts, float(setting.num_rows)
    how = rates, cells, setting.single, explicit
    G, R = np.zeros((J, K + 1, K)), np.zeros((K + 1, K))
    Phi, q, means = np.zeros((K, K)), np.zeros((K, K)), np.zeros((2, J, K + 1))
    means[0, :, 0], means[1, :, 0] = 1.0, -1.0
    respond(*given, setting.ridge, *how, G, R, Phi, q, means)
    known = setting.noise**2 + _of_means(nodes, means)
    C, D, P = np.zeros((K + 1, K + 1)), np.zeros((K, K)), np.zeros(K)
    fluctuate(*given, *how, known, G, Phi, q, C, D, P)
    return Risks(0.5 * np.diag(C), 0.5 * losses(*how, R, Phi, C, D, P))


def _of_means(nodes: Nodes, means: Array) -> Array:
    """Σ λ m(t) m(t') over all directions, shape (K+1, K+1)."""
    of_start, of_target = means
    lam = nodes.eigenvalues[:, None]
    square = of_start.T @ (lam * nodes.start[:, None] * of_start)
    square += of_target.T @ (lam * nodes.target[:, None] * of_target)
    cross = of_start.T @ (lam * nodes.mixed[:, None] * of_target)
    return np.asarray(square + cross + cross.T)
