"""Keep datasets, and trees of them, on disk: as NetCDF (`.nc`), or as a folder of Zarr's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from hsgd import checks
from hsgd.dataset import netcdf, zarr_folder
from hsgd.dataset.atomic import check_folder
from hsgd.dataset.judged import verdict_first
from hsgd.dataset.keepable import plain
from hsgd.dataset.schema import check

if TYPE_CHECKING:
    import xarray as xr


_NETCDF = {".nc", ".nc4", ".cdf", ".netcdf", ".h5", ".hdf5"}


def check_form(path: Path) -> None:
    """Refuse a name that promises another form than datasets are kept in.

    Raises
    ------
    ValueError
        With what to do.
    """
    if path.suffix not in {*_NETCDF, zarr_folder.SUFFIX}:
        table = path.suffix in {".csv", ".txt", ".tsv", ".xlsx", ".parquet", ".json"}
        other = (
            "for a table write data.to_dataframe(), then to_csv or the like"
            if table
            else f"for example {path.stem or 'theory'}.nc"
        )
        raise ValueError(
            f"the path {str(path)!r} ends in {path.suffix or 'nothing'!r}, but datasets are kept "
            f"as NetCDF (.nc) or Zarr (.zarr): {other}."
        )


def check_writable(path: str | os.PathLike[str]) -> Path:
    """The path, if a dataset can be saved there; called before long work starts.

    Raises
    ------
    OSError
        If its folder does not exist or cannot be written, or something else is in its place.
    ImportError
        If the path ends in `.zarr` and zarr is not installed.
    """
    target = checks.path("path", path)
    if target.suffix == zarr_folder.SUFFIX:
        zarr_folder.require()
        zarr_folder.check_target(target)
    elif target.is_dir():
        raise IsADirectoryError(
            f"the path {target} is a folder: add a file name, for example theory.nc."
        )
    check_folder(target)
    return target


def save(data: xr.Dataset | xr.DataTree, path: str | os.PathLike[str]) -> Path:
    """Write a dataset or a tree, atomically: it is complete and new, or as it was before.

    Parameters
    ----------
    data
        A dataset of this schema, or a `tree` of them, one group each.
    path
        A name that ends in `.zarr` becomes a Zarr folder, one in `.nc`, `.nc4`, `.cdf`, `.netcdf`,
        `.h5` or `.hdf5` a NetCDF-4 file.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    ValueError
        If it does not follow the schema, or the name ends in something else.
    OSError
        If the place cannot be written; the message names it.
    ImportError
        If the path ends in `.zarr` and zarr is not installed.

    Notes
    -----
    A folder that is replaced is first renamed: a process killed just then, between two renames,
    leaves it under the name that `load` tells.
    """
    import xarray as xr

    problem = check(data)
    if problem is not None:
        raise ValueError(f"the dataset cannot be saved: {problem}")
    target = check_writable(path)
    check_form(target)
    tree = xr.DataTree(data) if isinstance(data, xr.Dataset) else data
    form = zarr_folder if target.suffix == zarr_folder.SUFFIX else netcdf
    form.write(tree.map_over_datasets(plain), target)
    return target


def load(path: str | os.PathLike[str]) -> xr.Dataset:
    """Read a dataset that `save` wrote, into memory, and check that it is complete and unchanged.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it was not written by `save`, is damaged, or holds a tree.
    """
    tree = _read(path)
    if tree.attrs.get("source") == "tree":
        raise ValueError(f"{path} holds a tree of datasets: read it with hsgd.dataset.load_tree.")
    return verdict_first(tree.to_dataset())


def load_tree(path: str | os.PathLike[str]) -> xr.DataTree:
    """Read a tree that `save` wrote, as `load` reads a dataset.

    Raises
    ------
    FileNotFoundError
        If there is none.
    ValueError
        If it was not written by `save`, is damaged, or holds a single dataset.
    """
    tree = _read(path)
    if tree.attrs.get("source") != "tree":
        raise ValueError(f"{path} holds a single dataset: read it with hsgd.dataset.load.")
    return tree


def _read(path: str | os.PathLike[str]) -> xr.DataTree:
    source = checks.path("path", path)
    if source.suffix == zarr_folder.SUFFIX:
        zarr_folder.require()
        tree = zarr_folder.read(source)
    else:
        tree = netcdf.read(source)
    is_tree = tree.attrs.get("source") == "tree"
    problem = check(tree if is_tree else tree.to_dataset())
    if problem is not None:
        raise ValueError(f"{source} is not a dataset of ours: {problem}")
    return tree.map_over_datasets(plain)
