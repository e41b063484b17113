"""Near critical on real data: where the theory is off at finite n, and the exact mean is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import hsgd
import simulate
from validation import figures
from validation.cases import quickstart
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import predict
from validation.comparison import compare
from validation.stacking import stack

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DIM = "fraction_of_critical"
HALF = 0.5
TOLERANCE, EXCEEDED = 0.05, 0.15
"""Relative error that is accepted of the theory at half of critical, and the one that it must
exceed at the fraction nearest to critical."""
STATISTICS = ("empirical_risk", "population_risk")


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Theory, exact mean and runs at three learning rates; see `CASE`."""
    problem = quickstart.make_problem(size)
    critical = hsgd.critical_learning_rate(problem, method="hsgd")
    times = size["epochs"] * np.linspace(0.0, 1.0, 31) ** 2
    theory, exact, runs, comparison = {}, {}, {}, {}
    checks, numbers = [], []
    nearest = size["percent_of_critical"] / 100
    for fraction in (HALF, 0.5 * (HALF + nearest), nearest):
        sgd = hsgd.SGD(fraction * critical)
        theory[fraction] = predict(problem, sgd, times, statistics=STATISTICS)
        exact[fraction] = hsgd.exact_mean(problem, sgd, times, statistics=STATISTICS)
        runs[fraction] = simulate.sgd(
            problem,
            sgd,
            times,
            statistics=STATISTICS,
            num_replicates=size["replicates"],
            seed=seed,
            progress=False,
        )
        comparison[fraction] = compare(exact[fraction], runs[fraction])
        checks.append(
            Check.of(f"runs against the exact mean at {fraction:g}", comparison[fraction])
        )
        ratio = exact[fraction].empirical_risk / theory[fraction].empirical_risk
        number = Number(
            f"exact mean over theory at the end, {fraction:g} of critical", float(ratio[-1])
        )
        numbers.append(number)
        say(f"{fraction:g} of critical: {size['replicates']} runs; {number}")
    checks += _theory_alone(theory, exact)
    wrong = hsgd.exact_mean(problem, hsgd.SGD(0.53 * critical), times, statistics=STATISTICS)
    found = compare(wrong, runs[0.5], same_algorithm=False)
    checks.append(Check.of("exact mean at a learning rate 6% too high", found, control=True))

    def along(parts: dict[float, xr.Dataset]) -> xr.Dataset:
        return stack(list(parts.values()), DIM, list(parts), "learning rate / critical")

    datasets = {
        "theory": along(theory),
        "exact": along(exact),
        "simulation": along(runs),
        "comparison": along(comparison),
    }
    return Outcome(tuple(checks), datasets, tuple(numbers))


def _theory_alone(theory: dict[float, xr.Dataset], exact: dict[float, xr.Dataset]) -> list[Check]:
    """The theory against the exact mean: right at half of critical, off at the last fraction."""
    nearest = max(theory)
    half = compare(theory[HALF], exact[HALF], discrepancy=TOLERANCE)
    near = compare(theory[nearest], exact[nearest], discrepancy=EXCEEDED)
    return [
        Check.of(f"theory within {TOLERANCE:.0%} of the exact mean at {HALF:g}", half),
        Check.of(
            f"theory within {EXCEEDED:.0%} of the exact mean at {nearest:g}", near, expected=False
        ),
    ]


def draw(datasets: Datasets) -> Figure:
    """Training risk at each learning rate: theory, exact mean, runs."""
    figure = figures.new_figure(figures.WIDTH, 4.6)
    fractions = [float(value) for value in datasets["theory"][DIM].values]
    grid = figure.subplots(1, len(fractions), sharey=True)
    for axes, fraction in zip(grid, fractions, strict=True):
        _draw_one(axes, {name: data.sel({DIM: fraction}) for name, data in datasets.items()})
        last = datasets["exact"].sel({DIM: fraction}).empirical_risk[-1]
        off = float(last / datasets["theory"].sel({DIM: fraction}).empirical_risk[-1]) - 1
        words = f"exact mean ends {off:+.0%} off the theory"
        figures.title(axes, f"{fraction:g} of critical\n{words}")
        axes.set_xlabel("passes over the data (square-root axis)")
    grid[0].set_ylabel("training risk\n" r"$|Ax-b|^2/2n$")
    handles = grid[0].get_legend_handles_labels()
    figures.finish(
        figure,
        "Digits: near critical the theory is off at this n, and the exact mean is not",
        *handles,
    )
    return figure


def _draw_one(axes: Axes, data: Datasets) -> None:
    time = data["theory"].time.values
    found = data["comparison"].sel(statistic="empirical_risk")
    axes.plot(time, data["theory"].empirical_risk, color=figures.THEORY, lw=2, label="theory")
    axes.plot(time, data["exact"].empirical_risk, color=figures.SECOND, lw=2, label="exact mean")
    figures.dots(axes, found)
    figures.passes(axes, time[-1])
    axes.set_yscale("log")
    figures.plain_labels(axes)


CASE = Case(
    name="near-critical",
    question="Near critical the theory is off at finite n: is the exact mean right there?",
    right="orange dots on the green line (exact mean) everywhere; the blue line (theory) coincides "
    "with it at 0.5 of critical and stays visibly below it near critical",
    wrong="dots beside the green line at any learning rate",
    sizes={
        "small": {"n": 300, "d": 100, "epochs": 6, "replicates": 400, "percent_of_critical": 80},
        "full": {"n": 1200, "d": 400, "epochs": 16, "replicates": 2000, "percent_of_critical": 95},
    },
    run=run,
    draw=draw,
    needs=("sklearn",),
)
