"""Which problem gets its modes from where: the one place that asks.

A new provider is a file with a function from its problem to `Modes`, and an entry in `PROVIDERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hsgd.kept import kept
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.sampled import SampledLeastSquares
from hsgd.theory.spectra.matrix_free import of_products
from hsgd.theory.spectra.modes import Modes
from hsgd.theory.spectra.population import of_population
from hsgd.theory.spectra.rows import of_rows
from hsgd.theory.spectra.sampled import of_sampled

Solvable = LeastSquares | GaussianRows | SampledLeastSquares
"""Problems that have a mode system."""


def _of_data(problem: LeastSquares) -> Modes:
    return of_rows(problem) if problem.is_factorable else of_products(problem)


PROVIDERS: dict[type[Solvable], Callable[[Any], Modes]] = {
    LeastSquares: _of_data,
    GaussianRows: of_population,
    SampledLeastSquares: of_sampled,
}

PROBLEMS = tuple(PROVIDERS)
"""What the verbs of the theory take."""


@kept
def modes(problem: Solvable) -> Modes:
    """The mode system of `problem`, computed once: the cost is its decomposition."""
    return next(make for kind, make in PROVIDERS.items() if isinstance(problem, kind))(problem)
