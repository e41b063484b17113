"""Streaming SGD on random features: textbook loops, engines, theory of the Gaussian equivalent."""

import numpy as np
import pytest
from scipy import special

import hsgd
from hsgd.activations import Activation
from hsgd.schedules import CosineDecay, Piecewise
from simulate import Checkpoint, sgd
from simulate.engines.cpu import engine as cpu
from simulate.randomness.normals import FEATURES, LABEL_NOISE, normals
from simulate.randomness.seeds import as_seed

RNG = np.random.default_rng(0)
TIMES = [0.0, 0.3, 1.0, 3.0]
DIAGONAL = hsgd.GaussianRows(np.arange(1, 10.0) ** -0.5, RNG.normal(size=9) / 3, 0.3)
DENSE = hsgd.GaussianRows(np.diag(np.arange(1, 10.0)) + 0.4, RNG.normal(size=9) / 9, 0.3)
FUNCTIONS = {
    "relu": lambda u: np.maximum(u, 0),
    "erf": special.erf,
    "tanh": np.tanh,
    "identity": lambda u: u,
}
ALGORITHM = hsgd.StreamingSGD(CosineDecay(0.8, 4.0, 0.2), Piecewise((0.5, 1.5), (1, 7, 20)))


def features(inputs, activation, num_features=13):
    W = np.random.default_rng(1).standard_normal((num_features, inputs.dimension))
    start = np.linspace(-1, 1, num_features)
    return hsgd.FeatureRows(inputs, W, activation, ridge=0.05, x0=start)


