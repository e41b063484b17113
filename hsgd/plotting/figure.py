"""The verb: datasets that belong together become one figure."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import one_of, real_array
from hsgd.dataset import check_writable, write_atomically
from hsgd.plotting import keys
from hsgd.plotting.appearance import require, style
from hsgd.plotting.layout import plan, sort
from hsgd.plotting.over_time import Curves, Verdicts
from hsgd.plotting.parameters import picture_of
from hsgd.plotting.scales import TRANSFORMS

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure, SubFigure

PANEL = (5.0, 3.7)
"""Inches of a panel; smaller where there are many."""
WIDEST = 13.0
ENDINGS = (".png", ".svg", ".pdf")


class Picture(Protocol):
    """What can be drawn onto a grid of axes."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""

    @property
    def members(self) -> xr.DataArray | None:
        """The swept parameter whose members have a colour each, if there is one."""

    def draw(self, grid: Any) -> None:
        """Draw onto axes, an object array of that shape."""


def plot(
    *datasets: xr.Dataset,
    statistics: str | Iterable[str] | None = None,
    x: str | None = None,
    xscale: str | None = None,
    yscale: str | None = None,
    hue: str | None = None,
    col: str | None = None,
    legend: bool | str = True,
    figsize: tuple[float, float] | None = None,
    axes: Any = None,
    figure: Figure | SubFigure | None = None,
) -> NDArray[Any]:
    """Draw datasets that belong together, a panel for each statistic; their sources say how.

    Theory is a line, with gradient flow dashed and its expected finite-n error shaded; runs are a
    band that holds 90% of them (under 20 runs: every one) and dots for their mean; the exact mean
    is dash-dotted, limits are horizontal rules, points that a comparison rejects are crossed.

    Parameters
    ----------
    datasets
        At most one of each source. A comparison alone gets a row of relative errors below; limits
        alone are drawn against the parameter they are swept over.
    statistics
        Names; by default all that the datasets share.
    x
        The horizontal coordinate: `"epoch"` (passes over the data, the default), `"time"` or
        `"iteration"`.
    xscale
        `"linear"`, `"sqrt"` or `"log"`; by default the one on which the times are most even. Time
        0 is at the left of each.
    yscale
        `"linear"` or `"log"`; by default logarithmic where values span more than a factor of three.
    hue, col
        Swept dimensions: with a colour for each member, or a column. By default a sweep has
        colours, a second one (or one drawn together with runs) columns.
    legend
        False for none, or where it goes inside the first panel (`"upper right"`, as in matplotlib).
        By default it is below the panels, and inside where `axes` are given or `figsize` is small.
    figsize
        Inches of a new figure, (width, height).
    axes
        Where to draw instead of in a new figure: one, or as many as there are panels.
    figure
        An empty figure, or a part of one, to use instead of one that pyplot shows.

    Returns
    -------
    numpy.ndarray
        The `matplotlib.axes.Axes`, an object array of shape (rows, columns); a notebook does not
        print it.

    Raises
    ------
    TypeError, ValueError
        For a dataset that is not ours or cannot be drawn, or a name that is not there.
    ImportError
        If matplotlib is not installed.

    Examples
    --------
    >>> import matplotlib
    >>> matplotlib.use("agg")
    >>> import numpy as np, hsgd
    >>> problem, sgd = hsgd.LeastSquares(np.eye(8), np.ones(8)), hsgd.SGD(0.5)
    >>> theory = hsgd.predict(problem, sgd, np.linspace(0, 2, 5))
    >>> panels = hsgd.plotting.plot(theory, hsgd.limits(problem, sgd))
    >>> panels.shape, panels[0, 0].get_xlabel()
    ((1, 2), 'passes over the data')
    """
    require()
    picture = _picture(datasets, statistics, x, xscale, yscale, hue, col)
    size = _size(picture.shape) if figsize is None else _inches(figsize)
    if axes is None and figure is None:
        _wake_pyplot()
    with style():
        return _drawn(picture, axes, figure, size, legend)


def _wake_pyplot() -> None:
    """Let pyplot find its backend before the style is on.

    The one of notebooks then switches interactive figures on. Inside the style that would be undone
    at the style's end, and no later figure would be shown.
    """
    from matplotlib import pyplot

    pyplot.draw_if_interactive()


