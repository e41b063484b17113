"""The best learning rates for a budget: a schedule with a certificate, or one constant rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd import dataset
from hsgd.algorithms.base import Algorithm
from hsgd.checks import integer, number
from hsgd.nouns import Real, Whole
from hsgd.schedules import Constant, Piecewise, Schedule
from hsgd.theory.design.families import FAMILIES, tuned
from hsgd.theory.design.optimum import MOST_PIECES, Design, designed
from hsgd.theory.design.pieces import Judge
from hsgd.theory.design.setting import prepared
from hsgd.theory.prediction import predict
from hsgd.theory.spectra.providers import Solvable

if TYPE_CHECKING:
    import xarray as xr

_TIMES = 101


def optimal_schedule(
    problem: Solvable,
    budget: Real,
    *,
    unit: str = "passes",
    statistic: Any = None,
    algorithm: Algorithm | None = None,
    cap: Real = 0.8,
    pieces: Whole | None = None,
    accuracy: Real | None = 0.01,
) -> xr.Dataset:
    """The learning rates that end lowest after a budget, with a bound that none can beat.

    In the odometer o = ∫γ, at a given total, the noise of homogenized SGD and the iterations that
    are spent are convex functions of log γ(o): a geometric programme, solved to its optimum, with a
    lower bound by duality. Its schedule is put into pieces and improved by the exact gradient of
    the finite-step theory.

    Parameters
    ----------
    problem
        `LeastSquares`, `GaussianRows` or `SampledLeastSquares`.
    budget, unit
        How much is spent: `"passes"` over the data (of fresh rows, one is d of them),
        `"iterations"` or `"rows"`.
    statistic
        What is to end low: a name or a `Quadratic` that bends downwards nowhere; by default the
        population risk, or if there is none the training risk.
    algorithm
        `SGD` or `StreamingSGD` with one batch size; its learning rate is not looked at. By default
        batches of one row with replacement.
    cap
        The largest rate, as a share of the rate at which second moments stop being finite, in
        (0, 1).
    pieces
        At most so many; 64 by default. Five are within some percent.
    accuracy
        How far below the optimum the certificate may lie, relative; None: no certificate.

    Returns
    -------
    xarray.Dataset
        The curves of `predict` under the schedule, dims `time`. Along `piece`: `piece_start` (in
        units of time) and `piece_learning_rate`; `schedule_of` makes the `Piecewise` of them. Along
        `family`: `family_value`, `family_loss` (relative to the schedule), `family_learning_rate`
        (the largest) and `family_shape`, for the usual schedules, each tuned under the same cap.
        Scalars: `optimal_value`; `homogenized_value`, the same in the limit of small steps, of
        which `lower_bound` and `closed_form_lower_bound` are bounds; `gap` between it and the
        first, relative; `scheme_error`, which the bound already has taken off; `cap_price`, by how
        much the cap makes the end higher; `stable_learning_rate`. Attributes: `statistic`,
        `verdict`.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, other algorithms, or a problem without noise or curvature.

    Notes
    -----
    Some seconds at 400 modes and 10,000 iterations. The certificate is for schedules under the cap,
    of homogenized SGD on a grid of cells; that grid's own error is measured by finer ones and taken
    off. Beyond 2·10⁷ modes times iterations schedules are compared in the limit of small steps, and
    the programme's is left as it is.

    References
    ----------
    Docs, theory page, "Optimal schedules".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(1 / 50, np.ones(50), noise=0.5)
    >>> best = hsgd.optimal_schedule(rows, 20, pieces=5)
    >>> sgd = hsgd.StreamingSGD(hsgd.schedule_of(best))
    >>> bool(best.lower_bound <= best.homogenized_value)
    True
    """
    most = None if pieces is None else integer("pieces", pieces, minimum=1, maximum=MOST_PIECES)
    near = None if accuracy is None else number("accuracy", accuracy, strict=True)
    setting = prepared(problem, algorithm, budget, unit, statistic, cap)
    design = designed(setting, most)
    goal, statistic = setting.goal, setting.goal.statistic
    schedule = design.pieces.schedule(goal.per_unit)
    sgd = setting.question.algorithm.replace(learning_rate=schedule)
    method = "discrete" if design.judge.steps else "hsgd"
    curve = predict(problem, sgd, _times(goal.iterations, goal.per_unit), statistics=statistic,
                    method=method)  # fmt: skip
    values = _scalars(design, near)
    told = curve.assign(_variables(design) | _named(values))
    told.attrs |= {
        "title": f"the schedule of the lowest {statistic.name}",
        "statistic": statistic.name,
        "verdict": _verdict(design, {name: float(value) for name, (value, _) in values.items()}),
    }
    return dataset.verdict_first(told)


def optimal_learning_rate(
    problem: Solvable,
    budget: Real,
    *,
    unit: str = "passes",
    statistic: Any = None,
    algorithm: Algorithm | None = None,
    cap: Real = 0.8,
) -> float:
    """The constant learning rate that ends lowest after a budget.

    Parameters
    ----------
    problem, budget, unit, statistic, algorithm, cap
        As in `optimal_schedule`, which says what better schedules would gain.

    Returns
    -------
    float
        To 0.3%.

    Raises
    ------
    TypeError, ValueError
        As `optimal_schedule`.

    Notes
    -----
    Some thirty times the cost of the risk at one time.

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(1 / 50, np.ones(50), noise=0.5)
    >>> short, long = (hsgd.optimal_learning_rate(rows, passes) for passes in (5, 50))
    >>> long < short
    True
    """
    setting = prepared(problem, algorithm, budget, unit, statistic, cap)
    return tuned(Judge(setting.goal), FAMILIES[0], setting.cap).scale


def schedule_of(found: xr.Dataset) -> Schedule:
    """The schedule in a dataset of `optimal_schedule`, also one that was read from a file.

    Parameters
    ----------
    found
        With `piece_start` and `piece_learning_rate`.

    Returns
    -------
    Schedule
        A `Piecewise`, or a `Constant` if there is one piece.

    Raises
    ------
    TypeError, ValueError
        For another dataset.
    """
    if not hasattr(found, "data_vars"):
        raise TypeError("found is no dataset: pass what hsgd.optimal_schedule gave.")
    missing = {"piece_start", "piece_learning_rate"} - set(map(str, found.data_vars))
    if missing:
        raise ValueError("found holds no schedule: pass what hsgd.optimal_schedule gave.")
    starts, rates = found.piece_start.values, found.piece_learning_rate.values
    return Constant(rates[0]) if len(rates) == 1 else Piecewise(starts[1:], rates)


def relative(loss: float) -> str:
    """How a value stands to another, in words."""
    return f"{100 * abs(loss):.2g}% {'higher' if loss >= 0 else 'lower'}"


def _times(iterations: int, per_unit: int) -> Any:
    steps = np.append(0.0, np.geomspace(1.0, iterations, _TIMES - 1))
    return np.unique(np.rint(steps)) / per_unit


def _scalars(design: Design, accuracy: float | None) -> dict[str, tuple[float, str]]:
    words = design.setting.goal.statistic.long_name
    values = {
        "optimal_value": (design.value, f"{words} at the end"),
        "homogenized_value": (design.homogenized, f"{words} at the end, by homogenized SGD"),
        "stable_learning_rate": (design.setting.critical, "largest stable learning rate"),
        "cap_price": (design.price_of_cap(), "what the cap costs, relative"),
    }
    if accuracy is None:
        return values
    bound, closed = design.bounds(accuracy)
    return values | {
        "lower_bound": (bound.bound, f"{words} at the end that no schedule can beat"),
        "closed_form_lower_bound": (closed, "the same without optimisation"),
        "gap": (1.0 - bound.bound / design.homogenized, "of the optimum to the bound, relative"),
        "scheme_error": (bound.scheme_error, "numerical error that the bound has taken off"),
    }


def _named(values: dict[str, tuple[float, str]]) -> dict[str, Any]:
    return {
        name: ((), value, {"units": "1", "long_name": words})
        for name, (value, words) in values.items()
    }


def _variables(design: Design) -> dict[str, Any]:
    per_unit, rivals = design.setting.goal.per_unit, design.rivals

    def along(dim: str, values: Any, words: str) -> tuple[Any, ...]:
        return dim, np.asarray(values), {"units": "1", "long_name": words}

    peaks = [float(one.rates(np.zeros(1))[0]) for one in rivals]
    return {
        "piece_start": along("piece", design.pieces.edges[:-1] / per_unit, "time of its start"),
        "piece_learning_rate": along("piece", design.pieces.rates, "its learning rate"),
        "family": along("family", [one.name for one in rivals], "usual schedule"),
        "family_value": along("family", [one.value for one in rivals], "where it ends, tuned"),
        "family_loss": along(
            "family", [one.value / design.value - 1.0 for one in rivals], "how much higher"
        ),
        "family_learning_rate": along("family", peaks, "its largest learning rate"),
        "family_shape": along("family", [one.shape for one in rivals], "its shape"),
    }


def _verdict(design: Design, values: dict[str, float]) -> str:
    goal = design.setting.goal
    best = min(design.rivals, key=lambda one: one.value)
    constant = design.rivals[0]

    proof = ""
    if "gap" in values:
        proof = f" (in the limit of small steps at most {100 * values['gap']:.2g}% above any other)"
    return (
        f"{goal.statistic.name} {design.value:.5g} after {goal.iterations} iterations{proof}; the "
        f"best constant rate ends {relative(constant.value / design.value - 1.0)}, and {best.name},"
        f" the best of the usual schedules, {relative(best.value / design.value - 1.0)}."
    )
