"""Concentration: as the dimension grows, single runs of SGD follow one curve.

Rows with covariance eigenvalues proportional to i/d (arXiv:2205.07069, on concentration), at a
quarter, half and three quarters of critical; d from 50 up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import hsgd
import simulate
from hsgd.checks import Array
from validation import figures
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import confront
from validation.cases.tables import table
from validation.data import coefficients
from validation.slopes import Convergence, convergence

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RATES = (0.5, 1.0, 1.5)
EPOCHS = 5.0
TIMES = np.linspace(0.0, EPOCHS, 26)
LATE = slice(10, None)
"""The times whose band is measured: after two passes the width has settled."""
GROUPS = 8
"""Disjoint groups of runs, each with its own band: their scatter is the uncertainty."""
FASTEST, SLOWEST = -0.62, -0.38
"""Slope that counts as −½: at the smallest d corrections of a few per cent remain."""
NOISE = 0.5


def make_problem(d: int, *, dominant: bool = False) -> hsgd.LeastSquares:
    """2d rows N(0, Σ), Σ's eigenvalues ∝ i/d of trace 1; or one of them as large as all others."""
    spectrum = np.arange(1.0, d + 1.0)
    if dominant:
        spectrum[-1] = spectrum[:-1].sum()
    rows = hsgd.GaussianRows(spectrum / spectrum.sum(), coefficients(d, np.sqrt(d)), NOISE)
    return rows.sample(2 * d, seed=d)


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Width of the band of single runs against d, at three learning rates; see `CASE`."""
    dimensions = [size["smallest"] * 2**k for k in range(size["doublings"] + 1)]
    widths = np.empty((len(RATES), len(dimensions), GROUPS))
    for column, d in enumerate(dimensions):
        problem = make_problem(d)
        for row, rate in enumerate(RATES):
            widths[row, column] = _widths(problem, rate, size["replicates"], seed)
        say(f"d = {d}: {size['replicates']} runs at each of {len(RATES)} learning rates")
    fits = [convergence(one, dimensions) for one in widths]
    numbers = [
        Number(f"slope of the band's width at {rate:g}", fit.slope, fit.standard_error)
        for rate, fit in zip(RATES, fits, strict=True)
    ]
    checks = [
        Check.within(f"learning rate {rate:g}: slope of width against d", number, FASTEST, SLOWEST)
        for rate, number in zip(RATES, numbers, strict=True)
    ]
    largest = confront(
        make_problem(dimensions[-1]),
        hsgd.SGD(1.0),
        TIMES,
        replicates=size["replicates"],
        seed=seed,
    )
    checks.append(largest.check(f"the curve they follow, d = {dimensions[-1]}"))
    checks.append(largest.control("learning rate 10% too high", hsgd.SGD(1.1)))
    checks.append(_control(dimensions, size["replicates"], seed))
    say("control: the same with one dominant direction")
    datasets = {
        "widths": _labelled(widths, dimensions, fits),
        "theory": largest.theory,
        "simulation": largest.runs,
        "comparison": largest.comparison,
    }
    datasets["small"] = _runs(make_problem(dimensions[0]), 1.0, size["replicates"], seed)
    return Outcome(tuple(checks), datasets, tuple(numbers))


def _runs(problem: hsgd.LeastSquares, rate: float, replicates: int, seed: int) -> xr.Dataset:
    return simulate.sgd(
        problem,
        hsgd.SGD(rate),
        TIMES,
        statistics="empirical_risk",
        num_replicates=replicates,
        seed=seed,
        progress=False,
    )


def _widths(problem: hsgd.LeastSquares, rate: float, replicates: int, seed: int) -> Array:
    """(90% − 10% quantile)/median of the training risk, mean over late times, per group."""
    runs = _runs(problem, rate, replicates, seed)
    values = runs.empirical_risk.values[LATE].reshape(len(TIMES[LATE]), GROUPS, -1)
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9), axis=2)
    return np.asarray(((high - low) / middle).mean(axis=0))


def _control(dimensions: list[int], replicates: int, seed: int) -> Check:
    """With one dominant direction single runs never concentrate, whatever d."""
    widths = [_widths(make_problem(d, dominant=True), 0.5, replicates, seed) for d in dimensions]
    fit = convergence(widths, dimensions)
    number = Number("slope with one dominant direction", fit.slope, fit.standard_error)
    return Check.within(
        "half of the variance in one direction", number, FASTEST, SLOWEST, control=True
    )


def _labelled(widths: Array, dimensions: list[int], fits: list[Convergence]) -> xr.Dataset:
    spread = widths.std(axis=2, ddof=1) / np.sqrt(GROUPS)
    return table(
        "width of the band of single runs",
        {
            "width": (("rate", "dimension"), widths.mean(axis=2), "(q90 - q10)/median"),
            "width_standard_error": (("rate", "dimension"), spread, "its standard error"),
            "slope": (("rate",), np.array([fit.slope for fit in fits]), "log-log slope"),
            "intercept": (("rate",), np.array([fit.intercept for fit in fits]), "of the line"),
        },
        {"rate": RATES, "dimension": dimensions},
    )


def draw(datasets: Datasets) -> Figure:
    """Runs at the smallest and largest d, and the width of their band against d."""
    figure = figures.new_figure(figures.WIDTH, 4.6)
    first, second, third = figure.subplots(1, 3)
    widths = datasets["widths"]
    smallest, largest = (int(widths.dimension[k]) for k in (0, -1))
    second.sharey(first)
    for axes, name, d in ((first, "small", smallest), (second, "simulation", largest)):
        curves = datasets[name].empirical_risk.transpose("time", "replicate").values
        axes.plot(TIMES, curves[:, :40], color=figures.RUNS, lw=0.7, alpha=0.5)
        axes.set_yscale("log")
        figures.plain_labels(axes)
        axes.set_xlabel("passes over the data")
        figures.title(axes, f"40 runs at d = {d}")
    theory = datasets["theory"]
    second.plot(TIMES, theory.empirical_risk, color=figures.THEORY, lw=2, label="theory")
    second.legend(frameon=False)
    first.set_ylabel("training risk (learning rate 1)")
    _draw_widths(third, widths)
    figures.finish(figure, "Single runs follow one curve the better, the larger the dimension")
    return figure


def _draw_widths(axes: Axes, widths: xr.Dataset) -> None:
    d = widths.dimension.values
    for index, colour in enumerate((figures.SECOND, figures.RUNS, figures.THIRD)):
        one = widths.isel(rate=index)
        line = np.exp(float(one.intercept)) * d ** float(one.slope)
        label = f"learning rate {float(one.rate):g}: slope {float(one.slope):.2f}"
        axes.plot(d, line, color=colour, lw=1)
        axes.errorbar(
            d, one.width, yerr=2 * one.width_standard_error, fmt="o", color=colour, label=label
        )
    middle = float(widths.width.mean(("rate",))[0])
    axes.plot(d, 0.6 * middle * (d / d[0]) ** -0.5, "--", color=figures.FLOW, label="slope -1/2")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(d, [f"{one:g}" for one in d])
    axes.minorticks_off()
    axes.set_xlabel("dimension d")
    axes.set_ylabel("width of the 10-90% band / median")
    axes.legend(frameon=False, fontsize=9)
    figures.title(axes, "the band shrinks like 1/sqrt(d)")


CASE = Case(
    name="concentration",
    question="Do single runs concentrate on one curve as the dimension grows, like d^(-1/2)?",
    right="the bundle of runs on the left is wide, the one in the middle narrow and on the blue "
    "line; the dots on the right run parallel to the dashed line",
    wrong="the bundle stays as wide, or the dots on the right level off",
    sizes={
        "small": {"smallest": 50, "doublings": 3, "replicates": 256},
        "full": {"smallest": 50, "doublings": 6, "replicates": 256},
    },
    run=run,
    draw=draw,
)
