"""How fast an error falls with the size: a log-log slope that says how uncertain it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import Array, plain_array, real_array


@dataclass(frozen=True, eq=False)
class Convergence:
    """error ≈ exp(intercept) · size^slope."""

    slope: float
    standard_error: float
    intercept: float
    errors: Array
    """Mean error at each size."""
    error_spread: Array
    """Standard error of that mean; 0 where there was one repetition."""

    def at(self, sizes: Array) -> Array:
        """The fitted line."""
        return np.asarray(np.exp(self.intercept) * np.asarray(sizes, float) ** self.slope)

    def __str__(self) -> str:
        return f"slope {self.slope:.3f} ± {self.standard_error:.3f}"


def convergence(errors: ArrayLike, sizes: ArrayLike) -> Convergence:
    """Fit log error = intercept + slope·log size by weighted least squares.

    Parameters
    ----------
    errors
        Positive, shape (S,), or (S, R) with R independent repetitions at each size, whose mean
        and standard error are taken.
    sizes
        Positive and different, shape (S,), S ≥ 2; S ≥ 3 if there is one repetition.

    Returns
    -------
    Convergence
        The slope and its standard error. With repetitions the weights are the variances of the
        mean's logarithm, and the standard error follows from them; it is scaled up by √(χ²/(S−2))
        where the points scatter about the line more than that. With one repetition it follows from
        the scatter alone.

    Raises
    ------
    TypeError, ValueError
        For errors or sizes that are not positive, or too few of them.

    Examples
    --------
    >>> from validation import convergence
    >>> print(convergence([0.4, 0.2, 0.1], [100, 200, 400]))
    slope -1.000 ± 0.000
    """
    x = real_array("sizes", sizes, 1)
    given = plain_array("errors", errors)
    table = real_array("errors", given, 2 if given.ndim == 2 else 1)
    if len(table) != len(x):
        raise ValueError(
            f"errors has {len(table)} rows but there are {len(x)} sizes: pass one for each."
        )
    table = table.reshape(len(x), -1)
    repeated = table.shape[1] > 1
    if len(np.unique(x)) < (2 if repeated else 3) or len(np.unique(x)) < len(x):
        raise ValueError(
            f"a slope cannot be fitted through {len(x)} sizes: pass at least three different ones "
            "(two, with repetitions)."
        )
    if not ((x > 0).all() and (table.mean(axis=1) > 0).all()):
        raise ValueError("errors and sizes must be positive: pass absolute errors.")
    mean = table.mean(axis=1)
    spread = table.std(axis=1, ddof=1) / np.sqrt(table.shape[1]) if repeated else np.zeros(len(x))
    return _fit(x, mean, spread)


def _fit(sizes: Array, mean: Array, spread: Array) -> Convergence:
    # notation: X design, w weights 1/variance of log error
    X = np.stack([np.ones(len(sizes)), np.log(sizes)], axis=1)
    known = bool((spread > 0).all())
    w = (mean / spread) ** 2 if known else np.ones(len(sizes))
    covariance = np.linalg.inv(X.T * w @ X)
    coefficients = covariance @ (X.T * w) @ np.log(mean)
    residuals = np.log(mean) - X @ coefficients
    degrees = len(sizes) - 2
    scatter = float(w @ residuals**2) / degrees if degrees else 1.0
    scale = max(scatter, 1.0) if known else scatter
    return Convergence(
        slope=float(coefficients[1]),
        standard_error=float(np.sqrt(scale * covariance[1, 1])),
        intercept=float(coefficients[0]),
        errors=mean,
        error_spread=spread,
    )
