"""Second moments of features φ(u_i) of jointly Gaussian pre-activations u ~ N(0, C).

In closed form where the activation knows it, else from Mehler's formula: with the Hermite
coefficients c_ik of g ↦ φ(s_i g), s_i² = C_ii, and the correlations ρ_ij,

    E φ(u_i) φ(u_j) = Σ_k c_ik c_jk ρ_ij^k,

where what is left out after order K is at most |ρ_ij|^{K+1} √(tail_i tail_j), tail_i the rest of
E φ(u_i)² = Σ_k c_ik².
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hsgd import hermite
from hsgd.activations import Activation
from hsgd.checks import Array

_FAR = 20.0
"""Where |h_k|·density, at most exp(-g²/4), is 1e-44."""
_ORDERS = (24, 48, 96)
"""Orders that are tried, until what is left out is rounding."""
_ENOUGH = 1e-14
_RULES = (12, 13, 14, 16)
"""Gauss points in each cell; what the last rule differs by from the others at most is taken for the
quadrature's error. (At a kink that nobody named, any two rules are often wrong alike.)"""


@dataclass(frozen=True, eq=False)
class FeatureMoments:
    """What a quadratic risk needs of the features."""

    mean: Array
    """E φ(u_i), shape (N,)."""
    slope: Array
    """E φ'(u_i), shape (N,): for y jointly Gaussian with u, E y φ(u_i) = slope_i · E y u_i."""
    second: Array
    """E φ(u_i) φ(u_j), shape (N, N)."""
    error: float
    """A bound on the error of each entry of `second`: rounding where there is a closed form; else
    what the series leaves out, bounded, and the quadrature's error, estimated by four rules."""


def moments(activation: Activation, covariance: Array) -> FeatureMoments:
    """First and second moments of φ(u), u ~ N(0, covariance), entry by entry.

    Parameters
    ----------
    activation
        φ.
    covariance
        C, shape (N, N), positive semi-definite.

    Raises
    ------
    ValueError
        If φ is not finite or grows so fast that its moments are not.

    Notes
    -----
    Costs O(N²) with a closed form, else at most O(100·N²). Kinks and jumps that the activation does
    not name cost digits, which `error` says.

    References
    ----------
    Y. Cho, L. Saul, "Kernel methods for deep learning", NIPS 2009 (relu); C. Williams, "Computing
    with infinite networks", NIPS 1996 (erf); docs, theory page, "Random features".

    Examples
    --------
    >>> import numpy as np
    >>> from hsgd.activations import relu
    >>> moments(relu, np.eye(2)).second.round(6)
    array([[0.5     , 0.159155],
           [0.159155, 0.5     ]])
    """
    if activation.exact_moments is not None:
        mean, slope, second = activation.exact_moments(covariance)
        rounding = 1e-14 * float(np.abs(second).max())
        return FeatureMoments(mean, slope, second, rounding)
    hermite.check_growth(activation)
    # The order rises until the rest of the series is rounding, or what it is at the last one is
    # reported. The finest rule is used; what coarser ones differ by is the quadrature's error.
    *coarser, finest = _RULES
    for order in _ORDERS:
        fine, left_out = _series(activation, covariance, order, finest)
        scale = float(np.abs(fine.second).max())
        if left_out <= _ENOUGH * scale:
            break
    others = (_series(activation, covariance, order, rule)[0].second for rule in coarser)
    quadrature = max(float(np.abs(fine.second - second).max()) for second in others)
    error = left_out + quadrature + 1e-14 * scale
    return FeatureMoments(fine.mean, fine.slope, fine.second, error)


def _series(
    activation: Activation, covariance: Array, order: int, points: int
) -> tuple[FeatureMoments, float]:
    """Moments by the series up to an order, and a bound on what it leaves out."""
    # notation: s standard deviations, c_k coefficients of order k, rho correlations
    s = np.sqrt(np.diag(covariance))
    c, power = _coefficients(activation, s, order, points)
    safe = np.where(s > 0, s, 1.0)
    rho = np.clip(covariance / np.outer(safe, safe), -1.0, 1.0)
    # Horner's rule in ρ, entry by entry: N² numbers in place of N² for every order.
    second = np.outer(c[-1], c[-1])
    for row in c[-2::-1]:
        second = second * rho + np.outer(row, row)
    # On the diagonal ρ = 1 and the series is slow, but there E φ(u_i)² is a plain quadrature: the
    # diagonal is taken from that, and not counted in what is left out.
    np.fill_diagonal(second, power)
    np.fill_diagonal(rho, 0.0)
    tail = np.sqrt(np.maximum(power - np.sum(c * c, axis=0), 0.0))
    left_out = float(np.max(np.abs(rho) ** (order + 1) * np.outer(tail, tail)))
    slope = np.where(s > 0, c[1] / safe, 0.0)  # E φ'(s g) = E φ(s g) g / s, by parts
    return FeatureMoments(c[0], slope, 0.5 * (second + second.T), 0.0), left_out


def _coefficients(activation: Activation, s: Array, order: int, points: int) -> tuple[Array, Array]:
    """E φ(s_i g) h_k(g), shape (order+1, N), and E φ(s_i g)², shape (N,)."""
    nodes, weights = _quadrature(activation, s, points)
    values = activation(s[:, None] * nodes) * weights
    coefficients = np.empty((order + 1, len(s)))
    # h_{k+1} = (g h_k − √k h_{k−1})/√(k+1), the normalised Hermite polynomials at the nodes.
    before, now = np.zeros_like(nodes), np.ones_like(nodes)
    for k in range(order + 1):
        coefficients[k] = np.einsum("ij,ij->i", values, now)
        following = (nodes * now - math.sqrt(k) * before) / math.sqrt(k + 1)
        before, now = now, following
    return coefficients, np.einsum("ij,ij->i", values, activation(s[:, None] * nodes))


def _quadrature(activation: Activation, s: Array, points: int) -> tuple[Array, Array]:
    """Nodes and weights for N(0, 1), a row for each neuron: its kinks are at breakpoint/s_i."""
    cells: Any = np.arange(-_FAR, _FAR + 1)
    # Unit cells, cut at the kinks, so that within each the function is smooth. Every neuron has its
    # kinks elsewhere, but all have equally many cells (some of width zero): one table of nodes.
    inside = np.array(activation.breakpoints)[None, :] / np.where(s > 0, s, 1.0)[:, None]
    edges = np.concatenate([np.tile(cells, (len(s), 1)), np.clip(inside, -_FAR, _FAR)], axis=1)
    edges.sort(axis=1)
    x, w = np.polynomial.legendre.leggauss(points)
    half, middle = 0.5 * np.diff(edges), 0.5 * (edges[:, 1:] + edges[:, :-1])
    nodes = (middle[..., None] + half[..., None] * x).reshape(len(s), -1)
    weights = (half[..., None] * w).reshape(len(s), -1)
    return nodes, weights * np.exp(-0.5 * nodes**2) / math.sqrt(2 * math.pi)
