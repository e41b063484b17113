"""Problems and times that the recorded calls share: small, made anew each time, from fixed seeds.

Nothing is remembered between two calls: recorded alone, one has the hash that it has among all.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from scipy import sparse

import hsgd

TIMES = np.concatenate([[0.0], np.geomspace(0.05, 20.0, 14)])
SHORT = np.array([0.0, 0.1, 0.5, 1.0, 1.7, 3.0])
"""For simulations, whose cost is the length of the run."""


def data(n: int = 60, d: int = 24, *, ridge: Any = 0.5) -> hsgd.LeastSquares:
    """Rows with a spectrum that falls, a start away from zero, and held-out rows."""
    generator = np.random.default_rng(7)
    scales = 2.0 * np.arange(1, d + 1) ** -0.4 / np.sqrt(d)
    A, A_test = (
        generator.standard_normal((n, d)) * scales,
        generator.standard_normal((20, d)) * scales,
    )
    coefficients = generator.standard_normal(d)
    b = A @ coefficients + 0.3 * generator.standard_normal(n)
    b_test = A_test @ coefficients + 0.3 * generator.standard_normal(20)
    x0 = 0.5 * generator.standard_normal(d)
    return hsgd.LeastSquares(A, b, ridge=ridge, x0=x0, population=(A_test, b_test))


def holes(n: int = 60, d: int = 24) -> hsgd.LeastSquares:
    """Sparse rows."""
    whole = data(n, d)
    kept = np.random.default_rng(8).random(whole.A.shape) < 0.3
    return hsgd.LeastSquares(sparse.csr_array(whole.A * kept), whole.b, ridge=0.5, x0=whole.x0)


def rows(d: int = 16) -> hsgd.GaussianRows:
    """A population whose covariance is a full matrix."""
    generator = np.random.default_rng(9)
    M = generator.standard_normal((2 * d, d)) / d
    return hsgd.GaussianRows(M.T @ M, generator.standard_normal(d), 0.2, ridge=0.01, x0=np.ones(d))


def independent_rows(d: int = 16) -> hsgd.GaussianRows:
    """A population whose covariance is diagonal."""
    return hsgd.GaussianRows(1.0 / np.arange(1, d + 1), np.linspace(-1.0, 1.0, d), 0.2)


def features() -> hsgd.FeatureRows:
    """A population of random features, given the weights."""
    inputs = hsgd.GaussianRows(np.linspace(0.5, 2.0, 8), np.linspace(-1.0, 1.0, 8), 0.1)
    return hsgd.RandomFeatures(inputs, 12, "relu", ridge=0.01).given_weights(seed=3)


def few_features() -> hsgd.FeatureRows:
    """The same with hardly any."""
    inputs = hsgd.GaussianRows(np.ones(3), np.ones(3), 0.1)
    return hsgd.RandomFeatures(inputs, 3, "relu").given_weights(seed=0)


def rate(problem: Any, fraction: float = 0.5, **options: Any) -> float:
    """A fraction of the critical learning rate."""
    return fraction * hsgd.critical_learning_rate(problem, **options)


def swept(name: str, values: list[float]) -> xr.DataArray:
    """A parameter that is swept, along a dimension of its name."""
    return xr.DataArray(values, dims=name, coords={name: values})


def schedules(level: float) -> dict[str, Any]:
    """A learning rate of each kind of schedule, none of them ever above `level`."""
    return {
        "constant": hsgd.Constant(level),
        "piecewise": hsgd.Piecewise((1.0, 4.0), (level, level / 2, level / 5)),
        "power": hsgd.PowerDecay(level, 0.5, 2.0),
        "cosine": hsgd.CosineDecay(level, 15.0, level / 10),
        "function": hsgd.FromFunction(lambda t: level / (1.0 + 0.2 * t), breakpoints=(3.0,)),
        "callable": lambda t: level * np.exp(-0.1 * t),
    }
