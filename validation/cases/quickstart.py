"""Quickstart: real images, a curve predicted without running SGD, and the runs that confirm it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import hsgd
from validation import figures
from validation.cases.base import Case, Datasets, Outcome, Say, Size
from validation.cases.confront import HalfDropped, confront, stacked
from validation.data import digits
from validation.features import random_features

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIM = "fraction_of_critical"
FRACTIONS = (0.25, 0.5, 0.8)
RIDGE = 0.01
DATA_SEED = 0
"""The data are the same for every seed of the runs."""
WRONG_RATES = {0.25: (0.5, 1.5), 0.5: (0.8, 1.2)}
"""Fraction of critical → factors by which the theory's learning rate is put wrong on purpose."""


def make_problem(size: Size) -> hsgd.LeastSquares:
    """Random ReLU features of handwritten digits; target even or odd; the rest held out."""
    split = digits(size["n"], seed=DATA_SEED)
    A, A_test = random_features(split.inputs, split.inputs_test, size["d"], seed=DATA_SEED + 1)
    return hsgd.LeastSquares(
        A,
        split.targets,
        ridge=RIDGE,
        population=(A_test, split.targets_test),
        preparation={"data": "scikit-learn digits, even or odd", "features": "random ReLU"},
    )


def make_times(epochs: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """61 times, dense at the start, where the curves fall fastest."""
    return epochs * np.linspace(0.0, 1.0, 61) ** 2


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Theory against runs at three learning rates; see `CASE`."""
    problem = make_problem(size)
    critical = hsgd.critical_learning_rate(problem, method="hsgd")
    held_out: Any = problem.population
    say(
        f"data: {problem.num_rows} handwritten digits, {problem.dimension} random features, "
        f"{len(held_out.b)} held out; critical learning rate {critical:.4g}"
    )
    times = make_times(size["epochs"])
    found, checks, controls = {}, [], []
    for fraction in FRACTIONS:
        rate = fraction * critical
        found[fraction] = confront(
            problem, hsgd.SGD(rate), times, replicates=size["replicates"], seed=seed
        )
        say(
            f"{fraction:g} of critical: predicted, then {size['replicates']} runs of "
            f"{size['epochs']} epochs"
        )
        checks.append(found[fraction].check(f"{fraction:g} of critical"))
        for label, wrong in _wrong(fraction, rate):
            controls.append(found[fraction].control(f"{label} at {fraction:g}", wrong))
    return Outcome((*checks, *controls), stacked(found, DIM, "learning rate / critical"))


def _wrong(fraction: float, rate: float) -> list[tuple[str, hsgd.SGD]]:
    """Theories that must be rejected at this learning rate."""
    if fraction not in WRONG_RATES:
        return []
    wrong: list[tuple[str, hsgd.SGD]] = [("the ½ dropped in the noise", HalfDropped(rate))]
    for factor in WRONG_RATES[fraction]:
        label = f"the learning rate {abs(factor - 1):.0%} too {'low' if factor < 1 else 'high'}"
        wrong.append((label, hsgd.SGD(factor * rate)))
    return wrong


def draw(datasets: Datasets) -> Figure:
    """One panel per risk (rows) and learning rate (columns); the verdict above each column."""
    return figures.columns(
        datasets,
        DIM,
        lambda fraction: f"{fraction:g} of critical",
        {
            "empirical_risk": "training risk\n" r"$|Ax-b|^2/2n$",
            "population_risk": "risk on held-out digits\n" r"$E\,(a\cdot x-b)^2/2$",
        },
        "SGD on handwritten digits, at three learning rates: the theory's prediction, and the runs",
    )


CASE = Case(
    name="quickstart",
    question="Does the risk curve that the theory predicts describe SGD on real images?",
    right="the runs' means lie on the theory's line at all three learning rates, on the training "
    "set and on held-out digits, clearly above gradient flow (dashed)",
    wrong="the dots leave the line by more than their bars and the few per cent that finite n "
    "allows, or lie on the dashed line",
    sizes={
        "small": {"n": 600, "d": 200, "epochs": 10, "replicates": 64},
        "full": {"n": 1200, "d": 400, "epochs": 20, "replicates": 256},
    },
    run=run,
    draw=draw,
    needs=("sklearn",),
)
