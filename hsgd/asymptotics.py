"""Where SGD ends up: critical learning rate, limiting risks, rate and condition numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hsgd import dataset, provenance
from hsgd.algorithms import SGD
from hsgd.checks import Array
from hsgd.modes import Modes, modes
from hsgd.problems import LeastSquares
from hsgd.schedules import Constant
from hsgd.statistics import Statistic, resolve
from volterra import SumOfExponentials, analyse

if TYPE_CHECKING:
    import xarray as xr

HSGD_SAMPLINGS = ("with_replacement", "subset")
"""Samplings whose batches are independent, which homogenized SGD is for."""


def independent_noise_factor(problem: LeastSquares, algorithm: SGD) -> float:
    """The batch's noise factor; sampling without replacement is refused, with the reason."""
    dataset.check_setting(problem, algorithm)
    if algorithm.sampling not in HSGD_SAMPLINGS:
        raise ValueError(
            f"homogenized SGD is for independent batches; with sampling={algorithm.sampling!r} the "
            "training loss is lower than it says, so the theory refuses it: simulate it, "
            "or use sampling='with_replacement' or 'subset'."
        )
    return float(algorithm.noise_factor(problem.num_rows))


def critical_learning_rate(
    problem: LeastSquares, *, batch_size: int = 1, sampling: str = "with_replacement"
) -> float:
    """Largest stable learning rate of homogenized SGD.

    The smaller of the noise limit, ‖K‖ = 1, which is γ = 2n / (φ Σ_j λ_j²/(λ_j+ridge)), and the
    curvature limit γ = 2n/(λ_max+ridge); φ is the batch's noise factor (1/B, or (n−B)/(B(n−1))
    for subsets).

    Parameters
    ----------
    problem
        The data; only A and the ridge matter.
    batch_size, sampling
        As in `SGD`.

    Returns
    -------
    float
        In the units of `SGD.learning_rate`; inf if A is zero.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, or sampling that is not independent between iterations.

    Notes
    -----
    Cost: one thin SVD of A, shared with everything else.

    References
    ----------
    arXiv:2205.07069, Theorem 1.1 and its remarks; docs, theory page, "Stability".
    """
    algorithm = SGD(0.0, batch_size=batch_size, sampling=sampling)
    noise_factor = independent_noise_factor(problem, algorithm)
    return critical_rate(modes(problem), noise_factor)


def critical_rate(system: Modes, noise_factor: float) -> float:
    """The smaller of the noise limit and the curvature limit."""
    norm_per_rate = system.kernel_norm(1.0, noise_factor)
    noise_limit = 1.0 / norm_per_rate if norm_per_rate > 0 else float("inf")
    return float(min(noise_limit, curvature_limit(system)))


def curvature_limit(system: Modes) -> float:
    """2n/(λ_max+ridge), beyond which even the noiseless iteration diverges."""
    stiffest = system.damping.max() if len(system.eigenvalues) else system.ridge
    return float(2.0 * system.num_rows / stiffest) if stiffest > 0 else float("inf")


