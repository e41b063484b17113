"""Symbolic formulas against numbers: point-mass spectra, for which everything is closed.

`hsgd.symbolic` and `hsgd.predict` share no code: critical learning rate, limits, rates and the
loss itself must be the same numbers on rows whose Hessian has exactly two different eigenvalues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import hsgd
from hsgd.checks import Array
from validation import figures
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import Confrontation, HalfDropped, confront, stacked
from validation.cases.tables import table
from validation.data import coefficients, rows_with_spectrum

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIM = "fraction_of_critical"
FRACTIONS = (0.1, 0.25, 0.5)
SMALL, LARGE = 1.0, 12.0
SHARE = 0.1
"""Of the directions the share that has the large eigenvalue."""
EXACT = 1e-9
"""Relative difference between a formula and a number: rounding."""


def make_problem(n: int, d: int) -> tuple[hsgd.LeastSquares, Array]:
    """Rows with two different eigenvalues, no noise; and x* in the eigenbasis."""
    large = round(SHARE * d)
    spectrum = np.repeat([SMALL, LARGE], [d - large, large]) * n / (SMALL * d)
    A, directions = rows_with_spectrum(spectrum, n, seed=0)
    beta = coefficients(d, np.sqrt(d))
    return hsgd.LeastSquares(A, A @ (directions @ beta)), beta


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Formulas, numbers and runs at three learning rates; see `CASE`."""
    problem, beta = make_problem(size["n"], size["d"])
    times = size["epochs"] * np.linspace(0.0, 1.0, 41) ** 2
    critical, checks = _critical(problem)
    found: dict[float, Confrontation] = {}
    curves = []
    for fraction in FRACTIONS:
        rate = fraction * critical
        one = confront(
            problem,
            hsgd.SGD(rate),
            times,
            replicates=size["replicates"],
            seed=seed,
            statistics=("empirical_risk",),
        )
        found[fraction] = one
        checks.append(one.check(f"runs at {fraction:g} of critical"))
        curve, more = _formula(problem, beta, rate, one, fraction)
        curves.append(curve)
        checks += more
        say(f"{fraction:g} of critical: formula, numbers, then {size['replicates']} runs")
    quarter = 0.25 * critical
    checks.append(found[0.25].control("runs: the ½ dropped in the noise", HalfDropped(quarter)))
    _, wrong = _formula(problem, beta, 1.01 * quarter, found[0.25], 0.25, control=True)
    checks += wrong
    datasets = stacked(found, DIM, "learning rate / critical")
    formula = table(
        "training risk from a formula",
        {"empirical_risk": ((DIM, "time"), curves, "training risk")},
        {DIM: list(FRACTIONS), "time": times},
    )
    datasets["formula"] = formula.assign_coords(iteration=found[0.25].theory.iteration.variable)
    return Outcome(tuple(checks), datasets, (Number("critical learning rate", critical),))


def _equation(problem: hsgd.LeastSquares, rate: float) -> Any:
    from hsgd.symbolic import PointMasses, VolterraEquation

    eigenvalues = problem.svd.singular_values**2
    large = int(np.sum(eigenvalues > eigenvalues.mean()))
    masses = PointMasses(
        (float(eigenvalues[-1]), float(eigenvalues[0])), (len(eigenvalues) - large, large)
    )
    return VolterraEquation(
        masses, learning_rate=rate, ridge=0, batch_size=1, num_rows=problem.num_rows
    )


def _critical(problem: hsgd.LeastSquares) -> tuple[float, list[Check]]:
    formula = float(_equation(problem, 1.0).critical_learning_rate)
    number = hsgd.critical_learning_rate(problem, method="hsgd")
    what = "formula and hsgd.critical_learning_rate"
    return formula, [Check.close("critical learning rate", number / formula - 1, EXACT, what)]


def _formula(
    problem: hsgd.LeastSquares,
    beta: Array,
    rate: float,
    one: Confrontation,
    fraction: float,
    *,
    control: bool = False,
) -> tuple[Array, list[Check]]:
    """The loss as a formula, and its rate, against `predict` and `limits`."""
    import sympy

    equation = _equation(problem, rate)
    split = len(beta) - round(SHARE * len(beta))
    signal = [float(np.sum(beta[:split] ** 2)), float(np.sum(beta[split:] ** 2))]
    t = sympy.Symbol("t", nonnegative=True)
    loss = sympy.lambdify(t, equation.loss(signal, noise=0, time=t))
    curve = np.asarray(loss(one.theory.iteration.values / problem.num_rows)) / problem.num_rows
    theory = one.theory.empirical_risk.values
    rate_of_theory = float(
        hsgd.limits(problem, _algorithm(one), statistics="empirical_risk", method="hsgd").rate
    )
    rate_formula = float(equation.rates[0])
    words = f"{fraction:g} of critical" + ", learning rate 1% off" * control
    return curve, [
        Check.close(
            f"loss, {words}",
            float(np.abs(curve / theory - 1).max()),
            EXACT,
            "formula and hsgd.predict",
            control=control,
        ),
        Check.close(
            f"rate, {words}",
            rate_formula / rate_of_theory - 1,
            EXACT,
            "formula and hsgd.limits",
            control=control,
        ),
    ]


def _algorithm(one: Confrontation) -> hsgd.SGD:
    return hsgd.SGD(float(one.theory.learning_rate[0]))


def draw(datasets: Datasets) -> Figure:
    """The formula as a line, the runs as dots, at three learning rates."""
    figure = figures.new_figure(figures.WIDTH * 0.75, 5.0)
    axes = figure.subplots()
    colours = (figures.SECOND, figures.THEORY, figures.THIRD)
    found, formula = datasets["comparison"], datasets["formula"]
    for fraction, colour in zip(found[DIM].values, colours, strict=True):
        curve = formula.empirical_risk.sel({DIM: fraction})
        axes.plot(curve.time, curve, color=colour, lw=2, label=f"formula, {fraction:g} of critical")
        one = found.sel({DIM: fraction, "statistic": "empirical_risk"})
        axes.errorbar(
            one.time[::2],
            one.observed[::2],
            yerr=2 * one.standard_error[::2],
            fmt="o",
            ms=5,
            color=colour,
            capsize=2,
        )
    axes.plot([], [], "o", color=figures.INK, label="mean of the runs ± 2 standard errors")
    axes.set_yscale("log")
    axes.set_xlabel("passes over the data")
    axes.set_ylabel("training risk")
    axes.legend(frameon=False)
    figures.finish(
        figure, "Two different eigenvalues: the loss as a formula in elementary functions"
    )
    return figure


CASE = Case(
    name="formulas",
    question="Are the symbolic formulas the numbers that predict, limits and SGD give?",
    right="dots on the lines, which are formulas; the verdicts give equality to rounding between "
    "formulas and numbers",
    wrong="dots beside the lines, or any difference above 1e-9 in the verdicts",
    sizes={
        "small": {"n": 600, "d": 200, "epochs": 5, "replicates": 64},
        "full": {"n": 2000, "d": 800, "epochs": 5, "replicates": 128},
    },
    run=run,
    draw=draw,
    needs=("sympy",),
)
