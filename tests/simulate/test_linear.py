"""Linear methods and averages take the steps of textbook loops, which know rows alone."""

import numpy as np
import pytest

import hsgd
from hsgd.schedules import CosineDecay, Piecewise
from simulate import sgd
from simulate.randomness.normals import FEATURES, LABEL_NOISE, normals
from simulate.randomness.seeds import as_seed
from tests.simulate.test_algorithms import POPULATIONS, TIMES, batches_of, coordinates, parameters

RATE, GROWING = CosineDecay(0.3, 3.0, 0.1), Piecewise((0.4, 1.2), (1, 3, 2))


def ema(x, average, k, per_unit):
    return 0.8 * average + 0.2 * x


def tail(x, average, k, per_unit):
    first = int(np.ceil(0.5 * per_unit))  # the first iteration at or after time 0.5
    return x if k < first else average + (x - average) / (k - first + 1)


def late(x, average, k, per_unit):
    return average + 3.0 / (k + 3.0) * (x - average)


AVERAGES = {
    "ema": (hsgd.EMA(0.2), ema),
    "tail": (hsgd.TailAverage(0.5), tail),
    "power": (hsgd.PowerAverage(2.0), late),
}


def plain(gradient, x0, rates):
    x = x0
    for k, rate in enumerate(rates):
        yield x
        x = x - rate * gradient(k, x)
    yield x


def heavy_ball(gradient, x0, rates):
    x, v = x0, np.zeros_like(x0)
    for k, rate in enumerate(rates):
        yield x
        v = 0.6 * v - rate * gradient(k, x)
        x = x + v
    yield x


def nesterov(gradient, x0, rates):
    x, v = x0, np.zeros_like(x0)
    for k, rate in enumerate(rates):
        yield x
        v = 0.6 * v - rate * gradient(k, x + 0.6 * v)
        x = x + v
    yield x


def schedule_free(gradient, x0, rates):
    x, z = x0, x0
    for k, rate in enumerate(rates):
        yield x
        z = z - rate * gradient(k, 0.3 * z + 0.7 * x)
        x = x + (z - x) / (k + 1)
    yield x


METHODS = {
    "sgd": (hsgd.SGD, hsgd.StreamingSGD, {}, plain),
    "heavy ball": (hsgd.HeavyBall, hsgd.HeavyBall, {"momentum": 0.6}, heavy_ball),
    "nesterov": (hsgd.Nesterov, hsgd.Nesterov, {"momentum": 0.6}, nesterov),
    "schedule-free": (hsgd.ScheduleFree, hsgd.ScheduleFree, {"interpolation": 0.7}, schedule_free),
}


def on_data(problem, algorithm, key_of):
    n = problem.num_rows
    drawn = batches_of(problem, algorithm, *key_of, round(TIMES[-1] * n))

    def gradient(k, x):
        a, b = problem.A[drawn[k]], problem.b[drawn[k]]
        return a.T @ (a @ x - b) / len(b) + problem.ridge / n * x

    return gradient


def on_stream(problem, algorithm, key_of):
    d, key = problem.dimension, as_seed(key_of[0]).key(key_of[1])
    values, vectors = problem.spectrum
    factor = np.diag(np.sqrt(values)) if vectors is None else vectors * np.sqrt(values)

    def gradient(k, x):
        first, size = int(algorithm.rows_drawn(k, d)), int(algorithm.batch_sizes(k / d))
        total = problem.ridge * x
        for number in range(first, first + size):
            a = factor @ normals(key, FEATURES, number, d)
            e = normals(key, LABEL_NOISE, number // 512, 512)[number % 512]
            total = total + a * (a @ (x - problem.coefficients) - problem.noise * e) / size
        return total

    return gradient


@pytest.mark.parametrize("engine", ["reference", "cpu"])
@pytest.mark.parametrize("rows", ["data", "stream"])
@pytest.mark.parametrize(
    ("method", "average"),
    [("sgd", "ema"), ("heavy ball", "tail"), ("nesterov", "power"), ("schedule-free", "ema")],
)
def test_steps_and_averages_are_those_of_the_textbook(build, engine, rows, method, average):
    for_data, for_stream, more, textbook = METHODS[method]
    averaging, add = AVERAGES[average]
    kind, problem, gradient = for_data, build(ridge=0.7), on_data
    if rows == "stream":
        kind, gradient = for_stream, on_stream
        problem = POPULATIONS["dense"].replace(ridge=0.02, x0=np.linspace(-1, 1, 11))
    algorithm = kind(RATE, batch_size=GROWING, averaging=averaging, **more)
    asked = {"statistics": coordinates(11), "num_replicates": 1, "first_replicate": 4, "seed": 8}
    runs = sgd(problem, algorithm, TIMES, engine=engine, **asked)
    per_unit = problem.iterations_per_unit
    wanted = [round(time * per_unit) for time in TIMES]
    rates = RATE(np.arange(wanted[-1]) / per_unit)
    points = list(textbook(gradient(problem, algorithm, (8, 4)), problem.x0, rates))
    averages = [problem.x0]
    for k, x in enumerate(points[1:]):
        averages.append(add(x, averages[-1], k, per_unit))
    found = parameters(runs)[:, 0]
    np.testing.assert_allclose(found, np.array(points)[wanted][:, [0, 3, 7]], rtol=1e-8, atol=1e-10)
    renamed = runs[[n for n in runs.data_vars if n.endswith("_averaged")]]
    renamed = renamed.rename({n: n.removesuffix("_averaged") for n in renamed.data_vars})
    found = parameters(renamed)[:, 0]
    np.testing.assert_allclose(
        found, np.array(averages)[wanted][:, [0, 3, 7]], rtol=1e-8, atol=1e-10
    )


def test_one_vector_is_sgd_and_momentum_on_fresh_rows_is_its_matrices():
    rows = hsgd.GaussianRows(np.linspace(0.1, 0.3, 6), np.ones(6), 0.2)
    pairs = [
        (hsgd.StreamingSGD(0.5), hsgd.LinearMethod([[1.0]], [1.0], [1.0], [1.0], 0.5)),
        (
            hsgd.HeavyBall(0.2, 0.5),
            hsgd.LinearMethod([[1.5, -0.5], [1, 0]], [1, 0], [1, 0], [1, 0], 0.2),
        ),
    ]
    for one, other in pairs:
        runs = [sgd(rows, a, TIMES, num_replicates=2, seed=1) for a in (one, other)]
        np.testing.assert_allclose(*(r.population_risk.values for r in runs), rtol=1e-10)
