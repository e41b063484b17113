"""`python -m hsgd`, and the program `hsgd`: commands of all packages."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hsgd import command_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; the result is the exit code."""
    from hsgd.theory.commands import COMMANDS
    from hsgd.theory.critical import critical_learning_rate

    return command_line.main(COMMANDS, arguments, critical=critical_learning_rate)


if __name__ == "__main__":
    sys.exit(main())
