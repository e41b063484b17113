"""Several outputs as one: the risk of all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.dataset.schema import READOUT_DIMS, named_statistics

if TYPE_CHECKING:
    import xarray as xr

_SUMMED = ("", "_gradient_flow", "_error")
"""What the schema appends to a statistic's name where sums over outputs mean something."""


def summed(data: xr.Dataset) -> xr.Dataset:
    """Curves of several outputs, summed over them: the loss that a program prints for all.

    Parameters
    ----------
    data
        Curves or runs with a dim `output`. Runs of all outputs have the same rows, so that the sum
        of a replicate is that of one run of all of them.

    Returns
    -------
    xarray.Dataset
        The same without that dim: statistics and `_gradient_flow` summed, `_error` as the sum of
        bounds, `_discrepancy` relative to the sum. What cannot be summed is left out.

    Raises
    ------
    TypeError, ValueError
        If there is no such dim, or no curve, or paths of the diffusion, whose outputs have noise
        of their own.
    """
    import xarray as xr

    if not isinstance(data, xr.Dataset):
        raise TypeError(f"data is a {type(data).__name__}: pass curves, an xarray.Dataset.")
    data = data.drop_dims([dim for dim in READOUT_DIMS if dim in data.dims])
    names = named_statistics(data) if "output" in data.dims else ()
    names = tuple(name for name in names if "output" in data[name].dims)
    if not names:
        raise ValueError(
            "there are no curves of several outputs: pass what predict, exact_mean or simulate.sgd "
            "gives for targets with several columns."
        )
    if data.attrs.get("source") == "diffusion":
        raise ValueError(
            "paths of the diffusion cannot be summed over outputs: the noise of each is its own, "
            "while that of SGD comes from the same rows. Sum runs of simulate.sgd."
        )
    kept = {str(name): data[name] for name in data.data_vars if "output" not in data[name].dims}
    for name in names:
        kept |= _of_one(data, name)
    coords = {name: value for name, value in data.coords.items() if "output" not in value.dims}
    if "status" in data.coords:
        coords["status"] = _worst(data["status"])
    return xr.Dataset(kept, coords, data.attrs)


def _of_one(data: xr.Dataset, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for suffix in _SUMMED:
        if name + suffix in data:
            values = data[name + suffix]
            words = f"{values.attrs.get('long_name', name)}, all outputs together"
            whole = values.sum("output", skipna=False)
            found[name + suffix] = whole.assign_attrs(units="1", long_name=words)
    gap = f"{name}_discrepancy"
    if gap in data:
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = (data[name] * data[gap]).sum("output") / found[name]
        # Where nothing is left there is nothing to be off.
        whole = shares.where(found[name] != 0, 0.0)
        found[gap] = whole.assign_attrs(data[gap].attrs)
    return {key: value.drop_vars("status", errors="ignore") for key, value in found.items()}


def _worst(status: xr.DataArray) -> xr.DataArray:
    """Of a replicate: partial if any output is, else diverged if any is."""
    return status.max("output", keep_attrs=True) if "output" in status.dims else status
