"""The numbers of a comparison, one per statistic and time, and the rules that judge them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array
from validation import simultaneous, tails

if TYPE_CHECKING:
    import xarray as xr

ALLOWANCE = 1.5
"""The theory's own estimate of its finite-n error is good to about this factor near critical, so
this much of it is allowed (docs, theory page, "Diagnose"; benchmarks/discrepancy.py)."""
LARGEST_BUDGET = 1.0
"""Relative error from which on agreement with a theory that allows itself as much says nothing."""
NO_STATEMENT = 10.0
"""The same beyond which even disagreement says nothing: the estimate is out of its depth."""
ROUNDING = 1e-9
"""Relative difference that rounding may make where nothing is random."""


@dataclass(frozen=True, eq=False)
class Points:
    """Theory and runs on the common grid; shapes (S, T), runs (R, S, T)."""

    runs: Array
    reference: Array
    error: Array
    """Numerical error of the theory (and of an exact mean held against it)."""
    budget: Array
    """Relative error allowed because n is finite; none before the first iteration."""
    exact: bool
    """`runs` is an exact mean: one curve without Monte Carlo error."""
    num_settings: int = 1
    """Settings that the S curves belong to, each with as many of them, one after the other."""

    @classmethod
    def collect(
        cls,
        theory: xr.Dataset,
        runs: xr.Dataset,
        names: tuple[str, ...],
        discrepancy: float | None,
    ) -> Points:
        """Arrays from datasets that `align` has accepted."""
        exact = "replicate" not in runs.dims
        order = ("time",) if exact else ("replicate", "time")
        stacked = np.stack(
            [np.atleast_2d(runs[name].transpose(*order).values) for name in names], axis=1
        )
        budget = np.stack([_budget(theory, name, discrepancy) for name in names])
        budget[:, theory["iteration"].values == 0] = 0.0
        return cls(
            runs=stacked.astype(np.float64),
            reference=np.stack([theory[name].values for name in names]).astype(np.float64),
            error=sum((_error(data, names) for data in (theory, runs)), np.zeros(())),
            budget=budget,
            exact=exact,
        )

    @classmethod
    def together(cls, several: Sequence[Points]) -> Points:
        """Those of several settings with the same number of runs, as further statistics.

        Reflecting replicate r of all settings at once keeps the level of the test, whether they
        share random numbers or are independent.
        """
        return cls(
            runs=np.concatenate([one.runs for one in several], axis=1),
            reference=np.concatenate([one.reference for one in several]),
            error=np.concatenate([one.error for one in several]),
            budget=np.concatenate([one.budget for one in several]),
            exact=several[0].exact,
            num_settings=len(several),
        )

    @property
    def number(self) -> int:
        """Replicates R."""
        return len(self.runs)

    @cached_property
    def comparable(self) -> NDArray[np.bool_]:
        """Where all runs and the theory are finite; elsewhere some have diverged."""
        return np.isfinite(self.runs).all(axis=0) & np.isfinite(self.reference)

    @cached_property
    def _moments(self) -> tuple[Array, Array, Array]:
        with np.errstate(all="ignore"):
            mean, spread, skewness = simultaneous.moments(self.runs.reshape(self.number, -1))
        shape = self.reference.shape
        if self.exact:
            return self.runs[0], np.zeros(shape), np.zeros(shape)
        return mean.reshape(shape), spread.reshape(shape), skewness.reshape(shape)

    @property
    def mean(self) -> Array:
        """Mean over replicates."""
        return self._moments[0]

    @property
    def standard_error(self) -> Array:
        """Standard error of the mean; 0 for an exact mean."""
        return self._moments[1]

    @property
    def skewness(self) -> Array:
        """Sample skewness over replicates."""
        return self._moments[2]

    @cached_property
    def random(self) -> NDArray[np.bool_]:
        """Where the runs differ by more than rounding."""
        return self.comparable & (self.standard_error > 1e-12 * np.abs(self.mean))

    @property
    def z_score(self) -> Array:
        """(mean − reference)/standard error, NaN where nothing varies."""
        safe = np.where(self.random, self.standard_error, np.nan)
        return np.asarray((self.mean - self.reference) / safe)

    @property
    def relative_error(self) -> Array:
        """mean/reference − 1; 0 where the two differ by no more than their numerical errors."""
        gap = self.mean / self.reference - 1.0
        return np.where(np.abs(self.mean - self.reference) <= self.error, 0.0, gap)

    @cached_property
    def slack(self) -> Array:
        """Absolute error that the theory is allowed."""
        rounding = np.where(self.random, 0.0, ROUNDING * np.abs(self.reference))
        return self.budget * np.abs(self.reference) + self.error + rounding

    @cached_property
    def nearest(self) -> Array:
        """The value nearest the mean that the theory allows."""
        return np.clip(self.mean, self.reference - self.slack, self.reference + self.slack)

    def critical_value(self, level: float) -> float:
        """What Hall's t may reach at the worst point; NaN if nothing is random."""
        if not self.random.any():
            return math.nan
        return simultaneous.critical_value((self.runs - self.nearest)[:, self.random], level)

    @cached_property
    def tail_index(self) -> Array:
        """How fast the upper tail of the runs falls; infinite where nothing varies."""
        return np.where(self.random, tails.tail_index(self.runs), np.inf)

    def agree(self, critical: float) -> NDArray[np.bool_]:
        """Where nothing is held against the theory; both diverged is agreement, too."""
        both_diverged = ~np.isfinite(self.reference) & ~np.isfinite(self.mean)
        unopposed = self.covered(critical) & self.comparable
        return np.asarray(unopposed | both_diverged | self.undecided(critical))

    def undecided(self, critical: float) -> NDArray[np.bool_]:
        """Where the mean is too low, but rare large runs may be what is missing from it.

        And where it is not held against the theory only because the budget is without measure.
        """
        by_setting = tails.heavy(self.tail_index.reshape(self.num_settings, -1), self.number)
        heavy, finite = by_setting.reshape(self.mean.shape), np.isfinite(self.mean)
        missing = heavy & (self.mean < self.nearest) & ~self.covered(critical)
        # An infinite mean is not seen in runs that are finite, however heavy their tails.
        anywhere = np.repeat(by_setting.any(axis=1), len(self.mean) // self.num_settings)
        missing |= anywhere[:, None] & np.isposinf(self.reference) & finite
        generous = (self.budget >= LARGEST_BUDGET) & self.covered(critical)
        generous &= np.isfinite(self.reference)
        return np.asarray(missing | ((generous | (self.budget > NO_STATEMENT)) & finite))

    def covered(self, critical: float) -> NDArray[np.bool_]:
        """Where |Hall's t| of the distance to the nearest allowed value is within `critical`."""
        t = (self.mean - self.nearest) / np.where(self.random, self.standard_error, 1.0)
        reached = np.abs(simultaneous.hall(t, self.skewness, self.number))
        agreeing = np.where(
            self.random,
            (t == 0.0) | (reached <= critical),
            np.abs(self.mean - self.reference) <= self.slack,
        )
        return np.asarray(agreeing)

    def band(self, critical: float) -> tuple[Array, Array]:
        """Ends of the simultaneous confidence band of the mean."""
        if math.isnan(critical):
            return self.mean, self.mean
        above, below = (
            simultaneous.hall_inverse(sign * critical, self.skewness, self.number)
            for sign in (1.0, -1.0)
        )
        lower = self.mean - np.where(self.random, above * self.standard_error, 0.0)
        upper = self.mean - np.where(self.random, below * self.standard_error, 0.0)
        return lower, upper


def _budget(theory: xr.Dataset, name: str, discrepancy: float | None) -> Array:
    shape = theory.sizes["time"]
    if discrepancy is not None:
        return np.full(shape, float(discrepancy))
    if theory.attrs["source"] == "exact_mean":
        return np.zeros(shape)
    if f"{name}_discrepancy" in theory:
        known = np.abs(theory[f"{name}_discrepancy"].values)
        return np.asarray(ALLOWANCE * np.where(np.isnan(known), np.inf, known))
    if "expected_discrepancy" in theory.attrs:
        expected = float(theory.attrs["expected_discrepancy"])
        return np.full(shape, ALLOWANCE * expected if expected == expected else np.inf)
    raise ValueError(
        "theory does not say how large its finite-n error is: pass discrepancy=0.05, or what you "
        "are ready to accept."
    )


def _error(data: xr.Dataset, names: tuple[str, ...]) -> Array:
    rows = [
        data[f"{name}_error"].values if f"{name}_error" in data else np.zeros(data.sizes["time"])
        for name in names
    ]
    return np.asarray(np.abs(np.stack(rows)), dtype=np.float64)
