"""Sign SGD: a textbook loop, in the problem's own coordinates."""

import numpy as np
import pytest
from scipy import sparse

import hsgd
from hsgd.problems.least_squares import LeastSquares
from hsgd.schedules import CosineDecay, Piecewise
from simulate import sgd
from simulate.randomness.normals import FEATURES, LABEL_NOISE, normals
from simulate.randomness.seeds import as_seed
from simulate.rules.sign import sign
from tests.simulate.test_algorithms import POPULATIONS, TIMES, batches_of, sparse_copy

ENGINES = ("reference", "cpu")
ALGORITHMS = {
    "single": hsgd.SignSGD(0.03),
    "scheduled": hsgd.SignSGD(CosineDecay(0.05, 2.0, 0.1), Piecewise((0.4, 1.2), (1, 3, 7))),
}


def walk(problem, algorithm, batch, per_unit, ridge, signs):
    """x at TIMES; `batch(k)` gives rows and targets."""
    x, wanted, points = problem.x0, [round(time * per_unit) for time in TIMES], []
    for k in range(wanted[-1] + 1):
        if k in wanted:
            points.append(x)
        if k < wanted[-1]:
            a, b = batch(k)
            g = a.T @ (a @ x - b) / len(b) + ridge * x
            x = x - float(algorithm.schedule(k / per_unit)) * signs(g)
    return np.array(points)


def on_data(problem, algorithm, signs=np.sign, ridge=True):
    A, n = problem.A.toarray() if problem.is_sparse else problem.A, problem.num_rows
    drawn = batches_of(problem, algorithm, 8, 0, round(TIMES[-1] * n))

    def batch(k):
        return A[drawn[k]], problem.b[drawn[k]]

    return walk(problem, algorithm, batch, n, ridge * problem.ridge / n, signs)


def on_stream(problem, algorithm, signs=np.sign):
    """On Gaussian rows or features; `normals` are the one thing that is not written here."""
    key, d = as_seed(8).key(0), problem.iterations_per_unit
    if isinstance(problem, hsgd.GaussianRows):
        values, vectors = problem.spectrum
        factor = np.diag(np.sqrt(values)) if vectors is None else vectors * np.sqrt(values)
        size, eta = len(values), problem.noise
    else:
        size, eta = problem.mixing.shape[1], problem.inputs.noise

    def row(number):
        z = normals(key, FEATURES, number, size)
        noise = eta * normals(key, LABEL_NOISE, number // 512, 512)[number % 512]
        if isinstance(problem, hsgd.GaussianRows):
            a = factor @ z
            return a, a @ problem.coefficients + noise
        a = problem.nonlinearity(problem.mixing @ z) - problem.shift
        return a / np.sqrt(len(a)), problem.direction @ z + noise

    def batch(k):
        first, count = int(algorithm.rows_drawn(k, d)), int(algorithm.batch_sizes(k / d))
        rows = [row(first + j) for j in range(count)]
        return np.array([a for a, _ in rows]), np.array([b for _, b in rows])

    return walk(problem, algorithm, batch, d, problem.ridge, signs)


def found(problem, algorithm, engine):
    d = problem.dimension
    coordinates = [
        hsgd.Quadratic(np.zeros((d, d)), np.eye(d)[j], name=f"x{j}", long_name=f"x{j}")
        for j in range(d)
    ]
    runs = sgd(problem, algorithm, TIMES, statistics=coordinates, seed=8, engine=engine)
    return np.array([runs[f"x{j}"].values[:, 0] for j in range(d)]).T


def assert_same(x, expected):
    np.testing.assert_allclose(x, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("storage", ["dense", "sparse"])
@pytest.mark.parametrize("kind", ALGORITHMS)
def test_on_data_it_takes_the_steps_of_the_textbook(build, engine, storage, kind):
    problem = build(ridge=0.7)
    if storage == "sparse":
        problem = sparse_copy(problem)
    for sampling in ("with_replacement", "reshuffle"):
        old = ALGORITHMS[kind]
        algorithm = hsgd.SignSGD(old.learning_rate, old.batch_size, sampling)
        assert_same(found(problem, algorithm, engine), on_data(problem, algorithm))


FEATURE_ROWS = hsgd.RandomFeatures(
    hsgd.GaussianRows(np.linspace(0.1, 1.0, 5), np.ones(5), 0.3), 9, "relu", ridge=0.1
).given_weights(seed=0)
STREAMS = {**POPULATIONS, "features": FEATURE_ROWS}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("rows", STREAMS)
@pytest.mark.parametrize("kind", ALGORITHMS)
def test_on_fresh_rows_it_takes_the_steps_of_the_textbook(engine, rows, kind):
    problem = STREAMS[rows]
    problem = problem.replace(x0=np.linspace(-1, 1, problem.dimension) + 0.013)
    assert_same(found(problem, ALGORITHMS[kind], engine), on_stream(problem, ALGORITHMS[kind]))


def test_the_test_rejects_what_is_a_little_wrong(build):
    # A loop without the ridge, one along the gradient itself, and one in the basis of the rows'
    # covariance, where all other algorithms take the same steps.
    data, rows, algorithm = build(ridge=0.7), POPULATIONS["dense"], ALGORITHMS["single"]
    basis = rows.spectrum[1]
    for x, wrong in (
        (found(data, algorithm, "cpu"), on_data(data, algorithm, ridge=False)),
        (found(data, algorithm, "cpu"), on_data(data, algorithm, lambda g: g)),
        (
            found(rows, algorithm, "cpu"),
            on_stream(rows, algorithm, lambda g: basis @ np.sign(basis.T @ g)),
        ),
    ):
        with pytest.raises(AssertionError):
            assert_same(x, wrong)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array])
