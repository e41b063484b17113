"""The verb that says whether the theory applies to these data at this learning rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from hsgd import dataset
from hsgd.algorithms.sgd import SGD
from hsgd.checks import LARGEST_INTEGER, number
from hsgd.dataset import provenance
from hsgd.problems.least_squares import LeastSquares
from hsgd.sweeps.broadcasting import follows_sweeps
from hsgd.theory.asking import ask
from hsgd.theory.curves import curve_of
from hsgd.theory.question import Question
from hsgd.theory.trust.discrepancy import discrepancies, largest
from hsgd.theory.trust.judgement import judge

if TYPE_CHECKING:
    import xarray as xr


_TIMES = 100


@follows_sweeps
def diagnose(
    problem: LeastSquares, algorithm: SGD, *, horizon: float = 100.0, method: str = "auto"
) -> xr.Dataset:
    """Say whether the theory describes this problem at this learning rate.

    Parameters
    ----------
    problem, algorithm
        `LeastSquares` and `SGD` with independent batches.
    horizon
        The time up to which curves are judged, and a schedule's largest learning rate looked for.
    method
        The theory that is judged, as in `predict`.

    Returns
    -------
    xarray.Dataset
        Scalars: `learning_rate` (its largest value), `critical_learning_rate`,
        `fraction_of_critical`, `mean_square_critical_learning_rate` (the estimate for SGD on the
        given rows), `kernel_norm` (infinite where finite steps overshoot), `curvature`
        (γ(λ_max+ridge)/2n, below 1), `top_eigenvalue_share` (λ_max/tr H),
        `largest_over_mean_eigenvalue`, `row_norm_spread` (largest over median |a|²),
        `largest_leverage`, `expected_discrepancy` (relative, the largest of all statistics up to
        the horizon, and of the training risk in the limit), `asymptotic_discrepancy` (the latter).
        Attributes: `verdict`, one sentence with the remedy; `concern`, empty or the names of the
        thresholds crossed: `unstable`, `dominant_eigenvalue`, `unequal_rows`, `finite_size` (which
        includes a learning rate that only SGD on the given rows does not bear).

    Raises
    ------
    TypeError, ValueError
        For dependent batches, or a bad schedule.

    Notes
    -----
    Cost: the thin SVD and a few Lanczos steps (4nr² operations each), both kept with the problem,
    and that of a prediction at a hundred times;
    where one eigenvalue dominates, some products of A with vectors more.
    The thresholds are constants of `hsgd.theory.trust.judgement`; docs, page "theory", section
    "diagnose".
    """
    until = number("horizon", horizon)
    if until * getattr(problem, "iterations_per_unit", 1) > LARGEST_INTEGER:
        raise ValueError(f"horizon is {until:g}, more iterations than can be counted: lower it.")
    question = ask(
        problem,
        algorithm,
        time=[until],
        method=method,
        problems=(LeastSquares,),
        algorithms=(SGD,),
        any_rate=True,
    )
    found = judge(question, until, _on_the_way(question, until))
    attrs = provenance.attributes(
        problem, algorithm, source="diagnosis", title=f"does {question.method.title} apply?"
    )
    attrs |= {"concern": found.concern, "verdict": found.sentence}
    words = {name: (value, name.replace("_", " ")) for name, value in found.figures.items()}
    return dataset.verdict_first(dataset.scalars(words, attrs))


def _on_the_way(question: Question, horizon: float) -> float:
    """The largest discrepancy to expect at any time up to the horizon; 0 where SGD diverges."""
    rate = question.algorithm.schedule.largest(0.0, horizon)
    if not 0.0 < rate < question.stability.critical_rate():
        return 0.0
    last = max(horizon * question.problem.iterations_per_unit, 1.0)
    iterations = np.unique(np.rint(np.geomspace(1.0, last, _TIMES)).astype(np.int64))
    solved = question.solve(iterations)
    curves = {s.name: curve_of(question.system, s, solved) for s in question.statistics}
    return largest(discrepancies(question, curves, iterations))
