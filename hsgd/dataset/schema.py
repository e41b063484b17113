"""What makes a dataset one of ours; the docs' page "dataset schema" says it at length."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

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
_REQUIRED = ("Conventions", "schema_version", "source", "hsgd_version", "created_at")


def with_schema(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes with the name and version of this schema in front."""
    return {"Conventions": CONVENTIONS, "schema_version": SCHEMA_VERSION, **attrs}


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
    if int(dataset.attrs["schema_version"]) > SCHEMA_VERSION:
        return (
            f"its schema version is {dataset.attrs['schema_version']}, newer than "
            f"{SCHEMA_VERSION}: update hsgd to read it."
        )
    if dataset.attrs["source"] not in SOURCES:
        return f"its source is {dataset.attrs['source']!r}, which is none of {', '.join(SOURCES)}."
    return _check_contents(dataset)


def _check_contents(dataset: xr.Dataset) -> str | None:
    for name, value in dataset.attrs.items():
        if isinstance(value, bool) or not isinstance(value, str | int | float | np.number):
            return f"the attribute {name} is a {type(value).__name__}: write it as a JSON string."
    for name, variable in dataset.variables.items():
        if variable.dtype.kind not in "iufU" and variable.dtype != object:
            return f"the variable {name} has data type {variable.dtype}, which files cannot keep."
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
    """Variables along time that are statistics, not something about one (`_error`, …)."""
    names = [str(name) for name, variable in dataset.data_vars.items() if "time" in variable.dims]

    def is_about_another(name: str) -> bool:
        return any(
            name.removesuffix(suffix) in names for suffix in SUFFIXES if name.endswith(suffix)
        )

    return tuple(name for name in names if not is_about_another(name))
