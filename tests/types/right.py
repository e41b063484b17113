"""A user's file: all that may be passed, in every form that is promised. It is checked, and run."""

from __future__ import annotations

import dataclasses
from typing import Any, assert_type

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy import sparse

import hsgd
import simulate
import validation

rng = np.random.default_rng(0)
A = rng.standard_normal((60, 12)) / np.sqrt(12)
b = A.sum(axis=1)
ones = [1.0] * 12
sweep = xr.DataArray([0.1, 0.2], dims="setting")
table: Any = xr.DataArray(A, dims=("row", "column")).to_pandas()  # pandas has no types of its own

# --- problems: any table of numbers, lists, single precision, sparse ones, labels

problem = hsgd.LeastSquares(A, b)
problem = hsgd.LeastSquares(A.tolist(), list(b), ridge=1, x0=ones, population=(A[:5], b[:5]))
problem = hsgd.LeastSquares(table, table[0], ridge=np.float32(0.5), population=(table, table[0]))
problem = hsgd.LeastSquares(A.astype(np.float32), np.sign(b).astype(int), x0=None, population=None)
problem = hsgd.LeastSquares(xr.DataArray(A), xr.DataArray(b), preparation={"scaled": True})
problem = hsgd.LeastSquares(sparse.csr_array(A), b, ridge=1 / np.linalg.norm(A))
problem = hsgd.LeastSquares(sparse.coo_matrix(A), b)
swept = hsgd.LeastSquares(A, b, ridge=sweep)
problem = hsgd.LeastSquares.from_data(table, table[0], test=0.25, x0=ones, normalise_rows=True)
problem = hsgd.LeastSquares.from_data(A.tolist(), b, ridge=sweep, test=(A[:5], b[:5]))
moments = hsgd.Population([1, 2], [0, 1], 3)
problem = hsgd.LeastSquares(A[:, :2], b, population=moments)

rows = hsgd.GaussianRows(1 / 12, ones)
rows = hsgd.GaussianRows(ones, ones, noise=np.linalg.norm(b), ridge=sweep)
rows = hsgd.GaussianRows(np.eye(12, dtype=np.float32), range(12), 0.5, x0=range(12))
typical = hsgd.SampledLeastSquares(rows, 24)
typical = hsgd.SampledLeastSquares(rows, np.int64(24), ridge=0.1)
problem = rows.sample(24, seed=np.int64(0))
inputs = hsgd.GaussianRows(1 / 12, ones)
features = hsgd.RandomFeatures(inputs, 6, np.tanh)
features = hsgd.RandomFeatures(inputs, 6, lambda u: np.maximum(u, 0.0), centre=False)
features = hsgd.RandomFeatures(inputs, 6, hsgd.activations.polynomial([0, 1, 1]), ridge=1)
layer = hsgd.FeatureRows(inputs, [[0.1] * 12] * 6, "relu", x0=[0] * 6)
problem = layer.sample(24, seed=0, num_test=6)
rows = hsgd.PowerLawRandomFeatures(1, 0.7, v=20, d=12).given_weights(seed=0)

problem = hsgd.LeastSquares(A, b, ridge=0.1, population=(A[:5], b[:5]))
problem = problem.replace(ridge=0.2)
problem = dataclasses.replace(problem, ridge=0.1)
assert_type(problem, hsgd.LeastSquares)
assert_type(problem.b, NDArray[np.float64])
assert_type(problem.x0, NDArray[np.float64])
assert_type(problem.ridge, float)
assert_type(problem.solution, NDArray[np.float64])
residuals = problem.A @ problem.x0 - problem.b
largest = float(np.linalg.svd(problem.A)[1].max())

# --- algorithms and schedules

critical = hsgd.critical_learning_rate(problem)
assert_type(critical, float)
assert_type(hsgd.critical_learning_rate(problem, batch_size=4, sampling="subset"), float)
sizes = xr.DataArray([1, 2], dims="size")
assert_type(hsgd.critical_learning_rate(problem, batch_size=sizes), xr.DataArray)

rate = 0.5 * critical
sgd = hsgd.SGD(1 / largest**2, batch_size=np.int64(2))
sgd = hsgd.SGD(np.float32(0.1), 4, "subset")
sgd = hsgd.SGD(xr.DataArray([0.1, 0.2], dims="rate"), batch_size=sizes)
sgd = hsgd.SGD(lambda t: rate / (1.0 + t), batch_size=hsgd.Piecewise([1.0], [1, 2]))
sgd = hsgd.SGD(hsgd.Piecewise(np.array([1.0, 2.0]), np.array([rate, rate / 2, rate / 4])))
sgd = hsgd.SGD(hsgd.PowerDecay(rate, 1, timescale=2))
sgd = hsgd.SGD(hsgd.CosineDecay(rate, horizon=5))
sgd = hsgd.SGD(hsgd.FromFunction(lambda t: rate * np.minimum(t, 1.0), breakpoints=[1]))


