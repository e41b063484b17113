"""Are two datasets about the same thing? If not, say in one sentence what differs.

Nothing is interpolated, reordered or left out to make two datasets fit: a comparison of curves at
slightly different times would be a comparison of something else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd import dataset
from hsgd.checks import shown

if TYPE_CHECKING:
    import xarray as xr

_REFERENCES = ("theory", "exact_mean")
_CANDIDATES = ("simulation", "diffusion", "exact_mean")


def align(
    theory: xr.Dataset,
    runs: xr.Dataset,
    *,
    statistics: str | Iterable[str] | None = None,
    same_algorithm: bool = True,
) -> tuple[str, ...]:
    """Check that the two belong together; give the names of the statistics to compare.

    Raises
    ------
    TypeError, ValueError
        For a dataset that is not ours, or anything that differs: one sentence names it.
    """
    check_kinds(theory, runs)
    _check_dims("theory", theory, {"time"})
    _check_dims("runs", runs, {"time", "replicate"})
    _check_times(theory, runs)
    _check_problem(theory, runs)
    if same_algorithm:
        _check_algorithm(theory, runs)
    return _shared(theory, runs, statistics)


def check_kinds(theory: Any, runs: Any) -> None:
    """Refuse what is not a predicted curve and runs, in this order.

    Raises
    ------
    TypeError, ValueError
        With the sources that they have.
    """
    _check_kind("theory", theory, _REFERENCES)
    _check_kind("runs", runs, _CANDIDATES)


def _check_kind(role: str, data: Any, sources: tuple[str, ...]) -> None:
    complaint = dataset.check(data)
    if complaint is not None:
        raise ValueError(
            f"{role} cannot be compared: {complaint.rstrip('.')}; pass what hsgd.predict, "
            "hsgd.exact_mean or simulate.sgd returned."
        )
    if data.attrs["source"] not in sources:
        raise ValueError(
            f"{role} has the source {data.attrs['source']!r}, but it must be one of "
            f"{', '.join(sources)}: write compare(theory, runs), in this order."
        )


def _check_dims(role: str, data: xr.Dataset, allowed: set[str]) -> None:
    extra = sorted(str(name) for name in data.dims if name not in allowed)
    if extra:
        raise ValueError(
            f"{role} has the dimension {extra[0]}, which belongs to no sweep: take one member, "
            f"{role}.isel({extra[0]}=0)."
        )
    if "time" not in data.dims:
        raise ValueError(f"{role} has no dimension time: pass curves, not a single time.")


def _check_times(theory: xr.Dataset, runs: xr.Dataset) -> None:
    remedy = "pass time=theory.time to the simulation, and there is nothing to align"
    if theory.sizes["time"] != runs.sizes["time"]:
        raise ValueError(
            f"theory has {theory.sizes['time']} times but runs have {runs.sizes['time']}: {remedy}."
        )
    for name in ("time", "iteration"):
        first, second = theory[name].values, runs[name].values
        if not np.array_equal(first, second):
            at = int(np.flatnonzero(first != second)[0])
            raise ValueError(
                f"{name} number {at} is {first[at].item()!r} in theory but "
                f"{second[at].item()!r} in runs: "
                f"{remedy}."
            )


_WORDS = {
    "A_sha256": "the data A are not the same",
    "b_sha256": "the targets b are not the same",
    "x0_sha256": "the start x0 is not the same",
    "population": "the population is not the same",
}


def _check_problem(theory: xr.Dataset, runs: xr.Dataset) -> None:
    kinds = [_described(data, "problem").get("problem") for data in (theory, runs)]
    if kinds == ["GaussianRows", "FeatureRows"]:
        raise ValueError(
            "the theory of random features is that of Gaussian rows with the same moments, which "
            "they are not, so there is no verdict: look at "
            'runs.population_risk.mean("replicate") / theory.population_risk - 1.'
        )
    difference = _first_difference(theory, runs, "problem", ignore=("preparation",))
    if difference is not None:
        raise ValueError(
            f"theory and runs are about different problems ({difference}): pass the same problem "
            "to both."
        )


def _check_algorithm(theory: xr.Dataset, runs: xr.Dataset) -> None:
    remedy = "pass the same algorithm to both, or same_algorithm=False to compare all the same"
    difference = _first_difference(theory, runs, "algorithm")
    if difference is not None:
        raise ValueError(f"the algorithms differ ({difference}): {remedy}.")
    # A schedule given as a function has no description that tells two of them apart.
    first, second = theory.learning_rate.values, runs.learning_rate.values
    if not np.array_equal(first, second):
        at = int(np.flatnonzero(first != second)[0])
        raise ValueError(
            f"the learning rate at time {theory.time.values[at]:g} is {first[at]:g} in theory but "
            f"{second[at]:g} in runs: {remedy}."
        )


def _first_difference(
    theory: xr.Dataset, runs: xr.Dataset, attribute: str, ignore: tuple[str, ...] = ()
) -> str | None:
    """What differs between two JSON attributes, in words; None if nothing does."""
    first, second = (_described(data, attribute) for data in (theory, runs))
    for key in [*first, *(key for key in second if key not in first)]:
        mine, yours = first.get(key), second.get(key)
        if key in ignore or mine == yours:
            continue
        if key in _WORDS:
            return _WORDS[key]
        return f"{key} is {_plain(mine)} in theory but {_plain(yours)} in runs"
    return None


def _described(data: xr.Dataset, attribute: str) -> dict[str, Any]:
    if attribute not in data.attrs:
        raise ValueError(
            f"the {data.attrs['source']} dataset has no attribute {attribute}, so it cannot be "
            "checked: keep the attributes (xarray.set_options(keep_attrs=True))."
        )
    try:
        described = json.loads(data.attrs[attribute])
    except (ValueError, TypeError, RecursionError):  # no JSON, no text, or nested without end
        raise ValueError(
            f"the attribute {attribute} of the {data.attrs['source']} dataset is not what hsgd "
            "wrote (it is no JSON), so it cannot be checked: load the dataset again, or compute it."
        ) from None
    return described if isinstance(described, dict) else {attribute: described}


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _shared(
    theory: xr.Dataset, runs: xr.Dataset, statistics: str | Iterable[str] | None
) -> tuple[str, ...]:
    first, second = dataset.named_statistics(theory), dataset.named_statistics(runs)
    shared = tuple(name for name in first if name in second)
    if statistics is None:
        chosen = shared
    else:
        try:
            chosen = (statistics,) if isinstance(statistics, str) else tuple(statistics)
        except TypeError:
            raise TypeError(
                f"statistics is {shown(statistics)}: pass a name or a list of names."
            ) from None
    missing = [name for name in chosen if not (isinstance(name, str) and name in shared)]
    if missing or not chosen:
        raise ValueError(
            f"theory has the statistics {', '.join(first) or 'none'} and runs have "
            f"{', '.join(second) or 'none'}: "
            + (
                f"both must have {shown(missing[0])}."
                if missing
                else "they must share at least one."
            )
        )
    return chosen
