"""The reduced system: ρ in the span of a few row vectors, marched through all iterations.

With ρ(k) ≈ P y(k), P orthonormal (n, p), the covariance equation closes on p curves,

    y(k) = f(k) + Σ_{j<k} K(k−1−j) y(j),      K(m) = q Σ_e D_e^m X_e X_eᵀ,   X^a = Aᵀ diag(P_a) A,

which is the Galerkin method for the operator of the covariance (docs, page "The exact mean").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from hsgd.exact.row_basis.powers import CompressedPowers
from hsgd.exact.row_basis.regime import Regime
from hsgd.exact.row_basis.rows import Rows
from hsgd.exact.row_basis.time_panels import Stretch, node_sums

LARGEST = 1e150
"""Curves that grow beyond this are said to overflow."""
_CHUNK = 1024
"""Packed entries that are worked on together: they and their multiples fit into the caches."""


@dataclass(eq=False)
class Basis:
    """The row vectors P, their matrices X and the matrices of the statistics, all packed."""

    rows: Rows
    observed: Array
    """The statistics' matrices in the eigenbasis, packed, shape (s, N)."""
    vectors: Array = field(init=False)
    matrices: Array = field(init=False)
    size: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.vectors = np.empty((0, self.rows.number))
        self.matrices = np.empty((0, self.rows.size))

    def append(self, fresh: Array) -> None:
        """Add orthonormal row vectors, shape (m, n): one half-application each."""
        size = self.size + len(fresh)
        if size > len(self.matrices):
            # Twice as many, so that rows are seldom moved. Memory that is not written to is not
            # taken.
            capacity = min(max(2 * size, 64), self.rows.number)
            for name in ("vectors", "matrices"):
                old = getattr(self, name)
                grown = np.empty((max(capacity, size), old.shape[1]))
                grown[: self.size] = old[: self.size]
                setattr(self, name, grown)
        for vector in fresh:
            self.vectors[self.size] = vector
            self.matrices[self.size] = self.rows.weighted_gram(vector)
            self.size += 1

    @property
    def P(self) -> Array:
        """The row vectors, shape (p, n)."""
        return self.vectors[: self.size]

    @property
    def X(self) -> Array:
        """Their matrices, shape (p, N)."""
        return self.matrices[: self.size]


@dataclass(eq=False)
class Kernel:
    """W_l = q Σ_e c_l(D_e) X_e X_eᵀ, and the same with the statistics' matrices on one side."""

    powers: CompressedPowers
    scale: float
    feedback: Array = field(init=False)
    """Shape (L, p, p)."""
    readout: Array = field(init=False)
    """Shape (L, p, s)."""

    def __post_init__(self) -> None:
        self.feedback = np.zeros((self.powers.number, 0, 0))

    def update(self, basis: Basis) -> None:
        """Follow a basis that has grown: new rows and columns only."""
        old, p, s = self.feedback.shape[1], basis.size, len(basis.observed)
        if old == 0:
            self.readout = np.zeros((self.powers.number, 0, s))
        # The new rows of W_l (p − old of them), against all vectors and, beside them, against the
        # statistics. W_l is symmetric, so they are also its new columns.
        fresh = np.zeros((self.powers.number, p - old, p + s))
        for panel in self.powers.panels:
            for start in range(0, len(panel.entries), _CHUNK):
                part = slice(start, start + _CHUNK)
                chosen = panel.entries[part]
                X = np.take(basis.X, chosen, axis=1)
                both = np.concatenate((X, np.take(basis.observed, chosen, axis=1)))
                # Σ_e c_l(D_e) X_e X_eᵀ for all l of the panel as one product of matrices: on its
                # left stand as many copies of the new X as there are l, each with its own weights.
                weighted = panel.cardinal[part].T[:, None, :] * X[old:]
                fresh[panel.nodes] += (weighted.reshape(-1, len(chosen)) @ both.T).reshape(
                    -1, p - old, p + s
                )
        fresh *= self.scale
        grown = np.empty((self.powers.number, p, p))
        grown[:, :old, :old] = self.feedback
        grown[:, old:, :] = fresh[:, :, :p]
        grown[:, :old, old:] = fresh[:, :, :old].transpose(0, 2, 1)
        self.feedback = grown
        self.readout = np.concatenate((self.readout, fresh[:, :, p:]), axis=1)


def forcing(
    regime: Regime, basis: Basis, nodes: NDArray[np.int64], start: Array | None
) -> tuple[Array, Array]:
    """F at the nodes, shape (nodes, p), and what the statistics see of the source, (nodes, s)."""
    f = regime.squared_residuals(nodes) @ basis.P.T
    seen = np.zeros((len(nodes), len(basis.observed)))
    if regime.noise > 0 or start is not None:
        for entries, values in regime.source(nodes, start):
            f += values @ basis.X[:, entries].T
            seen += values @ basis.observed[:, entries].T
    return f, seen


