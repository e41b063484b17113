"""The usual schedules, each with its scale and its shape tuned for the same goal."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hsgd.checks import Array
from hsgd.theory.design.pieces import Judge, Shape

_LOWEST = 1e-5
"""Least scale that is tried, of the cap."""
_NEAR = 3e-3
"""To which the logarithm of a scale is found."""


class Family(NamedTuple):
    """A schedule of one scale and at most one shape."""

    name: str
    profile: Callable[[Array, float], Array]
    """Of the share that is done and the shape; at most 1."""
    shapes: tuple[float, ...] = (1.0,)
    """Where to begin looking, in increasing order; one: there is no shape."""


class Tuned(NamedTuple):
    """The best member of a family."""

    name: str
    scale: float
    shape: float
    value: float
    rates: Shape


def _warm_stable_decay(done: Array, tail: float) -> Array:
    return np.asarray(np.minimum(1.0, (1.0 - done) / tail))


FAMILIES = (
    Family("constant", lambda done, _: np.ones_like(done)),
    Family("cosine", lambda done, _: 0.5 + 0.5 * np.cos(np.pi * done)),
    Family("linear", lambda done, _: 1.0 - done),
    Family("stable_then_linear", _warm_stable_decay, (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 0.99)),
    Family(
        "inverse_time",
        lambda done, speed: 1.0 / (1.0 + speed * done),
        (0.1, 0.5, 2.0, 8.0, 32.0, 128.0, 512.0),
    ),
    Family("power", lambda done, p: (1.0 - done) ** p, (0.05, 0.15, 0.3, 0.6, 1.0, 1.6, 2.6)),
)
"""Constant; half a cosine down to 0; a line down to 0; constant, then a line down to 0 over the
last share `tail`; 1/(1 + speed·share); (1 − share)^p."""


def tuned(judge: Judge, family: Family, cap: float) -> Tuned:
    """The member that ends lowest, its largest rate no larger than the cap."""
    from scipy.optimize import minimize_scalar  # slow to load

    near: float | None = None

    def at_shape(log_shape: float) -> tuple[float, float]:
        nonlocal near
        shape = float(np.exp(log_shape))
        value, near = _scaled(judge, family, shape, cap, near)
        return value, near

    logs = np.log(family.shapes)
    found = [at_shape(x) for x in logs]
    best = min(range(len(logs)), key=lambda i: found[i][0])
    value, log_scale, log_shape = *found[best], float(logs[best])
    if len(logs) > 1:
        near, room = log_scale, float(np.diff(logs).max())
        low = logs[best - 1] if best else logs[0] - room
        high = logs[best + 1] if best + 1 < len(logs) else logs[-1] + room
        if family.name == "stable_then_linear":
            high = min(high, 0.0)
        fine = minimize_scalar(
            lambda x: at_shape(x)[0], bounds=(low, high), method="bounded", options={"xatol": 0.02}
        )
        if fine.fun < value:
            log_shape = float(fine.x)
            value, log_scale = at_shape(log_shape)
    scale, shape = float(np.exp(log_scale)), float(np.exp(log_shape))
    rates = _rates(family, shape, scale)
    return Tuned(family.name, scale, shape if len(logs) > 1 else np.nan, value, rates)


def _rates(family: Family, shape: float, scale: float) -> Shape:
    return lambda done: scale * family.profile(done, shape)


def _scaled(
    judge: Judge, family: Family, shape: float, cap: float, near: float | None
) -> tuple[float, float]:
    """The lowest value over scales, and the logarithm of that scale; `near` is a guess of it."""
    from scipy.optimize import minimize_scalar

    def value(log_scale: float) -> float:
        return judge(_rates(family, shape, float(np.exp(log_scale))))

    top, bottom = float(np.log(cap)), float(np.log(_LOWEST * cap))
    if near is None:
        points = np.linspace(bottom, top, 12)
        values = [value(point) for point in points]
        at = int(np.argmin(values))
        low, high = points[max(at - 1, 0)], points[min(at + 1, len(points) - 1)]
    else:
        low, high = max(bottom, near - 1.5), min(top, near + 1.5)
    fine = minimize_scalar(
        value, bounds=(low, high), method="bounded", options={"xatol": _NEAR, "maxiter": 40}
    )
    ends = [(float(fine.fun), float(fine.x)), (value(high), float(high))]
    return min(ends)
