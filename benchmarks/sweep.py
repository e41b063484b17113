"""What a sweep over learning rates costs, next to one prediction, and what its pieces add.

First both from fresh problems, so that each pays for the singular value decomposition and for the
diagnosis of the rows: n = 4000, d = 2000, 64 learning rates, 401 times; two minutes. Then small
members, whose cost the overheads can be seen against: limits at n = 200, d = 100, 64 learning
rates, a piece for each. `python benchmarks/sweep.py --n 400 --d 200` is quick.
"""

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator

import numpy as np
import xarray as xr
from _records import Figure, interleaved, main, median, ratios

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


def overheads(num_members: int = 64, rounds: int = 3) -> Iterator[Figure]:
    """What pieces, part files and a cluster add to the members themselves."""
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
        yield Figure("a cluster of two workers / starts in", time.perf_counter() - began, "s")
        ways: dict[str, Callable[[], object]] = {
            "hsgd.limits": lambda: hsgd.limits(*call),
            "hsgd.sweep, client=False": lambda: hsgd.sweep(hsgd.limits, *call, client=False),
            "the same, with part files": lambda: in_folder(client=False),
            "two workers": lambda: hsgd.sweep(hsgd.limits, *call, client=client),
            "two workers, with part files": lambda: in_folder(client=client),
        }
        times = interleaved(ways, rounds)  # the first time the workers import
    for name, taken in times.items():
        yield median(f"{name} / a member", [1e3 * one / num_members for one in taken], "ms")
        yield median(f"{name} / against hsgd.limits", ratios(taken, times["hsgd.limits"]), "×")


def measure(n: int = 4000, d: int = 2000, rounds: int = 2) -> Iterator[Figure]:
    """One learning rate and 64, and the overheads."""
    warnings.simplefilter("ignore", UserWarning)
    ways = {
        "one learning rate": lambda: seconds(n, d, 0.5),
        "64 learning rates": lambda: seconds(n, d, np.linspace(0.02, 0.95, 64)),
    }
    seconds(100, 50, np.linspace(0.1, 0.9, 3))
    times = interleaved(ways, rounds, warm_up=0)
    for name, taken in times.items():
        yield median(f"{name} / n = {n}, d = {d}", taken, "s")
    more = ratios(times["64 learning rates"], times["one learning rate"])
    yield median(f"64 against one / n = {n}, d = {d}", more, "×")
    yield from overheads()


if __name__ == "__main__":
    main(measure)
