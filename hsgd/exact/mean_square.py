"""The learning rate at which SGD on the given rows stops being stable in the mean square.

One step acts on second moments as 1 − γA₁ + γ²A₂ with A₁, A₂ symmetric and positive, so that the
threshold is 1/λ_max(A₁^{−½}A₂A₁^{−½}). Homogenized SGD replaces the rows by their second moments;
the true threshold also sees how unequal the rows are.
"""

from __future__ import annotations

from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
import scipy.linalg

from hsgd.checks import Array
from hsgd.problems.least_squares import LeastSquares

_MEMORY: WeakKeyDictionary[LeastSquares, dict[float, float]] = WeakKeyDictionary()

# Matrices of r² doubles beyond this size would cost more than the singular value decomposition is
# worth; then only the first step, which needs vectors alone, is taken.
_LARGEST_RANK = 6000
_SETTLED = 1e-4
_QUICK_STEPS, _MOST_STEPS = 12, 60
_MOST_SMOOTHINGS = 8


@dataclass(frozen=True, eq=False)
class SecondMomentMap:
    """A₁ and A₂ on symmetric matrices in H's eigenbasis."""

    # notation: lam = eigenvalues of H, l = lam + ridge, phi = noise factor of the batch
    rows: Array
    lam: Array
    l: Array
    phi: float

    @classmethod
    def of(cls, problem: LeastSquares, noise_factor: float) -> SecondMomentMap:
        """From the thin SVD."""
        svd = problem.svd
        lam = svd.singular_values**2
        return cls(svd.left * svd.singular_values, lam, lam + problem.ridge, noise_factor)

    def first(self) -> Array:
        """A₁, which acts entry by entry."""
        return np.asarray((self.l[:, None] + self.l) / len(self.rows))

    def second(self, S: Array) -> Array:
        """A₂ S = E[G S G], G the gradient's matrix of one batch."""
        # notation: S symmetric r by r; p_i = a_i' S a_i
        n = len(self.rows)
        elementwise = np.outer(self.l, self.l) - self.phi * np.outer(self.lam, self.lam)
        noise = (self.rows.T * self.heard(S)) @ self.rows
        return np.asarray(elementwise / n**2 * S + self.phi / n * noise)

    def heard(self, S: Array) -> Array:
        """a_iᵀ S a_i: how much of the covariance S each row passes on."""
        return np.asarray(np.einsum("ij,ij->i", self.rows @ S, self.rows))

    def inverse_first_second(self, S: Array) -> Array:
        """A₁⁻¹A₂ S: it maps positive matrices to positive ones, and its norm is 1/threshold."""
        image = self.second(S) / self.first()
        return 0.5 * (image + image.T)


def instability(rate: float, threshold: float) -> str:
    """What to tell the user of a learning rate beyond the threshold, and the remedy."""
    return (
        f"the learning rate {rate:.6g} is {rate / threshold:.4g} times {threshold:.6g}, where SGD "
        "on these rows turns unstable, so its mean risk diverges, if only by rare large runs at "
        f"first: write SGD(learning_rate={0.5 * threshold:.6g}), half of that "
        "(hsgd.exact_stability says which rows are to blame, if any)"
    )


@dataclass(frozen=True, eq=False)
class Threshold:
    """The threshold between two bounds, and the covariance that grows there first."""

    lower: float
    upper: float
    covariance: Array
    steps: int


def mean_square_critical_learning_rate(problem: LeastSquares, noise_factor: float) -> float:
    """Largest learning rate at which E‖x_k‖² stays bounded, to about 1e-4 from above.

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
    Cost: 4nr² operations and one r by r matrix per Lanczos step, about four on comparable rows and
    ten on wild ones, once per problem and batch rule.
    Above rank 6000 the first step alone is taken, in O(nr).
    """
    known = _MEMORY.setdefault(problem, {})
    if noise_factor not in known:
        known[noise_factor] = _quick(problem, noise_factor)
    return known[noise_factor]


def _quick(problem: LeastSquares, noise_factor: float) -> float:
    step = SecondMomentMap.of(problem, noise_factor)
    if not len(step.lam):
        return float("inf")
    curvature = float(2.0 * problem.num_rows / step.l[0])
    if noise_factor == 0:
        return curvature
    if len(step.lam) > _LARGEST_RANK:
        return min(curvature, _first_bound(step))
    return min(curvature, 1.0 / _lanczos(step, _SETTLED, _QUICK_STEPS)[0])


