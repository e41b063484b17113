"""What a solver hands back: the answer, its error, and a sentence saying how it went."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike

from volterra import checks
from volterra.arrays import EPS, Array
from volterra.kernels.exponentials import Function
from volterra.kernels.sums import Sum

Forcing = Sum | Function


class Status(Enum):
    """How a solve ended, in words; an outcome is never an exception."""

    CONVERGED = "The tolerance is met at every requested time."
    TOLERANCE_NOT_REACHED = (
        "The tolerance is not reached everywhere; this is the best answer found, "
        "and `error` says how far it may be off."
    )
    CHANGES_SIGN = (
        "The solution comes close to zero, where no relative tolerance can be met; `error` says "
        "how far it may be off: pass atol > 0, the absolute error that is small enough for you."
    )
    OVERFLOW = (
        "The solution grows beyond the largest floating-point number; "
        "it is infinite from there on and trustworthy before."
    )
    NOT_CONTINUED = (
        "The nonlinear equation has no solution that could be found beyond some time, as at a "
        "blow-up; the answer is NaN from there on, and `error` holds before."
    )


class Trajectory(Protocol):
    """What a method must provide: values with errors at any time, and other observations."""

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and absolute errors at times `t`; raises ValueError beyond its horizon."""
        ...

    def observe(self, weights: Array, forcing: Forcing | None) -> Trajectory:
        """The trajectory of g(t) + Σ_j v_j ∫₀ᵗ e^{−r_j (c(t)−c(s))} w(s) y(s) ds."""
        ...

    @property
    def work(self) -> Mapping[str, int]:
        """Counters of what was spent."""
        ...


@dataclass(frozen=True, eq=False)
class Solution:
    """The solution y of a Volterra equation at the requested times, with its error.

    Attributes
    ----------
    t
        The requested times, as given, shape (times,).
    y
        The solution there, shape (times,); infinite where it overflows.
    error
        Absolute error per time, shape (times,): |y − exact| ≤ error.
    status
        How it went; `status.value` is a sentence. CONVERGED means error ≤ rtol · |y| + atol.
    work
        Counters of the work done.
    method
        What solved it, as `solve` names its methods.
    rtol, atol
        The tolerance that was asked for.
    """

    t: Array
    y: Array
    error: Array
    status: Status
    work: Mapping[str, int]
    method: str
    rtol: float
    atol: float
    trajectory: Trajectory = field(repr=False)
    mode_count: int | None = field(repr=False)

    def __call__(self, t_new: ArrayLike) -> Array:
        """Solution at other times, of any shape, to the same tolerance."""
        times = checks.times("t_new", t_new)
        return self.trajectory.evaluate(times.reshape(-1))[0].reshape(
            times.shape + self.y.shape[1:]
        )

    def at(self, t_new: ArrayLike) -> Solution:
        """The same solution, with errors and status, at other times (a one-dimensional array)."""
        times = checks.times("t_new", t_new).reshape(-1)
        return report(
            self.trajectory,
            times,
            method=self.method,
            mode_count=self.mode_count,
            rtol=self.rtol,
            atol=self.atol,
        )

    def observe(self, weights: ArrayLike, forcing: Forcing | None = None) -> Solution:
        """Another output driven by the same y.

        z(t) = g(t) + Σ_j v_j ∫₀ᵗ exp(−r_j (c(t) − c(s))) w(s) y(s) ds, where c(t) = t
        and w = 1 unless the kernel is `TimeChanged`.

        Parameters
        ----------
        weights
            v_j, any sign, one per rate of the kernel as it was given, shape (modes,).
        forcing
            g(t); none means zero.

        Returns
        -------
        Solution
            z in the place of y, with its own error and status.

        Raises
        ------
        ValueError
            If there is not one finite weight per rate of the kernel.
        TypeError
            If the forcing is neither a `SumOfExponentials` nor callable, or the kernel is not
            made of exponentials.
        """
        if self.mode_count is None:
            raise TypeError(
                "observe needs a kernel that is a sum of exponentials, because it weighs the "
                "kernel's modes: integrate another kernel against the solution, which is callable."
            )
        values = checks.vector("weights", weights, "iufc")
        if values.shape != (self.mode_count,):
            raise ValueError(
                f"observe needs weights, one for each of the kernel's {self.mode_count} "
                f"rates, in the caller's order; got an array of shape {values.shape}."
            )
        if forcing is not None and not callable(forcing):
            raise TypeError(
                "the forcing of an observation must be a SumOfExponentials, a vectorised function "
                f"of time, or None for zero; got {type(forcing).__name__}."
            )
        return report(
            self.trajectory.observe(values, forcing),
            self.t,
            method=self.method,
            mode_count=self.mode_count,
            rtol=self.rtol,
            atol=self.atol,
        )