def textbook(rows, function, seed, replicate):
    """Risk at TIMES of a loop that knows the streams of normals, and no more of the simulation."""
    key, N = as_seed(seed).key(replicate), rows.dimension
    inputs = rows.inputs
    root = inputs.root if inputs.root.ndim == 2 else np.diag(inputs.root)
    grid = np.linspace(-12, 12, 48_001)
    density = np.exp(-0.5 * grid**2) / np.sqrt(2 * np.pi)
    shift = np.trapezoid(function(grid) * density, grid)
    x, number, seen = rows.x0.copy(), 0, []
    for k in range(round(TIMES[-1] * N) + 1):
        if k in np.rint(np.array(TIMES) * N):
            seen.append(rows.population.risk.values(x[None])[0])
        g = ALGORITHM.schedule(k / N)
        size = int(ALGORITHM.batch_sizes(np.array([k / N]))[0])
        gradient = rows.ridge * x
        for _ in range(size):
            u = root @ normals(key, FEATURES, number, inputs.dimension)
            noise = normals(key, LABEL_NOISE, number // 512, 512)[number % 512]
            a = function(rows.weights @ u / np.sqrt(np.trace(root @ root))) - shift
            a = a / np.sqrt(N)
            b = u @ inputs.coefficients + inputs.noise * noise
            gradient = gradient + a * (a @ x - b) / size
            number += 1
        x = x - g * gradient
    return np.array(seen)


@pytest.mark.parametrize("engine", ["reference", "cpu"])
@pytest.mark.parametrize(
    ("inputs", "activation"), [(DENSE, "relu"), *((DIAGONAL, name) for name in FUNCTIONS)]
)
def test_engines_take_the_steps_of_the_textbook(inputs, activation, engine):
    rows = features(inputs, activation)
    runs = sgd(
        rows, ALGORITHM, TIMES, statistics="population_risk", seed=5, engine=engine,
        first_replicate=2,
    )  # fmt: skip
    expected = textbook(rows, FUNCTIONS[activation], 5, 2)
    # The textbook's centring is a sum over a grid with a kink: 1e-9.
    np.testing.assert_allclose(runs.population_risk[:, 0], expected, rtol=1e-7)


def test_engines_agree_to_rounding_in_single_precision():
    rows = features(DIAGONAL, "tanh", 20)
    expected, found = (
        sgd(rows, ALGORITHM, TIMES, engine=engine, seed=1, dtype="float32").to_dataarray().values
        for engine in ("reference", "cpu")
    )
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    double = sgd(rows, ALGORITHM, TIMES, seed=1).to_dataarray().values
    assert 0 < np.abs(found / double - 1).max() < 1e-5


@pytest.mark.parametrize("kind", ["adagrad_norm", "dana"])
def test_other_algorithms_run_on_features_too(kind):
    rows = features(DENSE, "erf")
    rate = 0.3
    made = {"adagrad_norm": hsgd.AdaGradNorm(rate, 1.0), "dana": hsgd.DANA.constant(rows, rate)}
    algorithm = made[kind]
    expected, found = (
        sgd(rows, algorithm, TIMES, engine=engine, seed=1, statistics="population_risk")
        for engine in ("reference", "cpu")
    )
    np.testing.assert_allclose(found.population_risk, expected.population_risk, rtol=1e-10)
    assert found.population_risk[-1] < found.population_risk[0]


def test_bits_depend_neither_on_chunks_nor_on_company_nor_on_interruptions(monkeypatch, tmp_path):
    rows = features(DENSE, "relu", 20)
    asked = {"seed": 1, "num_replicates": 3}
    whole = sgd(rows, ALGORITHM, TIMES, **asked).population_risk.values
    monkeypatch.setattr(cpu, "CHUNK_FLOPS", 1e5)
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    assert (sgd(rows, ALGORITHM, TIMES, **asked).population_risk.values == whole).all()
    alone = sgd(rows, ALGORITHM, TIMES, first_replicate=2, seed=1).population_risk.values
    assert (alone[:, 0] == whole[:, 2]).all()
    made = cpu.OnStream.advance
    left = [5]

    def mortal(self, *arguments):
        left[0] -= 1
        if left[0] == 0:
            raise ArithmeticError("stopped")
        return made(self, *arguments)

    checkpoint = Checkpoint(tmp_path, 0.0)
    monkeypatch.setattr(cpu.OnStream, "advance", mortal)
    with pytest.raises(ArithmeticError):
        sgd(rows, ALGORITHM, TIMES, checkpoint=checkpoint, **asked)
    assert list(tmp_path.glob("running-*.npz"))
    monkeypatch.setattr(cpu.OnStream, "advance", made)
    resumed = sgd(rows, ALGORITHM, TIMES, checkpoint=checkpoint, **asked)
    assert (resumed.population_risk.values == whole).all()


def test_a_python_function_runs_in_the_reference_only():
    rows = features(DIAGONAL, np.cos)
    asked = {"statistics": "population_risk", "seed": 0}
    assert np.isfinite(sgd(rows, ALGORITHM, [1.0], engine="reference", **asked).population_risk)
    for engine in ("cpu", "auto", "cuda"):
        with pytest.raises(ValueError, match="'cos' is a Python function: use engine='reference'"):
            sgd(rows, ALGORITHM, [1.0], engine=engine, **asked)
    impostor = features(DIAGONAL, Activation("relu", np.cos))
    with pytest.raises(ValueError, match="use engine='reference'"):
        sgd(impostor, ALGORITHM, [1.0], **asked)


def test_what_cannot_be_run_is_refused_in_one_sentence():
    rows = features(DIAGONAL, "relu")
    with pytest.raises(TypeError, match=r"pass hsgd.StreamingSGD\(learning_rate\)"):
        sgd(rows, hsgd.SGD(0.1), [1.0])
    with pytest.raises(ValueError, match=r"run it on problem\.gaussian_equivalent\(\)"):
        sgd(rows, hsgd.Polyak(), [1.0])
    with pytest.raises(TypeError, match=r"problem\.given_weights\(seed\)"):
        sgd(hsgd.RandomFeatures(DIAGONAL, 3), ALGORITHM, [1.0])
    with pytest.raises(ValueError, match="empirical_risk needs fixed rows, which a FeatureRows"):
        sgd(rows, ALGORITHM, [1.0], statistics="empirical_risk")


NUM_RUNS = 60


def excess(rows, theory, algorithm, slack, **options):
    """How far the runs' mean is from a theory, less some slack, in standard errors."""
    times = [0.5, 1, 2, 4, 8]
    asked = {"statistics": "population_risk"}
    runs = sgd(rows, algorithm, times, num_replicates=NUM_RUNS, seed=4, **asked).population_risk
    error = runs.std("replicate", ddof=1) / np.sqrt(NUM_RUNS)
    curve = hsgd.predict(theory, algorithm, times, **asked, **options).population_risk
    return float(((abs(runs.mean("replicate") - curve) - slack * curve) / error).max())


# Five times beyond four standard errors has probability 3e-4 at most.


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_runs_follow_the_theory_of_the_gaussian_equivalent(activation):
    # One per cent for universality and the limit's own error, at 150 features.
    inputs = hsgd.GaussianRows(np.ones(100), np.ones(100) / 10, 0.2)
    rows = hsgd.RandomFeatures(inputs, 150, activation, ridge=1e-3).given_weights(seed=3)
    same, algorithm = rows.gaussian_equivalent(), hsgd.StreamingSGD(0.8)
    assert excess(rows, same, algorithm, 0.01) < 4
    # The linear part alone has too little noise: it is told apart.
    covariance = rows.mixing @ rows.mixing.T * float(rows.moments.slope.mean()) ** 2 / 150
    linear = hsgd.GaussianRows(covariance, rows.solution, same.noise, ridge=1e-3)
    assert excess(rows, linear, algorithm, 0.01) > 10


def test_power_law_features_stream_as_the_theory_says():
    rows = hsgd.PowerLawRandomFeatures(0.3, 0.4, v=400, d=100).given_weights(seed=0)
    algorithm = hsgd.StreamingSGD(0.02)
    assert excess(rows, rows, algorithm, 0.01) < 4
    assert excess(rows, rows, algorithm, 0.0, method="discrete") < 4
    other = hsgd.PowerLawRandomFeatures(0.3, 0.5, v=400, d=100).given_weights(seed=0)
    assert excess(rows, other, algorithm, 0.01) > 10