def threshold(problem: LeastSquares, noise_factor: float, rtol: float) -> Threshold:
    """The threshold with a bracket: Lanczos from above, a positive matrix from below.

    Every Ritz value is below λ_max. And if A₁⁻¹A₂ S ≼ c S for one positive definite S, then
    λ_max ≤ c, because A₁⁻¹A₂ maps positive matrices to positive ones; S is the Ritz matrix, passed
    through A₁⁻¹A₂ until the bracket is as narrow as asked or stays as it is.
    """
    step = SecondMomentMap.of(problem, noise_factor)
    value, S, steps = _lanczos(step, 0.01 * rtol, _MOST_STEPS)
    upper, lower = 1.0 / value, 0.0
    for _ in range(_MOST_SMOOTHINGS):
        # Each pass takes S nearer to the matrix that grows first, for which S and its image are
        # proportional and the two bounds meet. The last test: passing on no longer helps.
        image = step.inverse_first_second(S)
        before, lower = lower, max(lower, _bound_below(step, S, image))
        S = image / np.linalg.norm(image)
        if upper - lower <= rtol * upper or 0.0 < lower <= before * (1 + 0.1 * rtol):
            break
    return Threshold(min(lower, upper), upper, S, steps)


def _bound_below(step: SecondMomentMap, S: Array, image: Array) -> float:
    """1/c with A₁⁻¹A₂ S ≼ c S; where rounding keeps S from being positive, a little is added."""
    # `safe` is positive whatever rounding does. c holds for S + share·safe, with the image of that
    # sum, so each share gives a true bound, and the best of them is kept.
    safe = np.diag(step.lam / step.l) * np.linalg.norm(S)
    mapped = step.inverse_first_second(safe)
    best = 0.0
    for share in (0.0, 1e-13, 1e-11, 1e-9):
        try:
            c = scipy.linalg.eigh(image + share * mapped, S + share * safe, eigvals_only=True)[-1]
        except np.linalg.LinAlgError:
            continue
        best = max(best, float(1.0 / c))
    return best


def _first_bound(step: SecondMomentMap) -> float:
    """Rayleigh quotient at the diagonal start alone, without an r by r matrix."""
    # notation: S = start (diagonal), p_i = a_i' S a_i
    n = len(step.rows)
    S = step.lam / (2.0 * step.l / n)
    p = (step.rows * step.rows) @ S
    top = np.sum(S**2 * (step.l**2 - step.phi * step.lam**2)) / n**2 + step.phi / n * np.sum(p * p)
    return float(np.sum(S**2 * 2.0 * step.l / n) / top)


def _lanczos(step: SecondMomentMap, settled: float, most: int) -> tuple[float, Array, int]:
    """λ_max of A₁^{−½}A₂A₁^{−½} from below, its matrix S = A₁^{−½}Q, and the number of steps.

    Started at homogenized SGD's own stationary second moment.
    """
    # notation: Q = Lanczos basis of symmetric matrices
    root = np.sqrt(step.first())
    start = np.diag(step.lam / np.sqrt(2.0 * step.l))
    Q = [start / np.linalg.norm(start)]
    diagonal: list[float] = []
    off: list[float] = []
    value = 0.0
    while True:
        image = step.second(Q[-1] / root) / root
        diagonal.append(float(np.vdot(image, Q[-1])))
        # Made orthogonal to all earlier vectors, twice. In exact arithmetic the last two would do;
        # with rounding the largest eigenvalue would then come back a second time.
        for _sweep in range(2):
            for vector in Q:
                image -= np.vdot(image, vector) * vector
        values, vectors = scipy.linalg.eigh_tridiagonal(diagonal, off)
        before, value = value, float(values[-1])
        norm = float(np.linalg.norm(image))
        # Settled: the value rose by little, and it is near an eigenvalue by its residual, which is
        # norm·|last entry|; the error of the value is of the order of the residual's square.
        small = (
            value - before <= settled * value
            and norm * abs(vectors[-1, -1]) <= value * max(settled, 1e-9) ** 0.5
        )
        if small or norm <= 1e-14 * diagonal[0] or len(Q) == most:
            break
        off.append(norm)
        Q.append(image / norm)
    matrix = sum((weight * vector for weight, vector in zip(vectors[:, -1], Q, strict=True)), 0.0)
    S = np.asarray(matrix) / root
    # An eigenvector has no sign; a covariance has a positive trace.
    return value, np.asarray(S if np.trace(S) > 0 else -S), len(Q)
