"""How many passes over the data three algorithms need: what implicit conditioning is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd import dataset
from hsgd.algorithms.sgd import SGD
from hsgd.checks import number
from hsgd.dataset import provenance
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.outputs import any_output
from hsgd.theory.asking import ask
from hsgd.theory.stability.asymptotics import Asymptotics
from hsgd.theory.stability.base import Stability

if TYPE_CHECKING:
    import xarray as xr


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
    reduction = number("tolerance", tolerance, strict=True)
    if reduction >= 1.0:
        raise ValueError(f"tolerance is {reduction:g}, but it must lie between 0 and 1: try 1e-3.")
    algorithm = SGD(0.0, sampling=sampling)
    problem = any_output(problem)
    stability = ask(problem, algorithm, problems=(LeastSquares,), method="hsgd").stability
    rate, best = fastest(stability)
    # notation: top, low = extreme dampings per iteration, k = their root ratio
    n = problem.num_rows
    damping = stability.system.damping / n
    top, low = float(damping.max()), float(damping.min())
    k = (low / top) ** 0.5
    # The rate −2 log((1−x)/(1+x)) as 4 artanh x, which keeps its digits where x is tiny.
    with np.errstate(divide="ignore"):
        descent, heavy = 4.0 * np.arctanh(k * k), 4.0 * np.arctanh(k)
    needed = float(np.log(1.0 / reduction))
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
    return dataset.scalars(values, attrs | {"tolerance": reduction})


def fastest(stability: Stability) -> tuple[float, float]:
    """The learning rate of the fastest approach to the limit, and that rate per unit of time."""
    from scipy.optimize import minimize_scalar

    critical = stability.critical_rate()

    def slowness(fraction: float) -> float:
        return -Asymptotics(stability, fraction * critical).rate

    found = minimize_scalar(slowness, bounds=(1e-3, 1.0), method="bounded", options={"xatol": 1e-6})
    return float(found.x) * critical, -float(found.fun)
