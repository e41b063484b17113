"""How a number of rows is best dealt out over iterations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd import dataset
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.checks import integer, number
from hsgd.dataset import provenance
from hsgd.nouns import Real, Whole
from hsgd.setting import check_rate
from hsgd.theory.design.batches import Batches
from hsgd.theory.design.setting import asked, stepped
from hsgd.theory.spectra.providers import Solvable

if TYPE_CHECKING:
    import xarray as xr


def optimal_batch_schedule(
    problem: Solvable,
    algorithm: SGD | StreamingSGD,
    iterations: Whole,
    rows: Real,
    *,
    statistic: Any = None,
    pieces: Whole = 16,
) -> xr.Dataset:
    """Batch sizes over time that end lowest, at given learning rates and a given number of rows.

    Noise is a sum of products of the factors 1/B of the iterations, so that its logarithm is convex
    in log B, and so is Σ B: solved to the optimum, with a bound by duality, for the finite-step
    theory itself.

    Parameters
    ----------
    problem
        `LeastSquares`, `GaussianRows` or `SampledLeastSquares`.
    algorithm
        `SGD`, its rows drawn with replacement, or `StreamingSGD`, with any learning rate; its batch
        size is not looked at.
    iterations
        K.
    rows
        Rows in all, at least one for each iteration.
    statistic
        As in `optimal_schedule`.
    pieces
        Of equal lengths, with one batch size each.

    Returns
    -------
    xarray.Dataset
        Along `piece`: `piece_start` (in units of time), `piece_batch_size`, whole numbers, and
        `piece_ideal_batch_size`, the optimum before it was rounded. Scalars: `optimal_value`, with
        whole batches; `lower_bound`, which none of such pieces can beat; `constant_value`, with
        batches of rows/K each, not rounded; `rows_drawn`. Attributes: `statistic`, `verdict`.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, other sampling, or fewer rows than iterations.

    Notes
    -----
    A few hundred gradients, each about 1e-8 s for each mode and iteration.

    References
    ----------
    Docs, theory page, "Optimal schedules".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> stream = hsgd.GaussianRows(1 / 50, np.ones(50), noise=0.5)
    >>> found = hsgd.optimal_batch_schedule(stream, hsgd.StreamingSGD(0.5), 400, 3200)
    >>> sizes = found.piece_batch_size.values
    >>> bool(sizes[0] < sizes[-1])
    True
    """
    count = integer("iterations", iterations, minimum=2)
    budget = number("rows", rows, strict=True)
    cuts = min(integer("pieces", pieces, minimum=1), count)
    if getattr(algorithm, "sampling", "with_replacement") != "with_replacement":
        raise ValueError(
            "batches of other sampling are not convex in their sizes: pass "
            "sampling='with_replacement'."
        )
    if budget < count:
        raise ValueError(
            f"rows is {budget:g}, fewer than the {count} iterations: each needs one at least."
        )
    plain = algorithm.replace(batch_size=1) if isinstance(algorithm, SGD | StreamingSGD) else None
    question = asked(problem, algorithm if plain is None else plain, statistic)
    check_rate(problem, question.algorithm)
    goal = stepped(question, count)
    rates = question.algorithm.schedule(np.arange(count) / goal.per_unit)
    edges = np.unique(np.rint(np.linspace(0, count, cuts + 1)).astype(np.int64))
    programme = Batches.of(goal, rates, edges, budget)
    mean = np.full(len(edges) - 1, np.log(count / budget))
    constant = programme.value(np.exp(-mean))
    if not np.isfinite(constant) or constant <= programme.at_mean:
        raise ValueError(
            "at this learning_rate and with so many rows there is no noise that batches could make "
            "less of, or no end to it: choose fewer rows, and a positive rate below "
            "hsgd.critical_learning_rate(problem)."
        )
    found = programme.solve(mean)
    sizes = programme.whole(found.log_rates)
    value = programme.value(sizes.astype(np.float64))
    bound = programme.at_mean + float(np.exp(found.log_bound))
    return _told(problem, question.algorithm, programme, sizes, {
        "piece_ideal_batch_size": np.exp(-found.log_rates),
        "optimal_value": value, "lower_bound": bound, "constant_value": constant,
    })  # fmt: skip


def _told(
    problem: Solvable, algorithm: Any, programme: Batches, sizes: Any, values: dict[str, Any]
) -> xr.Dataset:
    import xarray as xr

    goal, edges = programme.goal, programme.edges
    name, words = goal.statistic.name, goal.statistic.long_name
    drawn = int(sizes @ np.diff(edges))
    told = {
        "piece_start": (edges[:-1] / goal.per_unit, "time of its start"),
        "piece_batch_size": (sizes, "its batch size"),
        "piece_ideal_batch_size": (values["piece_ideal_batch_size"], "the same, not rounded"),
        "optimal_value": (values["optimal_value"], f"{words} at the end"),
        "lower_bound": (values["lower_bound"], f"{words} that no batches can beat"),
        "constant_value": (values["constant_value"], f"{words} with equal batches"),
        "rows_drawn": (drawn, "rows in all"),
    }
    saved = 1.0 - values["optimal_value"] / values["constant_value"]
    attrs = provenance.attributes(
        problem, algorithm, source="theory", title=f"batch sizes of the lowest {name}"
    )
    attrs |= {
        "statistic": name,
        "verdict": (
            f"{name} {values['optimal_value']:.5g} with batches of {sizes.min()} to {sizes.max()} "
            f"rows, {100 * saved:.2g}% below that of equal ones of {drawn / edges[-1]:.3g}."
        ),
    }
    variables = {
        key: xr.Variable(("piece",) if np.ndim(value) else (), value,
                         {"units": "1", "long_name": text})
        for key, (value, text) in told.items()
    }  # fmt: skip
    return dataset.verdict_first(xr.Dataset(variables, attrs=dataset.with_schema(attrs)))
