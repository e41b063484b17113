"""How much memory a run takes, asked before it starts."""

from __future__ import annotations

from hsgd.memory import available
from simulate.engines.base import Plan
from simulate.engines.layout import copied_bytes


def required(plan: Plan, num_statistics: int, num_times: int, num_threads: int) -> int:
    """Upper estimate in bytes of what a run allocates."""
    n, d = plan.A.shape
    replicates = len(plan.keys)
    # The values on the unique iterations, and once more on the caller's times.
    results = 8 * num_statistics * replicates * (len(plan.iterations) + num_times)
    # Points, residuals of one block (twice), permutation, its draws and its rows.
    scratch = 8 * (plan.block_size * (d + 2 * n) + 3 * n + 2 * d)
    return int(results + min(num_threads, replicates) * scratch + copied_bytes(plan.A))


def check(bytes_needed: int) -> None:
    """Refuse a run that cannot fit.

    Raises
    ------
    MemoryError
        With both figures.
    """
    bytes_left = available()
    if bytes_left is not None and bytes_needed > bytes_left:
        raise MemoryError(
            f"this run needs about {bytes_needed / 1e9:.3g} GB but {bytes_left / 1e9:.3g} GB are "
            "free: ask for fewer replicates, times or statistics."
        )