def limits(
    problem: LeastSquares,
    algorithm: SGD,
    *,
    statistics: str | Statistic | list[str | Statistic] | None = None,
) -> xr.Dataset:
    """Limits of homogenized SGD as time goes to infinity, as a dataset of scalars.

    ψ_∞ = L(x_ridge)/(1−‖K‖), and a statistic q with second derivative T ends at
    q(x_ridge) + (γφ/2n) ψ_∞ Σ_j T_jj λ_j/(λ_j+ridge); x_ridge is where gradient flow ends.

    Parameters
    ----------
    problem, algorithm
        The problem and `SGD` with a constant learning rate and independent batches.
    statistics
        As in `predict`.

    Returns
    -------
    xarray.Dataset
        Scalars: `kernel_norm`, `critical_learning_rate`, `limiting_<statistic>` and
        `limiting_<statistic>_gradient_flow` for each statistic, `rate` (of the exponential
        approach, per unit of time; negative: growth), `condition_number` λ_max/λ_min⁺,
        `average_condition_number` (tr H/n)/λ_min⁺, and
        `largest_over_mean_eigenvalue`. Limits above critical are inf.

    Raises
    ------
    TypeError, ValueError
        For a learning-rate schedule, dependent batches, or bad statistics.

    Notes
    -----
    Cost: one thin SVD, shared; the rate needs one root of the secular equation.

    References
    ----------
    arXiv:2206.07252, section 3; docs, theory page, "Stability, limits, conditioning".
    """
    noise_factor = independent_noise_factor(problem, algorithm)
    if not isinstance(algorithm.schedule, Constant):
        raise ValueError(
            "limits needs a constant learning rate: pass SGD(learning_rate=its last value)."
        )
    chosen = resolve(problem, statistics)
    ends = _Ends(modes(problem), algorithm.schedule.level, noise_factor)
    values: dict[str, tuple[float, str]] = {
        "kernel_norm": (ends.norm, "norm of the noise kernel"),
        "critical_learning_rate": (
            critical_rate(ends.system, ends.noise_factor),
            "critical learning rate",
        ),
    }
    for statistic in chosen:
        flow, sgd = ends.of(statistic)
        values[f"limiting_{statistic.name}"] = (sgd, f"limit of {statistic.long_name}")
        values[f"limiting_{statistic.name}_gradient_flow"] = (
            flow,
            f"limit of {statistic.long_name} along gradient flow",
        )
    values["rate"] = (ends.rate(), "exponential rate per unit of time")
    values |= _conditioning(ends.system)
    attrs = provenance.attributes(
        problem, algorithm, source="limits", title="limits of homogenized SGD"
    )
    return dataset.scalars(values, attrs)


def _conditioning(system: Modes) -> dict[str, tuple[float, str]]:
    spectrum = system.eigenvalues
    if not len(spectrum):
        return {}
    return {
        "condition_number": (float(spectrum[0] / spectrum[-1]), "largest over smallest eigenvalue"),
        "average_condition_number": (
            float(spectrum.sum() / system.num_rows / spectrum[-1]),
            "trace of H over n times its smallest non-zero eigenvalue",
        ),
        "largest_over_mean_eigenvalue": (
            float(spectrum[0] / (spectrum.sum() / len(system.directions))),
            "largest over mean eigenvalue",
        ),
    }


@dataclass(frozen=True, eq=False)
class _Ends:
    """Limits at a constant learning rate."""

    system: Modes
    learning_rate: float
    noise_factor: float

    @property
    def norm(self) -> float:
        return self.system.kernel_norm(self.learning_rate, self.noise_factor)

    @property
    def moves(self) -> bool:
        return self.learning_rate > 0

    def final_point(self) -> Array:
        # The odometer at infinity; at a learning rate of 0 nothing ever moves.
        return self.system.mean_points(np.array([np.inf if self.moves else 0.0]))

    def loss(self) -> float:
        """ψ_∞, the limit of ½‖Ax−b‖²."""
        flow = self.system.gradient_flow_loss()
        bare = flow.constant if self.moves else float(flow(np.zeros(1))[0])
        if self.norm < 1:
            return bare / (1.0 - self.norm)
        return float("inf")

    def of(self, statistic: Statistic) -> tuple[float, float]:
        """Limit along gradient flow and along SGD."""
        flow = float(statistic.values(self.final_point())[0])
        if self.norm >= 1:
            return flow, float("inf")
        curvature = statistic.curvatures(self.system.directions)
        shares = curvature * self.system.eigenvalues / self.system.damping
        noise = self.learning_rate * self.noise_factor / (2.0 * self.system.num_rows)
        return flow, flow + noise * self.loss() * float(shares.sum())

    def rate(self) -> float:
        """Rate of ψ − ψ_∞: the kernel's root, or the slowest mode that forces it."""
        system = self.system
        if not len(system.eigenvalues) or not self.moves:
            return 0.0
        forced = float("inf")
        if system.ridge > 0:
            active = system.residual_limit * system.residual_start != 0
            forced = self.learning_rate * float(system.damping[active].min(initial=np.inf))
        weights = self.learning_rate**2 * system.noise_weights(self.noise_factor)
        if not weights.any():
            return min(forced, 2.0 * self.learning_rate * float(system.damping.min()))
        kernel = SumOfExponentials(2.0 * self.learning_rate * system.damping, weights)
        return min(-float(analyse(kernel).malthusian_exponent), forced)
