"""From an activation to the kernel of random features of it, and from a kernel to an activation."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from hsgd import hermite
from hsgd.activations import Activation, Function
from hsgd.checks import Array, real_array


def dual_coefficients(activation: Activation | Function | str, order: int) -> Array:
    """Coefficients of the kernel of an activation: E φ(u)φ(v) = Σ_k c_k ρᵏ at correlation ρ.

    Parameters
    ----------
    activation
        An `hsgd.activations.Activation`, the name of one, or a vectorised function.
    order
        The largest k.

    Returns
    -------
    numpy.ndarray
        c_k ≥ 0, k = 0, …, order: squares of the Hermite coefficients, shape (order + 1,).

    Raises
    ------
    TypeError, ValueError
        As `hsgd.hermite.coefficients`.

    Examples
    --------
    >>> dual_coefficients("identity", 2).tolist()
    [0.0, 1.0, 0.0]
    """
    return hermite.coefficients(activation, order).values ** 2


def activation_for(kernel_coefficients: ArrayLike, *, name: str = "designed") -> Activation:
    """An activation whose random features have a given kernel Σ_k c_k ρᵏ of the correlation.

    Parameters
    ----------
    kernel_coefficients
        c_k ≥ 0, k = 0, 1, …, shape (K + 1,).
    name
        A word for it.

    Returns
    -------
    Activation
        φ = Σ √c_k h_k, a polynomial. (The signs of its coefficients are free: all are positive.)

    Raises
    ------
    TypeError, ValueError
        For negative coefficients, or none that is positive.

    References
    ----------
    J. Simon, S. Anand, M. DeWeese, "Reverse engineering the neural tangent kernel",
    arXiv:2106.03186.

    Examples
    --------
    >>> import numpy as np
    >>> found = activation_for([0.0, 0.5, 0.0, 0.5])
    >>> bool(np.allclose(dual_coefficients(found, 4), [0.0, 0.5, 0.0, 0.5, 0.0]))
    True
    """
    squares = real_array("kernel_coefficients", kernel_coefficients, 1)
    if (squares < 0).any() or not squares.any():
        raise ValueError(
            "kernel_coefficients must be at least 0, and one of them above: no kernel of random "
            "features has others."
        )
    roots = np.sqrt(squares)
    order = len(roots) - 1

    def function(values: Array) -> Array:
        x = np.asarray(values, dtype=np.float64)
        previous, now, total = np.zeros_like(x), np.ones_like(x), np.zeros_like(x)
        for k in range(order + 1):
            total = total + roots[k] * now
            previous, now = now, (x * now - np.sqrt(k) * previous) / np.sqrt(k + 1)
        return total

    def exact(highest: int) -> Array:
        found = np.zeros(highest + 1)
        found[: order + 1] = roots[: highest + 1]
        return found

    return Activation(
        name,
        function,
        exact_coefficients=exact,
        exact_nonlinear_variance=float(squares[2:].sum()),
    )
