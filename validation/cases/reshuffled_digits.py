"""Digits as people train on them: reshuffled, and with momentum.

The last layer alone, on random ReLU features; training risk, and risk on digits that were held out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import hsgd
from validation import figures
from validation.cases.base import Case, Datasets, Outcome, Say, Size
from validation.cases.confront import Confrontation, confront, stacked
from validation.data import digits
from validation.features import random_features

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIM = "setting"
RATE = 0.3
"""Of a row of mean squared norm one, in the end."""
SETTINGS: dict[str, hsgd.SGD | hsgd.HeavyBall] = {
    "a new order in every pass": hsgd.SGD(RATE, sampling="reshuffle"),
    "one order for ever": hsgd.SGD(RATE, sampling="single_shuffle"),
    "new orders, momentum 0.9": hsgd.HeavyBall(0.1 * RATE, 0.9, sampling="reshuffle"),
}


def make_problem(n: int, d: int) -> hsgd.LeastSquares:
    """Centred features of digits, rows of mean squared norm one."""
    split = digits(n, seed=0)
    A, A_test = random_features(split.inputs, split.inputs_test, d, seed=1)
    scale = np.sqrt(n / np.sum(A**2))
    held_out = scale * A_test, split.targets_test
    return hsgd.LeastSquares(scale * A, split.targets, ridge=0.1, population=held_out)


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """The fitted mean field against runs in each setting; see `CASE`."""
    problem = make_problem(size["n"], size["d"])
    found: dict[float, Confrontation] = {}
    checks = []
    times = size["epochs"] * np.linspace(0.0, 1.0, 33) ** 2
    for code, (words, algorithm) in enumerate(SETTINGS.items()):
        one = confront(
            problem, algorithm, times, replicates=size["replicates"], seed=seed, method="auto"
        )
        found[float(code)] = one
        checks.append(one.check(words))
        say(f"{words}: predicted, then {size['replicates']} runs")
    halved = hsgd.SGD(0.5 * RATE, sampling="reshuffle")
    checks.append(found[0.0].control("learning rate halved", halved))
    forgotten = hsgd.SGD(0.1 * RATE, sampling="reshuffle")
    checks.append(found[2.0].control("momentum forgotten", forgotten))
    return Outcome(tuple(checks), stacked(found, DIM, "order and momentum"), ())


def draw(datasets: Datasets) -> Figure:
    """Both risks (rows) in each setting (columns)."""
    return figures.columns(
        datasets,
        DIM,
        lambda code: list(SETTINGS)[int(code)],
        {
            "empirical_risk": "training risk\n" r"$|Ax-b|^2/2n$",
            "population_risk": "risk on held-out digits\n" r"$E\,(a\cdot x-b)^2/2$",
        },
        "Digits, reshuffled: the same rate in the end, with momentum and without",
    )


CASE = Case(
    name="reshuffled_digits",
    question="On features of digits, are reshuffled rows, and momentum on them, what the fitted "
    "mean field says?",
    right="in all panels the dots lie on the line, and the title says agrees",
    wrong="a column is rejected, or a control is accepted",
    sizes={
        "small": {"n": 300, "d": 200, "epochs": 6, "replicates": 48},
        "full": {"n": 1000, "d": 600, "epochs": 16, "replicates": 200},
    },
    run=run,
    draw=draw,
)
