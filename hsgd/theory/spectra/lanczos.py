"""The Lanczos process for AᵀA: Gauss rules for its spectrum, by one pass over the data per step."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from hsgd.checks import EPS, Array

Normal = Callable[[Array], Array]
"""AᵀA times the columns of a matrix."""


class Rule(NamedTuple):
    """A Gauss rule for vᵀf(AᵀA)v, and the Ritz vectors in the basis of the process."""

    nodes: Array
    """θ ≥ 0, ascending, shape (k,)."""
    first: Array
    """First components: the weights are |v|²·first², shape (k,)."""
    vectors: Array
    """Shape (steps, k)."""

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Nodes that are more than rounding, shape (k,)."""
        return np.asarray(self.nodes > len(self.nodes) * EPS * self.nodes.max())


class Lanczos:
    """Processes from several starting vectors, independent of each other but for the passes.

    Parameters
    ----------
    normal
        The product with AᵀA.
    starts
        Starting vectors as columns, shape (d, p).
    keep
        Whether the bases are kept, 8·d·p bytes per step: then they stay orthogonal to rounding.
        (Without, a Gauss rule shows some nodes twice, at no harm to sums over it.)
    watched
        A vector, shape (d,), whose products with the bases are kept in `seen`.
    """

    def __init__(
        self, normal: Normal, starts: Array, *, keep: bool, watched: Array | None = None
    ) -> None:
        self._normal = normal
        self.norms: Array = np.linalg.norm(starts, axis=0)
        self._now = starts / np.where(self.norms > 0, self.norms, 1.0)
        self._before = np.zeros_like(starts)
        self._alpha: list[Array] = []
        self._beta: list[Array] = []
        self._keep = keep
        self._basis: list[Array] = []
        self._watched = watched
        self.seen: list[Array] = []

    @property
    def steps(self) -> int:
        """Steps taken."""
        return len(self._alpha)

    @property
    def leftover(self) -> Array:
        """What couples the next step to the last, over the size of the matrix, shape (p,)."""
        size = np.max(np.abs(self._alpha), axis=0)
        return np.asarray(self._beta[-1] / np.where(size > 0, size, 1.0))

    def basis(self, column: int) -> Array:
        """Orthonormal vectors of one process, shape (d, steps)."""
        return np.stack([vectors[:, column] for vectors in self._basis], axis=1)

    def extend(self, steps: int) -> None:
        """Take more steps: as many passes."""
        for _ in range(steps):
            self._step()

    def _step(self) -> None:
        # notation: q = current vectors, w = what is left of AᵀA q beside q and the one before
        q = self._now
        if self._watched is not None:
            self.seen.append(self._watched @ q)
        if self._keep:
            self._basis.append(q)
        w = self._normal(q)
        alpha = np.einsum("ij,ij->j", q, w)
        w = w - q * alpha - (self._before * self._beta[-1] if self._beta else 0.0)
        if self._keep:
            for _ in range(2):  # once leaves what rounding has put back
                for v in self._basis:
                    w -= v * np.einsum("ij,ij->j", v, w)
        beta = np.linalg.norm(w, axis=0)
        self._alpha.append(alpha)
        # A process that has seen its whole space ends; what follows is none of its own.
        size = np.max(np.abs(self._alpha), axis=0)
        ended = beta <= 64.0 * EPS * size
        beta = np.where(ended, 0.0, beta)
        self._beta.append(beta)
        self._before, self._now = q, w / np.where(ended, np.inf, beta)

    def rule(self, column: int, steps: int | None = None) -> Rule:
        """The Gauss rule of one process after some of its steps."""
        count = self.steps if steps is None else steps
        diagonal = np.array([alpha[column] for alpha in self._alpha[:count]])
        beside = np.array([beta[column] for beta in self._beta[: count - 1]])
        nodes, vectors = scipy.linalg.eigh_tridiagonal(diagonal, beside)
        return Rule(np.maximum(nodes, 0.0), np.asarray(vectors[0]), np.asarray(vectors))