def report(
    trajectory: Trajectory,
    t: Array,
    *,
    method: str,
    mode_count: int | None,
    rtol: float,
    atol: float,
) -> Solution:
    """Evaluate a trajectory at `t` and say in a status whether the tolerance is met there."""
    y, error = trajectory.evaluate(t)
    if np.any(np.isnan(y)):
        status = Status.NOT_CONTINUED
    elif not np.all(np.isfinite(y)):
        status = Status.OVERFLOW
    elif np.all(error <= rtol * np.abs(y) + atol):
        status = Status.CONVERGED
    else:
        status = _missed(y, error, rtol, atol)
    return Solution(
        t=t,
        y=y,
        error=error,
        status=status,
        work=dict(trajectory.work),
        method=method,
        rtol=rtol,
        atol=atol,
        trajectory=trajectory,
        mode_count=mode_count,
    )


def ratio_to_tolerance(y: Array, error: Array, rtol: float, atol: float) -> Array:
    """Errors over what is allowed; infinite where nothing is allowed, but no error stays none."""
    allowed = rtol * np.abs(y) + atol
    ratio = np.divide(error, allowed, out=np.full_like(error, np.inf), where=allowed > 0)
    return np.where(error == 0, 0.0, ratio)


def _missed(y: Array, error: Array, rtol: float, atol: float) -> Status:
    """Say whether a tolerance is missed only for want of an atol, where y passes through zero."""
    missed = error > rtol * np.abs(y)
    # Nobody can say the sign where the error exceeds the value.
    changes = np.any(y > 0) and np.any(y < 0)
    near_zero = changes or bool(np.all(np.abs(y[missed]) <= error[missed]))
    small = bool(np.all(error[missed] <= rtol * np.max(np.abs(y))))
    if atol == 0 and near_zero and small:
        return Status.CHANGES_SIGN
    return Status.TOLERANCE_NOT_REACHED


def evaluate_forcing(forcing: Forcing | None, t: Array) -> Array:
    """Values of a forcing at `t`, checked; none is zero."""
    return np.zeros_like(t) if forcing is None else evaluate_checked(forcing, t, "forcing")


def forcing_rounding(forcing: Forcing | None) -> float:
    """What rounding may do to a sum besides what it does to its value: terms that cancel.

    Of a function of which nothing but values are known, nothing.
    """
    if not isinstance(forcing, Sum):
        return 0.0
    return 4.0 * EPS * float(np.sum(np.abs(forcing.weights)) + abs(forcing.constant))


def evaluate_checked(function: Callable[[Array], ArrayLike], t: Array, name: str) -> Array:
    """Call a user's function on an array and refuse a wrong shape or a value that is no number."""
    values = checks.plain_array(f"what {name} returned", function(t))
    if values.shape != t.shape or values.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} must map an array of times to real numbers of the same shape; shape {t.shape} "
            f"gave {values.shape} of dtype {values.dtype}: vectorise it, "
            "e.g. with np.vectorize, or np.full_like for a constant."
        )
    if not np.all(np.isfinite(values)):
        bad = t[~np.isfinite(values)][0]
        raise ValueError(
            f"{name} is not finite at t = {bad:g}; make it finite on the whole interval "
            "from 0 to the last time."
        )
    return values.astype(np.float64)
