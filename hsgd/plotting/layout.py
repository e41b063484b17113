"""Which panel shows what: statistics, columns of a sweep, and a colour for each of its members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.dataset import check, named_statistics
from hsgd.dataset.schema import OWN_DIMS, parameter_along
from hsgd.plotting.scales import inches

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

MOST_COLUMNS = 6
AXES = ("time", "epoch", "iteration")
"""What the horizontal axis may be: each of them increases."""
OVER_TIME = ("theory", "exact_mean", "simulation", "diffusion", "comparison")
"""Sources of curves, the first of which says what the axes are."""


@dataclass(frozen=True, eq=False)
class Layout:
    """What is drawn where."""

    datasets: Mapping[str, xr.Dataset]
    """By source."""
    statistics: tuple[str, ...]
    x: str
    hue: str | None
    """The swept dimension whose members have a colour each."""
    col: str | None
    """The swept dimension whose members have a column each."""

    @property
    def first(self) -> xr.Dataset:
        """The dataset that says what the axes are."""
        return next(self.datasets[source] for source in OVER_TIME if source in self.datasets)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns: statistics side by side, or below each other if columns are taken."""
        if self.col is None:
            return 1, len(self.statistics)
        return len(self.statistics), self.first.sizes[self.col]

    def panels(self) -> list[tuple[str, int | None]]:
        """Statistic and member of `col`, row by row."""
        columns = range(self.shape[1]) if self.col is not None else [None]
        return [(name, column) for name in self.statistics for column in columns]

    def column(self, number: int | None) -> dict[str, xr.Dataset]:
        """The datasets of one column; those that do not have `col` are in all of them."""
        return take(self.datasets, self.col, number)

    def axis(self, datasets: Mapping[str, xr.Dataset]) -> xr.DataArray:
        """The horizontal coordinate of a panel."""
        return next(datasets[source] for source in OVER_TIME if source in datasets)[self.x]

    def coordinate(self, dim: str) -> xr.DataArray:
        """The members along a swept dim: its own values, or those of the parameter along it."""
        data = next(data for data in self.datasets.values() if dim in data.dims)
        return parameter_along(data, dim)

    def varies(self, name: str, dim: str | None) -> bool:
        """Whether a statistic is another one for each member along a dim."""
        return any(
            dim in (data[name].dims if name in data else data.dims)
            for data in self.datasets.values()
        )

    def words(self, name: str, axes: Axes) -> str:
        """What stands on the vertical axis, in lines that are not longer than it."""
        found = (data[name] for data in self.datasets.values() if name in data)
        words = next((label(array) for array in found), name.replace("_", " "))
        return wrapped(words, axes.yaxis)


def take(
    datasets: Mapping[str, xr.Dataset], dim: str | None, number: int | None
) -> dict[str, xr.Dataset]:
    """One member along a dim, of those datasets that have it."""
    return {
        source: data.isel({dim: number}) if dim in data.dims else data
        for source, data in datasets.items()
    }


def plan(
    by_source: Mapping[str, xr.Dataset],
    statistics: str | Iterable[str] | None,
    x: str | None,
    hue: str | None,
    col: str | None,
) -> Layout:
    """Check that the datasets can be drawn together, and decide on the panels.

    Raises
    ------
    TypeError, ValueError
        One sentence, if they cannot.
    """
    over_time = [data for source, data in by_source.items() if source in OVER_TIME]
    if not over_time:
        raise ValueError("there is no curve among these datasets: add what hsgd.predict returned.")
    if x is None:
        x = "epoch" if all("epoch" in data.coords for data in over_time) else "time"
    for data in over_time:
        _check_axis(data, x)
    names = _statistics(over_time, statistics)
    hue, col = _sweep(by_source, hue, col)
    return Layout(by_source, names, x, hue, col)


def sort(datasets: Iterable[Any]) -> dict[str, xr.Dataset]:
    """Source → dataset.

    Raises
    ------
    ValueError
        For what is not one of ours, and for two of the same source.
    """
    found: dict[str, xr.Dataset] = {}
    for data in datasets:
        problem = check(data)
        if problem is not None:
            raise ValueError(f"this cannot be drawn: {problem}")
        source = str(data.attrs["source"])
        if source in found:
            raise ValueError(
                f"two datasets have the source {source}: join them along a new dimension "
                "(xarray.concat), or draw the second one onto axes= of the first."
            )
        found[source] = data
    return found


