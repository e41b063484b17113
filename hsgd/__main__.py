"""`python -m hsgd`: what the theory says about the data in a file."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from typing import Any

from hsgd import command_line


def build_parser() -> argparse.ArgumentParser:
    """The parser of `python -m hsgd`."""
    parser = argparse.ArgumentParser(
        prog="python -m hsgd",
        description="Predict what SGD's risk does on a least-squares problem.",
        epilog="Example: python -m hsgd predict data.npz --fraction 0.5 --out theory.nc "
        "--plot theory.png",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, words in (
        ("predict", "the risk curve; prints where it ends, and its limits"),
        ("diagnose", "whether the theory applies at this learning rate, in one sentence"),
        ("limits", "where SGD ends up, how fast, and the critical learning rate"),
    ):
        command = commands.add_parser(name, help=words, description=f"{name}: {words}.")
        command_line.add_data(command)
        command_line.add_algorithm(command, fraction=True)
        command.add_argument(
            "--method",
            default="auto",
            help="hsgd (the limit of small steps), discrete (steps as they are), or the one of the "
            "two that suits (the default); --fraction is of the critical rate of this method",
        )
        if name == "predict":
            command_line.add_curve(command)
    return parser


def act(options: argparse.Namespace) -> None:
    """Do what the command says."""
    {"predict": _predict, "diagnose": _diagnose, "limits": _limits}[options.command](options)


def _inputs(options: argparse.Namespace) -> tuple[Any, Any]:
    from hsgd.theory.critical import critical_learning_rate

    problem = command_line.problem(options)
    critical = partial(critical_learning_rate, method=options.method)
    return problem, command_line.algorithm(options, problem, critical)


def _predict(options: argparse.Namespace) -> None:
    from hsgd.schedules import Constant
    from hsgd.theory.limits import limits
    from hsgd.theory.prediction import predict

    problem, algorithm = _inputs(options)
    times = command_line.times(options, problem)
    chosen: dict[str, Any] = {"statistics": options.statistics, "method": options.method}
    curve = predict(problem, algorithm, times, **chosen)
    last = curve.isel(time=-1)
    print(f"at time {float(last.time):g} (epoch {float(last.epoch):g}):")
    _print_scalars({name: last[name] for name in curve.data_vars})
    ends = []
    if isinstance(algorithm.schedule, Constant):
        ends.append(limits(problem, algorithm, **chosen))
        print("in the limit:")
        _print_scalars(ends[0].data_vars)
    command_line.finish(curve, options, *ends)


def _diagnose(options: argparse.Namespace) -> None:
    from hsgd.theory.diagnosis import diagnose

    report = diagnose(*_inputs(options), method=options.method)
    print(report.attrs["verdict"])
    _print_scalars(report.data_vars)


def _limits(options: argparse.Namespace) -> None:
    from hsgd.theory.limits import limits

    _print_scalars(limits(*_inputs(options), method=options.method).data_vars)


def _print_scalars(variables: Any) -> None:
    width = max(len(str(name)) for name in variables)
    for name, variable in variables.items():
        print(f"  {name!s:{width}s} {float(variable):.6g}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the result is the exit code."""
    return command_line.execute(build_parser(), arguments, act)


if __name__ == "__main__":
    sys.exit(main())
