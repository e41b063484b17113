"""Several results in one file: stack datasets along a new dim, and take one out again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

_OF_THE_FILE = ("title", "history", "created_at")
"""Attributes of which the stack takes the last: they say when, not what."""


def stack(
    datasets: Sequence[xr.Dataset], dim: str, values: Sequence[float], long_name: str
) -> xr.Dataset:
    """Concatenate along the new dim; attributes that differ become coordinates along it.

    Nothing is lost: `member` gives each dataset back.
    """
    import xarray as xr

    first = datasets[0]
    differing = [
        name
        for name in first.attrs
        if name not in _OF_THE_FILE
        and all(name in other.attrs for other in datasets)
        and any(other.attrs[name] != first.attrs[name] for other in datasets)
    ]
    bare = [dataset.drop_attrs(deep=False) for dataset in datasets]
    index = xr.Variable(dim, np.asarray(values, float), {"units": "1", "long_name": long_name})
    whole = xr.concat(
        bare,
        xr.DataArray(index, dims=dim, name=dim),
        data_vars="all",
        coords="different",
        compat="equals",
        join="exact",
    )
    last = datasets[-1].attrs
    whole.attrs = {
        name: last[name] for name in first.attrs if name in last and name not in differing
    }
    for name in differing:
        column = np.array([dataset.attrs[name] for dataset in datasets])
        whole = whole.assign_coords({_coordinate(name): (dim, column, {"attribute": name})})
    return whole


def _coordinate(attribute: str) -> str:
    # `agrees` is a variable of a comparison and an attribute, too.
    return f"attribute_{attribute}"


def member(dataset: xr.Dataset, dim: str, value: float) -> xr.Dataset:
    """The dataset at one value of the dim, its own attributes restored."""
    one = dataset.sel({dim: value})
    for name, coord in dataset.coords.items():
        if coord.dims == (dim,) and "attribute" in coord.attrs:
            one.attrs[coord.attrs["attribute"]] = one[name].values.item()
            one = one.drop_vars(str(name))
    return one.drop_vars(dim)
