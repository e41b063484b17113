"""The exact mean: the true expected risk of SGD on the given rows, with no limit taken.

The mean and the covariance of x_k obey a closed linear recursion for independent batches. It knows
nothing of homogenized SGD, which makes it the theory's sharpest witness. `recursion` steps through
it; `moments` does so where there are many more rows than second moments; `row_basis` solves it for
the price of a few dozen steps (docs, page "The exact mean").
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hsgd import checks, dataset, warning
from hsgd.algorithms.sgd import SGD
from hsgd.checks import EPS, Array, number, one_of
from hsgd.dataset import provenance
from hsgd.dataset.schema import AVERAGED
from hsgd.exact import moments, orders, recursion
from hsgd.exact.mean_square import instability, mean_square_critical_learning_rate
from hsgd.exact.row_basis import cost
from hsgd.exact.row_basis.galerkin import LARGEST
from hsgd.exact.row_basis.method import Outcome, solve
from hsgd.exact.row_basis.regime import Regime, constant_regimes
from hsgd.exact.row_basis.rows import Rows
from hsgd.interfaces import Statistic
from hsgd.machine import memory
from hsgd.machine.blas import single_threaded_blas
from hsgd.machine.progress import bar
from hsgd.problems.least_squares import LeastSquares
from hsgd.setting import check_rate, check_setting
from hsgd.statistics.named import resolve
from hsgd.statistics.rounding import rounding
from hsgd.sweeps.broadcasting import follows_sweeps

if TYPE_CHECKING:
    import xarray as xr

METHODS = ("auto", "recursion", "moments", "row_basis", "orders")
_PATIENCE = 600.0
"""Seconds that the plain recursion may take; beyond them it is refused with the figure."""
_SMALL_RANK = 128
"""Up to this rank products are so short that BLAS's threads spend their time waiting."""
_SMALLEST_RTOL = 1e-11
"""What double precision and the certificate can promise."""


