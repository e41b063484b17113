"""Does the theory apply to these data at this learning rate? Numbers, one sentence, the remedy."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hsgd.checks import Array
from hsgd.exact.mean_square import instability, mean_square_critical_learning_rate
from hsgd.kept import kept
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.sampled import SampledLeastSquares
from hsgd.theory.question import Question
from hsgd.theory.spectra.providers import modes
from hsgd.theory.stability.base import Stability
from hsgd.theory.stability.finite_steps import FiniteSteps
from hsgd.theory.stability.small_steps import SmallSteps

LARGEST_TOP_SHARE = 0.25
"""Share of tr H in one eigenvalue above which single runs do not concentrate."""
FEW_DIRECTIONS = 5.0
"""The same times the number of columns, where these are few: even equal ones share then."""
LARGEST_ROW_SPREAD = 10.0
"""Largest over median squared row norm above which the rows are too unequal."""
LARGEST_DISCREPANCY = 0.1
"""Relative error of the limiting risk above which the theory should not be used alone."""
LARGEST_ON_THE_WAY = 0.25
"""The same anywhere on the curves, of which the first iterations of few rows are the worst part."""
NOTABLE_DISCREPANCY = 0.05
"""The same above which the verdict names the exact mean."""

_FEW_ROWS = 300
"""Of data too large to factor, that are looked at one by one."""
_WORK = 3e8
"""Operations that the decomposition of a sample may take, drawn only to see what its size does."""


@dataclass(frozen=True)
class Concern:
    """A threshold that is crossed: its name, and a sentence with the remedy."""

    name: str
    sentence: str


@dataclass(frozen=True)
class Judgement:
    """Figures of a question about given rows, and the thresholds that they cross."""

    figures: dict[str, float]
    concerns: tuple[Concern, ...]
    title: str
    """Of the theory that is judged."""

    @property
    def concern(self) -> str:
        """Names of the thresholds, empty if there are none."""
        return " ".join(concern.name for concern in self.concerns)

    @property
    def sentence(self) -> str:
        """The verdict."""
        if not self.concerns:
            return _praise(self.figures, self.title)
        text = "; ".join(concern.sentence for concern in self.concerns)
        return text[0].upper() + text[1:] + "."


def judge(question: Question, horizon: float, discrepancy: float) -> Judgement:
    """Judge SGD on given rows at its largest learning rate up to time `horizon`.

    `discrepancy` is the largest that is expected on the way; the one in the limit is found here.
    """
    problem = question.problem
    assert isinstance(problem, LeastSquares)
    figures = _figures(problem, question, question.algorithm.schedule.largest(0.0, horizon))
    if np.isfinite(figures["expected_discrepancy"]) and np.isfinite(discrepancy):
        figures["expected_discrepancy"] = max(figures["expected_discrepancy"], discrepancy)
    return Judgement(figures, tuple(_concerns(figures, problem, question)), question.method.title)


def _figures(problem: LeastSquares, question: Question, rate: float) -> dict[str, float]:
    system, factor = question.system, question.noise_factor
    small, spectrum = SmallSteps(system, factor), system.eigenvalues
    critical = question.stability.critical_rate()
    spread, leverage = _rows_apart(problem)
    norm = _fed_back(question, factor).kernel_norm(rate)
    excess = feedback_excess(question, factor)
    limiting = _limiting_discrepancy(norm, excess)
    # On rows that were not all looked at it is where the heavier kernel's norm is 1.
    threshold = (
        mean_square_critical_learning_rate(problem, factor)
        if problem.is_factorable
        else critical / excess
    )
    return {
        "learning_rate": rate,
        "critical_learning_rate": critical,
        "fraction_of_critical": rate / critical,
        "mean_square_critical_learning_rate": threshold,
        "kernel_norm": question.stability.kernel_norm(rate),
        "curvature": rate / small.curvature_limit(),
        "top_eigenvalue_share": float(spectrum.max() / system.trace),
        "largest_over_mean_eigenvalue": float(spectrum.max() / system.trace * problem.dimension),
        "row_norm_spread": spread,
        "largest_leverage": leverage,
        "expected_discrepancy": limiting,
        "asymptotic_discrepancy": limiting,
        "num_rows": float(problem.num_rows),
    }


def _rows_apart(problem: LeastSquares) -> tuple[float, float]:
    """Largest over median squared row norm, and the largest leverage; NaN where none are known."""
    if problem.is_product:
        return np.nan, np.nan
    norms = problem.squared_row_norms
    middle = float(np.median(norms))
    spread = float(norms.max()) / middle if middle > 0 else np.inf
    return spread, _largest_leverage(problem.svd.left) if problem.is_factorable else np.nan


def feedback_excess(question: Question, noise_factor: float) -> float:
    """Kernel norm on the given rows over the theory's, at the edge of stability; at least 1.

    The e of the theory page, section "Diagnose". Of a sample that is not drawn it is that of one
    which is, of fewer rows where many are dear: e − 1 falls like 1/n.
    """
    if isinstance(question.problem, SampledLeastSquares):
        drawn = _drawn(question.problem)
        system = replace(modes(drawn), wick=question.system.wick)
        own = feedback_excess(question.but(problem=drawn, spectrum=system), noise_factor)
        return 1.0 + (own - 1.0) * drawn.num_rows / question.problem.n
    if question.rows is None:
        assert isinstance(question.problem, LeastSquares)
        few = _few_rows(question.problem)
        own = feedback_excess(question.but(problem=few, spectrum=None), noise_factor)
        return 1.0 + (own - 1.0) * few.num_rows / question.num_rows
    threshold = mean_square_critical_learning_rate(question.rows, noise_factor)
    norm = _fed_back(question, noise_factor).kernel_norm(threshold)
    return max(1.0, 1.0 / norm) if norm > 0 else 1.0


@kept
def _few_rows(problem: LeastSquares) -> LeastSquares:
    """Some rows of data that are not factored, in as many dimensions: all that their norms see."""
    n = problem.num_rows
    count = min(n, _FEW_ROWS)
    chosen = np.random.default_rng(0).choice(n, count, replace=False)
    values, vectors = np.linalg.eigh(problem.products.gram(np.sort(chosen)))
    rows = vectors * np.sqrt(np.maximum(values, 0.0))
    return LeastSquares(rows, np.zeros(count), ridge=problem.ridge * count / n)


@kept
def _drawn(problem: SampledLeastSquares) -> LeastSquares:
    """A sample, of so few rows that its decomposition takes a fraction of a second."""
    n, d = problem.shape
    most = max(2, int(_WORK / d / min(n, d)))
    return problem.replace(n=min(n, most), ridge=problem.ridge * min(n, most) / n).sample(seed=0)


def _fed_back(question: Question, noise_factor: float) -> Stability:
    """The theory's norms, of finite steps for batches: they make steps large, no fault of n."""
    small = noise_factor == 1.0 and question.method.twin is not None
    steps = SmallSteps if small else FiniteSteps
    return steps(question.system, noise_factor)


