"""The largest of infinitely many products, one after the other: a best-first search."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hsgd.checks import Array

Factors = tuple[int, ...]
"""Indices of the factors of a product, ascending; each as often as it occurs."""


def largest(factors: Array, levels: Sequence[float], count: int) -> tuple[Array, NDArray[np.int32]]:
    """The `count` largest c_l · Π of l factors, l = |a|, descending, and their exponents a.

    Parameters
    ----------
    factors
        g_i ≥ 0, descending, shape (d,).
    levels
        c_l ≥ 0 for l = 0, 1, …
    count
        How many, P.

    Returns
    -------
    values, exponents
        Shapes (P,), or fewer if there are no more positive ones, and (P, d).
    """
    values: list[float] = []
    found: list[Factors] = []
    for value, indices in _descending(factors, levels):
        if len(values) == count or value <= 0.0:
            break
        values.append(value)
        found.append(indices)
    exponents = np.zeros((len(found), len(factors)), dtype=np.int32)
    for row, indices in enumerate(found):
        np.add.at(exponents[row], list(indices), 1)
    return np.array(values), exponents


def _descending(factors: Array, levels: Sequence[float]) -> Iterator[tuple[float, Factors]]:
    # The largest product of each level is a power of the first factor. From every product the
    # search goes on to those in which one factor is the next smaller one; it comes to all of a
    # level, each more than once, so that it has to remember which it has seen. Levels are begun in
    # the order of their largest products, each when the one before is taken.
    logs = np.log(np.maximum(factors, 1e-300))
    with np.errstate(divide="ignore"):
        tops = np.log(np.asarray(levels)) + np.arange(len(levels)) * logs[0]
    begun = iter(np.argsort(-tops, kind="stable")[: np.count_nonzero(np.isfinite(tops))].tolist())
    level = next(begun)
    heap: list[tuple[float, Factors]] = [(-float(tops[level]), (0,) * level)]
    seen: set[Factors] = set()
    while heap:
        negative, indices = heapq.heappop(heap)
        yield float(np.exp(-negative)), indices
        if not any(indices) and (level := next(begun, -1)) >= 0:
            heapq.heappush(heap, (-float(tops[level]), (0,) * level))
        for place, index in enumerate(indices):
            last_of_its_kind = place + 1 == len(indices) or indices[place + 1] > index
            if not last_of_its_kind or index + 1 == len(factors):
                continue
            following = (*indices[:place], index + 1, *indices[place + 1 :])
            if following not in seen:
                seen.add(following)
                heapq.heappush(heap, (negative + logs[index] - logs[index + 1], following))
