"""Gram matrices as problems: whatever kernel they come from, SGD sees their eigenvectors alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.linalg
from numpy.typing import ArrayLike

from hsgd.checks import EPS, SPAN, real_array
from hsgd.machine import memory
from hsgd.nouns import Swept
from hsgd.owned import read_only
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.matrix import ThinSVD


def problem_of_gram(
    gram: ArrayLike,
    targets: ArrayLike,
    *,
    ridge: Swept = 0.0,
    test: tuple[ArrayLike, ArrayLike] | None = None,
) -> LeastSquares:
    """Least squares in the space of a kernel: minimise ½|Kα − y|² + (ridge/2) αᵀKα.

    The rows of the problem are features with K as their Gram matrix, in the basis of its
    eigenvectors, so that SGD on them is SGD on the kernel's features, whatever these are: a network
    that is linearised, or infinitely many.

    Parameters
    ----------
    gram
        K, shape (n, n), symmetric and positive semi-definite: inner products of features.
    targets
        y, shape (n,), or (n, k) of k outputs; for a network that is linearised, less what it says
        at its start.
    ridge
        δ, added to the diagonal of K by the ridge solution.
    test
        `(K_test, y_test)` of held-out rows: K_test, shape (m, n), their inner products with the
        rows of `gram`.

    Returns
    -------
    LeastSquares
        Rows A = U√s, K = U s Uᵀ, with as many columns as K has rank; decomposed already.

    Raises
    ------
    TypeError, ValueError
        For a matrix that is not symmetric or has a negative eigenvalue beyond rounding.

    Notes
    -----
    Parts of held-out features that no row has do not matter where SGD starts at zero, and it does.
    Cost: O(n³), once.

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> X = np.random.default_rng(0).standard_normal((40, 5))
    >>> problem = hsgd.kernels.problem_of_gram(X @ X.T, X[:, 0])
    >>> problem.shape
    (40, 5)
    """
    K = real_array("gram", gram, 2, span=SPAN**2)
    n = len(K)
    scale = float(np.abs(K).max())
    if scale == 0.0:
        raise ValueError("gram is zero everywhere, so there is nothing to learn: check the kernel.")
    if K.shape != (n, n) or not np.allclose(K, K.T, rtol=1e-8, atol=1e-10 * scale):
        raise ValueError(
            f"gram has shape {K.shape} and must be square and symmetric: pass 0.5 * (K + K.T)."
        )
    memory.check(8 * 4 * n**2, f"the decomposition of a Gram matrix, {n} by {n},", "rows")
    values, vectors = scipy.linalg.eigh(K)
    if values[0] < -1e-9 * n * scale:
        raise ValueError(
            f"gram has a negative eigenvalue ({values[0]:.3g}): inner products have none."
        )
    kept = np.flatnonzero(values > n * EPS * values[-1])[::-1]
    roots = np.sqrt(values[kept])
    left = np.ascontiguousarray(vectors[:, kept])
    problem = LeastSquares(
        read_only(left * roots),
        targets,
        ridge=ridge,
        population=None if test is None else _held_out(test, left, roots),
        preparation={"from_gram": True},
    )
    # The decomposition is known: another one would cost as much again.
    problem.__dict__["svd"] = ThinSVD(left, roots, np.eye(len(kept)))
    return problem


def _held_out(test: Any, left: Any, roots: Any) -> tuple[Any, Any]:
    if not isinstance(test, tuple) or len(test) != 2:
        raise TypeError("test must be a pair (K_test, y_test) of held-out rows.")
    cross = real_array("K_test", test[0], 2, span=SPAN**2)
    if cross.shape[1] != len(left):
        raise ValueError(
            f"K_test has {cross.shape[1]} columns: pass the inner products with each of the "
            f"{len(left)} rows of gram."
        )
    return read_only(cross @ left / roots), test[1]