@follows_sweeps
def exact_mean(
    problem: LeastSquares,
    algorithm: SGD,
    time: ArrayLike,
    *,
    statistics: str | Statistic | Iterable[str | Statistic] | None = None,
    rtol: float = 1e-6,
    method: str = "auto",
    progress: bool | None = None,
) -> xr.Dataset:
    """Exact expectation of each statistic along multi-pass SGD on the given data.

    With m = E x and V = Cov x in the eigenbasis of H = AᵀA, D_ij the elementwise factor of one
    step, ρ_i = E(a_i·x−b_i)² and φ the batch's noise factor,
    V ← D∘V + (φγ²/n)[Aᵀ diag(ρ) A − g gᵀ/n], g = Aᵀ(Am−b), and E q(x) = q(m) + ½⟨M, V⟩.

    Parameters
    ----------
    problem
        The data, ridge and start.
    algorithm
        `SGD` with independent batches: sampling `"with_replacement"` or `"subset"`. Batch sizes
        may be `Piecewise`; the learning rate any schedule for the plain recursion, constant or
        `Piecewise` for the fast method. Of a few rows, up to 14 that are reshuffled in every pass
        and 8 in one order for ever, in batches that divide them, the mean over all orders.
    time
        Increasing times, shape (T,); the result is at iteration rint(time·n).
    statistics
        As in `predict`.
    rtol
        Relative accuracy of the row-basis method, at least 1e-11; relative to |q(m)| + ½|⟨M, V⟩|,
        which for a statistic that is nowhere negative is its value.
    method
        `"recursion"`, step by step, which alone knows averages; `"moments"`, the same in the
        r(r+1)/2 second moments, for many rows of few columns; `"row_basis"`, whose cost does not
        depend on the number of iterations; `"orders"`, for rows that are reshuffled; `"auto"`, the
        fastest.
    progress
        Show a progress bar; None shows one on a terminal or in a notebook once the work has lasted
        two seconds.

    Returns
    -------
    xarray.Dataset
        dims `time`; `source` is `"exact_mean"`. Each statistic and its `_error`, an estimate of the
        absolute numerical error. Attributes: `method`; `status`, whether the tolerance is met or by
        how much not; `estimated_error`, relative; for the recursions `num_steps`, for the row basis
        `basis_size`, `num_half_applications` (products AᵀPA or diag(AVAᵀ), 2nr² operations as
        matrix products and half that with symmetry), `num_cycles`, `num_time_nodes` and
        `num_power_nodes`.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, sampling without replacement across iterations, or a problem so large
        that the plain recursion would take more than ten minutes where nothing else is possible.
    MemoryError
        If the row-basis method cannot fit; the message says how long it would take, too.

    Warns
    -----
    UserWarning
        Where the tolerance is not met, or SGD on these rows is unstable at this learning rate.

    Notes
    -----
    Cost: the thin SVD; then 4nr² operations per iteration, r the rank of A, and a few r by r
    matrices; or about 150nr² operations in all and about 60r² numbers of 8 bytes; in the moments
    nr⁴/2 in all and, without steps where rates are constant, log₂ of the iterations times r⁶/4.
    Far above critical, numbers beyond 1e150 are given as infinite.

    References
    ----------
    Docs, page "The exact mean".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = np.random.default_rng(0).standard_normal((40, 20)) / np.sqrt(20)
    >>> problem = hsgd.LeastSquares(rows, rows.sum(axis=1), ridge=0.1)
    >>> curve = hsgd.exact_mean(problem, hsgd.SGD(0.5), [0.0, 1.0, 2.0])
    >>> bool(curve.empirical_risk[-1] < curve.empirical_risk[0])
    True
    """
    check_setting(problem, algorithm, batch_schedules=True, averages=True)
    reshuffled = not algorithm.has_independent_batches
    if reshuffled and (words := orders.refusal(problem, algorithm)):
        raise ValueError(words)
    check_rate(problem, algorithm)
    grid = dataset.time_grid(time, problem.num_rows)
    chosen = resolve(problem, statistics)
    rtol = number("rtol", rtol, strict=True)
    if rtol < _SMALLEST_RTOL:
        raise ValueError(
            f"rtol is {rtol:g}, but double precision allows {_SMALLEST_RTOL:g}: ask for no less."
        )
    if one_of("method", method, METHODS) == "auto" and algorithm.averaging is not None:
        method = "recursion"
    if reshuffled != (method == "orders") and not (reshuffled and method == "auto"):
        raise ValueError(f"method={method!r} is not for sampling={algorithm.sampling!r}: leave it.")
    if algorithm.averaging is not None and method != "recursion":
        raise ValueError(f"method={method!r} keeps no averages: pass method='recursion'.")
    if not (progress is None or isinstance(progress, bool)):
        raise TypeError(f"progress is {checks.shown(progress)}: pass True, False or None.")
    last = int(grid.unique[-1])
    regimes = None if reshuffled else constant_regimes(Rows.of(problem), algorithm, last)
    small = len(problem.svd.singular_values) <= _SMALL_RANK
    with single_threaded_blas() if small else nullcontext():
        averages = algorithm.averaging is not None
        name = (
            "orders" if reshuffled else _choose(problem, method, regimes, last, averages=averages)
        )
        if name == "orders":
            values, errors, work = _by_orders(problem, algorithm, chosen, grid.unique, progress)
        elif name == "recursion":
            values, errors, work = _by_recursion(problem, algorithm, chosen, grid.unique, progress)
        elif name == "moments":
            values, errors, work = _by_moments(
                problem, algorithm, regimes, chosen, grid.unique, progress
            )
        else:
            assert regimes is not None
            values, errors, work = _by_row_basis(
                problem, regimes, chosen, grid.unique, rtol, progress
            )
    attrs = provenance.attributes(
        problem, algorithm, source="exact_mean", title="exact mean of SGD on the given data"
    )
    variables: dict[str, tuple[tuple[str, ...], Array, str]] = {}
    for column in range(values.shape[1]):
        statistic, averaged = chosen[column % len(chosen)], column >= len(chosen)
        name = statistic.name + (AVERAGED if averaged else "")
        words = statistic.long_name + (" at the average" if averaged else "")
        variables[name] = (("time",), values[:, column], words)
        error = errors[:, column] + rounding(problem, statistic, values[:, column])
        variables[f"{name}_error"] = (("time",), error, f"numerical error of {words}")
    if not reshuffled:
        _warn_if_unstable(problem, algorithm, grid.unique / problem.num_rows)
    return dataset.assemble(grid, problem, algorithm, variables, attrs | work)


