"""The command `hsgd simulate`: run SGD on the data in a file."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np

from hsgd import command_line
from hsgd.command_line import Command
from simulate import engines
from simulate.runs import sgd

if TYPE_CHECKING:
    import xarray as xr


def _add(parser: argparse.ArgumentParser) -> None:
    command_line.add_problem(parser)
    command_line.add_algorithm(parser)
    command_line.add_curve(parser)
    group = parser.add_argument_group("runs")
    group.add_argument("--replicates", type=int, default=1, metavar="R", help="runs (default: 1)")
    group.add_argument("--seed", type=int, help="seed (default: fresh, and recorded)")
    group.add_argument("--dtype", default="float64", help="float64 or float32: storage of rows")
    group.add_argument("--checkpoint", metavar="DIR", help="save progress here, and go on from it")
    group.add_argument("--engine", default="auto", help=", ".join(engines.NAMES))
    command_line.add_files(parser)


def _act(options: argparse.Namespace) -> int:
    """Run, print the mean and standard error of each statistic at the last time, write."""
    problem, algorithm, time = command_line.asked(options)
    runs = sgd(
        problem,
        algorithm,
        time,
        statistics=options.statistics,
        num_replicates=options.replicates,
        seed=options.seed,
        engine=options.engine,
        dtype=options.dtype,
        checkpoint=options.checkpoint,
    )
    diverged = int(runs.attrs["num_diverged"])
    words = f"{diverged} of {options.replicates} runs diverged" if diverged else "none diverged"
    count = f"{options.replicates} run{'s' if options.replicates > 1 else ''}"
    command_line.verdict(
        f"{count} of {int(runs.iteration[-1])} iterations with seed {runs.attrs['seed']}: {words}."
    )
    command_line.table(_columns(runs))
    if options.verbose:
        command_line.attributes(runs)
    command_line.finish(runs, options)
    return command_line.DIVERGES if diverged else 0


def _columns(runs: xr.Dataset) -> dict[str, dict[str, str]]:
    """Each statistic at the start and at the end: mean and standard error."""
    found: dict[str, dict[str, str]] = {}
    for at, title in ((0, "start"), (-1, f"{float(runs.epoch[-1]):.4g} passes")):
        now = runs.isel(time=at)
        found[title] = {str(name): _mean(now[name]) for name in runs.data_vars}
    return found


def _mean(values: xr.DataArray) -> str:
    mean, count = float(values.mean()), values.size
    if count == 1 or not np.isfinite(values).all():
        return f"{mean:.5g}"
    return f"{mean:.5g} ± {float(values.std(ddof=1)) / count**0.5:.2g}"


SIMULATE = Command(
    "simulate",
    "SGD on a least-squares problem, run many times: where the runs end",
    _add,
    _act,
    "hsgd simulate data.npz --learning-rate 0.5 --replicates 64 --seed 0 --out runs.nc",
)
