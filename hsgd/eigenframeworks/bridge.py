"""From ridge regression to SGD: where it ends up on n typical samples, with a constant step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import integer, number
from hsgd.dataset import provenance
from hsgd.eigenframeworks.ridge import checked, labelled, population_risk, sizes, solved
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
    counts, single = sizes(n)
    rate, delta = number("learning_rate", learning_rate), number("ridge", ridge)
    share = rate / (2.0 * integer("batch_size", batch_size, minimum=1))
    trace = float(spectrum.eigenvalues.sum())
    norms, critical, empirical, population = [], [], [], []
    for count in counts:
        found = solved(spectrum, count, delta, num_features)
        risk, _ = population_risk(spectrum, count, found)
        left = max(1.0 - found.learned / count, 0.0)
        # notation: λ_r = δ/n;
        # (1/n) tr H²(H+λ_r)⁻¹ = tr Σ − λ_r Σ L, tr ΣH(H+λ_r)⁻¹ = tr Σ − n(κ−λ_r)
        fed = trace - delta / count * found.learned
        norm = share * fed
        critical.append(2.0 * int(batch_size) / fed if fed > 0 else np.inf)
        end = left**2 * risk / (1.0 - norm) if norm < 1.0 else np.inf
        spread = trace - (count * found.scale - delta)
        norms.append(norm)
        empirical.append(end)
        population.append(risk + share * end * spread if norm < 1.0 else np.inf)
    variables = {
        "limiting_empirical_risk": (empirical, "limiting training risk"),
        "limiting_population_risk": (population, "limiting population risk"),
        "kernel_norm": (norms, "noise fed back per noise put in"),
        "critical_learning_rate": (critical, "learning rate at which noise feeds itself"),
    }
    attrs = provenance.attributes(
        spectrum, None, source="limits", title="limits of SGD, from those of ridge regression"
    )
    attrs |= {"ridge": delta, "learning_rate": rate, "batch_size": int(batch_size)}
    return labelled(variables, counts, single, attrs)
