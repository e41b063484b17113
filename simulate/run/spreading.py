"""Replicates spread over the workers of a dask cluster, one at a time to each thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from hsgd import warning
from hsgd.machine import clusters
from hsgd.sweeps.stacking import joined

if TYPE_CHECKING:
    import xarray as xr

TASKS_PER_THREAD = 4
"""So that a slow worker keeps nobody waiting for long."""


def _part(
    run: Callable[..., xr.Dataset], problem: Any, asked: dict[str, Any], numbers: range
) -> xr.Dataset:
    with warning.gathered():  # the caller warns once, for all
        which = {"first_replicate": numbers.start, "num_replicates": len(numbers)}
        return run(problem, progress=False, **which, **asked)


def spread(
    client: Any,
    run: Callable[..., xr.Dataset],
    problem: Any,
    first_replicate: int,
    num_replicates: int,
    asked: dict[str, Any],
) -> xr.Dataset:
    """Call `run(problem, first_replicate=…, num_replicates=…, **asked)` in parts on the cluster.

    The parts are the same runs as here, to the bit where machines and libraries are the same.
    """
    num_threads = sum(client.nthreads().values()) or 1
    size = max(1, -(-num_replicates // (TASKS_PER_THREAD * num_threads)))
    end = first_replicate + num_replicates
    tasks = [range(start, min(start + size, end)) for start in range(first_replicate, end, size)]
    parts = dict(clusters.compute(client, partial(_part, run, problem, asked), tasks))
    whole = joined([parts[index] for index in range(len(tasks))])
    whole.attrs["num_threads"] = num_threads
    return whole