def _largest_leverage(left: Array) -> float:
    return float(np.einsum("ij,ij->i", left, left).max())


def _limiting_discrepancy(norm: float, excess: float) -> float:
    """(e−1)‖K‖²/(1−e‖K‖): what the theory page's estimate comes to in the limit."""
    heavier = norm * excess
    return (heavier - norm) * norm / (1.0 - heavier) if heavier < 1.0 else float("inf")


def _concerns(
    figures: dict[str, float], problem: LeastSquares, question: Question
) -> list[Concern]:
    found = _instability(figures)
    # Without noise there is nothing but one run.
    noisy = question.noise_factor > 0
    if noisy and figures["top_eigenvalue_share"] > _largest_top_share(problem):
        found.append(
            Concern(
                "dominant_eigenvalue",
                f"one eigenvalue carries {figures['top_eigenvalue_share']:.0%} of the trace, so "
                f"single runs do not concentrate on the theory: {_smaller_top(problem)} ask for "
                "means only (hsgd.exact_mean, or many runs)",
            )
        )
    if figures["row_norm_spread"] > LARGEST_ROW_SPREAD:
        found.append(
            Concern(
                "unequal_rows",
                f"the largest squared row norm is {figures['row_norm_spread']:.3g} times the "
                "median, so a few rows rule the noise: normalise the rows "
                "(from_data(..., normalise_rows=True)) or use hsgd.exact_mean",
            )
        )
    discrepancy, in_the_limit = figures["expected_discrepancy"], figures["asymptotic_discrepancy"]
    far = in_the_limit > LARGEST_DISCREPANCY or discrepancy > LARGEST_ON_THE_WAY
    if far and np.isfinite(discrepancy):
        size = "more than 10 times" if discrepancy > 10 else f"{discrepancy:.0%}"
        found.append(
            Concern(
                "finite_size",
                f"at n = {figures['num_rows']:.0f} SGD's mean risk is expected to be up to {size} "
                f"off the theory {_cause(figures, question)}, or use hsgd.exact_mean",
            )
        )
    return found


