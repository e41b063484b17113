"""`ds.hsgd`: the functions for datasets where users of xarray look for them.

Everything is done by functions elsewhere; here they are methods of `xarray.Dataset` and
`xarray.DataTree`, from `import hsgd` on. What only a package above this one can do (`compare`) is
attached by that package when it is imported.

Type checkers take `ds.hsgd` for `Any`, as all that a dataset is asked for by name: nothing that is
declared here would reach them. Where a call should be checked, write the function:
`hsgd.plotting.plot(ds)`, `validation.compare(ds, runs)`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xarray as xr
from numpy.typing import NDArray

_attached: dict[str, Callable[..., Any]] = {}


def attach(name: str, verb: Callable[..., Any]) -> None:
    """Let a package above give a method its function."""
    _attached[name] = verb


@xr.register_dataset_accessor("hsgd")
class DatasetAccessor:
    """Plot, check, compare and keep a dataset of `hsgd.predict`, `simulate.sgd` and the like."""

    def __init__(self, dataset: xr.Dataset) -> None:
        self._dataset = dataset

    def plot(
        self, *others: xr.Dataset, runs: xr.Dataset | None = None, **options: Any
    ) -> NDArray[Any]:
        """Draw this dataset, with others that belong to it: `theory.hsgd.plot(runs, exact, ends)`.

        Parameters
        ----------
        others
            Runs, exact mean, limits, comparison: their sources say how they are drawn.
        runs
            The same as one of `others`.
        options
            `statistics`, `x`, `xscale`, `yscale`, `hue`, `col`, `legend`, `figsize`, `axes`,
            `figure`: see `hsgd.plotting.plot`.

        Returns
        -------
        numpy.ndarray
            The axes, shape (rows, columns).
        """
        from hsgd import plotting

        more = () if runs is None else (runs,)
        return plotting.plot(self._dataset, *others, *more, **options)

    def check(self) -> str | None:
        """What is wrong with this dataset, in one sentence; None if it follows the schema."""
        from hsgd import dataset

        return dataset.check(self._dataset)

    def summed(self) -> xr.Dataset:
        """Curves of several outputs, summed over them: see `hsgd.dataset.summed`."""
        from hsgd import dataset

        return dataset.summed(self._dataset)

    def compare(self, other: xr.Dataset, **options: Any) -> xr.Dataset:
        """Theory against runs, in either order; needs `import validation`.

        See `validation.compare` for the options and for what is returned.

        Raises
        ------
        ImportError
            Before `validation` is imported.
        """
        if "compare" not in _attached:
            raise ImportError(
                "comparing is what the package validation does: `import validation` first, which "
                "completes this method."
            )
        result: xr.Dataset = _attached["compare"](self._dataset, other, **options)
        return result

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to NetCDF, or to Zarr if the path ends in `.zarr`: see `hsgd.dataset.save`."""
        from hsgd import dataset

        return dataset.save(self._dataset, path)

    def to_tree(
        self, *others: xr.Dataset, title: str = "", **named: xr.Dataset | xr.DataTree
    ) -> xr.DataTree:
        """Put it into a tree with others, each under its source's name, or one of yours.

        Parameters
        ----------
        others
            Datasets of other sources.
        title
            What they are together.
        named
            Name → dataset or tree.

        Raises
        ------
        ValueError
            If two would have the same name, or one is not a dataset of ours.
        """
        from hsgd import dataset

        groups: dict[str, xr.Dataset | xr.DataTree] = dict(named)
        for data in (self._dataset, *others):
            name = str(getattr(data, "attrs", {}).get("source", "this"))
            if name in groups:
                raise ValueError(
                    f"two datasets would be called {name!r}: name one, to_tree(..., my_name=ds)."
                )
            groups[name] = data
        return dataset.tree(groups, title=title)

    def __repr__(self) -> str:
        source = self._dataset.attrs.get("source", "unknown source")
        return f"<hsgd accessor ({source}): plot, check, compare, summed, save, to_tree>"


@xr.register_datatree_accessor("hsgd")
class TreeAccessor:
    """Plot, check and keep a tree of such datasets."""

    def __init__(self, tree: xr.DataTree) -> None:
        self._tree = tree

    def plot(self, *names: str, **options: Any) -> NDArray[Any]:
        """Draw datasets of this group in one figure.

        Parameters
        ----------
        names
            Of the groups to draw; by default all that can be drawn.
        options
            As in `hsgd.plotting.plot`.

        Returns
        -------
        numpy.ndarray
            The axes, shape (rows, columns).
        """
        from hsgd import plotting

        return plotting.plot(*self._drawable(names), **options)

    def _drawable(self, names: tuple[str, ...]) -> list[xr.Dataset]:
        children = self._tree.children
        words = ", ".join(children) or "none"
        for name in names:
            if name not in children:
                raise ValueError(f"there is no group {name!r}: choose among {words}.")
        datasets = [children[name].to_dataset(inherit=False) for name in names or children]
        if names:
            return datasets
        chosen = [data for data in datasets if "time" in data.dims or _source(data) == "limits"]
        if not chosen:
            raise ValueError(
                f"this group holds no curves; its own groups are {words}: draw one of them, "
                'tree["name"].hsgd.plot().'
            )
        if len({_source(data) for data in chosen}) < len(chosen):
            raise ValueError(
                f"several of these groups have the same source: name those to draw, "
                f'tree.hsgd.plot("theory"), of {words}.'
            )
        return chosen

    def check(self) -> str | None:
        """What is wrong with this tree, in one sentence; None if it follows the schema."""
        from hsgd import dataset

        return dataset.check(self._tree)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to NetCDF, or to Zarr if the path ends in `.zarr`: see `hsgd.dataset.save`."""
        from hsgd import dataset

        return dataset.save(self._tree, path)

    def __repr__(self) -> str:
        return f"<hsgd accessor ({', '.join(self._tree.children)}): plot, check, save>"


def _source(data: xr.Dataset) -> str:
    return str(data.attrs.get("source"))
