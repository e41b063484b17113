"""How much memory a run takes, asked before it starts."""

from __future__ import annotations

from hsgd.machine import memory
from simulate.engines.base import Plan
from simulate.engines.cpu.layout import copied_bytes
from simulate.rows.data import DataRows


def results(num_statistics: int, num_replicates: int, num_records: int, num_times: int) -> int:
    """Bytes of the values on the unique iterations, and once more on the caller's times."""
    return 8 * num_statistics * num_replicates * (num_records + num_times)


def scratch_of_sgd(plan: Plan, num_threads: int) -> int:
    """Upper estimate in bytes of what a run of SGD allocates beside its results."""
    d, rows, largest = plan.width, plan.rows, plan.batches.largest
    # Points (once more in another basis), parameters, velocities, a rule's constants, one batch's
    # numbers.
    numbers = 2 * plan.block_size * d + 8 * d + 4 * largest
    numbers += rows.scratch(d, largest, plan.block_size) + plan.numbers_of_state
    copied = 8 * rows.shared(d)
    if isinstance(rows, DataRows):
        copied = copied_bytes(rows.A, plan.dtype)
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
