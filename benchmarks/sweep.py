"""What a sweep over learning rates costs, next to one prediction, and what its pieces add.

First both from fresh problems, so that each pays for the singular value decomposition and for the
diagnosis of the rows: n = 4000, d = 2000, 64 learning rates, 401 times; two minutes. Then small
members, whose cost the overheads can be seen against: limits at n = 200, d = 100, 64 learning
rates, a piece for each.
"""

import sys
import tempfile
import time
import warnings
from collections.abc import Callable

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


def overheads(num_members: int = 64, rounds: int = 3) -> None:
    """Print what pieces, part files and a cluster add to the members themselves, by medians."""
    from distributed import Client, LocalCluster

    rng = np.random.default_rng(0)
    A = rng.normal(size=(200, 100)) / 10.0
    problem = hsgd.LeastSquares(A, A @ rng.normal(size=100) + rng.normal(size=200), ridge=0.1)
    rates = xr.DataArray(np.linspace(0.1, 1.8, num_members), dims="rate")
    call = (problem, hsgd.SGD(rates))

    def in_folder(**options: object) -> None:
        with tempfile.TemporaryDirectory() as folder:
            hsgd.sweep(hsgd.limits, *call, folder=folder, **options)

    began = time.perf_counter()
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        Client(cluster) as client,
    ):
        started = time.perf_counter() - began
        ways: dict[str, Callable[[], object]] = {
            "hsgd.limits": lambda: hsgd.limits(*call),
            "hsgd.sweep, client=False": lambda: hsgd.sweep(hsgd.limits, *call, client=False),
            "the same, with part files": lambda: in_folder(client=False),
            "two workers": lambda: hsgd.sweep(hsgd.limits, *call, client=client),
            "two workers, with part files": lambda: in_folder(client=client),
        }
        times: dict[str, list[float]] = {name: [] for name in ways}
        for number in range(rounds + 1):
            for name, way in ways.items():
                began = time.perf_counter()
                way()
                if number:  # the first time the workers import
                    times[name].append(time.perf_counter() - began)
    first = float(np.median(times["hsgd.limits"]))
    print(f"{num_members} members; a cluster of two workers starts in {started:.1f} s")
    for name, seconds_of in times.items():
        middle = float(np.median(seconds_of))
        each = 1e3 * middle / num_members
        print(f"{name:30s} {each:6.1f} ms a member, {middle / first:5.2f} times")


def main(n: int = 4000, d: int = 2000) -> None:
    """Print the two times and their ratio."""
    warnings.simplefilter("ignore", UserWarning)
    seconds(100, 50, np.linspace(0.1, 0.9, 3))
    one = seconds(n, d, 0.5)
    many = seconds(n, d, np.linspace(0.02, 0.95, 64))
    print(f"n = {n}, d = {d}: one rate {one:.1f} s, 64 rates {many:.1f} s, {many / one:.2f} times")
    overheads()


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:]))
