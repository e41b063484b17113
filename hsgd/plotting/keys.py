"""How a reader knows what is what: a legend, and a colour for each member of a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.plotting import artists
from hsgd.plotting.appearance import ink, sequence
from hsgd.plotting.layout import label
from hsgd.plotting.scales import plain_labels, spacing

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes

MOST_NAMED = 6
"""Members of a sweep up to which the legend names them; more have a colour bar."""
MOST_TICKS = 12
NARROW = 3.6
"""Inches of a panel below which its legend is small."""
_SHORT = {
    artists.RUNS_MEAN: "mean ± 2 s.e.",
    artists.GRADIENT_FLOW: "gradient flow",
    artists.DESCENT: "gradient descent",
    artists.FINITE_SIZE: "finite-n error",
}


def colours(axes: Axes, coordinate: xr.DataArray) -> list[Any]:
    """The colours of the members of a sweep."""
    mappable = mappable_of(axes, coordinate)
    return [mappable.to_rgba(place) for place in _places(coordinate)]


def mappable_of(axes: Axes, coordinate: xr.DataArray) -> Any:
    """Numbers lie on the scale on which they are most even; words are numbered."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm, Normalize

    values = _places(coordinate)
    ends = float(values.min()), float(values.max())
    if ends[0] == ends[1]:
        ends = ends[0], ends[0] + 1.0
    logarithmic = ends[0] > 0 and spacing(np.sort(values)) == "log"
    return ScalarMappable((LogNorm if logarithmic else Normalize)(*ends), sequence(axes))


def _places(coordinate: xr.DataArray) -> Any:
    """Where members lie on the colour bar."""
    if coordinate.dtype.kind in "iuf":
        return coordinate.values.astype(np.float64)
    return np.arange(coordinate.size, dtype=np.float64)


def short(value: Any) -> str:
    """A member in a few characters."""
    return f"{value:.3g}" if np.asarray(value).dtype.kind in "iuf" else str(value)


def add(grid: Any, members: xr.DataArray | None, *, inside: str | None, legend: bool) -> None:
    """The legend, and what gives the members of a sweep their colours.

    Parameters
    ----------
    grid
        The panels.
    members
        The swept parameter whose members have colours, or None.
    inside
        Where in the first panel the legend is; None for outside of all.
    legend
        Whether there is one. A colour bar is always drawn.
    """
    if members is not None and members.size > MOST_NAMED:
        _add_bar(grid, members)
    if not legend:
        return
    named = members if members is not None and members.size <= MOST_NAMED else None
    entries = _entries(grid)
    if inside is not None:
        _inside(grid[0, 0], entries, named, inside, neutral=members is not None)
        return
    if named is not None:
        handles, words = _named(grid[0, 0], named)
        figure = grid[0, 0].figure
        figure.legend(handles, words, title=label(named), loc="outside right upper")
    if entries:
        _below(grid, entries, neutral=members is not None)


def _entries(grid: Any) -> dict[str, Any]:
    """Every label once, in the order of drawing, lines before bands."""
    entries: dict[str, Any] = {}
    for axes in grid.ravel():
        for handle, words in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(words, handle)
    return entries


def _named(axes: Axes, members: xr.DataArray) -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D

    handles = [Line2D([], [], color=colour, lw=2.0) for colour in colours(axes, members)]
    return handles, [short(value) for value in members.values]


def _add_bar(grid: Any, members: xr.DataArray) -> None:
    """The colour bar, with the members on it where they are few."""
    from matplotlib.colors import LogNorm

    mappable = mappable_of(grid[0, 0], members)
    bar = grid[0, 0].figure.colorbar(mappable, ax=grid, aspect=30, pad=0.02)
    bar.set_label(label(members))
    bar.outline.set_visible(False)
    if members.size <= MOST_TICKS:
        bar.set_ticks(_places(members), labels=[short(value) for value in members.values])
        bar.minorticks_off()
    elif isinstance(mappable.norm, LogNorm):
        plain_labels(bar.ax.yaxis, bar.vmax / bar.vmin)


def _below(grid: Any, entries: dict[str, Any], *, neutral: bool) -> None:
    figure = grid[0, 0].figure
    words, columns = [*entries], _columns(figure, [*entries])
    if columns < 3:
        words = [_short_of(text) for text in entries]
        columns = _columns(figure, words)
    legend = figure.legend(list(entries.values()), words, loc="outside lower center", ncols=columns)
    if neutral:
        _recolour(legend, 0, ink(grid[0, 0]))


def _short_of(words: str) -> str:
    return _SHORT.get(words, words.removeprefix("simultaneous "))


def _columns(figure: Any, words: list[str]) -> int:
    # About 0.08 inches a character, and half an inch for each sample.
    needed = 0.08 * max(map(len, words)) + 0.55
    return max(1, min(len(words), int(figure.bbox.width / figure.dpi / needed)))


def _inside(
    axes: Axes, entries: dict[str, Any], named: xr.DataArray | None, place: str, *, neutral: bool
) -> None:
    """One legend in a panel: members by their colours, then what all of them have."""
    handles: list[Any] = []
    words: list[str] = []
    title = None
    if named is not None:
        handles, words = _named(axes, named)
        title = label(named)
    first, narrow = len(handles), _is_narrow(axes)
    handles += entries.values()
    words += [_short_of(text) for text in entries] if narrow else entries
    if not handles:
        return
    style: dict[str, Any] = {"loc": place, "title": title, "frameon": True, "framealpha": 0.7}
    style |= {"fontsize": 7, "title_fontsize": 7} if narrow else {}
    # Curves may pass below it where no corner is free.
    legend = axes.legend(handles, words, **style)
    legend.get_frame().set_edgecolor("none")
    if neutral:
        _recolour(legend, first, ink(axes))


def _is_narrow(axes: Axes) -> bool:
    return float(axes.bbox.width / axes.figure.dpi) < NARROW


def _recolour(legend: Any, first: int, colour: Any) -> None:
    """Give the samples from number `first` on the colour of no member."""
    from matplotlib.collections import Collection
    from matplotlib.colors import to_rgb
    from matplotlib.lines import Line2D
    from matplotlib.offsetbox import DrawingArea
    from matplotlib.patches import Patch

    for area in legend.findobj(DrawingArea)[first:]:
        for artist in area.findobj(lambda one: isinstance(one, Line2D | Collection | Patch)):
            if isinstance(artist, Patch):
                artist.set_facecolor((*to_rgb(colour), 0.3))
                continue
            artist.set_color(colour)
            if isinstance(artist, Line2D):
                artist.set_markerfacecolor(colour)
                artist.set_markeredgecolor(colour)
