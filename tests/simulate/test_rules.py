"""Algorithms with a rule: textbook loops, the same bits however they are run, special cases.

The loops here know which rows are drawn, and nothing else of the package.
"""

import json

import numpy as np
import pytest
import xarray as xr

import hsgd
from hsgd.algorithms.momentum import HeavyBall
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.schedules import CosineDecay, Piecewise, PowerDecay
from simulate import Checkpoint, sgd, summary
from simulate.engines.cpu import engine as cpu
from simulate.randomness.normals import FEATURES, LABEL_NOISE, normals
from simulate.randomness.seeds import as_seed
from tests.simulate.test_algorithms import (
    POPULATIONS,
    TIMES,
    batches_of,
    coordinates,
    parameters,
    sparse_copy,
)
from tests.simulate.test_checkpoint import small_pieces
from tests.tools.killing import Killed, stop_writing

__all__ = ["small_pieces"]  # a fixture

ENGINES = ("reference", "cpu")
GROWING = Piecewise((0.4, 1.2), (1, 3, 7))
EITHER = {
    "adagrad": hsgd.AdaGradNorm(0.8, 1.5),
    "adagrad, scheduled": hsgd.AdaGradNorm(CosineDecay(0.9, 2.0, 0.1), 0.1, GROWING),
    "momentum": hsgd.GeneralMomentum(
        CosineDecay(0.2, 2.0, 0.1), PowerDecay(0.1, 0.5), lambda t: 2.0 / (1.0 + 11 * t), 0.7, 3
    ),
}
GREEDY = {
    "line search": hsgd.LineSearch(),
    "line search, scheduled": hsgd.LineSearch(CosineDecay(0.9, 2.0, 0.1), GROWING),
    "polyak": hsgd.Polyak(batch_size=3),
}


class Textbook:
    """An algorithm from its definition: gradients in, steps out."""

    def __init__(self, problem, algorithm):
        self.problem, self.algorithm = problem, algorithm
        self.x, self.y = problem.x0, np.zeros(problem.dimension)
        self.squares = getattr(algorithm, "initial", 0.0) ** 2

    def rate(self, t):
        factor = float(self.algorithm.schedule(t))
        if isinstance(self.algorithm, hsgd.AdaGradNorm):
            return factor / np.sqrt(self.squares)
        if isinstance(self.algorithm, hsgd.GeneralMomentum):
            return factor
        # The quadratic γ ↦ E of what is to be small after the step, from three of its values.
        size = int(self.algorithm.batch_sizes(t))
        low, middle, high = (self._expected(g, size) for g in (0.0, 1.0, 2.0))
        second = low - 2 * middle + high
        return factor * (0.5 * second - (middle - low)) / second

    def _expected(self, gamma, size):
        """E of the objective, or of the squared distance to its minimum, after a step of γ."""
        p = self.problem
        d, rho = p.dimension, p.ridge
        cov = p.covariance if p.covariance.ndim == 2 else np.diag(p.covariance)
        z = self.x - p.coefficients
        risk = z @ cov @ z + p.noise**2
        mean = cov @ z + rho * self.x
        # Isserlis: E a aᵀ(a·z−ε)² = (zᵀΣz + η²)Σ + 2 Σzzᵀ Σ for Gaussian a.
        spread = (risk * cov + 2 * np.outer(cov @ z, cov @ z) - np.outer(cov @ z, cov @ z)) / size
        hessian = cov + rho * np.eye(d)
        weight = hessian if isinstance(self.algorithm, hsgd.LineSearch) else np.eye(d)
        minimum = np.linalg.solve(hessian, cov @ p.coefficients)
        ahead = self.x - gamma * mean - minimum
        return ahead @ weight @ ahead + gamma**2 * np.trace(weight @ spread)

    def step(self, gradient, t):
        if isinstance(self.algorithm, hsgd.AdaGradNorm):
            self.squares += gradient @ gradient
        if isinstance(self.algorithm, hsgd.GeneralMomentum):
            factors = self.algorithm.memory_schedules
            third, forgetting, first = (
                float(factors[name](t)) for name in ("momentum_rate", "forgetting", "gradient_rate")
            )
            self.y = (1 - min(forgetting, 1)) * self.y + first * gradient
            self.x = self.x - self.rate(t) * gradient - third * self.y
        else:
            self.x = self.x - self.rate(t) * gradient


