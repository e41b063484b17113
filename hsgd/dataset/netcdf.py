"""NetCDF-4 files that end in their own checksum."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsgd.dataset.atomic import write_atomically

if TYPE_CHECKING:
    import xarray as xr

# HDF5 readers ignore what follows the end of their data, so a file can end in its own checksum.
_MARK = b"\nhsgd-sha256:"
_TRAILER = len(_MARK) + 64


def write(tree: xr.DataTree, target: Path) -> None:
    """Write a tree, one group per node; made in memory, for HDF5 fails on a full disk uncaught."""
    encoding = {node.path: _encoding(node.to_dataset(inherit=False)) for node in tree.subtree}
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
    content = source.read_bytes()
    body, trailer = content[:-_TRAILER], content[-_TRAILER:]
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
    with xr.open_datatree(io.BytesIO(body), engine="h5netcdf", decode_times=False) as opened:
        return opened.load()


def _checksum(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode()
