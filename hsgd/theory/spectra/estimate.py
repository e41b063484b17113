"""The spectrum behind data: sample eigenvalues, corrected for the finite number of rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import EPS, Array, integer, real_array, vector
from hsgd.machine import memory
from hsgd.nouns import Whole
from hsgd.problems.spectrum import Spectrum
from hsgd.theory.spectra.jackknife import jackknife

_SPAN = 1e28
"""Data lie between its inverse and this in size."""
_RIDGES = 80
"""Ridges at which the map is inverted, from above the largest eigenvalue down."""
_PER_DECADE = 24
"""Eigenvalues that may be found, per factor of ten."""
_FIRM = 30.0
"""Weight of what is known exactly, the number of eigenvalues and their sum."""
_TAIL = 4.0
"""Ranks up to this one are not counted to the tail: single eigenvalues are no law."""


class EstimatedSpectrum(NamedTuple):
    """What data say of the population they come from."""

    spectrum: Spectrum
    """Eigenvalues of the covariance, the target's power along them, and the noise."""
    decay: float
    """Exponent of a power law through the tail: λ_j ∝ j^−decay."""
    decay_error: float
    """Its standard error."""
    replicas: tuple[Spectrum, ...]
    """The same without each of some groups of rows in turn."""

    def standard_error(self, function: Callable[[Spectrum], ArrayLike]) -> Array:
        """Standard error of a function of the spectrum: the jackknife over groups of rows.

        Parameters
        ----------
        function
            From a `Spectrum` to a number or an array, for example a predicted curve.
        """
        return jackknife([np.asarray(function(replica)) for replica in self.replicas])


def spectrum_of(
    X: ArrayLike, y: ArrayLike | None = None, *, groups: Whole = 8
) -> EstimatedSpectrum:
    """The spectrum of the population behind data, and the target's power along it.

    Eigenvalues of a sample are spread out: the largest are too large, the smallest too small, and
    with fewer rows than columns most are zero. Ridge regression on the sample at ridge ρ per row
    acts as at κ(ρ) on the population, and κ and its degrees of freedom can be read off the sample;
    so they say Σ_i λ_i/(λ_i+κ) at each κ, from which the λ_i follow as non-negative least squares.
    Training errors at all ridges give the target's power and the noise in the same way.

    Parameters
    ----------
    X
        Inputs or features, shape (n, d), as SGD sees them (centred, if it sees them centred).
    y
        Targets, shape (n,); without them the target has no power.
    groups
        Into which the rows are divided, for standard errors; at least 2, at most n.

    Returns
    -------
    EstimatedSpectrum
        `spectrum` (some of whose eigenvalues are equal: data of this size tell no more), `decay` of
        its tail with `decay_error`, and `standard_error(function)` of whatever follows from it.

    Raises
    ------
    TypeError, ValueError
        For wrong shapes, entries that are not finite, or fewer than four rows.

    Notes
    -----
    Costs an eigendecomposition of min(n, d) for each group and one more. The rows are taken as
    independent; heavy tails beyond the covariance are not seen.

    References
    ----------
    N. El Karoui, 2008, for the inversion; docs, theory page, "Typical samples".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.Spectrum.power_law(300, 1.2, 1.6, noise=0.3).rows()
    >>> data = rows.sample(600, seed=0)
    >>> found = hsgd.spectrum_of(data.A, data.b)
    >>> bool(abs(found.decay - 1.2) < 0.2), bool(abs(found.spectrum.noise - 0.3) < 0.05)
    (True, True)
    """
    # Their squares are eigenvalues and powers, of which more is asked than of data.
    table = real_array("X", X, 2, span=_SPAN)
    n, d = table.shape
    targets = np.zeros(n) if y is None else vector("y", y, n, span=_SPAN)
    if n < 4 or not table.any():
        raise ValueError("X must have four rows at least, and not be zero everywhere.")
    count = integer("groups", groups, minimum=2, maximum=n)
    side = min(n, d)
    memory.check(8 * side * (6 * side + 2 * d), f"the spectrum of {n} by {d} data", "columns")
    parts = np.array_split(np.random.default_rng(0).permutation(n), count)
    whole = _estimate(table, targets)
    replicas = tuple(
        _estimate(np.delete(table, part, axis=0), np.delete(targets, part)) for part in parts
    )
    decays = [np.asarray(_decay(replica.eigenvalues)) for replica in replicas]
    return EstimatedSpectrum(whole, _decay(whole.eigenvalues), float(jackknife(decays)), replicas)


def _estimate(X: Array, y: Array) -> Spectrum:
    values, parts = _sample(X, y)
    return estimated(values, parts, max(0.0, float(y @ y) - float(parts.sum())), *X.shape)


