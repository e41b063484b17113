"""Where SGD ends up: critical learning rate, limiting risks, rate and condition numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from hsgd import dataset, provenance
from hsgd.algorithms import SGD, Algorithm, HeavyBall, StreamingSGD
from hsgd.checks import Array, is_swept, number, one_of
from hsgd.gaussian_rows import GaussianRows
from hsgd.problems import LeastSquares
from hsgd.statistics import Statistic, resolve
from hsgd.sweeps.broadcasting import follows_sweeps
from hsgd.theory.curves import (
    ALGORITHMS,
    METHODS,
    PROBLEMS,
    is_constant,
    number_of_rows,
    refuse_dependent_batches,
    resolve_method,
)
from hsgd.theory.modes import Modes, Solvable, curvatures, modes
from hsgd.theory.stability import Momentum, Stability
from volterra import SumOfExponentials, analyse

if TYPE_CHECKING:
    import xarray as xr


def independent_noise_factor(problem: LeastSquares, algorithm: SGD) -> float:
    """The batch's noise factor; sampling without replacement is refused, with the reason."""
    dataset.check_setting(problem, algorithm)
    refuse_dependent_batches(algorithm)
    return float(algorithm.noise_factor(problem.num_rows))


@overload
def critical_learning_rate(
    problem: Solvable,
    *,
    batch_size: int = ...,
    sampling: str = ...,
    momentum: float = ...,
    method: str = ...,
) -> float: ...


@overload
def critical_learning_rate(
    problem: Solvable,
    *,
    batch_size: xr.DataArray,
    sampling: str = ...,
    momentum: float = ...,
    method: str = ...,
) -> xr.DataArray: ...


def critical_learning_rate(
    problem: Solvable,
    *,
    batch_size: Any = 1,
    sampling: str = "with_replacement",
    momentum: float = 0.0,
    method: str = "auto",
) -> Any:
    """Largest stable learning rate.

    For homogenized SGD the smaller of the noise limit, ‖K‖ = 1, which is
    γ = 2N / (φ Σ_j λ_j²/(λ_j+ridge)), and the curvature limit γ = 2N/(λ_max+ridge); φ is the
    batch's noise factor (1/B, or (n−B)/(B(n−1)) for subsets), N the iterations per unit of time.

    Parameters
    ----------
    problem
        The data or the population; only second moments and the ridge matter.
    batch_size, sampling
        As in `SGD`; a population is streamed, and has no `sampling`. A DataArray of batch sizes
        gives a DataArray of learning rates.
    momentum
        Of `HeavyBall`; needs the finite-step theory.
    method
        As in `predict`: `"discrete"` counts that steps are finite, which matters for large batches
        (both limits are then one).

    Returns
    -------
    float or xarray.DataArray
        In the units of `learning_rate`; inf if there is no curvature.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, or sampling that is not independent between iterations.

    Notes
    -----
    Cost: one decomposition, shared with everything else.

    References
    ----------
    arXiv:2205.07069, Theorem 1.1 and its remarks; arXiv:2206.01029, equation for the momentum
    kernel's norm; docs, theory page, "Stability".
    """
    one_of("method", method, METHODS)
    if is_swept(batch_size):
        sizes: Any = batch_size
        options: dict[str, Any] = {"sampling": sampling, "momentum": momentum, "method": method}
        rates = [
            critical_learning_rate(problem, batch_size=size.item(), **options)
            for size in sizes.values.ravel()
        ]
        found = sizes.copy(data=np.reshape(rates, sizes.shape)).rename("critical_learning_rate")
        return found.assign_coords(batch_size=sizes.variable)
    algorithm: Algorithm
    if isinstance(problem, GaussianRows):
        algorithm = StreamingSGD(0.0, batch_size=batch_size)
    elif number("momentum", momentum) > 0:
        algorithm = HeavyBall(0.0, momentum, batch_size=batch_size, sampling=sampling)
    else:
        algorithm = SGD(0.0, batch_size=batch_size, sampling=sampling)
    return stability_of(problem, algorithm, resolve_method(method, algorithm)).critical_rate()


