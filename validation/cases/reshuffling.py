"""Sampling without replacement: what practitioners do, and what this theory is not for."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import numpy as np

import hsgd
import simulate
from validation import figures
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import STATISTICS, Confrontation, confront, stacked
from validation.comparison import compare
from validation.data import coefficients

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIM = "sampling_code"
SAMPLINGS = {
    0.0: ("with_replacement", "rows drawn with replacement"),
    1.0: ("reshuffle", "a new order every epoch"),
    2.0: ("single_shuffle", "one order for ever"),
}
RATE, RIDGE, NOISE = 0.8, 0.1, 0.5


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """The theory of independent draws against three ways of drawing; see `CASE`."""
    n, d = size["n"], size["d"]
    beta = coefficients(d, scale=np.sqrt(d))
    rows = hsgd.GaussianRows(np.full(d, 1 / d), beta, NOISE, ridge=RIDGE / n)
    problem = rows.sample(n, seed=0)
    times = size["epochs"] * np.linspace(0.0, 1.0, 41) ** 2
    independent = confront(problem, hsgd.SGD(RATE), times, replicates=size["replicates"], seed=seed)
    found = {0.0: independent}
    checks = [independent.check(SAMPLINGS[0.0][1])]
    numbers = []
    for code in (1.0, 2.0):
        name, words = SAMPLINGS[code]
        found[code] = _other_sampling(independent, name, size["replicates"], seed)
        checks.append(found[code].check(words, expected=False))
        numbers.append(_ratio(found[code], words))
        say(f"{words}: {size['replicates']} runs; {numbers[-1]}")
    checks.append(_refusal(problem))
    wrong = independent.control("learning rate 25% too high", hsgd.SGD(1.25 * RATE))
    datasets = stacked(found, DIM, "0 with replacement, 1 reshuffle, 2 single shuffle")
    return Outcome((*checks, wrong), datasets, tuple(numbers))


def _other_sampling(
    independent: Confrontation, sampling: str, replicates: int, seed: int
) -> Confrontation:
    runs = simulate.sgd(
        independent.problem,
        hsgd.SGD(RATE, sampling=sampling),
        independent.theory.time,
        statistics=STATISTICS,
        num_replicates=replicates,
        seed=seed,
        progress=False,
    )
    found = compare(independent.theory, runs, same_algorithm=False)
    return Confrontation(independent.problem, independent.theory, runs, found)


def _ratio(found: Confrontation, words: str) -> Number:
    """Training risk over the theory's at the end."""
    last = found.comparison.sel(statistic="empirical_risk").isel(time=-1)
    scale = float(last.expected)
    return Number(
        f"training risk at the end over the theory's, {words}",
        float(last.observed) / scale,
        float(last.standard_error) / scale,
    )


def _refusal(problem: hsgd.LeastSquares) -> Check:
    """`predict` must say itself that it is not for this."""
    words = ""
    with contextlib.suppress(ValueError):
        hsgd.predict(problem, hsgd.SGD(RATE, sampling="reshuffle"), [0.0, 1.0], method="hsgd")
        words = "predict gave a curve without a word"
    return Check(
        "predict refuses sampling without replacement",
        f"REJECTED: {words}." if words else "agrees: it raises ValueError and says what to do.",
        agrees=not words,
    )


def draw(datasets: Datasets) -> Figure:
    """Both risks (rows) for each way of drawing (columns), against the theory of the first."""
    return figures.columns(
        datasets,
        DIM,
        lambda code: SAMPLINGS[code][1],
        {
            "empirical_risk": "training risk\n" r"$|Ax-b|^2/2n$",
            "population_risk": "population risk\n" r"$E\,(a\cdot x-b)^2/2$",
        },
        "The theory is for rows drawn with replacement; without, the training risk is lower",
    )


CASE = Case(
    name="reshuffling",
    question="Does a comparison notice that rows were drawn without replacement?",
    right="the dots of the first column lie on the line; those of the other two, sampled without "
    "replacement, lie clearly below it in the training risk, and the title says REJECTED",
    wrong="the second or third column is accepted, or the first is rejected",
    sizes={
        "small": {"n": 600, "d": 400, "epochs": 12, "replicates": 64},
        "full": {"n": 600, "d": 400, "epochs": 20, "replicates": 400},
    },
    run=run,
    draw=draw,
)