def _warn_if_unstable(problem: LeastSquares, algorithm: SGD, times: Array) -> None:
    """Say so where the mean diverges: homogenized SGD may be stable there, and runs look well."""
    rates, sizes = algorithm.schedule(times), algorithm.batch_sizes(times)
    for size in np.unique(sizes):
        rate = float(np.max(rates[sizes == size]))
        factor = float(algorithm.noise_factor(problem.num_rows, size))
        threshold = mean_square_critical_learning_rate(problem, factor)
        if rate > threshold:
            words = instability(rate, threshold)
            warning.warn(f"{words[0].upper()}{words[1:]}.", stacklevel=4)
            return


def _choose(
    problem: LeastSquares,
    method: str,
    regimes: list[Regime] | None,
    iterations: int,
    *,
    averages: bool,
) -> str:
    """The method to use; refuses what neither can do."""
    slow, count = recursion.seconds(problem, iterations), None if regimes is None else len(regimes)
    few = moments.seconds(problem, iterations, count)
    if method == "row_basis" and regimes is None:
        raise ValueError(
            "the row-basis method needs a learning rate that is constant in pieces: pass a "
            "hsgd.Piecewise schedule, or method='recursion'."
        )
    if method == "auto" and slow > 1.0:
        fast = np.inf if regimes is None else cost.seconds(regimes[0].rows, len(regimes))
        if few <= min(slow, fast, _PATIENCE):
            return "moments"
        if slow > 0.5 * fast:
            return "row_basis"
    if method == "row_basis" or (method == "moments" and few <= _PATIENCE):
        return method
    if method == "moments":
        raise ValueError(
            f"exact_mean would need about {few / 3600:.1f} hours in the {moments.size(problem)} "
            "second moments: leave method='auto'."
        )
    if slow > _PATIENCE:
        remedy = "shorten time, or take fewer rows"
        if regimes is None:
            remedy = f"replace the schedule by a hsgd.Piecewise one, {remedy}"
        elif not averages:
            remedy = "leave method='auto'"
        raise ValueError(
            f"exact_mean would need about {slow / 3600:.1f} hours here ({iterations} iterations "
            f"of the plain recursion at n={problem.num_rows}, rank "
            f"{len(problem.svd.singular_values)}): {remedy}."
        )
    return "recursion"


