"""Where averages of the iterates end up, at a constant learning rate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hsgd.algorithms.linear_form import LinearForm
from hsgd.checks import Array
from hsgd.theory.question import Question
from hsgd.theory.stability.asymptotics import Asymptotics
from hsgd.theory.stability.linear_steps import LinearSteps


def averaged(question: Question, far: Asymptotics) -> dict[str, tuple[float, str]]:
    """Limits of each statistic at the average that the algorithm keeps; nothing if it keeps none.

    Parameters
    ----------
    question
        At a constant learning rate and batch size.
    far
        The limits of the iterates.
    """
    averaging = question.algorithm.averaging
    if averaging is None:
        return {}
    values: dict[str, tuple[float, str]] = {}
    ends = _of_constant(question) if averaging.is_constant else None
    paid = _per_iterate(question, far) if far.stable and far.moves else None
    for statistic in question.statistics:
        name, words = statistic.name, statistic.long_name
        flow, last = far.of(statistic)
        excess = 0.0 if ends is None else ends.of(statistic)[1]
        if not far.stable:
            excess = np.inf
        values[f"limiting_{name}_averaged"] = flow + excess, f"limit of {words} at the average"
        values[f"excess_{name}_averaged"] = excess, f"excess of {words} at the average"
        if ends is None and paid is not None:
            # K times the excess of the mean of K iterates, for many of them
            noise = 0.5 * averaging.cost * float(question.system.curvatures(statistic) @ paid)
            time = noise / last / question.system.iterations_per_unit if last > 0 else np.inf
            words = f"time to average over until {words} is that of the last iterate"
            values[f"averaging_pays_after_{name}"] = time, words
    return values


def _of_constant(question: Question) -> Asymptotics:
    """The limits at an average in which every iterate has the same share."""

    def form_at(rate: float) -> LinearForm:
        algorithm = question.algorithm.replace(learning_rate=rate)
        form = question.but(algorithm=algorithm).form
        assert form.average is not None
        return replace(form, readout=form.average)

    stability = LinearSteps(question.system, question.noise_factor, form_at)
    return Asymptotics(stability, question.learning_rate)


def _per_iterate(question: Question, far: Asymptotics) -> Array:
    """K times the variance of each mode of the mean of K iterates, for many of them, shape (r,)."""
    # notation: a unit of noise moves the sum of all later iterates by r·(1 − T)⁻¹ b
    system, N = question.system, question.system.iterations_per_unit
    form = question.algorithm.linear_form()
    assert form is not None
    mixing, gains = form.steps(np.zeros(1, dtype=np.int64), N)
    A, b = mixing[0], gains[0] / N
    held = np.eye(form.size) - A + system.damping[:, None, None] * np.outer(b, form.query)
    moved = np.linalg.solve(held, np.broadcast_to(b[:, None], (*held.shape[:2], 1)))[..., 0]
    return np.asarray(far.noise() * (moved @ form.readout) ** 2)
