"""From a question to the spread of single runs: standard deviations, and bands made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.special import ndtri

from hsgd import warning
from hsgd.algorithms.sgd import StreamingSGD
from hsgd.checks import Array
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.theory.curves import Curve
from hsgd.theory.question import Question
from hsgd.theory.spectra.nodes import nodes_of
from hsgd.theory.spread.streaming import Streaming, streaming, variances

_NODES = 96
"""Directions that stand for all: four powers of the eigenvalues are right in each of 48 bins."""
_WIDE, _LOST = 0.3, 1.0
"""Standard deviation over mean from which second moments are a poor band, and none at all."""
KNOWN = ("population_risk", "distance")
"""What has a band."""


def check_kind(problem: Any, algorithm: Any) -> None:
    """Refuse, in a sentence and before any work, problems and algorithms that have no band.

    Raises
    ------
    ValueError
        For other than streaming.
    """
    if not isinstance(problem, GaussianRows) or not isinstance(algorithm, StreamingSGD):
        raise ValueError(
            "spread=True is for StreamingSGD on GaussianRows: leave it out, or simulate it "
            "(simulate.sgd(..., num_replicates=64)) and look at its runs."
        )


def check(question: Question) -> None:
    """The same of settings.

    Raises
    ------
    ValueError
        For other than plain steps at a constant rate, or where the spread grows without bound.
    """
    problem, algorithm = question.problem, question.algorithm
    assert isinstance(problem, GaussianRows)
    simulate = "simulate it (simulate.sgd(..., num_replicates=64))"
    if problem.ridge or not question.is_constant or algorithm.averaging is not None:
        raise ValueError(
            "spread=True is for a constant learning rate and batch size, without ridge and "
            f"averages: leave these out, or {simulate}."
        )
    for statistic in question.measured or ():
        if statistic.name not in KNOWN:
            raise ValueError(
                f"spread=True knows {' and '.join(KNOWN)}, and no {statistic.name!r}: leave "
                f"statistics out, or {simulate}."
            )
    if _setting(question).factors.max(initial=0.0) > 1.0 + 1e-12:  # of slow modes it rounds to 1
        raise ValueError(
            f"at learning rate {question.learning_rate:.4g} second moments grow without bound, "
            "and single runs spread without bound: lower it, or leave spread out."
        )


def spread(
    question: Question, curves: Mapping[str, Curve], level: float
) -> dict[str, tuple[tuple[str, ...], Array, str]]:
    """Variables that say how far single runs are from each curve.

    The band is lognormal above the least value there is, the noise of the rows: runs that are far
    off are far above, and none is below that.
    """
    assert question.grid is not None
    problem, setting = question.problem, _setting(question)
    assert isinstance(problem, GaussianRows)
    iterations = question.grid.unique.astype(np.float64)
    found: dict[str, tuple[tuple[str, ...], Array, str]] = {}
    widest = 0.0
    for statistic in question.statistics:
        name, words = statistic.name, statistic.long_name
        if name not in KNOWN:
            continue
        risk = name == "population_risk"
        curvature = setting.eigenvalues if risk else np.full_like(setting.eigenvalues, 2.0)
        least = 0.5 * problem.noise**2 if risk else 0.0
        _, variance = variances(setting, curvature, iterations)
        deviation, value = np.sqrt(variance), curves[name].value
        low, high = _lognormal(value - least, deviation, level)
        of_runs = f"{level:.0%} of single runs lie"
        found[f"{name}_standard_deviation"] = ("time",), deviation, f"{words}, of single runs"
        found[f"{name}_lower"] = ("time",), least + low, f"{words}: {of_runs} above this and below"
        found[f"{name}_upper"] = ("time",), least + high, f"{words}: {of_runs} below this and above"
        with np.errstate(divide="ignore", invalid="ignore"):
            widest = max(widest, float(np.nanmax(deviation / value, initial=0.0)))
    if widest > _LOST:
        raise ValueError(
            f"single runs spread by {widest:.0%} of the mean: a few large ones carry it, and no "
            "band can be made of means and variances. Lower the learning rate, or leave spread out."
        )
    if widest > _WIDE:
        warning.warn(
            f"Single runs spread by up to {widest:.0%} of the mean, too much for a band that is "
            "made of means and variances: hold it against runs (validation.compare).",
            stacklevel=5,
        )
    return found


def _setting(question: Question) -> Streaming:
    problem = question.problem
    assert isinstance(problem, GaussianRows)
    size = int(question.algorithm.largest_batch_size)
    return streaming(nodes_of(problem, _NODES), question.learning_rate, size, problem.noise)


def _lognormal(mean: Array, deviation: Array, level: float) -> tuple[Array, Array]:
    """Ends that hold this share of a lognormal variable of a mean and a standard deviation."""
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.where(mean > 0, deviation / mean, 0.0)
    width = np.sqrt(np.log1p(relative**2))
    median = np.maximum(mean, 0.0) / np.sqrt(1.0 + relative**2)
    reach = ndtri(0.5 + 0.5 * level) * width
    return median * np.exp(-reach), median * np.exp(reach)
