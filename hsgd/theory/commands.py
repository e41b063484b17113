"""Commands that ask the theory: `hsgd predict`, `diagnose`, `limits`, `sweep`, `recommend`."""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from hsgd import command_line
from hsgd.algorithms.base import SAMPLINGS
from hsgd.algorithms.sgd import SGD
from hsgd.checks import number
from hsgd.command_line import Asked, Command, reading
from hsgd.dataset import named_statistics, times
from hsgd.schedules import Constant
from hsgd.theory.critical import critical_learning_rate
from hsgd.theory.diagnosis import diagnose
from hsgd.theory.limits import limits
from hsgd.theory.prediction import predict
from hsgd.theory.recommending import recommend

_METHOD = (
    "hsgd (the limit of small steps), discrete (steps as they are), or the one of the two that "
    "suits (the default); --fraction is of the critical rate of this method"
)


def _add(parser: argparse.ArgumentParser, *, curve: bool) -> None:
    command_line.add_problem(parser)
    command_line.add_algorithm(parser)
    parser.add_argument("--method", default="auto", help=_METHOD)
    if curve:
        command_line.add_curve(parser)
    command_line.add_files(parser)


def _asked(options: argparse.Namespace) -> Asked:
    return command_line.asked(options, partial(critical_learning_rate, method=options.method))


def _predict(options: argparse.Namespace) -> int:
    problem, algorithm, time = _asked(options)
    chosen: dict[str, Any] = {"statistics": options.statistics, "method": options.method}
    curve = predict(problem, algorithm, time, **chosen)
    # A rate that changes has no limit of its own.
    constant = isinstance(algorithm.schedule, Constant)
    ends = [limits(problem, algorithm, **chosen)] if constant else []
    command_line.verdict(curve.attrs["diagnosis"])
    if constant:
        print(f"learning rate {algorithm.schedule.level:.6g}")
    command_line.table(_columns(curve, *ends))
    if options.verbose:
        for data in (curve.isel(time=-1), *ends):
            command_line.scalars(data.data_vars)
        command_line.attributes(curve)
    command_line.finish(curve, options, *ends)
    return command_line.DIVERGES if _diverges(curve, *ends) else 0


def _columns(curve: xr.Dataset, *ends: xr.Dataset) -> dict[str, dict[str, str]]:
    """Each statistic at the start, after all passes, and in the limit."""
    passes = f"{float(curve.epoch[-1]):.4g} passes"
    columns: dict[str, dict[str, str]] = {"start": {}, passes: {}}
    columns |= {"limit": {}} if ends else {}
    for name in named_statistics(curve):
        values = curve[name].values
        columns["start"][name] = f"{values[0]:.5g}"
        columns[passes][name] = f"{values[-1]:.5g}"
        if ends:
            columns["limit"][name] = f"{float(ends[0][f'limiting_{name}']):.5g}"
    return columns


def _diverges(curve: xr.Dataset, *ends: xr.Dataset) -> bool:
    unstable = any(end.attrs["regime"] == "unstable" for end in ends)
    return unstable or any(np.isposinf(curve[name]).any() for name in named_statistics(curve))


def _diagnose(options: argparse.Namespace) -> int:
    problem, algorithm, _ = _asked(options)
    report = diagnose(problem, algorithm, method=options.method)
    command_line.verdict(report.attrs["verdict"])
    if options.verbose:
        command_line.scalars(report.data_vars)
        command_line.attributes(report)
    command_line.finish(report, options)
    return command_line.DIVERGES if "unstable" in report.attrs["concern"] else 0


def _limits(options: argparse.Namespace) -> int:
    problem, algorithm, _ = _asked(options)
    ends = limits(problem, algorithm, method=options.method)
    command_line.verdict(ends.attrs["verdict"])
    command_line.scalars(ends.data_vars)
    if options.verbose:
        command_line.attributes(ends)
    command_line.finish(ends, options)
    return command_line.DIVERGES if ends.attrs["regime"] == "unstable" else 0


def _add_sweep(parser: argparse.ArgumentParser) -> None:
    command_line.add_problem(parser)
    group = parser.add_argument_group("what is swept: several values of each")
    rate = group.add_mutually_exclusive_group(required=True)
    rate.add_argument("--learning-rate", type=float, nargs="+", metavar="RATE")
    rate.add_argument("--fraction", type=float, nargs="+", help="of the critical learning rate")
    group.add_argument("--batch-size", type=int, nargs="+", default=[1], metavar="B")
    group.add_argument(
        "--ridges", type=float, nargs="+", metavar="RIDGE", help="in place of --ridge"
    )
    parser.add_argument("--sampling", default="with_replacement", help=", ".join(SAMPLINGS))
    parser.add_argument("--method", default="auto", help=_METHOD)
    command_line.add_curve(parser)
    command_line.add_files(parser)


