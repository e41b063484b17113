"""Algorithms that look at the whole gradient of a batch: any rule, on any rows.

Each kind of rows has a way to find a residual and to add a row's part of a batch's gradient to
`pull`; the loop around them, and what the rule makes of a gradient, are the same for all of them.
Parameters stay in the device's memory, and threads own those that they move. The rules are those of
`simulate.formulas.rules`, known by their number in `CODES`.
"""

from __future__ import annotations

import math
from typing import Any

from numba import float64

from simulate.engines.cuda.dense import add_dense, dense_residual
from simulate.engines.cuda.device import (
    PARTIALS,
    block_sum,
    copy_entries,
    cuda,
    on_device,
    row_scale,
)
from simulate.engines.cuda.features import feature_residual
from simulate.engines.cuda.rows import DENSE, FEATURES, FRESH, SPARSE
from simulate.engines.cuda.sparse import add_sparse, sparse_residual
from simulate.engines.cuda.streaming import add_fresh, fresh_residual
from simulate.formulas import rules, update

ADAGRAD, NEAREST, MEMORY = range(3)
CODES: dict[type[rules.Rule], int] = {
    rules.AdaGrad: ADAGRAD,
    rules.Nearest: NEAREST,
    rules.Memory: MEMORY,
}
PLAIN = (0.0, 0.0, 0.0)
"""Of residuals, which know neither ridge nor momentum here."""

with_ridge = on_device(update.with_ridge)
stepped = on_device(update.stepped)
adagrad_rate = on_device(update.adagrad_rate, square_root=math.sqrt)
expected_slope = on_device(update.expected_slope)
greedy_rate = on_device(update.greedy_rate)
remembered = on_device(update.remembered)
recalled = on_device(update.recalled)


@cuda.jit(device=True)
def rate_before(partial, rule, vectors, constants, state, factor, size, x):  # type: ignore[no-untyped-def]
    """The learning rate as it is known before a step, for every thread.

    `vectors` are eigenvalues, coefficients, weights and slopes of `rules.Nearest`, and `constants`
    the ridge, its spread and the variance of the label noise.
    """
    if rule == ADAGRAD:
        return adagrad_rate(factor, state[0])
    if rule == MEMORY:
        return factor
    ridge, spread = constants[0], constants[1]
    descent, bend, noise = 0.0, 0.0, 0.0
    for j in range(cuda.threadIdx.x, x.size, cuda.blockDim.x):
        slope = expected_slope(x[j], vectors[1, j], vectors[0, j])
        expected = with_ridge(slope, x[j], ridge)
        noise += vectors[2, j] * slope * slope + spread * slope * (x[j] - vectors[1, j])
        descent += vectors[3, j] * expected * expected
        bend += vectors[2, j] * expected * expected
    descent, bend = block_sum(partial, descent), block_sum(partial, bend)
    noise = block_sum(partial, noise) + spread * constants[2]
    return greedy_rate(factor, descent, bend, noise, size)


@cuda.jit(device=True)
def step(partial, rule, vectors, constants, factors, i, state, factor, size, x, pull):  # type: ignore[no-untyped-def]
    """Take a step and clear `pull`; whether all went well, for every thread.

    `factors` are the momentum rates, forgettings and gradient rates of `rules.Memory`.
    """
    t, threads, ridge = cuda.threadIdx.x, cuda.blockDim.x, constants[0]
    energy, rate = 0.0, factor
    if rule == ADAGRAD:
        total, before = 0.0, state[0]
        for j in range(t, x.size, threads):
            gradient = with_ridge(pull[j], x[j], ridge)
            total += gradient * gradient
        energy = before + block_sum(partial, total)  # all have read what was before
        rate = adagrad_rate(factor, energy)
        if t == 0:
            state[0] = energy
    elif rule == NEAREST:
        rate = rate_before(partial, rule, vectors, constants, state, factor, size, x)
    for j in range(t, x.size, threads):
        gradient = with_ridge(pull[j], x[j], ridge)
        value = stepped(x[j], gradient, rate)
        if rule == MEMORY:
            state[j] = remembered(state[j], gradient, factors[1, i], factors[2, i])
            value = recalled(value, state[j], factors[0, i])
        x[j] = value
        pull[j] = 0.0
    cuda.syncthreads()
    return math.isfinite(energy)


@cuda.jit(device=True)
def note(partial, rule, vectors, constants, state, factor, size, x, point):  # type: ignore[no-untyped-def]
    """Copy the parameters to `point`, and behind them the learning rate if the rule finds it."""
    copy_entries(x, point)
    if rule != MEMORY:
        rate = rate_before(partial, rule, vectors, constants, state, factor, size, x)
        if cuda.threadIdx.x == 0:
            point[x.size] = rate


def follower(residual_of: Any, add: Any) -> Any:
    """The kernel that follows any rule on rows of one kind.

    The kernel does the iterations first, …, first + rates.size − 2 of the replicate of its block.
    `rows` is what `residual_of` and `add` take apart. The parameters before the iterations
    `records` go to `points[r]`, from `slot` on; `rates` and `sizes` also have the iteration after
    the last one, which may be recorded. `pulls` is zero between the iterations.
    """

    @cuda.jit
    def follow(  # type: ignore[no-untyped-def]
        rows, rule, vectors, constants, factors, first, rates, sizes, records, slot,
        all_x, states, pulls, points, diverged,
    ):  # fmt: skip
        partial = cuda.shared.array(PARTIALS, float64)
        r = cuda.blockIdx.x
        if diverged[r] >= 0:
            return
        x, state, pull = all_x[r], states[r], pulls[r]
        place, recorded, last = 0, 0, rates.size - 1
        for i in range(rates.size):
            size, rate, finite = sizes[i], rates[i], True
            if recorded < records.size and records[recorded] == first + i:
                point = points[r, slot + recorded]
                note(partial, rule, vectors, constants, state, rate, size, x, point)
                recorded += 1
            if i == last:
                break
            for m in range(size):
                residual = residual_of(partial, rows, PLAIN, x, r, place + m, 0)
                finite = finite and math.isfinite(residual)
                add(rows, r, place + m, row_scale(1.0, residual, size), pull)
            place += size
            if not finite or not step(
                partial, rule, vectors, constants, factors, i, state, rate, size, x, pull
            ):
                if cuda.threadIdx.x == 0:
                    diverged[r] = first + i
                break

    return follow


KERNELS = {
    DENSE: follower(dense_residual, add_dense),
    SPARSE: follower(sparse_residual, add_sparse),
    FRESH: follower(fresh_residual, add_fresh),
    FEATURES: follower(feature_residual, add_fresh),
}