@dataclasses.dataclass(frozen=True)
class Halved(hsgd.Schedule):
    """A schedule of one's own."""

    inner: hsgd.Schedule

    def value(self, time: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.inner.value(time) / 2

    def integral(self, time: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.inner.integral(time) / 2

    def description(self) -> dict[str, Any]:
        return {"schedule": "halved", "inner": self.inner.description()}


sgd = hsgd.SGD(Halved(hsgd.Constant(rate)))
momentum = hsgd.HeavyBall(rate / 4, momentum=0.5)
momentum2 = hsgd.Nesterov(rate / 4, 0.5, batch_size=2)
general = hsgd.GeneralMomentum(0, momentum_rate=lambda t: 0.1 / (1 + t), forgetting=0.5)
dana = hsgd.DANA.constant(problem, 0.1)
adaptive = hsgd.AdaGradNorm(rate, initial=1)
searching = hsgd.LineSearch(0.5)
polyak = hsgd.Polyak()
signed = hsgd.SignSGD(1 / largest)
streaming = hsgd.StreamingSGD(0.2)
sgd = hsgd.SGD(rate)

# --- what the theory says

time = [0, 1, 2]
theory = hsgd.predict(problem, sgd, time)
assert_type(theory, xr.Dataset)
again = hsgd.predict(problem, sgd, theory.time, statistics="empirical_risk")
again = hsgd.predict(problem, sgd, theory["time"], statistics=["empirical_risk", "distance"])
norm = hsgd.Quadratic((2 * np.eye(12)).tolist(), name="squared_norm")
again = hsgd.predict(problem, sgd, range(3), statistics=("empirical_risk", norm))
again = hsgd.predict(problem, sgd, np.arange(3), statistics=(name for name in ["distance"]))
names = ["empirical_risk", "distance"]
again = hsgd.predict(problem, sgd, (0.0, 1.5), statistics=names)
again = hsgd.predict(swept, hsgd.SGD(rate), [1.0])
again = hsgd.predict(inputs, streaming, time, method="discrete")
ends = hsgd.limits(problem, sgd, statistics=names)
exact = hsgd.exact_mean(problem, sgd, time, statistics=names)
stable = hsgd.exact_stability(problem, batch_size=2)
report = hsgd.diagnose(problem, sgd)
words: str = report.attrs["verdict"]
risk: xr.DataArray = theory["empirical_risk"]
last = float(theory.empirical_risk[-1])
growing = hsgd.grow_batch_size(problem, sgd, horizon=2.0)
assert_type(growing, hsgd.SGD)
size = hsgd.critical_batch_size(problem)
members = hsgd.sweep(hsgd.limits, problem, hsgd.SGD(sweep), client=False, progress=False)

# --- what SGD does, and whether they agree

runs = simulate.sgd(
    problem, sgd, theory.time, num_replicates=20, seed=np.random.SeedSequence(0), engine="reference"
)
assert_type(runs, xr.Dataset)
modes = hsgd.Coordinates(range(2))
runs2 = simulate.sgd(problem, sgd, [0, 1], statistics=["distance", modes], engine="reference")
fresh = simulate.sgd(inputs, searching, [0.0], statistics=modes, seed=0, engine="reference")
comparison = validation.compare(theory, runs)
assert_type(comparison, xr.Dataset)
verdict: str = comparison.attrs["verdict"]
agrees = bool(comparison.agrees.all())
slope = validation.convergence([0.4, 0.2, 0.1], np.array([100, 200, 400])).slope
assert_type(slope, float)
discrepancy = theory - runs.mean("replicate")

# --- results: xarray's own; `ds.hsgd` is Any to type checkers

theory.hsgd.save("theory.nc")
loaded = hsgd.dataset.load("theory.nc")
assert_type(loaded, xr.Dataset)
wrong = hsgd.dataset.check(loaded)
assert_type(wrong, str | None)
both = hsgd.dataset.tree({"theory": theory, "runs": runs})
both.hsgd.save("both.nc")
version: str = hsgd.__version__
mean = hsgd.hermite.constants("relu").mean