def _sweep(options: argparse.Namespace) -> int:
    given = (options.learning_rate, options.fraction, options.batch_size, options.ridges)
    swept = [values for values in given if values and len(set(values)) > 1]
    if options.plot is not None and len(swept) > 2:
        raise ValueError("--plot shows at most two swept parameters: give one of them one value.")
    problem = reading.problem(options.file, options.ridge)
    if options.ridges is not None:
        problem = problem.replace(ridge=_along("ridge", options.ridges))
    sizes = _along("batch_size", options.batch_size)
    batch: dict[str, Any] = {"batch_size": sizes, "sampling": options.sampling}
    if options.fraction is not None:
        shares = _along("fraction", [number("--fraction", share) for share in options.fraction])
        rates = shares * critical_learning_rate(problem, method=options.method, **batch)
        rates = rates.drop_vars([name for name in rates.coords if name not in rates.dims])
    else:
        rates = _along("learning_rate", options.learning_rate)
    sgd = SGD(rates, **batch)
    grid = (options.epochs, options.num_times, options.spacing)
    # Batches of every size end after the same passes, at times of their own.
    each = [times(problem, sgd.replace(batch_size=int(size)), *grid) for size in sizes]
    time = np.unique(np.concatenate(each))
    curve = predict(problem, sgd, time, statistics=options.statistics, method=options.method)
    ends = xr.DataArray([one[-1] for one in each], dims="batch_size").assign_coords(sizes.coords)
    curve = curve.where(curve.time <= ends).assign_attrs(curve.attrs)
    names = list(named_statistics(curve))
    last = curve[names].sel(time=ends).drop_vars("time")
    _say_best(last, names[0], float(options.epochs))
    command_line.table(_members(last))
    if options.verbose:
        command_line.attributes(curve)
    command_line.finish(curve, options)
    return command_line.DIVERGES if not np.isfinite(last[names[0]]).any() else 0


def _along(name: str, values: list[Any]) -> xr.DataArray:
    found = np.unique(values)
    return xr.DataArray(found, dims=name, coords={name: found})


def _say_best(last: xr.Dataset, name: str, passes: float) -> None:
    risk = last[name]
    best = risk.isel(risk.argmin(risk.dims))
    where = ", ".join(f"{dim} {best[dim].item():.4g}" for dim in risk.dims)
    command_line.verdict(f"lowest {name} after {passes:g} passes: {float(best):.5g}, with {where}")


def _members(last: xr.Dataset) -> dict[str, dict[str, str]]:
    """A row for each member: its parameters, and its statistics after the same passes."""
    swept = [dim for dim in last.dims if last.sizes[dim] > 1] or list(last.dims)
    table = last.reset_coords(drop=True).to_dataframe().reset_index()
    columns: dict[str, dict[str, str]] = {}
    for title in (*swept, *last.data_vars):
        cells = table[title]
        columns[str(title)] = {str(row + 1): f"{value:.5g}" for row, value in enumerate(cells)}
    return columns


def _add_recommend(parser: argparse.ArgumentParser) -> None:
    command_line.add_problem(parser)
    group = parser.add_argument_group("what is to end low, and what there is to spend")
    group.add_argument(
        "--epochs", type=float, default=20.0, metavar="T", help="passes over the data (default: 20)"
    )
    group.add_argument(
        "--statistic", metavar="NAME", help="by default the population risk, or the training risk"
    )
    group.add_argument(
        "--cap", type=float, default=0.8, help="largest rate, of the stable one (default: 0.8)"
    )
    group.add_argument("--pieces", type=int, default=8, help="of the schedule (default: 8)")
    group.add_argument(
        "--batch-cost", type=float, default=0.01, help="what larger batches may cost (default: 1%%)"
    )
    group.add_argument("--no-certificate", action="store_true", help="no lower bound, and sooner")
    command_line.add_files(parser)


def _recommend(options: argparse.Namespace) -> None:
    problem = reading.problem(options.file, options.ridge)
    found = recommend(
        problem, options.epochs, statistic=options.statistic, cap=options.cap,
        pieces=options.pieces, batch_cost=options.batch_cost,
        accuracy=None if options.no_certificate else 0.01,
    )  # fmt: skip
    command_line.verdict(found.attrs["verdict"])
    starts = [f"{start * problem.iterations_per_unit:.0f}" for start in found.piece_start.values]
    rates = [f"{rate:.5g}" for rate in found.piece_learning_rate.values]
    command_line.table({"learning rate": dict(zip(starts, rates, strict=True))})
    families = found.family.values
    command_line.table({
        title: {str(row): f"{value:.4g}" for row, value in zip(families, values, strict=True)}
        for title, values in (
            ("ends higher by", found.family_loss.values),
            ("largest rate", found.family_learning_rate.values),
        )
    })  # fmt: skip
    if options.verbose:
        command_line.scalars({name: one for name, one in found.data_vars.items() if not one.dims})
        command_line.attributes(found)
    # In a table there is room for one thing along rows: the schedule.
    as_table = options.out is not None and options.out.endswith(".csv")
    schedule = found[["piece_start", "piece_learning_rate"]]
    command_line.finish(schedule if as_table else found, options)


PREDICT = Command(
    "predict",
    "the risk curve: where it starts, where it is after so many passes, and its limits",
    partial(_add, curve=True),
    _predict,
    "hsgd predict data.npz --fraction 0.5 --out theory.nc --plot theory.png",
)
DIAGNOSE = Command(
    "diagnose",
    "whether the theory applies at this learning rate, in one sentence",
    partial(_add, curve=False),
    _diagnose,
    "hsgd diagnose data.npz --fraction 0.5",
)
LIMITS = Command(
    "limits",
    "where SGD ends up, how fast, and the critical learning rate",
    partial(_add, curve=False),
    _limits,
    "hsgd limits data.npz --learning-rate 0.1 --batch-size 8",
)
SWEEP = Command(
    "sweep",
    "the risk curves of many learning rates, batch sizes and ridges, and the lowest of them",
    _add_sweep,
    _sweep,
    "hsgd sweep data.npz --fraction 0.1 0.3 0.9 --batch-size 1 32 --plot sweep.png",
)
RECOMMEND = Command(
    "recommend",
    "what to run: batch size, learning rates over time, and how far from the best possible",
    _add_recommend,
    _recommend,
    "hsgd recommend data.npz --epochs 10 --plot schedule.png",
)
COMMANDS = (PREDICT, DIAGNOSE, LIMITS, SWEEP, RECOMMEND)
