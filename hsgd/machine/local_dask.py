"""Files are written by this process, even where a dask client is the default of everything else.

xarray then guards a file by a lock of the cluster; one that is made in memory has no name there,
and the write fails.
"""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_one_at_a_time = threading.Lock()


@contextmanager
def no_cluster() -> Iterator[None]:
    """Let xarray see no dask client, if there is one."""
    if "distributed" not in sys.modules:
        yield
        return
    dask: Any = importlib.import_module("dask")
    # The setting is the process's, so calls that overlap would restore each other's.
    with _one_at_a_time, dask.config.set(scheduler="synchronous"):
        yield
