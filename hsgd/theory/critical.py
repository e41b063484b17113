"""The largest stable learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, overload

from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.momentum import HeavyBall
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.checks import each, is_swept, number, shown
from hsgd.nouns import Swept, Whole
from hsgd.problems.outputs import any_output
from hsgd.sweeps.broadcasting import swept_number
from hsgd.theory.asking import ask
from hsgd.theory.spectra.providers import Solvable

if TYPE_CHECKING:
    import xarray as xr


@overload
def critical_learning_rate(
    problem: Solvable,
    algorithm: Algorithm | None = ...,
    *,
    batch_size: Whole = ...,
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
    momentum: Swept = ...,
    method: str = ...,
) -> xr.DataArray: ...


@overload
def critical_learning_rate(
    problem: Solvable,
    *,
    batch_size: Whole = ...,
    sampling: str = ...,
    momentum: xr.DataArray,
    method: str = ...,
) -> xr.DataArray: ...


def critical_learning_rate(
    problem: Solvable,
    algorithm: Algorithm | None = None,
    *,
    batch_size: Any = 1,
    sampling: str = "with_replacement",
    momentum: Any = 0.0,
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
    algorithm
        Whose learning rate is asked for; its own is not looked at, further rates that it has stay
        what they are. Of methods that change by themselves it is that of late iterations, before
        which the risk may grow. Instead of an algorithm the following describe one.
    batch_size, sampling
        As in `SGD`; a population is streamed, and has no `sampling`.
    momentum
        Of `HeavyBall`; needs the finite-step theory. A DataArray of batch sizes, momenta or (in the
        problem) ridges gives a DataArray of learning rates.
    method
        As in `predict`: `"discrete"` counts that steps are finite, which matters for large batches
        and few dimensions (both limits are then one).

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
    kernel's norm; docs, theory page, "Stability, limits, conditioning".
    """
    problem = any_output(problem)
    options = {"batch_size": batch_size, "sampling": sampling, "momentum": momentum}
    if algorithm is None:
        share = each("momentum", momentum, number)
        algorithm = with_rate_open(problem, batch_size, sampling, share)
    else:
        algorithm = _with_its_own(algorithm, options)
    return swept_number(
        _critical,
        problem,
        algorithm,
        method,
        name="critical_learning_rate",
        words="critical learning rate",
    )


def _critical(problem: Solvable, algorithm: Algorithm, method: str) -> float:
    question = ask(problem, algorithm, method=method, averages=True)  # they do not act back
    return question.stability.critical_rate()


def _with_its_own(algorithm: Any, options: dict[str, Any]) -> Algorithm:
    """An algorithm that was passed, if nothing was passed that it says itself."""
    if not isinstance(algorithm, Algorithm):
        raise TypeError(
            f"algorithm is {shown(algorithm)}: pass for example hsgd.SGD(0.0, batch_size=8), or "
            "leave it out and pass batch_size=8."
        )
    usual = {"batch_size": 1, "sampling": "with_replacement", "momentum": 0.0}
    for name, value in options.items():
        if is_swept(value) or value != usual[name]:
            raise ValueError(f"{name} is said by the algorithm: leave one of the two out.")
    return algorithm.replace(learning_rate=0.0)


def with_rate_open(
    problem: Solvable, batch_size: Any, sampling: str, momentum: Any = 0.0
) -> Algorithm:
    """The algorithm for such a problem, with a learning rate that is still to be found."""
    fresh = math.isinf(getattr(problem, "num_rows", 0))  # what is no problem is refused by `ask`
    if fresh and sampling != "with_replacement":
        raise ValueError(
            "fresh rows are drawn once: leave sampling out, or draw rows to pass over many times "
            "by problem.sample(n, seed)."
        )
    if is_swept(momentum) or momentum > 0:
        return HeavyBall(0.0, momentum, batch_size=batch_size, sampling=sampling)
    if fresh:
        return StreamingSGD(0.0, batch_size=batch_size)
    return SGD(0.0, batch_size=batch_size, sampling=sampling)
