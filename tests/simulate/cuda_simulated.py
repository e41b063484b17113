"""Run by test_cuda.py in a process of its own, under the CUDA simulator: engine against reference.

Usage: NUMBA_ENABLE_CUDASIM=1 python cuda_simulated.py FOLDER
"""

import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numba.cuda.simulator import kernel as simulator
from scipy import sparse

import simulate.run.execution
import simulate.run.planning
from hsgd.algorithms.adaptive import AdaGradNorm, LineSearch, Polyak
from hsgd.algorithms.base import SAMPLINGS
from hsgd.algorithms.general_momentum import GeneralMomentum
from hsgd.algorithms.momentum import HeavyBall, Nesterov
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.problems.feature_rows import FeatureRows
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.schedules import CosineDecay, Piecewise, PowerDecay
from simulate import Checkpoint, sgd
from simulate.engines import cuda as engine
from simulate.engines.cuda import device, replicates, stepping

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.simulate.examples import EXAMPLES, ON_DATA

# Looking for `cuda` in the module of every device function takes longer than the function.
launch = simulator.FakeCUDAKernel.__call__
simulator.FakeCUDAKernel.__call__ = lambda self, *arguments: (
    self.fn(*arguments) if self._device else launch(self, *arguments)
)
sys.setswitchinterval(1e-5)  # simulated threads wait for one another all the time
device.THREADS = 4

TIMES = [0.0, 0.4, 1.2]
rng = np.random.default_rng(0)
A = rng.standard_normal((9, 7)) / 3
problem = LeastSquares(A, rng.standard_normal(9), ridge=0.4, x0=rng.standard_normal(7))
holes = LeastSquares(
    sparse.csr_array(A * (rng.random(A.shape) < 0.6)), problem.b, ridge=0.4, x0=problem.x0
)
moments, start = A.T @ A / 9, np.ones(7)
rows = GaussianRows(moments, np.arange(7.0) / 7, 0.2, ridge=0.02, x0=start, noise_stream=3)
silent = GaussianRows(np.arange(1.0, 6.0), np.ones(5))
inputs = GaussianRows(np.arange(1.0, 6.0), np.ones(5), 0.3, noise_stream=1)
neurons = FeatureRows(inputs, rng.standard_normal((6, 5)), ridge=0.1, x0=np.ones(6))
growing = Piecewise((0.6,), (1, 3))
cosine = CosineDecay(0.4, 2.0, 0.1)


def values(case, algorithm, engine, times=TIMES, **asked):
    asked = {"num_replicates": 2, "first_replicate": 1, "seed": 4, **asked}
    if case is holes:
        asked["statistics"] = "empirical_risk"
    return sgd(case, algorithm, times, engine=engine, **asked).to_dataarray().values


def agree(case, algorithm, **asked):
    found, expected = (values(case, algorithm, name, **asked) for name in ("cuda", "reference"))
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)
    print("agrees:", type(case).__name__, algorithm, asked)


@contextmanager
def changed(*changes):
    """Attributes that are other for a while."""
    kept = [(thing, name, getattr(thing, name)) for thing, name, _ in changes]
    for thing, name, value in changes:
        setattr(thing, name, value)
    yield
    for thing, name, value in kept:
        setattr(thing, name, value)


# In launches of a few iterations, each of which must know where it is in the stream.
with changed((replicates, "LAUNCH_ENTRIES", 9 * 1024)):
    for sampling in SAMPLINGS:
        agree(problem, SGD(cosine, growing, sampling), num_replicates=1)
for case in (problem, holes):
    agree(case, SGD(0.4))
    agree(case, HeavyBall(0.2, 0.5, growing, "reshuffle"))
    agree(case, Nesterov(0.2, 0.5, 2))
agree(holes, SGD(0.4, growing), dtype="float32")
agree(holes, SGD(22.5), times=[0.5])  # the ridge takes all, and the factor of sparse rows is zero
agree(problem, Nesterov(0.2, 0.5), dtype="float32")
agree(rows, StreamingSGD(cosine, growing))
agree(rows, StreamingSGD(0.3), dtype="float32")
agree(silent, StreamingSGD(0.05, 2), num_replicates=1)
agree(neurons, StreamingSGD(cosine, growing))
for activation in ("erf", "tanh", "identity"):
    agree(neurons.replace(activation=activation), StreamingSGD(0.3), num_replicates=1)