def test_where_the_gradient_is_zero_nothing_moves(engine, storage):
    A = np.zeros((6, 4))
    A[:, 1:3] = np.random.default_rng(0).standard_normal((6, 2))
    problem = LeastSquares(storage(A), np.ones(6), x0=np.array([0.3, 0.3, 0.3, -0.7]))
    x = found(problem, hsgd.SignSGD(0.25), engine)
    assert (x[:, [0, 3]] == [0.3, -0.7]).all()
    assert (x[-1, 1:3] != 0.3).any()
    steps = (x[:, 1:3] - 0.3) / 0.25
    np.testing.assert_allclose(steps, np.rint(steps), atol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_that_diverges_says_so(engine):
    problem = LeastSquares(np.eye(2), np.ones(2))
    with pytest.warns(UserWarning, match="1 of 1 runs diverged"):
        runs = sgd(problem, hsgd.SignSGD(1e200), [0.0, 0.5], seed=0, engine=engine)
    assert np.isinf(runs.distance[-1]).all()


def test_what_is_no_number_has_no_sign():
    """A step of none would hide it."""
    assert [sign(value) for value in (2.0, -0.1, 0.0, -np.inf)] == [1.0, -1.0, 0.0, -1.0]
    assert np.isnan(sign(np.nan))


@pytest.mark.parametrize("engine", ENGINES)
def test_a_gradient_that_is_no_number_is_the_end(engine):
    """The first step is along one coordinate; then the other's gradient is ∞ − ∞.

    All residuals are finite. Were its sign 0, every second step would lead back to the start.
    """
    problem = LeastSquares(np.array([[1.0, 1.0], [1.0, -1.0]]) * 1e50, np.ones(2))
    square = hsgd.Quadratic(np.eye(2), name="square")
    algorithm = hsgd.SignSGD(1e240, 2, "subset")
    with pytest.warns(UserWarning, match="1 of 1 runs diverged"):
        runs = sgd(problem, algorithm, [0.0, 2.0], statistics=square, seed=0, engine=engine)
    assert runs.square.values.ravel().tolist() == [0.0, np.inf]


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: hsgd.SignSGD(-1.0), ValueError, "learning_rate is -1.0"),
        (lambda: hsgd.SignSGD(0.1, 0), ValueError, "batch_size is 0"),
        (lambda: hsgd.SignSGD(0.1, sampling="all"), ValueError, "sampling is 'all'"),
    ],
)
def test_bad_nouns_are_refused(make, error, words):
    with pytest.raises(error, match=words):
        make()
