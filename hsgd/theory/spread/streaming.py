"""The variance of a single run on fresh Gaussian rows.

What is expected of a quadratic at iteration k, seen from iteration s, is again a quadratic; its
matrix is the *response*, which goes back from k by the same matrix that takes second moments on. So
the run's value is a sum of k surprises, each of which is uncorrelated with the others, and its
variance is the sum of theirs (docs, theory page, "Single runs").
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hsgd.checks import EPS, Array
from hsgd.theory.spectra.nodes import Nodes

_POINTS = 48
"""Of the sum over s, graded to both ends, where much happens in few iterations."""
_DIRECT = 64
"""Up to so many iterations are summed one by one."""
_REMEMBERED = 40.0
"""Relaxation times of the slowest direction after which a surprise is forgotten."""
_FIRST_LOOK = 24
"""Times at which the relative variance is found before it is used."""


class Streaming(NamedTuple):
    """SGD on fresh rows with a constant learning rate, in a few directions that stand for all.

    Second moments S and responses q are kept over the root of, and times the root of, how many
    directions a node stands for: one symmetric matrix takes both on.
    """

    eigenvalues: Array
    """Of the covariance Σ, shape (N,)."""
    roots: Array
    """√ of how many directions each stands for."""
    rate: float
    batch_size: int
    noise: float
    start: Array
    """Second moments of x0 − x*, over the roots."""
    factors: Array
    """Eigenvalues of the matrix."""
    basis: Array
    """Its eigenvectors as columns."""
    settled: Array
    """Where second moments end."""


def streaming(nodes: Nodes, rate: float, batch_size: int, noise: float) -> Streaming:
    """The setting with its matrix decomposed."""
    # notation: M = diag(1 − 2γλ + ((B+1)/B)γ²λ²) + (γ²/B) λλᵀ, over all directions
    lam, roots = nodes.eigenvalues, np.sqrt(nodes.counts)
    step = rate * lam
    diagonal = 1.0 - 2.0 * step + (batch_size + 1.0) / batch_size * step**2
    passed = rate * roots * lam / np.sqrt(batch_size)
    factors, basis = np.linalg.eigh(np.diag(diagonal) + np.outer(passed, passed))
    gain = noise**2 * (basis.T @ passed) * rate / np.sqrt(batch_size)
    settled = basis @ (gain / np.maximum(1.0 - factors, EPS))
    start = (nodes.target - 2.0 * nodes.mixed + nodes.start) / roots
    return Streaming(lam, roots, rate, batch_size, noise, start, factors, basis, settled)


def variances(setting: Streaming, curvature: Array, iterations: Array) -> tuple[Array, Array]:
    """Mean of ½ Σ T_j z_j² and variance of a single run's, z = x − x*, shapes (T,).

    Parameters
    ----------
    curvature
        T_j along each node, shape (N,).
    iterations
        Shape (T,).

    Notes
    -----
    O(T N²) after a decomposition of N³; a percent of the standard deviation at most is the sum's.
    """
    response = 0.5 * curvature * setting.roots
    mean = _moments(setting, iterations) @ response
    last = float(iterations[-1]) if len(iterations) else 0.0
    look = np.unique(np.rint(np.geomspace(1.0, max(last, 1.0), _FIRST_LOOK)))
    risk = 0.5 * setting.eigenvalues * setting.roots
    size = _moments(setting, look) @ risk + 0.5 * setting.noise**2
    relative = np.array([_summed(setting, risk, k, None) for k in look]) / size**2
    known = np.concatenate(([0.0], look)), np.concatenate(([0.0], relative))
    return mean, np.array([_summed(setting, response, k, known) for k in iterations])


def _moments(setting: Streaming, iterations: Array) -> Array:
    """Second moments over the roots at these iterations, shape (T, N)."""
    inside = setting.basis.T @ (setting.start - setting.settled)
    powers = setting.factors ** np.asarray(iterations, dtype=np.float64)[:, None]
    return np.asarray(setting.settled + (powers * inside) @ setting.basis.T)


def _summed(
    setting: Streaming, response: Array, k: float, relative: tuple[Array, Array] | None
) -> float:
    """The variance at iteration k; `relative` is that of the risk, over iterations, if known."""
    if k < 1:
        return 0.0
    # Of earlier surprises 1e-17 is left: points among them would be lost to the few that count.
    past = max(0.0, np.floor(k - _REMEMBERED / max(1.0 - float(setting.factors.max()), EPS)))
    k = k - past
    if k <= _DIRECT:
        s, weights = past + np.arange(k), np.ones(int(k))
        m = past + k - 1.0 - s
    else:
        x, w = np.polynomial.legendre.leggauss(_POINTS)
        x, w = 0.5 * (x + 1.0), 0.5 * w
        ends = x**3 + (1.0 - x) ** 3
        z, weights = x**3 / ends, k * w * 3.0 * (x * (1.0 - x)) ** 2 / ends**2
        m = k * (1.0 - z) - 0.5  # of a sum, at the middle of its terms
        s = past + k * z - 0.5
    moments = _moments(setting, s)
    inside = setting.basis.T @ response
    responses = (setting.factors ** m[:, None] * inside) @ setting.basis.T
    v = (_of_one_row if setting.batch_size == 1 else _of_a_batch)(setting, moments, responses)
    if relative is not None and setting.batch_size == 1:
        v = v * (1.0 + np.interp(s, *relative))
    return max(0.0, float(weights @ v))


def _of_one_row(setting: Streaming, moments: Array, responses: Array) -> Array:
    """Variance of one surprise, all contractions of a Gaussian row kept; shape (points,)."""
    # notation: P = 2 sampled risk; C, D, e, e1, e2, τ, k2 = sums of λ^a S^b q^c over directions
    lam, roots, g = setting.eigenvalues, setting.roots, setting.rate
    S, q = moments * roots, responses / roots  # S of all directions of a node, q of each
    P = S @ lam + setting.noise**2
    C, D = (S * q) @ lam, (S * q**2) @ lam
    e, e1, e2 = (S * q) @ lam**2, (S * q**2) @ lam**2, (S * q**2) @ lam**3
    tau, k2 = q @ (roots**2 * lam), q**2 @ (roots**2 * lam**2)
    v = 4 * g**2 * (P * D + 2 * C**2)
    v -= 4 * g**3 * (3 * tau * P * C + 6 * e * C + 6 * e1 * P)
    v += g**4 * (3 * P**2 * (tau**2 + 2 * k2) + 24 * tau * e * P + 48 * e2 * P + 24 * e**2)
    return np.asarray(v - (g**2 * (P * tau + 2 * e) - 2 * g * C) ** 2)


def _of_a_batch(setting: Streaming, moments: Array, responses: Array) -> Array:
    """The same of a batch, to leading order in the number of directions."""
    lam, roots, g, B = setting.eigenvalues, setting.roots, setting.rate, setting.batch_size
    S, q = moments * roots, responses / roots
    P = S @ lam + setting.noise**2
    w = q * (1.0 - g * lam * (B - 1.0) / B)
    C, D = (S * w) @ lam, (S * w**2) @ lam
    tau, k2 = q @ (roots**2 * lam) / B, q**2 @ (roots**2 * lam**2)
    v = 4 * g**2 * (P * D - C**2) + 2 * (2 * g * C - g**2 * tau * P) ** 2
    return np.asarray(v / B + 2 * g**4 * P**2 * (B - 1.0) / B**3 * k2)
