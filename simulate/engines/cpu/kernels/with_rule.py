"""Algorithms that look at the whole gradient of a batch: any rule, on any rows.

`with_rule` is the loop. What differs between rows (`gather`) and between rules (`rate_before`,
`step`) is chosen by the type of what it is given, when it is compiled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from simulate.engines.cpu.kernels.copying import copy
from simulate.engines.cpu.kernels.dense import Data, dot
from simulate.engines.cpu.kernels.momentum import add_row
from simulate.engines.cpu.kernels.order import Order, fill_batch
from simulate.engines.cpu.kernels.sparse import sparse_dot
from simulate.engines.cpu.kernels.streaming import Source, label_noise, make_row
from simulate.formulas import update
from simulate.formulas.update import row_scale
from simulate.numba_policy import FASTMATH, bare, cached, share
from simulate.rules.registry import rules

share(update.row_scale)
RULES = {rule.Given: rule for rule in rules()}
"""Every rule, by the type of what its compiled steps are given."""
for rule in RULES.values():
    compiled = (rule.compiled_step, rule.compiled_rate, rule.compiled_note)
    share(*(function for function in compiled if function is not None))

ALONE = 0
"""The crew of a thread that takes a step alone."""
_JIT: Any = {"fastmath": FASTMATH, "error_model": "numpy", "forceinline": True}


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


def row_dot(A: Any, row: Any, x: Any) -> float:
    """Dot product of a row of A with x."""
    raise NotImplementedError("compiled only")


def gather(reader: Any, iteration: int, position: int, size: int, x: Any, pull: Any) -> bool:
    """Add a batch's mean of a (a·x − b) to `pull`; whether all residuals are finite."""
    raise NotImplementedError("compiled only")


def rate_before(crew: Any, given: Any, state: Any, factor: float, size: int, x: Any) -> float:
    """The learning rate as it is known before a step; see `Rule.compiled_rate`."""
    raise NotImplementedError("compiled only")


def step(
    crew: Any, given: Any, i: int, state: Any, factor: float, size: int, x: Any, pull: Any
) -> bool:
    """Take a step; see `Rule.compiled_step`."""
    raise NotImplementedError("compiled only")


def see(crew: Any, given: Any, state: Any, x: Any, point: Any) -> None:
    """Put down what is seen; see `Rule.compiled_note`."""
    raise NotImplementedError("compiled only")


def note(given: Any, state: Any, factor: float, size: int, x: Any, point: Any) -> None:
    """Put what is seen into `point`, and behind it the learning rate if the rule finds it."""
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
def _rate_before(crew, given, state, factor, size, x):  # type: ignore[no-untyped-def]
    return bare(RULES[given.instance_class].compiled_rate)


@overload(step, jit_options=_JIT)
def _step(crew, given, i, state, factor, size, x, pull):  # type: ignore[no-untyped-def]
    return bare(RULES[given.instance_class].compiled_step)


@overload(see, jit_options=_JIT)
def _see(crew, given, state, x, point):  # type: ignore[no-untyped-def]
    return bare(RULES[given.instance_class].compiled_note)


@overload(note, jit_options=_JIT)
def _note(given, state, factor, size, x, point):  # type: ignore[no-untyped-def]
    def alone(given, state, factor, size, x, point):  # type: ignore[no-untyped-def]
        copy(x, point)

    def seen(given, state, factor, size, x, point):  # type: ignore[no-untyped-def]
        see(ALONE, given, state, x, point)

    def with_rate(given, state, factor, size, x, point):  # type: ignore[no-untyped-def]
        copy(x, point[:-1])
        point[-1] = rate_before(ALONE, given, state, factor, size, x)

    rule = RULES[given.instance_class]
    if rule.compiled_note is not None:
        return seen
    return with_rate if rule.finds_rates() else alone


@cached
def with_rule(  # type: ignore[no-untyped-def]
    reader, given, factors, sizes, position, first, last, records, points, x, state, pull
):
    """Iterations first, …, last − 1; see `driver.Replicate.advance`.

    `factors` and `sizes` begin at iteration `first` and go to `last`, which may be recorded.
    """
    recorded = 0
    for k in range(first, last + 1):
        i = k - first
        if recorded < records.size and records[recorded] == k:
            note(given, state, factors[i], sizes[i], x, points[recorded])
            recorded += 1
        if k == last:
            break
        if not gather(reader, k, position, sizes[i], x, pull):
            return recorded, False
        position += sizes[i]
        if not step(ALONE, given, i, state, factors[i], sizes[i], x, pull):
            return recorded, False
    return recorded, True
