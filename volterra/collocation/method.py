"""Adaptive collocation: kernels with a clock and a weight, forcings that are any function.

The mesh is chosen by comparing one step with two halves. Then the whole equation is solved once
more with every step bisected, and the difference of the two solutions is the reported error of the
finer one. If that global error is beyond the tolerance, the mesh is made again with a smaller
local one: local error control alone would promise nothing about y.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from volterra.arrays import Array
from volterra.collocation.defect import unresolved
from volterra.collocation.mesh import (
    Mesh,
    Watch,
    Work,
    adaptive_mesh,
    error_mesh,
    follow_mesh,
    sweep,
)
from volterra.collocation.question import SteppedQuestion, check_functions, stepped
from volterra.kernels.exponentials import ModalKernel, SumOfExponentials, TimeChanged
from volterra.question import Method, Question
from volterra.radau import radau
from volterra.refusals import complex_kernel
from volterra.solution import Forcing, evaluate_forcing, forcing_rounding, ratio_to_tolerance
from volterra.stepping import ROUNDING, bisect, check_horizon, with_neighbours

_ATTEMPTS = 6


@dataclass(frozen=True, eq=False)
class CollocationTrajectory:
    """A solution on a fine mesh, with an error per coarse step, and how to observe it."""

    question: SteppedQuestion
    forcing: Forcing | None
    fine: Mesh
    coarse: Mesh
    step_error: Array
    errors: Mesh
    growth_sign: float
    work: Mapping[str, int] = field(default_factory=dict)

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and error estimates; infinite beyond the time of overflow."""
        check_horizon(t, self.question.stop)
        reached = t <= self.fine.horizon
        inside = np.minimum(t, self.fine.horizon)
        memory, _ = self.fine.interpolate(inside)
        forcing = evaluate_forcing(self.forcing, t)
        step = np.searchsorted(self.coarse.boundaries, inside, side="left") - 1
        error = self.step_error[np.clip(step, 0, self.step_error.size - 1)]
        error = error + np.abs(self.errors.interpolate(inside)[0])
        error = error + forcing_rounding(self.forcing)
        floor = ROUNDING * (np.abs(memory) + np.abs(forcing))
        beyond = self.growth_sign * math.inf
        memory[t == 0] = 0.0
        error = np.where(t == 0, 0.0, error)
        return (
            np.where(reached, forcing + memory, beyond),
            np.where(reached, error + floor, math.inf),
        )

    def observe(self, weights: Array, forcing: Forcing | None) -> CollocationTrajectory:
        """Observe on this mesh; if the observation needs a finer one, make it."""
        return _observe(self, weights, forcing)


def solve_collocation(question: SteppedQuestion) -> CollocationTrajectory:
    """Solve to the global tolerance, or as near as can be, with an honest error.

    Parameters
    ----------
    question
        The equation, the times and the tolerance.

    Returns
    -------
    CollocationTrajectory
        Costs four and a half steps per mesh step and attempt, each linear in the modes.
    """
    spent, tries = Work(), _Tries()
    while not tries.enough:
        tries.add(_attempt(question, tries.factor, spent))
    return tries.best


def _attempt(
    question: SteppedQuestion, factor: float, spent: Work, watch: Watch | None = None
) -> CollocationTrajectory:
    """Make a mesh, solve on it bisected, and see what errors become."""
    equation = question.equation()
    coarse = adaptive_mesh(equation, question, factor, spent, watch)
    fine = sweep(equation, bisect(coarse.boundaries), spent)
    errors = error_mesh(equation, coarse, unresolved(coarse.source, fine.source), spent)
    return _compare(question, question.forcing, coarse, fine, errors, spent)


class _Tries:
    """Attempts with ever smaller steps, until the tolerance is met or nothing is gained."""

    def __init__(self) -> None:
        self.factor = 1.0
        self.trajectories: list[CollocationTrajectory] = []
        self.excess: list[float] = []

    def add(self, trajectory: CollocationTrajectory) -> None:
        self.trajectories.append(trajectory)
        self.excess.append(_excess(trajectory))
        # Local errors add up to a global one in proportion, or nearly: aim a little below.
        shrink = 0.3 / self.excess[-1] if self.excess[-1] > 0 else 1.0
        self.factor *= min(0.3, max(1e-4, shrink))

    @property
    def enough(self) -> bool:
        if not self.excess:
            return False
        stuck = len(self.excess) > 2 and self.excess[-1] > 0.7 * self.excess[-2]
        return self.excess[-1] <= 1 or stuck or len(self.excess) == _ATTEMPTS

    @property
    def best(self) -> CollocationTrajectory:
        return self.trajectories[int(np.argmin(self.excess))]


def _excess(trajectory: CollocationTrajectory) -> float:
    """Largest ratio of reported error to tolerance over the requested times before overflow."""
    question = trajectory.question
    t = question.t[question.t <= trajectory.fine.horizon]
    if t.size == 0:
        return 0.0
    y, error = trajectory.evaluate(t)
    return float(np.max(ratio_to_tolerance(y, error, question.rtol, question.atol)))


# --------------------------------------------------------------------------- global error


def _compare(
    question: SteppedQuestion,
    forcing: Forcing | None,
    coarse: Mesh,
    fine: Mesh,
    errors: Mesh,
    spent: Work,
) -> CollocationTrajectory:
    """Pair two meshes; a step's error is the largest difference in it and its neighbours."""
    rule = radau()
    first, second = fine.memory[0::2, 1:], fine.memory[1::2, 1:]
    difference = np.maximum(
        np.max(np.abs(coarse.memory @ rule.first_half.T - first), axis=1),
        np.max(np.abs(coarse.memory @ rule.second_half.T - second), axis=1),
    )
    noise = np.maximum(coarse.noise, np.maximum(fine.noise[0::2], fine.noise[1::2]))
    difference = difference + noise * np.max(np.abs(coarse.memory), axis=1)
    error = with_neighbours(difference)
    sign = math.copysign(1.0, float(fine.y[-1, -1]))
    modes = question.mode_count
    return CollocationTrajectory(
        question, forcing, fine, coarse, error, errors, sign, spent.counters(fine, modes)
    )


def _observe(
    source: CollocationTrajectory, weights: Array, forcing: Forcing | None
) -> CollocationTrajectory:
    """Follow the observed modes along both meshes; if too coarse for them, make a finer mesh."""
    question = source.question
    equation, v = question.observation(weights, forcing)
    spent, tries = Work(), _Tries()
    while not tries.enough:
        if tries.trajectories:
            source = _attempt(question, tries.factor, spent, Watch(equation, v))
        coarse = follow_mesh(equation, source.coarse, v, spent)
        fine = follow_mesh(equation, source.fine, v, spent)
        wrong = replace(
            source.coarse, y=np.abs(source.errors.y) + ROUNDING * np.abs(source.coarse.y)
        )
        unseen = unresolved(coarse.source, fine.source)
        errors = follow_mesh(equation, wrong, np.abs(v), spent, unseen)
        tries.add(_compare(question, forcing, coarse, fine, errors, spent))
    return tries.best


# --------------------------------------------------------------------------- the method


def _run(question: Question) -> CollocationTrajectory:
    assert isinstance(question.kernel, ModalKernel)
    check_functions(question.forcing, question.kernel, question.t)
    return solve_collocation(stepped(question))


METHOD = Method(
    name="collocation",
    kernels=(SumOfExponentials, TimeChanged),
    run=_run,
    refusal=complex_kernel,
)
