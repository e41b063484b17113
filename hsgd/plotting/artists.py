"""What a panel is made of: lines, bands, dots and rules, each with its place in the legend."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd.checks import Array
from hsgd.plotting.appearance import FLOW, RUNS, THEORY, is_dark
from hsgd.plotting.scales import HIGHEST

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RUNS_MEAN = "mean of the runs ± 2 standard errors"
FINITE_SIZE = "error to expect at this n"
GRADIENT_FLOW = "gradient flow (no noise)"
DESCENT = "gradient descent (no noise)"
"""What gradient flow is where steps are finite."""


def line(axes: Axes, x: Array, y: Array, label: str, colour: Any = THEORY, **more: Any) -> None:
    """A predicted curve."""
    # A single point is no line.
    marker = {"marker": "o"} if len(x) == 1 else {}
    axes.plot(x, y, color=colour, label=label, **{"lw": 2.0} | marker | more)


def flow(axes: Axes, x: Array, y: Array, colour: Any = FLOW, **more: Any) -> None:
    """The curve without noise, dashed."""
    style: dict[str, Any] = {"lw": 1.5, "label": GRADIENT_FLOW}
    axes.plot(x, y, "--", color=colour, **style | more)


def band(
    axes: Axes, x: Array, ends: Iterable[Array], label: str, colour: Any = RUNS, alpha: float = 0.18
) -> None:
    """Where single runs are, between a low and a high end."""
    # Infinite ends, where matplotlib would leave a gap, are far outside the picture.
    low, high = (np.clip(end, -HIGHEST, HIGHEST) for end in ends)
    alpha *= 1.6 if is_dark(axes) else 1.0
    axes.fill_between(x, low, high, color=colour, alpha=alpha, lw=0, label=label)


def allowance(
    axes: Axes, x: Array, curve: Array, gap: Array, label: str, colour: Any = THEORY
) -> None:
    """A curve's relative error `gap`, as a shade around it."""
    with np.errstate(all="ignore"):
        ends = curve * np.maximum(1 - gap, 0.0), curve * (1 + gap)
    band(axes, x, ends, label, colour, alpha=0.3)


def dots(
    axes: Axes, x: Array, y: Array, error: Any, label: str = RUNS_MEAN, colour: Any = RUNS
) -> None:
    """Means with their errors, on top, edged in the colour of the paper."""
    axes.errorbar(
        x,
        y,
        yerr=error,
        fmt="o",
        color=colour,
        ms=4.5,
        mec=axes.get_facecolor(),
        mew=0.6,
        elinewidth=1.4,
        capsize=2.5,
        zorder=3,
        label=label,
    )


def rule(axes: Axes, y: float, label: str, colour: Any = THEORY, ls: Any = ":") -> None:
    """A limit."""
    axes.axhline(y, color=colour, lw=1.4, ls=ls, label=label, zorder=1.5)
