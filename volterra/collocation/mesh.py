"""Meshes: made by step doubling, swept again when given, or followed when y is known."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from volterra.arrays import Array, Index
from volterra.collocation.defect import Missed, lost, missed
from volterra.collocation.question import SteppedQuestion
from volterra.collocation.step import Equation, Step, advance, follow
from volterra.kernels.exponentials import SumOfExponentials
from volterra.radau import STAGES, lagrange_matrix, radau
from volterra.solution import forcing_rounding
from volterra.stepping import HUGE, ROUNDING, end_of_step, growth, shrinkage

_DENSE_ORDER = STAGES + 1  # of the modes' polynomials inside a step
_SMALLEST_STEP = 1e-12  # relative to t; smaller ones are accepted, for rounding is in command
_MAX_STEPS = 20_000
_NOTHING = Missed(0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Mesh:
    """Step boundaries and, per step, y at the nodes and the memory y − f at 0 and the nodes.

    `noise` is what rounding in a step may do to its memory, relative to it, `missed` what the
    step's polynomials miss of the functions, shape (steps, 2), and `source` the constant source
    that would do as much to the memory.

    `horizon` is where the mesh ends; earlier than asked for if y outgrew floating point.
    """

    boundaries: Array
    y: Array
    memory: Array
    noise: Array
    missed: Array
    source: Array

    @property
    def horizon(self) -> float:
        """The last time reached."""
        return float(self.boundaries[-1])

    def interpolate(self, t: Array) -> tuple[Array, Index]:
        """Memory at times inside the horizon, and the step that each time lies in."""
        step = np.searchsorted(self.boundaries, t, side="left") - 1
        step = np.clip(step, 0, self.boundaries.size - 2)
        start = self.boundaries[step]
        place = (t - start) / (self.boundaries[step + 1] - start)
        basis = lagrange_matrix(radau().points, place)
        return np.sum(basis * self.memory[step], axis=1), step


class Work:
    """Running counters."""

    def __init__(self) -> None:
        """Start from zero."""
        self.steps = self.rejected = self.attempts = 0

    def counters(self, mesh: Mesh, modes: int) -> dict[str, int]:
        """The counters that a solution shows."""
        return {
            "steps": mesh.boundaries.size - 1,
            "steps_computed": self.steps,
            "rejected": self.rejected,
            "attempts": self.attempts,
            "modes": modes,
        }


@dataclass(frozen=True, eq=False)
class Watch:
    """Another output to be resolved too: its modes, their weights, its forcing."""

    equation: Equation
    weights: Array


def adaptive_mesh(
    equation: Equation,
    question: SteppedQuestion,
    factor: float,
    spent: Work,
    watch: Watch | None = None,
) -> Mesh:
    """Step doubling from 0 to the end; the two halves are kept, every mesh step is a half.

    `factor` is the share of the tolerance that one step may use up.
    """
    spent.attempts += 1
    stops = question.stops
    state = _State.start(equation, watch)
    record = _Record()
    t, h = 0.0, _first_step(equation, question)
    while stops and abs(record.last) < HUGE:
        t_new = end_of_step(t, h, stops[0])
        lands = t_new == stops[0]
        trial = _doubled(equation, watch, state, (t, 0.5 * (t + t_new), t_new), question, factor)
        spent.steps += 3
        # Beyond so many steps the error is left to the comparison of the whole meshes: an answer
        # with a large error is better than none.
        many = len(record.boundaries) > 2 * _MAX_STEPS
        if trial.error > 1 and not many and t_new - t > _SMALLEST_STEP * t_new:
            h = (t_new - t) * shrinkage(trial.error, trial.order)
            spent.rejected += 1
            continue
        record.add(0.5 * (t + t_new), trial.first, trial.missed[0])
        record.add(t_new, trial.second, trial.missed[1])
        grown = (t_new - t) * (2.0 if many else growth(trial.error, trial.order))
        # A step cut short by a landing says little about how long the next may be.
        h = max(h, grown) if lands and trial.error <= 1 else grown
        t, state = t_new, trial.state
        stops = stops[1:] if lands else stops
    return record.mesh()


@dataclass(frozen=True, eq=False)
class _State:
    """Modes of the equation and of the watched output."""

    modes: Array
    watched: Array

    @classmethod
    def start(cls, equation: Equation, watch: Watch | None) -> _State:
        count = 0 if watch is None else watch.equation.rates.size
        return cls(np.zeros(equation.rates.size), np.zeros(count))


@dataclass(frozen=True, eq=False)
class _Trial:
    """Two half steps, the state after them, and their error in units of the tolerance."""

    first: Step
    second: Step
    missed: tuple[Missed, Missed]
    state: _State
    error: float
    order: int
    """The power of its length with which the error falls."""


def _doubled(
    equation: Equation,
    watch: Watch | None,
    state: _State,
    edges: tuple[float, float, float],
    question: SteppedQuestion,
    factor: float,
) -> _Trial:
    """One step and its two halves, for the equation and the watched output."""
    start, middle, stop = edges
    spans = ((start, stop), (start, middle), (middle, stop))
    samples = [equation.sample(*span) for span in spans]
    whole = advance(equation, samples[0], state.modes)
    first = advance(equation, samples[1], state.modes)
    second = advance(equation, samples[2], first.modes)
    steps = whole, first, second
    miss = missed(equation, samples[1], first), missed(equation, samples[2], second)
    missed_whole = cache(lambda: missed(equation, samples[0], whole))
    seen, allowed = _step_error(steps, (first.y, second.y), question, factor)
    unseen = _unseen(steps, miss, missed_whole, allowed)
    watched = state.watched
    if watch is not None:
        other = [watch.equation.sample(*span) for span in spans]
        long = follow(watch.equation, other[0], watched, whole.y, watch.weights)
        one = follow(watch.equation, other[1], watched, first.y, watch.weights)
        two = follow(watch.equation, other[2], one.modes, second.y, watch.weights)
        values = (one.memory[1:] + other[1].forcing, two.memory[1:] + other[2].forcing)
        also, allowed = _step_error((long, one, two), values, question, factor)
        seen = max(seen, also)
        unseen = max(unseen, _unseen((long, one, two), miss, missed_whole, allowed))
        watched = two.modes
    order = 1 if unseen > seen else _DENSE_ORDER
    return _Trial(first, second, miss, _State(second.modes, watched), max(seen, unseen), order)


class _Record:
    """Accepted steps, growing."""

    def __init__(self) -> None:
        self.boundaries: list[float] = [0.0]
        self.steps: list[Step] = []
        self.missed: list[Missed] = []
        self.last = 0.0

    def add(self, t: float, step: Step, miss: Missed = _NOTHING) -> None:
        self.boundaries.append(t)
        self.steps.append(step)
        self.missed.append(miss)
        self.last = float(step.y[-1])

    def mesh(self) -> Mesh:
        return Mesh(
            np.array(self.boundaries),
            np.array([step.y for step in self.steps]),
            np.array([step.memory for step in self.steps]),
            np.array([step.noise for step in self.steps]),
            np.array(self.missed),
            np.array(
                [
                    miss.source + miss.delay * step.per_delay
                    for miss, step in zip(self.missed, self.steps, strict=True)
                ]
            ),
        )


def _first_step(equation: Equation, question: SteppedQuestion) -> float:
    """Small against every time scale that is known; steps grow eightfold, so this costs little."""
    first = float(np.append(question.t[question.t > 0], question.stop)[0])
    probe = equation.sample(0.0, 1e-3 * first)
    speed = float(np.max(probe.clock_rate)) * float(np.max(equation.rates, initial=0.0))
    speed += float(np.max(np.abs(probe.weight))) * float(np.sum(np.abs(equation.weights)))
    if isinstance(question.forcing, SumOfExponentials):
        speed += float(np.max(question.forcing.rates, initial=0.0))
    shortest = 0.1 / speed if speed > 0 else math.inf
    return float(min(1e-2 * first, shortest, question.stops[0]))


def _step_error(
    steps: tuple[Step, Step, Step],
    values: tuple[Array, Array],
    question: SteppedQuestion,
    factor: float,
) -> tuple[float, float]:
    """Whole step against the two halves at all of their nodes, in units of the tolerance.

    And the largest error that the tolerance allows.
    """
    rule = radau()
    whole, first, second = steps
    difference = np.concatenate(
        [
            rule.first_half @ whole.memory - first.memory[1:],
            rule.second_half @ whole.memory - second.memory[1:],
        ]
    )
    size = np.abs(np.concatenate(values))
    # A little of the largest y in the step, so that a zero of y is not resolved for its own sake.
    largest = float(np.max(size))
    # What rounding alone can make of the difference is no reason for a smaller step.
    noise = 2.0 * max(step.noise for step in steps) * largest
    scale = factor * (question.rtol * (size + 0.05 * largest) + question.atol) + noise
    with np.errstate(all="ignore"):
        ratio = np.where(difference == 0, 0.0, np.abs(difference) / scale)
    worst = float(np.max(ratio))
    return (worst if math.isfinite(worst) else math.inf), float(np.max(scale))


def _unseen(
    steps: tuple[Step, Step, Step],
    miss: tuple[Missed, Missed],
    missed_whole: Callable[[], Missed],
    allowed: float,
) -> float:
    """What the halves miss of the functions and the comparison does not see, in tolerances."""
    _, first, second = steps
    halves = first.effect(*miss[0]) + second.effect(*miss[1])
    if not allowed < halves < math.inf:
        return 0.0  # It does not matter, or has outgrown floating point, which is seen.
    unseen = lost(missed_whole(), miss)
    effect = first.effect(*unseen) + second.effect(*unseen)
    if allowed > 0:
        return effect / allowed
    return math.inf if effect > 0 else 0.0


def sweep(equation: Equation, boundaries: Array, spent: Work) -> Mesh:
    """Solve on given steps."""
    modes = np.zeros(equation.rates.size)
    record = _Record()
    for start, stop in itertools.pairwise(boundaries):
        sample = equation.sample(float(start), float(stop))
        step = advance(equation, sample, modes)
        record.add(float(stop), step, missed(equation, sample, step))
        modes = step.modes
    spent.steps += boundaries.size - 1
    return record.mesh()


def follow_mesh(
    equation: Equation, mesh: Mesh, weights: Array, spent: Work, sources: Array | None = None
) -> Mesh:
    """The observed modes' memory along a mesh whose y is known, with constant `sources` added."""
    modes = np.zeros(equation.rates.size)
    record = _Record()
    for index, (start, stop) in enumerate(itertools.pairwise(mesh.boundaries)):
        sample = equation.sample(float(start), float(stop))
        if sources is not None:
            sample = replace(sample, missed=float(sources[index]))
        step = follow(equation, sample, modes, mesh.y[index], weights)
        record.add(float(stop), step, Missed(*mesh.missed[index].tolist()))
        modes = step.modes
    spent.steps += mesh.boundaries.size - 1
    return record.mesh()


def error_mesh(equation: Equation, mesh: Mesh, sources: Array, spent: Work) -> Mesh:
    """What becomes of errors: the same equation, driven by the rounding errors of y and f.

    And by `sources`, what the polynomials of each step miss, shape (steps,).

    A clock rate that was found from rounded clocks adds its own error, relative to the memory.

    Rounding early on may be amplified a thousandfold by an equation near or above its critical
    point, alike on the coarse and the fine mesh, so that comparing the two would not show it.
    """
    modes, cancelled = np.zeros(equation.rates.size), forcing_rounding(equation.forcing)
    record = _Record()
    for index, (start, stop) in enumerate(itertools.pairwise(mesh.boundaries)):
        sample = equation.sample(float(start), float(stop))
        size = np.abs(mesh.y[index]) + np.abs(sample.forcing)
        source = ROUNDING * size + cancelled + sample.clock_noise * np.abs(mesh.memory[index, 1:])
        driven = replace(sample, forcing=source, missed=float(sources[index]))
        step = advance(equation, driven, modes)
        record.add(float(stop), step)
        modes = step.modes
    spent.steps += mesh.boundaries.size - 1
    return record.mesh()
