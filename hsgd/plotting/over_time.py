"""Pictures of curves over time, and of what a comparison found."""

from __future__ import annotations

import re
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.checks import Array
from hsgd.plotting import artists, curves, keys
from hsgd.plotting.appearance import COLOURS, RUNS, THEORY, ink
from hsgd.plotting.layout import Layout, label, take, wrapped
from hsgd.plotting.scales import above_rounding, evenly, set_horizontal, set_vertical, spacing

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes


MOST_BANDS = 4
"""Members of a sweep up to which each has a band for its runs; more would hide each other."""


@dataclass(frozen=True, eq=False)
class Curves:
    """A panel for each statistic and column."""

    layout: Layout
    scale: str | None
    """Of the horizontal axis; None for the one that the times are most even on."""
    yscale: str | None

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of panels."""
        return self.layout.shape

    @property
    def members(self) -> xr.DataArray | None:
        """What colours tell apart."""
        return None if self.layout.hue is None else self.layout.coordinate(self.layout.hue)

    def draw(self, grid: Any) -> None:
        """Draw all panels; those of a row of columns show the same range."""
        panels = iter(self.layout.panels())
        for row in grid:
            before = [axes.get_ylim() if axes.has_data() else None for axes in row]
            shown = [self._panel(axes, *next(panels)) for axes in row]
            for axes, values, old in zip(row, shown, before, strict=True):
                together = values if self.layout.col is None else np.hstack(shown)
                set_vertical(axes, together, old, self.yscale)
            if self.layout.col is not None:
                _share_range([axes for axes in row if axes.axison])

    def _panel(self, axes: Axes, name: str, column: int | None) -> Array:
        layout = self.layout
        if column and not layout.varies(name, layout.col):
            axes.set_axis_off()
            return np.zeros(0)
        chosen = layout.column(column)
        coordinate = layout.axis(chosen)
        scale = self.scale or spacing(coordinate.values.ravel())
        shown: list[Array] = []
        several = layout.varies(name, layout.hue)
        coloured = self._coloured(axes) if several else [(0, None)]
        for member, colour in coloured:
            one = take(chosen, layout.hue, member)
            x = layout.axis(one).values.astype(np.float64)
            bands = len(coloured) <= MOST_BANDS
            shown += curves.draw(axes, one, name, x, scale, colour, with_bands=bands)
        set_horizontal(axes, _until_the_end(coordinate.values, shown), scale)
        axes.set_xlabel(_axis_label(axes, coordinate, scale))
        axes.set_ylabel(layout.words(name, axes))
        if layout.col is not None and column is not None:
            value = layout.coordinate(layout.col)[column]
            if name == next((n for n in layout.statistics if layout.varies(n, layout.col)), name):
                words = value.attrs.get("long_name", value.name)
                axes.set_title(f"{words} {keys.short(value.values)}")
            axes.label_outer()
        return np.hstack([above_rounding(np.ravel(values)) for values in shown])

    def _coloured(self, axes: Axes) -> list[tuple[int | None, Any]]:
        """Members along `hue` by number, with their colours."""
        return list(enumerate(keys.colours(axes, self.layout.coordinate(str(self.layout.hue)))))


@dataclass(frozen=True, eq=False)
class Verdicts:
    """A comparison: for each statistic its curves, and below how far they are from each other."""

    layout: Layout
    scale: str | None
    yscale: str | None
    members = None

    @property
    def shape(self) -> tuple[int, int]:
        """Curves above, relative errors below."""
        return 2, len(self.layout.statistics)

    def draw(self, grid: Any) -> None:
        """Draw all panels."""
        data = self.layout.datasets["comparison"]
        coordinate = data[self.layout.x]
        x = coordinate.values.astype(np.float64)
        scale = self.scale or spacing(x)
        for (above, below), name in zip(grid.T, self.layout.statistics, strict=True):
            shown = curves.comparison(above, data, name, x, scale)
            artists.line(above, x, data.sel(statistic=name).expected.values, "theory")
            together = np.hstack([above_rounding(values) for values in shown])
            set_vertical(above, together, None, self.yscale)
            above.set_ylabel(self.layout.words(name, above))
            self._errors(below, name, x, scale)
            for axes in (above, below):
                set_horizontal(axes, x, scale)
                axes.set_xlabel(_axis_label(axes, coordinate, scale))
            above.set_xlabel("")
            above.tick_params(labelbottom=False)
        figure = grid[0, 0].figure
        # A number stays beside the word that says what it is.
        verdict = re.sub(r"\((\w+) ", "(\\1\u00a0", str(data.attrs["verdict"]).split(";")[0])
        judged = data.sizes["statistic"]
        if judged > len(self.layout.statistics):  # what is drawn may not be what decided
            verdict += f" (of all {judged} statistics)"
        # About nine characters an inch.
        figure.suptitle("\n".join(wrap(verdict, int(9 * figure.bbox.width / figure.dpi))))

    def _errors(self, axes: Axes, name: str, x: Array, scale: str) -> None:
        data = self.layout.datasets["comparison"]
        found = data.sel(statistic=name)
        gap, error = found.discrepancy.values, found.relative_error.values
        axes.axhline(0.0, color=ink(axes), lw=0.8)
        with np.errstate(all="ignore"):
            ends = [found[end].values / found.expected.values - 1.0 for end in ("lower", "upper")]
        shown = np.abs(np.hstack([error, *ends]))
        if np.nanmax(gap) > curves.VISIBLE * np.nanmax(
            shown, initial=0.0, where=np.isfinite(shown)
        ):
            artists.band(axes, x, (-gap, gap), artists.FINITE_SIZE, THEORY, alpha=0.3)
        if data.attrs["num_replicates"]:
            level = 1 - float(data.attrs["false_alarm"])
            words = f"simultaneous {level:.4g} band of the mean"
            artists.band(axes, x, ends, words, RUNS)
        at = evenly(x, scale)
        seen = "simulation" if data.attrs["num_replicates"] else "exact_mean"
        axes.plot(x[at], error[at], "o", color=COLOURS[seen], ms=4.5, label="_")
        curves.rejected(axes, x, error, found.agrees.values)
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axes.set_ylabel(data.relative_error.attrs["long_name"])


def _share_range(row: list[Axes]) -> None:
    """The same vertical range for axes of which only the first says what it is."""
    low, high = zip(*(axes.get_ylim() for axes in row), strict=True)
    for axes in row:
        axes.set_ylim(min(low), max(high))


def _axis_label(axes: Axes, coordinate: xr.DataArray, scale: str) -> str:
    words = label(coordinate) + (" (square-root axis)" if scale == "sqrt" else "")
    return wrapped(words, axes.xaxis)


def _until_the_end(axis: Array, shown: list[Array]) -> Array:
    """The horizontal axis, up to a little after the last curve has become infinite."""
    x = np.unique(axis.astype(np.float64))
    if axis.ndim > 1:
        return x
    alive = [x[np.isfinite(values)] for values in shown if values.shape == x.shape]
    last = max((some[-1] for some in alive if some.size), default=x[-1])
    count = max(2, int(np.searchsorted(x, 1.25 * last)) + 1)
    return x[:count] if last < 0.5 * x[-1] else x
