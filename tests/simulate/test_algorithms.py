"""Every algorithm on every kind of rows: textbook loops, step by step, and exact means.

The loops here know which rows are drawn (from `rows_of_block` and `normals`) and nothing else of
the package: they are written from the algorithms' definitions.
"""

import numpy as np
import pytest
from scipy import sparse, stats

from hsgd.algorithms.momentum import HeavyBall, Nesterov
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.problems.random_features import PowerLawRandomFeatures
from hsgd.schedules import CosineDecay, Piecewise
from hsgd.statistics.quadratics import Quadratic
from simulate import sgd
from simulate.engines.cpu import layout
from simulate.randomness.normals import FEATURES, LABEL_NOISE, normals
from simulate.randomness.sampling import CODES, SUBSET, rows_of_block
from simulate.randomness.seeds import as_seed

TIMES = np.array([0.0, 0.3, 1.0, 2.5])
ENGINES = ["reference", "cpu"]  # "cuda" needs a process of its own: test_cuda.py
SAMPLINGS = ["with_replacement", "subset", "reshuffle"]
KINDS = {
    "sgd": SGD,
    "heavy_ball": lambda rate, size, sampling: HeavyBall(rate, 0.7, size, sampling),
    "nesterov": lambda rate, size, sampling: Nesterov(rate, 0.7, size, sampling),
}
BATCHES = {"one": 1, "five": 5, "growing": Piecewise((0.4, 1.2), (1, 3, 7))}


def sparse_copy(problem, density=0.4):
    kept = np.random.default_rng(1).random(problem.A.shape) < density
    return problem.replace(A=sparse.csr_matrix(problem.A * kept))


def batches_of(problem, algorithm, seed, replicate, num_iterations):
    """Row numbers of each iteration."""
    n, code, key = problem.num_rows, CODES[algorithm.sampling], as_seed(seed).key(replicate)
    sizes = algorithm.batch_sizes(np.arange(num_iterations) / n).tolist()
    if code == SUBSET:
        return [rows_of_block(code, key, k, n, size) for k, size in enumerate(sizes)]
    entries = np.concatenate([rows_of_block(code, key, block, n, 1) for block in range(20)])
    return np.split(entries[: sum(sizes)], np.cumsum(sizes)[:-1])


def textbook(problem, algorithm, seed, replicate):
    """x at TIMES, by the definition: no velocities, no fused updates."""
    A = problem.A.toarray() if problem.is_sparse else problem.A
    n = problem.num_rows
    mu = getattr(algorithm, "momentum", 0.0)
    wanted = [round(time * n) for time in TIMES]
    x = previous = problem.x0
    seen = []
    rows = batches_of(problem, algorithm, seed, replicate, wanted[-1])
    for k in range(wanted[-1] + 1):
        if k in wanted:
            seen.append(x)
        if k == wanted[-1]:
            return np.array(seen)
        gamma = algorithm.schedule(k / n)
        nesterov = isinstance(algorithm, Nesterov)
        point = x + mu * (x - previous) if nesterov else x
        a, b = A[rows[k]], problem.b[rows[k]]
        g = a.T @ (a @ point - b) / len(b) + problem.ridge / n * point
        inertia = 0 if nesterov else mu * (x - previous)
        previous, x = x, point - gamma * g + inertia


def coordinates(dimension):
    """Statistics that show single coordinates: all of x could be read off such."""
    return [
        Quadratic(np.zeros((dimension,) * 2), np.eye(dimension)[j], name=f"x{j}") for j in (0, 3, 7)
    ]


