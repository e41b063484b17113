"""Algorithms that look at the whole gradient of a batch: any rule, on any rows.

`follow` is the loop. What differs between rows (`gather`) and between rules (`rate_before`, `step`)
is chosen by the type of what it is given, when it is compiled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from simulate.engines.cpu.kernels.dense import Data, dot
from simulate.engines.cpu.kernels.momentum import add_row
from simulate.engines.cpu.kernels.order import Order, fill_batch
from simulate.engines.cpu.kernels.sparse import sparse_dot
from simulate.engines.cpu.kernels.streaming import Source, label_noise, make_row
from simulate.formulas import update
from simulate.formulas.update import (
    adagrad_rate,
    expected_slope,
    greedy_rate,
    recalled,
    remembered,
    row_scale,
    stepped,
    with_ridge,
)
from simulate.numba_policy import FASTMATH, cached, share

share(update.with_ridge, update.stepped, update.adagrad_rate, update.expected_slope)
share(update.greedy_rate, update.remembered, update.recalled)

_JIT: Any = {"fastmath": FASTMATH, "error_model": "numpy"}


class DataReader(NamedTuple):
    """Where the rows of data come from."""

    data: Data
    order: Order
    batch: Any
    """Room for the numbers of a batch's rows."""


class StreamReader(NamedTuple):
    """Where fresh rows come from."""

    source: Source
    row: Any
    """Room for one."""


class AdaGradArrays(NamedTuple):
    """`rules.AdaGrad`."""

    ridge: float
    energy: Any


class NearestArrays(NamedTuple):
    """`rules.Nearest`."""

    ridge: float
    eigenvalues: Any
    coefficients: Any
    weights: Any
    slopes: Any
    spread: float
    noise_variance: float


class MemoryArrays(NamedTuple):
    """`rules.Memory`, with the factors of the iterations that are done in one call."""

    ridge: float
    memory: Any
    momentum_rates: Any
    forgettings: Any
    gradient_rates: Any


def row_dot(A: Any, row: int, x: Any) -> float:
    """Dot product of a row of A with x."""
    raise NotImplementedError("compiled only")


def gather(reader: Any, iteration: int, position: int, size: int, x: Any, pull: Any) -> bool:
    """Add a batch's mean of a (a·x − b) to `pull`; whether all residuals are finite."""
    raise NotImplementedError("compiled only")


def rate_before(rule: Any, factor: float, size: int, x: Any) -> float:
    """The learning rate as it is known before a step."""
    raise NotImplementedError("compiled only")


def step(rule: Any, i: int, factor: float, size: int, x: Any, pull: Any) -> bool:
    """Take step number `i` of this call and clear `pull`; whether all went well."""
    raise NotImplementedError("compiled only")


def note(rule: Any, factor: float, size: int, x: Any, point: Any) -> None:
    """Copy the parameters to `point`, and behind them the learning rate if the rule finds it."""
    raise NotImplementedError("compiled only")


@overload(row_dot, jit_options=_JIT)
def _row_dot(A, row, x):  # type: ignore[no-untyped-def]
    if isinstance(A, types.Array):
        return lambda A, row, x: dot(x, A, row, row)
    return lambda A, row, x: sparse_dot(A, row, x)


@overload(gather, jit_options=_JIT)
def _gather(reader, iteration, position, size, x, pull):  # type: ignore[no-untyped-def]
    def from_data(reader, iteration, position, size, x, pull):  # type: ignore[no-untyped-def]
        A, b, batch = reader.data.A, reader.data.b, reader.batch
        fill_batch(reader.order, iteration, position, batch[:size])
        for m in range(size):
            residual = row_dot(A, batch[m], x) - b[batch[m]]
            if not np.isfinite(residual):
                return False
            add_row(A, batch[m], row_scale(1.0, residual, size), pull)
        return True

    def from_stream(reader, iteration, position, size, x, pull):  # type: ignore[no-untyped-def]
        source, row = reader.source, reader.row
        for m in range(size):
            number = position + m
            product = make_row(source.rows, source.key, number, source.words, row, x)
            residual = product - label_noise(source, number)
            if not np.isfinite(residual):
                return False
            scale = row_scale(1.0, residual, size)
            for j in range(pull.size):
                pull[j] += scale * row[j]
        return True

    return from_stream if reader.instance_class is StreamReader else from_data


