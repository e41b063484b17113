"""Convolve the complex resolvent of `complex_roots` with a forcing, with absolute error bounds.

The same divided differences as in `resolvent`, in complex arithmetic: nothing is positive here, so
all errors are bounded by absolute values, term by term.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from volterra.companion.complex_roots import ComplexRoots
from volterra.exact.secular import EPS
from volterra.kernels.exponents import log1p

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]

_RESONANT = 0.5  # a pair with residue / |root - rate| above this is kept as a pair
_FEW_PAIRS = 2_500  # so few pairs are all kept as pairs: nothing cancels then
_SMALLEST_RATIO = 1e-15
_CHUNK = 200_000


@dataclass(frozen=True, eq=False)
class Oscillations:
    """Functions exp(-decay t): `blur` is their relative error per unit of time."""

    rate: Complex
    decay: Complex
    blur: Array
    ratio: Complex

    def take(self, index: NDArray[np.intp]) -> Oscillations:
        """Those at the given positions."""
        return Oscillations(
            self.rate[index], self.decay[index], self.blur[index], self.ratio[index]
        )

    def where(self, mask: NDArray[np.bool_], other: Oscillations) -> Oscillations:
        """These where the mask holds, the others elsewhere."""
        return Oscillations(
            np.where(mask, self.rate, other.rate),
            np.where(mask, self.decay, other.decay),
            np.where(mask, self.blur, other.blur),
            np.where(mask, self.ratio, other.ratio),
        )


def oscillations(rate: Complex, error: Array, *, powers: bool) -> Oscillations:
    """Functions exp(-rate t), or powers (1 - rate)^t, of rates with a given absolute error."""
    if not powers:
        return Oscillations(rate, rate, error + EPS * np.abs(rate), np.ones_like(rate))
    ratio = 1.0 - rate
    size = np.abs(ratio)
    small = size < _SMALLEST_RATIO
    ratio = np.where(small, _SMALLEST_RATIO, ratio)
    decay = np.where(small, -np.log(_SMALLEST_RATIO), -log1p(-rate))
    error = error + 2 * EPS * np.abs(rate) + 2 * _SMALLEST_RATIO * small
    return Oscillations(rate, decay, error / np.abs(ratio), ratio)


@dataclass(frozen=True, eq=False)
class ComplexConvolution:
    """Real part of sum_k G_k exp(-x_k t) convolved with sum_i a_i exp(-sigma_i t), plus own terms.

    `single` are the terms exp(-decay t) with coefficients `value` (of the convolution), `own` (of
    the forcing itself) and `spread` (absolute error, times exp); `moving` multiplies t times the
    blur. Nearly resonant pairs are rows of `slow`, `distance`, `weight`.
    """

    growth: float
    single: Oscillations
    value: Complex
    own: Complex
    spread: Array
    slow: Oscillations
    distance: Complex
    apart: Complex
    weight: Complex
    pair_spread: Array
    fast: Oscillations

    def evaluate(self, t: Array) -> tuple[Array, Array]:
        """Values and absolute error bounds; infinite where they overflow."""
        value, error = np.empty_like(t), np.empty_like(t)
        step = max(1, _CHUNK // max(1, self.value.size + self.weight.size))
        for start in range(0, t.size, step):
            part = slice(start, start + step)
            with np.errstate(all="ignore"):
                value[part], error[part] = self._evaluate(t[part])
        return value, error

    def _evaluate(self, t: Array) -> tuple[Array, Array]:
        values, errors = self._single(t)
        pair_values, pair_errors = self._pairs(t)
        value = (values + pair_values).real
        error = errors + pair_errors + EPS * np.abs(value) * (2.0 + self.growth * t)
        factor = np.exp(0.5 * self.growth * t)
        value = np.where(value == 0, 0.0, value * factor * factor)
        error = np.where(error == 0, 0.0, error * factor * factor)
        good = np.isfinite(value)
        return value, np.where(good & ~np.isnan(error), error, np.inf)

    def _single(self, t: Array) -> tuple[Complex, Array]:
        single, time = self.single, t[:, None]
        power = time * (single.decay + self.growth)
        # While nothing has happened yet exp - 1 keeps the digits of a convolution that is small.
        early = t * np.max(np.abs(single.decay), initial=0.0) <= 1.0
        plain = np.where(power.real < 800.0, np.exp(-power), 0.0)
        basis = np.where(early[:, None], np.expm1(-power + time * self.growth), plain)
        basis[early] *= np.exp(-self.growth * t[early])[:, None]
        size = np.abs(basis)
        own = np.abs(self.own)
        rounding = size @ self.spread + np.abs(plain) @ (8 * EPS * own)
        moved = EPS * np.abs(power) + time * single.blur
        rounding += np.einsum("ij,ij,j->i", np.abs(plain), moved, np.abs(self.value) + own)
        return basis @ self.value + plain @ self.own, rounding

    def _pairs(self, t: Array) -> tuple[Complex, Array]:
        """Pairs exp(-slow t) (1 - exp(-apart t)) / distance."""
        if self.weight.size == 0:
            return np.zeros(t.size, np.complex128), np.zeros(t.size)
        time = t[:, None]
        z = time * self.apart
        h = np.where(self.distance == 0, time / self.slow.ratio, -np.expm1(-z) / self.distance)
        power = time * (self.slow.decay + self.growth)
        decay = np.where(power.real < 800.0, np.exp(-power), 0.0)
        phi = decay * h
        # |phi| <= bound; its derivative by the slow decay is at most t bound, that by the fast one
        # (phi - t exp(-fast t)) / distance, for then little is left of the fast one.
        size = np.abs(self.distance)
        longest = np.minimum(time / np.abs(self.slow.ratio), 2.0 / size)
        left = time * np.exp(-time * np.maximum(self.apart.real, 0.0))
        brief = np.minimum(time, (left / longest + np.abs(self.fast.ratio)) / size)
        moved = EPS * (8.0 + np.abs(power)) + time * self.slow.blur + brief * self.fast.blur
        moved[t == 0] = 0.0
        bound = np.abs(decay) * longest
        rounding = bound @ self.pair_spread + np.einsum(
            "ij,ij,j->i", bound, moved, np.abs(self.weight)
        )
        return phi @ self.weight, rounding


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
    """Split G * f into single exponentials and nearly resonant pairs; costs modes * terms."""
    # notation: c = 1 / (root - rate), zero for resonant pairs; dx, dG the errors of root, residue
    ours = oscillations(roots.root, roots.root_error, powers=powers)
    theirs = oscillations(rates, np.zeros(rates.size), powers=powers)
    difference = (roots.origin - rates[:, None]) + roots.shift
    resonant = np.abs(roots.residue) > _RESONANT * np.abs(difference)
    resonant |= difference.size <= _FEW_PAIRS
    c = np.where(resonant, 0.0, 1.0 / np.where(difference == 0, 1.0, difference))
    size, a, G = np.abs(c), np.abs(weights), np.abs(residue)
    count = 4.0 + np.log2(1 + roots.shift.size + rates.size)
    dG, dx = residue_error + count * EPS * G, roots.root_error
    with np.errstate(invalid="ignore"):  # infinite errors, where roots coincide
        at_rate_spread = a * (size @ dG + size**2 @ (G * dx))
        at_root_spread = (a @ size) * dG + (a @ size**2) * G * dx
    i, k = np.nonzero(resonant)
    near, far = theirs.take(i), ours.take(k)
    swap = far.decay.real < near.decay.real
    gap = difference[i, k]
    slow, fast = near.where(~swap, far), far.where(~swap, near)
    distance = np.where(swap, -gap, gap)
    apart: Complex = distance
    if powers:
        with np.errstate(all="ignore"):
            apart = -log1p(-distance / slow.ratio)
        # A decay that leaves nothing after one step need not be infinite.
        apart = np.minimum(apart.real, 800.0) + 1j * apart.imag
    decays = np.concatenate([theirs.decay.real, ours.decay.real, [0.0]])
    return ComplexConvolution(
        growth=max(0.0, -float(np.min(decays))),
        single=Oscillations(
            *(
                np.concatenate([getattr(theirs, name), getattr(ours, name)])
                for name in ("rate", "decay", "blur", "ratio")
            )
        ),
        value=np.concatenate([weights * (c @ residue), -(weights @ c) * residue]),
        own=np.concatenate([weights * with_forcing, np.zeros(roots.shift.size)]),
        spread=np.concatenate([at_rate_spread, at_root_spread])
        + count * EPS * np.concatenate([a * (size @ G), (a @ size) * G]),
        slow=slow,
        distance=distance,
        apart=apart,
        weight=weights[i] * residue[k],
        pair_spread=a[i] * dG[k],
        fast=fast,
    )
