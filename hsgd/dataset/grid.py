"""One grid of times for theory and simulation alike, and the datasets that are made on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hsgd import checks
from hsgd.algorithms.base import Algorithm
from hsgd.checks import Array
from hsgd.dataset.schema import with_schema
from hsgd.interfaces import Described
from hsgd.schedules import check_times

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True, eq=False)
class Grid:
    """Where curves are evaluated: the caller's times and the iterations they stand for."""

    time: Array
    iteration: NDArray[np.int64]
    unique: NDArray[np.int64]
    """The different iterations, ascending."""
    positions: NDArray[np.int64]
    """`unique[positions]` is `iteration`: how a curve on `unique` becomes one on `time`."""


def time_grid(time: Any, per_unit: int) -> Grid:
    """The grid of `time` in units of `per_unit` iterations: iteration = rint(time · per_unit).

    Raises
    ------
    TypeError, ValueError
        If the times are unsorted, negative, not finite, or count more than 2⁶² iterations.
    """
    per_unit = checks.integer("per_unit", per_unit, minimum=1)
    times = check_times(time)
    scaled = np.rint(times * per_unit)
    if scaled[-1] > 2.0**62:
        raise ValueError(
            f"time ends at {times[-1]:g}, which is more than 2^62 iterations (there are "
            f"per_unit={per_unit} to a unit): shorten it."
        )
    iteration = scaled.astype(np.int64)
    unique, positions = np.unique(iteration, return_inverse=True)
    return Grid(times, iteration, unique, positions)


def assemble(
    grid: Grid,
    problem: Described,
    algorithm: Algorithm,
    variables: Mapping[str, tuple[tuple[str, ...], Any, str]],
    attrs: Mapping[str, Any],
    coords: Mapping[str, Any] | None = None,
) -> xr.Dataset:
    """Put curves on `grid.unique` into a dataset on the caller's times.

    Parameters
    ----------
    variables
        name → (dims, values, long_name); values along a `time` dim are given on `grid.unique`.
    attrs
        From `provenance.attributes`, with what the caller adds.
    coords
        Further coordinates.
    """
    import xarray as xr

    data = {}
    for name, (dims, values, long_name) in variables.items():
        array = np.asarray(values)
        if "time" in dims:
            array = np.take(array, grid.positions, axis=dims.index("time"))
        data[name] = xr.Variable(dims, array, {"units": "1", "long_name": long_name})
    dataset = xr.Dataset(data, attrs=with_schema(attrs))
    dataset = dataset.assign_coords({**_time_coords(grid, problem, algorithm), **(coords or {})})
    return dataset


def _time_coords(grid: Grid, problem: Described, algorithm: Algorithm) -> dict[str, Any]:
    per_unit = problem.iterations_per_unit
    epochs = algorithm.rows_drawn(grid.iteration, per_unit) / per_unit
    streamed = np.isinf(problem.num_rows)
    unit = "d" if streamed else "n"
    words = "fresh rows drawn / d" if streamed else "passes over the data"

    def coord(values: Any, units: str, long_name: str) -> tuple[str, Any, dict[str, str]]:
        return "time", values, {"units": units, "long_name": long_name}

    coords = {
        "time": coord(np.array(grid.time), "1", f"time (iterations / {unit} = {per_unit})"),
        "iteration": coord(np.array(grid.iteration), "1", "iteration"),
        "epoch": coord(epochs, "1", words),
    }
    if not algorithm.is_adaptive:
        rates = algorithm.schedule(grid.iteration / per_unit)
        coords["learning_rate"] = coord(rates, "1", "learning rate")
    if algorithm.has_batch_schedule:
        sizes = algorithm.batch_sizes(grid.iteration / per_unit)
        coords["batch_size"] = coord(sizes, "1", "batch size")
    return coords
