"""The verb: SGD on the rows of a problem, or on fresh ones, run for real, many times."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hsgd import checks, dataset
from hsgd.algorithms.base import Algorithm
from hsgd.machine import clusters
from hsgd.nouns import Whole
from hsgd.problems.feature_rows import FeatureRows
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.sweeps.broadcasting import follows_sweeps
from simulate import engines, threads
from simulate.checkpoint import Checkpoint
from simulate.run import memory
from simulate.run.execution import Asked, carry_out, warn
from simulate.run.planning import DTYPES, check, make_plan
from simulate.run.spreading import spread
from simulate.run.stopping import FIRST_LOOK, until_precise

if TYPE_CHECKING:
    import xarray as xr


@follows_sweeps
def sgd(
    problem: LeastSquares | GaussianRows | FeatureRows,
    algorithm: Algorithm,
    time: ArrayLike,
    *,
    statistics: Any = None,
    num_replicates: Whole | str = 1,
    first_replicate: Whole = 0,
    seed: Whole | np.random.SeedSequence | None = None,
    engine: str = "auto",
    dtype: str = "float64",
    client: Any = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    target_standard_error: float = 0.01,
    progress: bool | None = None,
) -> xr.Dataset:
    """Run SGD `num_replicates` times and record statistics at the given times.

    Iteration k takes x ← x − γ_k g(x), g(x) = (1/B) Σ_batch a (a·x − b) + ρ x, or what else the
    algorithm says; γ_k = learning_rate(k/n) and ρ = ridge/n for data, learning_rate(k/d) and
    ρ = ridge for fresh rows.

    Parameters
    ----------
    problem
        A `LeastSquares` (A an array, a memory map or a SciPy sparse matrix), whose n rows are
        passed over many times; or a `GaussianRows` or `FeatureRows`, which give fresh rows for
        ever.
    algorithm
        `SGD` for data; `StreamingSGD`, `LineSearch` or `Polyak` for fresh rows; `HeavyBall`,
        `Nesterov`, `GeneralMomentum`, `DANA`, `ScheduleFree`, `LinearMethod`, `AdaGradNorm` or
        `SignSGD` for either; the linear ones with an average (`averaging`). Learning rates
        and batch size may be schedules. These two and the problem's ridge may be an
        `xarray.DataArray` of numbers each, whose dims become the first of the result; `hsgd.sweep`
        does so on a cluster.
    time
        Increasing times, shape (T,), in units of n iterations (d, for fresh rows); recorded at
        iteration rint(time·n), before its step.
    statistics
        Names or quadratics, as in `hsgd.predict`, by default all that the problem has; and
        `hsgd.Coordinates`, for single coordinates in the eigenbasis.
    num_replicates, first_replicate
        Replicates first_replicate, …, first_replicate + num_replicates − 1 are run. Each is a
        function of (seed, its number) alone: two calls for halves give what one call gives, to
        the bit, whatever the number of threads. The random numbers of a replicate depend on
        neither the algorithm's rates nor on the problem's data: runs with the same seed at other
        learning rates see the same rows (common random numbers), so differences between them have
        less noise than either. `num_replicates="auto"` runs as many as the target below needs.
    seed
        An int, a `numpy.random.SeedSequence`, or None for fresh entropy, which is recorded.
    engine
        `"reference"` (plain NumPy, the definition), `"cpu"` (compiled, all cores; as many threads
        as the environment variable `NUMBA_NUM_THREADS` says), `"cuda"` (an NVIDIA GPU, with the
        extra `hsgd[cuda]`; its speed has not been measured), or `"auto"`: `"cpu"`.
    dtype
        What rows are stored in, `"float64"` or `"float32"`. Parameters, products and sums are
        double always, so single precision halves the memory to read and changes the problem by
        the rounding of A, 6e-8 of each entry.
    client
        A `distributed.Client`: replicates are spread over its workers, one to a thread, and those
        of a worker that dies are run again elsewhere (extra `hsgd[distributed]`). A checkpoint's
        folder must then be one that all workers see.
    checkpoint
        A folder in which progress is saved once a minute, or a `simulate.Checkpoint(folder,
        seconds)`. The same call, made again after the process was stopped in whatever way, goes on
        from there and gives the same bits.
    target_standard_error
        For `num_replicates="auto"`: largest standard error relative to the mean, at any time and of
        any statistic but `Coordinates`. The number of runs doubles until with 95% confidence, which
        holds although the runs were looked at while they came, every mean is within 1.96 times this
        of the truth.
    progress
        Show a progress bar; None shows one on a terminal or in a notebook once a run has lasted
        two seconds.

    Returns
    -------
    xarray.Dataset
        A variable for each statistic with dims `("time", "replicate")`, `<statistic>_averaged` of
        the average, where one is kept, and
        `realised_learning_rate` where the algorithm finds it on its way; the coordinate
        `replicate` holds the replicates' numbers, `status` what became of them: 0 complete,
        1 diverged (infinite from there on; the attribute `num_diverged` counts them), 2 partial
        (NaN from there on). An interrupt (Ctrl-C) keeps what is done, if anything: the attribute
        `status` is then `"partial"`, else `"complete"`.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, or a checkpoint of another run; before anything is compiled or run.
    OSError
        If the checkpoint's folder cannot be written at the start. Later failures are warnings: the
        run goes on.
    MemoryError
        If the run cannot fit into memory.

    Warns
    -----
    UserWarning
        If runs diverged, if the run was interrupted, if a checkpoint could not be written.

    Notes
    -----
    Data cost 4·B·d operations and B random rows of A per iteration (sparse ones as much as their
    rows hold), fresh rows B·d normals whatever their covariance, rows of N features of d inputs B·d
    normals and 2·B·N·d operations in matrix products, and a recorded empirical risk
    about 2·n·d operations, in matrix products. Bits are the same for any number of threads and
    any split into replicates, on one machine with one set of library versions; engines agree to
    rounding.

    References
    ----------
    C. Paquette, E. Paquette, B. Adlam, J. Pennington, arXiv:2205.07069, section 1, multi-pass SGD;
    E. Collins-Woodfin, E. Paquette, arXiv:2304.06847, streaming SGD.

    Examples
    --------
    >>> import numpy as np, hsgd, simulate
    >>> rows = np.random.default_rng(0).standard_normal((40, 10)) / np.sqrt(10)
    >>> problem = hsgd.LeastSquares(rows, rows @ np.ones(10))
    >>> runs = simulate.sgd(problem, hsgd.SGD(0.5), [0.0, 5.0], num_replicates=3, seed=0)
    >>> dict(runs.sizes)
    {'time': 2, 'replicate': 3}
    """
    name = engines.resolve(checks.one_of("engine", engine, engines.NAMES))
    check(problem, algorithm, name)
    checks.one_of("dtype", dtype, DTYPES)
    automatic = isinstance(num_replicates, str) and num_replicates == "auto"
    if automatic or client is not None:
        # Parts are calls of this verb; what they share is checked before the first one.
        count = FIRST_LOOK if automatic else num_replicates
        parts = Asked.checked(count, first_replicate, seed, checkpoint, progress)
        asked_alike = {"statistics": statistics, "engine": name, "dtype": dtype}
        asked_alike |= {"seed": parts.seed.sequence, "checkpoint": checkpoint}
        return _in_parts(
            problem, algorithm, time, parts, client, num_replicates, target_standard_error,
            asked_alike,
        )  # fmt: skip
    asked = Asked.checked(num_replicates, first_replicate, seed, checkpoint, progress)
    grid = dataset.time_grid(time, problem.iterations_per_unit)
    plan = make_plan(problem, algorithm, grid, asked.keys(), dtype)
    num_threads = 1 if name == "reference" else min(threads.available(), asked.count)
    return carry_out(
        problem,
        algorithm,
        grid,
        plan,
        statistics,
        asked,
        run=lambda *arguments: engines.load(name)(plan, *arguments),
        num_threads=num_threads,
        scratch=memory.scratch_of_sgd(plan, num_threads),
        source="simulation",
        title="Monte Carlo runs of SGD",
        attributes={"engine": name, "precision": dtype},
    )


def _in_parts(
    problem: Any,
    algorithm: Any,
    time: Any,
    asked: Asked,
    client: Any,
    num_replicates: Any,
    target: float,
    alike: dict[str, Any],
) -> xr.Dataset:
    """As many replicates as a target needs, or those of a cluster, or both."""

    def run(first: int, count: int) -> xr.Dataset:
        if client is None:
            options = {"first_replicate": first, "num_replicates": count} | alike
            return sgd(problem, algorithm, time, progress=asked.progress, **options)
        part = partial(_on_worker, algorithm=algorithm, time=time)
        found = spread(client, part, problem, first, count, alike)
        warn(problem, algorithm, found, found.status.values, interrupted=False)
        return found

    if client is not None:
        clusters.check_client(client)
    if num_replicates != "auto":
        return run(asked.numbers.start, asked.count)
    goal = checks.number("target_standard_error", target, strict=True)
    return until_precise(run, asked.numbers.start, goal)


def _on_worker(problem: Any, *, algorithm: Any, time: Any, **options: Any) -> xr.Dataset:
    return sgd(problem, algorithm, time, **options)
