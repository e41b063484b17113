"""Ridge regression on n samples: kernels, and random features of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hsgd import dataset
from hsgd.checks import Array, integer, number, plain_array
from hsgd.dataset import provenance
from hsgd.eigenframeworks.effective import Effective, of_features, of_kernel
from hsgd.nouns import Real, Whole
from hsgd.problems.spectrum import Spectrum
from hsgd.sweeps.stacking import stacked

if TYPE_CHECKING:
    import xarray as xr

_NUMBER = {"units": "1", "long_name": "number of samples"}


def ridge_regression(
    spectrum: Spectrum,
    n: Whole | ArrayLike,
    *,
    ridge: Real = 0.0,
    num_features: Whole | None = None,
) -> xr.Dataset:
    """Training and population risk of ridge regression: learning curves from a spectrum alone.

    Parameters
    ----------
    spectrum
        Eigenvalues of the kernel, the target's power along its eigenfunctions, and the noise.
    n
        Number of samples: one, or several, shape (m,), for a curve.
    ridge
        δ of the sum ½Σ(f(x_i) − y_i)² + (δ/2)|f|², as in `LeastSquares`: what is added to the
        diagonal of the Gram matrix. 0: the interpolant of least norm.
    num_features
        k, if the kernel is replaced by k random features h_j of it, (1/k)Σ h_j h_j; None: the
        kernel itself.

    Returns
    -------
    xarray.Dataset
        dims `n`, or none for one n. `population_risk` and `empirical_risk` (half of the mean
        squared errors, label noise included), `effective_scale` κ, `learned_modes` Σ L_i,
        `overfitting_coefficient`: the population risk is this times what is not learned and the
        noise; `residual` of the scalar equation.

    Raises
    ------
    TypeError, ValueError
        For numbers out of range, or another spectrum.

    Notes
    -----
    What is typical in high dimensions, for eigenfunctions that are as good as independent and
    Gaussian; at a power law of exponent above 1 single draws of n = 100 differ by some percent.
    Infinite where as many modes as samples are learned (the peak of double descent). Cost:
    O(modes) a step of the root search, some fifty of them for each n.

    References
    ----------
    J. Simon, M. Dickens, D. Karkada, M. DeWeese, arXiv:2110.03922 (kernel ridge); J. Simon,
    D. Karkada, N. Ghosh, M. Belkin, arXiv:2311.14646 (random features); docs, theory page,
    "Where ridge regression ends up".

    Examples
    --------
    >>> import hsgd
    >>> spectrum = hsgd.Spectrum.power_law(10_000, 1.5, 2.0, noise=0.1)
    >>> curve = hsgd.eigenframeworks.ridge_regression(spectrum, [10, 100, 1000], ridge=1e-3)
    >>> bool((curve.population_risk.diff("n") < 0).all())
    True
    """
    checked(spectrum)
    delta = number("ridge", ridge)

    def risks(count: int) -> dict[str, tuple[float, str]]:
        found = solved(spectrum, count, delta, num_features)
        population, factor = population_risk(spectrum, count, found)
        return {
            "population_risk": (population, "population risk E(f(x)-y)^2/2"),
            "empirical_risk": (
                training_risk(count, found, population),
                "training risk, half the mean squared residual",
            ),
            "effective_scale": (found.scale, "effective scale of the spectrum"),
            "learned_modes": (found.learned, "modes that are learned"),
            "overfitting_coefficient": (factor, "overfitting coefficient"),
            "residual": (found.residual, "residual of the scalar equation"),
        }

    attrs = provenance.attributes(
        spectrum, None, source="limits", title="ridge regression: what is typical of n samples"
    )
    attrs |= {"ridge": delta} | ({} if num_features is None else {"num_features": num_features})
    return along(n, risks, attrs)


def learnabilities(
    spectrum: Spectrum,
    n: Whole,
    *,
    ridge: Real = 0.0,
    num_features: Whole | None = None,
) -> Array:
    """Share L_i of each mode that n samples learn: λ_i/(λ_i + κ).

    Parameters
    ----------
    spectrum, ridge, num_features
        As in `ridge_regression`.
    n
        Number of samples.

    Returns
    -------
    numpy.ndarray
        Shape (modes,), in the order of the spectrum. They add up to n at most; without a ridge, to
        n exactly, or to all modes if these are fewer.

    Raises
    ------
    TypeError, ValueError
        For numbers out of range, or another spectrum.

    References
    ----------
    arXiv:2110.03922; docs, theory page, "Where ridge regression ends up".

    Examples
    --------
    >>> import hsgd
    >>> spectrum = hsgd.Spectrum.power_law(1000, 1.5, 2.0)
    >>> round(float(learnabilities(spectrum, 100).sum()), 6)
    100.0
    """
    checked(spectrum)
    count = integer("n", n, minimum=1)
    found = solved(spectrum, count, number("ridge", ridge), num_features)
    return found.shares(spectrum.eigenvalues)


def solved(spectrum: Spectrum, n: int, ridge: float, num_features: Any) -> Effective:
    """The scalar equations of a setting."""
    if num_features is None:
        return of_kernel(spectrum.eigenvalues, n, ridge)
    k = integer("num_features", num_features, minimum=1)
    return of_features(spectrum.eigenvalues, n, k, ridge)


def population_risk(spectrum: Spectrum, n: int, found: Effective) -> tuple[float, float]:
    """Half of the mean squared error, and the overfitting coefficient in it."""
    # notation: κ, G, z, q, k as in `Effective`; L = λ/(λ+G)
    learned = found.shares(spectrum.eigenvalues)
    z, q, k = found.learned, found.squares, found.num_features
    if np.isinf(k):
        unlearned, taken = (1.0 - learned) ** 2, q / n
    else:
        if q >= k:  # as many modes as features, each learned wholly: there is no randomness left
            return (np.inf, np.inf) if z >= n else _finite(spectrum, 1.0 - learned, z / n)
        part = (k - z) / (k - q) * learned if found.inner > 0 else 0.0
        unlearned, taken = (1.0 - learned) * (1.0 - part), (q * (k - 2 * z) + z**2) / (n * (k - q))
    return _finite(spectrum, unlearned, taken)


def _finite(spectrum: Spectrum, unlearned: Array, taken: float) -> tuple[float, float]:
    factor = 1.0 / (1.0 - taken) if taken < 1.0 else np.inf
    error = float(unlearned @ spectrum.target_power) + spectrum.noise**2
    return (0.5 * factor * error if error > 0 else 0.0), factor


def checked(spectrum: Any) -> None:
    """Refuse what is no spectrum.

    Raises
    ------
    TypeError
        With what to pass instead.
    """
    if not isinstance(spectrum, Spectrum):
        raise TypeError(
            f"spectrum is a {type(spectrum).__name__}: pass hsgd.Spectrum(eigenvalues, "
            "target_power, noise), or that of hsgd.spectrum_of(X, y)."
        )


def training_risk(n: int, found: Effective, population: float) -> float:
    """Half of the mean squared residual, (δ/nκ)² times the population risk."""
    # δ/κ = n − Σ L_i is what the samples do not fix; so there is no quotient of two zeros.
    left = 1.0 - found.learned / n
    return left**2 * population if left > 0.0 else 0.0


def along(
    n: Any, function: Callable[[int], dict[str, tuple[float, str]]], attrs: dict[str, Any]
) -> xr.Dataset:
    """What a function gives for one number of samples, or along several."""
    given = plain_array("n", n)
    if given.ndim > 1 or given.size == 0:
        raise ValueError(f"n has shape {given.shape}: pass a number of samples, or a list of them.")
    counts = [integer("n", one, minimum=1) for one in np.atleast_1d(given)]
    found = [dataset.scalars(function(count), attrs) for count in counts]
    if given.ndim == 0:
        return found[0].assign_coords(n=((), counts[0], _NUMBER))
    return stacked(found, ("n",), (len(counts),)).assign_coords(n=("n", counts, _NUMBER))
