"""SGD in the large: isotropic data in closed form, one hidden layer, learning rates up to critical.

The experiment of arXiv:2102.04396: n = 1000, d = 1200, learning rates γ_max/8, /4, /2, /1.2. The
closed form (`hsgd.isotropic`) has never seen the data and shares no code with `hsgd.predict`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import hsgd
from hsgd import isotropic
from hsgd.checks import Array
from validation import figures
from validation.cases.base import Case, Check, Datasets, Number, Outcome, Say, Size
from validation.cases.confront import HalfDropped, confront, predict, stacked
from validation.cases.tables import table
from validation.data import coefficients
from validation.verdict import percent

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DIM = "fraction_of_critical"
FRACTIONS = (1 / 8, 1 / 4, 1 / 2, 1 / 1.2)
RATIO = 1.2
SCAN_RATIO = 0.25
"""d/n at which the rate is scanned: there γ* and γ_max are far apart."""
NOISE = 0.3
CLOSED_FORM, RATES = 0.02, 0.1
"""Relative difference allowed between the closed form (n → ∞) and the theory on the rows."""
NUM_DRAWS = 8


def isotropic_problem(n: int, ratio: float, seed: int = 0) -> hsgd.LeastSquares:
    """Rows N(0, I/n), n of them, in ratio·n dimensions; noisy labels."""
    d = round(ratio * n)
    beta = coefficients(d, np.sqrt(n))
    return hsgd.GaussianRows(np.full(d, 1 / n), beta, NOISE).sample(n, seed=seed)


def features_problem(n: int) -> hsgd.LeastSquares:
    """One hidden layer of 1.2 n random ReLU features over Gaussian inputs."""
    inputs = hsgd.GaussianRows(np.full(n, 1 / n), coefficients(n, np.sqrt(n)), NOISE)
    return hsgd.RandomFeatures(inputs, round(RATIO * n), "relu").sample(n, seed=n)


def run(size: Size, *, seed: int, say: Say) -> Outcome:
    """Both kinds of data at four learning rates; the rate scanned; see `CASE`."""
    n = size["n"]
    times = size["epochs"] * np.linspace(0.0, 1.0, 41) ** 2
    datasets: dict[str, xr.Dataset] = {}
    checks: list[Check] = []
    controls: list[Check] = []
    typical, draws = _typical_draw(n, times)
    for kind, problem in (("isotropic", typical), ("features", features_problem(n))):
        critical = hsgd.critical_learning_rate(problem, method="hsgd")
        found = {
            fraction: confront(
                problem,
                hsgd.SGD(fraction * critical),
                times,
                replicates=size["replicates"],
                seed=seed,
                statistics=("empirical_risk",),
            )
            for fraction in FRACTIONS
        }
        checks += [one.check(f"{kind}, {f:.3g} of critical") for f, one in found.items()]
        rate = 0.5 * critical
        controls.append(found[0.5].control(f"{kind}: the ½ dropped at 0.5", HalfDropped(rate)))
        wrong = hsgd.SGD(1.2 * rate)
        controls.append(found[0.5].control(f"{kind}: learning rate 20% too high at 0.5", wrong))
        for name, data in stacked(found, DIM, "learning rate / critical").items():
            datasets[f"{kind}_{name}"] = data
        say(f"{kind}: predicted, then {size['replicates']} runs at each of 4 learning rates")
    datasets["closed_form"], formula_checks, formula_controls = _closed_form(draws, times)
    checks += formula_checks
    controls += formula_controls
    say(f"closed form: held against the theory's mean over {NUM_DRAWS} draws of the rows")
    datasets["rates"], rate_check = _rates(n)
    checks.append(rate_check)
    numbers = [
        Number(f"γ* at d/n = {r:g}", isotropic.transition_learning_rate(r))
        for r in (RATIO, SCAN_RATIO)
    ]
    return Outcome((*checks, *controls), datasets, tuple(numbers))


def _typical_draw(n: int, times: Array) -> tuple[hsgd.LeastSquares, list[hsgd.LeastSquares]]:
    """Of several draws of the rows the one whose theory is nearest to their mean; and all."""
    draws = [isotropic_problem(n, RATIO, seed) for seed in range(NUM_DRAWS)]
    curves = np.log(_theories(draws, FRACTIONS[1], times))
    distance = np.abs(curves - curves.mean(axis=0)).max(axis=1)
    return draws[int(distance.argmin())], draws


def _theories(draws: list[hsgd.LeastSquares], fraction: float, times: Array) -> Array:
    sgd = hsgd.SGD(fraction * isotropic.critical_learning_rate(RATIO))
    curves = [predict(one, sgd, times, statistics="empirical_risk") for one in draws]
    return np.array([curve.empirical_risk.values for curve in curves])


def _closed_form(
    draws: list[hsgd.LeastSquares], times: Array
) -> tuple[xr.Dataset, list[Check], list[Check]]:
    """The closed form against the theory's mean over draws of the rows."""
    n = draws[0].num_rows
    signal = float(np.sum(coefficients(round(RATIO * n), np.sqrt(n)) ** 2)) / n

    def formula(fraction: float, ratio: float) -> Array:
        rate = fraction * isotropic.critical_learning_rate(RATIO)
        return isotropic.empirical_risk(times, rate, ratio, signal=signal, noise=NOISE)

    checks: list[Check] = []
    controls: list[Check] = []
    for fraction in FRACTIONS:
        curves = _theories(draws, fraction, times)
        for ratio, kind in ((RATIO, checks), (1 / RATIO, controls)):
            label = (
                f"closed form{' with n/d for d/n' * (kind is controls)}, {fraction:.3g} of critical"
            )
            kind.append(_near(curves / formula(fraction, ratio) - 1.0, label, kind is controls))
    data = table(
        "closed form on isotropic data",
        {
            "empirical_risk": (
                (DIM, "time"),
                [formula(fraction, RATIO) for fraction in FRACTIONS],
                "training risk",
            )
        },
        {DIM: list(FRACTIONS), "time": times},
    )
    iteration = ("time", np.rint(times * n).astype(np.int64))
    return data.assign_coords(iteration=iteration), checks, controls


