"""Piecewise constant schedules: the exact method beside collocation, by number of modes.

A power law at 0.95 of critical whose learning rate halves three times, to t = 10^5, 100 times.
Medians of interleaved runs, and the errors that each reports.
"""

from collections.abc import Iterator

import numpy as np
from _records import Figure, fixed, interleaved, main, median

from volterra import PiecewiseClock, SumOfExponentials, solve


def problem(modes):
    """Kernel, forcing on its clock, and times."""
    rates = np.arange(1, modes + 1) ** -1.7
    weights = rates**2 * (0.95 / np.sum(rates))
    steps = np.array([1, 0.5, 0.25, 0.125])
    kernel = PiecewiseClock(SumOfExponentials(rates, weights), [10, 100, 1000], steps, steps**2)
    return kernel.on_clock(SumOfExponentials(rates, rates, 0.1)), kernel, np.logspace(-1, 5, 100)


def measure(rounds: int = 3) -> Iterator[Figure]:
    """Seconds and errors by the number of modes."""
    for modes in (100, 300, 1000):
        question, errors = problem(modes), {}

        def run(method: str, question: tuple = question, errors: dict = errors) -> None:
            solution = solve(*question, method=method, rtol=1e-8)
            errors[method] = np.max(solution.error / solution.y)

        ways = {name: lambda m=name, run=run: run(m) for name in ("segments", "collocation")}
        for name, seconds in interleaved(ways, rounds).items():
            yield median(f"{modes} modes / {name}", seconds, "s")
            yield fixed(f"{modes} modes / {name}, error", errors[name], "")


if __name__ == "__main__":
    main(measure)
