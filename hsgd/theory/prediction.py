"""The verb of the theory: the risk curves that SGD follows in high dimensions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from hsgd import dataset, warning
from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.checks import Array, flag, number
from hsgd.dataset import provenance
from hsgd.dataset.schema import AVERAGED
from hsgd.statistics.rounding import rounding
from hsgd.sweeps.broadcasting import follows_sweeps, shared_by
from hsgd.theory.asking import ADAPTIVE, ALGORITHMS, ask
from hsgd.theory.curves import Answer, Curve
from hsgd.theory.dynamics.adaptive import AdaptiveCurves
from hsgd.theory.question import Question, Statistics
from hsgd.theory.settling import settled
from hsgd.theory.spectra.providers import Solvable
from hsgd.theory.spread import band
from hsgd.theory.trust.applicability import verdict_of
from hsgd.theory.trust.discrepancy import discrepancies, largest
from volterra import Status

if TYPE_CHECKING:
    import xarray as xr


Variables = dict[str, tuple[tuple[str, ...], Array, str]]
"""Of a dataset: name → dims, values, words."""


@follows_sweeps
def predict(
    problem: Solvable,
    algorithm: Algorithm,
    time: ArrayLike,
    *,
    statistics: Statistics = None,
    method: str = "auto",
    spread: bool = False,
    level: float = 0.9,
    rtol: float | None = None,
) -> xr.Dataset:
    """Risk curves of SGD in high dimensions, and those without noise beside them.

    The training loss solves Ψ(t) = L(m(Γ(t))) + ∫₀ᵗ γ(s)² k_H(Γ(t)−Γ(s)) Ψ(s) ds, m gradient
    flow, Γ = ∫γ the odometer, k_H(τ) = (φ/n) Σ_j λ_j² e^{−2(λ_j+ridge)τ}; every other quadratic
    statistic is driven by Ψ in the same way.

    Parameters
    ----------
    problem
        `LeastSquares`, data of any row scale; or `GaussianRows`, a population to stream.
    algorithm
        For data `SGD`, with independent batches; for a population `StreamingSGD`; for either
        `HeavyBall`, `Nesterov`, `GeneralMomentum`, `DANA`, `ScheduleFree` or a `LinearMethod` of
        one's own, and any of these with `averaging`; and, with the learning rate that each finds,
        `AdaGradNorm`, and for a population `LineSearch` and `Polyak`. Learning rate and batch size
        may be schedules. These two and the problem's ridge may be an `xarray.DataArray` of numbers
        each: its dims become dims of the result.
    time
        Increasing times ≥ 0, shape (T,), in units of n iterations (streaming: d). The curves are
        evaluated at `iteration` = rint(time·n), exactly where a simulation records.
    statistics
        Names among `"empirical_risk"`, `"population_risk"`, `"distance"`, or `Quadratic`
        statistics; by default all that the problem has.
    method
        `"hsgd"`, homogenized SGD, the limit of small steps; `"discrete"`, its twin with steps of
        finite size, which is *exact* for streaming from `GaussianRows`, and better than the limit
        where steps are large (batches, few dimensions). `"auto"` is `"discrete"` for streaming, for
        rows that are sampled but not drawn, for momentum, and for data on which steps can be large
        (at the critical learning rate more than 2% of the way in the stiffest direction, so that
        the limit is a percent off), as far as that costs a second or two; else `"hsgd"`. The
        attribute `method` says which.
        Three are for `SGD`, `HeavyBall` and `Nesterov` with `sampling="reshuffle"` or
        `"single_shuffle"`, where `"auto"` takes the one that fits: `"mean_field"`, both risks on
        `SampledLeastSquares`; on data `"modified_flow"`, all statistics where steps are small, and
        `"data_fit"`, both risks at larger ones, by a population that is fitted to the rows. The
        first and the last solve to 1e-3 and 3e-3, relative, if `rtol` asks for no better.
    spread, level
        With `spread=True` the variables `<statistic>_standard_deviation`, `_lower` and `_upper` say
        how far single runs are from their mean: between the last two lies a share of `level` of
        them, at each time. For `StreamingSGD` on `GaussianRows`, without ridge, at a constant
        learning rate and batch size: population risk and distance.
    rtol
        Relative accuracy of the solution of the equations (not of the theory itself): 1e-8, and
        1e-2 for data whose matrix is too large to factor, where random probes are added until
        chance leaves less than that in the curves (docs, theory page, "Large matrices").

    Returns
    -------
    xarray.Dataset
        dims `time`. For each statistic, and at an average that is kept `<statistic>_averaged`: its
        curve; `_gradient_flow`, the curve without noise (with `"discrete"`, that of gradient
        descent); `_error`, the numerical error; `_discrepancy`, the relative difference to expect
        between SGD's true mean and the theory because n is finite.
        `realised_learning_rate`, where it is found on the way. Attributes: `status`, and
        `expected_discrepancy`, the largest of the discrepancies.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, or averages of rows that are reshuffled.

    Warns
    -----
    UserWarning
        Where the learning rate is above critical (the divergence is predicted all the same), the
        tolerance is not reached, or `diagnose` expects the theory not to hold.

    Notes
    -----
    Cost: one thin SVD of A (an eigendecomposition of Σ), shared by all calls on the problem, then
    O(r² + rT) for a constant learning rate and batch size, exactly in time and at any iteration;
    with schedules O(r) per step for `"hsgd"`, and per *iteration* for `"discrete"`, as with
    momentum and averages (O(m³r), of m vectors). The discrepancy costs as much again, and at most
    400 iterations of O(nr).

    References
    ----------
    arXiv:2205.07069, equations for Ψ and Ω in Theorem 1.2; docs, theory page,
    "Volterra equations", "Finite steps", "Momentum".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(1 / 100, np.ones(100), noise=0.1)
    >>> data, times = rows.sample(200, seed=0), np.linspace(0, 5, 11)
    >>> many_passes = hsgd.predict(data, hsgd.SGD(0.5), times)
    >>> one_pass = hsgd.predict(rows, hsgd.StreamingSGD(0.5), times, method="discrete")
    >>> bool(one_pass.population_risk[-1] < one_pass.population_risk[0])
    True
    """
    _check_options(method, spread, level)
    if spread:
        band.check_kind(problem, algorithm)
    question = ask(
        problem,
        algorithm,
        statistics=statistics,
        time=time,
        method=method,
        rtol=rtol,
        batch_schedules=True,
        averages=True,
        algorithms=ALGORITHMS + ADAPTIVE,
        curves_alone=True,
    )
    if spread:
        band.check(question)
    return answer(question, level if spread else None)


def answer(question: Question, level: float | None = None) -> xr.Dataset:
    """The curves of a question that has times, and what there is to warn of, as a dataset.

    With the bands of single runs where there is a `level`.
    """
    problem, algorithm, grid = question.problem, question.algorithm, question.grid
    assert grid is not None
    answer_of = question.method.answer or _from_modes
    curves, gaps, solver, status, (concern, verdict), rates = answer_of(question)
    attrs = provenance.attributes(
        problem, algorithm, source="theory", title=f"{question.method.title}: predicted risk curves"
    )
    attrs |= {
        "method": question.method.name,
        "solver": solver,
        "status": status,
        "rtol": question.rtol if question.method.answer is None else question.wanted,
        "expected_discrepancy": largest(gaps),
        "diagnosis": verdict,
    }
    variables: Variables = {}
    for statistic in question.statistics:
        for suffix in ("", AVERAGED):
            name = statistic.name + suffix
            if name in curves:
                curve = curves[name]
                error = curve.error + rounding(problem, statistic, curve.value)
                words = statistic.long_name + (" at the average" if suffix else "")
                variables |= _variables(
                    name, words, curve._replace(error=error), gaps[name], question.method.noiseless
                )
    if rates is not None:
        words = "learning rate that runs find"
        variables["realised_learning_rate"] = ("time",), rates, words
    bands = {} if level is None else band.spread(question, curves, level)
    if concern:
        warning.warn(verdict, stacklevel=4)
    if status not in (Status.CONVERGED.value, Status.OVERFLOW.value):
        warning.warn(_inaccurate(curves, question.wanted), stacklevel=4)
    elif status == Status.OVERFLOW.value:
        warning.warn(status, stacklevel=4)
    if level is not None:
        attrs["level"] = level
    data = dataset.assemble(grid, problem, algorithm, variables | bands, attrs)
    for name in {one.removesuffix("_lower") for one in bands if one.endswith("_lower")}:
        about = (f"{name}{suffix}" for suffix in ("_standard_deviation", "_lower", "_upper"))
        data[name].attrs["ancillary_variables"] = " ".join(about)
    return data


def _from_modes(question: Question) -> Answer:
    """The answer of a method that solves for modes, and how far it can be trusted."""
    assert question.grid is not None
    iterations = question.grid.unique
    question, solved, curves, status = settled(question)
    gaps = discrepancies(question, curves, iterations, shared_by())
    judged, rates = question, None
    if isinstance(solved, AdaptiveCurves):
        # The rate of a single run is a function of its own risk, which varies around the mean.
        gaps = {name: np.maximum(gap, solved.fluctuation) for name, gap in gaps.items()}
        rates = solved.rates
        judged = question.but(algorithm=_in_the_end(question, float(rates[-1])))
    verdict = verdict_of(
        judged, iterations[-1] / question.problem.iterations_per_unit, largest(gaps)
    )
    return Answer(curves, gaps, solved.solver, status, verdict, rates)


def _in_the_end(question: Question, rate: float) -> Algorithm:
    """SGD at the learning rate that was found last."""
    algorithm = question.algorithm
    size = algorithm.batch_size
    if question.is_streamed:
        return StreamingSGD(rate, size)
    return SGD(rate, size, getattr(algorithm, "sampling", "with_replacement"))


def _inaccurate(curves: Mapping[str, Curve], rtol: float) -> str:
    """What was asked and what was reached, where that is less."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = {name: curve.error / np.abs(curve.value) for name, curve in curves.items()}
    worst = {name: float(np.nanmax(ratio, initial=0.0)) for name, ratio in ratios.items()}
    name = max(worst, key=lambda one: worst[one])
    return (
        f"The curves are accurate to {worst[name]:.1e} where rtol={rtol:g} was asked for: the "
        f"variables {name}_error and the like say how accurate at each time."
    )


def _check_options(method: str, spread: bool, level: float) -> None:
    flag("spread", spread)
    if not 0.0 < number("level", level) < 1.0:
        raise ValueError(f"level is {level}, but it must lie between 0 and 1.")


def _variables(name: str, words: str, curve: Curve, gap: Array, noiseless: str) -> Variables:
    """Those of one statistic, on the unique iterations."""
    dims = ("time",)
    return {
        name: (dims, curve.value, words),
        f"{name}_gradient_flow": (dims, curve.flow, f"{words} along {noiseless}"),
        f"{name}_error": (dims, curve.error, f"numerical error of {words}"),
        f"{name}_discrepancy": (dims, gap, f"relative error to expect in {words}"),
    }
