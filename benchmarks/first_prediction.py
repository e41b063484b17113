"""How long a new process takes to its first prediction, and to the next ones.

    python benchmarks/first_prediction.py [--rounds 5]

Each round starts an interpreter of its own; medians. `import hsgd` is timed after NumPy and xarray.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import numpy as np

CHILD = """
import json, sys, time
import numpy as np, xarray

def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start

def load():
    import hsgd

taken = {"import hsgd": seconds(load)}
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
    taken[f"{name}, first"] = seconds(lambda: predict(*asked, 10))
    taken[f"{name}, again"] = seconds(lambda: predict(*asked, 11))
print(json.dumps(taken | {"numba imported": float("numba" in sys.modules)}))
"""


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = [
        json.loads(
            subprocess.run([sys.executable, "-c", CHILD], capture_output=True, check=True).stdout
        )
        for _ in range(parser.parse_args().rounds)
    ]
    for name in rounds[0]:
        print(f"{name:26s} {np.median([one[name] for one in rounds]):8.4f}")


if __name__ == "__main__":
    main()