def stability_of(problem: Solvable, algorithm: Algorithm, method: str) -> Stability:
    """The setting's norms as functions of the learning rate, checked for independent batches."""
    dataset.check_setting(problem, algorithm, problems=PROBLEMS, algorithms=ALGORITHMS)
    refuse_dependent_batches(algorithm)
    factor = float(algorithm.noise_factor(number_of_rows(problem)))
    return Stability(modes(problem), factor, method, Momentum.of(algorithm))


def critical_rate(system: Modes, noise_factor: float) -> float:
    """The smaller of the noise limit and the curvature limit of homogenized SGD."""
    return Stability(system, noise_factor).critical_rate()


def curvature_limit(system: Modes) -> float:
    """2N/(λ_max+ridge), beyond which even the noiseless iteration diverges."""
    return Stability(system, 0.0).curvature_limit()


@follows_sweeps
def limits(
    problem: Solvable,
    algorithm: Algorithm,
    *,
    statistics: str | Statistic | list[str | Statistic] | None = None,
    method: str = "auto",
) -> xr.Dataset:
    """Limits as time goes to infinity, as a dataset of scalars.

    ψ_∞ = L(x_ridge)/(1−‖K‖), and a statistic q with second derivative T ends at
    q(x_ridge) + (γφ/2N) ψ_∞ Σ_j T_jj λ_j/(λ_j+ridge); x_ridge is where gradient flow ends. With
    finite steps and momentum the last sum has the stationary variances in its place.

    Parameters
    ----------
    problem, algorithm
        As in `predict`, with a constant learning rate and batch size, or sweeps of them.
    statistics, method
        As in `predict`.

    Returns
    -------
    xarray.Dataset
        Scalars: `kernel_norm`, `critical_learning_rate`; for each statistic
        `limiting_<statistic>`, `limiting_<statistic>_gradient_flow` (at x_ridge) and
        `excess_<statistic>`, their difference, which is SGD's excess over ridge regression and over
        gradient flow alike; `rate` (of the exponential approach, per unit of time; negative:
        growth), `transition_learning_rate` (for `"hsgd"`: below it the slowest mode of the data
        sets the rate, above it the noise), `condition_number` κ = λ_max/λ_min⁺,
        `average_condition_number` κ̄ = (tr H/n)/λ_min⁺, `implicit_conditioning_ratio` κ̄/√κ and
        `largest_over_mean_eigenvalue`. Limits above critical are inf. The attribute `regime` is
        `"forcing-dominated"`, `"noise-dominated"` or `"unstable"`.

    Raises
    ------
    TypeError, ValueError
        For a schedule, dependent batches, or bad statistics.

    Notes
    -----
    Cost: one decomposition, shared; the rate needs one root of the secular equation.

    References
    ----------
    arXiv:2206.07252, section 3; docs, theory page, "Stability, limits, conditioning".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(1 / 50, np.ones(50), noise=1.0)
    >>> ends = hsgd.limits(rows, hsgd.StreamingSGD(1.0))  # half of critical
    >>> float(ends.limiting_population_risk)
    1.0
    """
    one_of("method", method, METHODS)
    dataset.check_setting(
        problem, algorithm, problems=PROBLEMS, algorithms=ALGORITHMS, batch_schedules=True
    )
    dataset.check_rate(problem, algorithm)
    if not is_constant(algorithm):
        raise ValueError(
            "limits needs a constant learning rate and batch size: pass the algorithm with their "
            "last values, for example SGD(learning_rate=...)."
        )
    method = resolve_method(method, algorithm)
    stability = stability_of(problem, algorithm, method)
    chosen = resolve(problem, statistics)
    ends = Ends(stability, float(algorithm.schedule(np.zeros(1))[0]))
    values: dict[str, tuple[float, str]] = {
        "kernel_norm": (ends.norm, "norm of the noise kernel"),
        "critical_learning_rate": (stability.critical_rate(), "critical learning rate"),
    }
    for statistic in chosen:
        flow, excess = ends.of(statistic)
        name, words = statistic.name, statistic.long_name
        values[f"limiting_{name}"] = (flow + excess, f"limit of {words}")
        values[f"limiting_{name}_gradient_flow"] = (flow, f"limit of {words} along gradient flow")
        values[f"excess_{name}"] = (excess, f"excess of {words} over ridge and gradient flow")
    values["rate"] = (ends.rate, "exponential rate per unit of time")
    if method == "hsgd":
        values["transition_learning_rate"] = (
            ends.transition(),
            "learning rate above which noise sets the rate",
        )
    values |= _conditioning(ends.system)
    attrs = provenance.attributes(problem, algorithm, source="limits", title="limits of SGD")
    attrs |= {"method": method, "regime": ends.regime}
    return dataset.scalars(values, attrs)


