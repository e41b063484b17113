"""The optimal schedule of a setting, its bounds, and its rivals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log

from hsgd.theory.design.certificate import Certificate, certificate, closed_form_bound
from hsgd.theory.design.families import FAMILIES, Tuned, tuned
from hsgd.theory.design.pieces import (
    Judge,
    Pieces,
    cut,
    exact_homogenized_value,
    from_shape,
    polished,
)
from hsgd.theory.design.setting import Setting
from hsgd.theory.design.totals import Optimum, best_total

PIECES, MOST_PIECES = 64, 4096
_FREE = 1.0 - 1e-3
"""Share of the critical rate that stands for no cap at all."""
_AT_CAP = 1.0 - 1e-3
"""Share of the cap from which a rate counts as at it."""


@dataclass(frozen=True, eq=False)
class Design:
    """What was found."""

    setting: Setting
    programme: Optimum
    """Of homogenized SGD."""
    pieces: Pieces
    value: float
    """Of these pieces, by the finest theory that they are affordable for."""
    homogenized: float
    """Of the same in the limit of small steps, which the bounds are of."""
    rivals: tuple[Tuned, ...]
    judge: Judge

    def bounds(self, accuracy: float) -> tuple[Certificate, float]:
        """The certificate, and the bound in closed form."""
        goal, log_cap = self.setting.goal, self.setting.log_cap
        return (
            certificate(goal, self.programme, log_cap, accuracy),
            closed_form_bound(goal, log_cap),
        )

    def price_of_cap(self) -> float:
        """By how much the best schedule without a cap would end lower, relative."""
        x = self.programme.solution.log_rates
        if x.max() < self.setting.log_cap + log(_AT_CAP):
            return 0.0
        free = replace(self.setting, cap=_FREE * self.setting.critical)
        return max(0.0, self.programme.value / best_total(free.goal, free.log_cap).value - 1.0)


def designed(setting: Setting, pieces: int | None, *, rivals: bool = True) -> Design:
    """The programme first, then its schedule in pieces, improved where every step is looked at."""
    goal, cap = setting.goal, setting.cap
    best = best_total(goal, setting.log_cap)
    found = cut(goal, best, PIECES if pieces is None else pieces)
    judge = Judge(goal)
    others = tuple(tuned(judge, family, cap) for family in FAMILIES) if rivals else ()
    value = judge(found.shape())
    if judge.steps:
        # Where steps are large the programme's schedule may start too far off, or unstably.
        starts = [(value, found)]
        if others:
            winner = min(others, key=lambda one: one.value)
            start = from_shape(found.edges, winner.rates)
            starts.append((judge(start.shape()), start))
        found, value = polished(goal, min(starts, key=lambda one: one[0])[1], cap)
    homogenized = exact_homogenized_value(goal, found.edges, found.rates)
    return Design(setting, best, found, value, homogenized, others, judge)
