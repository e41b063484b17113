"""Synthetic theories and runs whose truth is known, as datasets that follow the schema."""

import numpy as np

import hsgd
from hsgd import dataset
from hsgd.dataset import provenance

TIMES = np.linspace(0.0, 4.0, 9)
ROWS = np.random.default_rng(3).standard_normal((20, 5))
PROBLEM = hsgd.LeastSquares(ROWS, ROWS.sum(axis=1), ridge=0.1, population=(ROWS[:7], ROWS[:7, 0]))
SGD = hsgd.SGD(0.1)
TRUTH = {
    "empirical_risk": 0.5 * np.exp(-TIMES) + 0.1,
    "population_risk": 0.7 * np.exp(-TIMES) + 0.3,
}


def correlated(rng, shape, kind="normal", sigma=0.5, memory=0.9):
    """Noise of mean 0 along the last axis, an AR(1) of unit variance or its lognormal image."""
    noise = rng.standard_normal(shape)
    for j in range(1, shape[-1]):
        noise[..., j] = memory * noise[..., j - 1] + (1 - memory**2) ** 0.5 * noise[..., j]
    return noise if kind == "normal" else np.exp(sigma * noise - sigma**2 / 2) - 1


def theory(source="theory", problem=PROBLEM, algorithm=SGD, times=TIMES, scale=1.0, **attrs):
    grid = dataset.time_grid(times, problem.num_rows)
    variables = {name: (("time",), scale * value, name) for name, value in TRUTH.items()}
    for name in TRUTH:
        variables[f"{name}_error"] = (("time",), 1e-12 * TRUTH[name], "error")
    described = provenance.attributes(problem, algorithm, source=source, title="made up")
    return dataset.assemble(grid, problem, algorithm, variables, described | attrs)


def runs(
    number=32,
    spread=0.05,
    seed=0,
    kind="normal",
    sigma=0.5,
    problem=PROBLEM,
    algorithm=SGD,
    times=TIMES,
):
    rng = np.random.default_rng(seed)
    growth = np.sqrt(times / times[-1])
    variables = {}
    for name, value in TRUTH.items():
        noise = spread * growth * correlated(rng, (number, len(times)), kind, sigma)
        variables[name] = (("time", "replicate"), (value * (1 + noise)).T, name)
    described = provenance.attributes(problem, algorithm, source="simulation", title="made up")
    return dataset.assemble(
        dataset.time_grid(times, problem.num_rows),
        problem,
        algorithm,
        variables,
        described | {"seed": str(seed)},
        {"replicate": ("replicate", np.arange(number))},
    )
