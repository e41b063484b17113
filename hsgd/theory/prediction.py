"""The verb of the theory: the risk curves that SGD follows in high dimensions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd import dataset, warning
from hsgd.algorithms.base import Algorithm
from hsgd.checks import Array, flag, number, one_of
from hsgd.dataset import provenance
from hsgd.interfaces import Statistic
from hsgd.machine import memory
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.setting import check_rate, check_setting
from hsgd.statistics.named import resolve
from hsgd.sweeps.broadcasting import follows_sweeps, share
from hsgd.theory.dynamics.curves import (
    ALGORITHMS,
    METHODS,
    PROBLEMS,
    Curves,
    refuse_dependent_batches,
    resolve_method,
    solve_curves,
)
from hsgd.theory.spectra.modes import Modes, Solvable, curvatures, modes
from hsgd.theory.trust.applicability import too_small, verdict_of
from hsgd.theory.trust.discrepancy import Reference, left_out, reference, relative_gap
from volterra import Status

if TYPE_CHECKING:
    import xarray as xr


_NOISELESS = {"hsgd": "gradient flow", "discrete": "gradient descent"}
"""What SGD without noise is."""


@follows_sweeps
def predict(
    problem: Solvable,
    algorithm: Algorithm,
    time: Any,
    *,
    statistics: str | Statistic | Iterable[str | Statistic] | None = None,
    method: str = "auto",
    spread: bool = False,
    level: float = 0.9,
    rtol: float = 1e-8,
) -> xr.Dataset:
    """Risk curves of SGD in high dimensions, and those without noise beside them.

    The training loss solves Ψ(t) = L(m(Γ(t))) + ∫₀ᵗ γ(s)² k_H(Γ(t)−Γ(s)) Ψ(s) ds, m gradient
    flow, Γ = ∫γ the odometer, k_H(τ) = (φ/n) Σ_j λ_j² e^{−2(λ_j+ridge)τ}; every other quadratic
    statistic is driven by Ψ in the same way.

    Parameters
    ----------
    problem
        `LeastSquares`, data of any row scale; or `GaussianRows`, a population to stream.
    algorithm
        For data `SGD`, `HeavyBall` or `Nesterov`, with independent batches; for a population
        `StreamingSGD`. Learning rate and batch size may be schedules. These two and the problem's
        ridge may be an `xarray.DataArray` of numbers each: its dims become dims of the result.
    time
        Increasing times ≥ 0, shape (T,), in units of n iterations (streaming: d). The curves are
        evaluated at `iteration` = rint(time·n), exactly where a simulation records.
    statistics
        Names among `"empirical_risk"`, `"population_risk"`, `"distance"`, or `Quadratic`
        statistics; by default all that the problem has.
    method
        `"hsgd"`, homogenized SGD, the limit of small steps; `"discrete"`, its twin with steps of
        finite size, which is *exact* for streaming from `GaussianRows`, and better than the limit
        for large batches; `"auto"`: `"hsgd"`, and `"discrete"` for momentum.
    spread, level
        Bands for single runs are not available yet; `spread=True` is refused.
    rtol
        Relative accuracy of the solution of the equations (not of the theory itself).

    Returns
    -------
    xarray.Dataset
        dims `time`. For each statistic: its curve; `_gradient_flow`, the curve without noise (with
        `"discrete"`, that of gradient descent); `_error`, the numerical error; `_discrepancy`, the
        relative difference to expect between SGD's true mean and the theory because n is finite.
        Attributes: `status`, and `expected_discrepancy`, the largest of the discrepancies.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, or sampling without replacement across iterations.

    Warns
    -----
    UserWarning
        Where the learning rate is above critical (the divergence is predicted all the same), the
        tolerance is not reached, or `diagnose` expects the theory not to hold.

    Notes
    -----
    Cost: one thin SVD of A (an eigendecomposition of Σ), shared by all calls on the problem, then
    O(r² + rT) for a constant learning rate and batch size, exactly in time and at any iteration;
    with schedules O(r) per step for `"hsgd"`, and per *iteration* for `"discrete"`, as with
    momentum. The discrepancy costs as much again, and at most 400 iterations of O(nr).

    References
    ----------
    arXiv:2205.07069, equations for Ψ and Ω in Theorem 1.2; docs, theory page,
    "Volterra equations", "Finite steps", "Momentum".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(1 / 100, np.ones(100), noise=0.1)
    >>> data, times = rows.sample(200, seed=0), np.linspace(0, 5, 11)
    >>> many_passes = hsgd.predict(data, hsgd.SGD(0.5), times)
    >>> one_pass = hsgd.predict(rows, hsgd.StreamingSGD(0.5), times, method="discrete")
    >>> bool(one_pass.population_risk[-1] < one_pass.population_risk[0])
    True
    """
    check_setting(
        problem, algorithm, problems=PROBLEMS, algorithms=ALGORITHMS, batch_schedules=True
    )
    check_rate(problem, algorithm)
    refuse_dependent_batches(algorithm)
    grid = dataset.time_grid(time, problem.iterations_per_unit)
    chosen = resolve(problem, statistics)
    _check_options(method, spread, level)
    method = resolve_method(method, algorithm)
    tolerance = number("rtol", rtol, strict=True)
    times = grid.unique / problem.iterations_per_unit
    algorithm.schedule(times)
    _check_memory(problem, len(times))
    concern, verdict = verdict_of(problem, algorithm, method, float(times[-1]))
    curves = solve_curves(problem, algorithm, grid.unique, method, tolerance)
    held = reference(problem, algorithm, grid.unique, method, chosen, tolerance, share())
    variables: dict[str, tuple[tuple[str, ...], Array, str]] = {}
    for statistic in chosen:
        variables |= _variables(modes(problem), statistic, curves, held, _NOISELESS[method])
    titles = {"hsgd": "homogenized SGD", "discrete": "finite-step theory"}
    attrs = provenance.attributes(
        problem, algorithm, source="theory", title=f"{titles[method]}: predicted risk curves"
    )
    attrs |= {
        "method": method,
        "solver": curves.solver,
        "status": curves.status,
        "rtol": tolerance,
        "expected_discrepancy": _largest_discrepancy(variables),
        "diagnosis": verdict,
    }
    if not concern and method == "hsgd" and isinstance(problem, GaussianRows):
        concern, verdict = too_small(problem, float(attrs["expected_discrepancy"]), verdict)
        attrs["diagnosis"] = verdict
    if concern:
        warning.warn(verdict, stacklevel=3)
    if curves.status != Status.CONVERGED.value:
        warning.warn(curves.status, stacklevel=3)
    return dataset.assemble(grid, problem, algorithm, variables, attrs)


def _check_memory(problem: Solvable, num_times: int) -> None:
    """Modes and parameters at all times are held at once; each a few times over."""
    d = problem.dimension
    rank = min(problem.num_rows, d) if isinstance(problem, LeastSquares) else d
    what = f"a prediction at {num_times} times of {d} parameters"
    memory.check(8 * num_times * (4 * rank + 3 * d), what, "times")


def _check_options(method: str, spread: bool, level: float) -> None:
    if isinstance(method, str) and method in ("mean_field", "modified_flow", "data_fit"):
        raise ValueError(f"method={method!r} is not available yet: use method='hsgd'.")
    one_of("method", method, METHODS)
    if flag("spread", spread):
        raise ValueError(
            "spread=True (bands for single runs) is not available yet: simulate them with "
            "simulate.sgd(..., num_replicates=64)."
        )
    if not 0.0 < number("level", level) < 1.0:
        raise ValueError(f"level is {level}, but it must lie between 0 and 1.")


def _variables(
    system: Modes, statistic: Statistic, curves: Curves, held: Reference, noiseless: str
) -> dict[str, tuple[tuple[str, ...], Array, str]]:
    """The variables of one statistic on the unique iterations."""
    with np.errstate(over="ignore", invalid="ignore"):
        flow, value, error = (_infinite(c) for c in _curve(system, statistic, curves))
    gap = relative_gap(value + left_out(system, statistic, curves), value)
    for other in held.others:
        with np.errstate(over="ignore", invalid="ignore"):
            mean = flow[: other.count] if other.same_mean else None
            better = _curve(system, statistic, other.curves, mean)[1]
            better += left_out(system, statistic, other.curves)
        own = relative_gap(better, value[: other.count])
        # Where it is no longer affordable the last difference stands.
        gap = np.maximum(gap, np.append(own, np.full(len(gap) - len(own), own[-1])))
    first = held.first.get(statistic.name, value[:0])
    start = slice(0, len(first))
    gap[start] = np.maximum(gap[start], relative_gap(first, value[start]))
    name, words, dims = statistic.name, statistic.long_name, ("time",)
    return {
        name: (dims, value, words),
        f"{name}_gradient_flow": (dims, flow, f"{words} along {noiseless}"),
        f"{name}_error": (dims, error, f"numerical error of {words}"),
        f"{name}_discrepancy": (dims, gap, f"relative error to expect in {words}"),
    }


def _infinite(values: Array) -> Array:
    """What has overflowed, also where overflows were subtracted."""
    return np.where(np.isnan(values), np.inf, values)


def _curve(
    system: Modes, statistic: Statistic, curves: Curves, mean: Array | None = None
) -> tuple[Array, Array, Array]:
    """Without noise (unless that is known), with it, and the numerical error."""
    if statistic.name == system.sampled_risk:
        N = system.iterations_per_unit
        loss, error = curves.loss()
        return curves.flow() / N, loss / N, error / N
    flow = curves.mean(statistic) if mean is None else mean
    noise, error = curves.noise(curvatures(system, statistic))
    rounding = 1e-15 * system.directions.shape[0] ** 0.5 * np.abs(flow)
    return flow, flow + noise, error + rounding


def _largest_discrepancy(variables: dict[str, tuple[tuple[str, ...], Array, str]]) -> float:
    gaps = [np.max(np.abs(v[1])) for name, v in variables.items() if name.endswith("_discrepancy")]
    return float(max(gaps))