def walk(book, batch, ridge, per_unit):
    """x and the learning rate at TIMES; `batch(k)` gives rows and targets."""
    wanted = [round(time * per_unit) for time in TIMES]
    points, rates = [], []
    for k in range(wanted[-1] + 1):
        if k in wanted:
            points.append(book.x)
            rates.append(book.rate(k / per_unit))
        if k < wanted[-1]:
            a, b = batch(k)
            book.step(a.T @ (a @ book.x - b) / len(b) + ridge * book.x, k / per_unit)
    return np.array(points), np.array(rates)


def on_data(problem, algorithm, seed, replicate):
    A = problem.A.toarray() if problem.is_sparse else problem.A
    n = problem.num_rows
    drawn = batches_of(problem, algorithm, seed, replicate, round(TIMES[-1] * n))
    book = Textbook(problem, algorithm)
    return walk(book, lambda k: (A[drawn[k]], problem.b[drawn[k]]), problem.ridge / n, n)


def on_stream(problem, algorithm, seed, replicate):
    d, key = problem.dimension, as_seed(seed).key(replicate)
    values, vectors = problem.spectrum
    factor = np.diag(np.sqrt(values)) if vectors is None else vectors * np.sqrt(values)

    def row(number):
        a = factor @ normals(key, FEATURES, number, d)
        noise = normals(key, LABEL_NOISE, number // 512, 512)[number % 512]
        return a, a @ problem.coefficients + problem.noise * noise

    def batch(k):
        first = int(algorithm.rows_drawn(k, d))
        size = int(algorithm.batch_sizes(k / d))
        rows = [row(first + j) for j in range(size)]
        return np.array([a for a, _ in rows]), np.array([b for _, b in rows])

    return walk(Textbook(problem, algorithm), batch, problem.ridge, d)


def assert_textbook(problem, algorithm, engine, expected):
    runs = sgd(
        problem, algorithm, TIMES, statistics=coordinates(11), num_replicates=2, first_replicate=4,
        seed=8, engine=engine,
    )  # fmt: skip
    for column, replicate in enumerate((4, 5)):
        points, rates = expected(problem, algorithm, 8, replicate)
        found = parameters(runs)[:, column]
        np.testing.assert_allclose(found, points[:, [0, 3, 7]], rtol=1e-8, atol=1e-10)
        if algorithm.is_adaptive:
            found = runs.realised_learning_rate[:, column]
            np.testing.assert_allclose(found, rates, rtol=1e-8)
            assert "learning_rate" not in runs.coords
        else:
            np.testing.assert_allclose(runs.learning_rate, rates, rtol=1e-14)
            assert "realised_learning_rate" not in runs


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("storage", ["dense", "sparse"])
@pytest.mark.parametrize("kind", EITHER)
def test_rules_on_data_take_the_steps_of_the_textbook(build, engine, storage, kind):
    problem = build(ridge=0.7)
    if storage == "sparse":
        problem = sparse_copy(problem)
    assert_textbook(problem, EITHER[kind], engine, on_data)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("population", POPULATIONS)
@pytest.mark.parametrize("kind", EITHER | GREEDY)
def test_rules_on_fresh_rows_take_the_steps_of_the_textbook(engine, population, kind):
    # The dense population has no ridge of its own.
    problem = POPULATIONS[population].replace(ridge=0.02 if population != "diagonal" else 0.0)
    assert_textbook(problem, (EITHER | GREEDY)[kind], engine, on_stream)


def test_other_samplings_and_single_precision(build):
    problem = build()
    asked = {"num_replicates": 2, "seed": 1, "statistics": ["empirical_risk", "distance"]}
    for sampling in ("subset", "reshuffle", "single_shuffle"):
        algorithm = hsgd.AdaGradNorm(0.8, 1.5, 4, sampling)
        plain, found = (sgd(problem, algorithm, TIMES, engine=e, **asked) for e in ENGINES)
        np.testing.assert_allclose(found.to_dataarray(), plain.to_dataarray(), rtol=1e-11)
    double, plain, found = (
        sgd(problem, EITHER["momentum"], TIMES, engine=engine, dtype=dtype, **asked).to_dataarray()
        for engine, dtype in (("cpu", "float64"), ("reference", "float32"), ("cpu", "float32"))
    )
    np.testing.assert_allclose(found, plain, rtol=1e-11)
    assert 0 < np.abs(found / double - 1).max() < 1e-5


# --- the same bits, however they are run ---

CASES = {
    "adagrad on data": ("data", hsgd.AdaGradNorm(0.8, 1.5, 2)),
    "momentum on data": ("data", hsgd.GeneralMomentum(0.1, 0.1, 0.2, batch_size=2)),
    "adagrad on a stream": ("stream", hsgd.AdaGradNorm(0.8, 1.5)),
    "line search on a stream": ("stream", hsgd.LineSearch(CosineDecay(0.9, 2.0, 0.1))),
    "momentum on a stream": ("stream", hsgd.GeneralMomentum(0.1, PowerDecay(0.1, 0.5), 0.2)),
}


def problem_of(rows, build):
    return build(ridge=0.4) if rows == "data" else POPULATIONS["isotropic"]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", CASES)
def test_killed_anywhere_it_resumes_to_the_bit(
    build, tmp_path, monkeypatch, small_pieces, engine, case
):
    rows, algorithm = CASES[case]
    problem, times = problem_of(rows, build), np.linspace(0, 3, 40)
    asked = {"num_replicates": 3, "seed": 3, "engine": engine}
    expected = sgd(problem, algorithm, times, **asked).to_dataarray().values
    kills, rng = 0, np.random.default_rng(0)
    while True:
        with monkeypatch.context() as patch:
            stop_writing(patch, int(rng.integers(2, 7)))
            try:
                folder = Checkpoint(tmp_path, seconds=0.0)
                runs = sgd(problem, algorithm, times, checkpoint=folder, **asked)
            except Killed:
                kills += 1
                continue
        break
    assert kills >= 2
    assert (runs.to_dataarray().values == expected).all()


@pytest.mark.parametrize("case", CASES)
def test_bits_depend_neither_on_threads_nor_on_batches(build, monkeypatch, case):
    rows, algorithm = CASES[case]
    problem = problem_of(rows, build)
    whole = sgd(problem, algorithm, TIMES, num_replicates=4, seed=1).to_dataarray().values
    monkeypatch.setenv("NUMBA_NUM_THREADS", "1")
    monkeypatch.setattr(cpu, "CHUNK_FLOPS", 3000)  # nor on where chunks end
    parts = [sgd(problem, algorithm, TIMES, first_replicate=r, seed=1) for r in range(4)]
    alone = np.concatenate([part.to_dataarray().values for part in parts], axis=-1)
    assert (alone == whole).all()
    few = sgd(problem, algorithm, TIMES[-1:], num_replicates=4, seed=1).to_dataarray().values
    np.testing.assert_allclose(few[:, 0], whole[:, -1], rtol=1e-13)


def test_a_checkpoint_knows_the_factors_of_the_memory(build, tmp_path):
    def algorithm(scale):
        return hsgd.GeneralMomentum(0.1, lambda t: scale / (1 + t), 0.2)

    asked = {"seed": 1, "checkpoint": tmp_path, "engine": "reference"}
    sgd(build(), algorithm(0.1), TIMES, **asked)
    with pytest.raises(ValueError, match="choose another folder"):
        sgd(build(), algorithm(0.2), TIMES, **asked)


# --- special cases ---


@pytest.mark.parametrize("rows", ["data", "stream"])
def test_without_a_momentum_rate_it_is_sgd_to_the_bit(build, rows):
    if rows == "data":
        problem, plain = build(ridge=0.3), SGD(0.4, 2, "subset")
        rest = {"forgetting": 0.1, "batch_size": 2, "sampling": "subset"}
    else:
        problem, plain, rest = POPULATIONS["dense"], StreamingSGD(0.4), {"forgetting": 0.1}
    expected, found, other = (
        sgd(problem, algorithm, TIMES, num_replicates=2, seed=5).distance.values
        for algorithm in (
            plain,
            hsgd.GeneralMomentum(0.4, momentum_rate=0.0, **rest),
            hsgd.GeneralMomentum(0.4, momentum_rate=1e-9, **rest),
        )
    )
    assert (found == expected).all()
    np.testing.assert_allclose(other, expected, rtol=1e-6)
    assert (other[1:] != expected[1:]).any()


def test_heavy_ball_is_a_special_case(build):
    problem = build(ridge=0.3)
    ball = sgd(problem, HeavyBall(0.1, 0.7, 3), TIMES, num_replicates=2, seed=5)
    general = hsgd.GeneralMomentum(0.0, 0.2, 0.3, 0.5, batch_size=3)
    found = sgd(problem, general, TIMES, num_replicates=2, seed=5)
    np.testing.assert_allclose(found.distance, ball.distance, rtol=1e-11)


def test_everything_forgotten_is_sgd_with_both_rates():
    problem = POPULATIONS["isotropic"]
    plain = sgd(problem, StreamingSGD(0.4), TIMES, seed=5)
    found = sgd(problem, hsgd.GeneralMomentum(0.3, 0.1, 1.7), TIMES, seed=5)
    np.testing.assert_allclose(found.distance, plain.distance, rtol=1e-12)


def test_adagrad_that_began_high_is_sgd(build):
    # The gradients do not change a root that is 1e9 times as large.
    for problem, plain in ((build(), SGD(0.4, 2)), (POPULATIONS["dense"], StreamingSGD(0.4, 2))):
        high = hsgd.AdaGradNorm(0.4e9, 1e9, 2)
        expected = sgd(problem, plain, TIMES, seed=5)
        np.testing.assert_allclose(
            sgd(problem, high, TIMES, seed=5).distance, expected.distance, rtol=1e-11
        )


def test_a_line_search_on_whole_gradients_is_the_textbooks():
    # With a huge batch the gradient is exact; then line search on a quadratic is steepest descent.
    problem = GaussianRows(np.array([0.5, 1.0, 3.0]), np.ones(3))
    runs = sgd(problem, hsgd.LineSearch(batch_size=200_000), np.arange(5) / 3, seed=0)
    x, risks = np.zeros(3), []
    H = np.diag(problem.covariance)
    for _ in range(5):
        g = H @ (x - 1)
        risks.append(0.5 * (x - 1) @ g)
        x = x - g * (g @ g) / (g @ H @ g)
    np.testing.assert_allclose(runs.population_risk[:, 0], risks, rtol=0.05)


def test_at_the_minimum_nothing_moves():
    problem = GaussianRows(np.array([0.5, 0.0]), np.ones(2), x0=np.ones(2))
    for algorithm in (hsgd.LineSearch(), hsgd.Polyak(), hsgd.AdaGradNorm(1.0, 1.0)):
        runs = sgd(problem, algorithm, [0.0, 3.0], seed=0)
        assert (runs.distance == 0).all()
        assert np.isfinite(runs.realised_learning_rate).all()


# --- what goes wrong, and what is said ---


@pytest.mark.parametrize("engine", ENGINES)
def test_runs_that_diverge_say_so(build, engine):
    for problem, algorithm in (
        (build(), hsgd.GeneralMomentum(50.0, 1.0, 0.1)),
        (POPULATIONS["isotropic"], hsgd.LineSearch(fraction=30.0)),
        (build(), hsgd.AdaGradNorm(1e200, 1.0)),
    ):
        with pytest.warns(UserWarning, match="2 of 2 runs diverged"):
            runs = sgd(problem, algorithm, [0, 0.1, 300.0], num_replicates=2, seed=1, engine=engine)
        assert (runs.status == 1).all()
        assert np.isfinite(runs.distance[0]).all()
        assert np.isinf(runs.distance[-1]).all()
        if algorithm.is_adaptive:
            assert np.isinf(runs.realised_learning_rate[-1]).all()


@pytest.mark.parametrize("rate", [1e160, 1e170, 1e200])
def test_the_engines_diverge_at_the_same_iteration(build, rate):
    for problem in (build(), POPULATIONS["isotropic"], POPULATIONS["dense"]):
        found = []
        for engine in ENGINES:
            with pytest.warns(UserWarning, match="2 of 2 runs diverged"):
                runs = sgd(
                    problem, hsgd.AdaGradNorm(rate, 0.3), np.arange(20) / 10, num_replicates=2,
                    seed=1, engine=engine,
                )  # fmt: skip
            found.append(np.isfinite(runs.to_dataarray().values))
        assert (found[0] == found[1]).all()
        assert found[0].any()


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: hsgd.AdaGradNorm(1.0, 0.0), ValueError, "initial is 0.0, .* greater than 0"),
        (lambda: hsgd.AdaGradNorm(-1.0, 1.0), ValueError, "learning_rate is -1.0"),
        (lambda: hsgd.AdaGradNorm(1.0, 1.0, sampling="all"), ValueError, "sampling is 'all'"),
        (lambda: hsgd.LineSearch("much"), TypeError, "fraction must be a number"),
        (lambda: hsgd.LineSearch(xr.DataArray([0.5, -1.0])), ValueError, "fraction is -1"),
        (lambda: hsgd.Polyak(batch_size=0), ValueError, "batch_size is 0"),
        (lambda: hsgd.GeneralMomentum(0.1, -0.1, 0.2), ValueError, "momentum_rate is -0.1"),
        (lambda: hsgd.GeneralMomentum(0.1, 0.1, "all"), TypeError, "forgetting must be a number"),
        (lambda: hsgd.DANA.constant(POPULATIONS["dense"], 0.1, forgetting_constant=1.0),
         ValueError, "forgetting_constant is 1.0, .* greater than 1"),
        (lambda: hsgd.DANA.decaying(POPULATIONS["dense"], 0.1, 0.0), ValueError, "alpha is 0.0"),
    ],
)  # fmt: skip
def test_bad_nouns_are_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_what_cannot_be_run_is_refused(build):
    for greedy in (hsgd.LineSearch(), hsgd.Polyak()):
        with pytest.raises(
            TypeError, match=r"does not take .* on LeastSquares: .* fresh rows of a hsgd"
        ):
            sgd(build(), greedy, [1.0], seed=0)
    with pytest.raises(ValueError, match="'reshuffle', but fresh rows are never seen again"):
        sgd(POPULATIONS["dense"], hsgd.AdaGradNorm(1.0, 1.0, 1, "reshuffle"), [1.0], seed=0)


