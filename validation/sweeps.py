"""The settings of a sweep, theory and runs side by side: compared all together, or each alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hsgd.dataset.schema import parameter_along, swept_dims

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Settings:
    """What two datasets are swept over: nothing, as a rule."""

    dims: tuple[str, ...]
    sizes: tuple[int, ...]
    pairs: tuple[tuple[xr.Dataset, xr.Dataset], ...]
    """Theory and runs of each setting, the last dimension fastest."""


def settings(theory: xr.Dataset, runs: xr.Dataset, *, same: bool = True) -> Settings:
    """Theory beside runs for every setting; `same` where its values must be the same in both.

    Raises
    ------
    ValueError
        If the two are not swept over the same values.
    """
    dims, others = swept_dims(theory), swept_dims(runs)
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
    found = []
    for dim, number in zip(swept_dims(comparison), index, strict=True):
        parameter = parameter_along(comparison, dim)
        value = parameter[number].item()
        shown = f"{value:.3g}" if isinstance(value, float) else str(value)
        found.append(f"{str(parameter.name).replace('_', ' ')} {shown}")
    return f" for {', '.join(found)}" if found else ""
