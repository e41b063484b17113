"""Linear methods: several vectors, mixed, and moved along the gradient at one combination of them.

The vectors are kept as displacements D from where they started, so that they begin at zero whatever
the start: with A·start = start an iteration is D ← A D − b g. The parameters x that engines know
are the query, where the gradient is taken; what is recorded is x moved by what the displacements of
readout and query differ in, and behind it the average, if one is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from hsgd.algorithms.linear import LinearMethod, ScheduleFree
from hsgd.algorithms.linear_form import LinearForm
from hsgd.algorithms.momentum import WithMomentum
from hsgd.checks import Array
from simulate.formulas.schedules import KEPT
from simulate.formulas.update import with_ridge
from simulate.rules.base import Rule
from simulate.rules.sharing import own


def take_step(
    crew: Any, given: Any, i: Any, state: Any, factor: Any, size: Any, x: Any, pull: Any
) -> Any:
    """A step, compiled: half of the state is room for the vectors after it."""
    query, m = given.readouts[0], given.readouts.shape[1]
    now = i if given.coefficients.shape[0] > 1 else 0
    for j in own(x.size):
        gradient = with_ridge(pull[j], x[j], given.ridge)
        for a in range(m):
            value = -given.coefficients[now, m * m + a] * gradient
            for p in range(m):
                value += given.coefficients[now, a * m + p] * state[p, j]
            state[m + a, j] = value
        change = 0.0
        for a in range(m):
            change += query[a] * (state[m + a, j] - state[a, j])
            state[a, j] = state[m + a, j]
        x[j] += change
        pull[j] = 0.0
    return True


def take_note(crew: Any, given: Any, state: Any, x: Any, point: Any) -> None:
    """Put down what is seen, and behind it the average, compiled."""
    kinds, m = given.readouts.shape[0] - 1, given.readouts.shape[1]
    dimension = point.size // kinds
    for j in own(dimension):
        for kind in range(kinds):
            value = x[j]
            for p in range(m):
                value += given.readouts[kind + 1, p] * state[p, j]
            point[kind * dimension + j] = value


class Coefficients:
    """A and b of every iteration, a row each; a single row where all do the same."""

    def __init__(self, form: LinearForm, per_unit: int, num_iterations: int) -> None:
        self._form, self._per_unit = form, per_unit
        most = min(num_iterations, KEPT // (form.size * (form.size + 1)))
        self.kept = self._rows(0, 1 if form.is_constant else most)

    def _rows(self, first: int, last: int) -> Array:
        mixing, gains = self._form.steps(np.arange(first, last), self._per_unit)
        return np.hstack((mixing.reshape(last - first, -1), gains))

    def between(self, first: int, last: int) -> Array:
        """Those of the iterations first, …, last − 1."""
        if self._form.is_constant:
            return self.kept
        return self.kept[first:last] if last <= len(self.kept) else self._rows(first, last)


@dataclass(frozen=True, eq=False)
class LinearRule(Rule):
    """D ← A D − b g, the gradient g at the query."""

    algorithms = (ScheduleFree, LinearMethod)
    state_name = "displacements"
    reads = ("readouts", "coefficients")
    compiled_step = staticmethod(take_step)
    compiled_note = staticmethod(take_note)
    form: LinearForm
    coefficients: Coefficients

    @classmethod
    def takes(cls, problem: Any, algorithm: Any) -> bool:
        """All that keeps an average as well, and momentum on fresh rows, which is no update."""
        if algorithm.linear_form() is None:
            return False
        mine, kept = isinstance(algorithm, cls.algorithms), algorithm.averaging is not None
        moves_on = isinstance(algorithm, WithMomentum) and np.isinf(problem.num_rows)
        return mine or kept or moves_on

    @classmethod
    def of(cls, problem: Any, algorithm: Any, num_iterations: int) -> Self:
        form = algorithm.linear_form().averaged(algorithm.averaging)
        return cls(form, Coefficients(form, problem.iterations_per_unit, num_iterations))

    @property
    def _apart(self) -> Array:
        """Readout less query, and average less query, shape (1 or 2, m)."""
        form = self.form
        readouts = [form.readout] if form.average is None else [form.readout, form.average]
        return np.array(readouts) - form.query

    @property
    def keeps_average(self) -> bool:
        return self.form.average is not None

    @property
    def numbers_per_iteration(self) -> int:
        return 1 if self.form.is_constant else self.form.size * (self.form.size + 1)

    def new_state(self, dimension: int) -> Array:
        return np.zeros((2 * self.form.size, dimension))

    def constants(self) -> tuple[Any, ...]:
        return (np.vstack((self.form.query, self._apart)),)

    def factors(self) -> tuple[Coefficients, ...]:
        return (self.coefficients,)

    def seen(self, state: Array, x: Array) -> Array:
        return np.concatenate([x + apart @ state[: self.form.size] for apart in self._apart])

    def step(
        self, state: Array, x: Array, gradient: Array, factor: float, size: int, iteration: int
    ) -> bool:
        m = self.form.size
        row = self.coefficients.between(iteration, iteration + 1)[0]
        state[m:] = row[: m * m].reshape(m, m) @ state[:m] - np.outer(row[m * m :], gradient)
        x += self.form.query @ (state[m:] - state[:m])
        state[:m] = state[m:]
        return True
