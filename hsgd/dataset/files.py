"""Keep datasets, and trees of them, on disk: `.zarr` is a Zarr folder, any other name NetCDF."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hsgd import checks
from hsgd.dataset import netcdf, zarr_folder
from hsgd.dataset.atomic import check_folder
from hsgd.dataset.schema import check

if TYPE_CHECKING:
    import xarray as xr


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
        A name that ends in `.zarr` becomes a Zarr folder, any other a NetCDF-4 file.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    ValueError
        If it does not follow the schema.
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
    tree = xr.DataTree(data) if isinstance(data, xr.Dataset) else data
    form = zarr_folder if target.suffix == zarr_folder.SUFFIX else netcdf
    form.write(tree, target)
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
    return tree.to_dataset()


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
    return tree.map_over_datasets(_plain)


def _plain(dataset: xr.Dataset) -> xr.Dataset:
    """Attributes of Python's own types, and no memory of the file."""
    for attrs in (dataset.attrs, *(variable.attrs for variable in dataset.variables.values())):
        for name, value in attrs.items():
            if isinstance(value, np.generic):
                attrs[name] = value.item()
    return dataset.drop_encoding()