def _near(relative: Array, label: str, control: bool) -> Check:
    """Is the mean over draws (rows) of a relative difference small, at every time."""
    mean = np.abs(relative.mean(axis=0))
    allowed = CLOSED_FORM + 4 * relative.std(axis=0, ddof=1) / np.sqrt(len(relative))
    worst = int(np.argmax(mean - allowed))
    agrees = bool(mean[worst] <= allowed[worst])
    verdict = (
        f"{'agrees' if agrees else 'REJECTED'}: it and the theory's mean over {len(relative)} "
        f"draws of the rows differ by {percent(mean[worst])} where it matters most, of "
        f"{percent(allowed[worst])} that they may there: {percent(CLOSED_FORM)} and four standard "
        "errors."
    )
    return Check(label, verdict, agrees, control=control)


def _rates(n: int) -> tuple[xr.Dataset, Check]:
    """Exponential rate against the learning rate: closed form, and on drawn rows."""
    draws = [isotropic_problem(n, SCAN_RATIO, seed) for seed in range(NUM_DRAWS)]
    critical = isotropic.critical_learning_rate(SCAN_RATIO)
    fine = critical * np.linspace(0.01, 1.0, 100)
    coarse = critical * np.linspace(0.1, 0.95, 12)
    drawn = np.mean(
        [
            [
                hsgd.limits(one, hsgd.SGD(rate), statistics="empirical_risk", method="hsgd").rate
                for rate in coarse
            ]
            for one in draws
        ],
        axis=0,
    )
    expected = np.array([isotropic.rate(rate, SCAN_RATIO) for rate in coarse])
    error = float(np.abs(drawn / expected - 1.0)[coarse < 0.9 * critical].max())
    data = table(
        "exponential rate of approach",
        {
            "closed_form": (("rate_fine",), [isotropic.rate(x, SCAN_RATIO) for x in fine], "rate"),
            "on_rows": (("rate_coarse",), drawn, "mean rate on drawn rows"),
        },
        {"rate_fine": fine, "rate_coarse": coarse},
    )
    return data, Check.close(
        "rate against learning rate", error, RATES, "closed form and drawn rows"
    )