def _check_axis(data: xr.Dataset, x: str) -> None:
    source = data.attrs["source"]
    if "time" not in data.dims:
        raise ValueError(
            f"the {source} dataset has no dimension time: pass curves, not a single time."
        )
    if x not in AXES or x not in data.coords:
        raise ValueError(f"x is {x!r}, but it must be one of {', '.join(AXES)}.")


def asked(statistics: Any) -> tuple[str, ...]:
    """The names that were asked for; none if nothing was.

    Raises
    ------
    TypeError
        For what is not a name or several.
    """
    names = () if statistics is None else statistics
    names = (names,) if isinstance(names, str) or not isinstance(names, Iterable) else tuple(names)
    for name in names:
        if not isinstance(name, str):
            raise TypeError(f"statistics is {statistics!r}: pass a name, or a list of names.")
    return names


def _statistics(
    over_time: list[xr.Dataset], statistics: str | Iterable[str] | None
) -> tuple[str, ...]:
    each = [
        tuple(str(name) for name in data.statistic.values)
        if data.attrs["source"] == "comparison"
        else named_statistics(data)
        for data in over_time
    ]
    shared = tuple(name for name in each[0] if all(name in names for names in each))
    chosen = asked(statistics) or shared
    missing = [name for name in chosen if name not in shared]
    if missing:
        raise ValueError(
            f"there is no statistic {missing[0]!r}: choose among {', '.join(shared) or 'none'}."
        )
    if not chosen:
        raise ValueError("these datasets share no statistic: pass some that have one in common.")
    return chosen


def _drawn_dims(data: xr.Dataset) -> list[str]:
    """Dimensions of curves, where there are some: what has no time stands beside them."""
    over_time = [v for v in data.data_vars.values() if "time" in v.dims]
    drawn = over_time or data.data_vars.values()
    return list(dict.fromkeys(str(dim) for variable in drawn for dim in variable.dims))


def _sweep(
    datasets: Mapping[str, xr.Dataset], hue: str | None, col: str | None
) -> tuple[str | None, str | None]:
    swept: dict[str, int] = {}
    for data in datasets.values():
        for drawn in _drawn_dims(data):
            if drawn not in OWN_DIMS:
                _same_members(drawn, list(datasets.values()))
                swept[drawn] = data.sizes[drawn]
    for name, dim in (("hue", hue), ("col", col)):
        if dim is not None and dim not in swept:
            raise ValueError(f"{name} is {dim!r}, but swept are {', '.join(swept) or 'none'}.")
    free = [dim for dim in swept if dim not in (hue, col)]
    free.sort(key=lambda dim: swept[dim])
    several = len(datasets.keys() & {"simulation", "diffusion", "comparison"}) > 0
    if free and col is None and swept[free[0]] <= MOST_COLUMNS and (len(free) == 2 or several):
        col = free.pop(0)
    if free and hue is None:
        hue = free.pop()
    if free:
        raise ValueError(
            f"there are too many members to draw along {free[0]}: choose one, for example by "
            f".isel({free[0]}=0)."
        )
    return hue, col


def _same_members(dim: str, datasets: list[xr.Dataset]) -> None:
    labels = [data[dim].values for data in datasets if dim in data.dims]
    if not all(np.array_equal(labels[0], other) for other in labels[1:]):
        raise ValueError(f"the datasets have different members along {dim}: select the same.")


def wrapped(words: str, axis: Axis) -> str:
    """The words in lines that are not longer than an axis."""
    # A character is about half as wide as it is high; a point is 1/72 of an inch.
    size = float(axis.label.get_fontsize())
    most = int(72 * inches(axis) / (0.52 * size))
    return "\n".join(wrap(words, max(most, 12), break_long_words=False, break_on_hyphens=False))


def label(array: xr.DataArray) -> str:
    """Long name, and units if there are any."""
    words = str(array.attrs.get("long_name", array.name)).replace("^2", "²")
    units = array.attrs.get("units")
    return words if units in (None, "1") else f"{words} [{units}]"
