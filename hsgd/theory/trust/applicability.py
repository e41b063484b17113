"""One sentence before every prediction: whether the theory applies in this setting.

`diagnose` knows multi-pass SGD at one batch size. Here the other settings are reduced to it, or to
the one question that is left: is the learning rate stable?
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.sgd import SGD
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.schedules import Constant
from hsgd.theory.critical import stability_of
from hsgd.theory.diagnosis import LARGEST_DISCREPANCY, diagnose
from hsgd.theory.spectra.modes import Solvable

_SAMPLES = 1025


def verdict_of(
    problem: Solvable, algorithm: Algorithm, method: str, horizon: float
) -> tuple[str, str]:
    """Concerns, empty if there are none, and a sentence with the remedy.

    Where the batch size changes, the first batch size that raises a concern speaks.
    """
    verdict = ("", "")
    for part in constant_batches(algorithm, horizon):
        verdict = _judged(problem, part, method, horizon)
        if verdict[0]:
            break
    return verdict


def _judged(
    problem: Solvable, algorithm: Algorithm, method: str, horizon: float
) -> tuple[str, str]:
    """The verdict on one batch size."""
    if isinstance(algorithm, SGD) and isinstance(problem, LeastSquares):
        if method == "discrete":
            verdict = _stable(problem, algorithm, method, horizon)
            if verdict[0]:
                return verdict
        report = diagnose(problem, algorithm, horizon=horizon)
        return report.attrs["concern"], report.attrs["verdict"]
    verdict = _stable(problem, algorithm, method, horizon)
    if not verdict[0] and method == "hsgd":
        return _steps_stable(problem, algorithm, horizon) or verdict
    return verdict


def constant_batches(algorithm: Algorithm, horizon: float) -> list[Algorithm]:
    """The algorithm at each of its batch sizes, with the largest learning rate met meanwhile."""
    if not algorithm.has_batch_schedule:
        return [algorithm]
    starts = np.array([0.0, *(b for b in algorithm.batch_boundaries if b <= horizon)])
    ends = np.append(starts[1:], horizon)
    parts = []
    for start, end in zip(starts, ends, strict=True):
        size = int(algorithm.batch_sizes(start))
        rate = largest_learning_rate(algorithm, start, end)
        parts.append(replace(algorithm, learning_rate=rate, batch_size=size))  # type: ignore[type-var]
    return parts


def largest_learning_rate(algorithm: Algorithm, start: float, end: float) -> float:
    """The largest learning rate between two times, on a fine grid and next to its jumps."""
    schedule = algorithm.schedule
    if isinstance(schedule, Constant):
        return schedule.level
    inner = [b for b in schedule.breakpoints if start < b < end]
    times = np.unique(np.concatenate((np.linspace(start, end, _SAMPLES), inner)))
    return float(schedule(times).max())


def _stable(
    problem: Solvable, algorithm: Algorithm, method: str, horizon: float
) -> tuple[str, str]:
    rate = largest_learning_rate(algorithm, 0.0, horizon)
    stability = stability_of(problem, algorithm, method)
    critical = stability.critical_rate()
    if rate >= critical:
        return "unstable", (
            f"The learning rate {rate:.6g} is {rate / critical:.4g} times the critical "
            f"{critical:.6g}, so the risk diverges: write {type(algorithm).__name__}"
            f"(learning_rate={0.5 * critical:.6g}, ...), half of critical."
        )
    return "", f"The learning rate is {rate / critical:.3g} of critical."


def _steps_stable(
    problem: Solvable, algorithm: Algorithm, horizon: float
) -> tuple[str, str] | None:
    """Where steps of finite size diverge although their limit does not, a concern."""
    rate = largest_learning_rate(algorithm, 0.0, horizon)
    critical = stability_of(problem, algorithm, "discrete").critical_rate()
    if rate < critical:
        return None
    return "finite_steps", (
        f"The learning rate {rate:.6g} is stable in the limit of small steps, but steps of this "
        f"size diverge above {critical:.6g}: lower it, or pass method='discrete' to see how."
    )


def too_small(rows: GaussianRows, discrepancy: float, verdict: str) -> tuple[str, str]:
    """A concern where the limit of small steps is far from what is exact; else the verdict."""
    if discrepancy <= LARGEST_DISCREPANCY:
        return "", verdict
    size = "more than 10 times" if discrepancy > 10 else f"{discrepancy:.0%}"
    return "finite_size", (
        f"At d = {rows.dimension} the limit of small steps is off by up to {size}: pass "
        "method='discrete', which is exact for fresh Gaussian rows."
    )
