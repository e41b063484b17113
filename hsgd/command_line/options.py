"""Options that several commands share, and the nouns that they stand for."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from hsgd import dataset
from hsgd.algorithms.base import SAMPLINGS, Algorithm
from hsgd.algorithms.sgd import SGD
from hsgd.checks import number
from hsgd.command_line import algorithms, reading
from hsgd.dataset.grid import SPACINGS
from hsgd.problems.least_squares import LeastSquares
from hsgd.schedules import Constant, CosineDecay, PowerDecay, Schedule


class Asked(NamedTuple):
    """What a command is about."""

    problem: LeastSquares
    algorithm: Any
    """One of the nouns; the functions that take it say which of them."""
    time: Any
    """Where curves are asked for; None for commands without curves."""


def add_problem(parser: argparse.ArgumentParser) -> None:
    """Arguments that say which problem."""
    group = parser.add_argument_group("problem")
    group.add_argument(
        "file",
        metavar="FILE",
        help="data: .npz or NetCDF (.nc) with arrays A (n, d) and b (n,); optional x0 (d,), "
        "A_test and b_test (held-out rows), ridge",
    )
    group.add_argument("--ridge", type=float, help="ridge of the sum objective (default: FILE's)")


def add_algorithm(parser: argparse.ArgumentParser) -> None:
    """Arguments that say which algorithm."""
    group = parser.add_argument_group("algorithm")
    rate = group.add_mutually_exclusive_group(required=True)
    rate.add_argument(
        "--learning-rate", type=float, metavar="RATE", help="the literal factor of a step"
    )
    rate.add_argument(
        "--fraction", type=float, help="learning rate as a fraction of the critical one"
    )
    group.add_argument(
        "--algorithm", default="sgd", metavar="NAME", help=f"{algorithms.HELP} (default: sgd)"
    )
    group.add_argument(
        "--schedule",
        default="constant",
        metavar="NAME",
        help="constant; power:EXPONENT[:TIMESCALE], rate (1 + t/TIMESCALE)^-EXPONENT; or "
        "cosine[:FINAL], down to FINAL at the last time (default: constant)",
    )
    group.add_argument("--batch-size", type=int, default=1, metavar="B", help="rows a step")
    group.add_argument("--sampling", default="with_replacement", help=", ".join(SAMPLINGS))


def add_curve(parser: argparse.ArgumentParser) -> None:
    """Arguments that say when and what to record."""
    group = parser.add_argument_group("curve")
    group.add_argument(
        "--epochs", type=float, default=20.0, metavar="T", help="passes over the data (default: 20)"
    )
    group.add_argument(
        "--num-times", type=int, default=100, metavar="N", help="number of times (default: 100)"
    )
    group.add_argument(
        "--spacing",
        default="log",
        metavar="NAME",
        help=f"of the times: {', '.join(SPACINGS)} (default: log, from the first iteration on)",
    )
    group.add_argument(
        "--statistics",
        nargs="+",
        metavar="NAME",
        help="empirical_risk, population_risk, distance (default: all that FILE allows)",
    )


def asked(
    options: argparse.Namespace, critical: Callable[[LeastSquares, Algorithm], float] | None = None
) -> Asked:
    """Problem, algorithm and times.

    `critical` is the function that `--fraction` refers to; without it, what the program knows.

    Raises
    ------
    OSError, TypeError, ValueError
        For a file that cannot be read, and anything that the nouns refuse.
    """
    problem = reading.problem(options.file, options.ridge)
    plain = SGD(0.0, batch_size=options.batch_size, sampling=options.sampling)
    plain.check_batch(problem.num_rows)
    time = None
    if "epochs" in options:
        time = dataset.times(problem, plain, options.epochs, options.num_times, options.spacing)
    rate = options.learning_rate
    if rate is None:
        critical = critical or getattr(options, "critical", None)
        if critical is None:
            raise ValueError(
                "--fraction is of the critical learning rate, which the theory knows and this "
                "program does not: use the program hsgd, or pass --learning-rate."
            )
        named = algorithms.algorithm(options.algorithm, plain, problem)
        rate = number("--fraction", options.fraction) * critical(problem, named)
    end = None if time is None else float(time[-1])
    sgd = plain.replace(learning_rate=_schedule(options.schedule, rate, end))
    return Asked(problem, algorithms.algorithm(options.algorithm, sgd, problem), time)


def _schedule(words: str, rate: float, end: float | None) -> Schedule:
    name, *texts = words.split(":")
    try:
        numbers = [float(text) for text in texts]
    except ValueError:
        numbers = [np.nan] * 9
    match name, numbers:
        case "constant", []:
            return Constant(rate)
        case "power", [exponent]:
            return PowerDecay(rate, exponent)
        case "power", [exponent, timescale]:
            return PowerDecay(rate, exponent, timescale)
        case "cosine", [] if end is not None:
            return CosineDecay(rate, end)
        case "cosine", [final] if end is not None:
            return CosineDecay(rate, end, final)
    raise ValueError(
        f"--schedule is {words!r}: write constant, power:EXPONENT, power:EXPONENT:TIMESCALE, "
        "cosine or cosine:FINAL."
    )
