"""The exact mean-square critical learning rate of SGD on the given rows, and whose fault it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hsgd import dataset
from hsgd.algorithms.sgd import SGD
from hsgd.checks import Array, number
from hsgd.dataset import provenance
from hsgd.exact.mean_square import SecondMomentMap, Threshold, threshold
from hsgd.machine import memory
from hsgd.nouns import Whole
from hsgd.problems.least_squares import LeastSquares
from hsgd.setting import check_setting
from hsgd.sweeps.broadcasting import follows_sweeps

if TYPE_CHECKING:
    import xarray as xr

_ROWS_SHOWN = 10
_RESPONSIBLE, _FEW = 0.5, 5
"""Rows are named that carry this share of the noise passed on, if so few do."""
_SMALLEST_RTOL = 1e-12


@follows_sweeps
def exact_stability(
    problem: LeastSquares,
    *,
    batch_size: Whole | xr.DataArray = 1,
    sampling: str = "with_replacement",
    rtol: float = 1e-9,
) -> xr.Dataset:
    """Largest learning rate at which SGD on the given rows is stable in the mean square.

    One step acts on the second moments of x as 1 − γA₁ + γ²A₂, A₁S = (HS+SH+2δS)/n, A₂S = E[GSG]
    with G the matrix of one batch's gradient; the answer is 1/λ_max(A₁^{−½}A₂A₁^{−½}). Below it
    E‖x_k−x*‖² settles, above it grows without bound. No limit is taken.

    Parameters
    ----------
    problem
        The data; only A and the ridge matter.
    batch_size, sampling
        As in `SGD`, with independent batches.
    rtol
        Width of the bracket that is aimed at, relative.

    Returns
    -------
    xarray.Dataset
        Scalars: `mean_square_critical_learning_rate` with `_lower` and `_upper`, between which it
        lies; `critical_learning_rate`, homogenized SGD's; `mean_square_over_critical`, the ratio of
        the two. dims `row`: the rows that pass on most of the noise when it grows, the heaviest
        first: `row_index`, `row_share` (of all that is passed on) and `row_norm` (over the median
        norm). Attribute `verdict`: one sentence that names the rows responsible.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, or sampling that is not independent between iterations.
    MemoryError
        If the r by r matrices do not fit.

    Notes
    -----
    Cost: 4nr² operations and one r by r matrix per Lanczos step, 6 to 30 of them, then a few
    generalised eigenvalue problems of size r. Where heavy rows push the threshold far down, the
    mean square is carried by rare runs: typical runs may well settle above it.

    References
    ----------
    Docs, page "The exact mean", section "The largest stable learning rate".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = np.random.default_rng(0).standard_normal((40, 20)) / np.sqrt(20)
    >>> found = hsgd.exact_stability(hsgd.LeastSquares(rows, rows.sum(axis=1), ridge=0.1))
    >>> bool(found.mean_square_critical_learning_rate < found.critical_learning_rate)
    True
    """
    algorithm = SGD(0.0, batch_size=batch_size, sampling=sampling)
    check_setting(problem, algorithm, independent="exact_stability needs independent batches")
    rtol = number("rtol", rtol, strict=True)
    if rtol < _SMALLEST_RTOL:
        raise ValueError(
            f"rtol is {rtol:g}, but double precision allows {_SMALLEST_RTOL:g}: ask for no less."
        )
    _check_memory(problem)
    noise_factor = algorithm.noise_factor(problem.num_rows)
    found = threshold(problem, noise_factor, rtol)
    heard = SecondMomentMap.of(problem, noise_factor).heard(found.covariance)
    homogenized = homogenized_critical_rate(problem, noise_factor)
    at_threshold = SGD(found.upper, batch_size=batch_size, sampling=sampling)
    attrs = provenance.attributes(
        problem, at_threshold, source="exact_mean", title="mean-square stability on the given data"
    )
    attrs["num_steps"] = found.steps
    result = dataset.scalars(_scalars(found, homogenized), attrs)
    return _with_rows(result, problem, heard, found.upper / homogenized)


def homogenized_critical_rate(problem: LeastSquares, noise_factor: float) -> float:
    """Homogenized SGD's value, by its trace formula, or the curvature limit if that is smaller."""
    # notation: lam = eigenvalues of H, l = lam + ridge
    lam = problem.svd.singular_values**2
    l, n = lam + problem.ridge, problem.num_rows
    trace = noise_factor * float(np.sum(lam * (lam / l)))
    return float(min(2.0 * n / trace if trace > 0 else np.inf, 2.0 * n / l[0]))


def _check_memory(problem: LeastSquares) -> None:
    rank = len(problem.svd.singular_values)
    needed, left = 8 * 40 * rank**2, memory.available()
    if left is not None and needed > left:
        minutes = 20 * 4.0 * problem.num_rows * rank**2 / 3e10 / 60
        raise MemoryError(
            f"exact_stability would need about {needed / 1e9:.3g} GB and {minutes:.2g} minutes "
            f"here (rank {rank}), but {left / 1e9:.3g} GB are free: take fewer rows or columns."
        )


def _scalars(found: Threshold, homogenized: float) -> dict[str, tuple[float, str]]:
    name = "mean_square_critical_learning_rate"
    words = "largest learning rate that is stable in the mean square"
    return {
        name: (found.upper, words),
        f"{name}_lower": (found.lower, f"lower bound of the {words}"),
        f"{name}_upper": (found.upper, f"upper bound of the {words}"),
        "critical_learning_rate": (homogenized, "critical learning rate"),
        "mean_square_over_critical": (
            found.upper / homogenized,
            "mean-square over homogenized critical learning rate",
        ),
    }


def _with_rows(result: xr.Dataset, problem: LeastSquares, heard: Array, ratio: float) -> xr.Dataset:
    """Add the heaviest rows: noise power p_i = a_iᵀSa_i is passed on in proportion to p_i²."""
    import xarray as xr

    passed = heard**2 / np.sum(heard**2)
    order = np.argsort(-passed, kind="stable")[:_ROWS_SHOWN]
    norms = np.sqrt(problem.squared_row_norms)
    middle = float(np.median(norms))
    columns = {
        "row_index": (order.astype(np.int64), "row of A"),
        "row_share": (passed[order], "share of the noise passed on"),
        "row_norm": (norms[order] / middle if middle > 0 else norms[order], "norm over the median"),
    }
    for name, (values, words) in columns.items():
        result[name] = xr.Variable("row", values, {"units": "1", "long_name": words})
    result.attrs["verdict"] = _verdict(result, passed[order], ratio, problem.num_rows)
    return dataset.verdict_first(result)


def _verdict(result: xr.Dataset, shares: Array, ratio: float, n: int) -> str:
    opening = (
        f"On these rows SGD is stable in the mean square up to a learning rate of "
        f"{float(result.mean_square_critical_learning_rate):.6g}, {ratio:.3g} times homogenized "
        f"SGD's {float(result.critical_learning_rate):.6g}"
    )
    count = int(np.searchsorted(np.cumsum(shares), _RESPONSIBLE)) + 1
    if ratio > 0.95 or count > _FEW:
        return f"{opening}; no few rows are responsible for the difference."
    named = ", ".join(str(i) for i in result.row_index.values[:count])
    return (
        f"{opening}, because of {'rows' if count > 1 else 'row'} {named} (of {n}), with "
        f"{float(np.sum(shares[:count])):.0%} of the noise passed on and norms up to "
        f"{float(result.row_norm.values[:count].max()):.3g} times the median: normalise the rows, "
        "or read the mean square with care, for rare runs carry it."
    )
