"""What every verb does around its engine: check, hold BLAS, record, save, label."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hsgd import checks, dataset, warning
from hsgd.algorithms.base import Algorithm
from hsgd.algorithms.sgd import SGD
from hsgd.dataset import provenance
from hsgd.dataset.schema import AVERAGED
from hsgd.interfaces import Problem
from hsgd.machine.blas import single_threaded_blas
from hsgd.statistics.named import resolve_recorded
from hsgd.statistics.readouts import Readout
from simulate.checkpoint import Checkpoint, Folder, Store, as_checkpoint
from simulate.engines.base import Course
from simulate.randomness.seeds import Seed, as_seed
from simulate.recording import DIVERGED, PARTIAL, Recorder, num_values
from simulate.run import memory
from simulate.run.configuration import configuration
from simulate.run.progress import bar

if TYPE_CHECKING:
    import xarray as xr


GROWN = 1e3
"""Growth of the mean risk beyond which it is called unstable: noise at a stable rate makes less."""
_BYTES_OF_A_KEY = 200
"""Of a replicate's key, as Python holds it."""


@dataclass(frozen=True)
class Asked:
    """Which replicates are asked for, of which seed, and how they are kept and shown."""

    numbers: range
    seed: Seed
    checkpoint: Checkpoint | None
    progress: bool | None

    @classmethod
    def checked(
        cls, num_replicates: Any, first_replicate: Any, seed: Any, checkpoint: Any, progress: Any
    ) -> Asked:
        """The same, checked.

        Raises
        ------
        TypeError, ValueError
            For bad arguments, or a checkpoint without a seed.
        """
        if not (progress is None or isinstance(progress, bool)):
            raise TypeError(f"progress is {checks.shown(progress)}: pass True, False or None.")
        count = checks.integer("num_replicates", num_replicates, minimum=1)
        first = checks.integer("first_replicate", first_replicate, minimum=0)
        memory.check(_BYTES_OF_A_KEY * count)  # before there are any
        saves, stream = as_checkpoint(checkpoint), as_seed(seed)
        if saves is not None and seed is None:
            raise ValueError("a checkpoint needs a seed, or nothing could be resumed: pass seed=0.")
        return cls(range(first, first + count), stream, saves, progress)

    @property
    def count(self) -> int:
        """How many replicates."""
        return len(self.numbers)

    def keys(self) -> tuple[tuple[int, int], ...]:
        """Philox key of each replicate."""
        return tuple(self.seed.key(number) for number in self.numbers)


def carry_out(
    problem: Problem,
    algorithm: Algorithm,
    grid: dataset.Grid,
    course: Course,
    statistics: Any,
    asked: Asked,
    *,
    run: Callable[..., None],
    num_threads: int,
    scratch: int,
    source: str,
    title: str,
    attributes: Mapping[str, Any],
) -> xr.Dataset:
    """Call `run(recorder, num_threads, report, store)`, and make a dataset of what it records.

    Raises
    ------
    TypeError, ValueError
        For bad statistics, or a checkpoint of another run.
    MemoryError
        If the run cannot fit: `scratch` bytes beside its results.
    """
    attrs = {**asked.seed.attributes, "generator": "Philox4x32-10", **attributes}
    interrupted = False
    with single_threaded_blas():
        chosen = resolve_recorded(problem, statistics)
        averages = algorithm.averaging is not None
        num_rows = sum(map(num_values, chosen)) * (1 + averages) + algorithm.is_adaptive
        sizes = (num_rows, asked.count, len(course.iterations), len(grid.time))
        memory.check(memory.results(*sizes) + scratch)
        recorder = Recorder(
            chosen,
            len(course.iterations),
            asked.count,
            with_rates=algorithm.is_adaptive,
            with_averages=averages,
        )
        store = Store()
        if asked.checkpoint is not None:
            what = configuration(problem, algorithm, course, chosen, attrs)
            store = Folder(asked.checkpoint, what, recorder, asked.numbers)
        with bar(asked.progress, course.num_iterations * asked.count) as report:
            try:
                run(recorder, num_threads, report, store)
            except KeyboardInterrupt:
                interrupted = True
                if not recorder.started().any():
                    raise
            finally:
                store.close()
    status = recorder.status()
    attrs |= {"num_threads": num_threads, "num_diverged": int((status == DIVERGED).sum())}
    attrs |= {"status": "partial" if interrupted else "complete"}
    attrs = provenance.attributes(problem, algorithm, source=source, title=title) | attrs
    found = _labelled(problem, algorithm, grid, recorder, attrs, np.array(asked.numbers))
    warn(problem, algorithm, found, status, interrupted)
    return found


