"""Where SGD ends up, up to the critical learning rate; never below gradient flow on the way.

arXiv:2206.07252: the limiting risk grows like 1/(1 − γ/critical), and SGD's risk is above gradient
flow's at every time (no implicit regularisation). Sampling without replacement breaks the latter,
so it is the control.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import hsgd
import simulate
from validation import figures
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import STATISTICS, Confrontation, confront, stacked
from validation.cases.tables import table
from validation.data import coefficients
from validation.points import ALLOWANCE
from validation.verdict import percent

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DIM = "fraction_of_critical"
FRACTIONS = (0.15, 0.3, 0.5, 0.7, 0.85)
LATE = slice(-8, None)
"""The times whose mean counts as the limit."""
STANDARD_ERRORS = 4.0
NOISE, RIDGE = 0.5, 1.0


def make_problem(d: int) -> hsgd.LeastSquares:
    """2d rows N(0, Σ) with eigenvalues from 1 down to 1/16, ratio constant; noisy labels."""
    spectrum = np.geomspace(1.0, 1 / 16, d)
    spectrum /= spectrum.sum()
    rows = hsgd.GaussianRows(spectrum, coefficients(d, np.sqrt(d)), NOISE, ridge=RIDGE / (2 * d))
    return rows.sample(2 * d, seed=d)


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Limits and whole curves at several learning rates; see `CASE`."""
    problem = make_problem(size["d"])
    critical = hsgd.critical_learning_rate(problem, method="hsgd")
    times = size["epochs"] * np.linspace(0.0, 1.0, 51) ** 2
    found, checks, numbers = {}, [], []
    for fraction in FRACTIONS:
        one = confront(
            problem,
            hsgd.SGD(fraction * critical),
            times,
            replicates=size["replicates"],
            seed=seed,
        )
        found[fraction] = one
        checks.append(one.check(f"the whole curve at {fraction:g} of critical"))
        for statistic in STATISTICS:
            check, number = _at_the_end(one, statistic, fraction)
            checks.append(check)
            numbers.append(number)
        checks.append(_above_flow(one.theory, one.runs, f"{fraction:g} of critical"))
        say(f"{fraction:g} of critical: predicted, then {size['replicates']} runs")
    middle = found[0.5]
    controls = [
        middle.control("learning rate 20% too high at 0.5", hsgd.SGD(0.6 * critical)),
        _reshuffled(problem, found[0.15].theory, 0.15 * critical, size["replicates"], seed),
    ]
    datasets = stacked(found, DIM, "learning rate / critical")
    datasets["limits"] = _lines(problem, critical)
    return Outcome((*checks, *controls), datasets, tuple(numbers))


def _at_the_end(found: Confrontation, statistic: str, fraction: float) -> tuple[Check, Number]:
    """Mean of the runs over late times, against `hsgd.limits`."""
    ends = hsgd.limits(found.problem, _algorithm(found), statistics=statistic, method="hsgd")
    limit = float(ends[f"limiting_{statistic}"])
    late = found.runs[statistic].isel(time=LATE).mean("time").values
    words = f"{statistic.replace('_', ' ')} at the end over its limit, {fraction:g} of critical"
    number = Number(words, late.mean() / limit, late.std(ddof=1) / limit / np.sqrt(len(late)))
    budget = ALLOWANCE * float(found.theory[f"{statistic}_discrepancy"].isel(time=LATE).max())
    room = budget + STANDARD_ERRORS * number.standard_error
    return Check.within(words, number, 1 - room, 1 + room), number


def _algorithm(found: Confrontation) -> hsgd.SGD:
    return hsgd.SGD(float(found.theory.learning_rate[0]))


def _above_flow(
    theory: xr.Dataset, runs: xr.Dataset, words: str, *, control: bool = False
) -> Check:
    """Is SGD above gradient flow at every time: the theory, and the runs' mean within errors."""
    lowest, place = np.inf, ""
    for statistic in STATISTICS:
        flow = theory[f"{statistic}_gradient_flow"].values
        values = runs[statistic].transpose("time", "replicate").values
        error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
        upper = values.mean(axis=1) + STANDARD_ERRORS * error
        for curve in (upper, theory[statistic].values):
            margin = curve / flow - 1.0
            if margin.min() < lowest:
                lowest, worst = float(margin.min()), theory.time.values[margin.argmin()]
                place = f"{statistic.replace('_', ' ')} at time {worst:.3g}"
    agrees = lowest >= -1e-12
    verdict = (
        "agrees: neither the theory nor, within four standard errors, the mean of the runs is ever "
        "below gradient flow."
        if agrees
        else f"REJECTED: {percent(lowest)} below gradient flow, beyond four standard errors, in "
        f"{place}."
    )
    return Check(f"above gradient flow, {words}", verdict, agrees, control=control)


