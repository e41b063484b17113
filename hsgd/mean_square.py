"""The learning rate at which SGD on the given rows stops being stable in the mean square.

Homogenized SGD replaces the rows by their second moments; the true threshold also sees how unequal
the rows are. The gap between the two is what the theory misses at this n, so it is measured here
and turned into the discrepancy to expect.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import scipy.linalg

from hsgd.checks import Array
from hsgd.problems import LeastSquares

_MEMORY: WeakKeyDictionary[LeastSquares, dict[float, float]] = WeakKeyDictionary()

# Matrices of r² doubles beyond this size would cost more than the singular value decomposition is
# worth; then only the first step, which needs vectors alone, is taken.
_LARGEST_RANK = 6000
_MOST_STEPS = 12
_SETTLED = 1e-4


@dataclass(frozen=True, eq=False)
class _SecondMomentMap:
    """One SGD step acts on second moments as I − γA₁ + γ²A₂; symmetric, in H's eigenbasis."""

    # notation: lam = eigenvalues of H, l = lam + ridge, phi = noise factor of the batch
    rows: Array
    lam: Array
    l: Array
    phi: float

    def scaled_second_order(self, X: Array) -> Array:
        """A₁^{−½} A₂ A₁^{−½} X for a symmetric matrix X."""
        # notation: X, S symmetric r by r; p_i = a_i' S a_i
        n = len(self.rows)
        root = np.sqrt((self.l[:, None] + self.l) / n)
        S = X / root
        p = np.einsum("ij,ij->i", self.rows @ S, self.rows)
        elementwise = np.outer(self.l, self.l) - self.phi * np.outer(self.lam, self.lam)
        noise = (self.rows.T * p) @ self.rows
        return np.asarray((elementwise / n**2 * S + self.phi / n * noise) / root)


def mean_square_critical_learning_rate(problem: LeastSquares, noise_factor: float) -> float:
    """Largest learning rate at which E‖x_k‖² stays bounded, by Lanczos steps.

    The step acts linearly on second moments, as I − γA₁ + γ²A₂ with symmetric A₁, A₂ ≥ 0, so the
    threshold is 1/λ_max(A₁^{−½}A₂A₁^{−½}). Each Lanczos step gives an upper bound of it; started
    at homogenized SGD's own stationary second moment, it settles to 1e-4 in about four steps on
    comparable rows and ten on wild ones.

    Parameters
    ----------
    problem
        The data; only A and the ridge matter.
    noise_factor
        `SGD.noise_factor(n)`; 0 gives gradient descent's 2/(λ_max + ridge) · n.

    Returns
    -------
    float
        The threshold, in the units of the learning rate; inf if A is zero.

    Notes
    -----
    Cost: 4nr² operations and one r by r matrix per step, once per problem and batch rule.
    Above rank 6000 the first step alone is taken, in O(nr).
    """
    known = _MEMORY.setdefault(problem, {})
    if noise_factor not in known:
        known[noise_factor] = _threshold(problem, noise_factor)
    return known[noise_factor]


def _threshold(problem: LeastSquares, noise_factor: float) -> float:
    # notation: lam = eigenvalues, S = start, a diagonal matrix
    svd = problem.svd
    lam = svd.singular_values**2
    if not len(lam):
        return float("inf")
    curvature = 2.0 * problem.num_rows / (lam[0] + problem.ridge)
    if noise_factor == 0:
        return float(curvature)
    rows = svd.left * svd.singular_values
    step = _SecondMomentMap(rows, lam, lam + problem.ridge, noise_factor)
    if len(lam) > _LARGEST_RANK:
        return min(float(curvature), _first_bound(step))
    return min(float(curvature), 1.0 / _largest_ritz_value(step))


def _first_bound(step: _SecondMomentMap) -> float:
    """Rayleigh quotient at the diagonal start alone, without an r by r matrix."""
    # notation: S = start (diagonal), p_i = a_i' S a_i
    n = len(step.rows)
    S = step.lam / (2.0 * step.l / n)
    p = (step.rows * step.rows) @ S
    top = np.sum(S**2 * (step.l**2 - step.phi * step.lam**2)) / n**2 + step.phi / n * np.sum(p * p)
    return float(np.sum(S**2 * 2.0 * step.l / n) / top)


def _largest_ritz_value(step: _SecondMomentMap) -> float:
    # notation: Q = Lanczos basis of symmetric matrices, T = its tridiagonal matrix
    start = np.diag(step.lam / np.sqrt(2.0 * step.l))
    Q = [start / np.linalg.norm(start)]
    diagonal: list[float] = []
    off: list[float] = []
    value = 0.0
    for _ in range(_MOST_STEPS):
        image = step.scaled_second_order(Q[-1])
        diagonal.append(float(np.vdot(image, Q[-1])))
        for _sweep in range(2):
            for vector in Q:
                image -= np.vdot(image, vector) * vector
        before, value = value, float(scipy.linalg.eigvalsh_tridiagonal(diagonal, off)[-1])
        norm = float(np.linalg.norm(image))
        if value - before <= _SETTLED * value or norm <= 1e-14 * diagonal[0]:
            break
        off.append(norm)
        Q.append(image / norm)
    return value
