"""The figure of the quickstart: two risks, three learning rates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from validation import figures
from validation.verdict import percent

if TYPE_CHECKING:
    import xarray as xr

ROWS = {
    "empirical_risk": "training risk\n" r"$|Ax-b|^2/2n$",
    "population_risk": "risk on held-out digits\n" r"$E\,(a\cdot x-b)^2/2$",
}


def draw(
    theory: Mapping[float, xr.Dataset],
    runs: Mapping[float, xr.Dataset],
    comparison: Mapping[float, xr.Dataset],
    path: Path,
) -> Path:
    """One panel per risk (rows) and learning rate (columns); the verdict above each column."""
    figure = figures.new_figure(13.0, 7.6)
    grid = figure.subplots(len(ROWS), len(theory), sharex=True, sharey="row", squeeze=False)
    for column, (fraction, curves) in enumerate(theory.items()):
        for row, name in enumerate(ROWS):
            axes = grid[row, column]
            figures.panel(axes, curves, runs[fraction], comparison[fraction], name)
            if column == 0:
                axes.set_ylabel(ROWS[name])
        grid[-1, column].set_xlabel("passes over the data (square-root axis)")
        agrees = bool(comparison[fraction].attrs["agrees"])
        worst = percent(float(abs(comparison[fraction].relative_error).max()))
        grid[0, column].set_title(
            f"{fraction:g} of critical: {'agrees' if agrees else 'REJECTED'}\n"
            f"mean of {runs[fraction].sizes['replicate']} runs within {worst} of theory",
            color="black" if agrees else figures.REJECTED,
            fontsize=12,
            fontweight="bold",
        )
    figure.suptitle(
        "SGD on handwritten digits, at three learning rates: the theory's prediction, and the runs",
        fontsize=14,
    )
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=5, frameon=False, fontsize=10)
    return figures.save(figure, path)
