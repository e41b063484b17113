"""How a reader knows what is what: one legend, and a colour for each member of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.plotting.appearance import ink, sequence
from hsgd.plotting.layout import label
from hsgd.plotting.scales import plain_labels, spacing

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

MOST_TICKS = 12


def colour_bar(axes: Axes, coordinate: xr.DataArray) -> Any:
    """What gives the members of a sweep their colours: call it with their number.

    Numbers lie on the scale on which they are most even; words are numbered.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm, Normalize

    values = places(coordinate)
    ends = float(values.min()), float(values.max())
    if ends[0] == ends[1]:
        ends = ends[0], ends[0] + 1.0
    logarithmic = ends[0] > 0 and spacing(np.sort(values)) == "log"
    return ScalarMappable((LogNorm if logarithmic else Normalize)(*ends), sequence(axes))


def places(coordinate: xr.DataArray) -> Any:
    """Where members lie on the colour bar."""
    if coordinate.dtype.kind in "iuf":
        return coordinate.values.astype(np.float64)
    return np.arange(coordinate.size, dtype=np.float64)


def add_bar(grid: Any, mappable: Any, coordinate: xr.DataArray) -> None:
    """The colour bar, with the members on it where they are few."""
    from matplotlib.colors import LogNorm

    bar = grid[0, 0].figure.colorbar(mappable, ax=grid, aspect=30, pad=0.02)
    bar.set_label(label(coordinate))
    bar.outline.set_visible(False)
    if coordinate.size <= MOST_TICKS:
        bar.set_ticks(places(coordinate), labels=[short(value) for value in coordinate.values])
        bar.minorticks_off()
    elif isinstance(mappable.norm, LogNorm):
        plain_labels(bar.ax.yaxis, bar.vmax / bar.vmin)


def short(value: Any) -> str:
    """A member in a few characters."""
    return f"{value:.3g}" if np.asarray(value).dtype.kind in "iuf" else str(value)


def add_legend(grid: Any, *, below: bool, neutral: bool) -> None:
    """Every label once: below all panels, or in the first one; `neutral` where colours are a key.

    The order is that of drawing, lines before bands.
    """
    entries: dict[str, Any] = {}
    for axes in grid.ravel():
        for handle, words in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(words, handle)
    if not entries:
        return
    handles, words = list(entries.values()), list(entries)
    if below:
        figure = grid[0, 0].figure
        # About 0.08 inches a character, and half an inch for each sample.
        needed = 0.08 * max(len(text) for text in words) + 0.55
        columns = max(1, min(len(words), int(figure.get_size_inches()[0] / needed)))
        legend = figure.legend(handles, words, loc="outside lower center", ncols=columns)
    else:
        legend = grid[0, 0].legend(handles, words)
    if neutral:
        _recolour(legend, ink(grid[0, 0]))


def _recolour(legend: Any, colour: Any) -> None:
    from matplotlib.collections import Collection
    from matplotlib.lines import Line2D

    for kind in (Line2D, Collection):
        for artist in legend.findobj(kind):
            artist.set_color(colour)
