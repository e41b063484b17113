"""Runs of the CUDA engine under Numba's simulator, which must be chosen before Numba is imported.

    NUMBA_ENABLE_CUDASIM=1 python -m tests.tools.simulated_gpu    writes a file for each kind of run

The simulator has a thread of Python for each one of the GPU, so everything is tiny.
"""

from __future__ import annotations

import hsgd
import simulate
from hsgd import dataset
from tests.tools.settings import data, few_features, holes, rows

KINDS = {
    "dense": (data(5, 3), hsgd.SGD(0.1, 2, "reshuffle")),
    "sparse": (holes(5, 3), hsgd.HeavyBall(0.1, 0.5)),
    "stream": (rows(3), hsgd.StreamingSGD(0.3)),
    "features": (few_features(), hsgd.StreamingSGD(0.3)),
    "adagrad": (data(5, 3), hsgd.AdaGradNorm(0.5, 0.3)),
    "memory": (rows(3), hsgd.GeneralMomentum(0.1, 0.1, 0.2)),
    "line search": (rows(3), hsgd.LineSearch()),
}

if __name__ == "__main__":
    for name, (problem, algorithm) in KINDS.items():
        asked = "population_risk" if algorithm.on_stream and name != "adagrad" else "empirical_risk"
        runs = simulate.sgd(problem, algorithm, [0.0, 0.7], statistics=asked, seed=0, engine="cuda")
        dataset.save(runs, f"{name}.nc")
