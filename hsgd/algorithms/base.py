"""The algorithms, as frozen nouns: what is run, not how.

In all of them one iteration draws a batch of B rows and forms the mean gradient

    g(x) = mean over the batch of a (a·x − b) + ρ x,

ρ the ridge per sample (ridge/n for data). They differ in where the rows come from and in what is
done with g. To write a new one, subclass `Algorithm`, call `_validate` in `__post_init__`, and
say in `description` what it is; verbs name the algorithms that they know.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from hsgd.algorithms.averaging import Averaging, checked
from hsgd.algorithms.linear_form import LinearForm
from hsgd.algorithms.timing import first_iterations
from hsgd.checks import Array, described, each, integer, is_swept, number, one_of
from hsgd.nouns import Noun, Real, Whole
from hsgd.schedules import Constant, Piecewise, Schedule, as_schedule

SAMPLINGS = ("with_replacement", "subset", "reshuffle", "single_shuffle")
"""How rows are drawn: B independent indices each step; a random B-subset each step; a fresh
permutation every epoch; one permutation for ever."""

INDEPENDENT = ("with_replacement", "subset")
"""Those in which a batch does not depend on earlier ones."""

LearningRate = Real | Schedule | Callable[[Array], ArrayLike] | xr.DataArray
BatchSize = Whole | Piecewise | xr.DataArray


class Algorithm(Noun, ABC):
    """A learning rate and a batch size, each a number or a schedule of time.

    Either may also be an `xarray.DataArray` of numbers with a dimension of its own: verbs that
    follow such sweeps give a result for each of them.
    """

    learning_rate: LearningRate
    batch_size: BatchSize
    on_data: ClassVar[bool] = False
    """Whether it can read the rows of a `LeastSquares`."""
    on_stream: ClassVar[bool] = False
    """Whether it can read the fresh rows of a `GaussianRows`."""
    is_adaptive: ClassVar[bool] = False
    """Whether each run finds learning rates of its own."""
    only_simulated: ClassVar[bool] = False
    """Whether nothing but a simulation follows it."""
    averaging: Averaging | None = None
    """An average of the iterates that is kept beside them."""

    @property
    def has_independent_batches(self) -> bool:
        """Whether a batch does not depend on earlier ones."""
        return True

    @abstractmethod
    def description(self) -> dict[str, Any]:
        """What it is, as JSON-ready words and numbers."""

    @abstractmethod
    def noise_factor(self, n: float, batch_size: ArrayLike | None = None) -> Any:
        """Variance of the mean over a batch of the `n` rows, relative to that of one draw.

        Parameters
        ----------
        n
            Number of rows; infinite for a population.
        batch_size
            B, of any shape; by default the algorithm's own, which must then be a number.

        Raises
        ------
        ValueError
            If a subset is larger than the number of rows, the sampling is a permutation, or the
            batch size is a schedule.
        """

    def linear_form(self) -> LinearForm | None:
        """It as a linear method, without its average; None if it is none."""
        return None

    def check_batch(self, n: float) -> None:
        """Refuse batches that cannot be drawn from `n` rows; n is infinite for a population."""
        del n  # By default any batch can be.

    def _one_batch_size(self, batch_size: Any) -> Any:
        if batch_size is not None:
            return batch_size
        if isinstance(self.batch_size, int):
            return self.batch_size
        raise ValueError(
            "batch_size changes here, and this needs one integer: "
            "pass an algorithm for each of its levels."
        )

    def _validate(self) -> None:
        set_ = object.__setattr__
        rate: Any = self.learning_rate
        if hasattr(rate, "dims") or isinstance(rate, list | tuple | np.ndarray):
            set_(self, "learning_rate", each("learning_rate", self.learning_rate, number))
        else:
            self.schedule  # noqa: B018  (the check of the learning rate)
        set_(self, "batch_size", each("batch_size", self.batch_size, _batch_size))
        checked(self.averaging)

    @cached_property
    def schedule(self) -> Schedule:
        """The learning rate as a `Schedule`; iteration k takes it at time k/iterations_per_unit."""
        return as_schedule(self.learning_rate)

    @property
    def has_batch_schedule(self) -> bool:
        """Whether the batch size changes over time."""
        return isinstance(self.batch_size, Piecewise)

    @property
    def batch_boundaries(self) -> tuple[float, ...]:
        """Times at which the batch size changes."""
        return self.batch_size.boundaries if isinstance(self.batch_size, Piecewise) else ()

    @property
    def largest_batch_size(self) -> int:
        """The largest batch of any iteration."""
        if isinstance(self.batch_size, Piecewise):
            return int(max(self.batch_size.levels))
        return int(np.max(self.batch_size))

    def batch_sizes(self, time: ArrayLike) -> NDArray[np.int64]:
        """The batch size of iterations at `time`, in the shape of `time`."""
        if isinstance(self.batch_size, Piecewise):
            return np.rint(self.batch_size(time)).astype(np.int64)
        return np.full(np.shape(time), int(self._one_batch_size(None)))

    def rows_drawn(self, iterations: ArrayLike, iterations_per_unit: int) -> NDArray[np.int64]:
        """Rows drawn before each of `iterations`: the sum of the earlier batch sizes."""
        # notation: first = first iteration of each later batch size
        k = np.asarray(iterations, dtype=np.int64)
        if not isinstance(self.batch_size, Piecewise):
            return k * int(self._one_batch_size(None))
        levels = np.rint(self.batch_size.levels).astype(np.int64)
        rows = k * levels[0]
        for first, jump in zip(
            first_iterations(self.batch_size.boundaries, iterations_per_unit),
            np.diff(levels),
            strict=True,
        ):
            rows = rows + jump * np.maximum(k - first, 0)
        return np.asarray(rows)

    def _shared_description(self) -> dict[str, Any]:
        size = self.batch_size
        rate = described(self.learning_rate)
        return {
            "learning_rate": rate if is_swept(self.learning_rate) else self.schedule.description(),
            "batch_size": size.description() if isinstance(size, Piecewise) else described(size),
            **({} if self.averaging is None else {"averaging": self.averaging.description()}),
        }


def _batch_size(name: str, value: Any) -> BatchSize:
    if isinstance(value, Constant):
        value = int(value.level) if value.level.is_integer() else value.level
    if isinstance(value, Piecewise):
        if any(level < 1 or level != int(level) for level in value.levels):
            raise ValueError(
                f"batch_size has the levels {list(value.levels)}: every batch holds a whole number "
                "of rows, at least 1."
            )
        return value
    if isinstance(value, Schedule) or callable(value):
        raise TypeError(
            "a batch_size that changes is piecewise constant: pass "
            "hsgd.Piecewise(boundaries, levels) with integer levels, or one integer."
        )
    return integer(name, value, minimum=1)


class MultiPass(Algorithm):
    """An algorithm that draws its batches from the n rows of a `LeastSquares`."""

    on_data: ClassVar[bool] = True
    sampling: str

    @property
    def has_independent_batches(self) -> bool:
        return self.sampling in INDEPENDENT

    def noise_factor(self, n: float, batch_size: ArrayLike | None = None) -> Any:
        """1/B with replacement, (n−B)/(B(n−1)) for subsets."""
        B = self._one_batch_size(batch_size)
        if self.sampling == "with_replacement":
            return 1.0 / B
        if self.sampling == "subset":
            self.check_batch(n)
            return (n - B) / (B * max(n - 1, 1))
        raise ValueError(f"sampling {self.sampling!r} draws batches that are not independent.")

    def check_batch(self, n: float) -> None:
        """Refuse a batch without replacement that is larger than the `n` rows it is drawn from."""
        if self.sampling != "with_replacement" and self.largest_batch_size > n:
            raise ValueError(
                f"batch_size is {self.largest_batch_size} but the problem has only {n:g} rows: a "
                f"batch without replacement holds at most {n:g}."
            )

    def _validate(self) -> None:
        super()._validate()
        one_of("sampling", self.sampling, SAMPLINGS)


class OnAnyRows(MultiPass):
    """An algorithm that reads the rows of a `LeastSquares`, or fresh ones of a `GaussianRows`."""

    on_stream: ClassVar[bool] = True

    def check_batch(self, n: float) -> None:
        super().check_batch(n)
        if n == np.inf and self.sampling != "with_replacement":
            raise ValueError(
                f"sampling is {self.sampling!r}, but fresh rows are never seen again: leave it out."
            )
