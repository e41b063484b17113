"""Photograph patches: which of two photographs is a patch from, on held-out regions of both.

The laptop-sized analogue of the experiments on CIFAR in arXiv:2205.07069: random ReLU features of
patches, each without its mean colour; training and held-out risk of multi-pass SGD as the number
of patches grows, and of streaming SGD. The pool of held-out patches stands for the population, so
streaming is SGD that draws from the pool: its training risk there is the risk on the pool here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import hsgd
from validation import figures
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import Confrontation, HalfDropped, confront, stacked
from validation.data import photograph_patches
from validation.features import random_features

if TYPE_CHECKING:
    import xarray as xr
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
        population=(A_test, split.targets_test),
        preparation={"data": "photograph patches", "mean_removed": remove_mean},
    )


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Theory against runs at each number of patches; see `CASE`."""
    times = size["epochs"] * np.linspace(0.0, 1.0, 41) ** 2
    found, checks, numbers = {}, [], []
    streams: dict[str, xr.Dataset] = {}
    for power in range(3):
        n = size["n"] * 2**power
        problem = make_problem(n, size["n_test"], size["d"])
        rate = FRACTION * hsgd.critical_learning_rate(problem, method="hsgd")
        diagnosis = hsgd.diagnose(problem, hsgd.SGD(rate))
        checks.append(_applies(diagnosis.attrs["verdict"], diagnosis.attrs["concern"], n))
        one = confront(problem, hsgd.SGD(rate), times, replicates=size["replicates"], seed=seed)
        found[float(n)] = one
        checks.append(one.check(f"n = {n}"))
        numbers.append(Number(f"held-out over training risk at the end, n = {n}", _gap(one.theory)))
        fresh = _streaming(problem, rate, one.theory.iteration.values, size["replicates"], seed)
        checks.append(fresh.check(f"streaming, at as many iterations as n = {n} takes"))
        streams |= {f"streaming_{n}_theory": fresh.theory, f"streaming_{n}": fresh.comparison}
        say(f"n = {n}, d = {size['d']}: diagnosed, predicted, then {size['replicates']} runs")
    checks.append(one.control(f"the ½ dropped in the noise, n = {n}", HalfDropped(rate)))
    checks.append(one.control(f"learning rate 40% too high, n = {n}", hsgd.SGD(1.4 * rate)))
    datasets = stacked(found, DIM, "number of patches") | streams
    return Outcome(tuple(checks), datasets, tuple(numbers))


def _streaming(
    problem: hsgd.LeastSquares, rate: float, iterations: Any, replicates: int, seed: int
) -> Confrontation:
    """SGD at the same rate and ridge per sample, each row drawn from the held-out pool."""
    pool: Any = problem.population
    per_sample = problem.ridge / problem.num_rows
    fresh = hsgd.LeastSquares(pool.A, pool.b, ridge=per_sample * len(pool.b))
    return confront(
        fresh,
        hsgd.SGD(rate),
        iterations / len(pool.b),
        statistics=("empirical_risk",),
        replicates=replicates,
        seed=seed,
    )


def _applies(verdict: str, concern: str, n: int) -> Check:
    word = "REJECTED" if concern else "agrees"
    label = f"diagnose, before any run, says that the theory applies: n = {n}"
    return Check(label, f"{word}: {verdict}", agrees=not concern)


def _gap(theory: xr.Dataset) -> float:
    return float(theory.population_risk[-1] / theory.empirical_risk[-1])


def draw(datasets: Datasets) -> Figure:
    """Training and held-out risk (rows) at each number of patches (columns)."""
    figure = figures.columns(
        datasets,
        DIM,
        lambda n: f"{n:.0f} patches",
        {
            "empirical_risk": "training risk\n" r"$|Ax-b|^2/2n$",
            "population_risk": "risk on held-out patches\n" r"$E\,(a\cdot x-b)^2/2$",
        },
        "Which photograph is this patch from? A fifth of the critical learning rate",
    )
    numbers = [int(n) for n in datasets["theory"][DIM].values]
    for axes, n in zip(figure.axes[len(numbers) :], numbers, strict=True):
        theory = datasets[f"streaming_{n}_theory"]
        one = datasets[f"streaming_{n}"].sel(statistic="empirical_risk")
        passes = theory.iteration / n
        axes.plot(passes, theory.empirical_risk, color=figures.SECOND, lw=1.8)
        axes.plot(passes[2::3], one.observed[2::3], "o", color=figures.SECOND, ms=4)
        axes.text(
            0.97,
            0.93,
            "green: fresh patches",
            color=figures.SECOND,
            ha="right",
            transform=axes.transAxes,
        )
    return figure


CASE = Case(
    name="photographs",
    question="On patches of photographs, are training, held-out and streaming risk what the theory "
    "says?",
    right="dots on the blue line for every number of patches; the held-out risk comes down to the "
    "green line and dots of streaming as the number grows",
    wrong="dots beside the line by more than their bars",
    sizes={
        "small": {"n": 1000, "n_test": 4000, "d": 250, "epochs": 10, "replicates": 64},
        "full": {"n": 2000, "n_test": 8000, "d": 1000, "epochs": 20, "replicates": 96},
    },
    run=run,
    draw=draw,
    needs=("sklearn", "PIL"),
)
