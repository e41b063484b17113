"""The flow that reshuffled SGD follows where its steps are small: gradient flow, some way ahead.

In one pass a row meets what all rows before it have changed, and not what it has itself: of the
second-order terms of gradient flow, γ²/2·H times the gradient, the part of each row with itself is
missing, γτ/2 of the gradient (τ the mean squared norm of a row). The gradient of the rows is
followed 1/(1−γτ/2) times as fast, and the ridge, which is no row, as before:

    x' = −γ [ H(x − x*) (1/c + qγH/2) + ridge·x ],   c = 1 − γτ/2,   per pass.

q is the share of pairs that do not meet, of a batch or while momentum is at work: whole batches,
q = 1 and c = 1, are gradient descent.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hsgd.checks import Array
from hsgd.machine import memory
from hsgd.schedules import Constant
from hsgd.theory.reshuffling.pace import Pace
from hsgd.theory.spectra.modes import Modes

_STEPS = 400
"""Of a schedule, over the whole time; within each the rate changes little."""
_ABSCISSAE, _WEIGHTS = np.polynomial.legendre.leggauss(4)


def squared_norm(system: Modes) -> float:
    """τ: of a row, the mean."""
    return system.trace / system.iterations_per_unit


def strength(system: Modes, rates: Array) -> Array:
    """γ² tr(H²)/n, of which the relative error of the flow is some tenth."""
    squares = float(np.sum(system.driven * system.eigenvalues))
    return np.asarray(rates**2 * squares / system.iterations_per_unit)


def slowed(system: Modes, pace: Pace, rates: Array) -> Array:
    """C at these rates."""
    apart = 1.0 - pace.together
    return np.asarray(1.0 - 0.5 * apart * rates * squared_norm(system))


def followed(system: Modes, pace: Pace, passes: Array) -> tuple[Array, Array]:
    """Decay of the modes and of what no row sees, as `Modes.values` takes them.

    Parameters
    ----------
    passes
        Ascending, shape (T,).

    Returns
    -------
    decay, fade
        Shapes (T, r) and (T,).

    Notes
    -----
    Each mode is a linear equation of its own; over a step its rate is taken as constant, which is
    exact for a constant learning rate, and without a ridge. O(r) per time and step.
    """
    memory.check(32 * len(passes) * system.size, "a modified flow at so many times", "times")
    # notation: D, F = answers to start and target; a, f = what rows and ridge do in a step
    lam, ridge = system.eigenvalues, system.ridge
    D, F, fade = np.ones_like(lam), np.zeros_like(lam), 1.0
    kept_D, kept_F = np.empty((len(passes), len(lam))), np.empty((len(passes), len(lam)))
    faded, place, now = np.empty(len(passes)), 0, 0.0
    for end in _steps(pace, passes):
        a, f = _of_rows(system, pace, now, end), ridge * _integral(pace.rates, now, end)
        whole = a + f
        reached = np.divide(a, whole, out=np.zeros_like(a), where=whole > 0)
        F = F * np.exp(-whole) - reached * np.expm1(-whole)
        D, fade, now = D * np.exp(-whole), fade * np.exp(-f), end
        while place < len(passes) and passes[place] <= end:
            kept_D[place], kept_F[place], faded[place] = D, F, fade
            place += 1
    return (_as_decay(system, kept_D, kept_F) if ridge else kept_D), faded


def _steps(pace: Pace, passes: Array) -> Array:
    if isinstance(pace.schedule, Constant):
        return np.asarray(passes)
    kinks = [b for b in pace.breakpoints if 0 < b < passes[-1]]
    return np.unique(np.concatenate((passes, kinks, np.linspace(0.0, passes[-1], _STEPS + 1))))


def _integral(function: Callable[[Array], Array], start: float, end: float) -> float:
    middle, half = 0.5 * (start + end), 0.5 * (end - start)
    return float(half * (_WEIGHTS @ function(middle + half * _ABSCISSAE)))


def _of_rows(system: Modes, pace: Pace, start: float, end: float) -> Array:
    lam = system.eigenvalues
    ahead = _integral(lambda t: pace.rates(t) / slowed(system, pace, pace.rates(t)), start, end)
    bent = _integral(lambda t: 0.5 * pace.together * pace.rates(t) ** 2, start, end)
    return np.asarray(ahead * lam + bent * lam**2)


def _as_decay(system: Modes, D: Array, F: Array) -> Array:
    """The same with the ridge's own limit in place of the target: decay from start to limit."""
    # notation: residuals of a mode: p, q = limit and start; T = the target's, all of it unlearnt
    p, q = system.residual_limit, system.residual_start
    target = -p * system.damping / system.ridge
    limit = target + p
    return np.divide(D * (limit + q) + F * target - limit, q, out=np.zeros_like(D), where=q != 0)
