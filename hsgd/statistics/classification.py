"""How often the output that is predicted to be largest belongs to another class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr


def classification_error(problem: Any, runs: xr.Dataset) -> xr.DataArray:
    """Share of the held-out rows whose largest predicted output is not that of their class.

    It is no quadratic, so the theory has no equation for it: its risks are those of the squared
    loss.

    Parameters
    ----------
    problem
        `LeastSquares.from_data(X, labels, one_hot=True, test=…)`: the outputs are classes, and
        there are held-out rows.
    runs
        From `simulate.sgd` on it, with `hsgd.Predictions.held_out(problem)` among the
        statistics.

    Returns
    -------
    xarray.DataArray
        dims `("time", "replicate")`. Where a run diverged it is NaN.

    Raises
    ------
    TypeError, ValueError
        For a problem without classes or held-out rows, or runs that did not record them.

    Notes
    -----
    All outputs of a replicate were moved by the same rows, as those of one run. Cost: one look at
    the predictions, which hold times × replicates × rows × classes numbers.

    Examples
    --------
    >>> import numpy as np, hsgd, simulate
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.integers(0, 3, size=90)
    >>> X = np.eye(3)[labels] + 0.1 * rng.standard_normal((90, 3))
    >>> problem = hsgd.LeastSquares.from_data(X, labels, one_hot=True, test=1 / 3)
    >>> held_out = hsgd.Predictions.held_out(problem)
    >>> runs = simulate.sgd(problem, hsgd.SGD(0.3), [0.0, 5.0], statistics=held_out, seed=0)
    >>> hsgd.classification_error(problem, runs).isel(time=-1).values.tolist()
    [0.0]
    """
    targets = getattr(getattr(problem, "population", None), "b", None)
    if getattr(problem, "outputs", None) is None or targets is None:
        raise ValueError(
            "classification needs classes and held-out rows: make the problem by "
            "hsgd.LeastSquares.from_data(X, labels, one_hot=True, test=0.2)."
        )
    import xarray as xr

    if not isinstance(runs, xr.Dataset):
        raise TypeError(f"runs is a {type(runs).__name__}: pass what simulate.sgd returned.")
    if "prediction" not in runs or runs.sizes.get("row") != len(targets):
        raise ValueError(
            "the runs have no predictions for the held-out rows: simulate with "
            "statistics=hsgd.Predictions.held_out(problem)."
        )
    # Classes that are rare have outputs with a small mean; centring has taken it from them.
    means = 0.0 if problem.transformation is None else problem.transformation.target_mean
    offset = xr.DataArray(np.broadcast_to(means, targets.shape[1:]), dims="output")
    scores = runs.prediction + offset
    wrong = scores.argmax("output") != xr.DataArray((targets + means).argmax(axis=1), dims="row")
    error = wrong.mean("row").where(np.isfinite(scores).all(("output", "row")))
    words = "share of held-out rows that are classified wrongly"
    named: xr.DataArray = error.rename("classification_error")
    return named.assign_attrs(units="1", long_name=words)
