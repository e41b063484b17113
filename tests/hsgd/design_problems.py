"""Small problems on which schedules are designed, of every kind that gives modes."""

from __future__ import annotations

from typing import Any

import numpy as np

import hsgd
from hsgd.theory.design.goal import Goal
from hsgd.theory.design.setting import asked, goal_of, prepared

D = 12
GENERATOR = np.random.default_rng(3)
STREAM = hsgd.GaussianRows(
    np.arange(1.0, D + 1) ** -0.8 / D, GENERATOR.normal(size=D), 0.4,
    ridge=0.002, x0=GENERATOR.normal(size=D),
)  # fmt: skip
PLAIN = STREAM.replace(ridge=0.0)
DATA = PLAIN.sample(30, 0).replace(ridge=0.4)
"""With a start and a ridge, so that the loss at the mean may rise on the way."""
WIDE = PLAIN.sample(8, 1).replace(ridge=0.3)
"""Fewer rows than columns: a part of the start is seen by no row."""
TYPICAL = hsgd.SampledLeastSquares(PLAIN, 30, ridge=0.4)
SQUARE = GENERATOR.normal(size=(D, D))
MINE = hsgd.Quadratic(SQUARE @ SQUARE.T, GENERATOR.normal(size=D), 40.0, name="mine")

CASES: dict[str, tuple[Any, Any, Any]] = {
    "stream": (STREAM, hsgd.StreamingSGD(0.0), "population_risk"),
    "stream, distance": (STREAM, hsgd.StreamingSGD(0.0, 3), "distance"),
    "stream, own": (STREAM, hsgd.StreamingSGD(0.0), MINE),
    "data": (DATA, hsgd.SGD(0.0, 2), "population_risk"),
    "data, training": (DATA, hsgd.SGD(0.0, 4, sampling="subset"), "empirical_risk"),
    "wide data, distance": (WIDE, hsgd.SGD(0.0), "distance"),
    "wide data without a ridge": (WIDE.replace(ridge=0.0), hsgd.SGD(0.0), "distance"),
    "wide data, own": (WIDE, hsgd.SGD(0.0), MINE),
    "typical": (TYPICAL, hsgd.SGD(0.0), "population_risk"),
    "typical, distance": (TYPICAL, hsgd.SGD(0.0), "distance"),
}


def goal(case: str, iterations: int) -> Goal:
    problem, algorithm, statistic = CASES[case]
    return goal_of(asked(problem, algorithm, statistic), iterations)


def setting(case: str, iterations: int, cap: float = 0.8) -> Any:
    problem, algorithm, statistic = CASES[case]
    return prepared(problem, algorithm, iterations, "iterations", statistic, cap)


def power_law(s: float, noise: float, d: int = 300) -> hsgd.GaussianRows:
    """λ ~ j^−1.5, target power ~ j^−(1.5s+1) of total 1."""
    j = np.arange(1.0, d + 1)
    power = j ** -(1.5 * s + 1)
    return hsgd.Spectrum(j**-1.5, power / power.sum(), noise).rows()
