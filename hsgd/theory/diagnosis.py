"""Does the theory apply to these data at this learning rate? Numbers, one sentence, the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import numpy as np

from hsgd import dataset
from hsgd.algorithms.sgd import SGD
from hsgd.checks import Array, number
from hsgd.dataset import provenance
from hsgd.exact.mean_square import instability, mean_square_critical_learning_rate
from hsgd.problems.least_squares import LeastSquares
from hsgd.schedules import Constant, Schedule
from hsgd.sweeps.broadcasting import follows_sweeps
from hsgd.theory.critical import critical_rate, curvature_limit, independent_noise_factor
from hsgd.theory.spectra.modes import Modes, modes
from hsgd.theory.stability.stability import Stability

if TYPE_CHECKING:
    import xarray as xr

LARGEST_TOP_SHARE = 0.25
"""Share of tr H in one eigenvalue above which single runs do not concentrate."""
LARGEST_ROW_SPREAD = 10.0
"""Largest over median squared row norm above which the rows are too unequal."""
LARGEST_DISCREPANCY = 0.1
"""Relative error of the limiting risk above which the theory should not be used alone."""
NOTABLE_DISCREPANCY = 0.05
"""The same above which the verdict names the exact mean."""


_REMEDIES: WeakKeyDictionary[LeastSquares, str] = WeakKeyDictionary()


@dataclass(frozen=True)
class _Concern:
    name: str
    sentence: str


@follows_sweeps
def diagnose(problem: LeastSquares, algorithm: SGD, *, horizon: float = 100.0) -> xr.Dataset:
    """Say whether homogenized SGD describes this problem at this learning rate.

    Parameters
    ----------
    problem, algorithm
        `LeastSquares` and `SGD` with independent batches.
    horizon
        For a schedule: the time up to which its largest learning rate is looked for.

    Returns
    -------
    xarray.Dataset
        Scalars: `learning_rate` (its largest value), `critical_learning_rate`,
        `fraction_of_critical`, `mean_square_critical_learning_rate` (the estimate for SGD on the
        given rows), `kernel_norm`, `curvature` (γ(λ_max+ridge)/2n, below 1), `top_eigenvalue_share`
        (λ_max/tr H), `largest_over_mean_eigenvalue`, `row_norm_spread` (largest over median |a|²),
        `largest_leverage`, `expected_discrepancy` (of the limiting training risk, relative).
        Attributes: `verdict`, one sentence with the remedy; `concern`, empty or the names of the
        thresholds crossed: `unstable`, `dominant_eigenvalue`, `unequal_rows`, `finite_size` (which
        includes a learning rate that only SGD on the given rows does not bear).

    Raises
    ------
    TypeError, ValueError
        For dependent batches, or a bad schedule.

    Notes
    -----
    Cost: the thin SVD and a few Lanczos steps (4nr² operations each), both kept with the problem;
    where one eigenvalue dominates, some products of A with vectors more.
    The thresholds are this module's constants; docs, page "theory", section "diagnose".
    """
    noise_factor = independent_noise_factor(problem, algorithm)
    rate = _largest_rate(algorithm.schedule, number("horizon", horizon))
    figures = _figures(problem, modes(problem), rate, noise_factor)
    concerns = _concerns(figures, problem)
    attrs = provenance.attributes(
        problem, algorithm, source="diagnosis", title="does homogenized SGD apply?"
    )
    attrs["concern"] = " ".join(concern.name for concern in concerns)
    attrs["verdict"] = _verdict(figures, concerns)
    words = {name: (value, name.replace("_", " ")) for name, value in figures.items()}
    return dataset.scalars(words, attrs)


def _largest_rate(schedule: Schedule, horizon: float) -> float:
    if isinstance(schedule, Constant):
        return schedule.level
    inner = [b for b in schedule.breakpoints if 0 < b < horizon]
    times = np.unique(np.concatenate((np.linspace(0.0, horizon, 1025), inner)))
    return float(schedule(times).max())


def _figures(
    problem: LeastSquares, system: Modes, rate: float, noise_factor: float
) -> dict[str, float]:
    n, spectrum = problem.num_rows, system.eigenvalues
    norm_per_rate = system.kernel_norm(1.0, noise_factor)
    edge = curvature_limit(system)
    critical = critical_rate(system, noise_factor)
    norms = problem.squared_row_norms
    middle = float(np.median(norms))
    return {
        "learning_rate": rate,
        "critical_learning_rate": critical,
        "fraction_of_critical": rate / critical,
        "mean_square_critical_learning_rate": mean_square_critical_learning_rate(
            problem, noise_factor
        ),
        "kernel_norm": rate * norm_per_rate,
        "curvature": rate / edge,
        "top_eigenvalue_share": float(spectrum[0] / spectrum.sum()),
        "largest_over_mean_eigenvalue": float(spectrum[0] / spectrum.sum() * problem.dimension),
        "row_norm_spread": float(norms.max()) / middle if middle > 0 else np.inf,
        "largest_leverage": _largest_leverage(problem.svd.left),
        "expected_discrepancy": _limiting_discrepancy(
            _kernel_norm(problem, rate, noise_factor), feedback_excess(problem, noise_factor)
        ),
        "num_rows": float(n),
    }


def feedback_excess(problem: LeastSquares, noise_factor: float) -> float:
    """Kernel norm on the given rows over the theory's, at the edge of stability; at least 1.

    The e of the theory page, section "Diagnose".
    """
    threshold = mean_square_critical_learning_rate(problem, noise_factor)
    norm = _kernel_norm(problem, threshold, noise_factor)
    return max(1.0, 1.0 / norm) if norm > 0 else 1.0


def _kernel_norm(problem: LeastSquares, rate: float, noise_factor: float) -> float:
    """The theory's, of finite steps for batches: these make steps large, which is no fault of n."""
    method = "hsgd" if noise_factor == 1.0 else "discrete"
    return Stability(modes(problem), noise_factor, method).kernel_norm(rate)


