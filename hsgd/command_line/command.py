"""A command: its words, its options, what it does; and how one is run.

Exit codes: 0, done; 1, anything unexpected; 2, bad input, with one sentence on stderr that says
what to do; 3, what was asked for diverges; 4, theory and runs disagree; 5, that cannot be decided.
"""

from __future__ import annotations

import argparse
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import Any

from hsgd import dataset
from hsgd.command_line import output
from hsgd.command_line.output import Failure
from hsgd.dataset import provenance
from hsgd.plotting.figure import check_target

DIVERGES, REJECTED, UNDECIDED = 3, 4, 5
_GROUP = "hsgd.commands"
CODES = (
    "Exit codes: 0 done, 1 something unexpected, 2 bad input, 3 it diverges, 4 theory and runs "
    "disagree, 5 that cannot be decided."
)


@dataclass(frozen=True)
class Command:
    """One of them."""

    name: str
    words: str
    """What it gives, in half a sentence."""
    add: Callable[[argparse.ArgumentParser], None]
    """Adds its options."""
    act: Callable[[argparse.Namespace], int | None]
    """Does it; the exit code, where that is not 0."""
    example: str = ""


def main(own: Iterable[Command], arguments: Sequence[str] | None = None, **knowledge: Any) -> int:
    """The program `hsgd`: commands of this package, and those that others have registered.

    `knowledge` joins the options of every command: what a package must not import may be told to it
    by the program that sees all.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    known = {command.name: command for command in own}
    registered = {point.name: point for point in entry_points(group=_GROUP)}
    name = words[0] if words else ""
    if name in known:
        return run(known[name], words[1:], **knowledge)
    if name in registered:  # loaded alone: others may be heavy
        return run(registered[name].load(), words[1:], **knowledge)
    return _listed(known | {name: point.load() for name, point in registered.items()}, words)


def _listed(commands: Mapping[str, Command], words: list[str]) -> int:
    """What is said where no command was chosen: help, version, or the mistake."""
    parser = argparse.ArgumentParser(
        prog="hsgd",
        description="Predict how SGD learns, simulate it, and hold the two against each other.",
        epilog=f"hsgd COMMAND --help says more of each. {CODES}",
    )
    parser.add_argument("--version", action="version", version=f"hsgd {provenance.version()}")
    parts = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in commands.values():
        parts.add_parser(command.name, help=command.words)
    try:
        parser.parse_args(words)
    except SystemExit as stopped:
        return int(stopped.code or 0)
    return 2


def parser_of(command: Command, prog: str | None = None) -> argparse.ArgumentParser:
    """The parser of one command."""
    parser = argparse.ArgumentParser(
        prog=prog or f"hsgd {command.name}",
        description=f"{command.words[0].upper()}{command.words[1:]}.",
        epilog=f"{f'Example: {command.example}. ' if command.example else ''}{CODES}",
    )
    command.add(parser)
    return parser


def run(
    command: Command,
    arguments: Sequence[str] | None,
    prog: str | None = None,
    **knowledge: Any,
) -> int:
    """Parse the arguments and act; the result is the exit code."""
    parser = parser_of(command, prog)
    parser.set_defaults(**knowledge)
    return execute(parser, arguments, command.act)


def execute(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    act: Callable[[argparse.Namespace], int | None],
) -> int:
    """Parse the arguments, check the output's place, act; give the exit code.

    Warnings become one line on stderr.
    """
    try:
        options = parser.parse_args(arguments)
    except SystemExit as stopped:  # argparse has printed help (0) or the mistake (2)
        return int(stopped.code or 0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = output.keep_warning
            if getattr(options, "out", None) is not None:
                output.check_form(dataset.check_writable(options.out))
            if getattr(options, "plot", None) is not None:
                check_target(options.plot)
            return act(options) or 0
    except (TypeError, ValueError, OSError, MemoryError, ImportError) as error:
        print(f"{parser.prog}: {output.in_words_of_the_shell(str(error))}", file=sys.stderr)
        return 2
    except (Failure, KeyboardInterrupt) as stopped_by:
        print(f"{parser.prog}: {str(stopped_by) or 'interrupted.'}", file=sys.stderr)
        return 1
    except Exception:
        traceback.print_exc()
        return 1
    finally:
        output.tell_warnings()
