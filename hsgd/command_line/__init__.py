"""What the commands of all packages share: data, options, output, exit codes.

    command      what a command is, and how all of them are run
    output       the verdict first, then a short table; files
    options      which problem, algorithm and times
    reading      problems in files, `algorithms` by name

A package adds a command by an entry point of the group `hsgd.commands`. This folder belongs to the
floor and knows neither the theory nor the simulation.
"""

from hsgd.command_line.command import (
    DIVERGES,
    REJECTED,
    UNDECIDED,
    Command,
    execute,
    main,
    run,
)
from hsgd.command_line.options import Asked, add_algorithm, add_curve, add_problem, asked
from hsgd.command_line.output import Failure, add_files, attributes, finish, scalars, table, verdict

__all__ = [
    "DIVERGES",
    "REJECTED",
    "UNDECIDED",
    "Asked",
    "Command",
    "Failure",
    "add_algorithm",
    "add_curve",
    "add_files",
    "add_problem",
    "asked",
    "attributes",
    "execute",
    "finish",
    "main",
    "run",
    "scalars",
    "table",
    "verdict",
]
