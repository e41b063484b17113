"""Adaptive collocation: kernels with a clock and a weight, forcings that are any function.

The mesh is chosen by comparing one step with two halves. Then the whole equation is solved once
more with every step bisected, and the difference of the two solutions is the reported error of the
finer one. If that global error is beyond the tolerance, the mesh is made again with a smaller
local one: local error control alone would promise nothing about y.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from volterra.kernels import SumOfExponentials, TimeChanged
from volterra.radau import STAGES, lagrange_matrix, radau
from volterra.solution import Forcing, evaluate_forcing
from volterra.stepper import Equation, Step, advance, follow

Array = NDArray[np.float64]

_EPS = float(np.finfo(np.float64).eps)
_DENSE_ORDER = STAGES + 1  # of the modes' polynomials inside a step
_SMALLEST_TOLERANCE = 1e-15
_SMALLEST_STEP = 1e-13  # relative to t; smaller ones are accepted, for rounding is in command
_HUGE = 1e280
_MAX_STEPS = 20_000
_ATTEMPTS = 6


@dataclass(frozen=True, eq=False)
class Mesh:
    """Step boundaries and, per step, y at the nodes and the memory y - f at 0 and the nodes.

    `horizon` is where the mesh ends; earlier than asked for if y outgrew floating point.
    """

    boundaries: Array
    y: Array
    memory: Array

    @property
    def horizon(self) -> float:
        """The last time reached."""
        return float(self.boundaries[-1])

    def interpolate(self, t: Array) -> tuple[Array, NDArray[np.intp]]:
        """Memory at times inside the horizon, and the step that each time lies in."""
        step = np.searchsorted(self.boundaries, t, side="left") - 1
        step = np.clip(step, 0, self.boundaries.size - 2)
        start = self.boundaries[step]
        place = (t - start) / (self.boundaries[step + 1] - start)
        basis = lagrange_matrix(radau().points, place)
        return np.sum(basis * self.memory[step], axis=1), step


@dataclass(frozen=True, eq=False)
class CollocationTrajectory:
    """A solution on a fine mesh, with an error per coarse step, and how to observe it."""

    problem: Problem
    forcing: Forcing | None
    fine: Mesh
    coarse: Mesh
    step_error: Array
    local_tolerance: float
    growth_sign: float
    work: Mapping[str, int] = field(default_factory=dict)

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and error estimates; infinite beyond the time of overflow."""
        if np.any(t > self.problem.stop):
            raise ValueError(
                f"the solution was computed up to t = {self.problem.stop:g}; "
                "solve again with a later last time to go beyond."
            )
        reached = t <= self.fine.horizon
        inside = np.minimum(t, self.fine.horizon)
        memory, _ = self.fine.interpolate(inside)
        forcing = evaluate_forcing(self.forcing, t)
        step = np.searchsorted(self.coarse.boundaries, inside, side="left") - 1
        error = self.step_error[np.clip(step, 0, self.step_error.size - 1)]
        floor = _rounding(self.fine) * (np.abs(memory) + np.abs(forcing))
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


def _rounding(mesh: Mesh) -> float:
    return _EPS * (16.0 + 4.0 * math.sqrt(mesh.boundaries.size))


@dataclass(frozen=True, eq=False)
class Problem:
    """What is asked: an equation on [0, stop] with stops in between, and a global tolerance."""

    forcing: Forcing
    kernel: SumOfExponentials | TimeChanged
    t: Array
    rtol: float
    atol: float

    @property
    def stop(self) -> float:
        """The last requested time."""
        return float(self.t[-1])

    @property
    def stops(self) -> list[float]:
        """Times on which steps must land, the last one included."""
        inner = () if isinstance(self.kernel, SumOfExponentials) else self.kernel.breakpoints
        return [float(b) for b in inner if 0 < b < self.stop] + [self.stop]

    @property
    def sum_of_exponentials(self) -> SumOfExponentials:
        """The kernel without its clock."""
        plain = isinstance(self.kernel, SumOfExponentials)
        return self.kernel if plain else self.kernel.kernel

    def equation(self) -> Equation:
        """The equation in distinct modes with nonzero weights."""
        modes = self.sum_of_exponentials.modes()
        keep = modes.weights != 0
        return self._with_modes(self.forcing, modes.rates[keep], modes.weights[keep])

    def _with_modes(self, forcing: Forcing | None, rates: Array, weights: Array) -> Equation:
        if isinstance(self.kernel, SumOfExponentials):
            return Equation(forcing, rates, weights)
        changed = self.kernel
        return Equation(
            forcing, rates, weights, changed.clock, changed.clock_rate, changed.weight
        )

    def observation(self, weights: Array) -> tuple[Equation, Array]:
        """The modes that are observed, and their weights."""
        modes = self.sum_of_exponentials.modes()
        v = modes.collect(weights)
        keep = v != 0
        return self._with_modes(None, modes.rates[keep], modes.weights[keep]), v[keep]


