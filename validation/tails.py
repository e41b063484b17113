"""How heavy the upper tail of the runs is: whether the mean of a few can be trusted from below.

Near the critical learning rate the mean risk is made by rare huge runs. A sample that holds none of
them looks tame and has too small a mean; no test can tell this from a theory that is too high. What
gives it away is the tail of the sample itself: P(risk > x) falls like x^−α, and where α < 3 the
skewness is infinite, so that a correction for skewness means nothing.

References
----------
B. M. Hill, "A simple general approach to inference about the tail of a distribution", Ann. Statist.
3 (1975) 1163-1174.
"""

from __future__ import annotations

import numpy as np
import scipy.stats
from numpy.typing import NDArray

from hsgd.checks import Array

HEAVY = 3.0
"""The index below which the third moment is infinite."""
_FEWEST = 4
_DOUBT = 0.001
"""Probability that an index is smaller than its lower limit: small, for there are many points."""


def heavy(index: Array, number: int) -> NDArray[np.bool_]:
    """Where tails of `number` runs are too heavy for a test of the mean from below.

    In every row of `index`, which is a setting, there must be a point whose index is below 3, and
    then every point counts at which it may be: samples in which large runs are missing show too
    light a tail just where the mean is too low.
    Of a Pareto law 2·count·α/index has a χ² law with 2·count degrees of freedom.
    """
    freedom = 2 * _count(number)
    lower = index * scipy.stats.chi2.ppf(_DOUBT, freedom) / freedom
    return np.asarray((lower < HEAVY) & (index < HEAVY).any(axis=-1, keepdims=True))


def tail_index(runs: Array) -> Array:
    """Hill's estimate of α from the upper quarter of the runs (R, ...), over R.

    Infinite where nothing varies, and where values are not positive: it does not apply there. An
    additive constant hides a tail, so this is large for a risk whose floor is far above its spread.
    """
    number = len(runs)
    count = _count(number)
    if number <= count:
        return np.full(runs.shape[1:], np.inf)
    top = np.partition(runs, number - count - 1, axis=0)[number - count - 1 :]
    with np.errstate(all="ignore"):
        excess = np.log(top[1:] / top[0]).mean(axis=0)
        return np.asarray(np.where((runs.min(axis=0) > 0) & (excess > 0), 1.0 / excess, np.inf))


def _count(number: int) -> int:
    """Runs that make up the tail."""
    return max(_FEWEST, number // 4)
