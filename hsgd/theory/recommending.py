"""What to run: learning rates, batch size and schedule for a number of rows, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hsgd import dataset
from hsgd.checks import Array, number, one_of
from hsgd.nouns import Real, Whole
from hsgd.theory.batches import critical_batch_size
from hsgd.theory.design.optimum import PIECES
from hsgd.theory.design.pieces import Judge, cut
from hsgd.theory.design.programme import Programme
from hsgd.theory.design.setting import Setting, prepared
from hsgd.theory.design.totals import Optimum, at_total, best_total, longest
from hsgd.theory.optimal import optimal_schedule, relative
from hsgd.theory.spectra.providers import Solvable

if TYPE_CHECKING:
    import xarray as xr

_FEWEST = 20
"""Iterations that are still a schedule."""
_BEYOND = 4.0
"""Times the critical batch size that are looked at."""
USUAL_RATE, USUAL_BATCH = 0.01, 32
"""What Keras takes where nothing is said (`keras.optimizers.SGD()`, `Model.fit`)."""


class Batch(NamedTuple):
    """What the optimal schedule becomes with another batch size."""

    size: int
    value: float


def recommend(
    problem: Solvable,
    budget: Real,
    *,
    unit: str = "passes",
    statistic: Any = None,
    cap: Real = 0.8,
    pieces: Whole = 8,
    batch_cost: Real = 0.01,
    accuracy: Real | None = 0.01,
) -> xr.Dataset:
    """What to run for a number of rows: batch size, learning rates, the schedule to name it by.

    The batch is the largest power of two that makes the end higher by less than `batch_cost`, the
    schedule `optimal_schedule` with it, in few pieces.

    Parameters
    ----------
    problem
        As in `optimal_schedule`; of a `Spectrum` its `rows()` or `sampled(n)`.
    budget, unit
        `"passes"` or `"rows"`: batches of all sizes draw as many.
    statistic, cap, pieces, accuracy
        As in `optimal_schedule`.
    batch_cost
        Relative, above 0.

    Returns
    -------
    xarray.Dataset
        That of `optimal_schedule`, from which `schedule_of` makes the schedule, and along
        `batch_size`: `batch_value` and `batch_loss` of the batches that were looked at. Scalars:
        `recommended_batch_size`; `usual_value`, where a constant rate of 0.01 and batches of 32,
        the defaults of Keras, would end. The attribute `verdict` is the recommendation.

    Raises
    ------
    TypeError, ValueError
        As `optimal_schedule`, and for fewer rows than twenty iterations need.

    Notes
    -----
    The cost of `optimal_schedule`, twice at most. Batches are judged with the best schedule for one
    row at a time, scaled and cut off where it would be unstable, so that they cost no more than is
    said.

    References
    ----------
    Docs, theory page, "Optimal schedules".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(np.arange(1, 51) ** -0.5 / 50, np.ones(50), noise=0.5)
    >>> found = hsgd.recommend(rows, 20)
    >>> sgd = hsgd.StreamingSGD(
    ...     hsgd.schedule_of(found), batch_size=int(found.recommended_batch_size)
    ... )
    """
    allowed = number("batch_cost", batch_cost, strict=True)
    if one_of("unit", unit, ("passes", "rows", "iterations")) == "iterations":
        raise ValueError(
            "unit is 'iterations', but batches of different sizes are compared at the same number "
            "of rows: pass unit='rows'."
        )
    single = prepared(problem, None, budget, unit, statistic, cap)
    if single.goal.iterations < _FEWEST:
        raise ValueError(
            f"budget is {single.goal.iterations} rows, too few for a schedule: choose one of "
            f"{_FEWEST} or more."
        )
    tried = _batches(single, min(_BEYOND * critical_batch_size(problem), problem.num_rows))
    losses = np.array([one.value for one in tried]) / tried[0].value - 1.0
    # The largest up to which all cost less: beyond a costly one a cheap one would be chance.
    chosen = tried[max(int(np.argmin(np.append(losses < allowed, False))) - 1, 0)]
    algorithm = single.question.algorithm.replace(batch_size=chosen.size)
    found = optimal_schedule(
        problem, budget, unit=unit, statistic=statistic, algorithm=algorithm, cap=cap,
        pieces=pieces, accuracy=accuracy,
    )  # fmt: skip
    usual = single.with_batch(int(min(USUAL_BATCH, problem.num_rows)))
    end = Judge(usual.goal)(lambda done: np.full(np.shape(done), USUAL_RATE))
    return _told(found, tried, losses, chosen.size, end)


def _batches(single: Setting, most: float) -> list[Batch]:
    """The schedule for one row at a time with batches of 1, 2, 4, …: at the same odometer."""
    best = best_total(single.goal, single.log_cap)
    rows, tried, size = single.goal.iterations, [], 1
    while size == 1 or (size <= most and rows / size >= _FEWEST):
        it = single.with_batch(size)
        total = min(best.total, longest(it.goal, it.log_cap))
        programme = Programme.at(it.goal, total, best.edges, it.log_cap)
        solution = programme.judged(best.solution.log_rates + np.log(size))
        scaled = Optimum(total, best.edges, solution, at_total(it.goal, total))
        tried.append(Batch(size, Judge(it.goal)(cut(it.goal, scaled, PIECES).shape())))
        size *= 2
    return tried


def _told(
    found: xr.Dataset, tried: list[Batch], losses: Array, size: int, usual: float
) -> xr.Dataset:
    def with_words(values: Any, words: str, *dims: str) -> tuple[Any, ...]:
        return dims, values, {"units": "1", "long_name": words}

    words = "where it ends, the schedule scaled from single rows"
    values = {
        "batch_value": with_words([one.value for one in tried], words, "batch_size"),
        "batch_loss": with_words(losses, "relative to single rows", "batch_size"),
        "recommended_batch_size": with_words(size, "recommended batch size"),
        "usual_value": with_words(usual, "where the defaults of a framework would end"),
    }
    told = found.assign(values).assign_coords(
        batch_size=("batch_size", [one.size for one in tried],
                    {"units": "1", "long_name": "batch size"}),
    )  # fmt: skip
    told.attrs |= {"title": "what to run", "verdict": _sentence(found, size, usual)}
    return dataset.verdict_first(told)


def _sentence(found: xr.Dataset, size: int, usual: float) -> str:
    rates, value = found.piece_learning_rate.values, float(found.optimal_value)
    best = found.isel(family=int(np.argmin(found.family_loss.values)))
    shape = "" if np.isnan(best.family_shape) else f" of shape {float(best.family_shape):.2g}"
    proof = ""
    if "gap" in found:
        proof = f", in the limit of small steps at most {100 * float(found.gap):.2g}% above any"
    ratio = usual / value
    default = "diverge" if not np.isfinite(usual) else f"end {ratio:.3g} times as high"
    rows = "single rows" if size == 1 else f"batches of {size} rows"
    name, top = best.family.item(), float(best.family_learning_rate)
    return (
        f"Take {rows} and learning rates from {rates[0]:.3g} over {rates.max():.3g} to "
        f"{rates[-1]:.3g} in {len(rates)} pieces: {found.attrs['statistic']} {value:.5g} after "
        f"{int(found.iteration[-1])} iterations{proof}; {name}{shape}, largest rate {top:.3g}, "
        f"ends {relative(float(best.family_loss))}, and a constant rate of {USUAL_RATE} with "
        f"batches of {USUAL_BATCH} would {default}."
    )
