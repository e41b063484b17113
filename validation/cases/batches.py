"""Batch saturation: a larger batch saves iterations up to tr H/λ_max, and no further.

Up to there the noise limits the learning rate, which may grow with the batch; beyond it the
curvature does. Steps are no longer small there, so the theory is the one of finite steps
(`method="discrete"`), and homogenized SGD itself is the control.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

import hsgd
from hsgd.checks import Array
from validation import figures
from validation.cases.arrival import arrival
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import Confrontation, confront, predict
from validation.cases.tables import table
from validation.comparison import compare
from validation.data import coefficients, rows_with_spectrum
from validation.slopes import convergence

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KNEE = 16.0
"""tr H/λ_max of the rows."""
BATCHES = (1, 2, 4, 16, 64, 128)
FINE = (1, 2, 4, 6, 8, 11, 16, 23, 32, 48, 64, 128)
"""Batch sizes of the theory's line."""
TOLERANCE = 0.03
TOP_SHARE = 0.3
"""Of the starting risk, in the direction of λ_max: large steps are seen there."""
FRACTION = 0.3
RISK = "empirical_risk"


def make_problem(n: int, d: int) -> hsgd.LeastSquares:
    """Eigenvalues between 1 and 3, but one that makes tr H/λ_max the wanted knee; no noise."""
    spectrum = np.linspace(3.0, 1.0, d)
    spectrum[0] = spectrum[1:].sum() / (KNEE - 1.0)
    spectrum *= n / spectrum.sum()
    A, directions = rows_with_spectrum(spectrum, n, seed=0)
    start = coefficients(d, np.sqrt(d))
    start[0] = np.sqrt(TOP_SHARE / (1.0 - TOP_SHARE) * np.sum(start[1:] ** 2))
    beta = directions @ (start / np.sqrt(spectrum))
    return hsgd.LeastSquares(A, A @ beta)


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Iterations to a tolerance against the batch size, all at 0.3 of critical; see `CASE`."""
    problem = make_problem(size["n"], size["d"])
    spectrum = problem.svd.singular_values**2
    knee = float(spectrum.sum() / spectrum[0])
    line = [_arrival_of_theory(problem, batch) for batch in FINE]
    say(f"tr H/λ_max = {knee:.1f}: iterations predicted for {len(FINE)} batch sizes")
    checks, counts, found = [], [], {}
    for batch in BATCHES:
        times = _times(problem, batch)
        found[batch] = one = confront(
            problem,
            _algorithm(problem, batch),
            times,
            statistics=(RISK,),
            method="discrete",
            replicates=size["replicates"],
            seed=seed,
        )
        checks.append(one.check(f"batch {batch}"))
        mean = one.comparison.observed.sel(statistic=RISK).values
        counts.append(arrival(mean, one.theory.iteration.values, TOLERANCE))
        say(f"batch {batch}: {size['replicates']} runs, {counts[-1]:.0f} iterations")
    slopes, slope_checks = _slopes(line, knee)
    controls = [_homogenized(found[BATCHES[-1]]), _wrong_batch(found[4])]
    data = table(
        "iterations to the tolerance",
        {
            "theory": (("batch_fine",), line, "iterations, theory"),
            "runs": (("batch_size",), counts, "iterations, mean of the runs"),
            "knee": ((), knee, "tr H/largest eigenvalue"),
        },
        {"batch_fine": FINE, "batch_size": BATCHES},
    )
    datasets = {"iterations": data}
    for batch, one in found.items():
        datasets |= {
            f"batch_{batch}_theory": one.theory,
            f"batch_{batch}_comparison": one.comparison,
        }
    return Outcome((*checks, *slope_checks, *controls), datasets, tuple(slopes))


def _algorithm(problem: hsgd.LeastSquares, batch: int) -> hsgd.SGD:
    rate = FRACTION * hsgd.critical_learning_rate(problem, batch_size=batch, method="hsgd")
    return hsgd.SGD(rate, batch_size=batch)


def _times(problem: hsgd.LeastSquares, batch: int) -> Array:
    """Up to a little beyond the arrival that the theory predicts, on whole iterations."""
    last = 1.3 * _arrival_of_theory(problem, batch)
    steps = np.unique(np.rint(np.linspace(0.0, last, 41)))
    return np.asarray(steps / problem.num_rows)


def _arrival_of_theory(problem: hsgd.LeastSquares, batch: int) -> float:
    n = problem.num_rows
    steps = np.unique(np.rint(np.concatenate(([0], np.geomspace(1, 60 * n / min(batch, 8), 400)))))
    algorithm = _algorithm(problem, batch)
    curve = predict(problem, algorithm, steps / n, statistics=(RISK,), method="discrete")
    return arrival(curve[RISK].values, curve.iteration.values, TOLERANCE)


def _slopes(line: list[float], knee: float) -> tuple[list[Number], list[Check]]:
    """Log-log slopes well below and well above the knee."""
    sizes, counts = np.array(FINE, float), np.array(line)
    below, above = sizes <= knee / 2, sizes >= 2 * knee
    fits = [convergence(counts[part], sizes[part]) for part in (below, above)]
    numbers = [
        Number(
            f"slope of iterations against batch size, {word} the knee",
            fit.slope,
            fit.standard_error,
        )
        for word, fit in zip(("below", "above"), fits, strict=True)
    ]
    return numbers, [
        Check.within(
            "below the knee twice the batch saves half the iterations", numbers[0], -1.1, -0.85
        ),
        Check.within("above it nothing is saved", numbers[1], -0.15, 0.05),
        Check.within(
            "above the knee still half the iterations", numbers[1], -1.1, -0.85, control=True
        ),
    ]


def _homogenized(one: Confrontation) -> Check:
    """The limit of small steps, where steps are not small."""
    algorithm = _algorithm(one.problem, BATCHES[-1])
    theory = predict(one.problem, algorithm, one.runs.time, statistics=(RISK,), method="hsgd")
    found = compare(theory, one.runs, discrepancy=0.0)
    return Check.of(f"small steps assumed at batch {BATCHES[-1]}", found, control=True)


def _wrong_batch(one: Confrontation) -> Check:
    """A theory with the noise of another batch size."""
    rate = float(one.theory.learning_rate[0])
    return one.control("batch 4 taken for batch 3", hsgd.SGD(rate, batch_size=3))


def draw(datasets: Datasets) -> Figure:
    """Iterations to the tolerance against the batch size; curves of three sizes."""
    figure = figures.new_figure(figures.WIDTH, 4.8)
    left, right = figure.subplots(1, 2)
    data = datasets["iterations"]
    knee = float(data.knee)
    left.plot(
        data.batch_fine, data.theory, color=figures.THEORY, lw=2, label="theory, finite steps"
    )
    left.plot(
        data.batch_size,
        data.runs,
        "o",
        color=figures.RUNS,
        ms=7,
        mec="white",
        label="mean of the runs",
    )
    first = float(data.theory[0])
    left.plot(
        data.batch_fine,
        first / data.batch_fine,
        "--",
        color=figures.FLOW,
        label="perfect scaling, 1/B",
    )
    left.axvline(knee, color=figures.INK, lw=1, ls=":")
    left.text(1.08 * knee, first, "tr H / λ_max", va="top")
    left.set_xscale("log", base=2)
    left.set_yscale("log")
    left.set_ylim(0.3 * float(data.theory.min()), 1.6 * first)
    left.xaxis.set_major_formatter("{x:g}")
    left.set_xlabel("batch size B")
    left.set_ylabel(f"iterations to {TOLERANCE:g} of the starting risk")
    left.legend(frameon=False, loc="lower left")
    figures.plain_labels(left)
    colours = (figures.SECOND, figures.THEORY, figures.THIRD, figures.RUNS)
    for batch, colour in zip((1, 4, 16, 128), colours, strict=True):
        theory = datasets[f"batch_{batch}_theory"]
        one = datasets[f"batch_{batch}_comparison"].sel(statistic=RISK)
        x = theory.iteration.values
        curve = theory[RISK] / theory[RISK][0]
        right.plot(x[1:], curve[1:], color=colour, lw=1.8, label=f"B = {batch}")
        right.plot(x[1::3], (one.observed / one.observed[0])[1::3], "o", ms=4, color=colour)
    right.axhline(TOLERANCE, color=figures.INK, lw=1, ls=":")
    right.set_xscale("log")
    right.set_yscale("log")
    right.set_xlabel("iteration")
    right.set_ylabel("training risk / start")
    right.legend(frameon=False)
    figures.title(left, "larger batches help up to the knee")
    figures.title(right, "line: theory, dots: mean of the runs")
    figures.finish(figure, "Batch saturation")
    return figure


CASE = Case(
    name="batches",
    question="Up to which batch size do larger batches save iterations?",
    right="orange dots on the blue line, which follows the dashed 1/B up to the dotted knee and is "
    "flat beyond it",
    wrong="the dots keep falling beyond the knee, flatten well before it, or leave the line",
    sizes={
        "small": {"n": 1000, "d": 300, "replicates": 64},
        "full": {"n": 2000, "d": 600, "replicates": 64},
    },
    run=run,
    draw=draw,
)
