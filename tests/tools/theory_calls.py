"""The theory and the exact mean: every verb of `hsgd` that says what SGD does. Each is recorded."""

from __future__ import annotations

from typing import Any

import numpy as np

import hsgd
from tests.tools.settings import (
    TIMES,
    data,
    features,
    independent_rows,
    rate,
    rows,
    schedules,
    swept,
)

METHODS = ("auto", "hsgd", "discrete")


def predictions_of_data() -> Any:
    problem, generator = data(), np.random.default_rng(1)
    M = generator.standard_normal((24, 24))
    mine = hsgd.Quadratic(M @ M.T, generator.standard_normal(24), 0.5, name="mine")
    asked = ["empirical_risk", "population_risk", "distance", mine]
    sgd = hsgd.SGD(rate(problem))
    found = {m: hsgd.predict(problem, sgd, TIMES, statistics=asked, method=m) for m in METHODS}
    without_ridge = data(ridge=0.0)
    wide = data(24, 40)
    return found | {
        "no ridge": hsgd.predict(without_ridge, hsgd.SGD(rate(without_ridge)), TIMES),
        "wide": hsgd.predict(wide, hsgd.SGD(rate(wide)), TIMES),
        "sharp": hsgd.predict(problem, sgd, TIMES, rtol=1e-11),
        "repeated times": hsgd.predict(problem, sgd, [0.0, 0.5, 0.5001, 2.0]),
    }


def predictions_of_many_modes() -> Any:
    problem, times = data(400, 200), np.linspace(0.0, 20.0, 401)
    return [hsgd.predict(problem, hsgd.SGD(rate(problem)), times, method=m) for m in METHODS[1:]]


def predictions_near_and_above_critical() -> Any:
    problem = data()
    fractions = (0.0, 0.01, 0.999, 1.001, 1.5)
    return {
        f"{fraction} {method}": hsgd.predict(
            problem, hsgd.SGD(rate(problem, fraction)), TIMES, method=method
        )
        for fraction in fractions
        for method in METHODS[1:]
    }


def predictions_of_streams() -> Any:
    return {
        f"{name} {method}": hsgd.predict(
            problem, hsgd.StreamingSGD(rate(problem), 2), TIMES, method=method
        )
        for name, problem in (
            ("full", rows()),
            ("diagonal", independent_rows()),
            ("features", features().gaussian_equivalent()),
        )
        for method in METHODS
    }


def predictions_with_schedules() -> Any:
    problem, stream = data(), independent_rows()
    found: dict[str, Any] = {}
    for method in METHODS[1:]:
        for name, schedule in schedules(rate(problem)).items():
            found[f"{name} {method}"] = hsgd.predict(
                problem, hsgd.SGD(schedule), TIMES, method=method
            )
        streamed = hsgd.StreamingSGD(schedules(rate(stream))["power"])
        found[f"streamed {method}"] = hsgd.predict(stream, streamed, TIMES, method=method)
    return found


def predictions_with_momentum() -> Any:
    problem = data()
    level = rate(problem, 0.3, momentum=0.8)
    growing = hsgd.Piecewise((2.0,), (1, 4))
    algorithms = {
        "heavy ball": hsgd.HeavyBall(level, 0.8),
        "nesterov": hsgd.Nesterov(level, 0.8),
        "heavy ball, subset": hsgd.HeavyBall(level, 0.8, 5, "subset"),
        "nesterov, schedules": hsgd.Nesterov(hsgd.PowerDecay(level, 0.5), 0.5, growing),
        "no momentum": hsgd.HeavyBall(level, 0.0),
    }
    return {name: hsgd.predict(problem, one, TIMES) for name, one in algorithms.items()}


def predictions_with_batches() -> Any:
    problem, stream = data(), rows()
    growing = hsgd.Piecewise((1.0, 5.0), (1, 6, 30))
    found: dict[str, Any] = {}
    for method in METHODS[1:]:
        for size, sampling in ((4, "with_replacement"), (60, "subset"), (growing, "subset")):
            sgd = hsgd.SGD(rate(problem), size, sampling)
            found[f"{size} {sampling} {method}"] = hsgd.predict(problem, sgd, TIMES, method=method)
        sgd = hsgd.StreamingSGD(rate(stream), growing)
        found[f"streamed {method}"] = hsgd.predict(stream, sgd, TIMES, method=method)
    both = hsgd.SGD(hsgd.CosineDecay(rate(problem), 20.0), growing)
    return found | {"both": hsgd.predict(problem, both, TIMES[:11], rtol=1e-5)}


def predictions_swept() -> Any:
    problem = data(ridge=swept("ridge", [0.0, 0.5]))
    rates, sizes = swept("learning_rate", [0.2, 0.4, 9.0]), swept("batch_size", [1, 4])
    return {
        "three": hsgd.predict(problem, hsgd.SGD(rates, sizes), TIMES),
        "momentum": hsgd.predict(data(), hsgd.HeavyBall(rates / 10, 0.5), TIMES),
        "streamed": hsgd.predict(rows(), hsgd.StreamingSGD(rates), TIMES, method="discrete"),
    }


