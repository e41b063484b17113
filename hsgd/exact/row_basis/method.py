"""The row-basis method: cycles of solving and enriching, then a finer solve that certifies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from hsgd.exact.row_basis import enrichment
from hsgd.exact.row_basis.convergence import Curve, change, difference, remaining, stalled
from hsgd.exact.row_basis.galerkin import LARGEST, Basis, Kernel, Piece, covariance, march
from hsgd.exact.row_basis.layout import plan, resolved
from hsgd.exact.row_basis.powers import compress
from hsgd.exact.row_basis.regime import Regime
from hsgd.exact.row_basis.rows import Rows
from hsgd.exact.row_basis.time_panels import Stretch
from hsgd.interfaces import Statistic

_MOST_CYCLES = 14
_ORDER = 10
"""Nodes per panel, in time and along the D axis, while the basis grows: their error is nearly the
same in every cycle, so that the changes show what the basis lacks long below it."""
_FINEST, _SLACK = 3e-9, 100.0
"""What the panels resolve with that many nodes (the certifying solves have more); and by how much
the curves may be rougher before other panels are sought."""
_MOST_REFINEMENTS = 3
_LEFT = 0.02
"""Share of the change by the last refinement that may be left: four nodes more gain far more."""
_ROUNDING = 3e-12
"""Relative error that is always admitted."""
_REFINEMENT = 4
"""Nodes by which the certifying solve exceeds the others, in time and along the D axis."""
_POINTS_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class Outcome:
    """Curves at the iterations asked for, shape (T, s), and how good they are."""

    values: Array
    scale: Array
    """|q(E x)| + ½|⟨T, V⟩|, shape (T, s)."""
    relative_error: Array
    """Estimate for each statistic, relative to the scale, at the worst iteration of all."""
    basis_size: int
    half_applications: int
    cycles: int
    time_nodes: int
    power_nodes: int
    changes: tuple[float, ...]
    """Largest relative change of the curves in each cycle."""
    overflow: int | None
    """The first iteration at which numbers overflow, if any does."""


def solve(
    regimes: list[Regime],
    statistics: tuple[Statistic, ...],
    iterations: NDArray[np.int64],
    rtol: float,
    report: Callable[[int], None],
) -> Outcome:
    """E q(x_k) of each statistic at the ascending `iterations`."""
    with np.errstate(over="ignore", invalid="ignore"):
        work = _Work(regimes, statistics, rtol, report)
        return work.run(iterations) if any(r.noise for r in regimes) else work.rest(iterations)


@dataclass(eq=False)
class _Work:
    regimes: list[Regime]
    statistics: tuple[Statistic, ...]
    rtol: float
    report: Callable[[int], None]
    basis: Basis = field(init=False)
    order: int = field(init=False)
    """Nodes per panel, in time and along the D axis."""
    kernels: list[Kernel] = field(init=False)
    layouts: list[tuple[Stretch, ...]] = field(init=False, default_factory=list)
    means: list[Array] = field(init=False, default_factory=list)
    curves: list[Curve] = field(init=False, default_factory=list)
    half_applications: int = field(init=False, default=0)

    def run(self, iterations: NDArray[np.int64]) -> Outcome:
        """Solve and enrich until the curves stand still; then solve once more with finer nodes."""
        self._begin()
        changes: list[Array] = []
        estimate, missed = np.full(len(self.statistics), np.inf), [self._sweep(0)]
        for cycle in range(1, _MOST_CYCLES + 1):
            if not self._enrich(missed[-1]):
                estimate = np.zeros(len(self.statistics))  # the basis holds all that there is
                break
            before = self.curves
            missed.append(self._sweep(cycle))
            if not self._resolved():
                # A larger basis may grow where the first one did not: other panels, a new start.
                self._plan()
                changes, missed = [], [self._sweep(cycle)]
                continue
            changes.append(change(before, self.curves))
            estimate = remaining(changes, missed)
            if estimate.max() <= 0.5 * self.rtol or stalled(changes):
                break
        error = estimate + self._certify(0.5 * self.rtol) + _ROUNDING
        return self._outcome(iterations, error, tuple(float(c.max()) for c in changes))

    def _certify(self, tolerance: float) -> Array:
        """Solve with more nodes until that changes nothing any more; the error that may be left."""
        for _ in range(_MOST_REFINEMENTS):
            coarse = self.curves
            self._refine()
            self._sweep(None)
            left = _LEFT * difference(coarse, self.curves)
            if left.max() <= tolerance:
                break
        return left

    def rest(self, iterations: NDArray[np.int64]) -> Outcome:
        """Without noise the mean is all there is."""
        return self._outcome(iterations, np.full(len(self.statistics), _ROUNDING), ())

    @property
    def rows(self) -> Rows:
        return self.regimes[0].rows

    def _count(self, half_applications: int) -> None:
        self.half_applications += half_applications
        self.report(half_applications)

    def _begin(self) -> None:
        """Basis, kernels and panels."""
        right = self.rows.right
        observed = [self.rows.pack(right.T @ (s.matrix() @ right)) for s in self.statistics]
        self.basis = Basis(self.rows, np.array(observed))
        self._grow(enrichment.first_guess(self.regimes, self.basis))
        self.order = _ORDER
        self._compress()
        self._plan()

    def _resolved(self) -> bool:
        """Whether the panels still are short enough."""
        return all(
            resolved(regime, piece, _SLACK * self._tolerance)
            for regime, curve in zip(self.regimes, self.curves, strict=True)
            for piece in curve.pieces
            if piece.stretch.order > 1 and piece.finite
        )

    @property
    def _tolerance(self) -> float:
        return max(0.003 * self.rtol, _FINEST)

    def _plan(self) -> None:
        """Panels for every regime, up to the one in which numbers overflow."""
        self.layouts = []
        start: Array | None = None
        for number, regime in enumerate(self.regimes):
            kernel = self.kernels[number]
            panels = plan(
                regime,
                self.basis,
                kernel,
                start,
                order=self.order,
                tolerance=self._tolerance,
            )
            self.layouts.append(panels)
            if panels[-1].nodes[-1] < regime.length:  # numbers overflow here
                self.regimes = self.regimes[: number + 1]
                break
            if number + 1 < len(self.regimes):
                pieces = list(march(regime, self.basis, kernel, panels, start, {len(panels) - 1}))
                start = self._end(number, pieces, start)
        self._means()

    def _end(self, number: int, pieces: list[Piece], start: Array | None) -> Array:
        """The covariance after the last iteration of a regime."""
        final = pieces[-1]
        k, states = final.stretch.nodes[-1:], final.states[-1:]
        kernel = self.kernels[number]
        return covariance(self.regimes[number], self.basis, kernel, k, states, start).ravel()

    def _grow(self, vectors: Array) -> None:
        self.basis.append(vectors)
        self._count(len(vectors))

    def _compress(self) -> None:
        self.kernels = [
            Kernel(compress(*regime.factors(), regime.length, self.order), regime.noise)
            for regime in self.regimes
        ]
        for kernel in self.kernels:
            kernel.update(self.basis)

    def _refine(self) -> None:
        """More nodes everywhere."""
        self.order += _REFINEMENT
        self._compress()
        self.layouts = [
            tuple(stretch.refined(_REFINEMENT) for stretch in layout) for layout in self.layouts
        ]
        self._means()

    def _means(self) -> None:
        """q(E x) at the nodes: the part of every curve that needs no covariance."""
        self.means = [
            mean_values(regime, self.statistics, _nodes(layout))
            for regime, layout in zip(self.regimes, self.layouts, strict=True)
        ]

    def _sweep(self, cycle: int | None) -> Array:
        """Solve every regime; give what the basis misses of ρ at some iterations of each."""
        curves, residuals = [], [np.empty((0, self.rows.number))]
        start: Array | None = None
        count = max(3, -(-enrichment.SNAPSHOTS // len(self.regimes)))
        for number, regime in enumerate(self.regimes):
            kernel, layout = self.kernels[number], self.layouts[number]
            chosen = _snapshots(layout, regime.length, count, cycle)
            keep = {panel for panel, _ in chosen} | {len(layout) - 1}
            pieces = list(march(regime, self.basis, kernel, layout, start, keep))
            noise = 0.5 * np.concatenate([piece.observed for piece in pieces])
            mean = self.means[number]
            curves.append(Curve(pieces, mean + noise, np.abs(mean) + np.abs(noise)))
            if cycle is not None:
                residuals.append(self._residuals(number, pieces, chosen, start))
            if number + 1 < len(self.regimes):
                start = self._end(number, pieces, start)
        self.curves = curves
        return np.concatenate(residuals)

    def _residuals(
        self,
        number: int,
        pieces: list[Piece],
        chosen: list[tuple[int, int]],
        start: Array | None,
    ) -> Array:
        """ρ − P y over |ρ| at the chosen nodes: one half-application each."""
        regime = self.regimes[number]
        usable = [(panel, node) for panel, node in chosen if pieces[panel].finite]
        k = np.array([pieces[panel].stretch.nodes[node] for panel, node in usable], dtype=np.int64)
        if not len(k):
            return np.empty((0, self.rows.number))
        states = np.stack([pieces[panel].states[node] for panel, node in usable])
        y = np.stack([pieces[panel].y[node] for panel, node in usable])
        V = covariance(regime, self.basis, self.kernels[number], k, states, start)
        rho = regime.squared_residuals(k) + np.stack([self.rows.quadratic_forms(v) for v in V])
        self._count(len(k))
        norms = np.linalg.norm(rho, axis=1, keepdims=True)
        good = (norms > 0).ravel()
        missed = rho[good] - y[good] @ self.basis.P
        return np.asarray(missed / norms[good])

    def _enrich(self, residuals: Array) -> bool:
        """Add what is missing; False if nothing is."""
        fresh = enrichment.from_residuals(self.basis, residuals)
        if not len(fresh):
            return False
        self._grow(fresh)
        for kernel in self.kernels:
            kernel.update(self.basis)
        return True

    def _outcome(
        self,
        iterations: NDArray[np.int64],
        relative_error: Array,
        changes: tuple[float, ...],
    ) -> Outcome:
        """Curves where they were asked for."""
        shape = (len(iterations), len(self.statistics))
        values, scale = np.full(shape, np.inf), np.full(shape, np.inf)
        for number, regime in enumerate(self.regimes):
            final = number + 1 == len(self.regimes)
            inside = (iterations >= regime.first) & (
                iterations <= regime.last if final else iterations < regime.last
            )
            k = iterations[inside] - regime.first
            if not len(k):
                continue
            mean = mean_values(regime, self.statistics, k)
            pieces = self.curves[number].pieces if self.curves else []
            noise = 0.5 * _interpolate(pieces, k, shape[1]) if pieces else np.zeros_like(mean)
            values[inside] = mean + noise
            scale[inside] = np.abs(mean) + np.abs(noise)
        gone = np.flatnonzero(~(np.abs(values) < LARGEST).all(axis=1))
        return Outcome(
            values,
            scale,
            relative_error,
            self.basis.size if self.curves else 0,
            self.half_applications,
            len(changes),
            sum(len(_nodes(layout)) for layout in self.layouts),
            sum(kernel.powers.number for kernel in self.kernels) if self.curves else 0,
            changes,
            int(iterations[gone[0]]) if len(gone) else None,
        )


def _nodes(layout: tuple[Stretch, ...]) -> NDArray[np.int64]:
    return np.concatenate([stretch.nodes for stretch in layout])


def _snapshots(
    layout: tuple[Stretch, ...], length: int, count: int, cycle: int | None
) -> list[tuple[int, int]]:
    """Panel and node next to geometrically spaced iterations, shifted from cycle to cycle."""
    if cycle is None:
        return []
    nodes = _nodes(layout)
    wanted = np.r_[0, enrichment.geometric(length, count, enrichment.cycle_offset(cycle))]
    places = [(p, c) for p, stretch in enumerate(layout) for c in range(stretch.order)]
    nearest = np.unique([int(np.argmin(np.abs(nodes - k))) for k in wanted])
    return [places[i] for i in nearest]


def mean_values(regime: Regime, statistics: tuple[Statistic, ...], k: NDArray[np.int64]) -> Array:
    """q(E x_k) of each statistic, shape (len(k), s)."""
    values = np.empty((len(k), len(statistics)))
    for first in range(0, len(k), _POINTS_AT_ONCE):
        part = slice(first, first + _POINTS_AT_ONCE)
        points = regime.points(k[part])
        values[part] = np.stack([s.values(points) for s in statistics], axis=1)
    return values


def _interpolate(pieces: list[Piece], k: NDArray[np.int64], width: int) -> Array:
    """⟨T, V_k⟩ from the panels' polynomials; infinite beyond the last panel."""
    result = np.full((len(k), width), np.inf)
    for piece in pieces:
        first, last = piece.stretch.start, piece.stretch.start + piece.stretch.length
        here = slice(*np.searchsorted(k, (first, last)))
        if here.start < here.stop:
            result[here] = piece.stretch.interpolation(k[here]) @ piece.observed
    return result
