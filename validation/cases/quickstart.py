"""Quickstart: real images, a curve predicted without running SGD, and the runs that confirm it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import hsgd
import simulate
from hsgd import dataset
from validation.cases.base import Case, Check, Outcome, Say
from validation.comparison import compare
from validation.data import digits
from validation.features import random_features
from validation.members import stack

if TYPE_CHECKING:
    import xarray as xr

DIM = "fraction_of_critical"
FRACTIONS = (0.25, 0.5, 0.8)
STATISTICS = ("empirical_risk", "population_risk")
RIDGE = 0.01
DATA_SEED = 0
"""The data are the same for every seed of the runs."""
WRONG_RATES = {0.25: (0.5, 1.5), 0.5: (0.8, 1.2)}
"""Fraction of critical → factors by which the theory's learning rate is put wrong on purpose."""


@dataclass(frozen=True)
class HalfDropped(hsgd.SGD):
    """SGD for a theory that forgets the ½ of the loss in the noise: twice the noise, no more."""

    def noise_factor(self, n: float, batch_size: Any = None) -> float:
        """Twice the right one."""
        return 2.0 * float(super().noise_factor(n, batch_size))


def make_problem(size: Mapping[str, int]) -> hsgd.LeastSquares:
    """Random ReLU features of handwritten digits; target even or odd; the rest held out."""
    split = digits(size["n"], seed=DATA_SEED)
    A, A_test = random_features(split.inputs, split.inputs_test, size["d"], seed=DATA_SEED + 1)
    return hsgd.LeastSquares(
        A,
        split.targets,
        ridge=RIDGE,
        population=(A_test, split.targets_test),  # type: ignore[arg-type]
        preparation={"data": "scikit-learn digits, even or odd", "features": "random ReLU"},
    )


def make_times(epochs: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """61 times, dense at the start, where the curves fall fastest."""
    return epochs * np.linspace(0.0, 1.0, 61) ** 2


def run(size: Mapping[str, int], *, seed: int, out: Path | None, say: Say) -> Outcome:
    """Theory against runs at three learning rates; see `CASE`."""
    problem = make_problem(size)
    critical = hsgd.critical_learning_rate(problem)
    say(
        f"data: {problem.num_rows} handwritten digits, {problem.dimension} random features, "
        f"{len(problem.population.b)} held out; critical learning rate {critical:.4g}"  # type: ignore[union-attr]
    )
    times = make_times(size["epochs"])
    rates = {fraction: fraction * critical for fraction in FRACTIONS}
    theory = {}
    for fraction, rate in rates.items():
        theory[fraction] = predict(problem, hsgd.SGD(rate), times)
    say("theory: curves predicted, before any run of SGD")
    runs = {}
    for fraction, rate in rates.items():
        runs[fraction] = simulate.sgd(
            problem,
            hsgd.SGD(rate),
            times,
            statistics=STATISTICS,
            num_replicates=size["replicates"],
            seed=seed,
        )
        say(
            f"simulation: {size['replicates']} runs of {size['epochs']} epochs "
            f"at {fraction:g} of critical"
        )
    comparison = {fraction: compare(theory[fraction], runs[fraction]) for fraction in FRACTIONS}
    checks = [
        Check(f"{fraction:g} of critical", found.attrs["verdict"], bool(found.attrs["agrees"]))
        for fraction, found in comparison.items()
    ]
    checks += controls(problem, rates, runs)
    if out is None:
        return Outcome(tuple(checks))
    return Outcome(tuple(checks), write(out, theory, runs, comparison, say))


def predict(problem: hsgd.LeastSquares, algorithm: hsgd.SGD, times: object) -> xr.Dataset:
    """The theory; its warning near critical is part of the verdict's budget, so not repeated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return hsgd.predict(problem, algorithm, times, statistics=STATISTICS)


def controls(
    problem: hsgd.LeastSquares, rates: Mapping[float, float], runs: Mapping[float, xr.Dataset]
) -> list[Check]:
    """Wrong theories against the same runs: each must be rejected."""
    wrong: list[tuple[str, float, hsgd.SGD]] = []
    for fraction, factors in WRONG_RATES.items():
        rate = rates[fraction]
        wrong.append((f"the ½ dropped in the noise at {fraction:g}", fraction, HalfDropped(rate)))
        for factor in factors:
            label = f"the learning rate {abs(factor - 1):.0%} too {'low' if factor < 1 else 'high'}"
            wrong.append((f"{label} at {fraction:g}", fraction, hsgd.SGD(factor * rate)))
    checks = []
    for label, fraction, algorithm in wrong:
        theory = predict(problem, algorithm, runs[fraction].time)
        found = compare(theory, runs[fraction], same_algorithm=False)
        agrees = bool(found.attrs["agrees"])
        checks.append(Check(label, found.attrs["verdict"], agrees, expected=False))
    return checks


def write(
    out: Path,
    theory: Mapping[float, xr.Dataset],
    runs: Mapping[float, xr.Dataset],
    comparison: Mapping[float, xr.Dataset],
    say: Say,
) -> tuple[Path, ...]:
    """Three datasets, each with the dim `fraction_of_critical`, and the figure."""
    from validation.cases.quickstart_figure import draw

    written = []
    names = ("theory", "simulation", "comparison")
    for name, results in zip(names, (theory, runs, comparison), strict=True):
        whole = stack(list(results.values()), DIM, list(results), "learning rate / critical")
        written.append(dataset.save(whole, out / f"{name}.nc"))
    written.append(draw(theory, runs, comparison, out / "quickstart.png"))
    say("files: " + ", ".join(path.name for path in written))
    return tuple(written)


CASE = Case(
    name="quickstart",
    question="does the risk curve that the theory predicts describe SGD on real images?",
    right="the runs' means lie on the theory's line at all three learning rates, on the training "
    "set and on held-out digits, clearly above gradient flow (dashed)",
    wrong="the dots leave the line by more than their bars and the few per cent that finite n "
    "allows, or lie on the dashed line",
    sizes={
        "small": {"n": 600, "d": 200, "epochs": 10, "replicates": 64},
        "full": {"n": 1200, "d": 400, "epochs": 20, "replicates": 256},
    },
    needs=("sklearn", "matplotlib"),
    files=("theory.nc", "simulation.nc", "comparison.nc", "quickstart.png"),
    run=run,
)
