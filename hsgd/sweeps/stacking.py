"""Datasets of the same form as one: along new dimensions, along replicates, or in a part file."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.dataset.judged import verdict_first
from hsgd.dataset.schema import JOINT, MORE

if TYPE_CHECKING:
    import xarray as xr

_MEMBER = "member"


def stacked(
    found: Sequence[xr.Dataset],
    dims: tuple[Any, ...],
    sizes: tuple[int, ...],
    left_out: Collection[str] = (),
) -> xr.Dataset:
    """Datasets along new dimensions, which every variable gets in front of its own.

    Coordinates that are the same for all stay as they are, but `status`, which tells what happened.
    """
    import xarray as xr

    first = found[0]

    def stack(name: Any) -> xr.Variable:
        variable = first[name].variable
        values = np.stack([ds[name].values for ds in found]).reshape((*sizes, *variable.shape))
        return xr.Variable((*dims, *variable.dims), values, variable.attrs)

    def shared(name: Any) -> bool:
        values = first[name].values
        alike = name != "status" and all(np.array_equal(ds[name].values, values) for ds in found)
        return name in first.dims or alike

    data = {name: stack(name) for name in first.data_vars if name not in left_out}
    # What depends on a member is stacked (epochs do on the batch size); the rest is shared.
    coords = {
        name: coord.variable if shared(name) else stack(name)
        for name, coord in first.coords.items()
        if name not in left_out
    }
    return verdict_first(xr.Dataset(data, coords, _attributes([ds.attrs for ds in found])))


def _attributes(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Shared attributes as they are; of others words are listed, counts added, errors the worst."""
    attrs = dict(found[0])
    for name, value in attrs.items():
        others = {words[name] for words in found}
        if len(others) == 1 or name in ("created_at", "history"):
            continue
        if isinstance(value, str):
            attrs[name] = JOINT.join(sorted(others)[:3] + [MORE] * (len(others) > 3))
        elif name.startswith("num_"):
            attrs[name] = sum(words[name] for words in found)
        else:
            attrs[name] = max(others)
    return attrs


def joined(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Runs of other replicates of the same setting, as one dataset."""
    import xarray as xr

    if len(parts) == 1:
        return parts[0]
    whole = xr.concat(
        parts, "replicate", data_vars="minimal", coords="minimal", compat="override",
        combine_attrs="override",
    )  # fmt: skip
    if "num_diverged" in whole.attrs:
        whole.attrs["num_diverged"] = sum(int(part.attrs["num_diverged"]) for part in parts)
    if any(part.attrs.get("status") == "partial" for part in parts):
        whole.attrs["status"] = "partial"
    return whole


def packed(found: Sequence[xr.Dataset], warnings: Sequence[str]) -> xr.Dataset:
    """Datasets and the warnings that came with them, as one that a file can hold."""
    part = stacked(found, (_MEMBER,), (len(found),))
    part.attrs["members"] = json.dumps([ds.attrs for ds in found])
    part.attrs["warnings"] = json.dumps(list(warnings))
    return part


def unpacked(part: xr.Dataset) -> tuple[list[xr.Dataset], list[str]]:
    """What was packed."""
    found = []
    for index, attrs in enumerate(json.loads(part.attrs["members"])):
        alone = part.isel({_MEMBER: index}, drop=True)
        alone.attrs = attrs
        found.append(alone)
    return found, json.loads(part.attrs["warnings"])
