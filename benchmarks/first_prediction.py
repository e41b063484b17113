"""How long a new process takes to its first prediction, and to the next ones.

    python benchmarks/first_prediction.py [--rounds 5]

Each round starts an interpreter of its own; medians. `import hsgd` is timed after NumPy and xarray.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from _records import Figure, fixed, main, median

CHILD = """
import json, sys, time
import numpy as np, xarray

def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start

def load():
    import hsgd

taken = {"import hsgd / once": seconds(load)}
import hsgd
population = hsgd.GaussianRows(1 / np.arange(1.0, 1001.0), np.ones(1000) / 30, 0.1)
rows = np.random.default_rng(0).standard_normal((600, 300)) / np.sqrt(300)
problem = hsgd.LeastSquares(rows, rows @ np.ones(300))

def predict(problem, kind, end):
    rate = 0.3 * hsgd.critical_learning_rate(problem)
    hsgd.predict(problem, kind(rate), np.linspace(0, end, 201))

for name, asked in {
    "1000 eigenvalues": (population, hsgd.StreamingSGD),
    "600 x 300 rows": (problem, hsgd.SGD),
}.items():
    taken[f"{name} / first"] = seconds(lambda: predict(*asked, 10))
    taken[f"{name} / again"] = seconds(lambda: predict(*asked, 11))
print(json.dumps(taken | {"numba imported": float("numba" in sys.modules)}))
"""


def measure(rounds: int = 5) -> Iterator[Figure]:
    """Seconds; and whether numba was imported, which none of it needs."""
    command = [sys.executable, "-c", CHILD]
    found = [
        json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
        for _ in range(rounds)
    ]
    imported = max(one.pop("numba imported") for one in found)
    for name in found[0]:
        yield median(name, [one[name] for one in found], "s")
    yield fixed("numba / imported", imported, "")


if __name__ == "__main__":
    main(measure)
