"""Random small problems of every kind that the exact mean covers, by seed."""

import numpy as np

import hsgd


def random_problem(seed):
    """A problem and an algorithm: sizes, spectra, row norms, batches and stability all vary."""
    rng = np.random.default_rng(seed)
    n, d = (int(v) for v in rng.integers((50, 8), (110, 60)))
    spectrum = np.arange(1, d + 1.0) ** -rng.choice([0.0, 0.5, 1.0, 2.0])
    A = rng.normal(size=(n, d)) * np.sqrt(spectrum / spectrum.sum())
    A *= np.exp(rng.choice([0.0, 0.0, 0.2, 0.5]) * rng.normal(size=n))[:, None]
    b = A @ rng.normal(size=d) + rng.choice([0.0, 0.1, 1.0]) * rng.normal(size=n)
    problem = hsgd.LeastSquares(
        A,
        b,
        ridge=float(rng.choice([0.0, 1e-3, 0.1])),
        x0=rng.normal(size=d) * rng.choice([0.0, 1.0]),
        population=(rng.normal(size=(30, d)) * np.sqrt(spectrum), rng.normal(size=30)),
    )
    options = {
        "batch_size": int(rng.choice([1, 1, 4])),
        "sampling": str(rng.choice(["with_replacement", "subset"])),
    }
    critical = float(
        hsgd.exact_stability(problem, **options, rtol=1e-4).mean_square_critical_learning_rate
    )
    return problem, hsgd.SGD(float(rng.choice([0.3, 0.7, 0.9, 1.02])) * critical, **options)
