"""Algorithms by name, for the command line: `sgd`, `heavy-ball:0.9`, `adagrad-norm:2` and so on."""

from __future__ import annotations

from typing import Any

from hsgd.algorithms.adaptive import AdaGradNorm
from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.general_momentum import DANA
from hsgd.algorithms.linear import ScheduleFree
from hsgd.algorithms.momentum import HeavyBall, Nesterov
from hsgd.algorithms.sgd import SGD
from hsgd.algorithms.sign import SignSGD
from hsgd.problems.least_squares import LeastSquares
from hsgd.schedules import Constant

HELP = (
    "sgd; heavy-ball:MOMENTUM; nesterov:MOMENTUM; adagrad-norm:INITIAL; dana-constant; "
    "dana-decaying:ALPHA; schedule-free:INTERPOLATION; sign-sgd"
)


def algorithm(words: str, sgd: SGD, problem: LeastSquares) -> Algorithm:
    """The algorithm of that name, with the learning rate, batch size and sampling of `sgd`.

    Raises
    ------
    ValueError
        For an unknown name, a number that is missing or unusable, or DANA with a schedule of the
        learning rate, because it has its own.
    """
    name, *texts = words.split(":")
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        numbers = [0.0] * 9
    if name.startswith("dana-") and not isinstance(sgd.schedule, Constant):
        raise ValueError(f"--algorithm {name} has schedules of its own: leave --schedule out.")
    rate = sgd.learning_rate
    batch: dict[str, Any] = {"batch_size": sgd.batch_size, "sampling": sgd.sampling}
    level = sgd.schedule.level if isinstance(sgd.schedule, Constant) else 0.0
    match name, numbers:
        case "sgd", []:
            return sgd
        case "heavy-ball", [momentum]:
            return HeavyBall(rate, momentum, **batch)
        case "nesterov", [momentum]:
            return Nesterov(rate, momentum, **batch)
        case "adagrad-norm", [initial]:
            return AdaGradNorm(rate, initial, **batch)
        case "dana-constant", []:
            return DANA.constant(problem, level, **batch)
        case "dana-decaying", [alpha]:
            return DANA.decaying(problem, level, alpha, **batch)
        case "schedule-free", [interpolation]:
            return ScheduleFree(rate, interpolation, **batch)
        case "sign-sgd", []:
            return SignSGD(rate, **batch)
    raise ValueError(f"--algorithm is {words!r}: write {HELP}.")
