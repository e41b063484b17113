"""The verb for homogenized SGD itself: sample paths of its stochastic differential equation."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from hsgd import checks, dataset
from hsgd.algorithms.sgd import SGD, StreamingSGD
from hsgd.nouns import Whole
from hsgd.problems.gaussian_rows import GaussianRows
from hsgd.problems.least_squares import LeastSquares
from hsgd.schedules import Schedule
from hsgd.setting import check_rate, check_setting
from hsgd.statistics.readouts import Recorded
from hsgd.sweeps.broadcasting import follows_sweeps
from simulate import threads
from simulate.checkpoint import Checkpoint
from simulate.engines.cpu.sde import Diffusion, run
from simulate.recording import block_size
from simulate.run.execution import Asked, carry_out

if TYPE_CHECKING:
    import xarray as xr

FINE = 0.1
"""By default no mode relaxes by more than this in one step: γ · r_max · step."""
MOST_STEPS = 2**27
"""Steps whose schedules are held in memory (3 GB)."""


@follows_sweeps
def diffusion(
    problem: LeastSquares | GaussianRows,
    algorithm: SGD | StreamingSGD,
    time: ArrayLike,
    *,
    statistics: Recorded | Iterable[Recorded] | None = None,
    num_replicates: Whole = 1,
    first_replicate: Whole = 0,
    seed: Whole | np.random.SeedSequence | None = None,
    step: float | None = None,
    checkpoint: Checkpoint | str | os.PathLike[str] | None = None,
    progress: bool | None = None,
) -> xr.Dataset:
    """Sample paths of homogenized SGD, the diffusion whose mean the theory computes.

    On data, with L = ½‖Ax−b‖², H = AᵀA and φ the batch's noise factor,
    dX = −γ (∇L(X) + ridge·X) dt + γ √((2φ/n) L(X) H) dB; on fresh rows with covariance Σ and
    risk R, dX = −γ d (Σ(X−β) + ridge·X) dt + γ √((2d/B) R(X) Σ) dB.

    Parameters
    ----------
    problem, algorithm
        A `LeastSquares` with `SGD` and independent batches, or a `GaussianRows` with
        `StreamingSGD`.
    time, statistics, num_replicates, first_replicate, seed, checkpoint, progress
        As in `simulate.sgd`. Paths depend on the times asked for, for steps end there.
    step
        Longest time step; by default such that no mode relaxes by more than a tenth in it.

    Returns
    -------
    xarray.Dataset
        As from `simulate.sgd`, with the attribute `source` `"diffusion"`. The *mean* over
        replicates is what homogenized SGD predicts for SGD. The *spread is not SGD's*: the
        variance of the diffusion differs from that of SGD at leading order (up to 3.5 times in
        standard deviation near critical), so it must not be drawn as a band for single runs.

    Raises
    ------
    TypeError, ValueError
        For bad arguments, or batches that are not independent, which the equation is not for.

    Notes
    -----
    Euler and Maruyama's scheme with two improvements: every mode's relaxation is exact, and the
    strength of the noise in a step is that expected half way. The mean's error falls like the
    square of the step (without the second, like the step). Cost: one normal and some twenty
    operations per mode and step.

    References
    ----------
    arXiv:2205.07069, equation of X_t; docs, theory page, "Homogenized SGD".

    Examples
    --------
    >>> import numpy as np, hsgd, simulate
    >>> rows = np.random.default_rng(0).standard_normal((40, 10)) / np.sqrt(10)
    >>> problem = hsgd.LeastSquares(rows, rows @ np.ones(10))
    >>> paths = simulate.diffusion(problem, hsgd.SGD(0.5), [0.0, 5.0], num_replicates=3, seed=0)
    >>> paths.attrs["source"]
    'diffusion'
    """
    check_setting(
        problem,
        algorithm,
        problems=(LeastSquares, GaussianRows),
        algorithms=(SGD, StreamingSGD),
        batch_schedules=True,
        independent="homogenized SGD is for independent batches",
    )
    check_rate(problem, algorithm)
    longest = np.inf if step is None else checks.number("step", step, strict=True)
    asked = Asked.checked(num_replicates, first_replicate, seed, checkpoint, progress)
    grid = dataset.time_grid(time, problem.iterations_per_unit)
    modes = _of_data(problem) if isinstance(problem, LeastSquares) else _of_population(problem)
    steps = _steps(problem, algorithm, grid, float(modes["relaxation"].max()), longest)
    course = Diffusion(
        keys=asked.keys(), block_size=block_size(problem.dimension), **modes, **steps
    )
    num_threads = min(threads.available(), asked.count)
    longest_step = float(course.lengths.max(initial=0.0))
    words = {"engine": "cpu", "precision": "float64", "longest_step": longest_step}
    return carry_out(
        problem,
        algorithm,
        grid,
        course,
        statistics,
        asked,
        run=lambda *arguments: run(course, *arguments),
        num_threads=num_threads,
        scratch=8 * num_threads * (course.block_size + 8) * 2 * problem.dimension,
        source="diffusion",
        title="sample paths of homogenized SGD",
        attributes=words,
    )


def _of_data(problem: LeastSquares) -> dict[str, Any]:
    """The modes that the rows see, and one more for the part of x0 that they do not."""
    # notation: U, s, V = thin SVD of A; r = s² + ridge
    U, s, V = problem.svd
    seen = V.T @ problem.x0
    unseen = problem.x0 - V @ seen
    target = U.T @ problem.b
    outside = problem.b - U @ target
    r = s**2 + problem.ridge
    return {
        "basis": np.column_stack((V, unseen)),
        "start": np.append(seen, 1.0),
        "relaxation": np.append(r, problem.ridge),
        "end": np.append(s * target / r, 0.0),
        "slope": np.append(s, 0.0),
        "target": np.append(target, 0.0),
        "floor": float(outside @ outside),
    }


def _of_population(problem: GaussianRows) -> dict[str, Any]:
    values, vectors = problem.spectrum
    basis = np.eye(problem.dimension) if vectors is None else vectors
    beta, damping = problem.coefficients @ basis, values + problem.ridge
    safe = np.where(damping > 0, damping, 1.0)
    return {
        "basis": basis,
        "start": problem.x0 @ basis,
        "relaxation": problem.dimension * damping,
        "end": values * beta / safe,
        "slope": np.sqrt(values),
        "target": np.sqrt(values) * beta,
        "floor": problem.noise**2,
    }


def _steps(
    problem: LeastSquares | GaussianRows,
    algorithm: SGD | StreamingSGD,
    grid: dataset.Grid,
    stiffest: float,
    longest: float,
) -> dict[str, Any]:
    """Steps between the recorded times and the jumps of the schedules, none too long."""
    per_unit = problem.iterations_per_unit
    times = grid.unique / per_unit
    jumps = list(algorithm.schedule.breakpoints)
    if isinstance(algorithm.batch_size, Schedule):
        jumps += algorithm.batch_size.breakpoints
    inside = [jump for jump in jumps if 0 < jump < times[-1]]
    edges = np.unique(np.concatenate(([0.0], times, inside)))
    widths, middles = np.diff(edges), (edges[1:] + edges[:-1]) / 2
    if np.isinf(longest):
        # A schedule may be higher elsewhere in the interval than in its middle.
        ends = np.nextafter(edges[1:], 0.0)  # a jump there is the next interval's
        rates = np.maximum.reduce([algorithm.schedule(t) for t in (edges[:-1], middles, ends)])
        speed = rates * stiffest
        longest_here = np.where(speed > 0, FINE / np.where(speed > 0, speed, 1.0), np.inf)
    else:
        longest_here = np.full(len(widths), longest)
    counts = np.maximum(np.ceil(widths / longest_here), 1.0)
    if counts.sum() > MOST_STEPS:
        raise ValueError(
            f"the paths would take {counts.sum():.3g} steps, and at most {MOST_STEPS:.3g} are "
            "held: shorten the time, or pass a longer step."
        )
    counts = counts.astype(np.int64)
    total = np.concatenate(([0], np.cumsum(counts)))
    lengths = np.repeat(widths / counts, counts)
    starts = np.repeat(edges[:-1], counts) + lengths * (
        np.arange(total[-1]) - np.repeat(total[:-1], counts)
    )
    middle = starts + lengths / 2
    sizes = algorithm.batch_sizes(middle)
    if isinstance(problem, LeastSquares):
        noises = 2.0 * algorithm.noise_factor(per_unit, sizes) / per_unit
    else:
        noises = 2.0 * per_unit / sizes
    return {
        "iterations": total[np.searchsorted(edges, times)],
        "rates": np.array(algorithm.schedule(middle)),
        "lengths": lengths,
        "noises": np.asarray(noises, dtype=np.float64),
    }
