"""What interpolating costs: nothing, a factor, or everything."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize_scalar

from hsgd.checks import integer
from hsgd.dataset import provenance, verdict_first
from hsgd.eigenframeworks.effective import at_scale, of_kernel
from hsgd.eigenframeworks.ridge import along, checked, population_risk
from hsgd.nouns import Whole
from hsgd.problems.spectrum import Spectrum

if TYPE_CHECKING:
    import xarray as xr

_HARMLESS = 1.05
"""Factor below which noise that is fitted does no harm."""
_GROWS = 0.3
"""Power of n with which the factor grows where interpolation is catastrophic: 1 at the worst, and 0
for power laws."""
_FADES = -0.02
"""The same where it dies out, as for eigenvalues 1/(i log² i)."""
_TRIALS = 60
_SHARE = 0.1
"""Of the eigenvalues, that n may be: beyond, the end of the spectrum is felt."""


def overfitting(spectrum: Spectrum, n: Whole) -> xr.Dataset:
    """What fitting n samples exactly costs, against the best ridge, and how that grows with n.

    Parameters
    ----------
    spectrum
        Eigenvalues, the target's power, and the noise.
    n
        Number of samples.

    Returns
    -------
    xarray.Dataset
        Scalars. `overfitting_coefficient`, E: without a ridge noise is multiplied by it (in the
        limit α for eigenvalues i^−α, 1 where overfitting is benign, ∞ where it is catastrophic);
        `exponent`, the power of n with which E − 1 grows there; `best_ridge` and
        `best_population_risk`; `cost_of_overfitting`, the risk without a ridge over that. Attribute
        `verdict`: benign, tempered or catastrophic, in a sentence.

    Raises
    ------
    TypeError, ValueError
        For another spectrum, or n below 4.

    References
    ----------
    N. Mallinar, J. Simon, A. Abedsoltan, P. Pandit, M. Belkin, P. Nakkiran, arXiv:2207.06569.

    Examples
    --------
    >>> import hsgd
    >>> spectrum = hsgd.Spectrum.power_law(10**5, 1.5, 2.0, noise=0.5)
    >>> hsgd.eigenframeworks.overfitting(spectrum, 1000).verdict.split(":")[0]
    'tempered'
    """
    checked(spectrum)
    count = integer("n", n, minimum=4)
    interpolated, coefficient = _interpolating(spectrum, count)
    _, earlier = _interpolating(spectrum, count // 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        above, before = np.array([coefficient, earlier]) - 1.0
        grown = float(np.log(above / before) / np.log(count / (count // 2)))
    exponent = 0.0 if np.isnan(grown) else grown  # where neither exceeds rounding
    ridge, best = _best(spectrum, count)
    cost = interpolated / best if best > 0 else 1.0
    variables = {
        "overfitting_coefficient": (coefficient, "factor of the noise without a ridge"),
        "exponent": (exponent, "power of n with which the coefficient grows above 1"),
        "best_ridge": (ridge, "ridge of the lowest population risk"),
        "best_population_risk": (best, "lowest population risk of any ridge"),
        "cost_of_overfitting": (cost, "population risk without a ridge over the lowest"),
    }
    attrs = provenance.attributes(spectrum, None, source="limits", title="what interpolation costs")
    attrs["verdict"] = _verdict(spectrum, count, coefficient, exponent, cost)
    return verdict_first(along(count, lambda _: variables, attrs))


def _interpolating(spectrum: Spectrum, n: int) -> tuple[float, float]:
    """Risk without a ridge, and the overfitting coefficient."""
    return population_risk(spectrum, n, of_kernel(spectrum.eigenvalues, n, 0.0))


def _best(spectrum: Spectrum, n: int) -> tuple[float, float]:
    """The ridge of the lowest risk, and that risk; 0 where none is lower."""
    values, none = spectrum.eigenvalues, of_kernel(spectrum.eigenvalues, n, 0.0)

    def risk(logarithm: float) -> float:
        return population_risk(spectrum, n, at_scale(values, n, float(np.exp(logarithm)))[1])[0]

    # By the effective scale: of each the ridge is known, while for a ridge a root is to be found.
    lowest = max(none.scale, 1e-12 * float(values.max()))
    grid = np.linspace(np.log(lowest), np.log(1e6 * float(values.sum())), _TRIALS)
    at = int(np.argmin([risk(point) for point in grid]))
    ends = float(grid[max(at - 1, 0)]), float(grid[min(at + 1, _TRIALS - 1)])
    fine = minimize_scalar(risk, bounds=ends, method="bounded", options={"xatol": 1e-6})
    without = population_risk(spectrum, n, none)[0]
    if fine.fun >= without:
        return 0.0, without
    return at_scale(values, n, float(np.exp(fine.x)))[0], float(fine.fun)


def _verdict(spectrum: Spectrum, n: int, coefficient: float, exponent: float, cost: float) -> str:
    count = int(np.count_nonzero(spectrum.eigenvalues))
    if n > _SHARE * count:
        return (
            f"undecided: {n} samples of {count} modes are no interpolation of an endless spectrum; "
            f"without a ridge the noise is multiplied by {coefficient:.3g}, and the risk is "
            f"{cost:.3g} times that of the best ridge."
        )
    if coefficient < _HARMLESS:
        kind = "benign: fitting the noise does no harm"
    elif exponent < _FADES:
        kind = "benign in the limit: what fitting the noise costs dies out, if slowly"
    elif exponent > _GROWS:
        kind = "catastrophic: the harm that fitting the noise does grows with every sample"
    else:
        kind = "tempered: fitting the noise costs a factor"
    return (
        f"{kind}; without a ridge the noise is multiplied by {coefficient:.3g} at n = {n}, and the "
        f"risk is {cost:.3g} times that of the best ridge."
    )
