"""How much memory a run takes, asked before it starts."""

from __future__ import annotations

from hsgd.machine import memory
from simulate.engines.base import FEATURE_BLOCK, NOISE_BLOCK, FreshFeatures, FreshRows, Plan
from simulate.engines.cpu.layout import copied_bytes


def results(num_statistics: int, num_replicates: int, num_records: int, num_times: int) -> int:
    """Bytes of the values on the unique iterations, and once more on the caller's times."""
    return 8 * num_statistics * num_replicates * (num_records + num_times)


def scratch_of_sgd(plan: Plan, num_threads: int) -> int:
    """Upper estimate in bytes of what a run of SGD allocates beside its results."""
    d, largest = plan.width, plan.batches.largest
    # Points (once more in another basis), parameters, velocities, a rule's constants, one batch's
    # numbers.
    numbers = 2 * plan.block_size * d + 8 * d + 4 * largest
    copied = 0
    if isinstance(plan.rows, FreshRows):
        numbers += largest * d + NOISE_BLOCK
    elif isinstance(plan.rows, FreshFeatures):
        inputs = plan.rows.num_normals
        numbers += (largest + 2 * FEATURE_BLOCK) * d + FEATURE_BLOCK * inputs + NOISE_BLOCK
        copied = 8 * d * inputs
    else:
        # Residuals of one block (twice), permutation, its draws and its rows.
        n = plan.rows.A.shape[0]
        numbers += 2 * plan.block_size * n + 3 * n
        copied = copied_bytes(plan.rows.A, plan.dtype)
    return num_threads * 8 * numbers + copied


def check(bytes_needed: int) -> None:
    """Refuse a run that cannot fit.

    Raises
    ------
    MemoryError
        With both figures.
    """
    fewer = "replicates (num_replicates), times or statistics, or a smaller batch_size"
    memory.check(bytes_needed, "this run", fewer)