def limits() -> Any:
    problem, stream = data(), rows()
    found: dict[str, Any] = {
        f"{fraction} {method}": hsgd.limits(
            problem, hsgd.SGD(rate(problem, fraction), 3, "subset"), method=method
        )
        for fraction in (0.1, 0.9, 1.2)
        for method in METHODS
    }
    return found | {
        "momentum": hsgd.limits(problem, hsgd.HeavyBall(rate(problem, 0.2), 0.7)),
        "nesterov": hsgd.limits(problem, hsgd.Nesterov(rate(problem, 0.2), 0.7, 2)),
        "streamed": hsgd.limits(stream, hsgd.StreamingSGD(rate(stream))),
        "swept": hsgd.limits(problem, hsgd.SGD(swept("learning_rate", [0.1, 0.5, 20.0]))),
        "no ridge": hsgd.limits(data(ridge=0.0), hsgd.SGD(0.3)),
    }


def critical_learning_rates() -> Any:
    problem, stream = data(), rows()
    critical = hsgd.critical_learning_rate
    found = {
        f"{size} {sampling} {method}": critical(
            problem, batch_size=size, sampling=sampling, method=method
        )
        for size in (1, 7, 60)
        for sampling in ("with_replacement", "subset")
        for method in METHODS
    }
    return found | {
        "momentum": [critical(problem, batch_size=2, momentum=m) for m in (0.1, 0.9, 0.99)],
        "streamed": [critical(stream, batch_size=b, method="discrete") for b in (1, 8)],
        "swept": critical(problem, batch_size=swept("batch_size", [1, 2, 30])),
    }


def batch_sizes() -> Any:
    problem, stream = data(), rows()
    sgd = hsgd.SGD(rate(problem, 0.3))
    grown = {
        "data": hsgd.grow_batch_size(problem, sgd, 15.0, risk_factor=1.3),
        "capped": hsgd.grow_batch_size(problem, sgd, 15.0, risk_factor=1.1, growth=3, largest=5),
        "momentum": hsgd.grow_batch_size(
            problem, hsgd.HeavyBall(rate(problem, 0.1), 0.5), 15.0, risk_factor=1.3
        ),
        "stream": hsgd.grow_batch_size(stream, hsgd.StreamingSGD(rate(stream)), 20.0),
    }
    critical = [
        hsgd.critical_batch_size(problem),
        hsgd.critical_batch_size(problem, sampling="subset"),
        hsgd.critical_batch_size(stream),
    ]
    return critical, {name: algorithm.description() for name, algorithm in grown.items()}


def steps_to_target() -> Any:
    problem, stream = data(), rows()
    start, limit = (
        hsgd.predict(problem, hsgd.SGD(0.0), [1.0]),
        hsgd.limits(problem, hsgd.SGD(0.1)),
    )
    flow = float(limit.limiting_empirical_risk_gradient_flow)
    target = flow + 0.2 * (float(start.empirical_risk[0]) - flow)
    return [
        hsgd.steps_to_target(problem, target, [1, 8, 60], sampling="subset"),
        hsgd.steps_to_target(stream, 0.05, [1, 4]),
    ]


def epochs_to_tolerance() -> Any:
    return [
        hsgd.epochs_to_tolerance(data(), 1e-3),
        hsgd.epochs_to_tolerance(data(ridge=0.0), 0.1, sampling="subset"),
    ]


def diagnoses() -> Any:
    problem = data()
    one_large = problem.replace(A=problem.A + 2.0)
    uneven = problem.replace(A=problem.A * np.geomspace(0.05, 20.0, 60)[:, None])
    rates = swept("learning_rate", [0.1, 0.6, 30.0])
    return {
        "swept": hsgd.diagnose(problem, hsgd.SGD(rates)),
        "scheduled": hsgd.diagnose(problem, hsgd.SGD(hsgd.PowerDecay(0.5, 1.0)), horizon=5.0),
        "batches": hsgd.diagnose(problem, hsgd.SGD(rate(problem), 8, "subset")),
        "one large": hsgd.diagnose(one_large, hsgd.SGD(rate(one_large))),
        "uneven": hsgd.diagnose(uneven, hsgd.SGD(rate(uneven))),
        "predicted": hsgd.predict(uneven, hsgd.SGD(rate(uneven)), TIMES),
    }


