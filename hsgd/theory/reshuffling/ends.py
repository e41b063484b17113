"""Where reshuffled rows end up: the limit of the flow, and what the mean field adds to it.

The ratio of mean field to modified flow settles long before either does, since what is slow is
slow in both. For one order that is kept for ever it has a closed form.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from hsgd.checks import Array
from hsgd.interfaces import Statistic
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.sampled import SampledLeastSquares
from hsgd.theory.reshuffling.flow import followed
from hsgd.theory.reshuffling.pace import Pace
from hsgd.theory.reshuffling.refinement import Passes, refined
from hsgd.theory.spectra.modes import Modes
from hsgd.theory.spectra.providers import modes
from hsgd.theory.spectra.sources import sources_of

_PASSES = np.array([16.0, 32.0])
"""By the last the ratio has settled; by the first, to what is reported as its error."""
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


class Ends(NamedTuple):
    """Population and empirical risk, shape (2,), and their error."""

    value: Array
    error: Array


def of_flow(system: Modes, pace: Pace, statistic: Statistic) -> float:
    """A statistic where the modified flow ends."""
    moving = system.eigenvalues[system.eigenvalues > 0]
    slowest = (float(moving.min()) if len(moving) else 1.0) + system.ridge
    late = np.array([1e3 / (float(pace.rates(np.zeros(1))[0]) * slowest)])
    return float(system.values(statistic, *followed(system, pace, late))[0])


def of_typical(problem: SampledLeastSquares, pace: Pace, rtol: float) -> Ends:
    """Both risks of typical rows."""
    if pace.single and pace.batch_size == 1 and pace.momentum == 0.0:
        found = one_order(problem.equivalent, problem.num_rows, problem.ridge, _rate(pace))
        if found is not None:
            return Ends(found, 1e-12 * found)
    system, statistics = modes(problem), (problem.population.risk, problem.empirical_risk)
    curves = refined(Passes(problem.equivalent, problem.ridge, pace, _PASSES), rtol)
    decays = followed(system, pace, _PASSES)
    ratio = curves.value / np.array([system.values(one, *decays) for one in statistics])
    flow = np.array([of_flow(system, pace, one) for one in statistics])
    # What has changed over the last half, and the error of the curves.
    error = np.abs(ratio[:, 1] - ratio[:, 0])
    error += ratio[:, 1] * curves.error[:, 1] / curves.value[:, 1]
    return Ends(ratio[:, 1] * flow, error * flow)


def _rate(pace: Pace) -> float:
    return float(pace.rates(np.zeros(1))[0])


def one_order(rows: GaussianRows, n: int, ridge: float, rate: float) -> Array | None:
    """Both risks of one order for ever, in closed form, shape (2,); None where they interpolate.

    A pass is a linear map: its fixed point is a ridge solution in which visits are felt f times as
    much, f ∈ (0, 1], f [1 + γ Σ λ/(e^y − 1)] = 1, y = γ (ridge + n λ f).
    """
    # notation: C = twice the population risk, also (v) of residuals v passes apart; S = response
    sources = sources_of(rows)
    lam, counts = sources.eigenvalues, sources.counts
    f = _felt(lam, counts, n, ridge, rate)
    if f is None:
        return None
    y = rate * (ridge + n * lam * f)
    bias = float(lam @ (sources.products[0] * (rate * ridge / y) ** 2))
    # γ²n f² λ² per direction, over what a pass leaves of it.
    kicks = counts * (rate * f * lam) ** 2 * n / (2.0 * y)
    C = (rows.noise**2 + bias) / (1.0 - float(np.sum(kicks / np.tanh(0.5 * y))))
    v, weights = 0.5 * (_NODES + 1.0), 0.5 * _WEIGHTS
    left, back = np.exp(-np.outer(v, y)), np.exp(-np.outer(1.0 - v, y))
    gone = -np.expm1(-y)
    S = left @ (counts * lam / gone)
    between = rows.noise**2 + bias + C * ((left + back) @ (kicks / gone))
    empirical = weights @ (C - 2.0 * rate * f * S * between + (rate * f * S) ** 2 * C)
    return 0.5 * np.array([C, empirical])


def _felt(lam: Array, counts: Array, n: int, ridge: float, rate: float) -> float | None:
    """f, the root; None if there is none, where all rows can be fitted."""
    from scipy.optimize import brentq  # slow to load

    def excess(f: float) -> float:
        y = rate * (ridge + n * lam * f)
        return float(f * (1.0 + rate * np.sum(counts * lam / np.expm1(y))) - 1.0)

    least = 1e-12
    return float(brentq(excess, least, 1.0, xtol=1e-16, rtol=1e-14)) if excess(least) < 0 else None
