"""Finite n: the theory is a limit, and its distance from the exact mean falls like 1/n.

Nothing here is random but the rows: theory and exact mean are both computed, and averaged over
draws of the rows. The exact mean shares no formula with the theory.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import hsgd
from hsgd.checks import Array
from validation import figures
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import predict
from validation.cases.tables import table
from validation.data import coefficients
from validation.slopes import Convergence, convergence

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

RATE, RIDGE, NOISE = 0.8, 0.1, 0.5
STANDARD_ERRORS = 2.5


@dataclass(frozen=True)
class FivePercentOff(hsgd.SGD):
    """For a theory whose noise is wrong by 5%: an error that no n takes away."""

    def noise_factor(self, n: float, batch_size: Any = None) -> Any:
        """1.05 times the right one."""
        return 1.05 * super().noise_factor(n, batch_size)


def make_problem(d: int, seed: int) -> hsgd.LeastSquares:
    """2d rows N(0, I/d), noisy labels."""
    rows = hsgd.GaussianRows(
        np.full(d, 1 / d), coefficients(d, np.sqrt(d), seed), NOISE, ridge=RIDGE / (2 * d)
    )
    return rows.sample(2 * d, seed=10_000 + seed)


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Largest relative error of the theory at each size, and its slope; see `CASE`."""
    dimensions = [30 * 2**k for k in range(size["doublings"] + 1)]
    draws, times = size["replicates"], np.arange(1.0, size["epochs"] + 1.0)
    errors, wrong, budgets = (np.empty((len(dimensions), draws)) for _ in range(3))
    for row, d in enumerate(dimensions):
        for draw_number in range(draws):
            problem = make_problem(d, 1000 * seed + draw_number)
            options: Any = {"statistics": "empirical_risk", "rtol": 1e-5}
            truth = hsgd.exact_mean(problem, hsgd.SGD(RATE), times, **options).empirical_risk
            right = predict(problem, hsgd.SGD(RATE), times, **options)
            off = predict(problem, FivePercentOff(RATE), times, **options)
            errors[row, draw_number] = abs(right.empirical_risk / truth - 1).max()
            wrong[row, draw_number] = abs(off.empirical_risk / truth - 1).max()
            budgets[row, draw_number] = right.empirical_risk_discrepancy.max()
        say(f"n = {2 * d}: mean error {errors[row].mean():.2%} over {draws} draws of the rows")
    rows = [2 * d for d in dimensions]
    fit, bad = convergence(errors, rows), convergence(wrong, rows)
    slope = Number("slope of the error against n", fit.slope, fit.standard_error)
    room = STANDARD_ERRORS * fit.standard_error
    checks = (
        Check.within("the error falls like 1/n", slope, -1 - room, -1 + room),
        Check.within(
            "the slope is known well enough", Number("its standard error", room / 2.5), 0, 0.2
        ),
        Check.within(
            "a theory with 5% too much noise",
            Number("slope", bad.slope, bad.standard_error),
            -1 - room,
            -1 + room,
            control=True,
        ),
    )
    last = Number(f"mean error at n = {rows[-1]}", fit.errors[-1], fit.error_spread[-1])
    ratio = Number("error to expect over true error, median", float(np.median(budgets / errors)))
    return Outcome(checks, {"errors": _labelled(rows, fit, bad, budgets)}, (slope, last, ratio))


def _labelled(rows: list[int], fit: Convergence, bad: Convergence, budgets: Array) -> xr.Dataset:
    return table(
        "error of homogenized SGD against the exact mean",
        {
            "error": (("rows",), fit.errors, "largest relative error, mean over draws"),
            "error_standard_error": (("rows",), fit.error_spread, "its standard error"),
            "line": (("rows",), fit.at(np.array(rows)), "fitted power"),
            "expected": (("rows",), budgets.mean(axis=1), "error that predict expects"),
            "wrong": (("rows",), bad.errors, "error of a theory with 5% too much noise"),
            "slope": ((), fit.slope, "slope"),
            "slope_standard_error": ((), fit.standard_error, "its standard error"),
        },
        {"rows": rows},
    )


def draw(datasets: Datasets) -> Figure:
    """Error against n, on logarithmic axes."""
    errors = datasets["errors"]
    figure = figures.new_figure(figures.WIDTH * 0.7, 4.8)
    axes = figure.subplots()
    n = errors.rows.values
    slope, spread = float(errors.slope), float(errors.slope_standard_error)
    axes.errorbar(
        n,
        errors.error,
        yerr=2 * errors.error_standard_error,
        fmt="o",
        color=figures.RUNS,
        capsize=3,
        label="theory against the exact mean",
    )
    axes.plot(n, errors.line, color=figures.RUNS, label=f"fitted slope {slope:.2f} ± {spread:.2f}")
    guide = float(errors.line[0]) * n[0] / n
    axes.plot(n, 0.6 * guide, "--", color=figures.FLOW, label="slope -1")
    axes.plot(
        n,
        errors.expected,
        "s",
        mfc="none",
        color=figures.THEORY,
        label="error that predict expects",
    )
    axes.plot(n, errors.wrong, "x-", color=figures.REJECTED, label="control: 5% too much noise")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xticks(n, [f"{one:g}" for one in n])
    axes.minorticks_off()
    figures.plain_labels(axes)
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.set_xlabel("rows n = 2d")
    axes.set_ylabel("largest relative error of the training risk")
    axes.legend(frameon=False)
    figures.finish(figure, "The theory's distance from SGD's exact mean falls like 1/n")
    return figure


CASE = Case(
    name="finite-size",
    question="Does the theory's error at finite n fall like 1/n?",
    right="the orange dots fall along the dashed slope -1, the control's red crosses level off",
    wrong="the orange dots level off too, or fall more slowly than the dashed line",
    sizes={
        "small": {"doublings": 2, "epochs": 4, "replicates": 24},
        "full": {"doublings": 3, "epochs": 8, "replicates": 32},
    },
    run=run,
    draw=draw,
)
