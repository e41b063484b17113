"""Single coordinates in the eigenbasis of the Hessian, to be recorded along a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array, integer, shown
from hsgd.interfaces import Problem
from hsgd.nouns import Whole, keep
from hsgd.statistics.readouts import Readout, Recordable


@dataclass(frozen=True)
class Coordinates(Recordable):
    """u_j·(x − x*), for some of the eigenvectors u_j of the Hessian.

    They become the variable `coordinate` with dims `("time", "replicate", "mode")`, `mode` being
    the indices, and the coordinate `eigenvalue` along `mode`.

    Parameters
    ----------
    indices
        Modes, the first (0) with the largest eigenvalue; equal ones in the order of the problem.
        Of a `LeastSquares` they are the right singular vectors of A, as many as A has rank, with
        the eigenvalues of AᵀA; of fresh rows the eigenvectors of their second moment.

    Raises
    ------
    TypeError, ValueError
        For indices that are not different integers from 0 on.

    Notes
    -----
    x* is the same as for `distance`. The sign of u_j is that which makes its largest entry
    positive; where eigenvalues are equal, or nearly, the basis of their space is whatever the
    decomposition gives. Eigenvalue times squared coordinate, summed over all modes, is twice the
    excess risk (for data of the sum ½|Ax−b|², without a ridge).

    Examples
    --------
    >>> import numpy as np, hsgd, simulate
    >>> rows = hsgd.GaussianRows(np.array([0.1, 0.4]), np.ones(2))
    >>> runs = simulate.sgd(rows, hsgd.StreamingSGD(1.0), [0.0], statistics=hsgd.Coordinates([0]))
    >>> float(runs.coordinate[0, 0, 0]), float(runs.eigenvalue[0])
    (-1.0, 0.4)
    """

    indices: tuple[int, ...]

    def __init__(self, indices: Whole | Iterable[Whole]) -> None:
        try:
            listed = [indices] if isinstance(indices, int | np.integer) else list(indices)
        except TypeError:
            raise TypeError(
                f"indices is {shown(indices)}: pass an integer or a list of them."
            ) from None
        checked = tuple(integer("an index of Coordinates", j, minimum=0) for j in listed)
        if not checked or len(set(checked)) < len(checked):
            raise ValueError(
                f"the indices of Coordinates are {shown(listed)}: name at least one, none twice."
            )
        keep(self, indices=checked)

    def of(self, problem: Problem) -> EigenCoordinates:
        """These coordinates of a problem.

        Raises
        ------
        ValueError
            If it has too few modes.
        """
        values, vectors = problem.eigenpairs
        if max(self.indices) >= len(values):
            raise ValueError(
                f"Coordinates asks for mode {max(self.indices)}, but the problem has the modes 0 "
                f"to {len(values) - 1} (directions that no row sees are none): leave it out."
            )
        chosen = np.argsort(-values, kind="stable")[list(self.indices)]
        columns = np.arange(len(chosen))
        if vectors is None:
            directions = np.zeros((len(values), len(chosen)))
            directions[chosen, columns] = 1.0
        else:
            directions = vectors[:, chosen]
            largest = np.abs(directions).argmax(axis=0)
            directions = directions * np.sign(directions[largest, columns])
        modes = np.array(self.indices)
        assert problem.solution is not None  # what is simulated is drawn
        return EigenCoordinates(modes, values[chosen], directions, problem.solution)


@dataclass(frozen=True, eq=False)
class EigenCoordinates(Readout):
    """`Coordinates` of a given problem."""

    modes: NDArray[np.int64]
    eigenvalues: Array
    directions: Array
    """Eigenvectors as columns, shape (d, modes)."""
    centre: Array
    """x*, shape (d,)."""
    name: str = "coordinate"
    long_name: str = "coordinate u.(x-x*) along an eigenvector of the Hessian"
    dim: str = "mode"

    @property
    def count(self) -> int:
        return len(self.modes)

    def values(self, points: Array) -> Array:
        """The coordinates of each row of `points`, shape (m, d) → (m, modes)."""
        return (points - self.centre) @ self.directions

    def labels(self) -> dict[str, Any]:
        """Coordinates of a dataset along `mode`."""
        words = "eigenvalue of the Hessian"
        return {
            "mode": ("mode", self.modes, {"units": "1", "long_name": "mode"}),
            "eigenvalue": ("mode", self.eigenvalues, {"units": "1", "long_name": words}),
        }
