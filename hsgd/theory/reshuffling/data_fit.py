"""The data recipe as a method: both risks of given rows, at any learning rate.

The modified flow knows the rows, and small steps only; the mean field knows steps of any size, and
only typical rows. So a population is fitted to the rows, on which both can be followed, and what
the flow misses there is what it misses here:

    risk = flow on the rows · mean field / flow on typical rows of the fitted population.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from hsgd.algorithms.base import Algorithm
from hsgd.checks import EPS
from hsgd.kept import kept
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.sampled import SampledLeastSquares
from hsgd.theory.curves import Answer, Curve
from hsgd.theory.question import Method, Question, knows_curves_alone
from hsgd.theory.reshuffling.ends import of_flow, of_typical
from hsgd.theory.reshuffling.flow import strength
from hsgd.theory.reshuffling.mean_field import (
    KNOWN,
    check_measured,
    odometer_of,
    risks,
    status_of,
)
from hsgd.theory.reshuffling.modified_flow import (
    check_small,
    largest_rates,
    overshooting,
    values,
)
from hsgd.theory.reshuffling.pace import pace_of, refusal
from hsgd.theory.reshuffling.refinement import Passes, affordable_passes
from hsgd.theory.spectra.estimate import estimated
from hsgd.theory.spectra.modes import Modes
from hsgd.theory.spectra.providers import modes

_OF_CORRECTION = 0.04, 0.2
"""Relative error of the correction: of flat spectra and of steep ones, measured 0.01 to 0.02 and
0.05 to 0.18, for rows of the same norm."""
_STEEP = 0.08
"""2 tr(H²)/tr(H)² above which a spectrum is steep: what squared norms of Gaussian rows vary by."""
_SMALL = 0.01
"""γ² tr(H²)/n below which the modified flow alone is good to a thousandth."""


class Fitted(NamedTuple):
    """Typical rows like the given ones."""

    problem: SampledLeastSquares
    beyond: float
    """Squared residual that no row of theirs has: of a combination of rows that is zero."""
    unevenness: float
    """Of the squared norms of the given rows, variance over squared mean."""


@kept
def fitted(problem: LeastSquares) -> Fitted:
    """A population like the rows, and as many rows of it as are independent of each other."""
    # notation: q = squares of the residual's parts at the start
    system, (n, d) = modes(problem), problem.shape
    lam = system.eigenvalues
    q = (system.residual_limit + system.residual_start) ** 2
    seen = lam > max(n, d) * EPS * lam[0]
    rank, outside = int(np.count_nonzero(seen)), system.residual_outside + float(q[~seen].sum())
    # Centred columns make the sum of all rows zero: what is left are n − 1 rows, turned.
    rows, columns = (rank, d) if n <= d else (n, rank)
    beyond = outside if n <= d else 0.0
    spectrum = estimated(lam[seen] / rows, q[seen], outside - beyond, rows, columns)
    norms = problem.squared_row_norms
    unevenness = float(norms.var() / norms.mean() ** 2)
    return Fitted(spectrum.sampled(rows, ridge=problem.ridge), beyond, unevenness)


def _answer(question: Question) -> Answer:
    problem, grid, system = question.problem, question.grid, question.system
    assert isinstance(problem, LeastSquares)
    assert grid is not None
    check_measured(question)
    pace = pace_of(question.algorithm, problem.num_rows)
    passes = pace.passes(grid.unique)
    check_small(system, pace, passes)
    like, beyond, unevenness = fitted(problem)
    share = _share(system, unevenness)
    of_like = pace._replace(num_rows=like.num_rows)
    found = risks(Passes(like.equivalent, like.ridge, of_like, passes), question.wanted)
    odometer = odometer_of(question)
    curves, gaps = {}, {}
    for statistic in question.statistics:
        which = KNOWN.get(statistic.name)
        if which is None:
            continue
        own = like.population.risk if which == 0 else like.empirical_risk
        more = 0.0 if which == 0 else 0.5 * beyond / like.num_rows
        below = values(modes(like), of_like, passes, own) + more
        ratio = (found.value[which] + more) / below
        value = values(system, pace, passes, statistic) * ratio
        error = value * found.error[which] / (found.value[which] + more)
        flow = system.along_flow(statistic, odometer)
        curves[statistic.name] = Curve(flow, value, error, np.zeros(len(value)))
        gaps[statistic.name] = (
            share * np.abs(ratio - 1.0) + pace.unfinished + 1.0 / problem.num_rows
        )
    status = status_of(curves, question.wanted)
    alone = overshooting(problem, float(largest_rates(pace, passes)[-1]))
    fine = "", "Reshuffled rows are followed by a population that was fitted to them."
    return Answer(curves, gaps, "two-time cells", status, alone if alone[0] else fine)


def _ends(question: Question) -> dict[str, tuple[float, float]]:
    problem, system = question.problem, question.system
    assert isinstance(problem, LeastSquares)
    check_measured(question)
    pace = pace_of(question.algorithm, problem.num_rows)
    check_small(system, pace, np.zeros(1))
    like, beyond, unevenness = fitted(problem)
    of_like = pace._replace(num_rows=like.num_rows)
    settled, found = of_typical(like, of_like, question.wanted), {}
    for statistic in question.statistics:
        which = KNOWN.get(statistic.name)
        if which is not None:
            own = like.population.risk if which == 0 else like.empirical_risk
            more = 0.0 if which == 0 else 0.5 * beyond / like.num_rows
            below = of_flow(modes(like), of_like, own) + more
            ratio = (settled.value[which] + more) / below if below else 1.0
            value = of_flow(system, pace, statistic) * ratio
            missed = _share(system, unevenness) * abs(ratio - 1.0) + pace.unfinished
            error = (settled.error[which] / below if below else 0.0) + missed
            found[statistic.name] = value, value * error
    return found


def _share(system: Modes, unevenness: float) -> float:
    """What is missed of the correction."""
    squares = float(np.sum(system.driven * system.eigenvalues))
    steep = min(1.0, 2.0 * squares / system.trace**2 / _STEEP)
    least, most = _OF_CORRECTION
    return float((least + (most - least) * steep) * (1.0 + unevenness))


def _suits(question: Question, last: float) -> bool:
    """Where the modified flow is too coarse, and passes are not too many for the mean field."""
    grid, problem = question.grid, question.problem
    if any(s.name not in KNOWN for s in question.measured or ()):
        return False
    pace = pace_of(question.algorithm, int(problem.num_rows))
    passes = pace.passes(np.zeros(1) if grid is None else grid.unique)
    large = float(strength(question.system, largest_rates(pace, passes))[-1]) > _SMALL
    return large and passes[-1] <= affordable_passes()


def _refusal(problem: Any, algorithm: Algorithm) -> str:
    of_algorithm = refusal("data_fit", algorithm)
    if of_algorithm:
        return of_algorithm
    if not isinstance(problem, LeastSquares) or not problem.is_factorable:
        return (
            "method='data_fit' is for given rows that can be factored: pass hsgd.LeastSquares, or "
            "leave method out."
        )
    if problem.ridge and problem.x0.any():
        return (
            "method='data_fit' with a ridge is for runs that start at zero: leave x0 out, or use "
            "method='modified_flow'."
        )
    if min(problem.shape) < 4:
        return "method='data_fit' needs four rows and four columns: use method='modified_flow'."
    return ""


METHOD = Method(
    "data_fit",
    title="mean field of reshuffled SGD, fitted to the rows",
    noiseless="gradient flow",
    refusal=_refusal,
    stability=knows_curves_alone,
    solve=knows_curves_alone,
    suits=_suits,
    answer=_answer,
    ends=_ends,
    accuracy=3e-3,
)
