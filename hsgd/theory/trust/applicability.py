"""One sentence before every prediction: whether the theory applies in this setting.

`diagnose` knows multi-pass SGD at one batch size. Here the other settings are reduced to it, or to
the one question that is left: is the learning rate stable?
"""

from __future__ import annotations

import numpy as np

from hsgd.algorithms.sgd import SGD
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.sampled import SampledLeastSquares
from hsgd.theory.question import Question
from hsgd.theory.trust.judgement import (
    LARGEST_DISCREPANCY,
    LARGEST_ON_THE_WAY,
    judge,
    times,
)

Verdict = tuple[str, str]
"""Concerns, empty if there are none, and a sentence with the remedy."""


def verdict_of(question: Question, horizon: float, discrepancy: float) -> Verdict:
    """Whether the theory applies up to time `horizon`, given the discrepancy to expect.

    Where the batch size changes, the first batch size that raises a concern speaks; one at which
    the risk diverges before all others, for then their discrepancy may be nothing but that.
    """
    verdicts = [_judged(part, horizon, discrepancy) for part in constant_batches(question, horizon)]
    raised = [verdict for verdict in verdicts if verdict[0]]
    if raised:
        return min(raised, key=lambda verdict: not verdict[0].startswith("unstable"))
    if question.is_streamed and question.method.twin and discrepancy > LARGEST_DISCREPANCY:
        return "finite_size", _too_small(question.problem.dimension, discrepancy)
    if isinstance(question.problem, SampledLeastSquares) and discrepancy > LARGEST_ON_THE_WAY:
        return "finite_size", _too_few(question.problem.n, discrepancy)
    return verdicts[-1]


def _judged(question: Question, horizon: float, discrepancy: float) -> Verdict:
    """The verdict on one batch size."""
    rate, twin = question.algorithm.schedule.largest(0.0, horizon), question.method.twin
    on_rows = isinstance(question.algorithm, SGD) and isinstance(question.problem, LeastSquares)
    # What is said of rows is said of small steps: finite ones may diverge all the same.
    verdict = ("", "") if on_rows and twin else _stable(question, rate)
    if verdict[0]:
        return verdict
    if not on_rows:
        return (twin and _steps_stable(question.but(method=twin), rate)) or verdict
    found = judge(question, horizon, discrepancy)
    return found.concern, found.sentence


def constant_batches(question: Question, horizon: float) -> list[Question]:
    """The question at each batch size, with the largest learning rate met meanwhile."""
    algorithm = question.algorithm
    if not algorithm.has_batch_schedule:
        return [question]
    starts = np.array([0.0, *(b for b in algorithm.batch_boundaries if b <= horizon)])
    ends = np.append(starts[1:], horizon)
    parts = []
    for start, end in zip(starts, ends, strict=True):
        size = int(algorithm.batch_sizes(start))
        rate = algorithm.schedule.largest(start, end)
        part = algorithm.replace(learning_rate=rate, batch_size=size)
        parts.append(question.but(algorithm=part))
    return parts


def _stable(question: Question, rate: float) -> Verdict:
    critical = question.stability.critical_rate()
    if critical == 0.0:
        return "unstable", (
            f"{type(question.algorithm).__name__} diverges here at any learning_rate, because of "
            "its other rates: lower those."
        )
    if rate >= critical:
        return "unstable", (
            f"The learning rate {rate:.6g} is {times(rate, critical)} "
            f"{critical:.6g}, so the risk diverges: write {type(question.algorithm).__name__}"
            f"(learning_rate={0.5 * critical:.6g}, ...), half of critical."
        )
    return "", f"The learning rate is {rate / critical:.3g} of critical."


def _steps_stable(question: Question, rate: float) -> Verdict | None:
    """Where steps of finite size diverge although their limit does not, a concern."""
    critical = question.stability.critical_rate()
    if rate < critical:
        return None
    return "finite_steps", (
        f"The learning rate {rate:.6g} is stable in the limit of small steps, but steps of this "
        f"size diverge above {critical:.6g}: lower it, or pass method='discrete' to see how."
    )


def _too_few(n: int, discrepancy: float) -> str:
    """What to do where samples of this size are far from typical ones of any size."""
    size = "more than 10 times" if discrepancy > 10 else f"{discrepancy:.0%}"
    return (
        f"At n = {n} SGD's mean risk on samples is expected to be up to {size} off the theory: "
        "lower the learning rate, or draw some, problem.sample(seed), and ask hsgd.exact_mean."
    )


def _too_small(dimension: int, discrepancy: float) -> str:
    """What to do where the limit of small steps is far from what is exact."""
    size = "more than 10 times" if discrepancy > 10 else f"{discrepancy:.0%}"
    return (
        f"At d = {dimension} the limit of small steps is off by up to {size}: pass "
        "method='discrete', which is exact for fresh Gaussian rows."
    )
