"""Solving an equation whose kernel is a function, to a global tolerance.

Panels are found by comparing each with its halves. The equation is then solved on the whole panels
and on the halves, and the difference of the two solutions is the reported error of the finer one.
If that is beyond the tolerance, everything is bisected and compared again: unlike a mesh made anew,
that refines the memory's quadrature too, so that no feature of the kernel stays unseen for long.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from volterra.arrays import Array
from volterra.kernels.exponentials import SumOfExponentials
from volterra.kernels.functions import Convolution, Hammerstein, Kernel
from volterra.panels.defect import defect, worse_half
from volterra.panels.equation import LIMIT_BYTES, GeneralEquation, general_equation
from volterra.panels.march import Tolerance, march
from volterra.panels.mesh import Layout, PanelMesh, sweep
from volterra.panels.panel import lagrange, nodes, points
from volterra.panels.tail import tail_bytes
from volterra.question import Method, Question
from volterra.solution import Forcing, forcing_rounding, ratio_to_tolerance
from volterra.stepping import ROUNDING, check_horizon, last_time, with_neighbours

_ATTEMPTS = 4
_MOST_PANELS = 2_000  # of a start, whose cost is their square


@dataclass(frozen=True, eq=False)
class PanelTrajectory:
    """A solution on a fine mesh, and on the coarse one, each of whose panels is two fine ones."""

    equation: GeneralEquation
    fine: PanelMesh
    coarse: PanelMesh
    stop: float
    panel_error: Array
    work: Mapping[str, int] = field(default_factory=dict)

    @property
    def horizon(self) -> float:
        """How far both meshes reach."""
        return min(self.fine.horizon, self.coarse.horizon)

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and error estimates; beyond the horizon infinite, or NaN if nonlinear."""
        check_horizon(t, self.stop)
        reached = t <= self.horizon
        inside = np.minimum(t, self.horizon)
        r = self.equation.columns
        forcing = self.equation.source(t)
        memory = np.zeros_like(forcing)
        error = np.zeros_like(forcing)
        if self.coarse.boundaries.size > 1 and self.fine.boundaries.size > 1:
            memory = self.fine.interpolate(inside)[:, :, :r]
            index = np.searchsorted(self.coarse.boundaries, inside, side="left") - 1
            error = self.panel_error[np.clip(index, 0, len(self.panel_error) - 1)]
            error = error + np.abs(self.coarse.interpolate(inside)[:, :, r:])
        memory[t == 0] = 0.0
        error = error + forcing_rounding(self.equation.forcing)
        error = np.where((t == 0)[:, None, None], 0.0, error)
        error = error + ROUNDING * (np.abs(memory) + np.abs(forcing))
        y = forcing + memory
        y[~reached], error[~reached] = self._beyond(), math.inf
        shape = (t.size, *self.equation.shape)
        return y.reshape(shape), error.reshape(shape)

    def _beyond(self) -> Array:
        if self.equation.law is not None or self.fine.y.size == 0:
            return np.full((self.equation.m, self.equation.columns), math.nan)
        return np.copysign(math.inf, self.fine.y[-1, -1, :, : self.equation.columns])

    def observe(self, weights: Array, forcing: Forcing | None) -> PanelTrajectory:
        """Refused: there are no modes to weigh."""
        raise TypeError(
            "observe needs the exact method or the collocation method, because they know the "
            "kernel's modes: leave the method to 'auto'."
        )


