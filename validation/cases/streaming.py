"""Fresh rows against passing over n rows again: the same algorithm, and the price of the latter.

Streaming SGD on Gaussian rows has an exact theory at every d (`method="discrete"`), so nothing is
allowed for finite size there. The *bootstrap risk* is what multi-pass SGD loses to it at the same
number of iterations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import hsgd
from validation import figures
from validation.cases.base import Case, Check, Datasets, Outcome, Say, Size
from validation.cases.confront import Confrontation, confront
from validation.comparison import compare
from validation.data import coefficients
from validation.points import ALLOWANCE
from validation.verdict import percent

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

RATE, NOISE, RIDGE = 0.8, 0.5, 0.01
RATIOS = (1, 3)
"""Rows over dimension of the multi-pass runs."""
RISK = "population_risk"


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Streaming, then multi-pass at two numbers of rows, at equal iterations; see `CASE`."""
    d = size["d"]
    iterations = np.unique(np.rint(size["units"] * d * np.linspace(0, 1, 41) ** 2)).astype(int)
    beta = coefficients(d, np.sqrt(d))
    rows = hsgd.GaussianRows(np.full(d, 1 / d), beta, NOISE, ridge=RIDGE / d)
    options: dict[str, Any] = {
        "replicates": size["replicates"],
        "seed": seed,
        "statistics": (RISK,),
    }
    fresh = confront(rows, hsgd.StreamingSGD(RATE), iterations / d, method="discrete", **options)
    limit = hsgd.predict(
        rows, hsgd.StreamingSGD(RATE), iterations / d, statistics=RISK, method="hsgd"
    )
    say(f"streaming, d = {d}: predicted, then {size['replicates']} runs")
    checks = [
        fresh.check("streaming against its exact theory"),
        Check.of("streaming against homogenized SGD", compare(limit, fresh.runs)),
        fresh.control("streaming: learning rate 10% too high", hsgd.StreamingSGD(1.1 * RATE)),
    ]
    datasets = _kept("streaming", fresh)
    for ratio in RATIOS:
        problem = rows.sample(ratio * d, seed=ratio)
        many = confront(problem, hsgd.SGD(RATE), iterations / (ratio * d), **options)
        gap = hsgd.bootstrap_risk(problem, hsgd.SGD(RATE), many.theory.time, method="hsgd")
        name = f"n = {ratio}d" if ratio > 1 else "n = d"
        checks.append(many.check(f"multi-pass, {name}"))
        checks.append(_bootstrap(gap, many.runs, fresh.runs, name))
        checks.append(_no_gap(many, fresh, name))
        datasets |= _kept(f"multi_pass_{ratio}", many) | {f"bootstrap_{ratio}": gap}
        say(f"multi-pass, {name}: predicted, then {size['replicates']} runs")
    return Outcome(tuple(checks), datasets)


def _kept(name: str, found: Confrontation) -> dict[str, xr.Dataset]:
    return {
        f"{name}_theory": found.theory,
        f"{name}_runs": found.runs,
        f"{name}_comparison": found.comparison,
    }


def _difference(many: xr.Dataset, fresh: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Mean difference of the population risks, and its standard error."""
    means = [runs[RISK].mean("replicate").values for runs in (many, fresh)]
    errors = [
        runs[RISK].std("replicate", ddof=1).values / np.sqrt(runs.sizes["replicate"])
        for runs in (many, fresh)
    ]
    return means[0] - means[1], np.hypot(*errors)


def _bootstrap(gap: xr.Dataset, many: xr.Dataset, fresh: xr.Dataset, name: str) -> Check:
    """The predicted bootstrap risk against the difference of the runs' means."""
    observed, error = _difference(many, fresh)
    budget = ALLOWANCE * np.abs(gap.bootstrap_risk_discrepancy * gap.bootstrap_risk).values
    beyond = np.abs(observed - gap.bootstrap_risk.values) - budget
    z = float(np.nanmax(beyond[1:] / error[1:]))
    agrees = z <= 4.0
    last = percent(float(gap.bootstrap_risk[-1] / gap.streaming_risk[-1]))
    verdict = (
        f"{'agrees' if agrees else 'REJECTED'}: beyond what finite size allows the difference of "
        f"the runs' means is at worst {max(z, 0):.1f} standard errors from the prediction (allowed "
        f"are 4); at the end it is {last} of the streaming risk."
    )
    return Check(f"bootstrap risk, {name}", verdict, agrees)


def _no_gap(many: Confrontation, fresh: Confrontation, name: str) -> Check:
    """A theory that takes the rows for fresh ones: the streaming curve for the multi-pass runs."""
    curve = many.theory.copy()
    curve[RISK] = ("time", fresh.theory[RISK].values)
    return Check.of(f"no bootstrap risk at all, {name}", compare(curve, many.runs), control=True)


def draw(datasets: Datasets) -> Figure:
    """Population risk against iterations, and the bootstrap risk."""
    figure = figures.new_figure(figures.WIDTH, 4.8)
    left, right = figure.subplots(1, 2)
    d = (
        datasets["streaming_theory"].iteration.values[-1]
        / datasets["streaming_theory"].time.values[-1]
    )
    settings = {"streaming": ("fresh rows (streaming)", figures.SECOND)}
    for ratio, colour in zip(RATIOS, (figures.RUNS, figures.THIRD), strict=True):
        settings[f"multi_pass_{ratio}"] = (
            f"n = {ratio if ratio > 1 else ''}d, passed over",
            colour,
        )
    for name, (label, colour) in settings.items():
        theory, found = datasets[f"{name}_theory"], datasets[f"{name}_comparison"]
        x = theory.iteration.values / d
        left.plot(x, theory[RISK], color=colour, lw=1.8, label=f"theory, {label}")
        one = found.sel(statistic=RISK)
        left.errorbar(
            x[::2], one.observed[::2], yerr=2 * one.standard_error[::2], fmt="o", ms=4, color=colour
        )
    for ratio, colour in zip(RATIOS, (figures.RUNS, figures.THIRD), strict=True):
        gap = datasets[f"bootstrap_{ratio}"]
        x = gap.iteration.values / d
        runs = (datasets[f"multi_pass_{ratio}_runs"], datasets["streaming_runs"])
        observed, error = _difference(*runs)
        right.plot(x, gap.bootstrap_risk, color=colour, lw=1.8)
        right.errorbar(
            x[::2], observed[::2], yerr=2 * error[::2], fmt="o", ms=4, color=colour, capsize=2
        )
    right.axhline(0.0, color=figures.INK, lw=0.8)
    for axes, words in ((left, "population risk"), (right, "bootstrap risk")):
        axes.set_xlabel("iterations / d")
        axes.set_ylabel(words)
    left.plot([], [], "o", color=figures.INK, ms=4, label="mean of the runs ± 2 standard errors")
    left.legend(frameon=False)
    figures.title(left, "the same learning rate")
    figures.title(right, "what passing over the rows again costs")
    figures.finish(figure, "Fresh rows against n rows passed over again and again")
    return figure


CASE = Case(
    name="streaming",
    question="Is streaming SGD what its exact theory says, and multi-pass SGD worse by the "
    "bootstrap risk?",
    right="dots on the lines; on the right the difference is zero during the first pass and then "
    "grows, more for fewer rows",
    wrong="dots beside the lines, or no difference between fresh rows and old ones",
    sizes={
        "small": {"d": 200, "units": 12, "replicates": 128},
        "full": {"d": 1000, "units": 20, "replicates": 256},
    },
    run=run,
    draw=draw,
)
