"""Piecewise constant schedules: the exact method beside collocation, by number of modes.

A power law at 0.95 of critical whose learning rate halves three times, to t = 10^5, 100 times.
Prints the medians of interleaved runs and the errors that each reports.
"""

import time

import numpy as np

from volterra import PiecewiseClock, SumOfExponentials, solve

REPEATS = 3


def problem(modes):
    """Kernel, forcing on its clock, and times."""
    rates = np.arange(1, modes + 1) ** -1.7
    weights = rates**2 * (0.95 / np.sum(rates))
    steps = np.array([1, 0.5, 0.25, 0.125])
    kernel = PiecewiseClock(SumOfExponentials(rates, weights), [10, 100, 1000], steps, steps**2)
    return kernel.on_clock(SumOfExponentials(rates, rates, 0.1)), kernel, np.logspace(-1, 5, 100)


def main():
    """Print the table."""
    print("modes  method       seconds  largest reported relative error")
    for modes in (100, 300, 1000):
        question, taken, error = problem(modes), {}, {}
        for _ in range(REPEATS):
            for method in ("segments", "collocation"):
                start = time.perf_counter()
                solution = solve(*question, method=method, rtol=1e-8)
                taken.setdefault(method, []).append(time.perf_counter() - start)
                error[method] = np.max(solution.error / solution.y)
        for method, seconds in taken.items():
            print(f"{modes:5d}  {method:11s}  {np.median(seconds):7.3f}  {error[method]:.1e}")


if __name__ == "__main__":
    main()
