"""The exact solution where kernel weights have any sign or phase: roots in the complex plane.

The equation in modes is a linear system, whose companion matrix diag(-rates) + (ones)(weights)' has
the resolvent's exponents as eigenvalues. `exact` finds these on the real line; here they lie
anywhere. Where roots nearly coincide the eigenvectors do too, and the error bound says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from volterra.arrays import EPS, Array, Complex
from volterra.companion.complex_roots import ComplexRoots, complex_roots
from volterra.companion.convolution import ComplexConvolution, complex_convolution
from volterra.exact.secular import NEGLIGIBLE, row_chunks
from volterra.kernels.exponentials import SumOfExponentials
from volterra.kernels.powers import SumOfPowers, check_iterations
from volterra.kernels.sums import Sum
from volterra.question import Method, Question
from volterra.refusals import other_forcing
from volterra.solution import Forcing, evaluate_forcing

_MOST_MODES = 1_500
_WORTHWHILE_MODES = 300  # the eigenvalues of more take longer than other methods


@dataclass(frozen=True, eq=False)
class CompanionTrajectory:
    """y (or an observation of it) as an explicit sum of complex exponentials or powers."""

    kernel: Sum
    forcing: Sum
    convolution: ComplexConvolution
    added: Forcing | None
    work: Mapping[str, int] = field(default_factory=dict)

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and error bounds; at t = 0 the integral is zero and the value is exact."""
        if isinstance(self.kernel, SumOfPowers):
            check_iterations(t)
        value, error = self.convolution.evaluate(t)
        extra = evaluate_forcing(self.added, t)
        start = t == 0
        value[start] = 0.0 if self.added is not None or self.observed else self.forcing(t[start])
        error[start] = EPS * np.abs(value[start])
        return value + extra, error + 4 * EPS * np.abs(extra)

    @property
    def observed(self) -> bool:
        """Whether this is an observation, without the forcing of y."""
        return not np.any(self.convolution.single.own)

    def observe(self, weights: Array, forcing: Forcing | None) -> CompanionTrajectory:
        """Observation Σ_j v_j ∫ e^{−r_j (t−s)} y(s) ds: the same roots, other residues."""
        rates, w, v = _poles(self.kernel, weights)
        roots = complex_roots(rates, w)
        convolution = _convolve(self.forcing, self.kernel, roots, v)
        return CompanionTrajectory(self.kernel, self.forcing, convolution, forcing, _work(roots))


def solve_companion(forcing: Sum, kernel: Sum) -> CompanionTrajectory:
    """Solve y = f + K * y for sums of exponentials, or of powers, of any sign or phase.

    Parameters
    ----------
    forcing
        f, of the kernel's kind.
    kernel
        K, with at most 1500 modes, both members of a conjugate pair counted.

    Returns
    -------
    CompanionTrajectory
        Costs 25 modes³ operations once, then modes + terms per time.

    Raises
    ------
    ValueError
        If the kernel has too many modes.
    """
    roots = complex_roots(*complex_poles(kernel))
    convolution = _convolve(forcing, kernel, roots, None)
    return CompanionTrajectory(kernel, forcing, convolution, None, _work(roots))


def _work(roots: ComplexRoots) -> dict[str, int]:
    return {"roots": roots.shift.size, "root_sweeps": roots.sweeps}


def _convolve(
    forcing: Sum, kernel: Sum, roots: ComplexRoots, v: Complex | None
) -> ComplexConvolution:
    rates, weights, _ = expand(forcing, None)
    residue, error = roots.residue, roots.residue_error
    if v is not None:
        residue, error = _observed_residues(roots, v)
    return complex_convolution(
        roots,
        residue,
        error,
        rates,
        weights,
        powers=isinstance(kernel, SumOfPowers),
        with_forcing=v is None,
    )