def _reshuffled(
    problem: hsgd.LeastSquares, theory: xr.Dataset, rate: float, replicates: int, seed: int
) -> Check:
    """Without replacement SGD does get below gradient flow: the test must see it."""
    runs = simulate.sgd(
        problem,
        hsgd.SGD(rate, sampling="reshuffle"),
        theory.time,
        statistics=STATISTICS,
        num_replicates=replicates,
        seed=seed,
        progress=False,
    )
    return _above_flow(theory, runs, "sampling without replacement", control=True)


def _lines(problem: hsgd.LeastSquares, critical: float) -> xr.Dataset:
    """The limits on a fine grid of learning rates, for the figure."""
    fractions = np.concatenate((np.linspace(0.01, 0.9, 90), np.linspace(0.91, 0.97, 7)))
    ends = [
        hsgd.limits(
            problem, hsgd.SGD(fraction * critical), statistics=list(STATISTICS), method="hsgd"
        )
        for fraction in fractions
    ]
    names = [f"limiting_{s}{suffix}" for s in STATISTICS for suffix in ("", "_gradient_flow")]
    columns = {
        name: (("fraction",), [float(end[name]) for end in ends], name.replace("_", " "))
        for name in names
    }
    return table("limits against the learning rate", columns, {"fraction": fractions})


def draw(datasets: Datasets) -> Figure:
    """Limiting risks against the learning rate; excess over gradient flow against time."""
    figure = figures.new_figure(figures.WIDTH, 4.6)
    panels = figure.subplots(1, 3)
    words = {"empirical_risk": "training risk", "population_risk": "population risk"}
    for axes, (statistic, name) in zip(panels, words.items(), strict=False):
        _draw_limits(axes, datasets, statistic)
        axes.set_ylabel(f"limit of the {name}")
    _draw_excess(panels[2], datasets)
    figures.finish(figure, "Where SGD ends up, and that it never does better than gradient flow")
    return figure


def _draw_limits(axes: Axes, datasets: Datasets, statistic: str) -> None:
    lines = datasets["limits"]
    axes.plot(
        lines.fraction, lines[f"limiting_{statistic}"], color=figures.THEORY, lw=2, label="theory"
    )
    flow = lines[f"limiting_{statistic}_gradient_flow"]
    axes.plot(lines.fraction, flow, "--", color=figures.FLOW, label="gradient flow")
    late = datasets["simulation"][statistic].isel(time=LATE).mean("time")
    error = late.std("replicate", ddof=1) / np.sqrt(late.sizes["replicate"])
    axes.errorbar(
        late[DIM],
        late.mean("replicate"),
        yerr=2 * error,
        fmt="o",
        color=figures.RUNS,
        mec="white",
        ms=6,
        capsize=3,
        zorder=3,
        label="mean of the runs ± 2 s.e.",
    )
    axes.axvline(1.0, color=figures.INK, lw=1, ls=":")
    axes.set_yscale("log")
    axes.set_xlim(0, 1.03)
    axes.set_xlabel("learning rate / critical")
    axes.legend(frameon=False, fontsize=9, loc="upper left")
    figures.plain_labels(axes)


def _draw_excess(axes: Axes, datasets: Datasets) -> None:
    theory, runs = datasets["theory"], datasets["simulation"]
    colours = (figures.SECOND, figures.FLOW, figures.THEORY, figures.THIRD, figures.RUNS)
    for fraction, colour in zip(FRACTIONS, colours, strict=True):
        one = theory.sel({DIM: fraction})
        flow = one.population_risk_gradient_flow
        ratio = one.population_risk / flow
        axes.plot(one.time, ratio, color=colour, lw=1.8)
        allowed = ALLOWANCE * one.population_risk_discrepancy
        band = ratio * (1 - allowed), ratio * (1 + allowed)
        axes.fill_between(one.time, *band, color=colour, alpha=0.2, lw=0)
        place = float(one.time[-1]), 0.97 * float(ratio[-1])
        axes.text(*place, f"{fraction:g} of critical", color=colour, ha="right", va="top")
        mean = runs.population_risk.sel({DIM: fraction}).mean("replicate") / flow
        axes.plot(one.time[2::3], mean[2::3], "o", ms=3.5, color=colour)
    axes.axhspan(0.9, 1.0, color=figures.REJECTED, alpha=0.15, lw=0)
    axes.text(0.5, 0.93, "forbidden", color=figures.REJECTED, transform=axes.get_yaxis_transform())
    axes.set_yscale("log")
    axes.set_ylim(0.9, 1.3 * float((theory.population_risk / flow).max()))
    figures.plain_labels(axes)
    axes.set_xlabel("passes over the data")
    axes.set_ylabel("population risk: SGD / gradient flow")


CASE = Case(
    name="limiting",
    question="Where does SGD end up as the learning rate nears critical, and is it ever below "
    "gradient flow?",
    right="dots on the blue line, which turns upwards towards the dotted critical rate; on the "
    "right every curve and dot is above 1, dots within the shaded finite-n allowance",
    wrong="dots beside the line, or anything in the red strip below 1",
    sizes={
        "small": {"d": 300, "epochs": 30, "replicates": 64},
        "full": {"d": 1000, "epochs": 40, "replicates": 128},
    },
    run=run,
    draw=draw,
)