def solve_collocation(problem: Problem) -> CollocationTrajectory:
    """Solve to the global tolerance, or as near as can be, with an honest error.

    Parameters
    ----------
    problem : Problem
        The equation, the times and the tolerance.

    Returns
    -------
    CollocationTrajectory
        Costs seven steps per accepted step and attempt, each linear in the modes.
    """
    return _refine(problem, problem.rtol)


def _refine(problem: Problem, local: float) -> CollocationTrajectory:
    """Make meshes with ever smaller local tolerance until the global error is small enough."""
    equation = problem.equation()
    best, best_excess, spent = None, math.inf, _Work()
    for _ in range(_ATTEMPTS):
        coarse = _adaptive(equation, problem, local, spent)
        fine = _sweep(equation, _bisect(coarse.boundaries), spent)
        trajectory = _compare(problem, problem.forcing, coarse, fine, local, spent)
        excess = _excess(trajectory)
        if best is None or excess < best_excess:
            best, best_excess = trajectory, excess
        if excess <= 1 or local <= _SMALLEST_TOLERANCE:
            break
        local = _tighten(local, excess)
    return best


def _tighten(local: float, excess: float) -> float:
    return max(_SMALLEST_TOLERANCE, local * min(0.3, max(1e-4, 0.3 / excess)))


def _excess(trajectory: CollocationTrajectory) -> float:
    """Largest ratio of reported error to tolerance over the requested times before overflow."""
    problem = trajectory.problem
    t = problem.t[problem.t <= trajectory.fine.horizon]
    if t.size == 0:
        return 0.0
    y, error = trajectory.evaluate(t)
    allowed = problem.rtol * np.abs(y) + problem.atol
    ratio = np.divide(error, allowed, out=np.full_like(error, np.inf), where=allowed > 0)
    return float(np.max(np.where(error == 0, 0.0, ratio)))


class _Work:
    """Running counters."""

    def __init__(self) -> None:
        self.steps = self.rejected = self.attempts = 0

    def counters(self, mesh: Mesh, modes: int) -> dict[str, int]:
        return {
            "steps": mesh.boundaries.size - 1, "steps_computed": self.steps,
            "rejected": self.rejected, "attempts": self.attempts, "modes": modes,
        }


# --------------------------------------------------------------------------- making a mesh


def _adaptive(equation: Equation, problem: Problem, local: float, spent: _Work) -> Mesh:
    """Step doubling from 0 to the end; the two halves are kept, every mesh step is a half."""
    spent.attempts += 1
    stops = problem.stops
    modes = np.zeros(equation.rates.size)
    record = _Record()
    t, h = 0.0, _first_step(equation, problem)
    while stops and abs(record.last) < _HUGE:
        t_new, lands = _target(t, h, stops[0])
        middle = 0.5 * (t + t_new)
        whole = advance(equation, equation.sample(t, t_new), modes)
        first = advance(equation, equation.sample(t, middle), modes)
        second = advance(equation, equation.sample(middle, t_new), first.modes)
        spent.steps += 3
        error = _step_error(whole, first, second, problem, local)
        forced = t_new - t <= _SMALLEST_STEP * t_new or len(record.boundaries) > 2 * _MAX_STEPS
        if not math.isfinite(error) and not forced:
            h = 0.1 * (t_new - t)
            spent.rejected += 1
            continue
        factor = min(8.0, max(0.1, 0.85 * max(error, 1e-30) ** (-1.0 / _DENSE_ORDER)))
        if error > 1 and not forced:
            h = (t_new - t) * min(0.9, factor)
            spent.rejected += 1
            continue
        record.add(middle, first)
        record.add(t_new, second)
        # A step cut short by a landing says little about how long the next may be.
        h = max(h, (t_new - t) * factor) if lands and error <= 1 else (t_new - t) * factor
        if len(record.boundaries) > 2 * _MAX_STEPS:
            h = max(h, 2.0 * (t_new - t))
        t, modes = t_new, second.modes
        if lands:
            stops = stops[1:]
    return record.mesh()


class _Record:
    """Accepted steps, growing."""

    def __init__(self) -> None:
        self.boundaries: list[float] = [0.0]
        self.steps: list[Step] = []
        self.last = 0.0

    def add(self, t: float, step: Step) -> None:
        self.boundaries.append(t)
        self.steps.append(step)
        self.last = float(step.y[-1])

    def mesh(self) -> Mesh:
        return Mesh(
            np.array(self.boundaries),
            np.array([step.y for step in self.steps]),
            np.array([step.memory for step in self.steps]),
        )


