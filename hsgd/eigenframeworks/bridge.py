"""From ridge regression to SGD: where it ends up on n typical samples, with a constant step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import integer, number
from hsgd.dataset import provenance
from hsgd.eigenframeworks.ridge import along, checked, population_risk, solved, training_risk
from hsgd.nouns import Real, Whole
from hsgd.problems.spectrum import Spectrum

if TYPE_CHECKING:
    import xarray as xr


def sgd_limits(
    spectrum: Spectrum,
    n: Whole | ArrayLike,
    learning_rate: Real,
    *,
    ridge: Real = 0.0,
    batch_size: Whole = 1,
    num_features: Whole | None = None,
) -> xr.Dataset:
    """Risks that homogenized SGD has in the end, from those of ridge regression.

    Its noise never dies out where the ridge leaves residuals: it feeds on the training risk,
    f_∞ = f_ridge/(1 − ‖K‖), and adds to the population risk in proportion.

    Parameters
    ----------
    spectrum, n, ridge, num_features
        As in `ridge_regression`.
    learning_rate, batch_size
        Of SGD with replacement, constant.

    Returns
    -------
    xarray.Dataset
        dims `n`, or none for one n. `limiting_empirical_risk`, `limiting_population_risk`,
        `kernel_norm` ‖K‖, `critical_learning_rate` (of noise alone). Risks are infinite where
        ‖K‖ ≥ 1.

    Raises
    ------
    TypeError, ValueError
        For numbers out of range, or another spectrum.

    References
    ----------
    Docs, theory page, "Where ridge regression ends up".

    Examples
    --------
    >>> import hsgd
    >>> spectrum = hsgd.Spectrum.power_law(200, 1.2, 1.5, noise=0.3)
    >>> ends = hsgd.eigenframeworks.sgd_limits(spectrum, 400, 0.5, ridge=2.0)
    >>> typical = hsgd.limits(spectrum.sampled(400, ridge=2.0), hsgd.SGD(0.5), method="hsgd")
    >>> abs(float(ends.limiting_population_risk / typical.limiting_population_risk) - 1) < 1e-8
    True
    """
    checked(spectrum)
    rate, delta = number("learning_rate", learning_rate), number("ridge", ridge)
    size = integer("batch_size", batch_size, minimum=1)
    share, trace = rate / (2.0 * size), float(spectrum.eigenvalues.sum())

    def ends(count: int) -> dict[str, tuple[float, str]]:
        found = solved(spectrum, count, delta, num_features)
        risk, _ = population_risk(spectrum, count, found)
        # notation: λ_r = δ/n;
        # (1/n) tr H²(H+λ_r)⁻¹ = tr Σ − λ_r Σ L, tr ΣH(H+λ_r)⁻¹ = tr Σ − n(κ−λ_r)
        fed, spread = trace - delta / count * found.learned, trace - (count * found.scale - delta)
        norm, empirical, population = share * fed, np.inf, np.inf
        if norm < 1.0:
            empirical = training_risk(count, found, risk) / (1.0 - norm)
            population = risk + share * empirical * spread
        return {
            "limiting_empirical_risk": (empirical, "limiting training risk"),
            "limiting_population_risk": (population, "limiting population risk"),
            "kernel_norm": (norm, "noise fed back per noise put in"),
            "critical_learning_rate": (
                2.0 * size / fed if fed > 0 else np.inf,
                "learning rate at which noise feeds itself",
            ),
        }

    attrs = provenance.attributes(
        spectrum, None, source="limits", title="limits of SGD, from those of ridge regression"
    )
    return along(n, ends, attrs | {"ridge": delta, "learning_rate": rate, "batch_size": size})
