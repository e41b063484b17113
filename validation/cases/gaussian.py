"""Gaussian rows, where the theory is at home: both risks, at three numbers of rows.

The experiment of arXiv:2205.07069 on multi-pass SGD: d = 2000, n = 2000, 3000, 5000, learning rate
0.8, ridge 0.01, label noise of standard deviation 0.2/√d against a signal a·β of 1/√d.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import hsgd
from validation import figures
from validation.cases.base import Case, Datasets, Outcome, Say, Size
from validation.cases.confront import DimensionForRows, HalfDropped, confront, stacked
from validation.data import coefficients

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIM = "rows_over_dimension"
RATIOS = (1.0, 1.5, 2.5)
RATE, RIDGE, NOISE = 0.8, 0.01, 0.2


def make_problem(d: int, ratio: float) -> hsgd.LeastSquares:
    """N = ratio·d rows N(0, I/d), coefficients of norm about 1."""
    n = round(ratio * d)
    noise = NOISE / np.sqrt(d)
    rows = hsgd.GaussianRows(np.full(d, 1 / d), coefficients(d), noise, ridge=RIDGE / n)
    return rows.sample(n, seed=n)


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Theory against runs at each number of rows, and against wrong theories; see `CASE`."""
    d = size["d"]
    times = size["epochs"] * np.linspace(0.0, 1.0, 41) ** 2
    found, checks, controls = {}, [], []
    for ratio in RATIOS:
        problem = make_problem(d, ratio)
        one = confront(problem, hsgd.SGD(RATE), times, replicates=size["replicates"], seed=seed)
        say(f"n = {problem.num_rows}, d = {d}: predicted, then {size['replicates']} runs")
        found[ratio] = one
        label = f"n = {problem.num_rows}"
        checks.append(one.check(label))
        controls.append(one.control(f"the ½ dropped in the noise, {label}", HalfDropped(RATE)))
        controls.append(one.control(f"learning rate 25% too high, {label}", hsgd.SGD(1.25 * RATE)))
        if ratio != 1.0:
            wrong = DimensionForRows(RATE, dimension=d)
            controls.append(one.control(f"1/d for 1/n in the kernel, {label}", wrong))
    return Outcome((*checks, *controls), stacked(found, DIM, "rows / dimension"))


def draw(datasets: Datasets) -> Figure:
    """Training and population risk (rows) at each number of rows (columns)."""
    return figures.columns(
        datasets,
        DIM,
        lambda ratio: f"n = {ratio:g} d",
        {
            "empirical_risk": "training risk\n" r"$|Ax-b|^2/2n$",
            "population_risk": "population risk\n" r"$E\,(a\cdot x-b)^2/2$",
        },
        "SGD on Gaussian rows: learning rate 0.8, ridge 0.01, label noise 0.2 of the signal",
    )


CASE = Case(
    name="gaussian",
    question="On Gaussian rows, are training and population risk what the theory says?",
    right="dots on the blue line in all six panels, the two risks parting as the rows are fitted",
    wrong="dots beside the line by more than their bars, for one number of rows or at late times",
    sizes={
        "small": {"d": 300, "epochs": 20, "replicates": 64},
        "full": {"d": 2000, "epochs": 20, "replicates": 64},
    },
    run=run,
    draw=draw,
)
