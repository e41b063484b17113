"""Run by test_cuda.py in a process of its own, under the CUDA simulator: engine against reference.

Usage: NUMBA_ENABLE_CUDASIM=1 python cuda_simulated.py FOLDER
"""

import sys
import warnings

import numpy as np

from hsgd.algorithms import SGD, HeavyBall, Nesterov, StreamingSGD
from hsgd.gaussian_rows import GaussianRows
from hsgd.problems import LeastSquares
from hsgd.schedules import CosineDecay, Piecewise
from simulate import Checkpoint, sgd
from simulate.engines import cuda

cuda.THREADS = 4
TIMES = [0.0, 0.4, 1.2]
rng = np.random.default_rng(0)
A = rng.standard_normal((9, 7)) / 3
problem = LeastSquares(A, rng.standard_normal(9), ridge=0.4, x0=rng.standard_normal(7))
dense = GaussianRows(A.T @ A / 9, np.arange(7.0) / 7, 0.2, ridge=0.02, x0=np.ones(7))
growing = Piecewise((0.6,), (1, 3))
CASES = [
    (problem, SGD(CosineDecay(0.4, 2.0, 0.1))),
    (problem, SGD(0.4, growing, "subset")),
    (problem, HeavyBall(0.2, 0.5, growing, "reshuffle")),
    (problem, Nesterov(0.2, 0.5, 2, "single_shuffle")),
    (dense, StreamingSGD(CosineDecay(0.4, 2.0, 0.1), growing)),
]


def values(case, algorithm, engine, **asked):
    asked = {"num_replicates": 2, "first_replicate": 1, "seed": 4, **asked}
    return sgd(case, algorithm, TIMES, engine=engine, **asked).to_dataarray().values


for case, algorithm in CASES:
    expected = values(case, algorithm, "reference")
    np.testing.assert_allclose(values(case, algorithm, "cuda"), expected, rtol=1e-11, atol=1e-13)
    print("agrees:", algorithm)

# Single precision, groups of one, short launches: the same runs.
expected = values(problem, SGD(0.4), "reference", dtype="float32")
found = values(problem, SGD(0.4), "cuda", dtype="float32")
np.testing.assert_allclose(found, expected, rtol=1e-11)
whole = values(problem, SGD(0.4), "cuda")
cuda.GROUP_BYTES, cuda.LAUNCH_ROWS = 1, 4
assert (values(problem, SGD(0.4), "cuda") == whole).all()

# A run that diverges is cut off where the reference's is.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    TIMES = [0.0, 0.4, 2.0]
    found, expected = (values(problem, SGD(1e110), engine) for engine in ("cuda", "reference"))
assert (np.isfinite(found) == np.isfinite(expected)).all()
assert np.isinf(found).any()

# Interrupted between two launches, it goes on to the bit.
TIMES = [0.0, 0.4, 1.2]
advance, left = cuda.OnData.advance, [3]


def mortal(self, first, last):
    left[0] -= 1
    if left[0] == 0:
        raise KeyboardInterrupt
    advance(self, first, last)


import simulate.planning  # noqa: E402

simulate.planning.block_size = lambda dimension: 2
whole = values(problem, SGD(0.4), "cuda")
cuda.OnData.advance = mortal
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    partial = values(problem, SGD(0.4), "cuda", checkpoint=Checkpoint(sys.argv[1], 0.0))
assert np.isnan(partial).any()
cuda.OnData.advance = advance
resumed = values(problem, SGD(0.4), "cuda", checkpoint=Checkpoint(sys.argv[1], 0.0))
assert (resumed == whole).all()
print("all agree")
