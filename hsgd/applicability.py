"""One sentence before every prediction: whether the theory applies in this setting.

`diagnose` knows multi-pass SGD at one batch size. Here the other settings are reduced to it, or to
the one question that is left: is the learning rate stable?
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hsgd.algorithms import SGD, Algorithm
from hsgd.asymptotics import Ends, stability_of
from hsgd.diagnosis import diagnose
from hsgd.modes import Solvable
from hsgd.problems import LeastSquares
from hsgd.schedules import Constant

_SAMPLES = 1025


def verdict_of(
    problem: Solvable, algorithm: Algorithm, method: str, horizon: float
) -> tuple[str, str]:
    """Concerns, empty if there are none, and a sentence with the remedy.

    Where the batch size changes, the first batch size that raises a concern speaks.
    """
    verdict = ("", "")
    for part, until in constant_batches(algorithm, horizon):
        if isinstance(part, SGD) and isinstance(problem, LeastSquares):
            report = diagnose(problem, part, horizon=until)
            verdict = report.attrs["concern"], report.attrs["verdict"]
        else:
            verdict = _stable(problem, part, method, until)
        if verdict[0]:
            break
    return verdict


def constant_batches(algorithm: Algorithm, horizon: float) -> list[tuple[Algorithm, float]]:
    """The algorithm at each of its batch sizes, with the largest learning rate met meanwhile."""
    if not algorithm.has_batch_schedule:
        return [(algorithm, horizon)]
    starts = np.array([0.0, *(b for b in algorithm.batch_boundaries if b <= horizon)])
    ends = np.append(starts[1:], horizon)
    parts = []
    for start, end in zip(starts, ends, strict=True):
        size = int(algorithm.batch_sizes(start))
        rate = largest_learning_rate(algorithm, start, end)
        parts.append((replace(algorithm, learning_rate=rate, batch_size=size), horizon))  # type: ignore[type-var]
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
    if not Ends(stability, rate).stable or rate >= critical:
        return "unstable", (
            f"The learning rate {rate:.6g} is {rate / critical:.4g} times the critical "
            f"{critical:.6g}, so the risk diverges: write {type(algorithm).__name__}"
            f"(learning_rate={0.5 * critical:.6g}, ...), half of critical."
        )
    return "", f"The learning rate is {rate / critical:.3g} of critical."
