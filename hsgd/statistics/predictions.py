"""What parameters predict for given rows, to be recorded along a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from hsgd.checks import Array, real_array
from hsgd.interfaces import Problem
from hsgd.nouns import keep
from hsgd.statistics.readouts import Readout, Recordable


@dataclass(frozen=True, eq=False)
class Predictions(Recordable):
    """a·x for some rows a.

    They become the variable `prediction` with dims `("time", "replicate", "row")`; of several
    outputs with `output` in front. `hsgd.classification_error` makes errors of them.

    Parameters
    ----------
    rows
        Rows as the problem has them, shape (m, d); `Predictions.held_out(problem)` takes its own.

    Raises
    ------
    TypeError, ValueError
        For another shape, or entries that are not finite.

    Examples
    --------
    >>> import numpy as np, hsgd, simulate
    >>> problem = hsgd.LeastSquares(np.eye(3), np.ones(3))
    >>> asked = {"statistics": hsgd.Predictions(2 * np.eye(3)[:1]), "seed": 0}
    >>> runs = simulate.sgd(problem, hsgd.SGD(1.0), [0.0, 9.0], **asked)
    >>> runs.prediction.isel(row=0, replicate=0).values.tolist()
    [0.0, 2.0]
    """

    rows: Array

    def __init__(self, rows: ArrayLike) -> None:
        keep(self, rows=real_array("rows", rows, 2))

    @classmethod
    def held_out(cls, problem: Problem) -> Self:
        """Those for the held-out rows of a problem.

        Raises
        ------
        ValueError
            If it has none.
        """
        rows = getattr(getattr(problem, "population", None), "A", None)
        if rows is None:
            raise ValueError(
                f"the problem, a {type(problem).__name__}, has no held-out rows: pass one "
                "with population=(A_test, b_test), or made by from_data with test=0.2."
            )
        return cls(rows)

    def of(self, problem: Problem) -> RowPredictions:
        """These predictions, for a problem.

        Raises
        ------
        ValueError
            If its rows have another length.
        """
        if self.rows.shape[1] != problem.dimension:
            raise ValueError(
                f"Predictions has rows of {self.rows.shape[1]} entries but the problem has "
                f"{problem.dimension} parameters: prepare the rows as those of the problem."
            )
        return RowPredictions(self.rows)


@dataclass(frozen=True, eq=False)
class RowPredictions(Readout):
    """`Predictions` of a problem."""

    rows: Array
    name: str = "prediction"
    long_name: str = "prediction a.x"
    dim: str = "row"

    @property
    def count(self) -> int:
        return len(self.rows)

    def values(self, points: Array) -> Array:
        return np.asarray(points @ self.rows.T)

    def labels(self) -> dict[str, Any]:
        return {"row": ("row", np.arange(self.count), {"units": "1", "long_name": "row"})}
