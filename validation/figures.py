"""What the figures of all cases share: colours, one kind of panel, files written atomically.

What `hsgd.plotting` draws for everybody is drawn by it here, too, and in its style.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd import dataset
from hsgd.plotting import curves, scales
from hsgd.plotting.appearance import FLOW as FLOW
from hsgd.plotting.appearance import REJECTED as REJECTED
from hsgd.plotting.appearance import RUNS as RUNS
from hsgd.plotting.appearance import SECOND as SECOND
from hsgd.plotting.appearance import THEORY as THEORY
from hsgd.plotting.appearance import THIRD as THIRD
from hsgd.plotting.appearance import require
from validation.stacking import member
from validation.verdict import percent

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#000000"
PALETTE = {
    THEORY: "theory",
    RUNS: "runs",
    FLOW: "flow",
    SECOND: "second",
    THIRD: "third",
    REJECTED: "rejected",
    INK: "ink",
}
"""Colour → name of the style-sheet variable that stands for it in a report, light or dark."""
WIDTH = 11.4
"""Inches: what a report's page is wide, so that nobody sees a figure enlarged or shrunk."""


def new_figure(width: float, height: float) -> Figure:
    """A figure that no window or global state knows.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    require()
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def panel(
    axes: Axes, theory: xr.Dataset, runs: xr.Dataset, comparison: xr.Dataset, name: str
) -> None:
    """One statistic: theory's line, gradient flow, the runs' 90% band, their mean."""
    time = theory.time.values
    datasets = {"theory": theory, "simulation": runs, "comparison": comparison}
    curves.draw(axes, datasets, name, time, "sqrt")
    axes.set_yscale("log")
    passes(axes, time[-1])
    plain_labels(axes)


def title(axes: Axes, text: str, *, agrees: bool = True) -> None:
    """A panel's verdict: bold, and red where the theory is rejected."""
    axes.set_title(text, color=INK if agrees else REJECTED, fontsize=11, fontweight="bold")


def columns(
    datasets: Mapping[str, xr.Dataset],
    dim: str,
    label: Callable[[float], str],
    rows: Mapping[str, str],
    heading: str,
    *,
    x_label: str = "passes over the data (square-root axis)",
) -> Figure:
    """One column of panels per member of the stacked datasets, one row per statistic.

    `rows` maps statistics to axis labels; the verdict stands above each column.
    """
    values = [float(value) for value in datasets["theory"][dim].values]
    figure = new_figure(WIDTH, 1.6 + 2.7 * len(rows))
    grid = figure.subplots(len(rows), len(values), sharex=True, sharey="row", squeeze=False)
    for column, value in enumerate(values):
        theory, runs, comparison = (
            member(datasets[name], dim, value) for name in ("theory", "simulation", "comparison")
        )
        for row, name in enumerate(rows):
            panel(grid[row, column], theory, runs, comparison, name)
        grid[-1, column].set_xlabel(x_label)
        verdict_title(grid[0, column], label(value), comparison)
    for row, words in enumerate(rows.values()):
        grid[row, 0].set_ylabel(words)
    finish(figure, heading, *grid[0, 0].get_legend_handles_labels())
    return figure


def verdict_title(axes: Axes, label: str, comparison: xr.Dataset) -> None:
    """The verdict, and how far the mean of the runs is from the theory at worst."""
    agrees = bool(comparison.attrs["agrees"])
    worst = percent(float(abs(comparison.relative_error).max()))
    count = comparison.attrs["num_replicates"]
    subject = f"mean of {count} runs" if count else "exact mean"
    word = "agrees" if agrees else "REJECTED"
    title(axes, f"{label}: {word}\n{subject} within {worst} of theory", agrees=agrees)


def finish(figure: Figure, heading: str, handles: Any = None, labels: Any = None) -> None:
    """The heading, and one legend for all panels below them."""
    figure.suptitle(heading, fontsize=13)
    if handles is not None:
        columns = min(len(labels), 5)
        figure.legend(
            handles, labels, loc="outside lower center", ncols=columns, frameon=False, fontsize=10
        )


def dots(axes: Axes, found: xr.Dataset) -> None:
    """Some twenty of the means, evenly spread, so that the line stays visible behind them."""
    curves.means(axes, found, found.time.values, "sqrt")


def passes(axes: Axes, last: float) -> None:
    """A square-root axis: the fast start and the slow end are both seen, and 0 as well."""
    scales.set_horizontal(axes, np.array([0.0, last]), "sqrt")


def plain_labels(axes: Axes) -> None:
    """0.05, 0.1, 0.2 instead of powers of ten: the risks span one or two decades."""
    scales.plain_labels(axes.yaxis, 100.0)


def save(figure: Figure, path: Path) -> Path:
    """Write a PNG that is complete and new, or leave what was there."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    dataset.write_atomically(path, buffer.getvalue())
    return path


def svg(figure: Figure, salt: str) -> str:
    """The figure as an SVG element whose colours are style-sheet variables: `var(--theory)`, ….

    Nothing in it refers to the world outside. `salt` keeps the names inside it (of clip paths)
    apart from those of other figures on the page.
    """
    import matplotlib as mpl

    buffer = io.StringIO()
    with mpl.rc_context({"svg.hashsalt": salt, "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for colour, name in PALETTE.items():
        text = re.sub(re.escape(colour), f"var(--{name})", text, flags=re.IGNORECASE)
    # What matplotlib draws without a colour of its own (text) is black: here it is the ink.
    style = f"fill: var(--ink); max-width: {figure.get_figwidth():g}in"
    return text.replace("<svg ", f'<svg role="img" style="{style}" ', 1)
