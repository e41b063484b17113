"""Power-law random features: the exact recursion against simulation, in three phases.

The model of arXiv:2405.15074: one point (α, β) in each of the phases Ia, II, III. Given the random
weights, features and target are jointly Gaussian, so `method="discrete"` is the exact mean of
streaming SGD at this very d: nothing is allowed for finite size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import hsgd
from validation import figures
from validation.cases.base import Case, Check, Datasets, Outcome, Say, Size
from validation.cases.confront import Confrontation, confront, predict
from validation.comparison import compare

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

PHASES = {"Ia": (0.8, 0.3), "II": (1.0, 0.7), "III": (0.8, 1.1)}
"""Phase → (α, β)."""
FRACTION = 0.2
"""Of the critical rate; with 2α > 1 runs scatter widely nearer to it."""
RISK = "population_risk"


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Exact recursion against runs in each phase, and against wrong ones; see `CASE`."""
    d = size["d"]
    steps = np.unique(np.rint(np.geomspace(1, size["units"] * d, 40))).astype(int)
    times = np.concatenate(([0], steps)) / d
    datasets: dict[str, xr.Dataset] = {}
    checks, controls = [], []
    for phase, (alpha, beta) in PHASES.items():
        model = hsgd.PowerLawRandomFeatures(alpha, beta, v=4 * d, d=d)
        rows = model.given_weights(seed=0)
        rate = FRACTION * hsgd.critical_learning_rate(rows, method="hsgd")
        one = confront(
            rows,
            hsgd.StreamingSGD(rate),
            times,
            statistics=(RISK,),
            method="discrete",
            replicates=size["replicates"],
            seed=seed,
            discrepancy=0.0,
        )
        checks.append(one.check(f"phase {phase}: α = {alpha}, β = {beta}"))
        wrong = hsgd.StreamingSGD(1.3 * rate)
        controls.append(one.control(f"phase {phase}: learning rate 30% too high", wrong))
        controls.append(_other_target(one, model, rate, phase))
        datasets |= {f"{phase}_theory": one.theory, f"{phase}_comparison": one.comparison}
        say(f"phase {phase}: predicted, then {size['replicates']} runs of {steps[-1]} iterations")
    return Outcome((*checks, *controls), datasets)


def _other_target(
    one: Confrontation, model: hsgd.PowerLawRandomFeatures, rate: float, phase: str
) -> Check:
    """The recursion for a target whose exponent is 0.1 off."""
    other = hsgd.PowerLawRandomFeatures(model.alpha, model.beta + 0.1, model.v, model.d)
    wrong = predict(
        other.given_weights(seed=0),
        hsgd.StreamingSGD(rate),
        one.runs.time,
        statistics=(RISK,),
        method="discrete",
    )
    # It is another problem, which compare would refuse to hold against these runs.
    posing = wrong.assign_attrs(problem=one.theory.attrs["problem"])
    found = compare(posing, one.runs, discrepancy=0.0)
    return Check.of(f"phase {phase}: β 0.1 too large", found, control=True)


def draw(datasets: Datasets) -> Figure:
    """Population risk against iterations in each phase, on logarithmic axes."""
    figure = figures.new_figure(figures.WIDTH, 4.4)
    grid = figure.subplots(1, len(PHASES))
    for axes, (phase, (alpha, beta)) in zip(grid, PHASES.items(), strict=True):
        theory, found = datasets[f"{phase}_theory"], datasets[f"{phase}_comparison"]
        one = found.sel(statistic=RISK)
        iteration = theory.iteration.values
        axes.plot(
            iteration[1:], theory[RISK][1:], color=figures.THEORY, lw=2, label="exact recursion"
        )
        axes.errorbar(
            iteration[1::2],
            one.observed[1::2],
            yerr=2 * one.standard_error[1::2],
            fmt="o",
            color=figures.RUNS,
            mec="white",
            ms=5,
            capsize=2,
            zorder=3,
            label="mean of the runs ± 2 standard errors",
        )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("iteration")
        figures.plain_labels(axes)
        agrees = bool(found.attrs["agrees"])
        word = "agrees" if agrees else "REJECTED"
        figures.title(axes, f"phase {phase} (α = {alpha}, β = {beta}): {word}", agrees=agrees)
    grid[0].set_ylabel("population risk")
    handles = grid[0].get_legend_handles_labels()
    figures.finish(figure, "Power-law random features: three phases", *handles)
    return figure


CASE = Case(
    name="phases",
    question="Is the recursion for power-law random features the mean of SGD, in three phases?",
    right="dots on the line in all three panels, over all decades of iterations",
    wrong="dots that leave the line by more than their bars, early or late",
    sizes={
        "small": {"d": 100, "units": 40, "replicates": 512},
        "full": {"d": 400, "units": 50, "replicates": 512},
    },
    run=run,
    draw=draw,
)
