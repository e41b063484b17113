"""Homogenized SGD, the exact mean and 1,000 runs on handwritten digits, at three learning rates.

    python benchmarks/exact_mean_digits.py [--runs 1000] [--figure docs/exact_mean.png]

Training risk over 20 epochs, 400 random features of 1200 digits, ridge 0.01. How far the runs
and homogenized SGD are from the exact mean, and the figure of the docs. A few minutes.
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import xarray as xr
from _records import Figure, fixed, main

import hsgd
import simulate
from validation import data, figures
from validation.features import random_features

FRACTIONS = (0.5, 0.8, 0.95)
EPOCHS = np.arange(1, 21)
TIMES = np.unique(np.concatenate((20.0 * np.linspace(0, 1, 41) ** 2, EPOCHS)))


def digits() -> hsgd.LeastSquares:
    """The problem."""
    split = data.digits(1200, seed=0)
    features, _ = random_features(split.inputs, split.inputs_test, 400, seed=1)
    return hsgd.LeastSquares(features, split.targets, ridge=0.01)


def curves(problem: hsgd.LeastSquares, fraction: float, runs: int) -> dict[str, xr.DataArray]:
    """Theory, exact mean (with its error), mean of the runs and its standard error."""
    sgd = hsgd.SGD(fraction * hsgd.critical_learning_rate(problem, method="hsgd"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        theory = hsgd.predict(problem, sgd, TIMES, statistics="empirical_risk", method="hsgd")
    exact = hsgd.exact_mean(problem, sgd, TIMES, statistics="empirical_risk")
    many = simulate.sgd(
        problem,
        sgd,
        TIMES,
        statistics="empirical_risk",
        num_replicates=runs,
        seed=2026,
        engine="cpu",
    ).empirical_risk
    return {
        "theory": theory.empirical_risk,
        "exact": exact.empirical_risk,
        "error": exact.empirical_risk_error,
        "mean": many.mean("replicate"),
        "standard_error": many.std("replicate", ddof=1) / np.sqrt(runs),
    }


def figures_of(fraction: float, curve: dict[str, xr.DataArray]) -> Iterator[Figure]:
    """Both discrepancies at the ends of the epochs."""
    at = {name: values.sel(time=EPOCHS).values for name, values in curve.items()}
    runs, theory = at["mean"] / at["exact"], at["exact"] / at["theory"]
    score = np.abs(at["mean"] - at["exact"]) / at["standard_error"]
    standard_error = 100 * np.max(at["standard_error"] / at["exact"])
    found = {
        "runs over exact, least": fixed("", runs.min(), "×", ""),
        "runs over exact, most": fixed("", runs.max(), "×", ""),
        "standard error": fixed("", standard_error, "%"),
        "largest |z|": fixed("", score.max(), "", ""),
        "exact over HSGD, least": fixed("", theory.min(), "×", ""),
        "exact over HSGD, most": fixed("", theory.max(), "×", ""),
        "error": fixed("", np.max(at["error"] / at["exact"]), ""),
    }
    for name, figure in found.items():
        yield dataclasses.replace(figure, name=f"{fraction} of critical / {name}")


def draw(found: dict[float, dict[str, xr.DataArray]], runs: int, path: Path) -> None:
    """Above the risks, below their ratios to the exact mean."""
    figure = figures.new_figure(13.0, 7.0)
    grid = figure.subplots(2, len(found), sharex=True, sharey="row", height_ratios=(3, 2))
    for column, (fraction, curve) in enumerate(found.items()):
        above, below = grid[:, column]
        dots = {"color": figures.RUNS, "fmt": "o", "ms": 4, "lw": 1.2, "capsize": 2, "zorder": 3}
        mean, spread = curve["mean"][::3], 2 * curve["standard_error"][::3]
        exact = curve["exact"]
        for axes, unit in ((above, xr.ones_like(exact)), (below, exact)):
            axes.plot(TIMES, curve["theory"] / unit, color=figures.THEORY, lw=2, label="HSGD")
            axes.plot(TIMES, exact / unit, color="black", lw=1.5, label="exact mean")
            thin = unit[::3]
            axes.errorbar(
                mean.time,
                mean / thin,
                yerr=spread / thin,
                label=f"mean of {runs} runs ± 2 standard errors",
                **dots,
            )
            axes.grid(True, color="#DDDDDD", lw=0.6)
            axes.spines[["top", "right"]].set_visible(False)
        above.set_yscale("log")
        above.set_title(f"{fraction:g} of critical", fontweight="bold")
        below.set_xscale("function", functions=(lambda t: np.sqrt(np.maximum(t, 0)), np.square))
        below.set_xticks(
            [0, 0.25, 1, 2.5, 5, 10, 15, 20], ["0", "¼", "1", "2½", "5", "10", "15", "20"]
        )
        below.set_xlabel("passes over the data (square-root axis)")
    grid[0, 0].set_ylabel("training risk " r"$|Ax-b|^2/2n$")
    grid[1, 0].set_ylabel("ratio to the exact mean")
    figure.suptitle(
        "SGD on handwritten digits: the limit, the exact mean at n = 1200, and the runs"
    )
    handles, labels = grid[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figures.save(figure, path)


def measure(runs: int = 1000, figure: str = "") -> Iterator[Figure]:
    """At three learning rates; a figure, if a file is named for it."""
    problem = digits()
    found = {}
    for fraction in FRACTIONS:
        found[fraction] = curves(problem, fraction, runs)
        yield from figures_of(fraction, found[fraction])
    if figure:
        draw(found, runs, Path(figure))


if __name__ == "__main__":
    main(measure)