def test_the_theory_refuses_them_and_names_what_does():
    rows, data = POPULATIONS["dense"], POPULATIONS["dense"].sample(20, 0)
    for name, problem in (("predict", rows), ("predict", data), ("exact_mean", data)):
        with pytest.raises(TypeError, match=r"only simulate.sgd knows SignSGD: run it there, or"):
            getattr(hsgd, name)(problem, hsgd.SignSGD(0.1), [1.0])
    for algorithm in EITHER.values():
        with pytest.raises(TypeError, match=r"does not take \w+ on LeastSquares: pass hsgd.SGD"):
            hsgd.exact_mean(data, algorithm, [1.0])
    with pytest.raises(TypeError, match="does not take LineSearch on GaussianRows: pass"):
        hsgd.limits(rows, hsgd.LineSearch())


@pytest.mark.parametrize("algorithm", (EITHER | GREEDY).values())
def test_descriptions_are_json(algorithm):
    words = json.loads(json.dumps(algorithm.description()))
    assert words["algorithm"] == type(algorithm).__name__


def test_a_sweep_is_its_members():
    problem, scale = POPULATIONS["dense"], xr.DataArray([0.5, 2.0], dims="scale")
    asked = {"statistics": ["distance", hsgd.Coordinates([0, 3])], "seed": 0}
    swept = sgd(problem, hsgd.AdaGradNorm(scale, 1.0), TIMES, **asked)
    for number, rate in enumerate(scale.values):
        one = sgd(problem, hsgd.AdaGradNorm(float(rate), 1.0), TIMES, **asked)
        for name in one.data_vars:
            np.testing.assert_array_equal(swept[name].isel(scale=number), one[name])
    with pytest.raises(ValueError, match="datasets use themselves"):
        sgd(problem, hsgd.AdaGradNorm(scale.rename(scale="mode"), 1.0), TIMES, **asked)


def test_the_realised_rate_has_a_mean_and_a_file(tmp_path):
    runs = sgd(POPULATIONS["dense"], hsgd.Polyak(), TIMES, num_replicates=4, seed=0)
    assert hsgd.dataset.check(runs) is None
    assert runs.realised_learning_rate.attrs["units"] == "1"
    assert hsgd.dataset.load(hsgd.dataset.save(runs, tmp_path / "runs.nc")).identical(runs)
    mean = summary(runs).realised_learning_rate
    np.testing.assert_allclose(mean, runs.realised_learning_rate.mean("replicate"), rtol=1e-14)
    assert "learning_rate" not in runs.coords
