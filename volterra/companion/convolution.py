"""Convolve the complex resolvent of `complex_roots` with a forcing, with absolute error bounds.

The same divided differences as in `exact.resonances`, in complex arithmetic: nothing is positive
here, so all errors are bounded by absolute values, term by term.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from volterra.arrays import EPS, Array, Complex, Mask
from volterra.companion.complex_roots import ComplexRoots
from volterra.companion.oscillations import Oscillations, oscillations
from volterra.exact.resonances import RESONANT
from volterra.kernels.exponents import log1p, regrown

_FEW_PAIRS = 2_500  # so few pairs are all kept as pairs: nothing cancels then
_GONE = 800.0  # exp(−800) is zero; the exponential of more, times infinity, would be NaN
_CHUNK = 200_000


@dataclass(frozen=True, eq=False)
class ComplexTerms:
    """Single oscillations, of the forcing and of the resolvent, with their coefficients.

    Attributes
    ----------
    functions
        The oscillations.
    value, own
        Coefficients in the convolution, and in the forcing itself.
    spread
        Absolute errors of `value`.
    """

    functions: Oscillations
    value: Complex
    own: Complex
    spread: Array

    def evaluate(self, t: Array, growth: float) -> tuple[Complex, Array]:
        """Values and error bounds at times `t`, all multiplied by exp(−growth t)."""
        decay, time = self.functions.decay, t[:, None]
        power = time * (decay + growth)
        # The convolution vanishes at t = 0, so that its coefficients sum to zero, and a one taken
        # out of every exponential changes nothing: while nothing has happened yet, exp − 1 keeps
        # the digits that a sum of nearly equal exponentials would lose.
        early = t * np.max(np.abs(decay), initial=0.0) <= 1.0
        plain = np.where(power.real < _GONE, np.exp(-power), 0.0)
        basis = np.where(early[:, None], np.expm1(-power + time * growth), plain)
        basis[early] *= np.exp(-growth * t[early])[:, None]
        size = np.abs(basis)
        own = np.abs(self.own)
        rounding = size @ self.spread + np.abs(plain) @ (8 * EPS * own)
        # An exponential carries the errors of its exponent, relative to itself.
        moved = EPS * np.abs(power) + time * self.functions.blur
        rounding += np.einsum("ij,ij,j->i", np.abs(plain), moved, np.abs(self.value) + own)
        return basis @ self.value + plain @ self.own, rounding


@dataclass(frozen=True, eq=False)
class ComplexPairs:
    """Nearly resonant pairs of an oscillation of the forcing and one of the resolvent.

    Attributes
    ----------
    slow, fast
        The slower and the faster of each two.
    distance, apart
        Differences fast − slow of the rates and of the decays, the same for exponentials.
    weight, spread
        The pairs' coefficients and their absolute errors.
    """

    slow: Oscillations
    fast: Oscillations
    distance: Complex
    apart: Complex
    weight: Complex
    spread: Array

    def evaluate(self, t: Array, growth: float) -> tuple[Complex, Array]:
        """Sums of exp(−slow t) (1 − exp(−apart t))/distance, multiplied by exp(−growth t)."""
        if self.weight.size == 0:
            return np.zeros(t.size, np.complex128), np.zeros(t.size)
        time = t[:, None]
        z = time * self.apart
        # Where the two coincide, the difference quotient of the powers q^t is t q^(t−1).
        h = np.where(self.distance == 0, time / self.slow.ratio, -np.expm1(-z) / self.distance)
        power = time * (self.slow.decay + growth)
        decay = np.where(power.real < _GONE, np.exp(-power), 0.0)
        phi = decay * h
        # |phi| ≤ bound; its derivative by the slow decay is at most t bound, that by the fast one
        # (phi − t exp(−fast t)) / distance, for then little is left of the fast one.
        size = np.abs(self.distance)
        longest = np.minimum(time / np.abs(self.slow.ratio), 2.0 / size)
        left = time * np.exp(-time * np.maximum(self.apart.real, 0.0))
        brief = np.minimum(time, (left / longest + np.abs(self.fast.ratio)) / size)
        moved = EPS * (8.0 + np.abs(power)) + time * self.slow.blur + brief * self.fast.blur
        moved[t == 0] = 0.0
        bound = np.abs(decay) * longest
        rounding = bound @ self.spread + np.einsum("ij,ij,j->i", bound, moved, np.abs(self.weight))
        return phi @ self.weight, rounding


@dataclass(frozen=True, eq=False)
class ComplexConvolution:
    """Real part of Σ_k G_k exp(−x_k t) convolved with Σ_i a_i exp(−σ_i t), plus own terms."""

    growth: float
    single: ComplexTerms
    resonant: ComplexPairs

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and absolute error bounds; infinite where they overflow."""
        value, error = np.empty_like(t), np.empty_like(t)
        step = max(1, _CHUNK // max(1, self.single.value.size + self.resonant.weight.size))
        for start in range(0, t.size, step):
            part = slice(start, start + step)
            with np.errstate(all="ignore"):
                value[part], error[part] = self._evaluate(t[part])
        return value, error

    def _evaluate(self, t: Array) -> tuple[Array, Array]:
        values, errors = self.single.evaluate(t, self.growth)
        pair_values, pair_errors = self.resonant.evaluate(t, self.growth)
        value = (values + pair_values).real
        error = errors + pair_errors + EPS * np.abs(value) * (2.0 + self.growth * t)
        value, error = regrown(value, self.growth, t), regrown(error, self.growth, t)
        good = np.isfinite(value)
        return value, np.where(good & ~np.isnan(error), error, np.inf)


def complex_convolution(
    roots: ComplexRoots,
    residue: Complex,
    residue_error: Array,
    rates: Complex,
    weights: Complex,
    *,
    powers: bool,
    with_forcing: bool,
) -> ComplexConvolution:
    """Split G * f into single oscillations and nearly resonant pairs; costs modes · terms.

    Parameters
    ----------
    roots
        The exponents x_k of G.
    residue, residue_error
        G_k, and bounds on their absolute errors.
    rates, weights
        σ_i and a_i of the forcing.
    powers
        Whether both are powers (1 − rate)^t, not exponentials.
    with_forcing
        Whether f itself is added to G * f.
    """
    # notation: G, dG the residues' sizes and errors
    ours = oscillations(roots.root, roots.root_error, powers=powers)
    theirs = oscillations(rates, np.zeros(rates.size), powers=powers)
    difference = (roots.origin - rates[:, None]) + roots.shift
    resonant = np.abs(roots.residue) > RESONANT * np.abs(difference)
    resonant |= difference.size <= _FEW_PAIRS
    count = 4.0 + np.log2(1 + roots.shift.size + rates.size)
    G = np.abs(residue)
    dG = residue_error + count * EPS * G
    value, spread = _split(difference, resonant, weights, residue, dG, roots.root_error, count)
    own = np.concatenate([weights * with_forcing, np.zeros(roots.shift.size)])
    i, k = np.nonzero(resonant)
    slow, fast, distance, apart = _ordered(
        theirs.take(i), ours.take(k), difference[i, k], powers=powers
    )
    decays = np.concatenate([theirs.decay.real, ours.decay.real, [0.0]])
    return ComplexConvolution(
        growth=max(0.0, -float(np.min(decays))),
        single=ComplexTerms(theirs.followed_by(ours), value, own, spread),
        resonant=ComplexPairs(
            slow, fast, distance, apart, weights[i] * residue[k], np.abs(weights)[i] * dG[k]
        ),
    )


def _split(
    difference: Complex,
    resonant: Mask,
    weights: Complex,
    residue: Complex,
    residue_error: Array,
    root_error: Array,
    count: float,
) -> tuple[Complex, Array]:
    """Coefficients, and their errors, at the rates and then at the roots, of what is not a pair.

    (exp(−σ t) − exp(−x t)) / (x − σ) is one term at the rate σ and one at the root x, and either
    is summed over all that it meets.
    """
    # notation: c = 1/(root − rate), zero for resonant pairs; dx, dG the errors of root, residue
    c = np.where(resonant, 0.0, 1.0 / np.where(difference == 0, 1.0, difference))
    size, a, G = np.abs(c), np.abs(weights), np.abs(residue)
    dG, dx = residue_error, root_error
    # A root that moves by dx changes c by c² dx.
    with np.errstate(invalid="ignore"):  # infinite errors, where roots coincide
        at_rates = a * (size @ dG + size**2 @ (G * dx))
        at_roots = (a @ size) * dG + (a @ size**2) * G * dx
    value = np.concatenate([weights * (c @ residue), -(weights @ c) * residue])
    rounding = np.concatenate([a * (size @ G), (a @ size) * G])
    return value, np.concatenate([at_rates, at_roots]) + count * EPS * rounding


def _ordered(
    theirs: Oscillations, ours: Oscillations, gap: Complex, *, powers: bool
) -> tuple[Oscillations, Oscillations, Complex, Complex]:
    """Which of each pair is slower, which faster, and how far the rates and the decays are apart.

    A divided difference does not change if its two points are swapped. With the slower one taken
    out the rest, 1 − exp(−apart t), stays bounded.
    """
    swap = ours.decay.real < theirs.decay.real
    slow, fast = theirs.where(~swap, ours), ours.where(~swap, theirs)
    distance = np.where(swap, -gap, gap)
    if not powers:
        return slow, fast, distance, distance
    with np.errstate(all="ignore"):
        apart = -log1p(-distance / slow.ratio)
    # A decay that leaves nothing after one step need not be infinite.
    return slow, fast, distance, np.minimum(apart.real, _GONE) + 1j * apart.imag
