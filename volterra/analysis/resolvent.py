"""The resolvent kernel R, with which y = f + R * f solves y = f + K * y for every f."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from volterra import checks
from volterra.arrays import EPS, Array, Complex
from volterra.companion.complex_roots import complex_roots
from volterra.companion.method import complex_poles
from volterra.companion.oscillations import Oscillations, oscillations
from volterra.exact.method import distinct_positive
from volterra.exact.secular import secular_roots
from volterra.kernels.powers import SumOfPowers, check_iterations
from volterra.kernels.sums import Sum

_CHUNK = 500_000


@dataclass(frozen=True, eq=False)
class Resolvent:
    """R(τ) = Re Σ_k g_k exp(−x_k τ), or the powers g_k (1 − x_k)^m; it may grow.

    Attributes
    ----------
    rates
        x_k, ascending in the real part, shape (modes,); negative where R grows. Complex unless the
        kernel's weights are ≥ 0, then with both members of each conjugate pair.
    weights
        g_k, all positive if the kernel's weights are, shape (modes,).
    """

    rates: Array | Complex
    weights: Array | Complex
    weight_error: Array
    functions: Oscillations
    powers: bool

    def __call__(self, tau: ArrayLike) -> Array:
        """Values at times of any shape, whole numbers for powers; infinite where they overflow."""
        return self.evaluate(tau)[0]

    def evaluate(self, tau: ArrayLike) -> tuple[Array, Array]:
        """Values and absolute error bounds."""
        time = checks.times("tau", tau)
        flat = time.reshape(-1)
        if self.powers:
            check_iterations(flat, "tau")
        value, error = np.empty_like(flat), np.empty_like(flat)
        rows = max(1, _CHUNK // max(1, self.rates.size))
        for start in range(0, flat.size, rows):
            part = slice(start, start + rows)
            value[part], error[part] = self._evaluate(flat[part])
        return value.reshape(time.shape), error.reshape(time.shape)

    def _evaluate(self, t: Array) -> tuple[Array, Array]:
        if self.rates.size == 0:
            return np.zeros_like(t), np.zeros_like(t)
        growth = max(0.0, -float(np.min(self.functions.decay.real)))
        power = np.multiply.outer(t, self.functions.decay + growth)
        basis = np.where(power.real < 800.0, np.exp(-power), 0.0)
        value = (basis @ self.weights).real
        size = np.abs(basis)
        blur = EPS * (8.0 + np.abs(power)) + np.multiply.outer(t, self.functions.blur)
        error = size @ self.weight_error + (size * blur) @ np.abs(self.weights)
        with np.errstate(over="ignore", invalid="ignore"):
            factor = np.exp(0.5 * growth * t)
            value = np.where(value == 0, 0.0, value * factor * factor)
            error = (error + EPS * growth * t * np.abs(value)) * factor * factor
        return value, np.where(np.isfinite(value), error, np.inf)


def resolvent(kernel: Sum) -> Resolvent:
    """Find R with R = K + K * R, in closed form.

    Its exponents are the roots x_k of 1 = Σ_j w_j / (r_j − x), its weights
    g_k = 1 / Σ_j w_j / (r_j − x_k)².

    Parameters
    ----------
    kernel
        K, of any sign or phase.

    Returns
    -------
    Resolvent
        Costs modes² operations if the weights are ≥ 0, else modes³.

    Raises
    ------
    TypeError
        If the kernel is of another kind.

    Examples
    --------
    >>> from volterra import SumOfExponentials
    >>> kernel = SumOfExponentials([2.0], [0.5])
    >>> float(resolvent(kernel)(0.0))  # it is ½ exp(−1.5 τ)
    0.5
    """
    if not isinstance(kernel, Sum):
        raise TypeError(
            "the resolvent is known in closed form if the kernel is a SumOfExponentials or a "
            f"SumOfPowers, got {type(kernel).__name__}: approximate other kernels by these."
        )
    powers = isinstance(kernel, SumOfPowers)
    if kernel.is_positive:
        return _positive(*distinct_positive(kernel), powers=powers)
    roots = complex_roots(*complex_poles(kernel))
    order = np.argsort(roots.root)
    functions = oscillations(roots.root[order], roots.root_error[order], powers=powers)
    return Resolvent(
        roots.root[order], roots.residue[order], roots.residue_error[order], functions, powers
    )


def _positive(rates: Array, weights: Array, *, powers: bool) -> Resolvent:
    roots = secular_roots(rates, weights, positive=False)
    error = roots.residue_slope + (4.0 + np.log2(1 + rates.size)) * EPS * roots.residue
    moved = np.abs(roots.root_slope) + 2 * EPS * np.abs(roots.shift)
    functions = oscillations(roots.root.astype(np.complex128), moved, powers=powers)
    return Resolvent(roots.root, roots.residue, error, functions, powers)
