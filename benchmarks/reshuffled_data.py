"""Given rows that are reshuffled: both theories against runs, percent, the largest over the times.

For each set of rows and each algorithm the mean over 100 orders of the training risk, at passes 0
to 10 and inside them; beside the differences stands the largest standard error of that mean. Some
minutes.
"""

import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from _records import Figure, fixed, main

import hsgd
import simulate
from validation.data import digits, photograph_patches
from validation.features import random_features

PASSES = np.array([0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 7.5, 10.0])
ORDERS = {"reshuffle": "new orders", "single_shuffle": "one order"}
RUNS = 100

Setting = Callable[[str], hsgd.SGD | hsgd.HeavyBall | hsgd.Nesterov]
SETTINGS: dict[str, Setting] = {
    **{
        f"rate {rate}": lambda order, rate=rate: hsgd.SGD(rate, sampling=order)
        for rate in (0.05, 0.1, 0.2, 0.4, 0.8)
    },
    "rate 0.2 a row, batch 10": lambda order: hsgd.SGD(2.0, 10, sampling=order),
    "cosine from 0.4": lambda order: hsgd.SGD(hsgd.CosineDecay(0.4, 10.0), sampling=order),
    "heavy ball, 0.4 in the end": lambda order: hsgd.HeavyBall(0.04, 0.9, sampling=order),
    "Nesterov, 0.4 in the end": lambda order: hsgd.Nesterov(0.04, 0.9, sampling=order),
}


def gaussian(n: int, d: int, power: float) -> tuple[np.ndarray, np.ndarray]:
    """Eigenvalues that fall as a power, and a random teacher."""
    rng = np.random.default_rng([n, d])
    A = rng.normal(size=(n, d)) * np.arange(1, d + 1.0) ** (-power / 2)
    return A, A @ rng.normal(size=d) / np.sqrt((A**2).sum() / n) + 0.5 * rng.normal(size=n)


def features(n: int, d: int, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Random ReLU features of real inputs, centred."""
    if name == "digits":
        split = digits(n, seed=0)
    else:
        split = photograph_patches(n, 100, remove_mean=True, seed=0)
    A, _ = random_features(split.inputs, split.inputs_test, d, seed=1)
    return A, split.targets


def tables(name: str) -> tuple[np.ndarray, np.ndarray]:
    """A table of scikit-learn as it is, its columns standardised."""
    import sklearn.datasets

    X, y = getattr(sklearn.datasets, f"load_{name}")(return_X_y=True)
    return (X - X.mean(axis=0)) / X.std(axis=0), (y - y.mean()) / y.std()


ROWS = {
    "flat 600 x 400": lambda: gaussian(600, 400, 0.0),
    "1/j 600 x 400": lambda: gaussian(600, 400, 1.0),
    "digits 600 x 400": lambda: features(600, 400, "digits"),
    "digits 400 x 600": lambda: features(400, 600, "digits"),
    "patches 600 x 400": lambda: features(600, 400, "patches"),
    "diabetes 442 x 10": lambda: tables("diabetes"),
    "breast cancer 569 x 30": lambda: tables("breast_cancer"),
}


def measure() -> Iterator[Figure]:
    """Differences, standard errors and seconds."""
    warnings.simplefilter("ignore", UserWarning)
    for rows, make in ROWS.items():
        A, b = make()
        problem = hsgd.LeastSquares(A / np.sqrt((A**2).sum() / len(A)), b, ridge=0.1)
        for name, setting in SETTINGS.items():
            for order, words in ORDERS.items():
                algorithm = setting(order)
                times = PASSES / algorithm.batch_size
                runs = simulate.sgd(
                    problem, algorithm, times, seed=1, num_replicates=RUNS,
                    statistics="empirical_risk", progress=False,
                ).empirical_risk  # fmt: skip
                mean = runs.mean("replicate").values
                error = float((runs.std("replicate").values / RUNS**0.5 / mean).max())
                row = f"{rows}, {name}, {words}"
                for method in ("modified_flow", "data_fit"):
                    began = time.perf_counter()
                    theory = hsgd.predict(problem, algorithm, times, method=method)
                    seconds = time.perf_counter() - began
                    off = float(np.abs(theory.empirical_risk.values / mean - 1).max())
                    yield fixed(f"{row} / {method}", 100 * off, "%", better="")
                    gap = float(theory.empirical_risk_discrepancy.max())
                    yield fixed(f"{row} / {method}, expected", 100 * gap, "%", better="")
                yield fixed(f"{row} / standard error", 100 * error, "%", better="")
                yield fixed(f"{row} / seconds of data_fit", seconds, "s", better="lower")


if __name__ == "__main__":
    main(measure)
