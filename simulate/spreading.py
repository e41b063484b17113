"""Replicates spread over the workers of a dask cluster, one at a time to each thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulate import threads
from simulate.means import joined

if TYPE_CHECKING:
    import xarray as xr

TASKS_PER_THREAD = 4
"""So that a slow worker keeps nobody waiting for long."""
RETRIES = 3
"""Times that the replicates of a worker that died are given to another one."""


def check_client(client: Any) -> None:
    """Refuse what is no dask client.

    Raises
    ------
    TypeError
        With the remedy.
    """
    if not all(hasattr(client, name) for name in ("submit", "scatter", "gather", "nthreads")):
        raise TypeError(
            f"client is a {type(client).__name__}: pass a distributed.Client, or leave it out to "
            "use the cores of this machine."
        )


def _part(
    run: Callable[..., xr.Dataset], problem: Any, first: int, count: int, asked: dict[str, Any]
) -> xr.Dataset:
    import warnings

    with threads.limited(1), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the caller warns once, for all
        return run(problem, first_replicate=first, num_replicates=count, progress=False, **asked)


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
    there = client.scatter(problem, broadcast=True, hash=False)
    futures = [
        client.submit(
            _part,
            run,
            there,
            first,
            min(size, first_replicate + num_replicates - first),
            asked,
            retries=RETRIES,
            pure=False,
        )
        for first in range(first_replicate, first_replicate + num_replicates, size)
    ]
    try:
        whole = joined(client.gather(futures))
    except BaseException:
        client.cancel(futures)
        raise
    whole.attrs["num_threads"] = num_threads
    return whole