def _by_recursion(
    problem: LeastSquares,
    algorithm: SGD,
    statistics: tuple[Statistic, ...],
    iterations: NDArray[np.int64],
    show: bool | None,
) -> tuple[Array, Array, dict[str, Any]]:
    last = int(iterations[-1])
    n, d = problem.num_rows, problem.dimension
    rank = len(problem.svd.singular_values)
    # The covariance, its update, and the curvature of each statistic; rows in the eigenbasis.
    squares = 6 + len(statistics) + 6 * (algorithm.averaging is not None)
    needed = 8 * (3 * n * rank + squares * rank**2 + len(statistics) * d**2)
    memory.check(needed, f"exact_mean by recursion (n={n}, rank {rank})", "rows or columns")
    with bar(show, last, description="exact mean", unit="iterations") as report:
        means, noise = recursion.solve(problem, algorithm, statistics, iterations, report)
    scale = np.abs(means) + np.abs(noise)
    kinds = statistics * (means.shape[1] // len(statistics))
    values, errors = _rounded(problem, kinds, iterations, means + noise, scale)
    return values, errors, _stepped("recursion", last)


def _by_orders(
    problem: LeastSquares,
    algorithm: SGD,
    statistics: tuple[Statistic, ...],
    iterations: NDArray[np.int64],
    show: bool | None,
) -> tuple[Array, Array, dict[str, Any]]:
    last = int(iterations[-1])
    with bar(show, last, description="exact mean", unit="iterations") as report:
        means, noise = orders.solve(problem, algorithm, statistics, iterations, report)
    scale = np.abs(means) + np.abs(noise)
    values, errors = _rounded(problem, statistics, iterations, means + noise, scale)
    return values, errors, _stepped("orders", last)


def _by_moments(
    problem: LeastSquares,
    algorithm: SGD,
    regimes: list[Regime] | None,
    statistics: tuple[Statistic, ...],
    iterations: NDArray[np.int64],
    show: bool | None,
) -> tuple[Array, Array, dict[str, Any]]:
    last, count = int(iterations[-1]), moments.size(problem)
    memory.check(moments.memory(problem), f"exact_mean in {count} moments", "columns")
    with bar(show, last, description="exact mean", unit="iterations") as report:
        means, noise, scale = moments.solve(
            problem, algorithm, regimes, statistics, iterations, report
        )
    values, errors = _rounded(problem, statistics, iterations, means + noise, scale)
    return values, errors, _stepped("moments", last)


def _rounded(
    problem: LeastSquares,
    statistics: tuple[Statistic, ...],
    iterations: NDArray[np.int64],
    values: Array,
    scale: Array,
) -> tuple[Array, Array]:
    """Values and errors of what is exact but for rounding, relative to `scale`, in every step."""
    start = np.array([s.values(problem.x0[None, :])[0] for s in statistics])
    drift = EPS * (100.0 + iterations)[:, None] * scale
    with np.errstate(invalid="ignore", over="ignore"):
        return _with_infinities(values, drift + recursion.cancellation(scale, start))


def _stepped(method: str, last: int) -> dict[str, Any]:
    return {"method": method, "num_steps": last, "status": "exact to rounding"}


def _by_row_basis(
    problem: LeastSquares,
    regimes: list[Regime],
    statistics: tuple[Statistic, ...],
    iterations: NDArray[np.int64],
    rtol: float,
    show: bool | None,
) -> tuple[Array, Array, dict[str, Any]]:
    _check_memory(regimes[0].rows, len(statistics), len(regimes))
    with bar(
        show, cost.HALF_APPLICATIONS, description="exact mean", unit="half-applications"
    ) as report:
        found = solve(regimes, statistics, iterations, rtol, report)
    status = _status(found, rtol, problem.num_rows)
    worst = float(found.relative_error.max())
    if worst > rtol:
        warning.warn(f"exact_mean: {status}", stacklevel=4)
    start = np.array([s.values(problem.x0[None, :])[0] for s in statistics])
    with np.errstate(invalid="ignore", over="ignore"):
        errors = found.relative_error * found.scale + recursion.cancellation(found.scale, start)
    values, errors = _with_infinities(found.values, errors)
    return (
        values,
        errors,
        {
            "method": "row_basis",
            "status": status,
            "rtol": rtol,
            "estimated_error": worst,
            "basis_size": found.basis_size,
            "num_half_applications": found.half_applications,
            "num_cycles": found.cycles,
            "num_time_nodes": found.time_nodes,
            "num_power_nodes": found.power_nodes,
        },
    )


def _check_memory(rows: Rows, num_statistics: int, num_regimes: int) -> None:
    needed = cost.memory(rows, num_statistics, num_regimes)
    left = memory.available()
    if left is not None and needed > left:
        raise MemoryError(
            f"exact_mean would need about {needed / 1e9:.3g} GB and "
            f"{cost.seconds(rows, num_regimes) / 60:.2g} minutes here (n={rows.number}, rank "
            f"{rows.rank}), but {left / 1e9:.3g} GB are free: take fewer rows or columns."
        )


def _with_infinities(values: Array, errors: Array) -> tuple[Array, Array]:
    lost = ~(np.abs(values) < LARGEST)
    return np.where(lost, np.inf, values), np.where(lost | np.isnan(errors), np.inf, errors)


def _status(found: Outcome, rtol: float, num_rows: int) -> str:
    size = float(found.relative_error.max())
    if size <= rtol:
        words = f"the tolerance is met (estimated relative error {size:.1e})"
    else:
        words = (
            f"the tolerance is missed: the estimated relative error is {size:.1e}, "
            f"{size / rtol:.2g} times the rtol of {rtol:g}"
        )
    if found.overflow is not None:
        words += f"; numbers overflow from time {found.overflow / num_rows:.4g} on"
    return words
