"""`python -m simulate`: run SGD on the data in a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from hsgd import command_line
from simulate import by_name, engines


def build_parser() -> argparse.ArgumentParser:
    """The parser of `python -m simulate`."""
    parser = argparse.ArgumentParser(
        prog="python -m simulate",
        description="Run SGD on a least-squares problem, many times; print where the runs end.",
        epilog="Example: python -m simulate data.npz --learning-rate 0.5 --replicates 64 --seed 0 "
        "--out runs.nc",
    )
    command_line.add_data(parser)
    command_line.add_algorithm(parser, fraction=False)
    command_line.add_curve(parser)
    group = parser.add_argument_group("runs")
    group.add_argument(
        "--algorithm", default="sgd", metavar="NAME", help=f"{by_name.HELP} (default: sgd)"
    )
    group.add_argument("--replicates", type=int, default=1, metavar="R", help="runs (default: 1)")
    group.add_argument("--seed", type=int, help="seed (default: fresh, and recorded)")
    group.add_argument("--dtype", default="float64", help="float64 or float32: storage of rows")
    group.add_argument("--checkpoint", metavar="DIR", help="save progress here, and go on from it")
    group.add_argument("--engine", default="auto", help=", ".join(engines.NAMES))
    return parser


def act(options: argparse.Namespace) -> None:
    """Run, print the mean and standard error of each statistic at the last time, write."""
    from simulate.runs import sgd

    problem = command_line.problem(options)
    runs = sgd(
        problem,
        by_name.algorithm(options.algorithm, command_line.algorithm(options, problem), problem),
        command_line.times(options, problem),
        statistics=options.statistics,
        num_replicates=options.replicates,
        seed=options.seed,
        engine=options.engine,
        dtype=options.dtype,
        checkpoint=options.checkpoint,
    )
    last = runs.isel(time=-1)
    seed = runs.attrs["seed"]
    print(f"at time {float(last.time):g} (epoch {float(last.epoch):g}), seed {seed}:")
    width = max(len(str(name)) for name in runs.data_vars)
    for name in runs.data_vars:
        values = last[name]
        line = f"  {name!s:{width}s} {float(values.mean()):.6g}"
        if values.size > 1 and not runs.attrs["num_diverged"]:
            line += f" +- {float(values.std(ddof=1)) / values.size**0.5:.2g}"
        print(line)
    command_line.finish(runs, options)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the result is the exit code."""
    return command_line.execute(build_parser(), arguments, act)


if __name__ == "__main__":
    sys.exit(main())
