"""What a sweep over learning rates costs, next to one prediction on the same data.

Both from fresh problems, so that each pays for the singular value decomposition and for the
diagnosis of the rows. n = 4000, d = 2000, 64 learning rates, 401 times; two minutes.
"""

import sys
import time
import warnings

import numpy as np
import xarray as xr

import hsgd


def seconds(n: int, d: int, fractions: np.ndarray | float) -> float:
    """Seconds of one call of `predict` on a new problem, its decomposition included."""
    rng = np.random.default_rng(0)
    A = rng.normal(size=(n, d)) / np.sqrt(d)
    problem = hsgd.LeastSquares(A, A @ rng.normal(size=d) + rng.normal(size=n), ridge=0.1)
    # Rows of norm one on average: critical at about 2.
    rates = 2.0 * fractions
    if np.ndim(rates):
        rates = xr.DataArray(rates, dims="rate")
    began = time.perf_counter()
    hsgd.predict(problem, hsgd.SGD(rates), np.linspace(0.0, 20.0, 401))
    return time.perf_counter() - began


def main(n: int = 4000, d: int = 2000) -> None:
    """Print the two times and their ratio."""
    warnings.simplefilter("ignore", UserWarning)
    seconds(100, 50, np.linspace(0.1, 0.9, 3))
    one = seconds(n, d, 0.5)
    many = seconds(n, d, np.linspace(0.02, 0.95, 64))
    print(f"n = {n}, d = {d}: one rate {one:.1f} s, 64 rates {many:.1f} s, {many / one:.2f} times")


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