def warn(
    problem: Problem, algorithm: Algorithm, found: xr.Dataset, status: Any, interrupted: bool
) -> None:
    """Tell the caller of the verb what became of its runs."""
    num_diverged, num_partial = int((status == DIVERGED).sum()), int((status == PARTIAL).sum())
    if num_diverged:
        warning.warn(
            f"{num_diverged} of {len(status)} runs diverged and are infinite from there on: lower "
            "the learning rate, or shorten the time.",
            stacklevel=5,
        )
    elif growth := _growth(problem, found):
        remedy = "lower it"
        if isinstance(algorithm, SGD):
            remedy += ", below the threshold that hsgd.exact_stability(problem) gives"
        warning.warn(
            f"the mean risk of {len(status)} runs grows to {growth:.2g} times what it was, so "
            f"this learning rate is unstable, in every run or in rare large ones: {remedy}.",
            stacklevel=5,
        )
    if interrupted:
        warning.warn(
            f"interrupted: {num_partial} of {len(status)} runs are not complete and are NaN from "
            "there on, or left out if they had not begun; with checkpoint=, the same call goes on.",
            stacklevel=5,
        )


def _growth(problem: Any, found: xr.Dataset) -> float:
    """How far the mean risk grows beyond those at x0 and at 0; 0 if it is no more than `GROWN`."""
    names = [name for name in ("empirical_risk", "population_risk") if name in found]
    for statistic in resolve_recorded(problem, names) if names else ():
        means = np.nan_to_num(found[statistic.name].mean("replicate").values)
        if means.max() > GROWN * means[0]:  # else x0 need not be looked at
            starts = np.stack((problem.x0, np.zeros(problem.dimension)))
            begun = float(statistic.values(starts).max())
            if 0.0 < GROWN * begun < means.max():
                return float(means.max()) / begun
    return 0.0


def _labelled(
    problem: Problem,
    algorithm: Algorithm,
    grid: dataset.Grid,
    recorder: Recorder,
    attrs: dict[str, Any],
    numbers: Any,
) -> xr.Dataset:
    kept = recorder.started()
    variables: dict[str, tuple[tuple[str, ...], Any, str]] = {}
    words = {"units": "1", "long_name": "0 complete, 1 diverged, 2 partial"}
    coords: dict[str, Any] = {
        "replicate": ("replicate", numbers[kept], {"units": "1", "long_name": "replicate"}),
        "status": ("replicate", recorder.status()[kept], words),
    }
    for statistic in recorder.statistics:
        dims: tuple[str, ...] = ("time", "replicate")
        if isinstance(statistic, Readout):
            dims = (*dims, statistic.dim)
            coords |= statistic.labels()
        values = recorder.of(statistic)[:, kept]
        variables[statistic.name] = (dims, values, statistic.long_name)
        if recorder.has_averages:
            values = recorder.of(statistic, averaged=True)[:, kept]
            name = f"{statistic.name}{AVERAGED}"
            variables[name] = (dims, values, f"{statistic.long_name} at the average")
    if algorithm.is_adaptive:
        rates = recorder.rates[:, kept]
        words_of_rates = "learning rate that the run found"
        variables["realised_learning_rate"] = (("time", "replicate"), rates, words_of_rates)
    return dataset.assemble(grid, problem, algorithm, variables, attrs, coords)
