"""The exact solution for a kernel and a forcing that are sums of exponentials, or of powers.

The resolvent of K(tau) = sum_j w_j exp(-r_j tau), w_j > 0, is again such a sum, with the secular
roots as rates and positive weights, so that y = f + R * f is a finite sum of exponentials: exact
at every t, without a time step, at a cost that does not know the horizon. For a positive forcing
every term is positive, hence nothing cancels. The difference equation with the ratios 1 - r_j has
the same resolvent, with the powers (1 - x_k)^m in the place of the exponentials.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from volterra.exact.residues import Convolution, Residues, convolve
from volterra.exact.secular import EPS, SecularRoots, secular_roots
from volterra.kernels.exponentials import SumOfExponentials
from volterra.kernels.exponents import Reading, of_exponentials, of_powers
from volterra.kernels.powers import SumOfPowers, check_iterations
from volterra.solution import Forcing, evaluate_forcing

Array = NDArray[np.float64]
Sum = SumOfExponentials | SumOfPowers

# A weight this small relative to the sum acts on nothing; as zero it keeps 1/shift^3 finite.
_NEGLIGIBLE = 1e-40


@dataclass(frozen=True, eq=False)
class ExactTrajectory:
    """y (or an observation of it) as an explicit sum of exponentials, plus a given function."""

    kernel: Sum
    forcing: Sum
    roots: SecularRoots
    convolution: Convolution
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
        """Observation sum_j v_j integral e^{-r_j (t-s)} y(s) ds: the same roots, other residues.

        For powers the sum over j and s < k of v_j q_j^(k-1-s) y_s.
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
    forcing : SumOfExponentials or SumOfPowers
        f, any signs, of the kernel's kind.
    kernel : SumOfExponentials or SumOfPowers
        K, weights >= 0.
    deviation : float
        |true K - K| <= deviation * K; what that does to y, to first order, joins its error.

    Returns
    -------
    ExactTrajectory
        Costs modes * (modes + terms) operations once, then modes + terms per time.

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
    keep = modes.weights > _NEGLIGIBLE * np.sum(modes.weights)
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


def resolvent_residues(roots: SecularRoots) -> Residues:
    """Residues of the resolvent itself."""
    g, relative = roots.residue, 3.0 + np.log2(1 + roots.shift.size)
    return Residues(g, relative * g, g, roots.residue_slope)


def observation_residues(roots: SecularRoots, v: Array) -> Residues:
    """Residues of the observation with weights `v`."""
    # notation: G_k = g_k sum_j v_j / D, D = rate_j - x_k
    g, relative = roots.residue, 3.0 + np.log2(1 + roots.shift.size)
    signed, positive, absolute, squared = roots.pole_sums(v)
    if not roots.positive:
        slope = roots.residue_slope * absolute - g * squared * roots.root_slope
        return Residues(g * signed, relative * g * absolute, g * absolute, slope)
    slope = roots.residue_slope * positive + g * squared * roots.root_slope
    return Residues(g * signed, relative * g * absolute, g * positive, slope)


def roots_for_observation(
    rates: Array, weights: Array, v: Array, positive: bool, deviation: float
) -> tuple[SecularRoots, NDArray[np.bool_]]:
    """Roots of a kernel in which every observed mode has at least a vanishing weight.

    An observed mode of weight zero is a pole of the observation but not of the kernel. A weight of
    1e-40 of the total gives it a root of its own, next to its rate, and changes nothing else; all
    formulas then hold as they stand, resonances included.
    """
    total = float(np.sum(weights))
    reference = total if total > 0 else float(rates[-1] if rates.size and rates[-1] > 0 else 1.0)
    floor = _NEGLIGIBLE * reference
    keep = (weights > floor) | (v != 0)
    raised = np.maximum(weights[keep], floor)
    roots = secular_roots(rates[keep], raised, positive=positive, deviation=deviation)
    return roots, keep


def _forcing_terms(forcing: Sum) -> tuple[Array, Array]:
    """Distinct rates with nonzero weights; only equal rates are merged, for weights may cancel."""
    rates, label = np.unique(np.append(forcing.rates, 0.0), return_inverse=True)
    weights = np.bincount(label, weights=np.append(forcing.weights, forcing.constant))
    used = weights != 0
    return rates[used], weights[used]


def _work(roots: SecularRoots, rates: Array, convolution: Convolution) -> dict[str, int]:
    return {
        "roots": roots.shift.size,
        "root_iterations": roots.iterations,
        "forcing_terms": rates.size,
        "resonant_pairs": convolution.resonant.weight.size,
    }
