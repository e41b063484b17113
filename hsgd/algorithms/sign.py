"""Steps along the signs of the gradient, of one size in every coordinate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from hsgd.algorithms.base import BatchSize, LearningRate, OnAnyRows


@dataclass(frozen=True)
class SignSGD(OnAnyRows):
    """Sign SGD, x ← x − γ sign(g), entry by entry, g the mean gradient of a batch, ridge included.

    The sign of 0 is 0.

    Parameters
    ----------
    learning_rate
        γ, in the units of the parameters: a number, a `Schedule`, or a vectorised callable of time.
    batch_size
        Rows per iteration: an integer, or a `Piecewise` of time with integer levels.
    sampling
        As in `SGD`; on fresh rows there is only `"with_replacement"`.

    Raises
    ------
    TypeError, ValueError
        As `SGD`.

    Notes
    -----
    Unlike all other algorithms here it is another one in another basis; coordinates are those of
    the problem.

    References
    ----------
    J. Bernstein et al., arXiv:1802.04434; in high dimensions K. L. Xiao et al., arXiv:2411.12135.

    Examples
    --------
    >>> import numpy as np, hsgd, simulate
    >>> problem = hsgd.LeastSquares(np.eye(4), np.ones(4))
    >>> runs = simulate.sgd(problem, hsgd.SignSGD(0.25), [0.0, 9.0], seed=0, statistics="distance")
    >>> float(runs.distance[1, 0])
    0.0
    """

    only_simulated: ClassVar[bool] = True
    learning_rate: LearningRate
    batch_size: BatchSize = 1
    sampling: str = "with_replacement"

    def __post_init__(self) -> None:
        self._validate()

    def description(self) -> dict[str, Any]:
        return {"algorithm": "SignSGD", **self._shared_description(), "sampling": self.sampling}
