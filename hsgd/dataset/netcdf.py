"""NetCDF-4 files that end in their own checksum."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsgd.dataset.atomic import write_atomically
from hsgd.machine import memory
from hsgd.machine.local_dask import no_cluster

if TYPE_CHECKING:
    import xarray as xr

# HDF5 readers ignore what follows the end of their data, so a file can end in its own checksum.
_MARK = b"\nhsgd-sha256:"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_TRAILER = len(_MARK) + 64


def write(tree: xr.DataTree, target: Path) -> None:
    """Write a tree, one group per node; made in memory, for HDF5 fails on a full disk uncaught."""
    encoding = {node.path: _encoding(node.to_dataset(inherit=False)) for node in tree.subtree}
    with no_cluster():
        content = bytes(tree.to_netcdf(engine="h5netcdf", encoding=encoding) or b"")
    write_atomically(target, content + _MARK + _checksum(content))


def _encoding(dataset: xr.Dataset) -> dict[str, dict[str, Any]]:
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in dataset.variables.items():
        numeric = variable.dtype.kind in "iuf"
        options: dict[str, Any] = {"fletcher32": True} if variable.ndim and numeric else {}
        if variable.dtype.kind == "f":
            options["_FillValue"] = None
        encoding[str(name)] = options
    return encoding


def read(source: Path) -> xr.DataTree:
    """The tree in a file, into memory, if the file is whole.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or its checksum is missing or wrong.
    """
    import xarray as xr

    if not source.is_file():
        raise FileNotFoundError(f"there is no file {source}: check the path.")
    with open(source, "rb") as stream:
        # The end first: a large file of another program need not be read.
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(size - _TRAILER, 0))
        trailer = stream.read()
        if trailer.startswith(_MARK):
            memory.check(3 * size, f"reading {source}", "data at once")
        stream.seek(0)
        body = stream.read(max(size - _TRAILER, 0)) if trailer.startswith(_MARK) else b""
    if not trailer.startswith(_MARK):
        raise ValueError(
            f"{source} does not end in hsgd's checksum: it is cut short or was written by another "
            "program; pass a file written by hsgd.dataset.save."
        )
    if trailer != _MARK + _checksum(body):
        raise ValueError(
            f"{source} is damaged: its content does not match its checksum; restore it from a "
            "copy or compute it again."
        )
    if not body.startswith(_HDF5):
        raise ValueError(
            f"{source} has the right checksum, but is no HDF5 file: it was written by another "
            "program; pass a file written by hsgd.dataset.save."
        )
    try:
        with xr.open_datatree(io.BytesIO(body), engine="h5netcdf", decode_times=False) as opened:
            return opened.load()
    except MemoryError as error:
        raise MemoryError(
            f"{source} does not fit into memory: read parts of it with xarray.open_dataset."
        ) from error
    except Exception as error:  # whatever the HDF5 library and its readers raise
        raise ValueError(
            f"{source} has the right checksum, but is no NetCDF file of ours "
            f"({type(error).__name__}): it was written by another program; pass a file written by "
            "hsgd.dataset.save."
        ) from error


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
