"""A fixed preconditioner: the problem in the coordinates in which its steps are those of SGD."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
import scipy.linalg
import scipy.sparse
from numpy.typing import ArrayLike

from hsgd.checks import Array, digest, is_swept, plain_array, real_array
from hsgd.machine import memory
from hsgd.owned import read_only
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.populations import HeldOut, LinearModel, Population
from hsgd.problems.preparing import Transformation

_NARROWEST = 1e-60
"""Ratio of entries below which their roots leave double precision where they are squared."""
Preconditionable = TypeVar("Preconditionable", LeastSquares, GaussianRows)


@dataclass(frozen=True, eq=False)
class _Root:
    """P^½ and its inverse, shape (d,) if P is diagonal, else (d, d)."""

    half: Array
    inverse: Array

    def rows(self, A: Any) -> Any:
        """Rows P^½a, one a row of A."""
        if self.half.ndim == 2:
            return read_only(np.asarray(A @ self.half))
        if hasattr(A, "tocsr"):
            return scipy.sparse.csr_array(A @ scipy.sparse.diags_array(self.half))
        return read_only(A * self.half)

    def parameters(self, x: Array) -> Array:
        """P^−½x, shape (d,) or (d, k)."""
        return self.inverse @ x if self.inverse.ndim == 2 else (x.T * self.inverse).T

    def moment(self, second: Array) -> Array:
        """P^½ M P^½; diagonal where both are."""
        if self.half.ndim == 1 and second.ndim == 1:
            return self.half**2 * second
        full = np.diag(second) if second.ndim == 1 else second
        left = self.half[:, None] * full if self.half.ndim == 1 else self.half @ full
        both = left * self.half if self.half.ndim == 1 else left @ self.half
        return 0.5 * (both + both.T)

    def population(self, fresh: Any) -> Any:
        """What a fresh row looks like."""
        match fresh:
            case HeldOut():
                return HeldOut(self.rows(fresh.A), fresh.b)
            case LinearModel():
                moment = self.moment(fresh.second_moment)
                return LinearModel(moment, self.parameters(fresh.coefficients), fresh.noise)
            case Population():
                cross = fresh.cross_moment
                moved = self.half @ cross if self.half.ndim == 2 else (cross.T * self.half).T
                moment = self.moment(fresh.second_moment)
                return Population(moment, moved, fresh.target_second_moment)
        return fresh


def preconditioned(problem: Preconditionable, preconditioner: ArrayLike) -> Preconditionable:
    """The problem on which SGD takes the steps that preconditioned SGD takes on this one.

    x ← x − γ P g(x) is w ← w − γ g(w) for w = P^−½x and rows P^½a. So every algorithm, every verb
    and every engine knows a fixed preconditioner, exactly.

    Parameters
    ----------
    problem
        `LeastSquares` (an array or a sparse matrix) or `GaussianRows`, without a ridge.
    preconditioner
        P, symmetric and positive definite: shape (d, d), or (d,) if it is diagonal.

    Returns
    -------
    LeastSquares or GaussianRows
        Risks are those of the original problem. `"distance"` is measured in P⁻¹: |w−w*|² =
        (x−x*)ᵀP⁻¹(x−x*). Of a diagonal P, `to_original` of the problem gives the parameters x.

    Raises
    ------
    TypeError, ValueError
        For a P of another shape, or not positive definite; for a ridge, which P would turn into
        another one; for rows that are known by products alone.

    Notes
    -----
    Cost: of a dense P an eigendecomposition, and a product with A (2nd² operations).

    References
    ----------
    Docs, theory page, "Preconditioners".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(np.array([4.0, 1.0, 0.25]), np.ones(3))
    >>> hsgd.preconditioned(rows, [0.25, 1.0, 4.0]).covariance.tolist()
    [1.0, 1.0, 1.0]
    """
    if not isinstance(problem, LeastSquares | GaussianRows):
        raise TypeError(
            f"the problem is a {type(problem).__name__}: pass hsgd.LeastSquares or "
            "hsgd.GaussianRows."
        )
    if is_swept(problem.ridge) or problem.ridge:
        raise ValueError(
            "the problem has a ridge, which a preconditioner turns into another penalty: pass "
            "problem.replace(ridge=0.0)."
        )
    root = _root(preconditioner, problem.dimension)
    start = root.parameters(problem.x0)
    if isinstance(problem, GaussianRows):
        moved = root.parameters(problem.coefficients)
        return problem.replace(
            covariance=root.moment(problem.covariance), coefficients=moved, x0=start,
            outputs=problem.outputs,
        )  # fmt: skip
    if problem.is_product:
        raise TypeError("A is known by its products alone: pass an array or a sparse matrix.")
    record = {**problem.preparation, "preconditioner_sha256": digest(root.half)}
    return problem.replace(
        A=root.rows(problem.A),
        x0=start,
        population=root.population(problem.population),
        preparation=record,
        transformation=_way_back(problem, root),
    )


def _root(preconditioner: ArrayLike, dimension: int) -> _Root:
    given = plain_array("preconditioner", preconditioner)
    P = real_array("preconditioner", given, 2 if given.ndim == 2 else 1)
    if set(P.shape) != {dimension}:
        raise ValueError(
            f"preconditioner has shape {P.shape}: pass {dimension} numbers, or {dimension} by "
            f"{dimension}."
        )
    if P.ndim == 1:
        if not (P > 0).all():
            raise ValueError(f"preconditioner holds {P.min():g}: all of it must be above 0.")
        if P.min() < _NARROWEST * P.max():
            raise ValueError(
                f"preconditioner reaches from {P.min():g} to {P.max():g}, where double precision "
                "ends: bring its entries nearer to one another."
            )
        return _Root(np.sqrt(P), 1.0 / np.sqrt(P))
    if not np.allclose(P, P.T, rtol=1e-10, atol=1e-12 * float(np.abs(P).max())):
        raise ValueError("preconditioner must be symmetric: pass 0.5 * (P + P.T).")
    memory.check(
        8 * 6 * dimension**2, f"the root of a preconditioner, {dimension} wide,", "columns"
    )
    values, vectors = scipy.linalg.eigh(P)
    if values[0] <= 1e-14 * values[-1]:
        raise ValueError(f"preconditioner has the eigenvalue {values[0]:.3g}: all must be above 0.")
    half = np.sqrt(values)
    return _Root((vectors * half) @ vectors.T, (vectors / half) @ vectors.T)


def _way_back(problem: LeastSquares, root: _Root) -> Transformation | None:
    """From the new parameters to coefficients of the table's columns, where P is diagonal."""
    if root.half.ndim == 2:
        return None
    before = problem.transformation
    if before is None:
        zero = np.zeros(problem.dimension)
        means = 0.0 if problem.outputs is None else np.zeros(len(problem.outputs))
        return Transformation(zero, root.inverse, means)
    if before.rows_normalised:
        return before
    return replace(before, column_scales=before.column_scales * root.inverse)
