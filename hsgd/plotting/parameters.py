"""Pictures without time: limits, and anything against the parameter it is swept over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.plotting import artists, keys
from hsgd.plotting.appearance import FLOW, THEORY, ink
from hsgd.plotting.layout import MOST_COLUMNS, asked, label
from hsgd.plotting.scales import above_rounding, plain_labels, set_horizontal, set_vertical, spacing

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

ROUNDING = 1e-12
"""Limits below are zero."""
_LIMIT, _FLOW = "limiting_", "_gradient_flow"


def picture_of(
    data: xr.Dataset,
    statistics: str | Iterable[str] | None,
    hue: str | None,
    yscale: str | None = None,
) -> Swept | Ends:
    """The picture of a dataset without time.

    Raises
    ------
    ValueError
        If there is nothing to draw.
    """
    names, available = asked(statistics), _variables(data)
    chosen = names or available
    missing = [name for name in chosen if name not in available]
    if missing:
        raise ValueError(
            f"there is no variable {missing[0]!r} to draw: choose among {', '.join(available)}."
        )
    swept = [str(dim) for dim in data.dims if data[dim].dtype.kind in "iuf" and data.sizes[dim] > 1]
    ends = all(f"{_LIMIT}{name}" in data for name in chosen)
    if chosen and len(swept) == len(data.dims) in (1, 2) and (names or len(chosen) <= MOST_COLUMNS):
        if hue is not None and hue not in swept:
            raise ValueError(f"hue is {hue!r}, but swept are {', '.join(swept)}.")
        hue = hue or min(swept, key=lambda dim: data.sizes[dim]) if len(swept) == 2 else None
        along = next(dim for dim in swept if dim != hue)
        return Swept(data, chosen, along, hue, ends, yscale)
    if chosen and not data.dims and ends:
        return Ends(data, chosen)
    raise ValueError(
        f"this {data.attrs['source']} dataset has neither a time nor one or two swept parameters, "
        "in numbers, to draw it against: print it."
    )


def _variables(data: xr.Dataset) -> tuple[str, ...]:
    """The statistics of limits; of other datasets all variables."""
    names = [str(name) for name in data.data_vars]
    limits = [n.removeprefix(_LIMIT) for n in names if n.startswith(_LIMIT) and _FLOW not in n]
    return tuple(limits or names)


@dataclass(frozen=True, eq=False)
class Swept:
    """A panel for each variable against a swept parameter; a second one has colours."""

    data: xr.Dataset
    variables: tuple[str, ...]
    along: str
    hue: str | None
    ends: bool
    """Whether these are limits, with those of gradient flow beside them."""
    yscale: str | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Side by side."""
        return 1, len(self.variables)

    @property
    def members(self) -> xr.DataArray | None:
        """What colours tell apart."""
        return None if self.hue is None else self.data[self.hue]

    def draw(self, grid: Any) -> None:
        """Draw all panels."""
        coordinate = self.data[self.along]
        order = np.argsort(coordinate.values)
        data = self.data.isel({self.along: order})
        x = coordinate.values[order].astype(np.float64)
        for axes, name in zip(grid.ravel(), self.variables, strict=True):
            shown = [self._curve(axes, one, name, x, c) for one, c in self._coloured(axes, data)]
            together = np.hstack([above_rounding(values) for values in shown])
            set_vertical(axes, together, None, self.yscale)
            set_horizontal(axes, x, spacing(x))
            axes.set_xlabel(label(coordinate))
            axes.set_ylabel(label(data[f"{_LIMIT}{name}" if self.ends else name]))

    def _coloured(self, axes: Axes, data: xr.Dataset) -> list[tuple[xr.Dataset, Any]]:
        if self.hue is None:
            return [(data, None)]
        return [
            (data.isel({self.hue: number}), colour)
            for number, colour in enumerate(keys.colours(axes, data[self.hue]))
        ]

    def _curve(self, axes: Axes, data: xr.Dataset, name: str, x: Any, colour: Any) -> Any:
        own = THEORY if colour is None else colour
        marker = {"marker": "o", "ms": 4} if len(x) <= 30 else {}
        variable = f"{_LIMIT}{name}" if self.ends else name
        value = np.broadcast_to(data[variable].values, x.shape).astype(np.float64)
        artists.line(axes, x, value, "SGD" if self.ends else "theory", own, **marker)
        flow = f"{variable}{_FLOW}"
        if flow not in data:
            return value
        flows = np.broadcast_to(data[flow].values, x.shape)
        artists.flow(axes, x, flows, FLOW if colour is None else colour)
        return np.hstack([value, flows])


@dataclass(frozen=True, eq=False)
class Ends:
    """Limits at one setting: those of gradient flow and of SGD, and the way between them."""

    data: xr.Dataset
    variables: tuple[str, ...]
    shape = (1, 1)
    members = None

    def draw(self, grid: Any) -> None:
        """Draw the panel."""
        axes: Axes = grid[0, 0]
        sgd = [float(self.data[f"{_LIMIT}{name}"]) for name in self.variables]
        flow = [float(self.data.get(f"{_LIMIT}{name}{_FLOW}", np.nan)) for name in self.variables]
        rows = np.arange(len(sgd))[::-1]
        seen = np.array([one for one in (*sgd, *flow) if np.isfinite(one) and one > ROUNDING])
        left, right = seen.min(initial=1.0) / 3, seen.max(initial=1.0) * 3
        axes.set_xscale("log")
        axes.set_xlim(left, right)
        plain_labels(axes.xaxis, right / left)
        start, end = np.maximum(flow, left), np.minimum(sgd, right)
        axes.hlines(rows, start, end, color=ink(axes), lw=1.0, label="excess", zorder=1)
        style: dict[str, Any] = {"color": FLOW, "ms": 8, "ls": "none", "clip_on": False}
        for row, at, true in zip(rows, start, flow, strict=True):
            axes.plot(at, row, marker="s" if true >= left else "<", **style, label="gradient flow")
        axes.plot(sgd, rows, "o", color=THEORY, ms=8, label="SGD")
        words = [label(self.data[f"{_LIMIT}{name}"]) for name in self.variables]
        words = [text.replace("limit of ", "") for text in words]
        axes.set_yticks(rows, words)
        axes.set_ylim(-0.6, len(sgd) - 0.4)
        axes.set_xlabel("limit")
        beyond = [name for name, value in zip(rows, sgd, strict=True) if not np.isfinite(value)]
        for row in beyond:
            axes.annotate(
                "SGD diverges", (1.0, float(row)), xycoords=("axes fraction", "data"), ha="right",
                xytext=(0, 6), textcoords="offset points",
            )  # fmt: skip
