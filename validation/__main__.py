"""`python -m validation CASE`, `python -m validation diff OLD NEW`: as `hsgd validate`, `diff`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hsgd import command_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the result is the exit code."""
    from validation.commands import DIFF, VALIDATE

    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["diff"]:
        return command_line.run(DIFF, words[1:], "python -m validation diff")
    return command_line.run(VALIDATE, words, "python -m validation")


if __name__ == "__main__":
    sys.exit(main())
