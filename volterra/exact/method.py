"""The exact solution for a kernel and a forcing that are sums of exponentials, or of powers.

The resolvent of K(τ) = Σ_j w_j exp(−r_j τ), w_j > 0, is again such a sum, with the secular
roots as rates and positive weights, so that y = f + R * f is a finite sum of exponentials: exact
at every t, without a time step, at a cost that does not know the horizon. For a positive forcing
every term is positive, hence nothing cancels. The difference equation with the ratios 1 − r_j has
the same resolvent, with the powers (1 − x_k)^m in the place of the exponentials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from volterra.arrays import EPS, Array
from volterra.exact.convolution import RealConvolution, convolve
from volterra.exact.residues import (
    observation_residues,
    resolvent_residues,
    roots_for_observation,
)
from volterra.exact.secular import NEGLIGIBLE, SecularRoots, secular_roots
from volterra.kernels.exponentials import SumOfExponentials
from volterra.kernels.exponents import Reading, of_exponentials, of_powers
from volterra.kernels.powers import SumOfPowers, check_iterations
from volterra.kernels.sums import Sum
from volterra.question import Method, Question
from volterra.refusals import complex_forcing, complex_kernel, other_forcing
from volterra.solution import Forcing, evaluate_forcing

# The method costs the square of the number of modes; beyond this, stepping is cheaper.
_MANY_MODES = 8_000


@dataclass(frozen=True, eq=False)
class ExactTrajectory:
    """y (or an observation of it) as an explicit sum of exponentials, plus a given function."""

    kernel: Sum
    forcing: Sum
    roots: SecularRoots
    convolution: RealConvolution
    added: Forcing | None
    added_at_zero: Callable[[Array], Array]
    deviation: float = 0.0
    work: Mapping[str, int] = field(default_factory=dict)

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and error bounds; at t = 0 the integral is zero and the value is exact."""
        if isinstance(self.kernel, SumOfPowers):
            check_iterations(t)
        start = t == 0
        value, error = np.zeros_like(t), np.zeros_like(t)
        value[~start], error[~start] = self.convolution.evaluate(t[~start])
        value[start] = self.added_at_zero(t[start])
        error[start] = EPS * np.abs(value[start])
        if self.added is not None:
            extra = evaluate_forcing(self.added, t)
            value = np.where(start, value, value + extra)
            error = error + 4 * EPS * np.abs(extra)
        return value, error

    def observe(self, weights: Array, forcing: Forcing | None) -> ExactTrajectory:
        """Observation Σ_j v_j ∫ e^{−r_j (t−s)} y(s) ds: the same roots, other residues.

        For powers Σ_(j, s<k) v_j q_j^(k−1−s) y_s.
        """
        return _observe(self, weights, forcing)

    def forced_by(self, forcing: Sum) -> ExactTrajectory:
        """The solution with another forcing: the same roots and residues."""
        return _respond(forcing, self.kernel, self.roots, self.deviation)

    def with_deviation(self, deviation: float) -> ExactTrajectory:
        """The solution with a kernel known to another deviation."""
        if deviation == self.deviation:
            return self
        return solve_exact(self.forcing, self.kernel, deviation=deviation)


def solve_exact(forcing: Sum, kernel: Sum, *, deviation: float = 0.0) -> ExactTrajectory:
    """Solve y = f + K * y for sums of exponentials, or for sums of powers.

    Parameters
    ----------
    forcing
        f, any signs, of the kernel's kind.
    kernel
        K, weights ≥ 0.
    deviation
        |true K − K| ≤ deviation · K; what that does to y, to first order, joins its error.

    Returns
    -------
    ExactTrajectory
        Costs modes · (modes + terms) operations once, then modes + terms per time.

    Raises
    ------
    ValueError
        If a kernel weight is negative.
    """
    require_positive(kernel)
    positive = _reading(forcing, kernel)[1]
    roots = secular_roots(*distinct_positive(kernel), positive=positive, deviation=deviation)
    return _respond(forcing, kernel, roots, deviation)


