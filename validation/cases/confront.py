"""What most cases do: the same problem and algorithm given to theory and simulation, and compared.

Beside it, the usual mistakes as algorithms of their own, so that the same runs can be held against
a theory that makes them: a test that accepts one of these tests nothing.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import hsgd
import simulate
from validation.cases.base import Check
from validation.comparison import compare
from validation.stacking import stack

if TYPE_CHECKING:
    import xarray as xr

STATISTICS = ("empirical_risk", "population_risk")


@dataclass(frozen=True)
class HalfDropped(hsgd.SGD):
    """For a theory that forgets the ½ of the loss in the noise: twice the noise, no more."""

    def noise_factor(self, n: float, batch_size: Any = None) -> Any:
        """Twice the right one."""
        return 2.0 * super().noise_factor(n, batch_size)


@dataclass(frozen=True)
class DimensionForRows(hsgd.SGD):
    """For a theory whose kernel has 1/d where 1/n belongs."""

    dimension: int = 1

    def noise_factor(self, n: float, batch_size: Any = None) -> Any:
        """The right one times n/d."""
        return super().noise_factor(n, batch_size) * n / self.dimension


@dataclass(frozen=True, eq=False)
class Confrontation:
    """Theory and runs of one problem with one algorithm, and what `compare` says of them."""

    problem: Any
    theory: xr.Dataset
    runs: xr.Dataset
    comparison: xr.Dataset

    def check(self, label: str, **kind: bool) -> Check:
        """The verdict."""
        return Check.of(label, self.comparison, **kind)

    def control(self, label: str, wrong: Any) -> Check:
        """The same runs against the theory of another algorithm, which must be rejected."""
        names = [str(name) for name in self.comparison.statistic.values]
        method = self.theory.attrs["method"]
        theory = predict(self.problem, wrong, self.runs.time, statistics=names, method=method)
        found = compare(theory, self.runs, same_algorithm=False)
        return Check.of(label, found, control=True)


def predict(problem: Any, algorithm: Any, times: Any, **more: Any) -> xr.Dataset:
    """The theory; its warning near critical is part of the verdict's budget, so not repeated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return hsgd.predict(problem, algorithm, times, **{"method": "hsgd"} | more)


def confront(
    problem: Any,
    algorithm: Any,
    times: Any,
    *,
    replicates: int,
    seed: int,
    statistics: Sequence[str] = STATISTICS,
    method: str = "hsgd",
    **options: Any,
) -> Confrontation:
    """Predict first, then run, then compare; `options` go to `compare`."""
    theory = predict(problem, algorithm, times, statistics=statistics, method=method)
    runs = simulate.sgd(
        problem,
        algorithm,
        theory.time,
        statistics=statistics,
        num_replicates=replicates,
        seed=seed,
        progress=False,
    )
    return Confrontation(problem, theory, runs, compare(theory, runs, **options))


def stacked(
    results: Mapping[float, Confrontation], dim: str, long_name: str
) -> dict[str, xr.Dataset]:
    """`theory`, `simulation` and `comparison` of several settings, stacked along a new dim."""
    keys = list(results)

    def along(parts: list[xr.Dataset]) -> xr.Dataset:
        return stack(parts, dim, keys, long_name)

    return {
        "theory": along([one.theory for one in results.values()]),
        "simulation": along([one.runs for one in results.values()]),
        "comparison": along([one.comparison for one in results.values()]),
    }
