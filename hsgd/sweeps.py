"""Sweeps: a parameter given as an `xarray.DataArray` becomes dimensions of the result.

A noun may hold a DataArray in the place of a number (`learning_rate` and `batch_size` of an
algorithm, `ridge` of a problem). A verb that follows sweeps runs once per member, on nouns that
hold numbers only; members share the data and their decomposition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd import provenance, warned
from hsgd.checks import is_swept

if TYPE_CHECKING:
    import xarray as xr

Verb = Callable[[Any, Any, int], "xr.Dataset"]
"""Called with a problem, an algorithm and the number of members that share the cost."""

_PARAMETERS = {
    "learning_rate": "learning rate",
    "batch_size": "batch size",
    "ridge": "ridge",
}


def parameters(problem: Any, algorithm: Any) -> dict[str, xr.DataArray]:
    """The swept parameters, by name."""
    swept: dict[str, Any] = {}
    for noun in (problem, algorithm):
        for name in _PARAMETERS:
            value = getattr(noun, name, None)
            if is_swept(value):
                swept[name] = value
    return swept


def sweep(verb: Verb, problem: Any, algorithm: Any) -> xr.Dataset:
    """Run a verb for every combination of the swept parameters, and stack what it gives.

    Every variable gets the sweep's dims in front of its own, and each parameter becomes a
    coordinate of its dims. Warnings are counted and issued once.
    """
    import xarray as xr

    swept = parameters(problem, algorithm)
    _check_names(swept)
    grid = xr.broadcast(*(value.reset_coords(drop=True) for value in swept.values()))
    sizes = grid[0].shape
    with warned.gathered() as messages:
        found = [
            verb(*member, int(np.prod(sizes)))
            for member in _members(problem, algorithm, list(swept), [g.values for g in grid])
        ]
    _warn_once(messages, len(found))
    result = _stacked(found, grid[0].dims, sizes, set(swept))
    coords = {
        name: value.assign_attrs(units="1", long_name=_PARAMETERS[name]).reset_coords(drop=True)
        for name, value in swept.items()
    }
    inherited = {name: coord for value in swept.values() for name, coord in value.coords.items()}
    result = result.assign_coords(inherited).assign_coords(coords)
    described = provenance.describe_problem(problem), provenance.describe_algorithm(algorithm)
    return result.assign_attrs(problem=described[0], algorithm=described[1])


def _check_names(swept: dict[str, xr.DataArray]) -> None:
    for name, value in swept.items():
        if "time" in value.dims or "replicate" in value.dims:
            raise ValueError(
                f"{name} is swept along {value.dims}, which datasets use themselves: "
                f"rename the dimension, for example to {name!r}."
            )
        for other in set(value.dims) & set(_PARAMETERS) - {name}:
            raise ValueError(
                f"{name} is swept along a dimension called {other!r}, the name of another "
                f"parameter: rename it, for example to {name!r}."
            )


def _members(
    problem: Any, algorithm: Any, names: list[str], values: list[Any]
) -> Iterator[tuple[Any, Any]]:
    problems: dict[float, Any] = {}
    if "ridge" in names:
        problem.decompose()  # before it is copied, so that all copies share it
    for index in np.ndindex(values[0].shape):
        chosen = {name: array[index].item() for name, array in zip(names, values, strict=True)}
        member = problem
        if "ridge" in chosen:
            # One noun per ridge, so that members with the same ridge share its modes.
            ridge = chosen.pop("ridge")
            if ridge not in problems:
                problems[ridge] = problem.replace(ridge=ridge)
            member = problems[ridge]
        yield member, replace(algorithm, **chosen)


def _stacked(
    found: list[xr.Dataset], dims: tuple[Any, ...], sizes: tuple[int, ...], swept: set[str]
) -> xr.Dataset:
    import xarray as xr

    first = found[0]

    def stack(name: Any) -> xr.Variable:
        variable = first[name].variable
        values = np.stack([ds[name].values for ds in found]).reshape((*sizes, *variable.shape))
        return xr.Variable((*dims, *variable.dims), values, variable.attrs)

    data = {name: stack(name) for name in first.data_vars}

    def shared(name: Any) -> bool:
        values = first[name].values
        return name in first.dims or all(np.array_equal(ds[name].values, values) for ds in found)

    # What depends on a member is stacked (epochs do on the batch size); the rest is shared.
    coords = {
        name: coord.variable if shared(name) else stack(name)
        for name, coord in first.coords.items()
        if name not in swept
    }
    return xr.Dataset(data, coords, _attributes(found))


def _attributes(found: list[xr.Dataset]) -> dict[str, Any]:
    """The members' attributes: shared ones as they are, the others summed up in words."""
    attrs = dict(found[0].attrs)
    for name, value in attrs.items():
        others = {ds.attrs[name] for ds in found}
        if len(others) > 1 and name == "expected_discrepancy":
            attrs[name] = max(others)
        elif len(others) > 1 and isinstance(value, str) and name not in ("created_at", "history"):
            attrs[name] = " | ".join(sorted(others)[:3]) + (" | …" if len(others) > 3 else "")
    return attrs


def _warn_once(messages: list[str], count: int) -> None:
    if messages:
        text = f"{len(messages)} warnings in {count} members of the sweep, the first: {messages[0]}"
        warned.warn(text, stacklevel=4)
