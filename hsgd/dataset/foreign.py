"""NetCDF files of other programs, read by a process of its own that can be given up.

Nobody vouches for such a file, and the HDF5 library can loop for ever on a damaged one, or crash,
where no Python code of its process can stop it. So it is opened by a child, which sends the numbers
through a pipe and is killed if it takes too long. The child is this file, run as a script: it
imports nothing of this package, and little else.
"""

from __future__ import annotations

import io
import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

SECONDS, BYTES_A_SECOND = 60.0, 1e6
"""The child is given up after the first, and the time that the file's bytes take at the second."""
_PACKING = ("_FillValue", "missing_value", "scale_factor", "add_offset", "_Unsigned")
"""Attributes that say how numbers are kept, and must be known to understand them."""


def read(path: Path, names: Sequence[str]) -> dict[str, Any]:
    """Those of the named arrays that a NetCDF file holds, as xarray would decode them.

    Raises
    ------
    MemoryError
        If they do not fit into memory.
    ValueError
        If the file cannot be read, the library crashes on it, or it takes too long.

    Notes
    -----
    The child costs some 0.2 s, and for a moment the memory of one array more.
    """
    limit = SECONDS + path.stat().st_size / BYTES_A_SECOND
    command = [sys.executable, "-P", __file__, str(path), *names]
    null, began = subprocess.DEVNULL, time.monotonic()
    with subprocess.Popen(command, stdin=null, stdout=subprocess.PIPE, stderr=null) as child:
        clock = threading.Timer(limit, child.kill)
        clock.start()
        try:
            assert isinstance(child.stdout, io.BufferedReader)
            with child.stdout as pipe:  # closed, so that a child with more to say ends
                arrays = _received(path, pipe)
            status = child.wait()
        finally:
            clock.cancel()
            child.kill()
    if arrays is not None and status == 0:
        return arrays
    if time.monotonic() - began >= limit:
        what = f"was given up after {limit:.0f} s, for the HDF5 library can loop on a damaged file"
    elif status < 0 or status > 255:  # a signal, or what Windows has for one
        what = f"has crashed the HDF5 library (status {status}), as a damaged file can"
    else:
        what = "has failed"
    raise ValueError(
        f"reading {path} as NetCDF {what}: save its arrays again with "
        "xarray's to_netcdf(engine='h5netcdf'), or with numpy.savez."
    )


def _received(path: Path, pipe: io.BufferedReader) -> dict[str, Any] | None:
    """What the child sends; None if that is not what it should be."""
    from hsgd.machine import memory

    try:
        told = json.loads(pipe.readline())
        sizes = [math.prod(one["shape"]) * np.dtype(one["dtype"]).itemsize for one in told]
        memory.check(sum(sizes) + max(sizes, default=0), f"reading {path}", "data at once")
        arrays = {}
        for one, size in zip(told, sizes, strict=True):
            values = np.empty(one["shape"], one["dtype"])
            if pipe.readinto(values.reshape(-1).view(np.uint8).data) < size:
                return None
            arrays[one["name"]] = _unpacked(values, one["packing"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return None if pipe.read(1) else arrays


def _unpacked(values: Any, packing: dict[str, Any]) -> Any:
    """The numbers that are meant by those that are kept."""
    import xarray as xr

    variable = xr.Variable([f"axis {k}" for k in range(values.ndim)], values, packing)
    return xr.conventions.decode_cf_variable("", variable, decode_times=False).values


def _send(path: str, names: Sequence[str]) -> None:
    """In the child: a line of JSON that says what follows, then the bytes of the arrays."""
    out = sys.stdout.buffer
    with _opened(path) as file:
        found = {name: file.variables[name] for name in names if name in file.variables}
        out.write(json.dumps([_told(name, one) for name, one in found.items()]).encode() + b"\n")
        out.flush()  # so that what does not fit into memory is refused before it is read
        for one in found.values():
            out.write(np.ascontiguousarray(one[...]).data)
    out.flush()


def _opened(path: str) -> Any:
    """A file whose `variables` have a dtype, a shape, attributes and values, whatever its age."""
    with open(path, "rb") as stream:
        is_classic = stream.read(3) == b"CDF"
    if not is_classic:
        import h5netcdf

        return h5netcdf.File(path, "r")
    from scipy.io import netcdf_file

    file = netcdf_file(path, "r", mmap=False)
    variables: dict[str, Any] = file.variables
    for variable in variables.values():
        variable.attrs = {
            key: value.decode("latin-1") if isinstance(value, bytes) else value
            for key, value in variable._attributes.items()
        }
        variable.dtype = variable.data.dtype
    return file


def _told(name: str, variable: Any) -> dict[str, Any]:
    dtype = np.dtype(variable.dtype)
    if dtype.kind not in "biufc":
        raise TypeError(f"{name} is not numeric.")
    packing = {}
    for key in _PACKING:
        if key in variable.attrs:
            value = variable.attrs[key]
            packing[key] = value if isinstance(value, str) else np.ravel(value).tolist()[0]
    shape = [int(length) for length in variable.shape]
    return {"name": name, "dtype": dtype.str, "shape": shape, "packing": packing}


if __name__ == "__main__":
    _send(sys.argv[1], sys.argv[2:])