@dataclass(frozen=True, eq=False)
class Piece:
    """The solution on one panel, at its nodes."""

    stretch: Stretch
    y: Array
    observed: Array
    """⟨T, V⟩ of every statistic, shape (nodes, s)."""
    states: Array
    """Σ_{j<k} D_l^{k−1−j} y(j), shape (nodes, L, p)."""
    end: Array
    """The same after the panel, shape (L, p)."""

    @property
    def finite(self) -> bool:
        """Whether nothing has overflowed, nor would when squared."""
        return bool((np.abs(self.y) < LARGEST).all() and (np.abs(self.observed) < LARGEST).all())


def advance(
    kernel: Kernel, stretch: Stretch, state: Array, f: Array, seen: Array, *, keep: bool
) -> Piece:
    """Solve one panel, given the state before it and the forcing at its nodes."""
    # notation: w_cb = weights of the panel's own values, W = feedback, v = states
    with np.errstate(over="ignore", invalid="ignore"):
        L, p, q = kernel.powers.number, f.shape[1], stretch.order
        W = kernel.feedback.reshape(L * p, p)
        # What the iterations before the panel still do: each state fades by its own factor D_l.
        carried = kernel.powers.at(np.r_[stretch.offsets, stretch.length])[:, :, None] * state
        y = f + carried[:q].reshape(q, L * p) @ W
        w = node_sums(kernel.powers, stretch)
        if q > 1:
            # Values on the panel act on each other. The first node is where the panel begins, so a
            # panel with one node has nothing to solve for.
            y = _implicit(kernel, w[:q], y)
        states = carried + w @ y
        readout = kernel.readout.reshape(L * p, -1)
        observed = seen + states[:q].reshape(q, L * p) @ readout
    kept = states[:q] if keep else states[:0]
    return Piece(stretch, y, observed, kept, states[q])


def _implicit(kernel: Kernel, w: Array, known: Array) -> Array:
    """Solve y_c = known_c + Σ_b (Σ_l w_clb W_l) y_b."""
    L, p, q = kernel.powers.number, known.shape[1], len(w)
    blocks = w.transpose(0, 2, 1).reshape(q * q, L) @ kernel.feedback.reshape(L, p * p)
    # 1 − Σ_l w_clb W_l as one matrix: rows (c, curve), columns (b, curve).
    matrix = -blocks.reshape(q, q, p, p).transpose(0, 2, 1, 3).reshape(q * p, q * p)
    matrix[np.diag_indices(q * p)] += 1.0
    if not (np.isfinite(matrix).all() and np.isfinite(known).all()):
        return np.full_like(known, np.inf)
    return np.asarray(np.linalg.solve(matrix, known.ravel()), dtype=np.float64).reshape(q, p)


def march(
    regime: Regime,
    basis: Basis,
    kernel: Kernel,
    layout: tuple[Stretch, ...],
    start: Array | None,
    keep: set[int],
) -> Iterator[Piece]:
    """Solve panel after panel; `keep` says of which panels (by number) the states are wanted."""
    nodes = np.concatenate([stretch.nodes for stretch in layout])
    f, seen = forcing(regime, basis, nodes, start)
    state = np.zeros((kernel.powers.number, basis.size))
    first = 0
    for number, stretch in enumerate(layout):
        here = slice(first, first + stretch.order)
        piece = advance(kernel, stretch, state, f[here], seen[here], keep=number in keep)
        yield piece
        state, first = piece.end, first + stretch.order


def covariance(
    regime: Regime,
    basis: Basis,
    kernel: Kernel,
    k: NDArray[np.int64],
    states: Array,
    start: Array | None,
) -> Array:
    """The covariances at iterations k, packed, shape (len(k), N), from the states there."""
    V = np.empty((len(k), basis.rows.size))
    for entries, values in regime.source(k, start):
        V[:, entries] = values
    p = basis.size
    # V_e += q Σ_l c_l(D_e) X_e · v_l, v_l the states of node l, in chunks as in `Kernel.update`.
    for panel in kernel.powers.panels:
        v = states[:, panel.nodes].reshape(-1, p)
        for first in range(0, len(panel.entries), _CHUNK):
            part = slice(first, first + _CHUNK)
            chosen = panel.entries[part]
            terms = (v @ np.take(basis.X, chosen, axis=1)).reshape(len(k), -1, len(chosen))
            V[:, chosen] += kernel.scale * np.einsum("kle,el->ke", terms, panel.cardinal[part])
    return V