def draw(datasets: Datasets) -> Figure:
    """Curves on both kinds of data, and the rate against the learning rate."""
    figure = figures.new_figure(figures.WIDTH, 4.9)
    first, second, third = figure.subplots(1, 3)
    for axes, kind in ((first, "isotropic"), (second, "features")):
        _draw_curves(axes, datasets, kind)
    first.set_ylabel("training risk")
    figures.title(first, "isotropic rows")
    figures.title(second, "one hidden layer of ReLU")
    _draw_rates(third, datasets["rates"])
    figures.finish(figure, "SGD in the large: d = 1.2 n", *first.get_legend_handles_labels())
    return figure


def _draw_curves(axes: Axes, datasets: Datasets, kind: str) -> None:
    colours = (figures.SECOND, figures.THEORY, figures.THIRD, figures.REJECTED)
    theory, found = datasets[f"{kind}_theory"], datasets[f"{kind}_comparison"]
    for fraction, colour in zip(theory[DIM].values, colours, strict=True):
        curve = theory.empirical_risk.sel({DIM: fraction})
        label = f"theory, {'γ_max' if fraction == 1 else f'critical / {1 / fraction:.3g}'}"
        axes.plot(curve.time, curve, color=colour, lw=1.8, label=label)
        mean = found.observed.sel({DIM: fraction, "statistic": "empirical_risk"})
        axes.plot(mean.time[1::3], mean[1::3], "o", color=colour, ms=4)
    axes.plot([], [], "o", color=figures.INK, ms=4, label="mean of the runs")
    if kind == "isotropic":
        closed = datasets["closed_form"].empirical_risk
        axes.plot(closed.time, closed.transpose("time", DIM), ":", color=figures.INK, lw=1.6)
        axes.plot([], [], ":", color=figures.INK, label="closed form, n → ∞")
    axes.set_yscale("log")
    figures.passes(axes, float(theory.time[-1]))
    figures.plain_labels(axes)
    axes.set_xlabel("passes over the data (square-root axis)")


def _draw_rates(axes: Axes, data: Any) -> None:
    critical = isotropic.critical_learning_rate(SCAN_RATIO)
    transition = isotropic.transition_learning_rate(SCAN_RATIO)
    axes.plot(data.rate_fine, data.closed_form, ":", color=figures.INK, lw=2, label="closed form")
    axes.plot(
        data.rate_coarse, data.on_rows, "o", color=figures.THEORY, label="theory on drawn rows"
    )
    top = float(data.closed_form.max())
    for place, words in ((transition, "γ*"), (critical, "γ_max")):
        axes.axvline(place, color=figures.FLOW, lw=1, ls="--")
        axes.text(place, 1.02 * top, f"{words} ", ha="right")
    axes.set_ylim(0, 1.3 * top)
    axes.set_xlabel("learning rate")
    axes.set_ylabel("exponential rate per pass")
    axes.legend(frameon=False, loc="upper left")
    figures.title(axes, f"how fast, d = {SCAN_RATIO:g} n")


CASE = Case(
    name="in-the-large",
    question="Do theory, closed form and runs agree up to the critical learning rate, with more "
    "parameters than rows?",
    right="dots on the lines in both panels (nearest to critical within the finite-n allowance of "
    "some 20%), the dotted closed form on the lines of the first; on "
    "the right the rate rises to a peak just beyond γ* and falls to zero at γ_max",
    wrong="dots or dotted lines apart from the coloured lines, or a peak elsewhere",
    sizes={
        "small": {"n": 400, "epochs": 10, "replicates": 96},
        "full": {"n": 1000, "epochs": 20, "replicates": 128},
    },
    run=run,
    draw=draw,
)
