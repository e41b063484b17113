"""What the figures of all cases share: colours, one kind of panel, files written atomically."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd import dataset
from validation.members import member
from validation.verdict import percent

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THEORY, RUNS, FLOW = "#0072B2", "#D55E00", "#6E6E6E"
"""Blue, vermilion and grey of the Okabe-Ito palette: told apart by colour-blind readers."""
SECOND, THIRD = "#009E73", "#A05A93"
"""Green and purple of the same palette (the purple a little darker, for thin lines)."""
REJECTED = "#B00020"
INK, GRID = "#000000", "#DDDDDD"
PALETTE = {
    THEORY: "theory",
    RUNS: "runs",
    FLOW: "flow",
    SECOND: "second",
    THIRD: "third",
    REJECTED: "rejected",
    INK: "ink",
    GRID: "grid",
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
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("figures need matplotlib: pip install 'hsgd[validation]'.") from error
    return Figure(figsize=(width, height), layout="constrained")


def panel(
    axes: Axes, theory: xr.Dataset, runs: xr.Dataset, comparison: xr.Dataset, name: str
) -> None:
    """One statistic: theory's line, gradient flow, the runs' 90% band, their mean."""
    time = theory.time.values
    found = comparison.sel(statistic=name)
    low, high = np.quantile(runs[name].transpose("replicate", "time").values, (0.05, 0.95), axis=0)
    axes.fill_between(time, low, high, color=RUNS, alpha=0.18, lw=0, label="90% of single runs")
    if f"{name}_gradient_flow" in theory:
        flow = theory[f"{name}_gradient_flow"].values
        axes.plot(time, flow, "--", color=FLOW, lw=1.5, label="gradient flow (no noise)")
    curve, budget = theory[name].values, found.discrepancy.values
    allowed = curve * (1 - budget), curve * (1 + budget)
    axes.fill_between(time, *allowed, color=THEORY, alpha=0.3, lw=0, label="finite-n allowance")
    axes.plot(time, curve, color=THEORY, lw=2.0, label="theory")
    dots(axes, found)
    axes.set_yscale("log")
    passes(axes, time[-1])
    plain_labels(axes)
    plain(axes)


def plain(axes: Axes) -> None:
    """Light grid, two spines: what all panels share."""
    axes.grid(True, which="major", color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


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
    time = found.time.values
    wanted = time[-1] * np.linspace(0, 1, 21) ** 2
    chosen = np.unique(np.searchsorted(time, wanted))
    axes.errorbar(
        time[chosen],
        found.observed.values[chosen],
        yerr=2 * found.standard_error.values[chosen],
        fmt="o",
        color=RUNS,
        ms=4.5,
        mec="white",
        mew=0.6,
        elinewidth=1.4,
        capsize=2.5,
        zorder=3,
        label="mean of the runs ± 2 standard errors",
    )


def passes(axes: Axes, last: float) -> None:
    """A square-root axis: the fast start and the slow end are both seen, and 0 as well."""
    axes.set_xscale("function", functions=(lambda t: np.sqrt(np.maximum(t, 0.0)), np.square))
    axes.set_xticks([last * share for share in (0.0, 0.0125, 0.05, 0.125, 0.25, 0.5, 0.75, 1.0)])
    axes.xaxis.set_major_formatter("{x:.3g}")
    axes.set_xlim(0, last * 1.01)


def plain_labels(axes: Axes) -> None:
    """0.05, 0.1, 0.2 instead of powers of ten: the risks span one or two decades."""
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter(NullFormatter())


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
