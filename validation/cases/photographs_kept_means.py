"""The same patches with their means kept: brightness is one direction, and nothing concentrates.

What the theory is not for, and what `hsgd.diagnose` must say before any run. The mean over many
runs is not the question here (it is computed by averages, and few runs rule it): single runs are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import hsgd
from validation import figures
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import Confrontation, confront, stacked
from validation.cases.photographs import make_problem

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIM = "mean_removed"
FRACTION = 0.5
"""Of critical: without a dominant direction runs still concentrate there."""
LATE = slice(20, None)
FACTOR = 2.0
"""How much wider the band must be for it to count as 'does not concentrate'."""


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Diagnose both, then run both; see `CASE`."""
    times = size["epochs"] * np.linspace(0.0, 1.0, 41) ** 2
    found, checks, widths = {}, [], {}
    for removed in (True, False):
        problem = make_problem(size["n"], size["n_test"], size["d"], remove_mean=removed)
        sgd = hsgd.SGD(FRACTION * hsgd.critical_learning_rate(problem, method="hsgd"))
        checks.append(_warns(problem, sgd, control=removed))
        one = confront(problem, sgd, times, replicates=size["replicates"], seed=seed)
        found[float(removed)] = one
        widths[removed] = _width(one)
        say(f"means {'removed' if removed else 'kept'}: band {widths[removed]:.0%} of the median")
    ratio = Number("band of single runs, means kept over removed", widths[False] / widths[True])
    checks.append(Check.within("single runs scatter more", ratio, FACTOR, np.inf))
    return Outcome(
        tuple(checks), stacked(found, DIM, "1 if each patch's mean is removed"), (ratio,)
    )


def _warns(problem: hsgd.LeastSquares, sgd: hsgd.SGD, *, control: bool) -> Check:
    """Says `diagnose` that one direction dominates? Where none does, it must not (the control)."""
    diagnosis = hsgd.diagnose(problem, sgd)
    warned = "dominant_eigenvalue" in diagnosis.attrs["concern"]
    which = "removed" if control else "kept"
    return Check(
        f"diagnose, before any run, warns: means {which}",
        f"{'agrees' if warned else 'REJECTED'}: {diagnosis.attrs['verdict']}",
        agrees=warned,
        control=control,
    )


def _width(found: Confrontation) -> float:
    """(90% − 10% quantile)/median of the training risk, mean over late times."""
    values = found.runs.empirical_risk.transpose("time", "replicate").values[LATE]
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9), axis=1)
    return float(np.mean((high - low) / middle))


def draw(datasets: Datasets) -> Figure:
    """Single runs and the theory, with the means removed and kept."""
    figure = figures.new_figure(figures.WIDTH, 4.6)
    grid = figure.subplots(1, 2, sharey=True)
    for axes, removed in zip(grid, (1.0, 0.0), strict=True):
        runs, theory = (datasets[name].sel({DIM: removed}) for name in ("simulation", "theory"))
        curves = runs.empirical_risk.transpose("time", "replicate").values
        axes.plot(runs.time, curves[:, :40], color=figures.RUNS, lw=0.7, alpha=0.5)
        axes.plot([], [], color=figures.RUNS, label="40 single runs")
        axes.plot(theory.time, theory.empirical_risk, color=figures.THEORY, lw=2, label="theory")
        axes.set_yscale("log")
        figures.passes(axes, float(runs.time[-1]))
        figures.plain_labels(axes)
        axes.set_xlabel("passes over the data (square-root axis)")
        words = "removed: diagnose says it applies" if removed else "kept: diagnose warns"
        figures.title(axes, f"each patch's mean {words}", agrees=bool(removed))
    grid[0].set_ylabel("training risk\n" r"$|Ax-b|^2/2n$")
    figures.finish(
        figure,
        "One dominant direction (brightness), and single runs do not concentrate",
        *grid[0].get_legend_handles_labels(),
    )
    return figure


CASE = Case(
    name="photographs-with-means",
    question="Where the theory does not apply, does diagnose say so before any run?",
    right="on the left the runs keep together around the blue line; on the right they scatter more "
    "than twice as widely, mostly far below it, and diagnose said so beforehand",
    wrong="diagnose is silent about the right panel, or warns about the left one",
    sizes={
        "small": {"n": 2000, "n_test": 1000, "d": 250, "epochs": 10, "replicates": 64},
        "full": {"n": 3000, "n_test": 4000, "d": 800, "epochs": 20, "replicates": 96},
    },
    run=run,
    draw=draw,
    needs=("sklearn", "PIL"),
)
