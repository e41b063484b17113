"""Sign SGD: a step of one size in every coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from hsgd.algorithms.sign import SignSGD
from hsgd.checks import Array
from simulate.formulas.update import stepped, with_ridge
from simulate.rules.base import Rule
from simulate.rules.sharing import own


def sign(value: Any) -> Any:
    """The sign of a number; that of 0 is 0, and of NaN it is NaN."""
    if value > 0.0:
        return 1.0
    return -1.0 if value < 0.0 else 0.0 * value


def take_step(
    crew: Any, given: Any, i: Any, state: Any, factor: Any, size: Any, x: Any, pull: Any
) -> Any:
    """A step, compiled."""
    for j in own(x.size):
        x[j] = stepped(x[j], sign(with_ridge(pull[j], x[j], given.ridge)), factor)
        pull[j] = 0.0
    return True


@dataclass(frozen=True, eq=False)
class SignRule(Rule):
    """x ← x − factor·sign(g)."""

    algorithms = (SignSGD,)
    in_any_basis = False
    compiled_step = staticmethod(take_step)

    @classmethod
    def of(cls, problem: Any, algorithm: SignSGD, num_iterations: int) -> Self:
        return cls()

    def step(
        self, state: Array, x: Array, gradient: Array, factor: float, size: int, iteration: int
    ) -> bool:
        x[:] = stepped(x, np.sign(gradient), factor)
        return True
