"""The settings of a sweep, theory and runs side by side: compared all together, or each alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

_OWN = {"time", "replicate", "statistic"}


@dataclass(frozen=True, eq=False)
class Settings:
    """What two datasets are swept over: nothing, as a rule."""

    dims: tuple[str, ...]
    sizes: tuple[int, ...]
    pairs: tuple[tuple[xr.Dataset, xr.Dataset], ...]
    """Theory and runs of each setting, the last dimension fastest."""


def dims_of(data: xr.Dataset) -> tuple[str, ...]:
    """The dimensions that a dataset is swept over, in the order of its variables."""
    order = max((variable.dims for variable in data.data_vars.values()), key=len, default=())
    return tuple(str(dim) for dim in order if dim not in _OWN)


def settings(theory: xr.Dataset, runs: xr.Dataset, *, same: bool = True) -> Settings:
    """Theory beside runs for every setting; `same` where its values must be the same in both.

    Raises
    ------
    ValueError
        If the two are not swept over the same values.
    """
    dims, others = dims_of(theory), dims_of(runs)
    for name in (*dims, *others):
        if name not in dims or name not in others:
            one, other = ("theory", "runs") if name in dims else ("runs", "theory")
            raise ValueError(
                f"{one} has the dimension {name}, but {other} has not: give both the same sweep, "
                f"or take one member, {one}.isel({name}=0)."
            )
        alike = np.array_equal(theory[name].values, runs[name].values)
        if not (alike if same else theory.sizes[name] == runs.sizes[name]):
            raise ValueError(
                f"theory and runs have different members along {name}: select the same in both."
            )
    sizes = tuple(theory.sizes[name] for name in dims)
    chosen = [dict(zip(dims, index, strict=True)) for index in np.ndindex(*sizes)]
    return Settings(dims, sizes, tuple((theory.isel(one), runs.isel(one)) for one in chosen))


def words(comparison: xr.Dataset, index: tuple[int, ...]) -> str:
    """Which setting an index along the swept dimensions is; nothing where nothing is swept."""
    dims = dims_of(comparison)
    if not dims:
        return ""
    one = comparison.isel(dict(zip(dims, index, strict=True)))
    found = []
    for name in dims:
        # By the parameter, where the dimension has no values of its own.
        along = [c for c, coord in comparison.coords.items() if coord.dims == (name,)]
        chosen = name if name in along else str(next(iter(along), name))
        value = one[chosen].item() if chosen in one.coords else index[dims.index(name)]
        shown = f"{value:.3g}" if isinstance(value, float) else str(value)
        found.append(f"{chosen.replace('_', ' ')} {shown}")
    return f" for {', '.join(found)}"
