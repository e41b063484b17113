"""`python -m simulate`: the same as `hsgd simulate`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hsgd import command_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the result is the exit code."""
    from simulate.commands import SIMULATE

    return command_line.run(SIMULATE, arguments, "python -m simulate")


if __name__ == "__main__":
    sys.exit(main())
