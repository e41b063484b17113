"""The verb of the theory: the risk curves that homogenized SGD follows."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hsgd import dataset, provenance
from hsgd.algorithms import SGD
from hsgd.asymptotics import independent_noise_factor
from hsgd.checks import Array, number, one_of
from hsgd.diagnosis import diagnose, feedback_excess
from hsgd.first_steps import first_steps
from hsgd.modes import Modes, modes
from hsgd.problems import LeastSquares
from hsgd.schedules import Constant
from hsgd.statistics import Statistic, resolve
from volterra import Solution, Status, SumOfExponentials, TimeChanged, solve

if TYPE_CHECKING:
    import xarray as xr

METHODS = ("auto", "hsgd")


def predict(
    problem: LeastSquares,
    algorithm: SGD,
    time: Any,
    *,
    statistics: str | Statistic | Iterable[str | Statistic] | None = None,
    method: str = "auto",
    spread: bool = False,
    level: float = 0.9,
    rtol: float = 1e-8,
) -> xr.Dataset:
    """Risk curves of SGD in high dimensions, and those of gradient flow beside them.

    The training loss solves Ψ(t) = L(m(Γ(t))) + ∫₀ᵗ γ(s)² k_H(Γ(t)−Γ(s)) Ψ(s) ds, m gradient
    flow, Γ = ∫γ the odometer, k_H(τ) = (φ/n) Σ_j λ_j² e^{−2(λ_j+ridge)τ}; every other quadratic
    statistic is driven by Ψ in the same way.

    Parameters
    ----------
    problem
        `LeastSquares`: data of any row scale.
    algorithm
        `SGD` with independent batches and any learning-rate schedule.
    time
        Increasing times ≥ 0, shape (T,), in units of n iterations. The curves are evaluated at
        `iteration` = rint(time·n), exactly where a simulation records.
    statistics
        Names among `"empirical_risk"`, `"population_risk"`, `"distance"`, or `Quadratic`s;
        by default all that the problem has.
    method
        `"hsgd"`, which `"auto"` means too.
    spread, level
        Bands for single runs are not available yet; `spread=True` is refused.
    rtol
        Relative accuracy of the solution of the equations (not of the theory itself).

    Returns
    -------
    xarray.Dataset
        dims `time`. For each statistic: its curve; `_gradient_flow`, the curve without noise;
        `_error`, the numerical error; `_discrepancy`, the relative difference to expect between
        SGD's true mean and the theory because n is finite. Attributes: `status`, and
        `expected_discrepancy`, the largest of the discrepancies.

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
    Cost: one thin SVD of A, shared by all calls on the problem, then O(r² + rT) for a constant
    learning rate (exact in time) and O(r) per step for a schedule. The discrepancy costs as much
    again, and at most 400 iterations of O(nr).

    References
    ----------
    arXiv:2205.07069, equations for Ψ and Ω in Theorem 1.2; docs, theory page,
    "Volterra equations".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = np.random.default_rng(0).standard_normal((200, 100)) / 10
    >>> problem = hsgd.LeastSquares(rows, rows.sum(axis=1))
    >>> curve = hsgd.predict(problem, hsgd.SGD(0.5), np.linspace(0, 5, 11))
    >>> bool(curve.empirical_risk[-1] < curve.empirical_risk[0])
    True
    """
    independent_noise_factor(problem, algorithm)
    grid = dataset.time_grid(time, problem.num_rows)
    chosen = resolve(problem, statistics)
    _check_options(method, spread, level)
    tolerance = number("rtol", rtol, strict=True)
    times = grid.unique / problem.num_rows
    algorithm.schedule(times)
    report = diagnose(problem, algorithm, horizon=float(times[-1]))
    curves = _Curves.solve(problem, algorithm, grid.unique, chosen, tolerance)
    variables: dict[str, tuple[tuple[str, ...], Array, str]] = {}
    for statistic in chosen:
        variables |= curves.of(statistic)
    attrs = provenance.attributes(
        problem, algorithm, source="theory", title="homogenized SGD: predicted risk curves"
    )
    attrs |= {
        "method": "hsgd",
        "solver": curves.solution.method,
        "status": curves.solution.status.value,
        "rtol": tolerance,
        "expected_discrepancy": _largest_discrepancy(variables),
        "diagnosis": report.attrs["verdict"],
    }
    _warn(report, curves.solution)
    return dataset.assemble(grid, problem, algorithm, variables, attrs)


def _check_options(method: str, spread: bool, level: float) -> None:
    if method in ("discrete", "mean_field", "modified_flow", "data_fit"):
        raise ValueError(f"method={method!r} is not available yet: use method='hsgd'.")
    one_of("method", method, METHODS)
    if spread:
        raise ValueError(
            "spread=True (bands for single runs) is not available yet: simulate them with "
            "simulate.sgd(..., num_replicates=64)."
        )
    if not 0.0 < number("level", level) < 1.0:
        raise ValueError(f"level is {level}, but it must lie between 0 and 1.")


@dataclass(frozen=True, eq=False)
class _Curves:
    """The solved training loss, and what other statistics need from it."""

    problem: LeastSquares
    system: Modes
    odometer: Array
    noise_weights_scale: float
    """What `Modes.noise_weights` must be multiplied by: γ² for a constant rate, else 1."""
    noise_factor: float
    solution: Solution
    """Ψ, the sum loss."""
    heavier: Solution
    """Ψ with the kernel scaled so that it turns critical where SGD on these rows does. What it
    drives is the finite-n mean to expect (docs, theory page, "Diagnose")."""
    excess: float
    """That scale."""
    first: dict[str, Array]
    """Each statistic's mean over the first iterations, step by step."""

    @classmethod
    def solve(
        cls,
        problem: LeastSquares,
        algorithm: SGD,
        iterations: NDArray[np.int64],
        statistics: tuple[Statistic, ...],
        rtol: float,
    ) -> _Curves:
        system = modes(problem)
        times = iterations / problem.num_rows
        schedule = algorithm.schedule
        factor = algorithm.noise_factor(problem.num_rows)
        excess = feedback_excess(problem, factor)

        def solution(scale: float, tolerance: float) -> Solution:
            weights = scale * system.noise_weights(factor)
            forcing = system.gradient_flow_loss()
            if isinstance(schedule, Constant):
                rate = schedule.level
                kernel = SumOfExponentials(2.0 * rate * system.damping, rate**2 * weights)
                forced = SumOfExponentials(rate * forcing.rates, forcing.weights, forcing.constant)
                return solve(forced, kernel, times, rtol=tolerance)
            return solve(
                lambda t: forcing(schedule.integral(t)),
                TimeChanged(
                    SumOfExponentials(2.0 * system.damping, weights),
                    clock=schedule.integral,
                    weight=lambda t: schedule(t) ** 2,
                    clock_rate=schedule,
                    breakpoints=schedule.breakpoints,
                ),
                times,
                rtol=tolerance,
            )

        return cls(
            problem,
            system,
            schedule.integral(times),
            schedule.level**2 if isinstance(schedule, Constant) else 1.0,
            factor,
            solution(1.0, rtol),
            # Only a budget comes out of this one: three digits are plenty.
            solution(excess, max(rtol, 1e-4)),
            excess,
            first_steps(problem, system, algorithm, iterations, statistics),
        )

    def of(self, statistic: Statistic) -> dict[str, tuple[tuple[str, ...], Array, str]]:
        """The variables of one statistic on the unique iterations."""
        flow, value, error, driven = (
            self._risk() if statistic.name == "empirical_risk" else self._observed(statistic)
        )
        discrepancy = _relative_gap(driven, value)
        if statistic.name in self.first:
            first = self.first[statistic.name]
            start = slice(0, len(first))
            discrepancy[start] = np.maximum(discrepancy[start], _relative_gap(first, value[start]))
        name, words, dims = statistic.name, statistic.long_name, ("time",)
        return {
            name: (dims, value, words),
            f"{name}_gradient_flow": (dims, flow, f"{words} along gradient flow"),
            f"{name}_error": (dims, error, f"numerical error of {words}"),
            f"{name}_discrepancy": (dims, discrepancy, f"relative error to expect in {words}"),
        }

    def _risk(self) -> tuple[Array, Array, Array, Array]:
        n = self.problem.num_rows
        flow = self.system.gradient_flow_loss()(self.odometer)
        driven = flow + (self.heavier.y - flow) / self.excess
        return flow / n, self.solution.y / n, self.solution.error / n, driven / n

    def _observed(self, statistic: Statistic) -> tuple[Array, Array, Array, Array]:
        flow = statistic.values(self.system.mean_points(self.odometer))
        curvatures = statistic.curvatures(self.system.directions)
        weights = self.noise_weights_scale * self.system.noise_weights(
            self.noise_factor, curvatures
        )
        noise = self.solution.observe(weights)
        driven = self.heavier.observe(weights)
        rounding = 1e-15 * self.problem.dimension**0.5 * np.abs(flow)
        return flow, flow + noise.y, noise.error + rounding, flow + driven.y


def _relative_gap(other: Array, value: Array) -> Array:
    """|other/value − 1|; 0 where the value is 0, infinite where the quotient is no number."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        gap = np.where(value > 0, np.abs(other / value - 1.0), 0.0)
    return np.where(np.isfinite(gap), gap, np.inf)


def _largest_discrepancy(variables: dict[str, tuple[tuple[str, ...], Array, str]]) -> float:
    gaps = [np.max(np.abs(v[1])) for name, v in variables.items() if name.endswith("_discrepancy")]
    return float(max(gaps))


def _warn(report: xr.Dataset, solution: Solution) -> None:
    if report.attrs["concern"]:
        warnings.warn(report.attrs["verdict"], UserWarning, stacklevel=3)
    if solution.status is not Status.CONVERGED:
        warnings.warn(solution.status.value, UserWarning, stacklevel=3)
