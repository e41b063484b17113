"""What changed between two result folders: verdicts, and numbers beyond their standard errors.

A change of code or of libraries that leaves everything where it was gives equal verdicts, numbers
that differ by their Monte Carlo errors at most, and predicted curves that differ by rounding.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from validation.folders import checks_of, kept, numbers_of, records
from validation.verdict import percent

if TYPE_CHECKING:
    import xarray as xr

STANDARD_ERRORS = 4.0
"""Difference over its standard error that is reported: of hundreds of numbers, chance alone brings
none this far (6e-5 each)."""
ROUNDING = 1e-6
"""Relative difference that is reported where nothing is random."""


@dataclass(frozen=True)
class Differences:
    """What is different, one sentence each; `str` gives them as a text."""

    verdicts: tuple[str, ...]
    numbers: tuple[str, ...]
    missing: tuple[str, ...]
    compared: int
    """Cases that both folders have."""

    @property
    def none(self) -> bool:
        """True if nothing that matters is different."""
        return not (self.verdicts or self.numbers or self.missing)

    def __str__(self) -> str:
        if self.none:
            return f"no difference in {self.compared} cases: verdicts and numbers agree."
        lines = [*self.verdicts, *self.numbers, *self.missing]
        return "\n".join([f"{len(lines)} differences in {self.compared} cases:", *lines])


def diff(old_folder: str | os.PathLike[str], new_folder: str | os.PathLike[str]) -> Differences:
    """Compare two folders that `hsgd validate` wrote.

    Parameters
    ----------
    old_folder, new_folder
        Folders of one case or of many.

    Returns
    -------
    Differences
        Verdicts that changed; numbers, observed and predicted curves that differ by more than
        four standard errors of the difference (without Monte Carlo error: by 1e-6); cases and
        checks that only one of the folders has.

    Raises
    ------
    FileNotFoundError, ValueError
        If a folder holds no result, or a damaged one.
    """
    old, new = records(old_folder), records(new_folder)
    both = [name for name in old if name in new]
    verdicts: list[str] = []
    numbers: list[str] = []
    missing: list[str] = []
    for name in both:
        verdicts += _verdicts(name, old[name][1], new[name][1], missing)
        numbers += _numbers(name, old[name][1], new[name][1], missing)
        numbers += _curves(name, old[name], new[name])
    missing += [f"{name}: only in the old folder" for name in old if name not in new]
    missing += [f"{name}: only in the new folder" for name in new if name not in old]
    return Differences(tuple(verdicts), tuple(numbers), tuple(missing), len(both))


def _verdicts(name: str, old: xr.Dataset, new: xr.Dataset, missing: list[str]) -> list[str]:
    before = {check.label: check for check in checks_of(old)}
    after = {check.label: check for check in checks_of(new)}
    missing += [
        f"{name}: check {label!r} is in one folder only" for label in set(before) ^ set(after)
    ]
    return [
        f"{name}: {label} was {_word(before[label].agrees)}, is {_word(after[label].agrees)}: "
        f"{after[label].verdict}"
        for label in before
        if label in after and before[label].agrees != after[label].agrees
    ]


def _alone(name: str, kind: str, before: Iterable[str], after: Iterable[str]) -> list[str]:
    return [f"{name}: {kind} {one!r} is in one folder only" for one in sorted({*before} ^ {*after})]


def _word(agrees: bool) -> str:
    return "accepted" if agrees else "rejected"


def _numbers(name: str, old: xr.Dataset, new: xr.Dataset, missing: list[str]) -> list[str]:
    before = {number.name: number for number in numbers_of(old)}
    after = {number.name: number for number in numbers_of(new)}
    missing += _alone(name, "number", before, after)
    found = []
    for key in (key for key in before if key in after):
        first, second = before[key], after[key]
        spread = math.hypot(first.standard_error, second.standard_error)
        if _apart(first.value, second.value, spread):
            found.append(f"{name}: {key} was {first.value:.6g}, {second} now")
    return found


def _apart(first: float, second: float, spread: float) -> bool:
    if math.isnan(first) and math.isnan(second):
        return False
    allowed = max(STANDARD_ERRORS * spread, ROUNDING * max(abs(first), abs(second)))
    return not abs(first - second) <= allowed


def _curves(name: str, old: tuple[Path, xr.Dataset], new: tuple[Path, xr.Dataset]) -> list[str]:
    """The observed and expected curves of every comparison that both keep."""
    found = []
    for data in json.loads(old[1].attrs["datasets"]):
        if data not in json.loads(new[1].attrs["datasets"]):
            continue
        first, second = (kept(record, home, data) for home, record in (old, new))
        if first.attrs["source"] != "comparison" or second.attrs["source"] != "comparison":
            continue
        if first.observed.shape != second.observed.shape:
            found.append(f"{name}: {data} has another shape")
            continue
        spread = np.hypot(first.standard_error.values, second.standard_error.values)
        found += _moved(name, f"the runs' mean in {data}", "observed", first, second, spread)
        still = np.zeros_like(spread)
        found += _moved(name, f"the theory in {data}", "expected", first, second, still)
    return found


def _moved(
    name: str, what: str, variable: str, old: xr.Dataset, new: xr.Dataset, spread: np.ndarray
) -> list[str]:
    first, second = old[variable].values, new[variable].values
    gap = np.abs(second - first)
    allowed = np.maximum(STANDARD_ERRORS * spread, ROUNDING * np.abs(first))
    far = gap > allowed
    if not far.any():
        return []
    worst = float(np.nanmax(gap / np.abs(first), where=far, initial=0.0))
    return [f"{name}: {what} moved by up to {percent(worst)} at {far.mean():.0%} of the points"]
