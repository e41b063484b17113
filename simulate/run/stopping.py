"""How many replicates are enough: run, look, double, until the means are as sharp as asked.

Looking again and again at data and stopping when they please makes ordinary intervals too narrow.
So every look has its own share of the allowed error probability, and the shares add up to it: at
look j = 0, 1, … with 16·2^j runs, the interval has error probability α/2^{j+1}, and the run stops
when *that* interval is as narrow as the target allows. Then, at each time and for each statistic,
the true mean is within z·target·|mean| of the one that is returned, z = 1.96, with probability at
least 95%, whenever the run stops. (As far as means of 16 and more runs follow Student's law;
skewed statistics near the limit of stability are the exception, and there `summary` shows a small
effective size.)
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from hsgd import warning
from hsgd.sweeps.stacking import joined
from simulate.means import summary
from simulate.recording import DIVERGED

if TYPE_CHECKING:
    import xarray as xr

CONFIDENCE = 0.95
FIRST_LOOK = 16
MOST_REPLICATES = 2**16


def until_precise(
    run: Callable[[int, int], xr.Dataset], first_replicate: int, target: float
) -> xr.Dataset:
    """Call `run(first, count)` for more and more replicates until their means are precise.

    Parameters
    ----------
    run
        Runs the replicates first, …, first + count − 1.
    first_replicate
        The first of all.
    target
        Largest standard error relative to the mean, at any time and of any statistic.

    Returns
    -------
    xarray.Dataset
        All runs, with the attributes `target_standard_error` and `confidence`.

    Warns
    -----
    UserWarning
        If runs diverged, or the target was not reached with `MOST_REPLICATES`.
    """
    parts: list[xr.Dataset] = []
    count = 0
    goal = float(stats.norm.ppf(0.5 + CONFIDENCE / 2)) * target
    for look in itertools.count():
        more = max(count, FIRST_LOOK)
        parts.append(run(first_replicate + count, more))
        count += more
        whole = joined(parts)
        if whole.attrs["status"] == "partial" or (whole.status == DIVERGED).any():
            break
        if _widest(whole) * half_width(look, count) <= goal:
            break
        if count >= MOST_REPLICATES:
            warning.warn(
                f"after {count} runs the largest relative standard error is {_widest(whole):.2g}, "
                f"not {target:g} with the confidence that is promised: ask for less precision.",
                stacklevel=3,
            )
            break
    whole.attrs["target_standard_error"] = target
    whole.attrs["confidence"] = CONFIDENCE
    return whole


def half_width(look: int, count: int) -> float:
    """Half width, in standard errors, of the interval at a look at `count` runs."""
    share = (1.0 - CONFIDENCE) / 2.0 ** (look + 1)
    return float(stats.t.isf(share / 2, count - 1))


def _widest(runs: xr.Dataset) -> float:
    """Largest standard error relative to its mean; not of coordinates, whose mean may be zero."""
    curves = runs[[name for name, variable in runs.data_vars.items() if variable.ndim == 2]]
    means = summary(curves)
    worst = 0.0
    for name in curves.data_vars:
        mean, error = means[name].values, means[f"{name}_standard_error"].values
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(error > 0, error / np.abs(mean), 0.0)
        worst = max(worst, float(ratios.max()))
    return worst
