"""The verb: SGD on the rows of a problem, run for real, many times."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from hsgd import checks, dataset, provenance
from hsgd.algorithms import SGD
from hsgd.problems import LeastSquares
from hsgd.statistics import resolve
from simulate import engines, memory, threads
from simulate.blas import single_threaded_blas
from simulate.engines.base import Plan
from simulate.learning_rates import LearningRates
from simulate.progress import bar
from simulate.recording import Recorder, block_size
from simulate.sampling import CODES, MAX_ROWS
from simulate.seeds import Seed, as_seed

if TYPE_CHECKING:
    import xarray as xr


def sgd(
    problem: LeastSquares,
    algorithm: SGD,
    time: Any,
    *,
    statistics: Any = None,
    num_replicates: int = 1,
    first_replicate: int = 0,
    seed: Any = None,
    engine: str = "auto",
    dtype: str = "float64",
    client: None = None,
    checkpoint: None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """Run SGD `num_replicates` times and record statistics at the given times.

    Iteration k takes x ← x − γ_k [ (1/B) Σ_batch a (a·x − b) + (ridge/n) x ], with
    γ_k = learning_rate(k/n).

    Parameters
    ----------
    problem
        The data, shape (n, d), and the start.
    algorithm
        Learning rate, batch size B and sampling.
    time
        Increasing times in units of n iterations, shape (T,); recorded at iteration rint(time·n),
        before its step.
    statistics
        Names or quadratics, as in `hsgd.predict`; by default all that the problem has.
    num_replicates, first_replicate
        Replicates first_replicate, …, first_replicate + num_replicates − 1 are run. Each is a
        function of (seed, its number) alone: two calls for halves give what one call gives, to
        the bit, whatever the number of threads.
    seed
        An int, a `numpy.random.SeedSequence`, or None for fresh entropy, which is recorded.
    engine
        `"reference"` (plain NumPy, the definition), `"cpu"` (compiled, all cores; as many threads
        as the environment variable `NUMBA_NUM_THREADS` says), or `"auto"`: `"cpu"`.
    dtype, client, checkpoint
        Not available yet; leave them out.
    progress
        Show a progress bar; None shows one on a terminal once a run has lasted two seconds.

    Returns
    -------
    xarray.Dataset
        A variable for each statistic with dims `("time", "replicate")`; the coordinate
        `replicate` holds the replicates' numbers. Runs that diverge are infinite from there on;
        the attribute `num_diverged` counts them.

    Raises
    ------
    TypeError, ValueError
        For bad arguments; before anything is compiled or run.
    MemoryError
        If the result cannot fit into memory.

    Warns
    -----
    UserWarning
        If runs diverged.

    Notes
    -----
    Costs 4·B·d operations and B random rows of A per iteration, and about 2·n·d operations per
    recorded empirical risk, in matrix products. Bits are the same for any number of threads and
    any split into replicates, on one machine with one set of library versions; engines agree to
    rounding.

    References
    ----------
    C. Paquette, E. Paquette, B. Adlam, J. Pennington, arXiv:2205.07069, section 1, multi-pass SGD.

    Examples
    --------
    >>> import numpy as np, hsgd, simulate
    >>> rows = np.random.default_rng(0).standard_normal((40, 10)) / np.sqrt(10)
    >>> problem = hsgd.LeastSquares(rows, rows @ np.ones(10))
    >>> runs = simulate.sgd(problem, hsgd.SGD(0.5), [0.0, 5.0], num_replicates=3, seed=0)
    >>> dict(runs.sizes)
    {'time': 2, 'replicate': 3}
    """
    _refuse_unavailable(dtype, client, checkpoint)
    dataset.check_setting(problem, algorithm)
    if progress not in (None, True, False):
        raise TypeError(f"progress is {progress!r}: pass True, False or None.")
    count = checks.integer("num_replicates", num_replicates, minimum=1)
    first = checks.integer("first_replicate", first_replicate, minimum=0)
    name = engines.resolve(checks.one_of("engine", engine, engines.NAMES))
    stream = as_seed(seed)
    grid = dataset.time_grid(time, problem.num_rows)
    plan = _plan(problem, algorithm, grid, stream, range(first, first + count))
    num_threads = 1 if name == "reference" else min(threads.available(), count)
    with single_threaded_blas():
        asked = resolve(problem, statistics)
        memory.check(memory.required(plan, len(asked), len(grid.time), num_threads))
        recorder = Recorder(asked, len(grid.unique), count)
        run = engines.load(name)
        with bar(progress, plan.num_iterations * count) as report:
            run(plan, recorder, num_threads, report)
    num_diverged = int(recorder.diverged().sum())
    if num_diverged:
        warnings.warn(
            f"{num_diverged} of {count} runs diverged and are infinite from there on: lower the "
            "learning rate, or shorten the time.",
            UserWarning,
            stacklevel=2,
        )
    attrs = provenance.attributes(
        problem, algorithm, source="simulation", title="Monte Carlo runs of SGD"
    )
    attrs |= stream.attributes
    attrs |= {"generator": "Philox4x32-10", "engine": name, "precision": dtype}
    attrs |= {"num_threads": num_threads, "num_diverged": num_diverged}
    return _labelled(problem, algorithm, grid, recorder, attrs, range(first, first + count))


def _refuse_unavailable(dtype: object, client: object, checkpoint: object) -> None:
    if dtype != "float64":
        raise ValueError(f"dtype {dtype!r} is not available yet: leave it at 'float64'.")
    if client is not None:
        raise ValueError("client is not available yet: leave it out, and all cores are used.")
    if checkpoint is not None:
        raise ValueError(
            "checkpoint is not available yet: leave it out, and split long runs by first_replicate."
        )


def _plan(
    problem: LeastSquares, algorithm: SGD, grid: dataset.Grid, seed: Seed, replicates: range
) -> Plan:
    n = problem.num_rows
    if n >= MAX_ROWS:
        raise ValueError(f"the problem has {n} rows, but at most 2^32 - 1 can be drawn from.")
    if int(grid.unique[-1]) * algorithm.largest_batch_size > 2**62:
        raise ValueError(
            f"time ends after {int(grid.unique[-1])} iterations of {algorithm.largest_batch_size} "
            "rows, which is more than 2^62 rows: shorten it."
        )
    return Plan(
        A=problem.A,
        b=problem.b,
        x0=problem.x0,
        ridge_per_row=problem.ridge / n,
        rates=LearningRates(algorithm.schedule, n, int(grid.unique[-1])),
        batch_size=algorithm.largest_batch_size,
        sampling=CODES[algorithm.sampling],
        iterations=grid.unique,
        keys=tuple(seed.key(replicate) for replicate in replicates),
        block_size=block_size(problem.dimension),
    )


def _labelled(
    problem: LeastSquares,
    algorithm: SGD,
    grid: dataset.Grid,
    recorder: Recorder,
    attrs: dict[str, Any],
    replicates: range,
) -> xr.Dataset:
    variables = {
        statistic.name: (("time", "replicate"), values, statistic.long_name)
        for statistic, values in zip(recorder.statistics, recorder.values, strict=True)
    }
    label = {"units": "1", "long_name": "replicate"}
    coords = {"replicate": ("replicate", list(replicates), label)}
    return dataset.assemble(grid, problem, algorithm, variables, attrs, coords)
