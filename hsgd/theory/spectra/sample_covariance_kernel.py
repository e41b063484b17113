"""The inner loops of `sample_covariance`, compiled: sums over all eigenvalues for each point."""

from __future__ import annotations

import math

from hsgd.checks import Array
from volterra.compiling import compiled


@compiled
def sums(u: Array, lam: Array, strength: Array, power: int, out: Array) -> None:
    """Σ_i strength_i/(λ_i+u)^power at each point."""
    for m in range(u.size):
        total = 0.0
        for i in range(lam.size):
            inverse = 1.0 / (lam[i] + u[m])
            total += strength[i] * inverse * inverse * (inverse if power == 3 else 1.0)
        out[m] = total


@compiled
def follow(end: Array, distance: Array, lam: Array, counts: Array, n: float, out: Array) -> None:
    """The curve at u = end + distance, where Σ strength/(λ+end)² = 1; strength = c λ²/n.

    `out`, shape (5, m), receives w, x, |dx/du|, Σ c λ/|λ+κ|² and the least |λ+κ|.
    """
    # notation: s = (λ+u)², q = s + w
    for m in range(end.size):
        u, w = end[m] + distance[m], 0.0
        # Newton for one over the sum, a concave function of w: from the left it never overshoots.
        # How the sum differs from 1 is taken from the end: so w keeps its digits close to it.
        for _ in range(200):
            room, slope = 0.0, 0.0
            for i in range(lam.size):
                at_end, gap = lam[i] + end[m], lam[i] + u
                strength, q = counts[i] * lam[i] * lam[i] / n, gap * gap + w
                inverse = 1.0 / q
                room += strength * (-distance[m] * (gap + at_end) - w) * inverse / (at_end * at_end)
                slope += strength * inverse * inverse
            step = room * (1.0 + room) / slope
            w = max(w + step, 0.0)
            if abs(step) <= 8.0 * 2.2e-16 * w or w == 0.0:
                break
        v = math.sqrt(w)
        sharp, bent, least = 0.0, 0.0, math.inf
        first, second, share, shift, inner, turn = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
        for i in range(lam.size):
            gap = lam[i] + u
            least = min(least, gap * gap + w)
            inverse = 1.0 / (gap * gap + w)
            pull = counts[i] * lam[i] * lam[i] / n * inverse * inverse
            sharp += pull
            bent += pull * gap
            first += pull * lam[i] * gap
            second += pull * lam[i]
            resolvent = counts[i] / n * inverse
            share += resolvent * lam[i]
            shift += resolvent * lam[i] * gap
            inner += resolvent * gap
            turn += resolvent
        bend = -2.0 * bent / sharp
        # 1 − (1/n) Σ c λ/(λ+κ), written in two ways: near κ = 0 the first cancels, far from it the
        # other. Here 1/(λ+κ) = (gap + iv)/q.
        total = 0.0
        for i in range(lam.size):
            total += counts[i]
        outer_real, outer_imag = 1.0 - shift, -v * share
        near_real = 1.0 - total / n + u * inner + v * v * turn
        near_imag = u * v * turn - v * inner
        far = max(1.0, math.hypot(shift, v * share))
        near = max(abs(1.0 - total / n), math.hypot(near_real - 1.0 + total / n, near_imag))
        if near < far:
            outer_real, outer_imag = near_real, near_imag
        out[0, m] = w
        out[1, m] = math.hypot(u, v) * math.hypot(outer_real, outer_imag)
        out[2, m] = abs(2.0 * first + bend * second - 2.0)
        out[3, m] = share * n
        out[4, m] = math.sqrt(least)