def save(path: str | os.PathLike[str], *datasets: xr.Dataset, **options: Any) -> Path:
    """Draw as `plot` does, into a file: PNG, SVG or PDF, as its name ends.

    Parameters
    ----------
    path
        Of the file, which is complete and new afterwards, or as it was before.
    datasets
        As in `plot`.
    options
        `statistics`, `x`, `xscale`, `yscale`, `hue`, `col`, `legend` and `figsize`, as in `plot`.

    Returns
    -------
    Path
        Where it is.

    Raises
    ------
    ValueError, OSError
        If its name ends otherwise, the place cannot be written, or for what `plot` refuses.
    """
    target = check_target(path)
    from matplotlib.figure import Figure

    size, legend = options.pop("figsize", None), options.pop("legend", True)
    picture = _picture(datasets, **options)
    size = _size(picture.shape) if size is None else _inches(size)
    with style():
        figure = Figure(figsize=size)
        _drawn(picture, None, figure, size, legend)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=target.suffix[1:])
    write_atomically(target, buffer.getvalue())
    return target


def check_target(path: str | os.PathLike[str]) -> Path:
    """The path, if a figure can be saved there; called before long work starts.

    Raises
    ------
    ValueError, OSError, ImportError
        If not.
    """
    require()
    target = check_writable(path)
    one_of("the ending of the figure's name", target.suffix, ENDINGS)
    return target


def _picture(
    datasets: tuple[xr.Dataset, ...],
    statistics: str | Iterable[str] | None = None,
    x: str | None = None,
    xscale: str | None = None,
    yscale: str | None = None,
    hue: str | None = None,
    col: str | None = None,
) -> Picture:
    if xscale is not None:
        one_of("xscale", xscale, tuple(TRANSFORMS))
    if yscale is not None:
        one_of("yscale", yscale, ("linear", "log"))
    if not datasets:
        raise ValueError("there is nothing to draw: pass what hsgd.predict returned.")
    by_source = sort(datasets)
    first = next(iter(by_source.values()))
    if len(by_source) == 1 and "time" not in first.dims and "time" not in first.coords:
        return picture_of(first, statistics, hue, yscale)
    layout = plan(by_source, statistics, x, hue, col)
    if set(by_source) == {"comparison"} and layout.hue is None and layout.col is None:
        return Verdicts(layout, xscale, yscale)
    return Curves(layout, xscale, yscale)


class Panels(np.ndarray[Any, np.dtype[Any]]):
    """The axes of a figure, which a notebook shows, so that it need not print them."""

    def _ipython_display_(self) -> None:
        """Nothing more than the figure."""


def _drawn(
    picture: Picture,
    axes: Any,
    figure: Figure | SubFigure | None,
    size: tuple[float, float],
    legend: bool | str,
) -> NDArray[Any]:
    grid = _grid(picture.shape, axes, figure, size)
    picture.draw(grid)
    # There is no room below small panels.
    small = size[0] / picture.shape[1] < keys.NARROW
    inside = legend if isinstance(legend, str) else "best" if axes is not None or small else None
    keys.add(grid, picture.members, inside=inside, legend=bool(legend))
    return grid.view(Panels)


def _grid(
    shape: tuple[int, int],
    axes: Any,
    figure: Figure | SubFigure | None,
    size: tuple[float, float],
) -> NDArray[Any]:
    """Axes of that shape: those given, or new ones."""
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase

    rows, columns = shape
    if axes is None:
        if figure is None:
            from matplotlib import pyplot

            figure = pyplot.figure(figsize=size)
        elif not isinstance(figure, FigureBase):
            raise TypeError(f"figure is a {type(figure).__name__}: pass one of matplotlib's.")
        return figure.subplots(rows, columns, squeeze=False)
    given = np.asarray(axes, dtype=object).ravel()
    for one in given:
        if not isinstance(one, Axes):
            raise TypeError(f"axes holds a {type(one).__name__}: pass axes of matplotlib.")
    if given.size != rows * columns:
        raise ValueError(
            f"axes holds {given.size}, but there are {rows} x {columns} panels: pass as many, or "
            "name fewer statistics."
        )
    return given.reshape(shape)


def _inches(figsize: Any) -> tuple[float, float]:
    size = real_array("figsize", figsize, 1)
    if size.shape != (2,) or (size <= 0).any():
        raise ValueError("figsize must be a positive width and height in inches, as (3.3, 2.5).")
    return float(size[0]), float(size[1])


def _size(shape: tuple[int, int]) -> tuple[float, float]:
    """Inches of a figure with that many rows and columns of panels."""
    rows, columns = shape
    width = min(PANEL[0], WIDEST / columns)
    height = PANEL[1] if rows == 1 else 0.75 * PANEL[1]
    return columns * width + 0.8, rows * height + 0.8
