"""The uniform tail of a convolution equation: O(N log² N) by blocks.

On equal panels the memory is a block-triangular Toeplitz sum, memory_p = Σ_d M_d z_(p−d). The
first half of a block is solved, its share in the memory of the second half is one convolution,
then the second half is solved; short blocks are solved panel by panel.

References
----------
E. Hairer, Ch. Lubich, M. Schlichte, "Fast numerical solution of nonlinear Volterra convolution
equations", SIAM J. Sci. Stat. Comput. 6 (1985) 532-541.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from volterra.arrays import EPS, Array, Complex
from volterra.panels.equation import GeneralEquation, PanelSolution, solve_panel
from volterra.panels.history import History
from volterra.panels.panel import STAGES, nodes, radau_weights
from volterra.stepping import HUGE

_SHORT = 16  # panels; below it a matrix product is faster than a transform
_BYTES_PER_PANEL = 56  # per entry of M_d: itself, its transforms at all lengths, temporaries


def tail_bytes(equation: GeneralEquation, panels: int) -> int:
    """Memory that a tail of so many panels needs."""
    rows = STAGES * equation.m
    return 2 * panels * rows * (_BYTES_PER_PANEL * rows + 32 * equation.columns)


@dataclass(frozen=True, eq=False)
class Tail:
    """y and memory at the nodes, (panels, stages, m, columns), as far as they are finite."""

    y: Array
    memory: Array
    amplification: float


def solve_tail(
    equation: GeneralEquation,
    history: History,
    edges: Array,
    guess: Array,
    defects: Array | None = None,
) -> Tail:
    """Solve on equal panels with the given edges, after a history."""
    tail = _Tail(equation, history, edges, defects)
    tail.solve(0, edges.size - 1, guess)
    done = tail.done
    shape = (done, STAGES, equation.m, -1)
    memory = tail.memory[:done].reshape(shape)
    return Tail(tail.y[:done].reshape(shape), memory, tail.amplification)


@dataclass(eq=False)
class _Tail:
    """Working arrays, flat in (node, component): (panels, rows, columns)."""

    equation: GeneralEquation
    history: History
    edges: Array
    defects: Array | None
    y: Array = field(init=False)
    z: Array = field(init=False)
    memory: Array = field(init=False)
    t: Array = field(init=False)
    lags: Array = field(init=False)
    transforms: dict[int, Complex] = field(default_factory=dict)
    amplification: float = 1.0
    done: int = 0
    failed: bool = False

    def __post_init__(self) -> None:
        equation, panels = self.equation, self.edges.size - 1
        length = (self.edges[-1] - self.edges[0]) / panels
        self.t = self.edges[:-1, None] + length * nodes()
        self.t[:, -1] = self.edges[1:]
        rows = STAGES * equation.m
        self.memory = self._from_history(length).reshape(panels, rows, -1)
        self.y, self.z = np.zeros_like(self.memory), np.zeros_like(self.memory)
        self.lags = _lag_matrices(equation, length, panels)

    def _from_history(self, length: float) -> Array:
        """What the start contributes: near panels one by one, then all others at once."""
        panels, history = self.t.shape[0], self.history
        edges = np.array(history.boundaries)
        reach = float(np.max(edges[1:] + np.diff(edges), initial=0.0))
        beyond = length * (np.arange(panels)[:, None] + nodes())
        near = min(panels, int((reach - history.end) / length) + 2)
        parts = [history.integrate(row) for row in beyond[:near]]
        parts.append(history.integrate(beyond[near:].reshape(-1)))
        return np.concatenate(parts)

    def solve(self, begin: int, end: int, guess: Array) -> None:
        """Panels begin..end, whose memory is complete but for what these panels add."""
        if self.failed:
            return
        if end - begin <= _SHORT:
            for panel in range(begin, end):
                self._panel(begin, panel, guess if panel == 0 else self._last(panel - 1))
            return
        # Halves of a length that is a power of two times the shortest, not of the block: so few
        # lengths occur that the kernel's transforms are made once for each.
        half = _SHORT
        while 2 * half < end - begin:
            half *= 2
        self.solve(begin, begin + half, guess)
        if not self.failed:
            self._carry(begin, begin + half, end)
            self.solve(begin + half, end, guess)

    def _panel(self, begin: int, panel: int, guess: Array) -> None:
        if self.failed:
            return
        equation, m = self.equation, self.equation.m
        # Panels before the block are in the memory already: `_carry` put them there.
        for earlier in range(begin, panel):
            self.memory[panel] += self.lags[panel - earlier] @ self.z[earlier]
        history = self.memory[panel].reshape(STAGES, m, -1)
        begin_at = np.broadcast_to(guess[:, : equation.columns], (STAGES, m, equation.columns))
        missed = None if self.defects is None else self.defects[panel]
        solved = solve_panel(equation, self.lags[0], self.t[panel], history, begin_at, missed)
        self._store(panel, solved)

    def _store(self, panel: int, solved: PanelSolution | None) -> None:
        if solved is None or not np.all(np.abs(solved.y) < HUGE):
            self.failed = True
            return
        self.y[panel] = solved.y.reshape(self.y[panel].shape)
        self.z[panel] = solved.z.reshape(self.y[panel].shape)
        self.memory[panel] = solved.memory.reshape(self.y[panel].shape)
        self.amplification = max(self.amplification, solved.amplification)
        self.done = panel + 1

    def _last(self, panel: int) -> Array:
        last: Array = self.y[panel].reshape(STAGES, self.equation.m, -1)[-1]
        return last

    def _carry(self, begin: int, middle: int, end: int) -> None:
        """The first half's share in the memory of the second."""
        length = 2 * (middle - begin)
        if length not in self.transforms:
            self.transforms[length] = np.fft.rfft(self.lags[:length], n=length, axis=0)
        # A circular convolution: what wraps around falls on the first half, and the second alone is
        # wanted. So the length need not be doubled.
        z = self.z[begin:middle]
        product = self.transforms[length] @ np.fft.rfft(z, n=length, axis=0)
        share = np.fft.irfft(product, n=length, axis=0)[length // 2 :]
        self.memory[middle:end] += share[: end - middle]
        # A transform rounds relative to its largest terms, not to each: the columns of errors get
        # epsilon times the norm of the kernel's matrices times that of z.
        if self.defects is not None:
            r = self.equation.columns
            norm = np.sqrt(np.sum(self.lags[:length] ** 2, axis=(0, 2)))
            size = np.sqrt(z[:, :, 0].size) * np.max(np.abs(z[:, :, :r]), axis=(0, 1))
            self.memory[middle:end, :, r:] += EPS * np.log2(length) * np.outer(norm, size)


def _lag_matrices(equation: GeneralEquation, length: float, panels: int) -> Array:
    """M_d for d = 0 .. panels − 1: what a panel contributes to the nodes of the d-th after it."""
    m, rows = equation.m, STAGES * equation.m
    out = np.empty((panels, rows, rows))
    out[0] = equation.own(1, 0.0, length)
    if panels > 1:
        # Seen from the next panel a kernel may still be steep: a history of one panel, with unit
        # vectors as z, cuts it towards the viewer as it does for all others.
        neighbour = History(equation, rows, first=1)
        neighbour.push(length, np.eye(rows).reshape(STAGES, m, rows))
        out[1] = neighbour.integrate(length * nodes()).reshape(rows, rows)
    if panels > 2:
        out[2:] = _far_lags(equation, length, panels)
    return out


def _far_lags(equation: GeneralEquation, length: float, panels: int) -> Array:
    """The same for d ≥ 2: there the kernel is tame, and the panel's own nodes are enough."""
    rows = STAGES * equation.m
    difference = nodes()[:, None] - nodes()
    distance = length * (np.arange(2, panels)[:, None, None] + difference)
    kernel = equation.singular_matrices(np.zeros(1), distance)
    kernel = kernel * (length * radau_weights())[:, None, None]
    return kernel.transpose(0, 1, 3, 2, 4).reshape(-1, rows, rows)