def bootstrap_risks() -> Any:
    sample, held_out = rows().sample(60, seed=2), data()
    moments = hsgd.Population(np.eye(24) / 24, np.ones(24) / 24, 2.0)
    given = data().replace(population=moments)
    growing = hsgd.Piecewise((2.0,), (1, 4))
    return {
        "sampled": hsgd.bootstrap_risk(sample, hsgd.SGD(rate(sample)), TIMES),
        "held out": hsgd.bootstrap_risk(held_out, hsgd.SGD(rate(held_out), 2), TIMES),
        "moments": hsgd.bootstrap_risk(given, hsgd.SGD(rate(given)), TIMES, method="discrete"),
        "scheduled": hsgd.bootstrap_risk(
            sample, hsgd.SGD(hsgd.PowerDecay(rate(sample), 0.5), growing), TIMES
        ),
    }


def exact_means_by_recursion() -> Any:
    problem = data()
    level = rate(problem)
    found = {
        name: hsgd.exact_mean(problem, hsgd.SGD(schedule), TIMES, method="recursion")
        for name, schedule in schedules(level).items()
    }
    growing = hsgd.Piecewise((2.0,), (2, 10))
    subsets = hsgd.SGD(level, growing, "subset")
    return found | {
        "subsets": hsgd.exact_mean(problem, subsets, TIMES, method="recursion"),
        "auto": hsgd.exact_mean(problem, hsgd.SGD(level), TIMES),
        "above": hsgd.exact_mean(problem, hsgd.SGD(3 * level), TIMES, statistics="distance"),
    }


def exact_means_by_rows() -> Any:
    small, large, wide = data(), data(120, 60), data(24, 40, ridge=0.0)
    late = np.array([0.0, 1.0, 30.0, 3000.0])
    level = rate(small)
    stairs = hsgd.Piecewise((1.0, 4.0), (level, level / 2, level / 5))
    algorithms = {
        "constant": hsgd.SGD(level),
        "stairs": hsgd.SGD(stairs, hsgd.Piecewise((2.0,), (2, 10)), "subset"),
    }
    asked = {"method": "row_basis", "rtol": 1e-8}
    return {
        name: hsgd.exact_mean(small, sgd, TIMES, **asked) for name, sgd in algorithms.items()
    } | {
        "wide": hsgd.exact_mean(wide, hsgd.SGD(rate(wide)), late, method="row_basis"),
        "large, auto": hsgd.exact_mean(large, hsgd.SGD(rate(large)), late),
    }


def exact_stabilities() -> Any:
    problem = data()
    heavy = problem.replace(A=problem.A * np.where(np.arange(60) == 17, 9.0, 1.0)[:, None])
    return {
        "one": hsgd.exact_stability(problem),
        "subset": hsgd.exact_stability(problem, batch_size=5, sampling="subset"),
        "heavy": hsgd.exact_stability(heavy, rtol=1e-6),
        "large": hsgd.exact_stability(data(300, 120)),
        "swept": hsgd.exact_stability(data(ridge=swept("ridge", [0.1, 1.0]))),
    }


def sweeps() -> Any:
    sgd = hsgd.SGD(swept("learning_rate", [0.1, 0.5, 0.9]), swept("batch_size", [1, 3]))
    found = {
        "predict": hsgd.sweep(hsgd.predict, data(), sgd, TIMES, client=False),
        "limits": hsgd.sweep(hsgd.limits, data(), sgd, client=False),
        "exact": hsgd.sweep(hsgd.exact_mean, data(), sgd, TIMES, client=False),
        "kept": hsgd.sweep(hsgd.diagnose, data(), sgd, client=False, folder="sweep"),
    }
    return found | {"again": hsgd.sweep(hsgd.diagnose, data(), sgd, client=False, folder="sweep")}


def problems() -> Any:
    generator = np.random.default_rng(3)
    X, y = generator.standard_normal((40, 6)) + 1.0, generator.standard_normal(40)
    typical = hsgd.SampledLeastSquares(rows(), 30, 0.4)
    inputs = hsgd.GaussianRows(np.ones(8), np.ones(8) / 8, 0.1)
    power = hsgd.PowerLawRandomFeatures(1.0, 0.7, v=40, d=10)
    made = {
        "from data": hsgd.LeastSquares.from_data(X, y, test=0.25, seed=1, ridge=0.2),
        "normalised": hsgd.LeastSquares.from_data(X, y, normalise_rows=True, test=(X[:5], y[:5])),
        "sampled": typical.sample(seed=4),
        "features": features().sample(30, seed=5),
        "tested features": hsgd.RandomFeatures(inputs, 9, "erf").sample(20, seed=6, num_test=7),
        "tanh": hsgd.RandomFeatures(inputs, 9, "tanh", centre=False).sample(20, seed=6),
        "power": power.sample(15, seed=7),
    }
    described = {name: problem.description() for name, problem in made.items()}
    streams = {
        "equivalent": features().gaussian_equivalent(),
        "power": power.given_weights(seed=8),
        "sampled from": rows(),
    }
    facts = [made["sampled"].solution, made["sampled"].squared_row_norms, typical.description()]
    moments = features().population
    return made, described, streams, facts, moments, features().solution, rows().root
