"""Algorithms whose learning rate each run finds for itself, on its way.

All of them take x ← x − γ_k g, g the mean gradient of a batch (ridge included), as `SGD` does;
only that γ_k depends on the run. A dataset of such runs has the variable `realised_learning_rate`
in the place of the coordinate `learning_rate`.

Here γ is the literal factor of g, whatever the scale of the rows; arXiv:2405.19585 writes γ/d for
it, with rows whose squared norm is of order d.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from numpy.typing import ArrayLike

from hsgd.algorithms.base import Algorithm, BatchSize, LearningRate, OnAnyRows
from hsgd.checks import described, each, is_swept, number, positive
from hsgd.schedules import Schedule, as_schedule


@dataclass(frozen=True)
class AdaGradNorm(OnAnyRows):
    """AdaGrad-Norm: γ_k = learning_rate / √(initial² + |g_0|² + … + |g_k|²).

    Parameters
    ----------
    learning_rate
        The numerator: a number, a `Schedule`, or a vectorised callable of time. It has the units
        of the parameters, because γ·g has.
    initial
        What the root is before the first gradient, greater than 0, in the units of the gradient.
    batch_size
        Rows per iteration: an integer, or a `Piecewise` of time with integer levels.
    sampling
        As in `SGD`; on fresh rows there is only `"with_replacement"`.

    Raises
    ------
    TypeError, ValueError
        For an initial value that is not positive, and as `SGD`.

    Notes
    -----
    `realised_learning_rate` at iteration k is what is known before the step, with the gradients
    g_0, …, g_{k−1} under the root. In arXiv:2405.19585 steps and gradients have a factor 1/d: on
    the same rows its γ is d times the rate here, its η is `learning_rate`, its b is initial/d.

    References
    ----------
    E. Collins-Woodfin et al., arXiv:2405.19585; R. Ward, X. Wu, L. Bottou, arXiv:1806.01811.

    Examples
    --------
    >>> import numpy as np, hsgd, simulate
    >>> rows = hsgd.GaussianRows(1 / 50, np.ones(50))
    >>> runs = simulate.sgd(rows, hsgd.AdaGradNorm(5.0, initial=5.0), [0.0, 4.0], seed=0)
    >>> float(runs.realised_learning_rate[0, 0])
    1.0
    """

    is_adaptive: ClassVar[bool] = True
    learning_rate: LearningRate
    initial: float
    batch_size: BatchSize = 1
    sampling: str = "with_replacement"

    def __post_init__(self) -> None:
        self._validate()
        object.__setattr__(self, "initial", each("initial", self.initial, positive))

    def description(self) -> dict[str, Any]:
        words = {"initial": described(self.initial), "sampling": self.sampling}
        return {"algorithm": "AdaGradNorm", **self._shared_description(), **words}


@dataclass(frozen=True)
class Greedy(Algorithm):
    """A multiple of the learning rate with which one step comes nearest to the minimum.

    What "near" means makes the difference between those who inherit from this. The expectation
    over the batch is taken exactly, from the moments of the population: so fresh rows only, for
    on data every iteration would have to pass over all of them.
    """

    on_stream: ClassVar[bool] = True
    is_adaptive: ClassVar[bool] = True
    fraction: LearningRate = 1.0
    batch_size: BatchSize = 1

    def __post_init__(self) -> None:
        if is_swept(self.fraction):
            each("fraction", self.fraction, number)
        else:
            self.schedule  # noqa: B018  (the check of the fraction)
        object.__setattr__(self, "learning_rate", self.fraction)  # what has the schedule
        self._validate()

    @cached_property
    def schedule(self) -> Schedule:
        """The fraction as a `Schedule`."""
        return as_schedule(self.fraction, "fraction")

    def noise_factor(self, n: float, batch_size: ArrayLike | None = None) -> Any:
        """1/B: fresh rows are independent."""
        return 1.0 / self._one_batch_size(batch_size)

    def description(self) -> dict[str, Any]:
        shared = self._shared_description()
        words = {"fraction": shared["learning_rate"], "batch_size": shared["batch_size"]}
        return {"algorithm": type(self).__name__, **words}


@dataclass(frozen=True)
class LineSearch(Greedy):
    """Exact line search: γ_k minimises the expected objective after the step, given x_k.

    The objective is f(x) = ½E(a·x−b)² + (ρ/2)|x|², ρ the ridge per sample. With h = ∇f(x), z = x−β
    and R = ½E(a·x−b)² the minimiser is |h|² / (hᵀMh + [2R tr(MΣ) + zᵀΣMΣz]/B), M = Σ + ρ.

    Parameters
    ----------
    fraction
        A step takes this times γ: a number, a `Schedule`, or a vectorised callable of time.
    batch_size
        Rows per iteration: an integer, or a `Piecewise` of time with integer levels.

    Raises
    ------
    TypeError, ValueError
        For a negative fraction or a batch size below one.

    Notes
    -----
    Exact for Gaussian rows at every d and B; for B → ∞ it is the textbook's line search on a
    quadratic. In high dimensions with B = 1 and no ridge only 2R tr(Σ²) is left below the bar, as
    in arXiv:2405.19585; what is dropped there is of relative order 1/d.

    References
    ----------
    E. Collins-Woodfin et al., arXiv:2405.19585, exact line search.

    Examples
    --------
    >>> import numpy as np, hsgd, simulate
    >>> rows = hsgd.GaussianRows(1.0, np.ones(1))
    >>> runs = simulate.sgd(rows, hsgd.LineSearch(), [0.0], seed=0)
    >>> float(runs.realised_learning_rate[0, 0])  # E a² / E a⁴
    0.3333333333333333
    """


@dataclass(frozen=True)
class Polyak(Greedy):
    """Polyak's step: γ_k minimises the expected distance to the minimum after the step, given x_k.

    The minimum x* is that of f(x) = ½E(a·x−b)² + (ρ/2)|x|², ρ the ridge per sample. With h = ∇f(x),
    z = x−β and R = ½E(a·x−b)², γ_k = h·(x−x*) / (|h|² + [2R tr Σ + |Σz|²]/B).

    Parameters
    ----------
    fraction, batch_size
        As in `LineSearch`.

    Raises
    ------
    TypeError, ValueError
        For a negative fraction or a batch size below one.

    Notes
    -----
    Without a ridge the numerator is 2R less the variance of the label noise. Exact for Gaussian
    rows at every d and B; in high dimensions with B = 1 only 2R tr Σ is left below the bar, as in
    arXiv:2405.19585.

    References
    ----------
    E. Collins-Woodfin et al., arXiv:2405.19585, Polyak stepsize.

    Examples
    --------
    >>> import numpy as np, hsgd, simulate
    >>> rows = hsgd.GaussianRows(1 / 50, np.ones(50))
    >>> runs = simulate.sgd(rows, hsgd.Polyak(), [0.0, 1.0], seed=0)
    >>> round(float(runs.realised_learning_rate[1, 0]), 3)  # 1/(1 + 2/d)
    0.962
    """
