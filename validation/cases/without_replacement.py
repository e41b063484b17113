"""Three ways of drawing rows, each with its own theory, at three learning rates.

Given rows; the mean is over orders. With replacement the theory is homogenized SGD; a new order in
every pass and one order for ever have the mean field of a population that is fitted to the rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import hsgd
from validation import figures
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import Confrontation, confront, stacked
from validation.comparison import compare
from validation.data import coefficients
from validation.stacking import member

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIM = "setting"
RATES = (0.2, 0.5, 0.8)
RIDGE, NOISE = 0.1, 0.5
STATISTIC = "empirical_risk"
SAMPLINGS = {
    "with_replacement": ("with replacement", figures.THEORY),
    "reshuffle": ("a new order in every pass", figures.SECOND),
    "single_shuffle": ("one order for ever", figures.THIRD),
}


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Each way of drawing against its theory, and against that of another; see `CASE`."""
    n, d = size["n"], size["d"]
    beta = coefficients(d, scale=np.sqrt(d))
    rows = hsgd.GaussianRows(np.full(d, 1 / d), beta, NOISE)
    problem = rows.sample(n, seed=0).replace(ridge=RIDGE)
    times = size["epochs"] * np.linspace(0.0, 1.0, 33) ** 2
    found: dict[float, Confrontation] = {}
    checks, numbers = [], []
    for rate in RATES:
        for sampling, (words, _) in SAMPLINGS.items():
            one = confront(
                problem,
                hsgd.SGD(rate, sampling=sampling),
                times,
                replicates=size["replicates"],
                seed=seed,
                statistics=(STATISTIC,),
                method="auto",
            )
            found[float(len(found))] = one
            checks.append(one.check(f"{words}, learning rate {rate}"))
            say(f"learning rate {rate}, {words}: predicted, then {size['replicates']} runs")
        last = [one.theory[STATISTIC].values[-1] for one in list(found.values())[-3:]]
        label = f"training risk at the end, a new order over independent draws, rate {rate}"
        numbers.append(Number(label, float(last[1] / last[0])))
    checks += [_wrong_theory(found, 3, 4), _wrong_theory(found, 6, 8)]
    return Outcome(tuple(checks), stacked(found, DIM, "rate and sampling"), tuple(numbers))


def _wrong_theory(found: dict[float, Confrontation], theory: int, runs: int) -> Check:
    """The curve of one way of drawing, held against the runs of another."""
    wrong = compare(found[theory].theory, found[runs].runs, same_algorithm=False)
    names = [list(SAMPLINGS.values())[code % 3][0] for code in (theory, runs)]
    label = f"the theory of {names[0]} for {names[1]}, learning rate {RATES[runs // 3]}"
    return Check.of(label, wrong, control=True)


def draw(datasets: Datasets) -> Figure:
    """Training risk along the passes, a panel for each learning rate."""
    figure = figures.new_figure(figures.WIDTH, 4.6)
    panels = figure.subplots(1, len(RATES), sharey=True)
    for code, (axes, rate) in enumerate(zip(panels, RATES, strict=True)):
        agrees = True
        for place, (words, colour) in enumerate(SAMPLINGS.values()):
            setting = float(len(SAMPLINGS) * code + place)
            theory, comparison = (
                member(datasets[name], DIM, setting) for name in ("theory", "comparison")
            )
            one = comparison.sel(statistic=STATISTIC)
            axes.plot(theory.time, theory[STATISTIC], color=colour, lw=1.8, label=words)
            axes.plot(one.time[1::2], one.observed[1::2], "o", color=colour, ms=4)
            agrees &= bool(comparison.attrs["agrees"])
        axes.set_yscale("log")
        figures.passes(axes, float(theory.time[-1]))
        figures.plain_labels(axes)
        axes.set_xlabel("passes over the data (square-root axis)")
        verdict = "agrees" if agrees else "REJECTED"
        figures.title(axes, f"learning rate {rate}: {verdict}", agrees=agrees)
    panels[0].set_ylabel("training risk\n" r"$|Ax-b|^2/2n$")
    heading = "Who reshuffles trains to a lower risk: lines are theories, dots are means of runs"
    figures.finish(figure, heading, *panels[0].get_legend_handles_labels())
    return figure


CASE = Case(
    name="without_replacement",
    question="Do reshuffled rows follow the mean field that is fitted to them?",
    right="three lines in each panel, the more apart the larger the learning rate, each with its "
    "dots on it; the title says agrees",
    wrong="dots beside their line, or lines that coincide",
    sizes={
        "small": {"n": 400, "d": 250, "epochs": 8, "replicates": 48},
        "full": {"n": 1200, "d": 800, "epochs": 16, "replicates": 200},
    },
    run=run,
    draw=draw,
)