def _first_step(equation: Equation, problem: Problem) -> float:
    """Small against every time scale that is known; steps grow eightfold, so this costs little."""
    first = float(problem.t[problem.t > 0][0])
    probe = equation.sample(0.0, 1e-3 * first)
    speed = float(np.max(probe.clock_rate)) * float(np.max(equation.rates, initial=0.0))
    speed += float(np.max(np.abs(probe.weight))) * float(np.sum(np.abs(equation.weights)))
    if isinstance(problem.forcing, SumOfExponentials):
        speed += float(np.max(problem.forcing.rates, initial=0.0))
    return min(1e-2 * first, 0.1 / speed if speed > 0 else math.inf, problem.stops[0])


def _target(t: float, h: float, stop: float) -> tuple[float, bool]:
    """The end of the next step: on the stop, or well before it, never just short of it."""
    if t + 1.05 * h >= stop:
        return stop, True
    return (t + h, False) if t + 2 * h < stop else (0.5 * (t + stop), False)


def _step_error(
    whole: Step, first: Step, second: Step, problem: Problem, local: float
) -> float:
    """Whole step against the two halves at all of their nodes, in units of the tolerance."""
    rule = radau()
    difference = np.concatenate([
        rule.first_half @ whole.memory - first.memory[1:],
        rule.second_half @ whole.memory - second.memory[1:],
    ])
    size = np.abs(np.concatenate([first.y, second.y]))
    scale = local * (size + 0.05 * np.max(size)) + problem.atol * (local / problem.rtol)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(difference == 0, 0.0, np.abs(difference) / scale)
    return float(np.max(ratio))


def _bisect(boundaries: Array) -> Array:
    middle = 0.5 * (boundaries[:-1] + boundaries[1:])
    return np.insert(boundaries, np.arange(1, boundaries.size), middle)


def _sweep(equation: Equation, boundaries: Array, spent: _Work) -> Mesh:
    """Solve on given steps."""
    modes = np.zeros(equation.rates.size)
    record = _Record()
    for start, stop in zip(boundaries[:-1], boundaries[1:], strict=True):
        step = advance(equation, equation.sample(float(start), float(stop)), modes)
        record.add(float(stop), step)
        modes = step.modes
    spent.steps += boundaries.size - 1
    return record.mesh()


# --------------------------------------------------------------------------- global error


def _compare(
    problem: Problem, forcing: Forcing | None, coarse: Mesh, fine: Mesh, local: float,
    spent: _Work,
) -> CollocationTrajectory:
    """Pair two meshes; a step's error is the largest difference in it and its neighbours.

    The neighbours matter where the difference of the two solutions happens to change its sign.
    """
    rule = radau()
    first, second = fine.memory[0::2, 1:], fine.memory[1::2, 1:]
    difference = np.maximum(
        np.max(np.abs(coarse.memory @ rule.first_half.T - first), axis=1),
        np.max(np.abs(coarse.memory @ rule.second_half.T - second), axis=1),
    )
    padded = np.concatenate([[0.0], difference, [0.0]])
    error = np.maximum(difference, np.maximum(padded[:-2], padded[2:]))
    sign = math.copysign(1.0, float(fine.y[-1, -1]))
    modes = problem.sum_of_exponentials.rates.size
    return CollocationTrajectory(
        problem, forcing, fine, coarse, error, local, sign, spent.counters(fine, modes)
    )


def _observe(
    source: CollocationTrajectory, weights: Array, forcing: Forcing | None
) -> CollocationTrajectory:
    """Follow the observed modes along both meshes; tighten until the observation converges."""
    problem = source.problem
    equation, v = problem.observation(weights)
    best, best_excess, spent = None, math.inf, _Work()
    for _ in range(_ATTEMPTS):
        coarse = _follow_mesh(equation, source.coarse, v, spent)
        fine = _follow_mesh(equation, source.fine, v, spent)
        local = source.local_tolerance
        trajectory = _compare(problem, forcing, coarse, fine, local, spent)
        excess = _excess(trajectory)
        if best is None or excess < best_excess:
            best, best_excess = trajectory, excess
        if excess <= 1 or local <= _SMALLEST_TOLERANCE:
            break
        source = _refine(problem, _tighten(local, excess))
    return best


def _follow_mesh(equation: Equation, mesh: Mesh, weights: Array, spent: _Work) -> Mesh:
    """The observed modes' memory along a mesh whose y is known."""
    modes = np.zeros(equation.rates.size)
    record = _Record()
    edges = zip(mesh.boundaries[:-1], mesh.boundaries[1:], mesh.y, strict=True)
    for start, stop, y in edges:
        sample = equation.sample(float(start), float(stop))
        step = follow(equation, sample, modes, y, weights)
        record.add(float(stop), step)
        modes = step.modes
    spent.steps += mesh.boundaries.size - 1
    return record.mesh()