def _conditioning(system: Modes) -> dict[str, tuple[float, str]]:
    spectrum = system.eigenvalues
    if not len(spectrum):
        return {}
    condition = float(spectrum[0] / spectrum[-1])
    average = float(spectrum.sum() / system.iterations_per_unit / spectrum[-1])
    return {
        "condition_number": (condition, "largest over smallest eigenvalue"),
        "average_condition_number": (
            average,
            "trace of H over n times its smallest non-zero eigenvalue",
        ),
        "implicit_conditioning_ratio": (
            average / condition**0.5,
            "average condition number over the root of the condition number",
        ),
        "largest_over_mean_eigenvalue": (
            float(spectrum[0] / (spectrum.sum() / system.directions.shape[0])),
            "largest over mean eigenvalue",
        ),
    }


@dataclass(frozen=True, eq=False)
class Ends:
    """Limits at a constant learning rate."""

    stability: Stability
    learning_rate: float

    @property
    def system(self) -> Modes:
        """The modes."""
        return self.stability.system

    @cached_property
    def norm(self) -> float:
        """‖K‖."""
        return self.stability.kernel_norm(self.learning_rate)

    @property
    def stable(self) -> bool:
        """Whether the risk settles."""
        edge = self.stability.curvature_limit()
        inside = self.stability.method == "hsgd" or self.learning_rate < edge
        return self.norm < 1.0 and inside

    @property
    def moves(self) -> bool:
        """At a learning rate of 0 nothing ever does."""
        return self.learning_rate > 0

    def bare_loss(self) -> float:
        """Ψ where gradient flow ends."""
        return float(self.system.losses(np.full((1, 1), 0.0 if self.moves else 1.0))[0])

    def variances(self) -> Array:
        """Stationary variance of each mode."""
        # notation: p = limit of the residuals, whose share of the noise is the wick term
        if not self.moves:
            return np.zeros(len(self.system.eigenvalues))
        p = self.system.residual_limit
        wick = self.system.wick * p**2 if self.stability.method == "discrete" else 0.0
        gain = self.stability.gain(self.learning_rate)
        persistence = self.stability.persistence(self.learning_rate)
        own = gain * wick * persistence
        loss = (self.bare_loss() + 0.5 * float(np.sum(self.system.eigenvalues * own))) / (
            1.0 - self.norm
        )
        return np.asarray(own + 2.0 * loss * gain * persistence)

    def of(self, statistic: Statistic) -> tuple[float, float]:
        """Limit along gradient flow, and SGD's excess over it."""
        system = self.system
        if statistic.name == system.sampled_risk:
            flow = self.bare_loss() / system.iterations_per_unit
        else:
            end = self.system.gradient_flow(np.array([np.inf if self.moves else 0.0]))
            flow = float(system.values(statistic, *end)[0])
        if not self.stable:
            return flow, float("inf")
        return flow, 0.5 * float(np.sum(curvatures(system, statistic) * self.variances()))

    @property
    def regime(self) -> str:
        """What sets the rate."""
        if not self.stable:
            return "unstable"
        forced = self._forced_rate()
        if self.stability.method == "hsgd":
            dominated = self.learning_rate <= self.transition()
        else:
            dominated = forced <= self._noise_rate()
        return "forcing-dominated" if dominated else "noise-dominated"

    @cached_property
    def rate(self) -> float:
        """Rate of ψ − ψ_∞: the kernel's root, or the slowest mode that forces it."""
        if not len(self.system.eigenvalues) or not self.moves:
            return 0.0
        return min(self._noise_rate(), self._forced_rate())

    @property
    def _active(self) -> Array:
        """Modes whose mean enters the loss linearly, which needs a ridge; shape (r,), boolean."""
        return np.asarray(self.system.residual_limit * self.system.residual_start != 0)

    def _forced_rate(self) -> float:
        system, method = self.system, self.stability.method
        slowest = system.damping[self._active.astype(bool)]
        if method == "hsgd":
            return self.learning_rate * float(slowest.min(initial=np.inf))
        steps = self.learning_rate / system.iterations_per_unit * slowest
        return -system.iterations_per_unit * float(
            np.max(_log_modulus(self.stability.rule, steps), initial=-np.inf)
        )

    def _noise_rate(self) -> float:
        # notation: x = the root, a rate per unit of time (hsgd) or 1 − ratio per iteration
        system, N = self.system, self.system.iterations_per_unit
        gain = self.stability.gain(self.learning_rate) * system.eigenvalues
        if self.stability.method == "hsgd":
            rates = 2.0 * self.learning_rate * system.damping
            if not gain.any():
                return float(rates.min())
            return -analyse(SumOfExponentials(rates, N * gain)).malthusian_exponent
        if self.stability.rule.momentum > 0.0:
            return self._momentum_rate(gain)
        step = self.learning_rate / N * system.damping
        settling = step * (2.0 - step) - system.wick * gain
        if not gain.any():
            return -N * float(np.log1p(-settling.min()))
        # Shifted, for the solver takes no negative rates.
        least = min(0.0, float(settling.min()))
        x = least - analyse(SumOfExponentials(settling - least, gain)).malthusian_exponent
        return -N * float(np.log1p(-x)) if x < 1.0 else float("inf")

    def _momentum_rate(self, gain: Array) -> float:
        # notation: s = one over the ratio per iteration; 1 = s Σ_j w_j Σ_m G_m² s^m
        N, rule = self.system.iterations_per_unit, self.stability.rule
        step = self.learning_rate / N * self.system.damping
        edge = float(np.exp(-2.0 * np.max(_log_modulus(rule, step))))

        def room(log_growth: float) -> float:
            s = float(np.exp(log_growth))
            fed = s * float(np.sum(gain * rule.persistence(step, s)[1]))
            return (1.0 / fed if np.isfinite(fed) and fed > 0 else 0.0) - 1.0

        top = np.log(edge)
        if not gain.any():
            return N * float(top)
        low = min(0.0, top) - 1.0
        while room(low) <= 0.0:
            low *= 2.0
        high = top - 1e-13 * max(1.0, abs(top))
        if room(high) > 0.0:
            return N * float(top)
        from scipy.optimize import brentq  # slow to load, and rarely needed

        return N * float(brentq(room, low, high, xtol=1e-15, rtol=1e-13))

    def transition(self) -> float:
        """The learning rate above which the noise, not a mode of the data, sets the rate.

        With a ridge, where the root meets the slowest forced mode: γ* = N/(φ Σ λ²/(2r−r_min)).
        Without, where the noise of all other modes alone decays as slowly as the slowest mode.
        """
        # notation: r = damping; the root at the edge of the forcing's rates
        system = self.system
        active = self._active.astype(bool)
        weights = system.noise_weights(self.stability.noise_factor)
        if active.any():
            edge = float(system.damping[active].min())
            gaps = 2.0 * system.damping - edge
            counted = np.ones(len(gaps), dtype=bool)
        else:
            edge = float(system.damping.min(initial=np.inf))
            gaps = 2.0 * (system.damping - edge)
            counted = gaps > 1e-12 * edge
        if not (gaps[counted] > 0).all():
            return 0.0
        total = float(np.sum(weights[counted] / gaps[counted]))
        return 1.0 / total if total > 0 else float("inf")


