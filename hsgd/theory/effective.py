"""What passes over the same rows are worth, in passes over fresh ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hsgd import dataset
from hsgd.algorithms.sgd import SGD
from hsgd.checks import Array, real_array
from hsgd.dataset import provenance
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.sampled import SampledLeastSquares
from hsgd.sweeps.broadcasting import follows_sweeps
from hsgd.theory.asking import ask
from hsgd.theory.bootstrap import fresh_rows, streamed
from hsgd.theory.curves import curve_of
from hsgd.theory.question import Question

if TYPE_CHECKING:
    import xarray as xr

_COARSE, _FINE = 400, 40
"""Iterations at which the streaming risk is looked at: between none and all, then in a bracket."""
_LATEST = 2**50
"""Iterations that are still told apart, four times as many, too."""
_MOST = 4.0
"""Times as many fresh rows as were passed over are looked at, at most."""


@follows_sweeps
def effective_epochs(
    problem: SampledLeastSquares | LeastSquares,
    algorithm: SGD,
    epochs: ArrayLike,
    *,
    method: str = "auto",
) -> xr.Dataset:
    """How many passes over fresh rows so many passes over the same n rows are worth.

    After K passes over n rows SGD has some population risk; streaming SGD, at the same learning
    rate, batch size and ridge per sample, first has it after m fresh rows. The effective epochs are
    m/n: K while rows are as good as new, then fewer, until further passes are worth nothing.

    Parameters
    ----------
    problem
        `SampledLeastSquares`, or data with a population as `bootstrap_risk` takes them.
    algorithm
        `SGD` with independent batches, a constant learning rate and batch size.
    epochs
        K, numbers > 0 in increasing order, shape (m,).
    method
        As in `predict`, the same for both.

    Returns
    -------
    xarray.Dataset
        dims `epochs`. `population_risk` after so many passes; `fresh_rows`, m, infinite where four
        times as many fresh rows as were passed over do not reach it; `effective_epochs`, m/n, and
        `worth`, m/(nK). The attribute `verdict` says it in one sentence.

    Raises
    ------
    TypeError, ValueError
        For other problems or algorithms, a schedule, or epochs that do not increase.

    Notes
    -----
    Cost: that of `bootstrap_risk` at some hundreds of times.

    References
    ----------
    arXiv:2305.16264 for the question; docs, theory page, "Bootstrap risk".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(1 / 100, np.ones(100), noise=0.3)
    >>> worth = hsgd.effective_epochs(hsgd.SampledLeastSquares(rows, 300), hsgd.SGD(0.5), [1, 16])
    >>> worth.worth.values.round(2).tolist()  # a pass with replacement misses a third of the rows
    [0.73, 0.09]
    """
    passes = _increasing(epochs)
    first = ask(
        problem,
        algorithm,
        statistics="population_risk",
        method=method,
        problems=(SampledLeastSquares, LeastSquares),
        algorithms=(SGD,),
    )
    if not first.is_constant:
        raise ValueError(
            "effective_epochs needs a constant learning rate: fresh rows of a schedule would be at "
            "other rates when they reach the same risk."
        )
    n, batch, rows = problem.num_rows, algorithm.largest_batch_size, fresh_rows(problem)
    counts = np.maximum(1.0, np.rint(passes * n / batch))
    if counts[-1] > _LATEST:
        raise ValueError(f"epochs ends at {passes[-1]:g}, more than can be counted: choose fewer.")
    ideal = ask(
        rows,
        streamed(algorithm, n, rows.dimension),
        statistics="population_risk",
        time=[1.0],
        method=method,
    )
    # One method for both: their difference must not be that of two methods.
    real = _risk(first.but(method=ideal.method), counts)
    needed = _first_reached(ideal, real, int(_MOST * counts[-1]))
    return _told(problem, algorithm, passes, real, needed * batch)


def _increasing(epochs: ArrayLike) -> Array:
    passes = real_array("epochs", epochs, 1)
    if not (passes > 0).all():
        raise ValueError("epochs must be above 0: pass for example [1, 2, 4, 8].")
    if (np.diff(passes) <= 0).any():
        raise ValueError("epochs must increase: sort them, and leave out what occurs twice.")
    return passes


def _risk(question: Question, iterations: Array) -> Array:
    """Population risk at iterations, in any order."""
    unique, where = np.unique(np.rint(iterations).astype(np.int64), return_inverse=True)
    (statistic,) = question.statistics
    return curve_of(question.system, statistic, question.solve(unique)).value[where]


def _first_reached(question: Question, targets: Array, last: int) -> Array:
    """Iterations after which the risk first is at most each target, between whole ones; or inf."""
    steps = np.unique(np.rint(np.append(0.0, np.geomspace(1.0, last, _COARSE))))
    risks = _risk(question, steps)
    reached = [np.flatnonzero(risks <= target) for target in targets]
    brackets = [steps[max(found[0] - 1, 0)] if len(found) else np.nan for found in reached]
    ends = [steps[found[0]] if len(found) else np.nan for found in reached]
    known = np.isfinite(brackets)
    finer = np.linspace(np.array(brackets)[known], np.array(ends)[known], _FINE, axis=1)
    fine = np.unique(np.rint(np.append(finer.ravel(), 0.0)))
    fine_risks = _risk(question, fine)
    out = np.full(len(targets), np.inf)
    for i in np.flatnonzero(known):
        at = int(np.flatnonzero(fine_risks <= targets[i])[0])
        before = max(at - 1, 0)
        fall = fine_risks[before] - fine_risks[at]
        share = (fine_risks[before] - targets[i]) / fall if fall > 0 else 1.0
        out[i] = fine[before] + share * (fine[at] - fine[before])
    return out


def _told(
    problem: SampledLeastSquares | LeastSquares,
    algorithm: SGD,
    passes: Array,
    risk: Array,
    rows: Array,
) -> xr.Dataset:
    import xarray as xr

    def variable(values: Array, words: str) -> xr.Variable:
        return xr.Variable(("epochs",), values, {"units": "1", "long_name": words})

    effective = rows / problem.num_rows
    worth = effective / passes
    attrs = provenance.attributes(
        problem, algorithm, source="theory", title="what repeated passes are worth"
    )
    new = passes[worth >= 0.9]
    start = f"{_passes(new[-1])} worth nine tenths of fresh rows or more; " if len(new) else ""
    sentence = f"{start}{_passes(passes[-1])} worth {effective[-1]:.3g} over fresh rows."
    attrs["verdict"] = sentence[0].upper() + sentence[1:]
    told = xr.Dataset(
        {
            "population_risk": variable(risk, "population risk after so many passes"),
            "fresh_rows": variable(rows, "fresh rows that reach the same risk"),
            "effective_epochs": variable(effective, "fresh rows over n"),
            "worth": variable(worth, "a repeated row, in fresh ones"),
        },
        {"epochs": variable(passes, "passes over the data")},
        dataset.with_schema(attrs),
    )
    return dataset.verdict_first(told)


def _passes(count: float) -> str:
    return "one pass is" if count == 1 else f"{count:.3g} passes are"
