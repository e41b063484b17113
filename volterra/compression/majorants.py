"""What a compression of kernel and forcing does to the solution: bounds by positivity.

Let |K − K'| ≤ d K' and |f − f'| ≤ d F', with F' the absolute values of the terms of f'. Expanding
y = f + K*f + K*K*f + … and y' alike, and comparing term by term, |y − y'| ≤ Y(d) − Y(0): here
Y(q) solves Y = (1+q) F' + (1+q) K' * Y. This holds below, at and above the critical point. For an
observation v * y with |v − v'| ≤ d |v'| it is (1+d) |v'| * Y(d) − |v'| * Y(0).

`Derivative` serves the exact method. With R the resolvent of K', Y(d) = (1+d) Σ_n d^n R^(*n) * Y
(Y without argument is Y(0)). If R*R ≤ B R up to the time t, the terms beyond the first are a
geometric sequence, and Y(d) − Y ≤ d Y + (1+d) d (R*Y) / (1 − d B). The exact method knows d R*Y:
it is what a relative deviation d of all weights changes to first order, and in its own error.

`Chord` serves collocation. As a power series in q with coefficients ≥ 0, Y is convex, so that
Y(d) − Y(0) ≤ (d/q) (Y(q) − Y(0)) for every q ≥ d; a large q shows in rough solves too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volterra.arrays import EPS, Array
from volterra.collocation.method import CollocationTrajectory
from volterra.exact.method import ExactTrajectory
from volterra.exact.secular import SecularRoots

_END = 700.0  # exp(−700) is 1e-304


@dataclass(frozen=True, eq=False)
class Derivative:
    """The bound from the first derivative, for a trajectory whose error counts the deviation in.

    Attributes
    ----------
    size
        Y, or |v'| * Y; none if that is the trajectory itself.
    resolvent
        R.
    deviation
        d.
    factors
        How many compressed sums multiply in the first term: f', or v' and f'.
    """

    size: ExactTrajectory | None
    resolvent: SecularRoots
    deviation: float
    factors: int

    def error(self, t: Array, value: Array, error: Array) -> Array:
        """Error of the trajectory with the compression's counted in."""
        # notation: d, B as above
        d = self.deviation
        dB = d * renewal_bound(self.resolvent, float(np.max(t, initial=0.0)))
        # Not far from where the geometric sequence diverges the bound is too large to be of use.
        if not dB < 0.5:
            return np.full_like(t, np.inf)
        size, size_error = (value, error) if self.size is None else self.size.evaluate(t)
        factor = (1.0 + d) ** self.factors
        with np.errstate(invalid="ignore", over="ignore"):
            bound = factor / (1.0 - dB) * error + (factor - 1.0) * (np.abs(size) + size_error)
        return np.where(np.isfinite(bound), bound, np.inf)


@dataclass(frozen=True, eq=False)
class Chord:
    """The bound from two solutions: `lower` is Y(0), `upper` Y(q), `inflation` q."""

    lower: CollocationTrajectory
    upper: CollocationTrajectory
    deviation: float
    inflation: float

    def error(self, t: Array, value: Array, error: Array) -> Array:
        """Error of the trajectory with the compression's added."""
        low, low_error = self.lower.evaluate(t)
        high, high_error = self.upper.evaluate(t)
        with np.errstate(invalid="ignore", over="ignore"):
            gap = np.maximum(high - low, 0.0) + high_error + low_error
            bound = error + self.deviation / self.inflation * gap
        return np.where(np.isfinite(bound), bound, np.inf)


def renewal_bound(roots: SecularRoots, horizon: float) -> float:
    """B such that R*R ≤ B R up to the horizon, R = Σ_k g_k exp(−x_k t) being the resolvent.

    A pair x_k < x_l adds at most 2 g_k g_l exp(−x_k t) min(t, 1/(x_l − x_k)) to R*R, which the term
    k of R pays for; the square of a term g_k² t exp(−x_k t) is its own until it has decayed to
    next to nothing against the slowest term, and from then on a share of that one. Where R itself
    is below 1e-304 of its start nothing is claimed: there the compressed kernel ends too.
    """
    # notation: x, g as above; until the time when the payer changes, late the share then
    x, g = roots.root, roots.residue
    if x.size == 0:
        return 0.0
    if x[0] > 0:
        horizon = min(horizon, _END / float(x[0]))
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        # Gaps that rounding may have made too wide are narrowed, so that the bound stays one.
        gap = x - x[:, None] - 4.0 * EPS * np.abs(x)
        between = np.triu(np.minimum(1.0 / np.maximum(gap, 0.0), horizon), 1)
        ratio = g * g / (g[0] * (x - x[0]))
        decay = 1.0 + np.log(np.maximum(1.0, x.size * ratio))
        until = decay / (x - x[0])
        late = np.where(until < horizon, ratio * decay * np.exp(-decay), 0.0)
    until[0] = horizon
    paid = g * np.minimum(until, horizon) + 2.0 * (between @ g)
    return float(np.max(paid) + np.sum(late))