def _observed_residues(roots: ComplexRoots, v: Complex) -> tuple[Complex, Array]:
    # notation: G_k = g_k Σ_j v_j / D, D = rate_j − x_k
    G, error = np.empty_like(roots.residue), np.empty(roots.residue.size)
    relative = EPS * (6.0 + np.log2(1 + v.size))
    # Where rates span more than a hundred decades a root may fall on its rate, to all digits.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        for part in row_chunks(v.size, v.size):
            inverse = 1.0 / roots.differences(roots.rates, part)
            size = np.abs(inverse)
            g = roots.residue[part]
            G[part] = g * (inverse @ v)
            bound, slope = size @ np.abs(v), size**2 @ np.abs(v)
            error[part] = (roots.residue_error[part] + relative * np.abs(g)) * bound
            error[part] += np.abs(g) * slope * roots.root_error[part]
    known = np.isfinite(G) & np.isfinite(error)
    return np.where(known, G, 0.0), np.where(known, error, np.inf)


def complex_poles(kernel: Sum) -> tuple[Complex, Complex]:
    """Distinct rates and weights, of which there must not be too many for a dense matrix."""
    rates, w, _ = _poles(kernel, None)
    if rates.size > _MOST_MODES:
        raise ValueError(
            f"the companion matrix may have at most {_MOST_MODES} modes, and {rates.size} would "
            f"take {16e-9 * rates.size**2:.1f} GB and its eigenvalues many minutes: merge nearly "
            "equal rates, or solve with method='auto'."
        )
    return rates, w


def _poles(kernel: Sum, v: Array | None) -> tuple[Complex, Complex, Complex]:
    """Distinct rates, kernel weights and observation weights; observed modes are never dropped.

    As in the exact method, an observed mode of weight zero gets a weight that changes nothing.
    """
    rates, w, observed = expand(kernel, v)
    total = float(np.sum(np.abs(w)))
    floor = NEGLIGIBLE * (total if total > 0 else 1.0)
    keep = (np.abs(w) > floor) | (observed != 0)
    w = np.where(np.abs(w) > floor, w, floor)
    return rates[keep], w[keep], observed[keep]


def one_of_each_pair(
    terms: Sum, v: Array | None
) -> tuple[Array | Complex, Array | Complex, Array | Complex]:
    """Rates, weights and observation weights whose real parts make the sum; real if they are."""
    rates, weights, observed = expand(terms, v)
    keep = rates.imag >= 0
    factor = np.where(rates.imag[keep] > 0, 2.0, 1.0)
    arrays = rates[keep], weights[keep] * factor, observed[keep] * factor
    if any(np.any(a.imag) for a in arrays):
        return arrays
    return arrays[0].real.copy(), arrays[1].real.copy(), arrays[2].real.copy()


def expand(terms: Sum, v: Array | None) -> tuple[Complex, Complex, Complex]:
    """Distinct complex rates, closed under conjugation, with summed weights, and v likewise."""
    rates = np.append(terms.rates, 0.0).astype(np.complex128)
    weights = np.append(terms.weights, terms.constant).astype(np.complex128)
    observed = np.zeros_like(weights)
    if v is not None:
        observed[:-1] = v
    both = 0.5 * np.stack([weights, observed])
    rates = np.concatenate([rates, rates.conj()])
    both = np.concatenate([both, both.conj()], axis=1)
    distinct, label = np.unique(rates, return_inverse=True)
    summed = np.zeros((2, distinct.size), np.complex128)
    np.add.at(summed.T, label, both.T)
    used = np.any(summed != 0, axis=0)
    return distinct[used], summed[0, used], summed[1, used]


# --------------------------------------------------------------------------- the method


def _worthwhile(question: Question) -> bool:
    """If it is as accurate as asked for, which it is not where roots nearly coincide.

    Relative to the largest y so far: near a zero of y other methods do no better.
    """
    kernel = question.kernel
    assert isinstance(kernel, Sum)
    if kernel.rates.size > _WORTHWHILE_MODES:
        return False
    y, error = _run(question).evaluate(question.t)
    scale = np.maximum.accumulate(np.abs(y))
    return not np.any(error > question.rtol * scale + question.atol)


def _run(question: Question) -> CompanionTrajectory:
    forcing, kernel = question.forcing, question.kernel
    assert isinstance(forcing, Sum)
    assert isinstance(kernel, Sum)
    return solve_companion(forcing, kernel)


METHOD = Method(
    name="companion",
    kernels=(SumOfExponentials, SumOfPowers),
    run=_run,
    refusal=other_forcing,
    worthwhile=_worthwhile,
)
