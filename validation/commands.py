"""Commands that confront: `hsgd compare` files, `validate` named cases, `diff` result folders."""

from __future__ import annotations

import argparse
from pathlib import Path

from hsgd import command_line, dataset
from hsgd.command_line import Command
from validation import confronting
from validation.comparison import compare


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("theory", metavar="THEORY", help="what `hsgd predict --out` wrote")
    parser.add_argument("runs", metavar="RUNS", help="what `hsgd simulate --out` wrote")
    parser.add_argument(
        "--false-alarm", type=float, default=0.01, metavar="P",
        help="probability of rejecting a theory that is right (default: 0.01)",
    )  # fmt: skip
    parser.add_argument(
        "--discrepancy", type=float, metavar="SHARE",
        help="relative error allowed because n is finite (default: what the theory says of itself)",
    )  # fmt: skip
    parser.add_argument("--statistics", nargs="+", metavar="NAME", help="default: all they share")
    parser.add_argument(
        "--any-algorithm", action="store_true", help="compare other algorithms or rates, too"
    )
    command_line.add_files(parser)


def _compare(options: argparse.Namespace) -> int:
    theory, runs = (dataset.load(_file(path)) for path in (options.theory, options.runs))
    found = compare(
        theory,
        runs,
        false_alarm=options.false_alarm,
        discrepancy=options.discrepancy,
        statistics=options.statistics,
        same_algorithm=not options.any_algorithm,
    )
    command_line.verdict(found.attrs["verdict"])
    if options.verbose:
        command_line.attributes(found)
    command_line.finish(found, options)
    if not found.attrs["agrees"]:
        return command_line.REJECTED
    return 0 if found.attrs["decided"] else command_line.UNDECIDED


def _file(path: str) -> str:
    if not Path(path).exists():
        raise FileNotFoundError(f"there is no file {path}: check the path.")
    return path


COMPARE = Command(
    "compare",
    "whether runs agree with a predicted curve, as well as they should",
    _add_compare,
    _compare,
    "hsgd compare theory.nc runs.nc --plot comparison.png",
)


def _add_diff(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("old", metavar="OLD", help="folder of an earlier `hsgd validate`")
    parser.add_argument("new", metavar="NEW", help="folder of a later one")


def _diff(options: argparse.Namespace) -> int:
    from validation.differences import diff

    found = diff(options.old, options.new)
    print(found)
    return int(not found.none)


VALIDATE = Command(
    "validate",
    "theory against simulation in named cases; 1 if a verdict is not the expected one. Finished "
    "cases are not run again",
    confronting.add,
    confronting.act,
    "hsgd validate quickstart --out results; hsgd validate all --size small --out results",
)
DIFF = Command(
    "diff",
    "what changed between two result folders; 1 if a verdict did, or a number by more than its "
    "standard errors explain",
    _add_diff,
    _diff,
    "hsgd diff OLD NEW",
)
