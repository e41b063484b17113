"""Speed of the counter-based normals against NumPy's generator, on one core.

    python benchmarks/normals.py [--rounds 15]

Each figure is the median over rounds in which all contestants run in turn. NumPy's generator
(PCG64, ziggurat) keeps a state; ours are a function of key and counter alone.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

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
        "Philox words only": lambda: words_only(key, REPEATS, words)
    }
    for dtype in (np.float64, np.float32):
        out, generator = np.empty(COUNT, dtype), np.random.default_rng(0)
        name = np.dtype(dtype).name
        table[f"ours, {name}"] = lambda out=out: ours(key, REPEATS, out, words)
        table[f"numpy, {name}"] = lambda out=out, generator=generator, dtype=dtype: [
            generator.standard_normal(dtype=dtype, out=out) for _ in range(REPEATS)
        ]
    return table


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    table = contestants()
    taken: dict[str, list[float]] = {name: [] for name in table}
    for _ in range(rounds + 1):  # the first one compiles
        for name, work in table.items():
            start = time.perf_counter()
            work()
            taken[name].append(time.perf_counter() - start)
    for name, seconds in taken.items():
        print(f"{name:20s} {1e9 * np.median(seconds[1:]) / (COUNT * REPEATS):6.2f} ns each")
    for dtype in ("float64", "float32"):
        ratios = np.array(taken[f"numpy, {dtype}"][1:]) / np.array(taken[f"ours, {dtype}"][1:])
        print(f"{dtype}: {np.median(ratios):.1f} times as fast as numpy")


if __name__ == "__main__":
    main()
