"""The verb of this package: two datasets in, a verdict out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.stats

from hsgd.checks import Array, flag, number
from hsgd.dataset import verdict_first
from hsgd.dataset.provenance import __version__ as __version__
from hsgd.dataset.provenance import version
from hsgd.dataset.schema import READOUT_DIMS
from validation import simultaneous, verdict
from validation.alignment import align, check_kinds
from validation.points import Points
from validation.sweeps import Settings, settings

if TYPE_CHECKING:
    import xarray as xr

SMALLEST_LEVEL, LARGEST_LEVEL = 0.001, 0.5
POWER = 0.9
"""Probability with which an error of `detectable_error` is noticed."""


def compare(
    theory: xr.Dataset,
    runs: xr.Dataset,
    *,
    false_alarm: float = 0.01,
    discrepancy: float | None = None,
    statistics: str | Iterable[str] | None = None,
    same_algorithm: bool = True,
) -> xr.Dataset:
    """Hold runs of SGD, or its exact mean, against a predicted curve, or a sweep of curves.

    The curve is accepted if |observed − expected| ≤ discrepancy·|expected| + error +
    c·(standard error) at every time, for every statistic; c makes a true theory fail with
    probability `false_alarm` at most, for all times, statistics and settings *together*.

    Parameters
    ----------
    theory
        From `hsgd.predict`, or `hsgd.exact_mean` as a reference without finite-n error.
    runs
        From `simulate.sgd` (dim `replicate`), or `hsgd.exact_mean` (no Monte Carlo error then).
    false_alarm
        Probability, between 0.001 and 0.5, of rejecting a theory that is right.
    discrepancy
        Relative error that the theory is allowed, because n is finite. By default 1.5 times
        what it says of itself (its variables `_discrepancy`, else its attribute
        `expected_discrepancy`: an estimate, and no bound); 0 for an exact mean.
    statistics
        Names to compare; by default all that both have.
    same_algorithm
        False also compares curves of different algorithms or learning rates (the negative
        controls do). Problem and times must be the same always.

    Returns
    -------
    xarray.Dataset
        dims `("statistic", "time")`, those of a sweep in front: `observed` (mean of the runs),
        `expected` (the theory), `standard_error`, `z_score` ((observed − expected)/standard error;
        NaN where nothing varies), `relative_error` (observed/expected − 1), `discrepancy` (the
        budget), `lower` and `upper` (simultaneous confidence band of the mean), `agrees` (0 or 1),
        `undecided` (0 or 1), `skewness` and `tail_index` (of the runs) and `detectable_error`
        (relative error that would have been noticed there with probability 0.9 at least). dims
        `("statistic",)`: `coverage`, the fraction of times at which the *pointwise* interval of
        level 1 − false_alarm, widened by the budget, holds the theory.
        Attributes: `verdict`, one sentence; `agrees`, 0 or 1; `decided`, 0 where the mean of the
        runs is too low but their upper tail is so heavy (index below 3) that missing rare runs
        explain it, or where the theory allows itself to be off by 100% or more;
        `critical_value`, the c above.

    Raises
    ------
    TypeError, ValueError
        If the datasets do not belong together, or there are too few replicates for the level.

    Notes
    -----
    Cost: about 4·N·R·m operations, N = max(2000, 40/false_alarm), R replicates, m points.
    The level is exact for runs that are symmetric about their mean, at any R and however
    correlated the times are; skewed runs are corrected to first order (`validation.simultaneous`).
    Points at which nothing varies (the start) must agree to 1e-9 relative.

    References
    ----------
    See `validation.simultaneous`.

    Examples
    --------
    >>> import numpy as np, hsgd, simulate, validation
    >>> rows = np.random.default_rng(0).standard_normal((100, 20)) / np.sqrt(20)
    >>> problem = hsgd.LeastSquares(rows, rows @ np.ones(20), ridge=0.1)
    >>> sgd = hsgd.SGD(0.5)
    >>> exact = hsgd.exact_mean(problem, sgd, np.linspace(0, 2, 9))
    >>> runs = simulate.sgd(problem, sgd, exact.time, num_replicates=32, seed=0)
    >>> bool(validation.compare(exact, runs).attrs["agrees"])
    True
    """
    flag("same_algorithm", same_algorithm)
    level = number("false_alarm", false_alarm, strict=True)
    if not SMALLEST_LEVEL <= level <= LARGEST_LEVEL:
        raise ValueError(
            f"false_alarm is {level:g}, but it must lie between {SMALLEST_LEVEL} and "
            f"{LARGEST_LEVEL}: 0.01 is usual."
        )
    if discrepancy is not None:
        number("discrepancy", discrepancy)
    check_kinds(theory, runs)
    runs = runs.drop_dims([dim for dim in READOUT_DIMS if dim in runs.dims])
    swept = settings(theory, runs, same=same_algorithm)
    names: tuple[str, ...] = ()
    for one in swept.pairs:
        names = align(*one, statistics=statistics, same_algorithm=same_algorithm)
    _check_number(runs, level)
    points = Points.together([Points.collect(*one, names, discrepancy) for one in swept.pairs])
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return _labelled(theory, runs, names, swept, points, level)


def _check_number(runs: xr.Dataset, level: float) -> None:
    count = runs.sizes.get("replicate")
    needed = simultaneous.smallest_number(level)
    if count is not None and count < needed:
        raise ValueError(
            f"runs have {count} replicate{'s' if count > 1 else ''}, too few for "
            f"false_alarm={level:g}: pass num_replicates={needed} or more (32 is a good number)."
        )


def _labelled(
    theory: xr.Dataset,
    runs: xr.Dataset,
    names: tuple[str, ...],
    swept: Settings,
    points: Points,
    level: float,
) -> xr.Dataset:
    import xarray as xr

    critical = points.critical_value(level)
    agrees, undecided = points.agree(critical), points.undecided(critical)
    lower, upper = points.band(critical)
    curves = {
        "observed": (points.mean, "mean of the runs"),
        "expected": (points.reference, "the theory"),
        "standard_error": (points.standard_error, "standard error of the mean"),
        "z_score": (points.z_score, "(observed - expected) / standard error"),
        "relative_error": (points.relative_error, "observed / expected - 1"),
        "discrepancy": (points.budget, "relative error allowed because n is finite"),
        "lower": (lower, f"lower end of the simultaneous {1 - level:.4g} band of the mean"),
        "upper": (upper, f"upper end of the simultaneous {1 - level:.4g} band of the mean"),
        "agrees": (agrees.astype(np.int8), "1 where nothing is held against the theory"),
        "undecided": (
            undecided.astype(np.int8),
            "1 where nothing can be told from these runs",
        ),
        "skewness": (points.skewness, "skewness of the runs"),
        "tail_index": (points.tail_index, "power with which the upper tail of the runs falls"),
        "detectable_error": (
            _detectable(points, critical),
            f"relative error noticed with probability {POWER:g}",
        ),
    }
    shape = (*swept.sizes, len(names))
    variables = {
        name: xr.Variable(
            (*swept.dims, "statistic", "time"),
            np.asarray(values).reshape(*shape, -1),
            {"units": "1", "long_name": words},
        )
        for name, (values, words) in curves.items()
    }
    covered = points.covered(_pointwise(points, level)).mean(axis=1)
    words = f"fraction of times at which the pointwise {1 - level:.4g} interval holds the theory"
    variables["coverage"] = xr.Variable(
        (*swept.dims, "statistic"), covered.reshape(shape), {"units": "1", "long_name": words}
    )
    own = {*swept.dims, "time"}
    coords = {name: one for name, one in theory.coords.items() if own.issuperset(one.dims)}
    result = xr.Dataset(variables, coords)
    label = {"units": "1", "long_name": "statistic"}
    result = result.assign_coords(statistic=("statistic", np.array(names), label))
    result.attrs = _attributes(theory, runs, level, critical, points)
    result.attrs |= {"agrees": int(agrees.all()), "decided": int(not undecided.any())}
    result.attrs["verdict"] = verdict.sentence(result)
    return verdict_first(result)


def _pointwise(points: Points, level: float) -> float:
    """The critical value that one point alone would have."""
    return 0.0 if points.exact else float(scipy.stats.t.isf(level / 2, points.number - 1))


def _detectable(points: Points, critical: float) -> Array:
    """Relative error that leaves band and budget with probability `POWER` at the least.

    At a point where nothing varies any error beyond the budget is noticed.
    """
    reach = 0.0 if points.exact else critical + float(scipy.stats.t.ppf(POWER, points.number - 1))
    return points.budget + reach * points.standard_error / np.abs(points.reference)


def _attributes(
    theory: xr.Dataset, runs: xr.Dataset, level: float, critical: float, points: Points
) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    first, second = theory.attrs["source"], runs.attrs["source"]
    title = f"{first} against {second}"
    attrs = {name: theory.attrs[name] for name in ("Conventions", "schema_version", "problem")}
    attrs |= {
        "title": title,
        "source": "comparison",
        "algorithm": theory.attrs["algorithm"],
        "runs_algorithm": runs.attrs["algorithm"],
        "reference_source": first,
        "reference_method": str(theory.attrs.get("method", "")),
        "runs_source": second,
        "seed": str(runs.attrs.get("seed", "none")),
        "num_replicates": 0 if points.exact else points.number,
        "false_alarm": level,
        "created_at": now,
        "hsgd_version": version(),
        "history": f"{now} hsgd {version()}: {title}",
    }
    return attrs | ({} if math.isnan(critical) else {"critical_value": critical})
