"""How near the theories come to the exact mean on given rows, for small and for large batches.

Largest relative error of the training risk over six epochs: homogenized SGD (the limit of small
steps), its finite-step twin, and the recursion with the rows themselves that `predict` uses for the
first iterations only. Half a minute.
"""

import warnings
from collections.abc import Iterator

import numpy as np
from _records import Figure, fixed, main

import hsgd
from hsgd.theory.asking import ask
from hsgd.theory.trust import first_steps as rows
from validation.data import digits
from validation.features import random_features

OPTIONS = {"statistics": "empirical_risk"}
BATCHES = ((1, 0.5), (1, 0.8), (8, 0.5), (32, 0.5))


def problems() -> dict[str, hsgd.LeastSquares]:
    """Gaussian rows, tall and wide, and random features of digits."""
    rng = np.random.default_rng(0)
    split = digits(400, seed=0)
    A, _ = random_features(split.inputs, split.inputs_test, 100, seed=1)
    found = {"digits 400 x 100": hsgd.LeastSquares(A, split.targets, ridge=0.1)}
    for n, d in ((120, 60), (60, 100)):
        population = hsgd.GaussianRows(1 / d, rng.normal(size=d), 0.5, ridge=1e-3)
        found[f"Gaussian {n} x {d}"] = population.sample(n, 0)
    return found


def errors(problem: hsgd.LeastSquares, batch: int, fraction: float) -> list[float]:
    """Of the three, in per cent."""
    critical = hsgd.critical_learning_rate(
        problem, batch_size=batch, sampling="subset", method="hsgd"
    )
    sgd = hsgd.SGD(fraction * critical, batch, "subset")
    n = problem.num_rows
    k = np.unique(np.concatenate((np.arange(60), np.arange(60, 6 * n, n // 8))))
    exact = hsgd.exact_mean(problem, sgd, k / n, **OPTIONS).empirical_risk.values
    curves = [
        hsgd.predict(problem, sgd, k / n, method=method, **OPTIONS).empirical_risk.values
        for method in ("hsgd", "discrete")
    ]
    question = ask(problem, sgd, statistics="empirical_risk", method="hsgd")
    curves.append(rows.first_steps(question, k)["empirical_risk"])
    return [100 * float(np.abs(curve / exact - 1).max()) for curve in curves]


def measure() -> Iterator[Figure]:
    """Largest relative errors, in per cent."""
    warnings.simplefilter("ignore", UserWarning)
    # All iterations here, not the affordable few.
    rows._MOST_STEPS, rows._WORK = 10**9, 1e18
    for name, problem in problems().items():
        for batch, fraction in BATCHES:
            row = f"{name}, B = {batch}, {fraction} of critical"
            values = errors(problem, batch, fraction)
            for method, value in zip(("hsgd", "discrete", "rows"), values, strict=True):
                yield fixed(f"{row} / {method}", value, "%")


if __name__ == "__main__":
    main(measure)