def _cause(figures: dict[str, float], question: Question) -> str:
    """Why SGD's mean is off, and the remedy."""
    if question.method.twin is not None and question.algorithm.largest_batch_size > 1:
        return (
            f"(a step takes the stiffest direction {2 * figures['curvature']:.0%} of its way): "
            "pass method='discrete', which counts that"
        )
    return (
        f"(SGD on these rows turns unstable at "
        f"{figures['mean_square_critical_learning_rate']:.4g}; hsgd.exact_stability says which "
        "rows are to blame): lower the learning rate"
    )


def times(rate: float, critical: float) -> str:
    """How a rate that is not below critical is told from it."""
    ratio = f"{rate / critical:.4g}"
    return "at the critical" if ratio == "1" else f"{ratio} times the critical"


def _largest_top_share(problem: LeastSquares) -> float:
    return max(LARGEST_TOP_SHARE, min(1.0, FEW_DIRECTIONS / problem.dimension))


def _instability(figures: dict[str, float]) -> list[Concern]:
    """What makes the risk diverge comes first; the rate it names is stable on the rows, too."""
    rate, critical = figures["learning_rate"], figures["critical_learning_rate"]
    on_rows = figures["mean_square_critical_learning_rate"]
    if rate >= critical:
        usual = 0.5 * critical <= 0.75 * on_rows
        stable, bound = (
            (critical, "critical")
            if usual
            else (on_rows, "the largest that is stable on these rows")
        )
        words = (
            f"the learning rate {rate:.6g} is {times(rate, critical)} "
            f"{critical:.6g}, so the risk diverges: write SGD(learning_rate={0.5 * stable:.6g}), "
            f"half of {bound}"
        )
        return [Concern("unstable", words)]
    if np.isinf(figures["expected_discrepancy"]):
        words = f"the theory is stable here, but {instability(rate, on_rows)}"
        return [Concern("finite_size", words)]
    return []


@kept
def _smaller_top(problem: LeastSquares) -> str:
    """What would make the largest eigenvalue smaller: centring, scaling, both, or neither."""
    if not problem.is_factorable:
        return "centre the data, scale the columns or take that direction out, or"
    table = problem.A if isinstance(problem.A, np.ndarray) else problem.A.toarray()
    centred = table - table.mean(axis=0)
    share = 1.0
    for words, changed in (
        ("centre the data, or", centred),
        ("scale the columns, or", _scaled(table)),
        ("centre the data and scale the columns, or", _scaled(centred)),
    ):
        share = _top_share(changed)
        if share <= _largest_top_share(problem):
            return words
    if np.allclose(_scaled(centred) * np.linalg.norm(table[:, 0]), table, rtol=1e-3, atol=1e-6):
        return "they are centred and scaled already, so"
    return (
        f"centring and columns of one scale leave {share:.0%}, so take that direction out "
        "(projected on it, columns that move together), or"
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


def _praise(figures: dict[str, float], title: str) -> str:
    spread = figures["row_norm_spread"]
    rows = f"rows are comparable (largest over median squared norm {spread:.3g}), "
    return (
        f"{title[0].upper()}{title[1:]} applies: the learning rate is "
        f"{figures['fraction_of_critical']:.3g} of critical, no direction dominates (top "
        f"eigenvalue share {figures['top_eigenvalue_share']:.1%}), "
        f"{'' if np.isnan(spread) else rows}and the discrepancy to expect at "
        f"n = {figures['num_rows']:.0f} is {figures['expected_discrepancy']:.2%}"
        f"{_pointer(figures['expected_discrepancy'])}."
    )


def _pointer(discrepancy: float) -> str:
    return "; hsgd.exact_mean is free of it" if discrepancy > NOTABLE_DISCREPANCY else ""
