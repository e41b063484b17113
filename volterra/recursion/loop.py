"""The inner loop of the recursion, compiled."""

from __future__ import annotations

import numpy as np

from volterra.arrays import Array, Complex
from volterra.compiling import compiled

BLOCK = 32  # summed in blocks, n terms lose at most 32 + n/32 units of rounding instead of n


@compiled
def iterate(
    decrements: Array | Complex,
    weights: Array | Complex,
    y: Array,
    error: Array,
    source: Array,
    source_error: Array,
    feedback: bool,
    unit: float,
) -> None:
    """Add Re Σ_j w_j V_j to y, where V_j ← (1 − d_j) V_j + source; in place.

    On entry y is the forcing and error what is wrong with it. With feedback the source is y
    itself. Every operation's rounding is bounded by `unit` times its result, and carried on as any
    other error.
    """
    # notation: V the modes, E their error bounds
    modes = weights.size
    V, E = np.zeros_like(weights), np.zeros(modes)
    zero = np.zeros(1, weights.dtype)[0]
    terms = unit * (2.0 + BLOCK + modes / BLOCK)
    for k in range(y.size):
        memory, size, spread = zero, 0.0, 0.0
        for start in range(0, modes, BLOCK):
            part = zero
            for j in range(start, min(start + BLOCK, modes)):
                term = weights[j] * V[j]
                part += term
                size += abs(term)
                spread += abs(weights[j]) * E[j]
            memory += part
        y[k] += memory.real
        error[k] += spread + terms * size + unit * abs(y[k])
        now, wrong = source[k], source_error[k]
        for j in range(modes):
            kept = V[j] - decrements[j] * V[j]
            ratio = abs(1.0 - decrements[j])
            E[j] = ratio * E[j] + wrong + unit * (abs(decrements[j] * V[j]) + abs(kept))
            V[j] = kept + now
            E[j] += unit * abs(V[j])
