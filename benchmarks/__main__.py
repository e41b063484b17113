"""Benchmarks: run them, compare two records, make the page of the documentation.

python -m benchmarks run [NAME ...] [--out FILE]
python -m benchmarks compare OLD NEW
python -m benchmarks page
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks import _compare, _page, _records, _running


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__.splitlines()[0]
    )
    verbs = found.add_subparsers(dest="verb", required=True)
    run = verbs.add_parser("run", help="measure, each benchmark in a process of its own")
    run.add_argument("names", nargs="*", metavar="NAME", help="all of them, unless some are named")
    run.add_argument("--out", type=Path, metavar="FILE", help="where to write the record (JSON)")
    compare = verbs.add_parser("compare", help="ratios of two records, marked beyond noise")
    compare.add_argument("old", type=Path)
    compare.add_argument("new", type=Path)
    verbs.add_parser("page", help="make docs/benchmarks.md from page.md and the records")
    return found


def main(words: list[str] | None = None) -> int:
    """Do it; the exit status is 1 if a benchmark failed."""
    asked = parser().parse_args(words)
    if asked.verb == "run":
        try:
            failed = _running.run(asked.names, asked.out)
        except ValueError as error:
            sys.exit(str(error))
        print(f"failed: {', '.join(failed)}" if failed else "all ran")
        return int(bool(failed))
    if asked.verb == "compare":
        print(*_compare.lines(_records.read(asked.old), _records.read(asked.new)), sep="\n")
    else:
        _page.write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
