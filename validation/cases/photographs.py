"""Photograph patches: which of two photographs is a patch from, on held-out regions of both.

The laptop-sized analogue of the experiments on CIFAR in arXiv:2205.07069: random ReLU features of
patches, each without its mean colour; training and held-out risk of multi-pass SGD as the number
of patches grows. The held-out pool stands for the population.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import hsgd
from validation import figures
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import HalfDropped, confront, stacked
from validation.data import photograph_patches
from validation.features import random_features

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIM = "num_rows"
RIDGE = 0.1
FRACTION = 0.2
DATA_SEED = 0


def make_problem(n: int, n_test: int, d: int, *, remove_mean: bool = True) -> hsgd.LeastSquares:
    """Random ReLU features of patches; train and test from disjoint squares of the photographs."""
    split = photograph_patches(n, n_test, remove_mean=remove_mean, seed=DATA_SEED)
    A, A_test = random_features(split.inputs, split.inputs_test, d, seed=DATA_SEED + 1)
    return hsgd.LeastSquares(
        A,
        split.targets,
        ridge=RIDGE,
        population=(A_test, split.targets_test),  # type: ignore[arg-type]
        preparation={"data": "photograph patches", "mean_removed": remove_mean},
    )


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Theory against runs at each number of patches; see `CASE`."""
    times = size["epochs"] * np.linspace(0.0, 1.0, 41) ** 2
    found, checks, numbers = {}, [], []
    for power in range(3):
        n = size["n"] * 2**power
        problem = make_problem(n, size["n_test"], size["d"])
        rate = FRACTION * hsgd.critical_learning_rate(problem)
        diagnosis = hsgd.diagnose(problem, hsgd.SGD(rate))
        checks.append(_applies(diagnosis.attrs["verdict"], diagnosis.attrs["concern"], n))
        one = confront(problem, hsgd.SGD(rate), times, replicates=size["replicates"], seed=seed)
        found[float(n)] = one
        checks.append(one.check(f"n = {n}"))
        numbers.append(Number(f"held-out over training risk at the end, n = {n}", _gap(one.theory)))
        say(f"n = {n}, d = {size['d']}: diagnosed, predicted, then {size['replicates']} runs")
    checks.append(one.control(f"the ½ dropped in the noise, n = {n}", HalfDropped(rate)))
    checks.append(one.control(f"learning rate 40% too high, n = {n}", hsgd.SGD(1.4 * rate)))
    return Outcome(tuple(checks), stacked(found, DIM, "number of patches"), tuple(numbers))


def _applies(verdict: str, concern: str, n: int) -> Check:
    word = "REJECTED" if concern else "agrees"
    label = f"diagnose, before any run, says that the theory applies: n = {n}"
    return Check(label, f"{word}: {verdict}", agrees=not concern)


def _gap(theory: object) -> float:
    return float(theory.population_risk[-1] / theory.empirical_risk[-1])  # type: ignore[attr-defined]


def draw(datasets: Datasets) -> Figure:
    """Training and held-out risk (rows) at each number of patches (columns)."""
    return figures.columns(
        datasets,
        DIM,
        lambda n: f"{n:.0f} patches",
        {
            "empirical_risk": "training risk\n" r"$|Ax-b|^2/2n$",
            "population_risk": "risk on held-out patches\n" r"$E\,(a\cdot x-b)^2/2$",
        },
        "Which photograph is this patch from? A fifth of the critical learning rate",
    )


CASE = Case(
    name="photographs",
    question="On patches of photographs, are training and held-out risk what the theory says?",
    right="dots on the blue line for every number of patches, the two risks closer as it grows",
    wrong="dots beside the line by more than their bars",
    sizes={
        "small": {"n": 2000, "n_test": 1000, "d": 250, "epochs": 10, "replicates": 64},
        "full": {"n": 2000, "n_test": 8000, "d": 1000, "epochs": 20, "replicates": 96},
    },
    run=run,
    draw=draw,
    needs=("sklearn", "PIL"),
)