@overload(rate_before, jit_options=_JIT)
def _rate_before(rule, factor, size, x):  # type: ignore[no-untyped-def]
    def of_adagrad(rule, factor, size, x):  # type: ignore[no-untyped-def]
        return adagrad_rate(factor, rule.energy[0])

    def of_nearest(rule, factor, size, x):  # type: ignore[no-untyped-def]
        descent, bend, risk, noise = 0.0, 0.0, rule.noise_variance, 0.0
        for j in range(x.size):
            slope = expected_slope(x[j], rule.coefficients[j], rule.eigenvalues[j])
            expected = with_ridge(slope, x[j], rule.ridge)
            risk += slope * (x[j] - rule.coefficients[j])
            noise += rule.weights[j] * slope * slope
            descent += rule.slopes[j] * expected * expected
            bend += rule.weights[j] * expected * expected
        return greedy_rate(factor, descent, bend, noise + risk * rule.spread, size)

    return of_adagrad if rule.instance_class is AdaGradArrays else of_nearest


@overload(step, jit_options=_JIT)
def _step(rule, i, factor, size, x, pull):  # type: ignore[no-untyped-def]
    def of_adagrad(rule, i, factor, size, x, pull):  # type: ignore[no-untyped-def]
        total = 0.0
        for j in range(x.size):
            pull[j] = with_ridge(pull[j], x[j], rule.ridge)
            total += pull[j] * pull[j]
        rule.energy[0] += total
        rate = rate_before(rule, factor, size, x)
        for j in range(x.size):
            x[j] = stepped(x[j], pull[j], rate)
            pull[j] = 0.0
        return np.isfinite(rule.energy[0])

    def of_nearest(rule, i, factor, size, x, pull):  # type: ignore[no-untyped-def]
        rate = rate_before(rule, factor, size, x)
        for j in range(x.size):
            x[j] = stepped(x[j], with_ridge(pull[j], x[j], rule.ridge), rate)
            pull[j] = 0.0
        return True

    def of_memory(rule, i, factor, size, x, pull):  # type: ignore[no-untyped-def]
        y = rule.memory
        momentum_rate, forgetting = rule.momentum_rates[i], rule.forgettings[i]
        gradient_rate = rule.gradient_rates[i]
        for j in range(x.size):
            gradient = with_ridge(pull[j], x[j], rule.ridge)
            y[j] = remembered(y[j], gradient, forgetting, gradient_rate)
            x[j] = recalled(stepped(x[j], gradient, factor), y[j], momentum_rate)
            pull[j] = 0.0
        return True

    kinds = {AdaGradArrays: of_adagrad, NearestArrays: of_nearest, MemoryArrays: of_memory}
    return kinds[rule.instance_class]


@overload(note, jit_options=_JIT)
def _note(rule, factor, size, x, point):  # type: ignore[no-untyped-def]
    def alone(rule, factor, size, x, point):  # type: ignore[no-untyped-def]
        point[:] = x[: point.size]

    def with_rate(rule, factor, size, x, point):  # type: ignore[no-untyped-def]
        point[:-1] = x[: point.size - 1]
        point[-1] = rate_before(rule, factor, size, x)

    return alone if rule.instance_class is MemoryArrays else with_rate


@cached
def follow(  # type: ignore[no-untyped-def]
    reader, rule, factors, sizes, position, first, last, records, points, x, pull
):
    """Iterations first, …, last − 1; see `driver.Replicate.advance`.

    `factors` and `sizes` begin at iteration `first` and go to `last`, which may be recorded.
    """
    recorded = 0
    for k in range(first, last + 1):
        i = k - first
        if recorded < records.size and records[recorded] == k:
            note(rule, factors[i], sizes[i], x, points[recorded])
            recorded += 1
        if k == last:
            break
        if not gather(reader, k, position, sizes[i], x, pull):
            return recorded, False
        position += sizes[i]
        if not step(rule, i, factors[i], sizes[i], x, pull):
            return recorded, False
    return recorded, True
