"""The finished pieces of a sweep, each in a file of its own that never changes.

A part is written by `hsgd.dataset.save`, so it is whole, with its checksum, or not there. Its name
holds the hash of what it belongs to; other files in the folder are left alone.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsgd import dataset
from hsgd.dataset import claims

if TYPE_CHECKING:
    import xarray as xr

_MARK = "part_of"


class Parts:
    """Nowhere: nothing is kept."""

    def load(self, index: int) -> xr.Dataset | None:
        """A piece that an earlier call finished."""
        del index
        return None

    def keep(self, index: int, part: xr.Dataset) -> None:
        """Write a finished piece, and those that could not be written before."""


class PartFiles(Parts):
    """A folder of part files.

    A write that fails (disk full, folder gone) does not stop the sweep: its results are in memory,
    a warning says so, and the next write tries again.
    """

    def __init__(self, folder: Path, configuration: Mapping[str, Any]) -> None:
        self._folder = folder
        self._hash = claims.claim(
            folder,
            configuration,
            kind="sweep",
            parts="a sweep of another function, problem, algorithm, time or option, or of another "
            "version",
        )
        self._unwritten: dict[int, xr.Dataset] = {}
        self._told = False

    def _path(self, index: int) -> Path:
        return self._folder / f"part-{index:05d}-{self._hash[:16]}.nc"

    def load(self, index: int) -> xr.Dataset | None:
        path = self._path(index)
        if not path.exists():
            return None
        try:
            part = dataset.load(path)
            if part.attrs.pop(_MARK, None) != f"{self._hash} {index}":
                raise ValueError(f"{path} is not the part that its name says.")
        except (OSError, ValueError) as error:
            warnings.warn(f"computed again: {error}", UserWarning, stacklevel=3)
            with suppress(OSError):  # a folder of that name stays, and its part is not kept
                path.unlink()
            return None
        return part

    def keep(self, index: int, part: xr.Dataset) -> None:
        self._unwritten[index] = part.assign_attrs({_MARK: f"{self._hash} {index}"})
        for waiting in list(self._unwritten):
            path = self._path(waiting)
            try:
                if not path.exists():
                    dataset.save(self._unwritten[waiting], path)
            except OSError as error:
                if not self._told:
                    warnings.warn(
                        f"a part of the sweep could not be kept, and the sweep goes on without it: "
                        f"{error}",
                        UserWarning,
                        stacklevel=3,
                    )
                self._told = True
                return
            del self._unwritten[waiting]
        self._told = False