def _log_modulus(rule: Momentum, step: Array) -> Array:
    """Log of the largest modulus of the roots of z² = αz − β, per mode."""
    alpha, beta = rule.coefficients(step)
    root = np.sqrt((alpha**2 - 4.0 * beta).astype(np.complex128))
    largest = np.maximum(np.abs(alpha + root), np.abs(alpha - root)) / 2.0
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(largest))


def epochs_to_tolerance(
    problem: LeastSquares, tolerance: float, *, sampling: str = "with_replacement"
) -> xr.Dataset:
    """Passes over the data until what is left of the start has shrunk, for three algorithms.

    Single-sample SGD at its fastest learning rate needs of the order of κ̄ epochs, gradient descent
    κ, full-batch heavy ball √κ (each at its best parameters): log(1/tolerance) over the rate of the
    risk.

    Parameters
    ----------
    problem
        The data.
    tolerance
        What is to be left of the risk's distance from its limit, relative to the start; in (0, 1).
    sampling
        As in `SGD`.

    Returns
    -------
    xarray.Dataset
        Scalars: `sgd_epochs`, `gradient_descent_epochs`, `heavy_ball_epochs`, and the learning
        rates and momentum they are for: `sgd_learning_rate`, `gradient_descent_learning_rate`,
        `heavy_ball_learning_rate`, `heavy_ball_momentum`.

    Raises
    ------
    TypeError, ValueError
        For a tolerance outside (0, 1), or another problem.

    Notes
    -----
    The rates are asymptotic: early, modes that are not the slowest make all three faster. With
    label noise SGD's limit lies above that of the other two. Cost: one root per trial rate.

    References
    ----------
    arXiv:2206.07252, section 3, "implicit conditioning"; B. Polyak, 1964, for heavy ball.
    """
    share = number("tolerance", tolerance, strict=True)
    if share >= 1.0:
        raise ValueError(f"tolerance is {share:g}, but it must lie between 0 and 1: try 1e-3.")
    stability = stability_of(problem, SGD(0.0, sampling=sampling), "hsgd")
    rate, best = fastest(stability)
    # notation: top, low = extreme dampings per iteration, k = their root ratio
    n = problem.num_rows
    damping = stability.system.damping / n
    top, low = float(damping.max()), float(damping.min())
    k = (low / top) ** 0.5
    with np.errstate(divide="ignore"):
        descent = -2.0 * np.log((1.0 - k * k) / (1.0 + k * k))
        heavy = -2.0 * np.log((1.0 - k) / (1.0 + k))
    needed = float(np.log(1.0 / share))
    values: dict[str, tuple[Any, str]] = {
        "sgd_epochs": (needed / best, "epochs of SGD"),
        "gradient_descent_epochs": (needed / float(descent), "epochs of gradient descent"),
        "heavy_ball_epochs": (needed / float(heavy), "epochs of full-batch heavy ball"),
        "sgd_learning_rate": (rate, "learning rate of SGD"),
        "gradient_descent_learning_rate": (2.0 / (top + low), "learning rate of gradient descent"),
        "heavy_ball_learning_rate": (
            4.0 / (top**0.5 + low**0.5) ** 2,
            "learning rate of heavy ball",
        ),
        "heavy_ball_momentum": (((1.0 - k) / (1.0 + k)) ** 2, "momentum of heavy ball"),
    }
    attrs = provenance.attributes(
        problem, SGD(rate, sampling=sampling), source="limits", title="epochs to a tolerance"
    )
    return dataset.scalars(values, attrs | {"tolerance": share})


def fastest(stability: Stability) -> tuple[float, float]:
    """The learning rate of the fastest approach to the limit, and that rate per unit of time."""
    from scipy.optimize import minimize_scalar

    critical = stability.critical_rate()

    def slowness(fraction: float) -> float:
        return -Ends(stability, fraction * critical).rate

    found = minimize_scalar(slowness, bounds=(1e-3, 1.0), method="bounded", options={"xatol": 1e-6})
    return float(found.x) * critical, -float(found.fun)
