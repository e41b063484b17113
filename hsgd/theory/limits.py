"""Where SGD ends up: limiting risks, rate and condition numbers, as a dataset."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from hsgd import dataset
from hsgd.algorithms.base import Algorithm
from hsgd.dataset import provenance
from hsgd.sweeps.broadcasting import follows_sweeps
from hsgd.theory.asking import ask
from hsgd.theory.averages import averaged
from hsgd.theory.question import Question, Statistics
from hsgd.theory.settling import left_to_chance
from hsgd.theory.spectra.modes import Modes
from hsgd.theory.spectra.providers import Solvable
from hsgd.theory.stability.asymptotics import Asymptotics

if TYPE_CHECKING:
    import xarray as xr


@follows_sweeps
def limits(
    problem: Solvable,
    algorithm: Algorithm,
    *,
    statistics: Statistics = None,
    method: str = "auto",
) -> xr.Dataset:
    """Limits as time goes to infinity, as a dataset of scalars.

    ψ_∞ = L(x_ridge)/(1−‖K‖), and a statistic q with second derivative T ends at
    q(x_ridge) + (γφ/2N) ψ_∞ Σ_j T_jj λ_j/(λ_j+ridge); x_ridge is where gradient flow ends. With
    finite steps and momentum the last sum has the stationary variances in its place.

    Parameters
    ----------
    problem, algorithm
        As in `predict`, with a constant learning rate and batch size, or sweeps of them.
    statistics, method
        As in `predict`.

    Returns
    -------
    xarray.Dataset
        Scalars: `kernel_norm`, `critical_learning_rate`; for each statistic
        `limiting_<statistic>`, `limiting_<statistic>_gradient_flow` (at x_ridge) and
        `excess_<statistic>`, their difference, which is SGD's excess over ridge regression and over
        gradient flow alike; `rate` (of the exponential approach, per unit of time; negative:
        growth), `transition_learning_rate` (without momentum: below it the slowest mode of the data
        sets the rate, above it the noise), `condition_number` κ = λ_max/λ_min⁺,
        `average_condition_number` κ̄ = (tr H/n)/λ_min⁺, `implicit_conditioning_ratio` κ̄/√κ and
        `largest_over_mean_eigenvalue`. Where an average is kept, `limiting_<statistic>_averaged` of
        it, and of means over more and more iterates `averaging_pays_after_<statistic>`: the time
        over which one must average until its excess is that of the last iterate. Of data too large
        to factor the norm, the critical rate and the limits have an `_error`, what random probes
        leave to chance, and there is no condition number: it would be that of the probes. Of rows
        that are reshuffled there are the limits alone, where a pass ends, with their `_error`.
        Limits above critical are inf. The attribute `regime` is `"forcing-dominated"`,
        `"noise-dominated"` or `"unstable"`; `verdict` says in one sentence where SGD settles, and
        how fast.

    Raises
    ------
    TypeError, ValueError
        For a schedule, dependent batches, or bad statistics.

    Notes
    -----
    Cost: one decomposition, shared; the rate needs one root of the secular equation.

    References
    ----------
    arXiv:2206.07252, section 3; docs, theory page, "Stability, limits, conditioning".

    Examples
    --------
    >>> import numpy as np, hsgd
    >>> rows = hsgd.GaussianRows(1 / 50, np.ones(50), noise=1.0)
    >>> ends = hsgd.limits(rows, hsgd.StreamingSGD(1.0))  # about half of critical
    >>> round(float(ends.limiting_population_risk), 3)  # exact; as d grows it falls to 1
    1.021
    """
    question = ask(
        problem,
        algorithm,
        statistics=statistics,
        method=method,
        batch_schedules=True,
        averages=True,
        ends_alone=True,
    )
    if not question.is_constant:
        raise ValueError(
            "limits needs a constant learning rate and batch size: pass the algorithm with their "
            "last values, for example SGD(learning_rate=...); of a method that changes by itself "
            "predict a late time."
        )
    if question.method.ends is not None:
        return _of_ends(question)
    stability = question.stability
    far = Asymptotics(stability, question.learning_rate)
    values = _settled(question)
    chance = left_to_chance(question, lambda one: np.array([v for v, _ in _settled(one).values()]))
    if chance is not None:
        values |= {
            f"{name}_error": (error, f"what probes leave to chance in {values[name][1]}")
            for name, error in zip(list(values), chance.tolist(), strict=True)
        }
    values |= averaged(question, far)
    values["rate"] = (far.rate, "exponential rate per unit of time")
    transition = stability.transition()
    if transition is not None:
        words = "learning rate above which noise sets the rate"
        values["transition_learning_rate"] = (transition, words)
    values |= _conditioning(far.system)
    attrs = provenance.attributes(problem, algorithm, source="limits", title="limits of SGD")
    attrs |= {"method": question.method.name, "regime": far.regime}
    attrs["verdict"] = _verdict(question, far, values)
    return dataset.verdict_first(dataset.scalars(values, attrs))


def _of_ends(question: Question) -> xr.Dataset:
    """The limits of a method that has no kernel: of rows that are reshuffled."""
    assert question.method.ends is not None
    if question.learning_rate == 0.0:
        raise ValueError("limits needs a learning rate above 0: at 0 nothing moves.")
    values: dict[str, tuple[float, str]] = {}
    ends, system = question.method.ends(question), question.system
    for statistic in question.statistics:
        if statistic.name not in ends:
            continue
        name, words = statistic.name, statistic.long_name
        value, error = ends[name]
        # Where the flow of the data itself ends: every mode at its limit.
        faded = np.array([0.0 if system.ridge else 1.0])
        still = system.values(statistic, np.zeros((1, len(system.eigenvalues))), faded)
        flow = float(still[0])
        values[f"limiting_{name}"] = (value, f"limit of {words} where a pass ends")
        values[f"limiting_{name}_error"] = (error, f"error of the limit of {words}")
        values[f"limiting_{name}_gradient_flow"] = (flow, f"limit of {words} along gradient flow")
        values[f"excess_{name}"] = (value - flow, f"excess of {words} over ridge and gradient flow")
    attrs = provenance.attributes(
        question.problem, question.algorithm, source="limits", title="limits of reshuffled SGD"
    )
    first = next(iter(ends))
    end, flow = values[f"limiting_{first}"][0], values[f"limiting_{first}_gradient_flow"][0]
    side = "above" if end > flow else "below"
    more = f", {abs(end / flow - 1):.1%} {side} gradient flow" if flow > 0 else ""
    attrs |= {"method": question.method.name}
    attrs["verdict"] = (
        f"SGD on reshuffled rows settles at {first.replace('_', ' ')} {end:.4g}{more}."
    )
    return dataset.verdict_first(dataset.scalars(values, attrs))


def _settled(question: Question) -> dict[str, tuple[float, str]]:
    """The norm, the critical rate, and where each statistic ends."""
    stability = question.stability
    far = Asymptotics(stability, question.learning_rate)
    values: dict[str, tuple[float, str]] = {
        "kernel_norm": (far.norm, "norm of the noise kernel"),
        "critical_learning_rate": (stability.critical_rate(), "critical learning rate"),
    }
    for statistic in question.statistics:
        flow, excess = far.of(statistic)
        name, words = statistic.name, statistic.long_name
        values[f"limiting_{name}"] = (flow + excess, f"limit of {words}")
        values[f"limiting_{name}_gradient_flow"] = (flow, f"limit of {words} along gradient flow")
        values[f"excess_{name}"] = (excess, f"excess of {words} over ridge and gradient flow")
    return values


def _verdict(question: Question, far: Asymptotics, values: Mapping[str, tuple[float, str]]) -> str:
    """One sentence: whether SGD settles, where, and how fast."""
    rate, critical = question.learning_rate, values["critical_learning_rate"][0]
    if not far.stable and critical == 0.0:
        return (
            "SGD diverges at any learning_rate, because of the method's other rates: lower those."
        )
    if not far.stable:
        return (
            f"SGD diverges: the learning rate {rate:.4g} is not below the critical one, "
            f"{critical:.4g}."
        )
    if not far.moves:
        return f"SGD does not move: the learning rate is 0; the critical one is {critical:.4g}."
    name, words = question.statistics[0].name, question.statistics[0].name.replace("_", " ")
    end, flow = values[f"limiting_{name}"][0], values[f"limiting_{name}_gradient_flow"][0]
    more = f", {end / flow - 1:.1%} above gradient flow" if flow > 0 else ""
    pace = "the slowest direction of the data" if "forcing" in far.regime else "the noise"
    # One unit of time is as many passes as there are rows in a batch.
    passes = math.log(2) / far.rate * question.algorithm.largest_batch_size if far.rate > 0 else 0.0
    unit = "times d rows" if question.is_streamed else "passes"
    speed = f"; in the end what is left halves every {passes:.3g} {unit}, a pace set by {pace}"
    share = f"with {rate / critical:.0%} of the critical learning rate {critical:.4g}"
    if rate == 0:  # it moves along a memory alone
        share = f"where learning rates of the gradient up to {critical:.4g} may be added"
    return f"SGD settles at {words} {end:.4g}{more}, {share}{speed if passes else ''}."


def _conditioning(system: Modes) -> dict[str, tuple[float, str]]:
    spectrum = system.eigenvalues
    if not len(spectrum):
        return {}
    largest, smallest = float(spectrum.max()), float(spectrum.min())
    over_mean = {
        "largest_over_mean_eigenvalue": (
            largest / (system.trace / system.dimension),
            "largest over mean eigenvalue",
        )
    }
    if system.replicas:  # nobody has seen the smallest eigenvalue
        return over_mean
    condition = largest / smallest
    average = system.trace / system.iterations_per_unit / smallest
    return {
        "condition_number": (condition, "largest over smallest eigenvalue"),
        "average_condition_number": (
            average,
            "trace of H over n times its smallest non-zero eigenvalue",
        ),
        "implicit_conditioning_ratio": (
            average / condition**0.5,
            "average condition number over the root of the condition number",
        ),
    } | over_mean