def parameters(runs):
    return np.stack([runs[name].values for name in ("x0", "x3", "x7")], axis=-1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("storage", ["dense", "sparse"])
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_engines_take_the_steps_of_the_textbook(build, engine, kind, sampling, batch, storage):
    problem = build(ridge=0.7)
    if storage == "sparse":
        problem = sparse_copy(problem)
    algorithm = KINDS[kind](CosineDecay(0.3, 2.0, 0.05), BATCHES[batch], sampling)
    runs = sgd(
        problem, algorithm, TIMES, statistics=coordinates(11), num_replicates=2, first_replicate=4,
        seed=8, engine=engine,
    )  # fmt: skip
    for column, replicate in enumerate((4, 5)):
        expected = textbook(problem, algorithm, 8, replicate)[:, [0, 3, 7]]
        np.testing.assert_allclose(parameters(runs)[:, column], expected, rtol=1e-9, atol=1e-11)


def test_heavy_ball_and_nesterov_differ(problem):
    # The negative control of the test above.
    runs = [sgd(problem, KINDS[kind](0.3, 1, "subset"), TIMES, seed=8) for kind in KINDS]
    assert not np.allclose(runs[1].distance, runs[2].distance, rtol=1e-3)
    assert not np.allclose(runs[0].distance, runs[1].distance, rtol=1e-3)


def test_a_strong_ridge_does_not_lose_a_sparse_problem(build):
    # The factor of the parameters shrinks by 1e-6 in each of these iterations, and once to zero.
    problem = sparse_copy(build(ridge=30.0)).replace(x0=np.ones(11))
    for rate in (1.0, 1.0 - 1e-6, 1.5):
        asked = {"statistics": coordinates(11), "seed": 1}
        few = sgd(problem, SGD(rate), [0.0, 0.1, 3.0], engine="reference", **asked)
        found = sgd(problem, SGD(rate), [0.0, 0.1, 3.0], engine="cpu", **asked)
        np.testing.assert_allclose(parameters(found), parameters(few), rtol=1e-9, atol=1e-14)


# --- fresh rows ---

POPULATIONS = {
    "isotropic": GaussianRows(1 / 11, np.ones(11), 0.3, ridge=0.02, x0=np.linspace(-1, 1, 11)),
    "diagonal": GaussianRows(np.linspace(0.01, 0.3, 11), np.ones(11), x0=np.linspace(-1, 1, 11)),
    "dense": GaussianRows(
        np.cov(np.random.default_rng(0).standard_normal((11, 40))) / 11, np.arange(11.0) / 11, 0.2
    ),
}  # fmt: skip


def stream(problem, algorithm, seed, replicate):
    """x at TIMES on fresh rows, by the definition, in the problem's own coordinates."""
    d, key = problem.dimension, as_seed(seed).key(replicate)
    values, vectors = problem.spectrum
    factor = np.diag(np.sqrt(values)) if vectors is None else vectors * np.sqrt(values)
    wanted = [round(time * d) for time in TIMES]
    x, number, seen = problem.x0, 0, []
    for k in range(wanted[-1] + 1):
        if k in wanted:
            seen.append(x)
        gamma, g = algorithm.schedule(k / d), problem.ridge * x
        size = int(algorithm.batch_sizes(k / d))
        for _ in range(size):
            a = factor @ normals(key, FEATURES, number, d)
            noise = normals(key, LABEL_NOISE, number // 512, 512)[number % 512]
            b = a @ problem.coefficients + problem.noise * noise
            g = g + a * (a @ x - b) / size
            number += 1
        x = x - gamma * g
    return np.array(seen)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("population", POPULATIONS)
def test_streaming_takes_the_steps_of_the_textbook(engine, population, batch):
    problem = POPULATIONS[population]
    algorithm = StreamingSGD(CosineDecay(0.6, 2.0, 0.1), BATCHES[batch])
    runs = sgd(
        problem, algorithm, TIMES, statistics=coordinates(11), num_replicates=2, seed=3,
        engine=engine,
    )  # fmt: skip
    for replicate in range(2):
        expected = stream(problem, algorithm, 3, replicate)[:, [0, 3, 7]]
        np.testing.assert_allclose(parameters(runs)[:, replicate], expected, rtol=1e-9, atol=1e-11)


def test_label_noise_goes_on_behind_its_first_block():
    """Noises are drawn 512 at a time; these are 560 rows."""
    problem, algorithm = POPULATIONS["isotropic"], StreamingSGD(0.5, 20)
    expected = stream(problem, algorithm, 3, 0)[:, [0, 3, 7]]
    for engine in ENGINES:
        runs = sgd(problem, algorithm, TIMES, statistics=coordinates(11), seed=3, engine=engine)
        np.testing.assert_allclose(parameters(runs)[:, 0], expected, rtol=1e-9, atol=1e-11)


def exact_streaming_risk(problem, gamma, batch_size):
    """E of the population risk at TIMES: second moments of x − β in Σ's eigenbasis."""
    # notation: s_j = E (x−β)_j², m_j = E (x−β)_j, rho = ridge
    values, vectors = problem.spectrum
    U = np.eye(problem.dimension) if vectors is None else vectors
    rho, B, beta = problem.ridge, batch_size, problem.coefficients @ U
    m = (problem.x0 - problem.coefficients) @ U
    s, risks, wanted = m**2, [], [round(t * problem.dimension) for t in TIMES]
    for k in range(wanted[-1] + 1):
        risk = 0.5 * (values @ s + problem.noise**2)
        if k in wanted:
            risks.append(risk)
        bracket = (1 - gamma * rho) ** 2 - 2 * (1 - gamma * rho) * gamma * values
        s = (
            s * (bracket + gamma**2 * values**2 * (B + 1) / B)
            + 2 * gamma**2 / B * values * risk
            - 2 * gamma * rho * beta * (1 - gamma * rho - gamma * values) * m
            + (gamma * rho * beta) ** 2
        )
        m = (1 - gamma * rho - gamma * values) * m - gamma * rho * beta
    return np.array(risks)


def largest_z_score(problem, algorithm, means):
    runs = sgd(problem, algorithm, TIMES, statistics="population_risk", num_replicates=4000, seed=0)
    risks = runs.population_risk.values[1:]
    error = risks.std(axis=1, ddof=1) / np.sqrt(risks.shape[1])
    return np.abs((risks.mean(axis=1) - means[1:]) / error).max()


FALSE_ALARM = 1e-4
LIMIT = stats.norm.isf(FALSE_ALARM / (2 * 3))


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("population", POPULATIONS)
def test_streaming_has_the_exact_mean(population, batch_size):
    problem = POPULATIONS[population]
    exact = exact_streaming_risk(problem, 0.5, batch_size)
    assert largest_z_score(problem, StreamingSGD(0.5, batch_size), exact) < LIMIT


@pytest.mark.parametrize("wrong", ["rate", "ridge", "noise"])
def test_the_test_of_streaming_rejects_what_is_a_little_wrong(wrong):
    problem = POPULATIONS["isotropic"]
    exact = exact_streaming_risk(problem, 0.5, 1)
    rate = 0.52 if wrong == "rate" else 0.5
    changes = {"rate": {}, "ridge": {"ridge": 0.03}, "noise": {"noise": 0.35}}[wrong]
    if wrong == "noise":  # the statistic itself would differ: compare the same one
        assert largest_z_score(problem.replace(noise=0.0), StreamingSGD(rate), exact) > LIMIT
    else:
        assert largest_z_score(problem.replace(**changes), StreamingSGD(rate), exact) > LIMIT


def test_power_law_features_are_streamed(build):
    problem = PowerLawRandomFeatures(1.0, 0.7, v=40, d=11).given_weights(seed=0)
    algorithm = StreamingSGD(0.3)
    runs = sgd(problem, algorithm, TIMES, statistics=coordinates(11), num_replicates=1, seed=3)
    expected = stream(problem, algorithm, 3, 0)[:, [0, 3, 7]]
    np.testing.assert_allclose(parameters(runs)[:, 0], expected, rtol=1e-9, atol=1e-11)


# --- storage ---


@pytest.mark.parametrize("storage", ["dense", "sparse", "stream"])
def test_single_precision_changes_the_rows_only(build, storage):
    problem = {"dense": build, "sparse": lambda: sparse_copy(build())}.get(
        storage, lambda: POPULATIONS["dense"]
    )()
    algorithm = StreamingSGD(0.5, 2) if storage == "stream" else SGD(0.4, 2)
    asked = {"num_replicates": 2, "seed": 5}
    double = sgd(problem, algorithm, TIMES, **asked).distance.values
    single = sgd(problem, algorithm, TIMES, dtype="float32", **asked)
    assert single.attrs["precision"] == "float32"
    assert (single.distance.values[1:] != double[1:]).any()
    np.testing.assert_allclose(single.distance.values, double, rtol=2e-6)
    plain = sgd(problem, algorithm, TIMES, dtype="float32", engine="reference", **asked)
    np.testing.assert_allclose(single.distance.values, plain.distance.values, rtol=1e-12)


def test_small_steps_are_not_lost_in_single_precision():
    # x = 1 + 1e-9·k cannot be held in single precision; the parameters are double.
    problem = LeastSquares(np.ones((1, 1)), np.array([2.0]), x0=np.ones(1))
    runs = sgd(problem, SGD(1e-9), [1000.0], statistics="distance", seed=0, dtype="float32")
    assert 1 - np.sqrt(runs.distance.values[0, 0]) == pytest.approx(1e-6, rel=1e-3)


def test_memory_maps_are_used_where_they_are(build, tmp_path, monkeypatch):
    problem = build()
    expected = sgd(problem, SGD(0.4), TIMES, seed=1)
    mapped = np.memmap(tmp_path / "A", dtype=np.float64, mode="w+", shape=problem.A.shape)
    mapped[:] = problem.A
    mapped.flush()
    rows = np.memmap(tmp_path / "A", dtype=np.float64, mode="r", shape=problem.A.shape)
    disk = problem.replace(A=rows)
    assert np.shares_memory(disk.A, rows)
    monkeypatch.setattr(layout, "COPY_LIMIT", 0)
    assert layout.laid_out(disk.A, np.dtype(np.float64)) is disk.A
    runs = sgd(disk, SGD(0.4), TIMES, seed=1)
    np.testing.assert_allclose(runs.distance, expected.distance, rtol=1e-12)
    assert runs.attrs["problem"] == expected.attrs["problem"]


def test_sparse_and_dense_problems_are_the_same_problem(build):
    problem = sparse_copy(build(ridge=0.3))
    dense = problem.replace(A=problem.A.toarray())
    for algorithm in (SGD(0.4), SGD(0.4, 3), HeavyBall(0.2, 0.5, 2)):
        found = sgd(problem, algorithm, TIMES, num_replicates=2, seed=1)
        expected = sgd(dense, algorithm, TIMES, num_replicates=2, seed=1)
        for name in ("empirical_risk", "distance", "population_risk"):
            np.testing.assert_allclose(found[name], expected[name], rtol=1e-11)


def test_sparse_rows_cost_no_copy(build):
    A = sparse.random_array((3000, 2000), density=0.001, rng=np.random.default_rng(0)).tocsr()
    assert layout.copied_bytes(A, np.dtype(np.float64)) == 0
    problem = LeastSquares(A, np.ones(3000))
    runs = sgd(problem, SGD(1.0), [0.0, 2.0], statistics="empirical_risk", seed=0)
    assert runs.empirical_risk[1, 0] < runs.empirical_risk[0, 0]


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_bad_sparse_matrices_are_refused(bad):
    with pytest.raises(ValueError, match="NaN or infinite"):
        LeastSquares(sparse.csr_matrix([[1.0, bad]]), [1.0])
    with pytest.raises(ValueError, match="zero everywhere"):
        LeastSquares(sparse.csr_matrix((2, 3)), [1.0, 2.0])
    with pytest.raises(TypeError, match="real numbers"):
        LeastSquares(sparse.csr_matrix([[1j]]), [1.0])


def test_large_sparse_problems_have_no_distance():
    problem = LeastSquares(sparse.eye_array(20_000).tocsr(), np.ones(20_000))
    with pytest.raises(ValueError, match="leave distance out"):
        sgd(problem, SGD(0.5), [0.1], statistics="distance", seed=0)
    assert "distance" not in sgd(problem, SGD(0.5), [0.1], seed=0)


def test_memory_is_estimated_for_every_kind(build, monkeypatch):
    monkeypatch.setattr("hsgd.machine.memory.available", lambda: 1)
    for problem, algorithm in (
        (build(), SGD(0.4)),
        (sparse_copy(build()), SGD(0.4)),
        (POPULATIONS["dense"], StreamingSGD(0.4)),
    ):
        with pytest.raises(MemoryError, match="this run would need about"):
            sgd(problem, algorithm, TIMES, seed=0)
