"""Speed of the counter-based normals against NumPy's generator, on one core.

    python benchmarks/normals.py [--rounds 15]

Each figure is the median over rounds in which all contestants run in turn. NumPy's generator
(PCG64, ziggurat) keeps a state; ours are a function of key and counter alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np
from _records import Figure, interleaved, main, median, ratios

from simulate.engines.cpu.lanes import LANES, fill_normals, fill_words, room
from simulate.numba_policy import OPTIONS

COUNT, REPEATS = 8192, 50


@numba.njit(**OPTIONS)
def words_only(key, repeats, words):
    """The integers that REPEATS · COUNT normals need."""
    for index in range(repeats):
        for first in range(0, COUNT // 4, LANES):
            fill_words(key, 4, index, first, LANES, words)


@numba.njit(**OPTIONS)
def ours(key, repeats, out, words):
    """REPEATS · COUNT normals."""
    for index in range(repeats):
        fill_normals(key, 4, index, out, words)


def contestants() -> dict[str, Callable[[], Any]]:
    """Name → what to run."""
    key, words = (np.uint64(1), np.uint64(2)), room()
    table: dict[str, Callable[[], Any]] = {
        "32 random bits alone / both": lambda: words_only(key, REPEATS, words)
    }
    for dtype in (np.float64, np.float32):
        out, generator = np.empty(COUNT, dtype), np.random.default_rng(0)
        name = np.dtype(dtype).name
        table[f"ours / {name}"] = lambda out=out: ours(key, REPEATS, out, words)
        table[f"numpy / {name}"] = lambda out=out, generator=generator, dtype=dtype: [
            generator.standard_normal(dtype=dtype, out=out) for _ in range(REPEATS)
        ]
    return table


def measure(rounds: int = 15) -> Iterator[Figure]:
    """Nanoseconds a number, and how many times faster ours are."""
    taken = interleaved(contestants(), rounds)
    for name, seconds in taken.items():
        yield median(name, [1e9 * one / (COUNT * REPEATS) for one in seconds], "ns")
    for dtype in ("float64", "float32"):
        speed = ratios(taken[f"numpy / {dtype}"], taken[f"ours / {dtype}"])
        yield median(f"ours against numpy / {dtype}", speed, "×", "higher")


if __name__ == "__main__":
    main(measure)
