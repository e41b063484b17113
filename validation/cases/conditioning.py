"""Implicit conditioning: a few large eigenvalues slow gradient descent down, and not SGD.

arXiv:2206.07252: to reach a tolerance SGD needs about κ̄ = (tr H/n)/λ_min passes over the data,
gradient descent κ = λ_max/λ_min, the best heavy ball √κ. Spikes raise κ and leave κ̄ nearly alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import hsgd
from hsgd.checks import Array
from validation import figures
from validation.cases.arrival import arrival
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import confront, stacked
from validation.cases.tables import table
from validation.data import coefficients, rows_with_spectrum
from validation.slopes import convergence

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DIM = "spike"
NUM_SPIKES = 4
"""As many large eigenvalues: one alone would not let single runs concentrate."""
TOLERANCE = 1e-3
"""Risk over starting risk at which an algorithm has arrived."""
FRACTION = 0.25


def spectrum(d: int, spike: float) -> Array:
    """Eigenvalues between 1 and 4, and a few equal to `spike`."""
    values = np.linspace(4.0, 1.0, d)
    values[:NUM_SPIKES] = spike
    return values


def make_problem(n: int, d: int, spike: float) -> hsgd.LeastSquares:
    """Rows of norm about one whose Hessian has exactly this spectrum (times a factor); no noise."""
    values = spectrum(d, spike)
    values *= n / values.sum()
    A, directions = rows_with_spectrum(values, n, seed=0)
    # Equal shares of the starting risk: it is the spectrum that is compared, not the start.
    beta = directions @ (coefficients(d) / np.sqrt(values))
    return hsgd.LeastSquares(A, A @ beta)


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Passes to the tolerance of three algorithms as the spikes grow; see `CASE`."""
    spikes = [8.0 * 4.0**k for k in range(size["spikes"])]
    times = _times(size["n"], size["d"], spikes[-1])
    found, passes, conditions = {}, [], []
    for spike in spikes:
        problem = make_problem(size["n"], size["d"], spike)
        found[spike] = one = confront(
            problem,
            _algorithm(problem),
            times,
            statistics=("empirical_risk",),
            replicates=size["replicates"],
            seed=seed,
        )
        eigenvalues = problem.svd.singular_values**2
        start = (problem.svd.left.T @ problem.b) ** 2
        theory, runs = one.theory.empirical_risk, one.runs.empirical_risk.mean("replicate")
        passes.append(
            (
                arrival(theory.values, one.theory.time.values, TOLERANCE),
                arrival(runs.values, one.theory.time.values, TOLERANCE),
                _gradient_descent(eigenvalues, start),
                _heavy_ball(eigenvalues, start),
            )
        )
        limits = hsgd.limits(problem, hsgd.SGD(0.1), statistics="empirical_risk", method="hsgd")
        conditions.append((float(limits.condition_number), float(limits.average_condition_number)))
        say(
            f"condition number {conditions[-1][0]:.0f} (average {conditions[-1][1]:.1f}): passes "
            "to the tolerance of SGD {1:.0f} (theory {0:.0f}), gradient descent {2:.0f}, heavy "
            "ball {3:.0f}".format(*passes[-1])
        )
    kappa, average = np.array(conditions).T
    checks, numbers = _scaling(np.array(passes), kappa, average)
    first = found[spikes[0]]
    checks += [
        one.check(f"SGD's curve, condition number {k:.0f}")
        for one, k in zip(found.values(), kappa, strict=True)
    ]
    rate = float(first.theory.learning_rate[0])
    checks.append(first.control("learning rate 20% too low", hsgd.SGD(0.8 * rate)))
    datasets = stacked(found, DIM, "large eigenvalues over the smallest")
    datasets["passes"] = table(
        "passes over the data to a thousandth of the starting risk",
        {
            "passes": (("spike", "algorithm"), passes, "passes over the data"),
            "condition_number": (("spike",), kappa, "largest over smallest eigenvalue"),
            "average_condition_number": (("spike",), average, "(tr H/n)/smallest eigenvalue"),
        },
        {"spike": spikes, "algorithm": ["SGD, theory", "SGD", "gradient descent", "heavy ball"]},
    )
    return Outcome(tuple(checks), datasets, tuple(numbers))


def _algorithm(problem: hsgd.LeastSquares) -> hsgd.SGD:
    return hsgd.SGD(FRACTION * hsgd.critical_learning_rate(problem, method="hsgd"))


def _times(n: int, d: int, spike: float) -> Array:
    """Long enough for SGD to arrive in spite of the largest spikes."""
    problem = make_problem(n, d, spike)
    rate = hsgd.limits(
        problem, _algorithm(problem), statistics="empirical_risk", method="hsgd"
    ).rate
    return np.linspace(0.0, 1.1 * np.log(1 / TOLERANCE) / float(rate), 61)


def _gradient_descent(eigenvalues: Array, start: Array) -> float:
    """Steps of gradient descent with its best constant step, run for real in the eigenbasis."""
    step = 2.0 / (eigenvalues.max() + eigenvalues.min())
    residuals, wanted, count = start.copy(), TOLERANCE * start.sum(), 0
    while residuals.sum() > wanted:
        residuals *= (1.0 - step * eigenvalues) ** 2
        count += 1
    return count


