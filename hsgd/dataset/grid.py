"""One grid of times for theory and simulation alike, and the datasets that are made on it."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hsgd import checks
from hsgd.algorithms.base import Algorithm
from hsgd.checks import Array
from hsgd.dataset.schema import with_schema
from hsgd.interfaces import Timed
from hsgd.nouns import Real, Whole
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


SPACINGS = ("log", "linear", "sqrt")


def times(
    problem: Timed,
    algorithm: Algorithm,
    epochs: Real = 20.0,
    num: Whole = 100,
    spacing: str = "log",
) -> Array:
    """Times up to a number of passes over the data, whatever the batch size.

    One unit of `time` is n iterations, with batches of B rows B passes over the data; so 20 passes
    end at time 20/B. (Of fresh rows a pass is d of them.)

    Parameters
    ----------
    problem, algorithm
        What the times are for. Of a sweep over batch sizes the smallest one makes that many passes.
    epochs
        Passes over the data.
    num
        Number of times, at least 2; fewer, where several would be one iteration.
    spacing
        `"log"`: 0, then logarithmic from the first iteration on; `"linear"`; or `"sqrt"`.

    Returns
    -------
    numpy.ndarray
        Increasing, each that of an iteration; the last is the first one after so many passes.

    Raises
    ------
    TypeError, ValueError
        For numbers out of range, or an end before the second iteration.

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> problem = hsgd.LeastSquares(np.eye(64), np.ones(64))
    >>> hsgd.times(problem, hsgd.SGD(0.1, batch_size=32), epochs=4, num=5, spacing="linear")
    array([0.     , 0.03125, 0.0625 , 0.09375, 0.125  ])
    """
    per_unit = problem.iterations_per_unit
    passes = checks.number("epochs", epochs, strict=True)
    count = checks.integer("num", num, minimum=2)
    checks.one_of("spacing", spacing, SPACINGS)
    sizes: Any = algorithm.batch_size
    smallest = (
        algorithm.replace(batch_size=int(sizes.min())) if checks.is_swept(sizes) else algorithm
    )
    rows = passes * per_unit
    if rows > 2.0**62:
        raise ValueError(f"epochs is {passes:g}, which is more than 2^62 rows: choose fewer.")
    last = bisect_left(
        range(math.ceil(rows) + 1), rows, key=lambda k: int(smallest.rows_drawn(k, per_unit))
    )
    if last < 2:
        raise ValueError(
            f"epochs is {passes:g}, which ends before the second iteration: choose more."
        )
    if spacing == "log":
        steps = np.concatenate(([0.0], np.geomspace(1.0, last, count - 1)))
    elif spacing == "sqrt":
        steps = np.linspace(0.0, math.sqrt(last), count) ** 2
    else:
        steps = np.linspace(0.0, last, count)
    return np.asarray(np.unique(np.rint(steps)) / per_unit)


def assemble(
    grid: Grid,
    problem: Timed,
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


def _time_coords(grid: Grid, problem: Timed, algorithm: Algorithm) -> dict[str, Any]:
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
