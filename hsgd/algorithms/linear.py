"""Linear methods by their matrices, and schedule-free SGD."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hsgd.algorithms.averaging import Averaging, checked
from hsgd.algorithms.base import BatchSize, LearningRate, OnAnyRows
from hsgd.algorithms.linear_form import LinearForm, Steps, scaled_steps
from hsgd.checks import Array, number, real_array
from hsgd.nouns import keep
from hsgd.schedules import Constant


@dataclass(frozen=True, eq=False)
class LinearMethod(OnAnyRows):
    """Any linear first-order method: m vectors Z of parameters, mixed and moved by a gradient.

    One iteration takes the mean gradient g of a batch at query·Z, and then
    Z ← mixing·Z − learning_rate·gains·g; the iterate is readout·Z.

    Parameters
    ----------
    mixing
        Shape (m, m).
    gains, query, readout
        Shape (m,).
    learning_rate
        Factor of the gains: a number, a `Schedule`, or a vectorised callable of time.
    start
        1 for vectors that start at x0, 0 for those that start at zero, shape (m,); all at x0 if
        omitted. Where there is no gradient nothing may move: mixing·start = start, and query and
        readout give 1 on it.
    batch_size, sampling
        As in `SGD`; on fresh rows there is only `"with_replacement"`.
    averaging
        `EMA`, `TailAverage` or `PowerAverage` of the iterates; None keeps no average.

    Raises
    ------
    TypeError, ValueError
        For other shapes, or matrices that would move a state at rest.

    References
    ----------
    Docs, theory page, "Linear methods".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> heavy_ball = hsgd.LinearMethod([[1.9, -0.9], [1, 0]], [1, 0], [1, 0], [1, 0], 0.1)
    >>> rows = hsgd.GaussianRows(1 / 50, np.ones(50))
    >>> hsgd.predict(rows, heavy_ball, [0.0, 9.0]).population_risk.values.round(4).tolist()
    [0.5, 0.0002]
    """

    mixing: Array
    gains: Array
    query: Array
    readout: Array
    learning_rate: LearningRate
    start: Array
    batch_size: BatchSize
    sampling: str
    averaging: Averaging | None

    def __init__(
        self,
        mixing: ArrayLike,
        gains: ArrayLike,
        query: ArrayLike,
        readout: ArrayLike,
        learning_rate: LearningRate = 1.0,
        *,
        start: ArrayLike | None = None,
        batch_size: BatchSize = 1,
        sampling: str = "with_replacement",
        averaging: Averaging | None = None,
    ) -> None:
        A = real_array("mixing", mixing, 2)
        m = len(A)
        if A.shape != (m, m):
            raise ValueError(f"mixing has shape {A.shape}: pass m by m numbers.")
        found = {"gains": gains, "query": query, "readout": readout}
        found["start"] = np.ones(m) if start is None else start
        vectors = {name: _for_each(name, value, m) for name, value in found.items()}
        _check_rest(A, **vectors)
        checked(averaging)
        keep(
            self,
            mixing=A,
            **vectors,
            learning_rate=learning_rate,
            batch_size=batch_size,
            sampling=sampling,
            averaging=averaging,
        )
        self._validate()

    def linear_form(self) -> LinearForm:
        constant = isinstance(self.schedule, Constant)
        steps = scaled_steps(self.mixing, self.gains, self.schedule, constant=constant)
        return LinearForm(self.start, self.query, self.readout, steps, constant)

    def description(self) -> dict[str, Any]:
        names = ("mixing", "gains", "query", "readout", "start")
        words = {name: getattr(self, name).tolist() for name in names}
        shared = self._shared_description()
        return {"algorithm": "LinearMethod", **words, **shared, "sampling": self.sampling}


def _for_each(name: str, value: ArrayLike, m: int) -> Array:
    """A number for each vector."""
    numbers = real_array(name, value, 1)
    if len(numbers) != m:
        raise ValueError(
            f"{name} has {len(numbers)} entries but mixing is {m} by {m}: pass one for each vector."
        )
    return numbers


def _check_rest(mixing: Array, gains: Array, query: Array, readout: Array, start: Array) -> None:
    del gains
    if set(start.tolist()) - {0.0, 1.0} or not start.any():
        raise ValueError("start holds 1 for vectors that start at x0, at least one, and 0 else.")
    moved = mixing @ start - start
    if np.abs(moved).max() > 1e-12 * np.abs(mixing).max():
        raise ValueError(
            f"mixing moves a state at rest: vector {int(np.abs(moved).argmax())} changes by "
            f"{moved[np.abs(moved).argmax()]:.3g} without a gradient; its rows must add up to "
            "start."
        )
    for name, weights in (("query", query), ("readout", readout)):
        if abs(weights @ start - 1.0) > 1e-12 * np.abs(weights).sum():
            raise ValueError(
                f"{name} adds up to {weights @ start:.3g} over the vectors that start at x0, but "
                "it must be 1."
            )


@dataclass(frozen=True)
class ScheduleFree(OnAnyRows):
    """Schedule-free SGD: gradients between a fast iterate and the mean of all of them.

    y = (1 − interpolation)·z + interpolation·x, z ← z − γ g(y), and x ← x + (z − x)/(k + 1): x is
    the mean of z₁, …, z_{k+1}, and the iterate.

    Parameters
    ----------
    learning_rate, batch_size, sampling
        As in `SGD`; on fresh rows there is only `"with_replacement"`.
    interpolation
        β, between 0 (Polyak's average of SGD) and 1 (excluded: primal averaging).
    averaging
        As in `SGD`.

    Raises
    ------
    TypeError, ValueError
        As `SGD`, and for an interpolation outside [0, 1).

    Notes
    -----
    `schedulefree.SGDScheduleFree` weighs the z's by squared learning rates, which is the same
    where the rate is constant.

    References
    ----------
    A. Defazio et al., arXiv:2405.15682.
    """

    learning_rate: LearningRate
    interpolation: float = 0.9
    batch_size: BatchSize = 1
    sampling: str = "with_replacement"
    averaging: Averaging | None = None

    def __post_init__(self) -> None:
        self._validate()
        beta = number("interpolation", self.interpolation)
        if beta >= 1.0:
            raise ValueError(f"interpolation is {beta:g}, but it must be below 1: try 0.9.")
        object.__setattr__(self, "interpolation", beta)

    def linear_form(self) -> LinearForm:
        # notation: Z = (z, x), c = the share of the new z in x
        def steps(iterations: NDArray[np.int64], per_unit: int) -> Steps:
            c = 1.0 / (iterations + 1.0)
            mixing, gains = np.zeros((len(c), 2, 2)), np.empty((len(c), 2))
            mixing[:, 0, 0] = 1.0
            mixing[:, 1, 0], mixing[:, 1, 1] = c, 1.0 - c
            gains[:, 0] = self.schedule(iterations / per_unit)
            gains[:, 1] = c * gains[:, 0]
            return Steps(mixing, gains)

        query = np.array([1.0 - self.interpolation, self.interpolation])
        return LinearForm(np.ones(2), query, np.array([0.0, 1.0]), steps, is_constant=False)

    def description(self) -> dict[str, Any]:
        words = {"interpolation": self.interpolation, "sampling": self.sampling}
        return {"algorithm": "ScheduleFree", **self._shared_description(), **words}
