"""The largest stable learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

import numpy as np

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.momentum import HeavyBall
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.checks import is_swept, number, one_of
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.setting import check_setting
from hsgd.theory.dynamics.curves import (
    ALGORITHMS,
    METHODS,
    PROBLEMS,
    number_of_rows,
    refuse_dependent_batches,
    resolve_method,
)
from hsgd.theory.spectra.modes import Modes, Solvable, modes
from hsgd.theory.stability.stability import Momentum, Stability

if TYPE_CHECKING:
    import xarray as xr


def independent_noise_factor(problem: LeastSquares, algorithm: SGD) -> float:
    """The batch's noise factor; sampling without replacement is refused, with the reason."""
    check_setting(problem, algorithm)
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
    check_setting(problem, algorithm, problems=PROBLEMS, algorithms=ALGORITHMS)
    refuse_dependent_batches(algorithm)
    factor = float(algorithm.noise_factor(number_of_rows(problem)))
    return Stability(modes(problem), factor, method, Momentum.of(algorithm))


def critical_rate(system: Modes, noise_factor: float) -> float:
    """The smaller of the noise limit and the curvature limit of homogenized SGD."""
    return Stability(system, noise_factor).critical_rate()


def curvature_limit(system: Modes) -> float:
    """2N/(λ_max+ridge), beyond which even the noiseless iteration diverges."""
    return Stability(system, 0.0).curvature_limit()
