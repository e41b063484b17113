"""What every method gives: Ψ and what other statistics need, and how a statistic comes of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Protocol

import numpy as np

from hsgd.checks import Array
from hsgd.dataset.schema import AVERAGED
from hsgd.interfaces import Statistic
from hsgd.theory.spectra.eigenmodes import EigenModes
from hsgd.theory.spectra.modes import Modes


class Solved(Protocol):
    """Ψ and what other statistics need, on a grid of iterations."""

    @property
    def averaged(self) -> Solved | None:
        """The same at the average of the iterates; None if none is kept."""
        ...

    @property
    def solver(self) -> str:
        """How it was solved."""
        ...

    @property
    def status(self) -> str:
        """How that went, in a sentence."""
        ...

    def mean(self, statistic: Statistic) -> Array:
        """A statistic at the mean, shape (iterations,)."""
        ...

    def flow(self) -> Array:
        """Ψ at the mean."""
        ...

    def loss(self) -> tuple[Array, Array]:
        """Ψ and its numerical error."""
        ...

    def noise(self, curvatures: Array) -> tuple[Array, Array]:
        """½ Σ_j curvature_j · variance_j and its numerical error."""
        ...

    def uncounted(self) -> Array:
        """Bound on the trace of the covariance whose parts between modes are left out."""
        ...


class Curve(NamedTuple):
    """One statistic, each of shape (iterations,)."""

    flow: Array
    """Without noise."""
    value: Array
    """With it."""
    error: Array
    """Numerical."""
    left_out: Array
    """Bound on what covariances between modes would add to the value."""


class Answer(NamedTuple):
    """All that a dataset of curves is made of."""

    curves: Mapping[str, Curve]
    """By statistic, and `<statistic>_averaged`."""
    gaps: Mapping[str, Array]
    """Relative error to expect in each because n is finite."""
    solver: str
    status: str
    verdict: tuple[str, str]
    """Concerns, empty if there are none, and a sentence."""
    rates: Array | None = None
    """Learning rates that are found on the way."""


def curve_of(
    system: Modes, statistic: Statistic, solved: Solved, flow: Array | None = None
) -> Curve:
    """One statistic of what was solved; `flow`, if that is known already."""
    # Beyond critical it may overflow, and overflows are subtracted.
    with np.errstate(over="ignore", invalid="ignore"):
        doubt = system.node_error + (0.0 if system.doubt is None else solved.mean(system.doubt))
        if statistic.name == system.sampled_risk:
            N = system.iterations_per_unit
            loss, error = solved.loss()
            error = error + doubt * loss
            return Curve(solved.flow() / N, loss / N, error / N, np.zeros(len(loss)))
        left_out = _left_out(system, statistic, solved)
        flow = solved.mean(statistic) if flow is None else flow
        noise, error = solved.noise(system.curvatures(statistic))
        value = flow + noise
        rounding = system.rounding * np.abs(flow) + doubt * np.abs(value)
        return Curve(flow, value, error + rounding, left_out)


def curves_of(system: Modes, statistics: Iterable[Statistic], solved: Solved) -> dict[str, Curve]:
    """Every statistic, by its name; at the average, if one is kept, with `_averaged` behind it."""
    found = {}
    for statistic in statistics:
        found[statistic.name] = curve_of(system, statistic, solved)
        if solved.averaged is not None:
            averaged = curve_of(system, statistic, solved.averaged)
            found[f"{statistic.name}{AVERAGED}"] = averaged
    return found


def _left_out(system: Modes, statistic: Statistic, solved: Solved) -> Array:
    """Bound on what covariances between modes add to a statistic where they are left out.

    Gaussian rows drawn afresh make them, and a statistic sees them unless its matrix and Σ have
    the same eigenvectors, as that of the distance: at most ½‖off-diagonal part‖ times the trace of
    the covariance.
    """
    trace = solved.uncounted()
    if statistic.name == "distance" or not trace.any() or not isinstance(system, EigenModes):
        return np.zeros(len(trace))
    between = system.directions.T @ statistic.matrix() @ system.directions
    np.fill_diagonal(between, 0.0)
    return np.asarray(0.5 * np.linalg.norm(between, 2) * trace)
