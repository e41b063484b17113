"""The CUDA engine: one block of threads per replicate, all replicates in step.

    device        the formulas of the package, compiled for the GPU; sums over a block
    simulator     what makes all this run where there is no GPU, for tests
    order         which rows are read
    kind          what a kind of rows has to say
    dense         rows of an array: their residuals, and moves along them
    sparse        rows of a sparse matrix
    streaming     rows that are made on the device
    features      rows of random features that are made on the device
    steps         the loop that takes steps of SGD on any rows
    rows          the host's side of rows: which of these kinds they are, and their data
    replicates    the host's side of replicates: what changes on the device, and is fetched
    stepping      those that take steps
    with_rule     those of algorithms that have a rule, and their loop
    group         replicates on their way, their records and their checkpoints

Nothing outside this package knows of CUDA. A launch does many iterations: the host hears of the
device a few times a second, and fetches points by whole blocks of records. Sums are added in an
order that depends on the number of threads alone, so runs repeat to the bit on one kind of GPU.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hsgd.machine import memory
from simulate.checkpoint import State, Store
from simulate.engines.base import Plan, Report
from simulate.engines.cuda.device import cuda
from simulate.engines.cuda.group import Group
from simulate.engines.cuda.replicates import bytes_of_replicate
from simulate.engines.cuda.rows import free_bytes, shared_data
from simulate.recording import Recorder
from simulate.threads import for_each

GROUP_BYTES = 2**30
"""Points of a block of records that the host holds: it bounds the replicates done together."""


def run(plan: Plan, recorder: Recorder, num_threads: int, report: Report, store: Store) -> None:
    """Run every replicate; see `engines.base`."""
    if not cuda.is_available():
        raise ValueError(
            "engine 'cuda' needs an NVIDIA GPU with its driver, and pip install 'hsgd[cuda]': "
            "use engine='cpu' on this machine."
        )

    def work(_: int, check: Callable[[], None]) -> None:
        def tell(done: int) -> None:
            check()
            report(done)

        data = shared_data(plan)
        for members in _groups(plan, store, _largest_group(plan), tell):
            Group(plan, data, members, recorder, num_threads, store).run(tell)

    # A thread of its own, so that an interrupt never hits between two lines that belong together.
    for_each(1, 1, work)


def _largest_group(plan: Plan) -> int:
    """Replicates that fit on the device together, and their points on the host."""
    host_bytes = GROUP_BYTES
    left = memory.available()
    if left is not None:
        host_bytes = min(host_bytes, left // 4)
    points = 8 * min(plan.block_size, len(plan.iterations)) * plan.width
    on_device = 0.9 * free_bytes() / bytes_of_replicate(plan)
    return max(1, int(min(host_bytes // points, on_device)))


def _groups(plan: Plan, store: Store, largest: int, report: Report) -> list[Any]:
    """Replicates that an earlier run left at the same place, `largest` at a time."""
    together: dict[tuple[int, int, int], list[tuple[int, State | None]]] = {}
    for index in range(len(plan.keys)):
        if store.finished(index):
            report(plan.num_iterations)
            continue
        state = store.state(index)
        place = (0, 0, 0) if state is None else (state.done, state.slot, state.filled)
        together.setdefault(place, []).append((index, state))
    return [
        members[first : first + largest]
        for members in together.values()
        for first in range(0, len(members), largest)
    ]
