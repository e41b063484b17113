"""The usual schedules, each with its scale and its shape tuned for the same goal."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from hsgd.checks import Array
from hsgd.theory.design.pieces import Judge, Shape

_LOWEST = 1e-5
"""Least scale that is tried, of the cap."""
_NEAR, _FINE, _ROUGH = 3e-3, 0.02, 0.1
"""To which the logarithm of a scale is found: in the end, near the best shape, at one of some."""


class Family(NamedTuple):
    """A schedule of one scale and at most one shape."""

    name: str
    profile: Callable[[Array, float], Array]
    """Of the share that is done and the shape; at most 1."""
    shapes: tuple[float, ...] = (1.0,)
    """Where to begin looking, in increasing order; one: there is no shape."""
    longest: float = np.inf
    """No shape is larger."""


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
    Family("stable_then_linear", _warm_stable_decay, (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 0.95), 1.0),
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

    def value(x: Array) -> float:
        return judge(_rates(family, float(np.exp(x[1])), float(np.exp(x[0]))))

    if len(family.shapes) == 1:
        log_scale, best = _scaled(value, 0.0, cap, None, _NEAR)
        return _member(family, np.array([log_scale, 0.0]), best)
    near, found = None, []
    for log_shape in np.log(family.shapes):
        near, at_shape = _scaled(value, float(log_shape), cap, near, _ROUGH)
        found.append((at_shape, near, float(log_shape)))
    at_shape, log_scale, log_shape = min(found)
    logs = np.log(family.shapes)
    room = float(np.diff(logs).max())
    top = min(log_shape + room, float(np.log(family.longest)))

    def along(shape: float) -> float:
        return _scaled(value, shape, cap, log_scale, _FINE)[1]

    fine = minimize_scalar(
        along, bounds=(log_shape - room, top), method="bounded", options={"xatol": _FINE}
    )
    if fine.fun < at_shape:
        log_shape = float(fine.x)
        log_scale, at_shape = _scaled(value, log_shape, cap, log_scale, _NEAR)
    return _member(family, np.array([log_scale, log_shape]), at_shape)


def _member(family: Family, x: Array, value: float) -> Tuned:
    scale, shape = map(float, np.exp(x))
    known = shape if len(family.shapes) > 1 else np.nan
    return Tuned(family.name, scale, known, value, _rates(family, shape, scale))


def _rates(family: Family, shape: float, scale: float) -> Shape:
    return lambda done: scale * family.profile(done, shape)


def _scaled(
    value: Callable[[Array], float], log_shape: float, cap: float, near: float | None, xatol: float
) -> tuple[float, float]:
    """The logarithm of the best scale at a shape, and the value; `near` is a guess of it."""
    from scipy.optimize import minimize_scalar

    def at(log_scale: float) -> float:
        return value(np.array([log_scale, log_shape]))

    top, bottom = float(np.log(cap)), float(np.log(_LOWEST * cap))
    if near is None:
        points = np.linspace(bottom, top, 12)
        middle = int(np.argmin([at(point) for point in points]))
        low, high = points[max(middle - 1, 0)], points[min(middle + 1, len(points) - 1)]
    else:
        low, high = max(bottom, near - 1.2), min(top, near + 1.2)
    fine = minimize_scalar(at, bounds=(low, high), method="bounded", options={"xatol": xatol})
    ends = [(float(fine.fun), float(fine.x)), (at(high), float(high))]
    best, x = min(ends)
    return x, best