def _largest_leverage(left: Array) -> float:
    return float(np.einsum("ij,ij->i", left, left).max())


def _limiting_discrepancy(norm: float, excess: float) -> float:
    """(e−1)‖K‖²/(1−e‖K‖): what the theory page's estimate comes to in the limit."""
    heavier = norm * excess
    return (heavier - norm) * norm / (1.0 - heavier) if heavier < 1.0 else float("inf")


def _concerns(figures: dict[str, float], problem: LeastSquares) -> list[_Concern]:
    found = _instability(figures)
    if figures["top_eigenvalue_share"] > LARGEST_TOP_SHARE:
        found.append(
            _Concern(
                "dominant_eigenvalue",
                f"one eigenvalue carries {figures['top_eigenvalue_share']:.0%} of the trace, so "
                f"single runs do not concentrate on the theory: {_smaller_top(problem)}, or ask "
                "for means only (hsgd.exact_mean)",
            )
        )
    if figures["row_norm_spread"] > LARGEST_ROW_SPREAD:
        found.append(
            _Concern(
                "unequal_rows",
                f"the largest squared row norm is {figures['row_norm_spread']:.3g} times the "
                "median, so a few rows rule the noise: normalise the rows "
                "(from_data(..., normalise_rows=True)) or use hsgd.exact_mean",
            )
        )
    discrepancy = figures["expected_discrepancy"]
    if LARGEST_DISCREPANCY < discrepancy < np.inf:
        size = "more than 10 times" if discrepancy > 10 else f"{discrepancy:.0%}"
        found.append(
            _Concern(
                "finite_size",
                f"at n = {figures['num_rows']:.0f} SGD's mean risk is expected to end {size} above "
                f"the theory (SGD on these rows turns unstable at "
                f"{figures['mean_square_critical_learning_rate']:.4g}; hsgd.exact_stability says "
                "which rows are to blame): lower the learning rate, or use hsgd.exact_mean",
            )
        )
    return found


def _instability(figures: dict[str, float]) -> list[_Concern]:
    """What makes the risk diverge comes first; the rate it names is stable on the rows, too."""
    rate, critical = figures["learning_rate"], figures["critical_learning_rate"]
    on_rows = figures["mean_square_critical_learning_rate"]
    if rate >= critical:
        usual = 0.5 * critical <= 0.75 * on_rows
        stable, share = (critical, "critical") if usual else (on_rows, "what these rows bear")
        words = (
            f"the learning rate {rate:.6g} is {rate / critical:.4g} times the critical "
            f"{critical:.6g}, so the risk diverges: write SGD(learning_rate={0.5 * stable:.6g}), "
            f"half of {share}"
        )
        return [_Concern("unstable", words)]
    if np.isinf(figures["expected_discrepancy"]):
        words = f"the theory is stable here, but {instability(rate, on_rows)}"
        return [_Concern("finite_size", words)]
    return []


def _smaller_top(problem: LeastSquares) -> str:
    """What would make the largest eigenvalue smaller: centring, scaling, both, or neither."""
    if problem not in _REMEDIES:
        _REMEDIES[problem] = _tried(problem.A)
    return _REMEDIES[problem]


def _tried(table: Array) -> str:
    centred = table - table.mean(axis=0)
    share = 1.0
    for words, changed in (
        ("centre the data", centred),
        ("scale the columns", _scaled(table)),
        ("centre the data and scale the columns", _scaled(centred)),
    ):
        share = _top_share(changed)
        if share <= LARGEST_TOP_SHARE:
            return words
    return (
        f"centring and columns of one scale leave {share:.0%}, so take that direction out (of "
        "pictures, each row's mean)"
    )


def _scaled(table: Array) -> Array:
    norms = np.linalg.norm(table, axis=0)
    return table / np.where(norms > np.finfo(float).eps * norms.max(), norms, np.inf)


def _top_share(table: Array) -> float:
    """λ_max/tr H by a few Lanczos steps, which cost less than another decomposition."""
    from scipy.sparse.linalg import svds  # not part of a first prediction's second

    total = float(np.vdot(table, table))
    if min(table.shape) < 3 or total == 0:
        return 1.0
    start = np.random.default_rng(0).standard_normal(min(table.shape))
    top = svds(table, k=1, v0=start, return_singular_vectors=False)[0]
    return float(top) ** 2 / total


def _verdict(figures: dict[str, float], concerns: list[_Concern]) -> str:
    if concerns:
        text = "; ".join(concern.sentence for concern in concerns)
        return text[0].upper() + text[1:] + "."
    return (
        f"Homogenized SGD applies: the learning rate is {figures['fraction_of_critical']:.3g} of "
        f"critical, no direction dominates (top eigenvalue share "
        f"{figures['top_eigenvalue_share']:.1%}), rows are comparable (largest over median squared "
        f"norm {figures['row_norm_spread']:.3g}), and the discrepancy to expect at "
        f"n = {figures['num_rows']:.0f} is {figures['expected_discrepancy']:.2%}"
        f"{_pointer(figures['expected_discrepancy'])}."
    )


def _pointer(discrepancy: float) -> str:
    return "; hsgd.exact_mean is free of it" if discrepancy > NOTABLE_DISCREPANCY else ""
