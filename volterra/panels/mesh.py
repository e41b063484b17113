"""Meshes of panels: solved when given, refined by bisection, interpolated afterwards.

A mesh has a start, panels of any lengths, and may have a uniform tail, whose memory goes by fast
Fourier transforms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volterra.arrays import Array
from volterra.panels.equation import GeneralEquation, PanelSolution, solve_panel
from volterra.panels.history import History
from volterra.panels.panel import STAGES, lagrange, points
from volterra.panels.tail import solve_tail
from volterra.stepping import HUGE, bisect, just_before


@dataclass(frozen=True, eq=False)
class Layout:
    """Boundaries of the panels of the start, then `tail` equal panels up to `stop`."""

    start: Array
    stop: float
    tail: int = 0

    def bisect(self) -> Layout:
        """Every panel cut in two."""
        return Layout(bisect(self.start), self.stop, 2 * self.tail)

    @property
    def panels(self) -> int:
        """Number of panels."""
        return self.start.size - 1 + self.tail


@dataclass(frozen=True, eq=False)
class PanelMesh:
    """Boundaries; y at the nodes and the memory at the start and the nodes of every panel.

    Shapes (panels, stages (+ 1), m, columns). It ends early, at `horizon`, where y outgrows
    floating point or cannot be continued.
    """

    equation: GeneralEquation
    boundaries: Array
    y: Array
    memory: Array
    amplification: float

    @property
    def horizon(self) -> float:
        """The last time reached."""
        return float(self.boundaries[-1])

    def interpolate(self, t: Array) -> Array:
        """Memory at times inside the horizon, shape (times, m, columns)."""
        index = np.searchsorted(self.boundaries, t, side="left") - 1
        index = np.clip(index, 0, self.boundaries.size - 2)
        start = self.boundaries[index]
        position = np.clip((t - start) / (self.boundaries[index + 1] - start), 0.0, 1.0)
        first = self.equation.panel(0)
        place = np.where(index == 0, first.place(position), position)
        out: Array = np.einsum("ij,ij...->i...", lagrange(points(), place), self.memory[index])
        return out


class Record:
    """Solved panels, growing."""

    def __init__(
        self, equation: GeneralEquation, start: float = 0.0, before: Array | None = None
    ) -> None:
        """Start with no panel, at a time `before` which there is a memory, or none."""
        self.equation = equation
        self.boundaries = [start]
        self._before = before
        self._y: list[Array] = []
        self._memory: list[Array] = []
        self.amplification = 1.0

    def add(self, stop: float, solved: PanelSolution) -> None:
        """Append one panel."""
        self.boundaries.append(stop)
        self._y.append(solved.y[None])
        self._memory.append(solved.memory[None])
        self.amplification = max(self.amplification, solved.amplification)

    def extend(self, boundaries: Array, y: Array, memory: Array) -> None:
        """Append many."""
        self.boundaries.extend(boundaries.tolist())
        self._y.append(y)
        self._memory.append(memory)

    @property
    def last(self) -> Array:
        """The value y at the end, shape (m, columns); the forcing at zero to begin with."""
        if self._y:
            return np.asarray(self._y[-1][-1, -1], dtype=np.float64)
        return np.asarray(self.equation.source(np.zeros(1))[0], dtype=np.float64)

    @property
    def last_memory(self) -> Array:
        """The memory at the end, zero to begin with."""
        if self._memory:
            return np.asarray(self._memory[-1][-1, -1])
        return np.zeros_like(self.last) if self._before is None else self._before

    def mesh(self) -> PanelMesh:
        """What has been recorded. The memory at a panel's start is that at the last one's end."""
        columns = self.last.shape[1]
        empty = np.empty((0, STAGES, self.equation.m, columns))
        y, inside = np.concatenate([empty, *self._y]), np.concatenate([empty, *self._memory])
        start = np.zeros(inside.shape[2:]) if self._before is None else self._before
        before = np.concatenate([start[None], inside[:-1, -1]])[: len(y)]
        memory = np.concatenate([before[:, None], inside], axis=1)
        boundaries = np.array(self.boundaries)
        return PanelMesh(self.equation, boundaries, y, memory, self.amplification)


def nodes_of(equation: GeneralEquation, index: int, start: float, stop: float) -> Array:
    """Times of a panel's nodes, the last one its end, seen from inside."""
    t = start + (stop - start) * equation.panel(index).positions
    t[-1] = just_before(stop, t[-2])
    return t


def attempt_panel(
    equation: GeneralEquation,
    history: History,
    stop: float,
    guess: Array,
    defect: Array | None = None,
) -> PanelSolution | None:
    """Solve the panel after the history; None if it cannot be solved or is too large."""
    index, start = history.count, history.end
    t, length = nodes_of(equation, index, start, stop), stop - start
    own = equation.own(index, start, length)
    memory = history.integrate(length * equation.panel(index).positions)
    begin = np.broadcast_to(guess[:, : equation.columns], (STAGES, equation.m, equation.columns))
    solved = solve_panel(equation, own, t, memory, begin, defect)
    if solved is None or not np.all(np.abs(solved.memory) < HUGE):
        return None
    return solved if np.all(np.abs(solved.y) < HUGE) else None


def sweep(equation: GeneralEquation, layout: Layout, defects: Array | None = None) -> PanelMesh:
    """Solve on a given mesh, as far as it goes.

    With `defects` of the integrand, shape (panels, m, columns), the columns of the mesh are
    doubled: the second half is what these defects and rounding may do to y.
    """
    history = History(equation, equation.columns * (1 if defects is None else 2))
    record = Record(equation)
    for index, stop in enumerate(layout.start[1:].tolist()):
        missed = None if defects is None else defects[index]
        solved = attempt_panel(equation, history, stop, record.last, missed)
        if solved is None:
            return record.mesh()
        history.push(stop, solved.z)
        record.add(stop, solved)
    if layout.tail:
        edges = np.linspace(history.end, layout.stop, layout.tail + 1)
        missed = None if defects is None else defects[history.count :]
        tail = solve_tail(equation, history, edges, record.last, missed)
        record.extend(edges[1 : 1 + len(tail.y)], tail.y, tail.memory)
        record.amplification = max(record.amplification, tail.amplification)
    return record.mesh()
