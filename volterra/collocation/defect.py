"""What a step's polynomials miss of the user's functions: the error that two meshes may share.

Collocation sees functions at its nodes alone. A jump or a kink between two nodes may be seen by
none of them, and alike by those of the finer mesh, so that neither a step held against its halves
nor one mesh held against the other need show it. So every step is looked at elsewhere too: at its
start, midway between its nodes, and wherever a fine grid over all times falls into it.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre

from volterra.arrays import EPS, Array
from volterra.collocation.step import Equation, Sample, Step
from volterra.kernels.exponentials import SumOfExponentials
from volterra.radau import STAGES, integral_matrix, lagrange_matrix, radau
from volterra.solution import evaluate_checked
from volterra.stepping import just_after

_ROUNDING = 128.0 * EPS  # of values, and of polynomials between their nodes
_FALL = 20.0  # of what is missed when a step of a smooth function is halved: 2⁵, with a margin


class Missed(NamedTuple):
    """What the polynomials miss in one step."""

    source: float
    """Of w y, the source of all modes."""
    delay: float
    """Of the clock, counted from the start of the step."""


def missed(equation: Equation, sample: Sample, step: Step) -> Missed:
    """What the polynomials of a step miss, at the worst of the places that are looked at."""
    start, length = sample.start, sample.length
    first = np.searchsorted(equation.grid, start, side="right")
    last = np.searchsorted(equation.grid, start + length)
    places = _places()
    if last > first:
        places = places.and_at((equation.grid[first:last] - start) / length)
    t = start + length * places.x
    # Just inside the step, as at its end: a function may jump where the step begins.
    t[0] = just_after(start)
    # What overflows is looked at by whoever takes the step.
    with np.errstate(all="ignore"):
        return Missed(
            _source(equation, sample, step, t, places),
            _delay(equation, sample, t, places.integral),
        )


def unresolved(coarse: Array, fine: Array) -> Array:
    """From what is missed on a mesh and on its halves, what no comparison of the two would show.

    Where functions are smooth, halves miss far less: there the comparison is right by itself.
    """
    worst = np.maximum(fine[0::2], fine[1::2])
    out: Array = np.maximum(worst - coarse / _FALL, 0.0)
    return out


def lost(whole: Missed, halves: tuple[Missed, Missed]) -> Missed:
    """The same of one step and its two halves."""
    return Missed(
        *(
            max(one, two, all_ / _FALL) - all_ / _FALL
            for all_, one, two in zip(whole, *halves, strict=True)
        )
    )


class _Places(NamedTuple):
    """Places in a step, and matrices to them: from nodes to values, from points, to integrals."""

    x: Array
    value: Array
    memory: Array
    integral: Array

    @classmethod
    def at(cls, x: Array) -> _Places:
        basis = legendre.legvander(2.0 * x - 1.0, STAGES)
        return cls(x, *(basis @ matrix for matrix in _in_legendre()))

    def and_at(self, x: Array) -> _Places:
        """These and more."""
        return _Places(*map(np.concatenate, zip(self, self.at(x), strict=True)))


@cache
def _in_legendre() -> tuple[Array, Array, Array]:
    """The same matrices to coefficients of Legendre polynomials on the step."""
    rule = radau()
    places = 0.5 * (1.0 + legendre.leggauss(STAGES + 1)[0])
    inverse = np.linalg.inv(legendre.legvander(2.0 * places - 1.0, STAGES))
    matrices = (
        lagrange_matrix(rule.nodes, places),
        lagrange_matrix(rule.points, places),
        integral_matrix(rule.nodes, places),
    )
    value, memory, integral = (np.asarray(inverse @ matrix) for matrix in matrices)
    return value, memory, integral


@cache
def _places() -> _Places:
    points = radau().points
    return _Places.at(np.concatenate([[0.0], 0.5 * (points[:-1] + points[1:])]))


def _source(equation: Equation, sample: Sample, step: Step, t: Array, places: _Places) -> float:
    if equation.forcing is None or isinstance(equation.forcing, SumOfExponentials):
        if equation.weight is None:
            return 0.0  # nothing but exponentials
        y = places.value @ step.y
    else:
        y = evaluate_checked(equation.forcing, t, "forcing") + places.memory @ step.memory
    source = y if equation.weight is None else evaluate_checked(equation.weight, t, "weight") * y
    at_nodes = sample.weight * step.y
    miss = np.max(np.abs(source - places.value @ at_nodes))
    size = max(np.max(np.abs(source)), np.max(np.abs(at_nodes)))
    return float(max(0.0, miss - _ROUNDING * size))


def _delay(equation: Equation, sample: Sample, t: Array, integral: Array) -> float:
    if equation.clock is None:
        return 0.0
    clock = evaluate_checked(equation.clock, np.concatenate([[sample.start], t]), "clock")
    moved = clock[1:] - clock[0]
    guessed = sample.length * (integral @ sample.clock_rate)
    fastest = sample.length * np.max(np.abs(sample.clock_rate))
    rounding = _ROUNDING * np.max(np.abs(clock)) + sample.clock_noise * fastest
    return float(max(0.0, np.max(np.abs(moved - guessed)) - rounding))
