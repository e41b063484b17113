"""What makes a dataset one of ours; the docs' page "dataset schema" says it at length."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.dataset.keepable import unkeepable

if TYPE_CHECKING:
    import xarray as xr

SCHEMA_VERSION = 1
CONVENTIONS = "CF-1.11 ACDD-1.3"
SOURCES = (
    "theory",
    "exact_mean",
    "diffusion",
    "simulation",
    "comparison",
    "diagnosis",
    "limits",
    "case",
    "tree",
)
SUFFIXES = (
    "_gradient_flow",
    "_error",
    "_discrepancy",
    "_standard_deviation",
    "_standard_error",
    "_effective_size",
    "_lower",
    "_upper",
)
"""What the schema appends to a statistic's name."""
AVERAGED = "_averaged"
"""Behind the name of a statistic that is taken at the average of the iterates."""
READOUT_DIMS = ("mode", "row")
"""Dimensions of what a simulation reads off the parameters, beside statistics."""
OWN_DIMS = ("time", "replicate", "statistic")
"""Dimensions of the schema; others are those of a sweep, or of several outputs."""
JOINT, MORE = " | ", "…"
"""Between what the members of a sweep say of themselves, and in place of what most of them say."""
_REQUIRED = ("Conventions", "schema_version", "source", "hsgd_version", "created_at")


def with_schema(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with the name and version of this schema in front."""
    return {"Conventions": CONVENTIONS, "schema_version": SCHEMA_VERSION, **attrs}


def swept_dims(data: xr.Dataset) -> tuple[str, ...]:
    """The dimensions that a dataset is swept over, in the order of its variables."""
    longest = max((variable.dims for variable in data.data_vars.values()), key=len, default=())
    return tuple(str(dim) for dim in longest if dim not in (*OWN_DIMS, *READOUT_DIMS))


def parameter_along(data: xr.Dataset, dim: str) -> xr.DataArray:
    """What tells the members along a swept dimension apart: its own values, or a parameter's."""
    along = [str(name) for name, coord in data.coords.items() if coord.dims == (dim,)]
    return data[dim if dim in along or not along else along[0]]


def scalars(values: Mapping[str, tuple[Any, str]], attrs: Mapping[str, Any]) -> xr.Dataset:
    """A dataset of scalars: name → (value, long_name)."""
    import xarray as xr

    data = {
        name: xr.Variable((), value, {"units": "1", "long_name": long_name})
        for name, (value, long_name) in values.items()
    }
    return xr.Dataset(data, attrs=with_schema(attrs))


def check(dataset: Any) -> str | None:
    """What is wrong with a dataset (or a tree of them), in one sentence; None if nothing is."""
    import xarray as xr

    if isinstance(dataset, xr.DataTree):
        return _check_tree(dataset)
    if not isinstance(dataset, xr.Dataset):
        return f"this is a {type(dataset).__name__}, not an xarray.Dataset."
    missing = [name for name in _REQUIRED if name not in dataset.attrs]
    if missing:
        return (
            f"the attributes {', '.join(missing)} are missing: this dataset was not made by hsgd."
        )
    found = unkeepable(dataset)
    if found:
        return found
    version = dataset.attrs["schema_version"]
    if isinstance(version, str) or version != int(version):
        return f"its schema version is {version!r}, which is no whole number."
    if version > SCHEMA_VERSION:
        return (
            f"its schema version is {version}, newer than {SCHEMA_VERSION}: update hsgd to read it."
        )
    if dataset.attrs["source"] not in SOURCES:
        return f"its source is {dataset.attrs['source']!r}, which is none of {', '.join(SOURCES)}."
    return _check_described(dataset) or _check_times(dataset)


def _check_described(dataset: xr.Dataset) -> str | None:
    for name in ("problem", "algorithm"):
        text = dataset.attrs.get(name, "{}")
        # A sweep joins what its members say, as far as there is room.
        said = str(text).split(JOINT)
        if not (_is_json(text) or all(map(_is_json, said[:-1] if said[-1] == MORE else said))):
            return f"its attribute {name} is damaged: it is no JSON."
    return None


def _is_json(text: Any) -> bool:
    try:
        json.loads(text)
    except (ValueError, TypeError, RecursionError):  # no JSON, no text, or nested without end
        return False
    return True


def _check_times(dataset: xr.Dataset) -> str | None:
    if "time" in dataset.dims:
        if "iteration" not in dataset.coords or "time" not in dataset.coords:
            return "the coordinates time and iteration belong together, but one is missing."
        if not np.issubdtype(dataset.iteration.dtype, np.integer):
            return "the coordinate iteration must hold integers."
        if (np.diff(dataset.time.values) <= 0).any():
            return "the coordinate time does not increase."
    return None


def _check_tree(tree: xr.DataTree) -> str | None:
    if tree.attrs.get("source") != "tree" or tree.variables:
        return "the root is not that of a tree of ours: make the tree with hsgd.dataset.tree."
    for node in tree.subtree:
        if node.has_data or node.has_attrs:
            problem = check(node.to_dataset(inherit=False))
            if problem is not None:
                return f"in {node.path}: {problem}"
    return None


def named_statistics(dataset: xr.Dataset) -> tuple[str, ...]:
    """Variables along time that are statistics, not something about one (`_error`, …).

    What is predicted for some rows is none: hundreds of numbers at each time.
    """
    names = [
        str(name)
        for name, variable in dataset.data_vars.items()
        if "time" in variable.dims and "row" not in variable.dims
    ]

    def is_about_another(name: str) -> bool:
        return any(
            name.removesuffix(suffix) in names for suffix in SUFFIXES if name.endswith(suffix)
        )

    return tuple(name for name in names if not is_about_another(name))
