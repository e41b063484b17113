"""From runs to their mean, and how far that can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import xarray as xr


def summary(runs: xr.Dataset) -> xr.Dataset:
    """Mean over replicates of every statistic, with its standard error and effective size.

    Parameters
    ----------
    runs
        From `simulate.sgd` or `simulate.diffusion`.

    Returns
    -------
    xarray.Dataset
        For every statistic: its mean, `<name>_standard_error` s/√R (NaN for one replicate), and
        `<name>_effective_size` (Σ v)²/Σ v², the number of equal runs that would carry the mean: far
        below R, a few runs dominate it, and neither mean nor standard error can be trusted. Where
        a run was not completed, the others are counted alone.

    Raises
    ------
    TypeError
        If there are no replicates.

    Examples
    --------
    >>> import numpy as np, hsgd, simulate
    >>> problem = hsgd.LeastSquares(np.eye(4), np.ones(4))
    >>> runs = simulate.sgd(problem, hsgd.SGD(0.5), [0.0, 1.0], num_replicates=8, seed=0)
    >>> float(simulate.summary(runs).empirical_risk_effective_size[0])
    8.0
    """
    import xarray as xr

    if not isinstance(runs, xr.Dataset) or "replicate" not in runs.dims:
        raise TypeError("summary needs a dataset of runs, with the dimension replicate.")
    variables = {}
    for name, runs_of_name in runs.data_vars.items():
        ordered = runs_of_name.transpose(..., "replicate")
        values, dims = ordered.values, ordered.dims[:-1]
        words = runs_of_name.attrs.get("long_name", name)
        for suffix, prefix, result in (
            ("", "mean of ", _mean(values)),
            ("_standard_error", "standard error of the mean of ", _standard_error(values)),
            ("_effective_size", "effective number of runs in the mean of ", _effective(values)),
        ):
            attrs = {"units": "1", "long_name": prefix + str(words)}
            variables[f"{name}{suffix}"] = xr.Variable(dims, result, attrs)
    coords = {name: c for name, c in runs.coords.items() if "replicate" not in c.dims}
    return xr.Dataset(variables, coords, runs.attrs)


def _mean(values: Any) -> Any:
    present = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(present, values, 0.0).sum(axis=-1) / present.sum(axis=-1)


def _standard_error(values: Any) -> Any:
    present = ~np.isnan(values)
    count = present.sum(axis=-1)
    with np.errstate(all="ignore"):
        deviations = np.where(present, values - _mean(values)[..., None], 0.0)
        # A square is zero for what is below 1e-162. Powers of two change no digit.
        exponent = np.frexp(np.abs(deviations).max(axis=-1))[1]
        scaled = np.ldexp(deviations, -exponent[..., None])
        variance = (scaled**2).sum(axis=-1) / np.where(count > 1, count - 1, np.nan)
        return np.ldexp(np.sqrt(variance / count), exponent)


def _effective(values: Any) -> Any:
    """(Σ v)²/Σ v², of values scaled so that neither sum overflows; R where all are zero."""
    present = np.where(np.isnan(values), 0.0, values)
    largest = np.abs(present).max(axis=-1, keepdims=True)
    with np.errstate(all="ignore"):
        scaled = np.where(largest > 0, present / largest, ~np.isnan(values))
        return scaled.sum(axis=-1) ** 2 / (scaled**2).sum(axis=-1)
