"""The verdict in words: one sentence from a comparison's own numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hsgd.dataset.schema import swept_dims
from validation import sweeps, tails
from validation.points import LARGEST_BUDGET

if TYPE_CHECKING:
    import xarray as xr

SAFE_SKEWNESS = 0.25
"""Sample skewness/√R up to which the level holds to within a factor of two (tests measure it):
lognormal runs of σ = ½ show about 1.2 in samples of 32, and get 1.8% for 1%, 5.7% for 5%."""


def sentence(comparison: xr.Dataset) -> str:
    """One sentence: the outcome, how far off and when, against which allowances there."""
    point = _worst_point(comparison)
    opening = f"agrees: at worst {_worst(comparison, point)}"
    if not comparison.attrs["agrees"]:
        opening = f"REJECTED: at worst {_worst(comparison, point)}, and {_failures(comparison)}"
    elif not comparison.attrs["decided"]:
        opening = f"undecided: at worst {_worst(comparison, point)}, {_missing(comparison)}"
    allowance = _allowance(comparison, point)
    return f"{opening}; {allowance}{_detectable(comparison)}{_skewness(comparison)}."


def percent(value: float) -> str:
    """A relative error as a reader wants it: 0.012%, 3.4%, 56%, 8 times."""
    size = abs(value)
    if not np.isfinite(size):
        return "without bound"
    if size >= 10:
        return f"{size:.3g} times"
    return f"{100 * size:.{0 if size >= 0.1 else 1 if size >= 0.0095 else 2}f}%"


def _worst_point(comparison: xr.Dataset) -> tuple[int, ...] | None:
    """Where the relative error is largest, among points that fail or are undecided, if any are."""
    errors = np.abs(comparison.relative_error.values)
    failing = comparison.agrees.values == 0
    if not failing.any():
        failing = comparison.undecided.values == 1
    if failing.any():
        errors = np.where(failing, errors, -1.0)
    if np.isnan(errors).all():
        return None
    return tuple(map(int, np.unravel_index(int(np.nanargmax(errors)), errors.shape)))


def _worst(comparison: xr.Dataset, point: tuple[int, ...] | None) -> str:
    if point is None:
        return f"the {_plural(comparison)} cannot be told from zero"
    *setting, row, column = point
    value = float(comparison.relative_error[point])
    place = (
        f"in {_words(str(comparison.statistic.values[row]))} at iteration "
        f"{int(comparison.iteration[column])} (time {float(comparison.time[column]):.3g})"
        f"{sweeps.words(comparison, tuple(setting))}"
    )
    if np.isnan(value) or np.isinf(float(comparison.observed[point])):
        return f"{_subject(comparison)} diverged where the other did not, {place}"
    if np.isinf(value):
        return f"{_subject(comparison)} not zero as {_reference(comparison)} is, {place}"
    side = "above" if value > 0 else "below"
    return f"{_subject(comparison)} {percent(value)} {side} {_reference(comparison)} {place}"


def _subject(comparison: xr.Dataset) -> str:
    count = comparison.attrs["num_replicates"]
    return f"the mean of {count} runs is" if count else "the exact mean is"


def _reference(comparison: xr.Dataset) -> str:
    return {"exact_mean": "the exact mean"}.get(comparison.attrs["reference_source"], "the theory")


def _plural(comparison: xr.Dataset) -> str:
    return "runs" if comparison.attrs["num_replicates"] else "curves"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _failures(comparison: xr.Dataset) -> str:
    share = float(1.0 - comparison.agrees.mean())
    failing = comparison.agrees.values == 0
    first = comparison.time.values[failing.reshape(-1, failing.shape[-1]).any(axis=0)][0]
    wrong = failing.any(axis=(-2, -1))
    where = f" in {wrong.sum()} of {wrong.size} settings" if wrong.ndim else ""
    return f"{share:.0%} of the points disagree{where}, the first at time {first:.3g}"


def _missing(comparison: xr.Dataset) -> str:
    if float(comparison.discrepancy.max()) >= LARGEST_BUDGET:
        finest = comparison.attrs["reference_method"] == "discrete"
        other = ", or see whether method='discrete' is the better theory (hsgd.diagnose says)"
        other = "" if finest else other
        return (
            "but there the theory allows itself to be as far off as that and farther, so that "
            "nothing speaks for or against it: lower the learning rate" + other
        )
    index = float(comparison.tail_index.min())
    exact = comparison.attrs["reference_source"] == "exact_mean"
    return (
        "but so it would be if rare large runs were missing, for the upper tail of these is heavy "
        f"(index {index:.1f}; skewness is infinite below {tails.HEAVY:g}): "
        + ("the exact mean knows them" if exact else "ask hsgd.exact_mean")
    )


def _allowance(comparison: xr.Dataset, point: tuple[int, ...] | None) -> str:
    """What is allowed where the error is largest: for finite n, and for Monte Carlo error."""
    point = point or (*(0 for _ in comparison.discrepancy.shape[:-1]), -1)
    budget = float(comparison.discrepancy[point])
    if np.isinf(budget):
        return "nothing would be too far, because n is finite"
    allowed = (
        f"there {percent(budget)} are allowed because n is finite"
        if budget > 0
        else "nothing is allowed for finite n"
    )
    if not comparison.attrs["num_replicates"]:
        return f"{allowed}, and there is no Monte Carlo error"
    chance = _monte_carlo(comparison, point)
    several = " and settings" if swept_dims(comparison) else ""
    level = f"a false-alarm level of {100 * comparison.attrs['false_alarm']:g}% for all times"
    level += f"{several} together"
    if not np.isfinite(chance):
        return f"{allowed}, and Monte Carlo error at {level}"
    return f"{allowed}, and {percent(chance)} for Monte Carlo error ({level})"


def _monte_carlo(comparison: xr.Dataset, point: tuple[int, ...]) -> float:
    """Half the width of the band on the side of the theory, relative to it."""
    names = ("observed", "expected", "lower", "upper")
    observed, expected, lower, upper = (float(comparison[n][point]) for n in names)
    if not expected:
        return float("nan")
    return (observed - lower if observed > expected else upper - observed) / abs(expected)


def _detectable(comparison: xr.Dataset) -> str:
    """The error that half of the random points would each have noticed on their own."""
    if not comparison.attrs["num_replicates"]:
        return ""
    random = np.isfinite(comparison.z_score.values)
    if not random.any():
        return ""
    middle = float(np.median(comparison.detectable_error.values[random]))
    if np.isinf(middle):
        return ""
    return f"; an error of {percent(middle)} would have been noticed (median over times)"


def _skewness(comparison: xr.Dataset) -> str:
    random = np.isfinite(comparison.z_score.values)
    if not random.any():
        return ""
    middle = float(np.median(np.abs(comparison.skewness.values[random])))
    needed = int(np.ceil((middle / SAFE_SKEWNESS) ** 2))
    if needed <= comparison.attrs["num_replicates"]:
        return ""
    return f"; the runs are skewed ({middle:.1f}), so take {needed} or more for a safe verdict"
