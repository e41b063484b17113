"""Eigenvalues and eigenfunctions of kernels on Gaussian inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hsgd.checks import Array, integer, number, real_array
from hsgd.kernels.enumeration import largest
from hsgd.nouns import Real, Whole

_LEAST = 1e-30
"""Of the largest variance: below is rounding, if not nothing."""


@dataclass(frozen=True, eq=False)
class KernelModes:
    """The largest eigenvalues of a kernel on inputs N(0, diag(variances)), and their functions.

    Parameters
    ----------
    eigenvalues
        Shape (P,), descending.
    exponents
        Degrees of the eigenfunctions in each coordinate, shape (P, d).
    variances
        Of the coordinates of the inputs, shape (d,).
    widths
        Scale of each coordinate inside the Hermite polynomials, shape (d,): its standard deviation
        for `hermite_modes`.
    decay
        Of each coordinate, the eigenfunctions have a factor exp(−decay x²); 0 for `hermite_modes`.
    """

    eigenvalues: Array
    exponents: NDArray[np.int32]
    variances: Array
    widths: Array
    decay: Array

    def first(self, count: int) -> KernelModes:
        """The first of them."""
        return replace(self, eigenvalues=self.eigenvalues[:count], exponents=self.exponents[:count])

    def functions(self, inputs: ArrayLike) -> Array:
        """Eigenfunctions of variance one at some inputs, shape (n, d) → (n, P).

        Raises
        ------
        ValueError
            For inputs of another dimension.
        """
        x = real_array("inputs", inputs, 2)
        if x.shape[1] != len(self.variances):
            raise ValueError(
                f"inputs has {x.shape[1]} columns but the kernel has {len(self.variances)} "
                "coordinates: rotate the inputs to the principal axes, and leave none out."
            )
        values = np.ones((len(x), len(self.eigenvalues)))
        for axis in np.flatnonzero((self.exponents > 0).any(axis=0) | (self.decay > 0)):
            degrees = self.exponents[:, axis]
            values *= self._along(x[:, axis], int(axis), int(degrees.max()))[:, degrees]
        return values

    def _along(self, x: Array, axis: int, order: int) -> Array:
        """The factors of one coordinate, degrees 0, …, order, shape (n, order + 1)."""
        z = x / self.widths[axis]
        found = np.empty((len(x), order + 1))
        # Under a density that is narrower than the inputs', the factor keeps the variance one.
        scale = np.sqrt(np.sqrt(self.variances[axis]) / self.widths[axis])
        found[:, 0] = scale * np.exp(-self.decay[axis] * x**2)
        for k in range(order):
            before = found[:, k - 1] if k else 0.0
            found[:, k + 1] = (z * found[:, k] - np.sqrt(k) * before) / np.sqrt(k + 1)
        return found


def hermite_modes(variances: ArrayLike, level_coefficients: ArrayLike, count: Whole) -> KernelModes:
    """Eigenstructure of a rotation-invariant kernel on N(0, diag(variances)), by its levels.

    The eigenvalue of Π h_{a_i}(x_i/√g_i), h the normalised Hermite polynomials, is
    c_l Π g_i^{a_i}, l = |a|. That is an approximation, and a good one where no few coordinates
    rule (docs, theory page, "Kernels"); see `gaussian_modes`, which is exact.

    Parameters
    ----------
    variances
        g_i > 0 of the inputs' principal components, shape (d,), in any order.
    level_coefficients
        c_l for l = 0, 1, …: derivatives of the kernel as a function of the inner product, at
        typical norms. Of a Gaussian kernel of width s: e^{−q/s²} s^{−2l}, q = Σ g_i.
    count
        Number of eigenvalues P.

    Returns
    -------
    KernelModes
        P modes, or all that are positive, with the coordinates in the order of `variances`.

    Raises
    ------
    TypeError, ValueError
        For entries that are negative or not finite.

    Notes
    -----
    Cost: O(P · degree · log P), and P·d four-byte numbers.

    References
    ----------
    D. Karkada, J. Turnbull, Y. Liu, J. Simon, "Predicting kernel regression learning curves from
    only raw data statistics", arXiv:2510.14878; docs, theory page, "Kernels".

    Examples
    --------
    >>> found = hermite_modes([1.0, 0.5], [1.0, 1.0, 0.5], 5)
    >>> found.eigenvalues.tolist(), found.exponents[3].tolist()
    ([1.0, 1.0, 0.5, 0.5, 0.25], [0, 1])
    """
    g = _variances(variances)
    levels = real_array("level_coefficients", level_coefficients, 1)
    if (levels < 0).any() or not levels.any():
        raise ValueError("level_coefficients must be at least 0, and one of them above.")
    order = np.argsort(-g, kind="stable")
    values, exponents = largest(g[order], levels.tolist(), integer("count", count, minimum=1))
    root = np.sqrt(g)
    return KernelModes(values, _in_order(exponents, order), g, root, np.zeros(len(g)))


def gaussian_modes(variances: ArrayLike, width: Real, count: Whole) -> KernelModes:
    """Exact eigenstructure of the kernel exp(−|x−y|²/(2 width²)) on N(0, diag(variances)).

    Parameters
    ----------
    variances
        g_i > 0, shape (d,), in any order.
    width
        Of the kernel.
    count
        Number of eigenvalues P.

    Returns
    -------
    KernelModes
        With eigenvalues Π √(2A_i/T_i) (b/T_i)^{a_i}, A = 1/(4g), b = 1/(2 width²),
        T = A + b + √(A² + 2Ab).

    Raises
    ------
    TypeError, ValueError
        For entries that are not positive and finite.

    Notes
    -----
    Cost as `hermite_modes`.

    References
    ----------
    C. Rasmussen, C. Williams, Gaussian Processes for Machine Learning, 2006, section 4.3.1.

    Examples
    --------
    >>> found = gaussian_modes([1.0], 1.0, 40)
    >>> round(float(found.eigenvalues.sum()), 12)  # of a kernel that is 1 on the diagonal
    1.0
    """
    g = _variances(variances)
    scale = number("width", width, strict=True)
    A, b = 1.0 / (4.0 * g), 1.0 / (2.0 * scale**2)
    root = np.sqrt(A**2 + 2.0 * A * b)
    T = A + b + root
    ratios = b / T
    order = np.argsort(-ratios, kind="stable")
    leading = float(np.prod(np.sqrt(2.0 * A / T)))
    # A product of l factors has l that are larger, itself with some of them left out: so the
    # largest P have less than P factors.
    wanted = integer("count", count, minimum=1)
    reach = np.log(1e-300) / np.log(max(float(ratios.max()), 1e-300))
    levels = np.full(int(min(wanted, reach + 2)), leading)
    values, exponents = largest(ratios[order], levels.tolist(), wanted)
    # notation: H_k(√(2c) x) of the source is He_k(2√c x) up to a factor, c = root
    widths = np.sqrt(1.0 / (4.0 * root))
    return KernelModes(values, _in_order(exponents, order), g, widths, root - A)


def _variances(values: ArrayLike) -> Array:
    g = real_array("variances", values, 1)
    if (g <= _LEAST * g.max()).any():
        raise ValueError(
            f"variances has an entry of {g.min():g}: leave out the coordinates that do not vary."
        )
    return g


def _in_order(exponents: NDArray[np.int32], order: NDArray[np.intp]) -> NDArray[np.int32]:
    """Exponents of sorted coordinates, in the order that the user has them in."""
    found = np.empty_like(exponents)
    found[:, order] = exponents
    return found
