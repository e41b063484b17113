"""Zarr: the same datasets as a folder of small files, for object stores and parallel readers.

The folder ends in a manifest, `hsgd.sha256`, in the format of the program sha256sum: its lines
name every file, in the order of the variables. `cd x.zarr && sha256sum -c hsgd.sha256` checks it
without this package.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import shutil
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hsgd.dataset.atomic import beside, contents, sweep_up, unharmed

if TYPE_CHECKING:
    import xarray as xr

SUFFIX = ".zarr"
MANIFEST = "hsgd.sha256"
_METADATA = "zarr.json"
_PATIENCE, _MOMENT = 5, 0.05
"""How often to look again while another process replaces a folder, and how long to wait."""
_CODECS = {"bytes", "zstd", "vlen-utf8"}
"""What Zarr writes for numbers and text. Others are never decoded, for some run what they read."""


def require() -> None:
    """Say what to install where Zarr is missing.

    Raises
    ------
    ImportError
        If it is.
    """
    try:
        import zarr  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"folders that end in {SUFFIX} need zarr: pip install 'hsgd[zarr]', or choose a name "
            "that ends in .nc."
        ) from error


def write(tree: xr.DataTree, target: Path) -> None:
    """Write a tree, one group per node, beside the target, and rename it when it is complete."""
    with unharmed(target):
        temporary = beside(target)
        temporary.mkdir()
        sweep_up(target.parent, f".{glob.escape(target.name[:200])}.*.part")
        try:
            with warnings.catch_warnings():
                # Text and consolidated metadata are extensions of format 3: `read` knows them.
                warnings.filterwarnings("ignore", module="zarr")
                # Unwritten zeros would come back without their sign.
                tree.to_zarr(temporary, mode="w", zarr_format=3, write_empty_chunks=True)
            _seal(temporary, tree)
            _replace(target, temporary)
        finally:
            # Threads of Zarr's may still be writing where one of them has failed.
            for _ in range(_PATIENCE):
                shutil.rmtree(temporary, ignore_errors=True)
                if not temporary.exists():
                    break
                time.sleep(_MOMENT)


def _seal(folder: Path, tree: xr.DataTree) -> None:
    """Make sure that all is on disk, and write the manifest, last."""
    rank = {name: place for place, name in enumerate(_places(tree))}

    def place(name: str) -> tuple[int, str]:
        home = (
            name.removesuffix(_METADATA) if name.endswith(_METADATA) else name.rpartition("/c")[0]
        )
        return rank[home.strip("/")], name

    lines = []
    for name in sorted(_files(folder), key=place):
        with open(folder / name, "rb") as stream:
            lines.append(f"{hashlib.file_digest(stream, 'sha256').hexdigest()}  {name}\n")
            os.fsync(stream)
    with open(folder / MANIFEST, "w", encoding="utf-8") as manifest:
        manifest.writelines(lines)
        manifest.flush()
        os.fsync(manifest)


def _places(tree: xr.DataTree) -> Iterator[str]:
    """Every group, then its variables, as Zarr calls them."""
    for node in tree.subtree:
        yield node.path.strip("/")
        for name in node.to_dataset(inherit=False).variables:
            yield f"{node.path}/{name}".strip("/")


def _files(folder: Path) -> set[str]:
    """Every file but the manifest."""
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found - {MANIFEST}


def _replace(target: Path, new: Path) -> None:
    """Put a folder in the place of another: two renames, for no system call replaces folders."""
    if not target.exists():
        os.rename(new, target)
        return
    aside = target.with_name(new.name.removesuffix(".part") + ".old")
    os.rename(target, aside)
    try:
        os.rename(new, target)
    except OSError:
        os.rename(aside, target)
        raise
    shutil.rmtree(aside)


def check_target(target: Path) -> None:
    """Refuse to replace what `write` did not write.

    Raises
    ------
    OSError
        If something else is in its place.
    """
    if target.exists() and not (target / MANIFEST).is_file():
        raise FileExistsError(
            f"{target} is there already and was not written by hsgd: choose another name."
        )


def read(source: Path) -> xr.DataTree:
    """The tree in a folder, into memory, if the folder is whole.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such folder, or it does not match its manifest.
    """
    for _ in range(_PATIENCE):
        before = _identity(source)
        try:
            tree = _read_once(source)
        except (OSError, ValueError):
            # What was read may have been half of one folder and half of the next.
            if before is not None and before == _identity(source):
                raise
        else:
            if before == _identity(source):
                return tree
        time.sleep(_MOMENT)
    return _read_once(source)


def _identity(folder: Path) -> tuple[int, int] | None:
    """What tells a folder from another one under the same name; None if there is none."""
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_ino, status.st_ctime_ns


def _read_once(source: Path) -> xr.DataTree:
    import xarray as xr

    if not source.is_dir():
        raise FileNotFoundError(f"there is no folder {source}: check the path{_leftover(source)}.")
    names = _verified(source)
    try:
        codec = _unknown_codec(source, names)
        if codec is None:
            with xr.open_datatree(
                source, engine="zarr", decode_times=False, consolidated=True, zarr_format=3
            ) as opened:
                return _ordered(opened.load(), names)
    except MemoryError as error:
        raise MemoryError(
            f"{source} does not fit into memory: read parts of it with xarray.open_zarr."
        ) from error
    except Exception as error:  # whatever Zarr and its codecs raise
        raise ValueError(
            f"{source} matches its manifest, but is no Zarr folder of ours "
            f"({type(error).__name__}): it was written by another program; pass a folder written "
            "by hsgd.dataset.save."
        ) from error
    raise ValueError(
        f"{source} holds data in the encoding {codec!r}, which hsgd does not write and will not "
        "read: write it again with hsgd.dataset.save."
    )


def _leftover(source: Path) -> str:
    found = sorted(source.parent.glob(f".{source.name}.*.old"))
    return f", or rename {found[-1]}, which an interrupted save has left" if found else ""


def _verified(source: Path) -> list[str]:
    """The files of the manifest, all of them there and unchanged."""
    try:
        lines = contents(source / MANIFEST).decode().splitlines()
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{source} has no readable manifest {MANIFEST}: it is cut short or was written by "
            "another program; pass a folder written by hsgd.dataset.save."
        ) from error
    listed = {line[66:]: line[:64] for line in lines}
    whole = listed.keys() == _files(source) and all(
        hashlib.sha256((source / name).read_bytes()).hexdigest() == digest
        for name, digest in listed.items()
    )
    if not whole:
        raise ValueError(
            f"{source} is damaged: its files do not match its manifest; restore it from a copy or "
            "compute it again."
        )
    return list(listed)


def _unknown_codec(source: Path, names: list[str]) -> str | None:
    for name in names:
        if name.endswith(_METADATA):
            unknown = set(_codecs(json.loads((source / name).read_bytes()))) - _CODECS
            if unknown:
                return min(unknown)
    return None


def _codecs(metadata: Any) -> Iterator[str]:
    """The names of all codecs in a piece of metadata."""
    if isinstance(metadata, dict):
        for key, value in metadata.items():
            if key == "codecs" and isinstance(value, list):
                yield from (str(one.get("name")) for one in value if isinstance(one, dict))
            yield from _codecs(value)
    elif isinstance(metadata, list):
        for value in metadata:
            yield from _codecs(value)


def _ordered(tree: xr.DataTree, names: list[str]) -> xr.DataTree:
    """The tree with groups and variables in the order of the manifest, in which they were saved."""
    import xarray as xr

    nodes = {node.path: node.to_dataset(inherit=False) for node in tree.subtree}
    order: dict[str, list[str]] = {}
    for name in names:
        place = "/" + name.removesuffix(_METADATA).strip("/")
        home, _, variable = place.rpartition("/")
        if place in nodes:
            order[place] = []
        elif name.endswith(_METADATA):
            order[home or "/"].append(variable)
    return xr.DataTree.from_dict(
        {path: _reordered(nodes[path], variables) for path, variables in order.items()}
    )


def _reordered(dataset: xr.Dataset, order: list[str]) -> xr.Dataset:
    import xarray as xr

    variables = {name: dataset.variables[name] for name in order}
    coords = {name: variables.pop(name) for name in order if name in dataset.coords}
    return xr.Dataset(variables, coords, dataset.attrs)
