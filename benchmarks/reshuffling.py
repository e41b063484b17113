"""The mean field of reshuffled rows against runs: percent, the largest over passes 1 to 20.

For each setting the mean over 200 samples, a run on each, both orders; beside the difference stands
the largest standard error of that mean. The last row of a setting is the time of `predict`. About a
minute.
"""

import time
import warnings
from collections.abc import Iterator

import numpy as np
from _records import Figure, fixed, main

import hsgd
import simulate

PASSES = np.array([1.0, 2.0, 4.0, 8.0, 14.0, 20.0])
SAMPLES = 200
ORDERS = {"reshuffle": "new orders", "single_shuffle": "one order"}
RISKS = {"empirical_risk": "training", "population_risk": "population"}


def spectrum(d: int, kind: float | str) -> np.ndarray:
    """Of trace one: a power of the number, or two bulks a factor of ten apart."""
    values = np.arange(1.0, d + 1.0)
    values = np.where(values <= d / 4, 1.0, 0.1) if kind == "two" else values ** -float(kind)
    return values / values.sum()


def typical(
    n: int, d: int, kind: float | str = 0.0, ridge: float = 0.1, x0: float = 0.0
) -> hsgd.SampledLeastSquares:
    """Rows with a random teacher."""
    teacher = np.random.default_rng([n, d]).normal(size=d)
    rows = hsgd.GaussianRows(spectrum(d, kind), teacher, 0.5, x0=np.full(d, x0))
    return hsgd.SampledLeastSquares(rows, n, ridge=ridge)


SETTINGS: dict[str, tuple[hsgd.SampledLeastSquares, hsgd.Schedule, int]] = {
    **{
        f"600 x 400, rate {rate}": (typical(600, 400), hsgd.Constant(rate), 1)
        for rate in (0.2, 0.5, 0.8, 1.2)
    },
    **{
        f"{n} x {d}, rate 0.8": (typical(n, d), hsgd.Constant(0.8), 1)
        for n, d in ((800, 200), (400, 600), (200, 800))
    },
    "power 0.5, rate 0.8": (typical(600, 400, 0.5), hsgd.Constant(0.8), 1),
    "power 1, rate 0.5": (typical(600, 400, 1.0), hsgd.Constant(0.5), 1),
    "two bulks, rate 0.8": (typical(600, 400, "two"), hsgd.Constant(0.8), 1),
    "start at 1, decaying rate": (
        typical(600, 400, 0.5, x0=1.0), hsgd.PowerDecay(1.2, 0.5, 1.0), 1,
    ),
    "batch 12, rate 0.8 a row": (typical(600, 400), hsgd.Constant(12 * 0.8), 12),
    "batch 150, rate 0.8 a row": (typical(600, 400), hsgd.Constant(150 * 0.8), 150),
}  # fmt: skip


def measure() -> Iterator[Figure]:
    """Differences, standard errors and seconds."""
    warnings.simplefilter("ignore", UserWarning)
    for name, (problem, schedule, size) in SETTINGS.items():
        for order, words in ORDERS.items():
            sgd = hsgd.SGD(schedule, size, sampling=order)
            times = PASSES / size
            began = time.perf_counter()
            theory = hsgd.predict(problem, sgd, times)
            seconds = time.perf_counter() - began
            runs = [
                simulate.sgd(
                    problem.sample(seed), sgd, times, seed=seed, statistics=list(RISKS),
                    progress=False,
                )
                for seed in range(SAMPLES)
            ]  # fmt: skip
            for risk, called in RISKS.items():
                found = np.array([run[risk].values[:, 0] for run in runs])
                mean, error = found.mean(axis=0), found.std(axis=0) / SAMPLES**0.5
                row = f"{name}, {words} / {called}"
                off = float(np.abs(theory[risk].values / mean - 1).max())
                yield fixed(row, 100 * off, "%", better="")
                yield fixed(f"{row}, s.e.", 100 * float((error / mean).max()), "%", better="")
            yield fixed(f"{name}, {words} / predict", seconds, "s", better="lower")


if __name__ == "__main__":
    main(measure)