def _heavy_ball(eigenvalues: Array, start: Array) -> float:
    """Steps of heavy ball with Polyak's step and momentum, run for real in the eigenbasis."""
    low, high = np.sqrt(eigenvalues.min()), np.sqrt(eigenvalues.max())
    step, momentum = 4.0 / (high + low) ** 2, ((high - low) / (high + low)) ** 2
    now = before = np.sqrt(start)
    count = 0
    while (now**2).sum() > TOLERANCE * start.sum():
        now, before = now - step * eigenvalues * now + momentum * (now - before), now
        count += 1
    return count


def _scaling(passes: Array, kappa: Array, average: Array) -> tuple[list[Check], list[Number]]:
    """Slopes of the passes against κ; of SGD's against κ̄ the constant of proportion."""
    words = ("gradient descent", "heavy ball", "SGD")
    fits = [convergence(passes[:, column], kappa) for column in (2, 3, 1)]
    slopes = [
        Number(
            f"slope of passes against the condition number, {word}", fit.slope, fit.standard_error
        )
        for word, fit in zip(words, fits, strict=True)
    ]
    constant = passes[:, 1] / average
    spread = Number(
        "SGD's passes per average condition number, largest over smallest",
        constant.max() / constant.min(),
    )
    checks = [
        Check.within("gradient descent: order 1 in the condition number", slopes[0], 0.85, 1.15),
        Check.within("heavy ball: order 1/2 in the condition number", slopes[1], 0.4, 0.6),
        Check.within("SGD: proportional to the average condition number", spread, 1.0, 1.3),
        Check.within("SGD, order 1/2 in the condition number", slopes[2], 0.4, 0.6, control=True),
    ]
    return checks, [*slopes, spread]


def draw(datasets: Datasets) -> Figure:
    """Passes to the tolerance against κ; SGD's curves behind them."""
    figure = figures.new_figure(figures.WIDTH, 4.8)
    left, right = figure.subplots(1, 2)
    _draw_passes(left, datasets["passes"])
    colours = (figures.SECOND, figures.FLOW, figures.THEORY, figures.THIRD, figures.INK)
    for spike, colour in zip(datasets["theory"][DIM].values, colours, strict=False):
        curve = datasets["theory"].sel({DIM: spike}).empirical_risk
        mean = datasets["simulation"].sel({DIM: spike}).empirical_risk.mean("replicate")
        right.plot(curve.time, curve / curve[0], color=colour, lw=1.8)
        right.plot(mean.time[::3], (mean / mean[0])[::3], "o", ms=4, color=colour)
        right.plot([], [], "o-", color=colour, label=f"spikes of {spike:g}")
    right.axhline(TOLERANCE, color=figures.INK, lw=1, ls=":")
    right.set_yscale("log")
    right.set_xlabel("passes over the data")
    right.set_ylabel("training risk of SGD / start")
    right.legend(frameon=False, fontsize=9)
    figures.title(right, "SGD hardly notices the spikes (line: theory, dots: runs)")
    figures.finish(figure, "Implicit conditioning: spikes in the spectrum")
    return figure


def _draw_passes(axes: Axes, data: Any) -> None:
    kappa, average = data.condition_number.values, data.average_condition_number.values
    styles = {
        "gradient descent": ("s", figures.FLOW, kappa, r"$\kappa$"),
        "heavy ball": ("^", figures.SECOND, np.sqrt(kappa), r"$\sqrt{\kappa}$"),
        "SGD": ("o", figures.RUNS, average, r"$\bar\kappa$"),
    }
    for name, (marker, colour, order, words) in styles.items():
        count = data.passes.sel(algorithm=name).values
        axes.plot(kappa, count, marker, color=colour, ms=7, label=name)
        axes.plot(
            kappa,
            order * count[0] / order[0],
            "--",
            color=colour,
            lw=1,
            label=f"proportional to {words}",
        )
    theory = data.passes.sel(algorithm="SGD, theory")
    axes.plot(kappa, theory, color=figures.THEORY, lw=2, label="SGD, theory")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(r"condition number $\kappa$")
    axes.set_ylabel("passes to a thousandth of the starting risk")
    axes.legend(frameon=False, fontsize=9)
    figures.title(axes, "three algorithms, three orders")


CASE = Case(
    name="conditioning",
    question="Do large eigenvalues slow gradient descent down and leave SGD alone?",
    right="squares rise with slope 1, triangles with slope 1/2, SGD's orange dots stay on the blue "
    "line, which follows the average condition number and is nearly flat",
    wrong="the orange dots rise with the squares or the triangles, or leave the blue line",
    sizes={
        "small": {"n": 600, "d": 300, "spikes": 3, "replicates": 64},
        "full": {"n": 2000, "d": 1000, "spikes": 4, "replicates": 64},
    },
    run=run,
    draw=draw,
)