def _respond(forcing: Sum, kernel: Sum, roots: SecularRoots, deviation: float) -> ExactTrajectory:
    reading, _ = _reading(forcing, kernel)
    rates, weights = _forcing_terms(forcing)
    residues = resolvent_residues(roots)
    convolution = convolve(roots, residues, rates, weights, reading=reading, own=weights)
    work = _work(roots, rates, convolution)
    return ExactTrajectory(
        kernel, forcing, roots, convolution, None, forcing, deviation=deviation, work=work
    )


def distinct_positive(kernel: Sum) -> tuple[Array, Array]:
    """Distinct ascending rates whose weights are not negligible, and these."""
    modes = kernel.modes()
    keep = modes.weights > NEGLIGIBLE * np.sum(modes.weights)
    return modes.rates[keep], modes.weights[keep]


def _reading(forcing: Sum, kernel: Sum) -> tuple[Reading, bool]:
    """How rates become functions of time, and whether all of these are positive."""
    if isinstance(kernel, SumOfExponentials):
        return of_exponentials, True
    return of_powers, not any(np.any(terms.rates > 1) for terms in (forcing, kernel))


def require_positive(kernel: Sum) -> None:
    """Refuse kernels whose secular roots need not be real."""
    if not kernel.is_positive:
        raise ValueError(
            "the exact method needs kernel weights >= 0, because only then all roots are real; "
            "pass method='companion' for weights of either sign."
        )


def _observe(source: ExactTrajectory, weights: Array, added: Forcing | None) -> ExactTrajectory:
    # notation: v observation weights per distinct rate
    kernel, forcing, deviation = source.kernel, source.forcing, source.deviation
    modes = kernel.modes()
    v = modes.collect(weights)
    reading, positive = _reading(forcing, kernel)
    roots, keep = roots_for_observation(modes.rates, modes.weights, v, positive, deviation)
    rates, amplitudes = _forcing_terms(forcing)
    residues = observation_residues(roots, v[keep])
    none = np.zeros_like(amplitudes)
    convolution = convolve(roots, residues, rates, amplitudes, reading=reading, own=none)

    def at_zero(t: Array) -> Array:
        return evaluate_forcing(added, t)

    work = _work(roots, rates, convolution)
    return ExactTrajectory(
        kernel, forcing, roots, convolution, added, at_zero, deviation=deviation, work=work
    )


def _forcing_terms(forcing: Sum) -> tuple[Array, Array]:
    """Distinct rates with nonzero weights; only equal rates are merged, for weights may cancel."""
    rates, label = np.unique(np.append(forcing.rates, 0.0), return_inverse=True)
    weights = np.bincount(label, weights=np.append(forcing.weights, forcing.constant))
    used = weights != 0
    return rates[used], weights[used]


def _work(roots: SecularRoots, rates: Array, convolution: RealConvolution) -> dict[str, int]:
    return {
        "roots": roots.shift.size,
        "root_iterations": roots.iterations,
        "forcing_terms": rates.size,
        "resonant_pairs": convolution.resonant.weight.size,
    }


# --------------------------------------------------------------------------- the method


def _refusal(question: Question) -> str:
    return other_forcing(question) or complex_kernel(question) or complex_forcing(question)


def _worthwhile(question: Question) -> bool:
    kernel = question.kernel
    assert isinstance(kernel, Sum)
    modes = kernel.rates.size
    few = modes <= _MANY_MODES or (isinstance(kernel, SumOfPowers) and question.t[-1] > modes)
    return kernel.is_positive and few


def _run(question: Question) -> ExactTrajectory:
    forcing, kernel = question.forcing, question.kernel
    assert isinstance(forcing, Sum)
    assert isinstance(kernel, Sum)
    return solve_exact(forcing, kernel)


METHOD = Method(
    name="exact",
    kernels=(SumOfExponentials, SumOfPowers),
    run=_run,
    refusal=_refusal,
    worthwhile=_worthwhile,
)
