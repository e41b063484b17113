"""What the figures of all cases share: colours, one kind of panel, files written atomically."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hsgd import dataset

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THEORY, RUNS, FLOW = "#0072B2", "#D55E00", "#6E6E6E"
"""Blue, vermilion and grey of the Okabe-Ito palette: told apart by colour-blind readers."""
REJECTED = "#B00020"


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
    _dots(axes, found)
    axes.set_yscale("log")
    _epochs(axes, time[-1])
    _plain_labels(axes)
    axes.grid(True, which="major", color="#DDDDDD", lw=0.6)
    axes.spines[["top", "right"]].set_visible(False)


def _dots(axes: Axes, found: xr.Dataset) -> None:
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


def _epochs(axes: Axes, last: float) -> None:
    """A square-root axis: the fast start and the slow end are both seen, and 0 as well."""
    axes.set_xscale("function", functions=(lambda t: np.sqrt(np.maximum(t, 0.0)), np.square))
    axes.set_xticks([last * share for share in (0.0, 0.0125, 0.05, 0.125, 0.25, 0.5, 0.75, 1.0)])
    axes.xaxis.set_major_formatter("{x:.3g}")
    axes.set_xlim(0, last * 1.01)


def _plain_labels(axes: Axes) -> None:
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