agree(neurons, StreamingSGD(0.3), dtype="float32", num_replicates=1)

memory = GeneralMomentum(cosine, 0.1, PowerDecay(2.0, 1.0, 0.2), 0.7, growing)
for case in (problem, holes, rows):
    agree(case, memory)
    agree(case, AdaGradNorm(cosine, 0.3, growing))
agree(problem, AdaGradNorm(0.5, 0.3, 2, "subset"), dtype="float32")
agree(neurons, memory)
agree(neurons, AdaGradNorm(0.5, 0.3), dtype="float32")
agree(rows, LineSearch(cosine, growing))
agree(rows, Polyak(), dtype="float32")
agree(silent, LineSearch(), num_replicates=1)

# Every rule that there is, on all the rows that it can be run on.
for name, algorithm in EXAMPLES.items():
    agree(rows, algorithm, num_replicates=1)
    if name in ON_DATA:
        for case in (problem, holes, neurons):
            agree(case, algorithm, num_replicates=1)

KINDS = (
    (problem, HeavyBall(0.2, 0.5)),
    (holes, SGD(0.4)),
    (rows, StreamingSGD(0.3)),
    (neurons, StreamingSGD(0.3)),
    (problem, AdaGradNorm(0.5, 0.3)),
    (holes, memory),
    (rows, LineSearch()),
)

# Neither groups, nor short launches, nor memory other than shared, nor blocks change any bit.
for case, algorithm in KINDS:
    whole = values(case, algorithm, "cuda")
    with changed(
        (engine, "GROUP_BYTES", 1),
        (replicates, "LAUNCH_ENTRIES", 3 * 1024),
        (stepping, "SHARED_BYTES", 0),
    ):
        assert (values(case, algorithm, "cuda") == whole).all()
print("the same bits")

# A run that diverges is cut off where the reference's is, in the middle of a block or not.
for size in (2, 16):
    with (
        warnings.catch_warnings(),
        changed((simulate.run.planning, "block_size", lambda _, size=size: size)),
    ):
        warnings.simplefilter("ignore")
        for case, algorithm in (
            (problem, SGD(1e110)),
            (rows, StreamingSGD(1e110)),
            (rows, AdaGradNorm(1e170, 0.3)),
        ):
            times = [0.0, 0.2, 0.4, 2.0, 2.1]
            found, expected = (
                values(case, algorithm, name, times) for name in ("cuda", "reference")
            )
            assert (np.isfinite(found) == np.isfinite(expected)).all()
            assert np.isinf(found).any()
            assert np.isfinite(found).any()
print("diverges alike")


# Interrupted between two launches, it keeps what is done and goes on to the bit.
@contextmanager
def mortal(show, total):
    left = [6]

    def report(done):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt

    yield report


TIMES = [0.0, 0.3, 0.6, 1.0, 1.6]  # it ends in the middle of a block of three
for case, algorithm in KINDS:
    checkpoint = Checkpoint(
        f"{sys.argv[1]}/{type(case).__name__}{case is holes}{type(algorithm).__name__}", 0.0
    )
    with (
        changed((simulate.run.planning, "block_size", lambda _: 3)),
        changed((replicates, "LAUNCH_ENTRIES", 2 * 1024)),
    ):
        whole = values(case, algorithm, "cuda", TIMES)
        with warnings.catch_warnings(), changed((simulate.run.execution, "bar", mortal)):
            warnings.simplefilter("ignore")
            partial = values(case, algorithm, "cuda", TIMES, checkpoint=checkpoint)
        known = ~np.isnan(partial)
        assert known.any()
        assert not known.all()
        assert (partial[known] == whole[known]).all()
        resumed = values(case, algorithm, "cuda", TIMES, checkpoint=checkpoint)
    assert (resumed == whole).all()
print("all agree")