def solve_panels(equation: GeneralEquation, t: Array, rtol: float, atol: float) -> PanelTrajectory:
    """Solve to the global tolerance, or as near as can be, with an honest error.

    Parameters
    ----------
    equation
        The equation; its kernel may be singular, a matrix, of two times, or under a nonlinearity.
    t
        The times at which the tolerance has to be met, shape (times,).
    rtol, atol
        The global tolerance.

    Returns
    -------
    PanelTrajectory
        Costs the square of the number of panels of the start, N log² N for the uniform tail.
    """
    tolerance = Tolerance(rtol, atol)
    stop = last_time(t)
    times = t if t[-1] > 0 else np.array([stop])
    found = march(equation, times, tolerance)
    spent = 3 * found.rejected + (found.layout.panels if found.halves else 0)
    layout, fine = found.layout, found.halves
    best: PanelTrajectory | None = None
    excess: list[float] = []
    while True:
        fine = fine or sweep(equation, layout.bisect())
        # The coarse solve, half as expensive, carries along what the fine one's defects do to y.
        coarse = sweep(equation, layout, worse_half(defect(fine), layout.panels))
        spent += 3 * layout.panels
        work = _work(layout.bisect(), spent, found.rejected, len(excess) + 1)
        trial = _compare(equation, coarse, fine, stop, work)
        excess.append(_excess(trial, t, tolerance))
        best = trial if best is None or excess[-1] <= min(excess) else best
        layout, fine = layout.bisect(), None
        if _enough(excess) or _too_long(equation, layout.bisect()):
            return best


def _enough(excess: list[float]) -> bool:
    stuck = len(excess) > 1 and excess[-1] > 0.6 * excess[-2]
    return excess[-1] <= 1 or stuck or len(excess) == _ATTEMPTS


def _too_long(equation: GeneralEquation, layout: Layout) -> bool:
    start = layout.start.size - 1
    return start > _MOST_PANELS or tail_bytes(equation, layout.tail) > LIMIT_BYTES


def _work(layout: Layout, computed: int, rejected: int, attempts: int) -> dict[str, int]:
    return {
        "steps": layout.panels,
        "steps_computed": computed,
        "rejected": rejected,
        "attempts": attempts,
        "uniform_steps": layout.tail,
    }


def _compare(
    equation: GeneralEquation, coarse: PanelMesh, fine: PanelMesh, stop: float, work: dict[str, int]
) -> PanelTrajectory:
    """The largest difference in each coarse panel and its neighbours."""
    r, panels = equation.columns, min(len(coarse.y), len(fine.y) // 2)
    tops = np.zeros((panels, equation.m, r))
    for half in (0, 1):
        values = fine.memory[half : 2 * panels : 2, 1:, :, :r]
        for first, part in ((True, slice(0, 1)), (False, slice(1, panels))):
            place = _half_places(equation, half, first=first)
            guess = np.einsum("ij,pj...->pi...", place, coarse.memory[:panels, :, :, :r][part])
            difference = np.abs(guess - values[part])
            tops[part] = np.maximum(tops[part], np.max(difference, axis=1, initial=0.0))
    return PanelTrajectory(equation, fine, coarse, stop, with_neighbours(tops), work)


def _half_places(equation: GeneralEquation, half: int, *, first: bool) -> Array:
    """From a panel's memory to the nodes of its first or second half."""
    rule = equation.panel(0 if first else 1)
    positions = rule.positions if half == 0 else nodes()
    return lagrange(points(), rule.place(0.5 * (half + positions)))


def _excess(trial: PanelTrajectory, t: Array, tolerance: Tolerance) -> float:
    """Largest ratio of reported error to tolerance over the requested times that were reached."""
    t = t[t <= trial.horizon]
    if t.size == 0:
        return 0.0
    y, error = trial.evaluate(t)
    return float(np.max(ratio_to_tolerance(y, error, tolerance.rtol, tolerance.atol)))


# --------------------------------------------------------------------------- the method


def _run(question: Question) -> PanelTrajectory:
    kernel = question.kernel
    assert isinstance(kernel, (Convolution, Kernel, Hammerstein, SumOfExponentials))
    equation = general_equation(question.forcing, kernel, question.t, question.breakpoints)
    return solve_panels(equation, question.t, question.rtol, question.atol)


METHOD = Method(
    name="panels",
    kernels=(Convolution, Kernel, Hammerstein, SumOfExponentials),
    run=_run,
)
