"""How much memory a run takes, asked before it starts."""

from __future__ import annotations

import os

from simulate.engines.base import NOISE_BLOCK, FreshRows, Plan
from simulate.engines.layout import copied_bytes


def required(plan: Plan, num_statistics: int, num_times: int, num_threads: int) -> int:
    """Upper estimate in bytes of what a run allocates."""
    d, largest = plan.dimension, plan.batches.largest
    replicates = len(plan.keys)
    # The values on the unique iterations, and once more on the caller's times.
    results = 8 * num_statistics * replicates * (len(plan.iterations) + num_times)
    # Points (once more in another basis), parameters, velocities, one batch's numbers.
    scratch = 2 * plan.block_size * d + 4 * d + 4 * largest
    copied = 0
    if isinstance(plan.rows, FreshRows):
        scratch += largest * d + NOISE_BLOCK
    else:
        # Residuals of one block (twice), permutation, its draws and its rows.
        n = plan.rows.A.shape[0]
        scratch += 2 * plan.block_size * n + 3 * n
        copied = copied_bytes(plan.rows.A, plan.dtype)
    return int(results + min(num_threads, replicates) * 8 * scratch + copied)


def available() -> int | None:
    """Bytes that this machine can still give out; None where that is not known."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return int(os.sysconf("SC_PAGE_SIZE")) * int(os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return None


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