def estimated(l: Array, q: Array, outside: float, n: int, d: int) -> Spectrum:
    """The population behind n rows of d columns, from what a decomposition of them shows.

    Parameters
    ----------
    l
        Eigenvalues of XᵀX/n that are not zero, descending, shape (r,).
    q
        Squares of the target's parts along their left singular vectors, shape (r,).
    outside
        Square of what is left of it.
    """
    # notation: rho = ridges per row
    rho = np.geomspace(3.0 * l[0], 1e-3 * l[-1], _RIDGES)
    missing = (n - len(l)) / rho
    kappa = n / ((1.0 / (l + rho[:, None])).sum(axis=1) + missing)
    freedom = n * (1.0 - rho / kappa)
    lam, amount = _eigenvalues(kappa, freedom, float(l.sum()), d)
    residual = (q * (rho[:, None] / (l + rho[:, None])) ** 2).sum(axis=1)
    residual += outside
    fed_back = 1.0 - (amount * (lam / (lam + kappa[:, None])) ** 2).sum(axis=1) / n
    power, noise = _target(kappa, lam, residual / n * (kappa / rho) ** 2 * fed_back)
    return _spread_out(lam, amount, power, noise, d)


def _sample(X: Array, y: Array) -> tuple[Array, Array]:
    """Eigenvalues of XᵀX/n that are not zero, descending, and the target's parts, squared."""
    n, d = X.shape
    if d <= n:
        values, vectors = np.linalg.eigh(X.T @ X)
        parts = (vectors.T @ (X.T @ y)) ** 2
    else:
        values, vectors = np.linalg.eigh(X @ X.T)
        parts = (vectors.T @ y) ** 2 * values
    seen = values > max(n, d) * EPS * values[-1]
    values, parts = values[seen][::-1], parts[seen][::-1]
    return values / n, parts / values


def _eigenvalues(kappa: Array, freedom: Array, trace: float, d: int) -> tuple[Array, Array]:
    """Places and amounts whose degrees of freedom are those at each κ, with d and trace kept."""
    from scipy.optimize import nnls  # slow to load

    top, low = 2.0 * kappa.max(), 0.03 * kappa.min()
    decades = np.log10(top / low)
    lam = np.geomspace(top, low, int(_PER_DECADE * decades) + 2)
    equations = lam / (lam + kappa[:, None])
    counts = np.ones((1, len(lam)))
    matrix = np.concatenate((equations, _FIRM / d**0.5 * counts, _FIRM / trace * lam[None]))
    right = np.concatenate((freedom, [_FIRM * d**0.5, _FIRM]))
    amount, _ = nnls(matrix, right)
    kept = amount > 1e-9 * d
    return lam[kept], amount[kept]


def _target(kappa: Array, lam: Array, errors: Array) -> tuple[Array, float]:
    """The target's power at each place, and the noise, from test errors short of their feedback."""
    from scipy.optimize import nnls  # slow to load

    if not errors.any():
        return np.zeros(len(lam)), 0.0
    matrix = (kappa[:, None] / (lam + kappa[:, None])) ** 2
    matrix = np.column_stack((matrix, np.ones(len(kappa)))) / errors[:, None]
    found, _ = nnls(matrix, np.ones(len(kappa)))
    return found[:-1], float(found[-1]) ** 0.5


def _spread_out(lam: Array, amount: Array, power: Array, noise: float, d: int) -> Spectrum:
    """As d eigenvalues: each place as often as it occurs, to whole numbers from above."""
    ends = np.rint(np.cumsum(amount) * d / amount.sum()).astype(int)
    many = np.diff(ends, prepend=0)
    # A place with less than half an eigenvalue hands its power to its neighbour.
    whole = np.flatnonzero(many > 0)
    nearest = whole[np.abs(np.log(lam[whole])[None] - np.log(lam)[:, None]).argmin(axis=1)]
    held = np.bincount(nearest, weights=power, minlength=len(lam))
    each = np.repeat(np.divide(held, many, out=np.zeros(len(lam)), where=many > 0), many)
    return Spectrum(np.repeat(lam, many), each, noise)


def _decay(eigenvalues: Array) -> float:
    """Exponent of a power law through the tail of the ranks, place by place."""
    places, many = np.unique(eigenvalues, return_counts=True)
    places, many = places[::-1], many[::-1]
    middle = np.cumsum(many) - 0.5 * (many - 1.0)
    tail = (middle > _TAIL) & (np.arange(len(places)) < len(places) - 1)
    if np.count_nonzero(tail) < 2:
        return 0.0
    x, z = np.log(middle[tail]), np.log(places[tail])
    # Every factor in rank counts equally, however many places lie in it.
    weight = np.gradient(x) if len(x) > 1 else np.ones(1)
    x, z = x - np.average(x, weights=weight), z - np.average(z, weights=weight)
    return -float(np.sum(weight * x * z) / np.sum(weight * x * x))
