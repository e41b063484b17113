"""The memory of earlier panels: integrals of the kernel over all of them.

A panel that is at least its own length away is seen through its own nodes; one that is closer is
cut geometrically towards the time from which it is seen. So is one across which the kernel has a
breakpoint, and there, too.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from volterra.arrays import Array
from volterra.panels.equation import GeneralEquation
from volterra.panels.panel import STAGES, geometric_pieces, half_panel, lagrange, nodes

_CHUNK = 2_000_000  # kernel values held at once: 16 MB


class History:
    """Panels from 0 on, growing, with z at their nodes; the last one can be taken back."""

    def __init__(self, equation: GeneralEquation, columns: int, *, first: int = 0) -> None:
        """Start with nothing; `columns` counts those for rounding too.

        `first` is the number of the first panel; only number 0 knows of a singular start.
        """
        self.equation = equation
        self._first = first
        self.columns = columns
        self.boundaries = [0.0]
        self._z: list[Array] = []
        self._start = np.empty(64)
        self._inside = np.empty(64)
        self._charge = np.empty((64, equation.m, columns))
        self._offsets = [0]

    @property
    def end(self) -> float:
        """Where the history ends and the next panel begins."""
        return self.boundaries[-1]

    @property
    def count(self) -> int:
        """Number of panels."""
        return len(self._z)

    def push(self, stop: float, z: Array) -> None:
        """Append a panel with z at its nodes."""
        rule, length = self.equation.panel(self._first + self.count), stop - self.end
        first = self._offsets[-1]
        last = first + rule.source_position.size
        if last > self._start.size:
            grown = max(last, 2 * self._start.size)
            self._start = np.resize(self._start, grown)
            self._inside = np.resize(self._inside, grown)
            self._charge = np.resize(self._charge, (grown, *self._charge.shape[1:]))
        self._start[first:last] = self.end
        self._inside[first:last] = length * rule.source_position
        self._charge[first:last] = length * np.tensordot(rule.source_basis, z, axes=1)
        self._offsets.append(last)
        self.boundaries.append(stop)
        self._z.append(z)

    def pop(self) -> None:
        """Take the last panel back."""
        self._offsets.pop()
        self.boundaries.pop()
        self._z.pop()

    def integrate(self, beyond: Array) -> Array:
        """Integrals up to the end of the history, shape (times, m, columns).

        They are seen from the times end + `beyond`. All distances are made from differences of
        boundaries: those of rounded times would be wrong by more than a stiff kernel forgives.
        """
        total = np.zeros((beyond.size, self.equation.m, self.columns))
        if not self._z or beyond.size == 0:
            return total
        edges = np.array(self.boundaries)
        # Near is a panel whose distance is less than its own length: there its nodes are too few.
        close = np.min(beyond) + (self.end - edges[1:]) < np.diff(edges)
        near = np.flatnonzero(close | self._is_broken(edges, beyond))
        # Everything is far before the first near panel, and often between near ones too.
        begin = 0
        for index in [*near.tolist(), self.count]:
            self._add_far(total, beyond, slice(self._offsets[begin], self._offsets[index]))
            begin = index + 1
        for index in near.tolist():
            total += self._near(beyond, index)
        return total

    def _is_broken(self, edges: Array, beyond: Array) -> NDArray[np.bool_]:
        """Which panels a breakpoint of the kernel may fall into, as seen from some of the times."""
        out = np.zeros(self.count, dtype=bool)
        before = self.end - edges
        for point in self.equation.breaks:
            out |= (before[1:] + np.min(beyond) < point) & (before[:-1] + np.max(beyond) > point)
        return out

    def _add_far(self, total: Array, beyond: Array, part: slice) -> None:
        before, charge = (self.end - self._start[part]) - self._inside[part], self._charge[part]
        if before.size == 0:
            return
        m = self.equation.m
        # One matrix product: kernel values (times m) x (points m) and charges (points m) x columns.
        rows = max(1, _CHUNK // (before.size * m * m))
        flat = charge.reshape(before.size * m, self.columns)
        for begin in range(0, beyond.size, rows):
            chunk = beyond[begin : begin + rows, None]
            kernel = self.equation.singular_matrices(self.end + chunk, before + chunk)
            matrix = kernel.transpose(0, 2, 1, 3).reshape(chunk.size * m, before.size * m)
            total[begin : begin + rows] += (matrix @ flat).reshape(-1, m, self.columns)

    def _near(self, beyond: Array, index: int) -> Array:
        start, stop = self.boundaries[index], self.boundaries[index + 1]
        rule, length = self.equation.panel(self._first + index), stop - start
        nearest = (self.end - stop) + beyond
        if rule.exponent == 1.0:
            distance, weight = geometric_pieces(nearest, nearest + length, self.equation.breaks)
            total = np.zeros((beyond.size, self.equation.m, self.columns))
        else:  # the half at zero through its own points, the other half cut towards the viewer
            middle = nearest + 0.5 * length
            distance, weight = geometric_pieces(nearest, middle, self.equation.breaks)
            total = self._half(beyond, nearest, length, index)
        position = 1.0 - (distance - nearest[:, None]) / length
        return total + self._quadrature(beyond, distance, weight, position, index)

    def _half(self, beyond: Array, nearest: Array, length: float, index: int) -> Array:
        shape = (beyond.size, half_panel()[0].size)
        position, weight = (np.broadcast_to(v, shape) for v in half_panel())
        distance = nearest[:, None] + length * (1.0 - position)
        return self._quadrature(beyond, distance, length * weight, position, index)

    def _quadrature(
        self, beyond: Array, distance: Array, weight: Array, position: Array, index: int
    ) -> Array:
        rule = self.equation.panel(self._first + index)
        basis = lagrange(nodes(), rule.place(np.clip(position, 0.0, 1.0)).reshape(-1))
        z = (basis @ self._z[index].reshape(STAGES, -1)).reshape(*distance.shape, -1, self.columns)
        kernel = self.equation.singular_matrices(self.end + beyond[:, None], distance)
        out: Array = np.einsum("ij,ijac->iac", weight, kernel @ z)
        return out
