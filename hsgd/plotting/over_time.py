"""Pictures of curves over time, and of what a comparison found."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.checks import Array
from hsgd.plotting import artists, curves, keys
from hsgd.plotting.appearance import COLOURS, RUNS, THEORY, ink
from hsgd.plotting.layout import Layout, label, take
from hsgd.plotting.scales import above_rounding, evenly, set_horizontal, set_vertical, spacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Curves:
    """A panel for each statistic and column."""

    layout: Layout
    scale: str | None
    """Of the horizontal axis; None for the one that the times are most even on."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of panels."""
        return self.layout.shape

    @property
    def has_colours(self) -> bool:
        """Whether colours tell members apart."""
        return self.layout.hue is not None

    def draw(self, grid: Any) -> None:
        """Draw all panels; those of a row of columns show the same range."""
        panels = iter(self.layout.panels())
        for row in grid:
            before = [axes.get_ylim() if axes.has_data() else None for axes in row]
            shown = [self._panel(axes, *next(panels)) for axes in row]
            for axes, values, old in zip(row, shown, before, strict=True):
                set_vertical(axes, values if self.layout.col is None else np.hstack(shown), old)
        if self.layout.hue is not None:
            coordinate = self.layout.coordinate(self.layout.hue)
            keys.add_bar(grid, keys.colour_bar(grid[0, 0], coordinate), coordinate)

    def _panel(self, axes: Axes, name: str, column: int | None) -> Array:
        layout = self.layout
        chosen = layout.column(column)
        coordinate = layout.axis(chosen)
        scale = self.scale or spacing(coordinate.values.ravel())
        shown: list[Array] = []
        for member, colour in self._members(axes):
            one = take(chosen, layout.hue, member)
            x = layout.axis(one).values.astype(np.float64)
            shown += curves.draw(axes, one, name, x, scale, colour)
        set_horizontal(axes, _until_the_end(coordinate.values, shown), scale)
        axes.set_xlabel(label(coordinate) + " (square-root axis)" * (scale == "sqrt"))
        axes.set_ylabel(layout.words(name))
        if layout.col is not None and column is not None:
            value = layout.coordinate(layout.col)[column]
            if name == layout.statistics[0]:
                words = value.attrs.get("long_name", layout.col)
                axes.set_title(f"{words} {keys.short(value.values)}")
            axes.label_outer()
        return np.hstack([above_rounding(np.ravel(values)) for values in shown])

    def _members(self, axes: Axes) -> list[tuple[int | None, Any]]:
        if self.layout.hue is None:
            return [(None, None)]
        coordinate = self.layout.coordinate(self.layout.hue)
        bar = keys.colour_bar(axes, coordinate)
        return [(number, bar.to_rgba(at)) for number, at in enumerate(keys.places(coordinate))]


@dataclass(frozen=True, eq=False)
class Verdicts:
    """A comparison: for each statistic its curves, and below how far they are from each other."""

    layout: Layout
    scale: str | None
    has_colours = False

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
            set_vertical(above, np.hstack([above_rounding(values) for values in shown]))
            above.set_ylabel(self.layout.words(name))
            self._errors(below, name, x, scale)
            for axes in (above, below):
                set_horizontal(axes, x, scale)
                axes.set_xlabel(label(coordinate) + " (square-root axis)" * (scale == "sqrt"))
            above.set_xlabel("")
            above.tick_params(labelbottom=False)
        figure = grid[0, 0].figure
        verdict = str(data.attrs["verdict"]).split(";")[0]
        # About nine characters an inch.
        figure.suptitle("\n".join(wrap(verdict, int(9 * figure.get_size_inches()[0]))))

    def _errors(self, axes: Axes, name: str, x: Array, scale: str) -> None:
        data = self.layout.datasets["comparison"]
        found = data.sel(statistic=name)
        gap, error = found.discrepancy.values, found.relative_error.values
        artists.band(axes, x, (-gap, gap), "finite-n allowance", THEORY, alpha=0.3)
        axes.axhline(0.0, color=ink(axes), lw=0.8)
        with np.errstate(all="ignore"):
            ends = [found[end].values / found.expected.values - 1.0 for end in ("lower", "upper")]
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


def _until_the_end(axis: Array, shown: list[Array]) -> Array:
    """The horizontal axis, up to a little after the last curve has become infinite."""
    x = np.unique(axis.astype(np.float64))
    if axis.ndim > 1:
        return x
    alive = [x[np.isfinite(values)] for values in shown if values.shape == x.shape]
    last = max((some[-1] for some in alive if some.size), default=x[-1])
    return x[: int(np.searchsorted(x, 1.25 * last)) + 1] if last < 0.5 * x[-1] else x
