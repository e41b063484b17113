"""Do the tests notice? Some hundreds of small bugs, each with the test that must fail.

    python -m tests.mutants             all
    python -m tests.mutants TEXT...     those whose file or test has one of these texts in its name

Every bug is put into a copy of the packages, alone, and the test that the table names for it is
run: it takes some twenty minutes on two cores. Exit code 1 if one lived.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from tests.mutants.campaign import campaign
from tests.mutants.table import MUTANTS


def main() -> int:
    """Print a line per mutant and a count; return the exit code."""
    parser = argparse.ArgumentParser(prog="tests.mutants", description=__doc__.splitlines()[0])
    parser.add_argument("texts", nargs="*", metavar="TEXT")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    chosen = [
        mutant
        for mutant in MUTANTS
        if not options.texts or any(text in mutant.file + mutant.test for text in options.texts)
    ]
    if not chosen:
        parser.error(f"no file and no test has {' or '.join(options.texts)} in its name.")
    tested = [mutant for mutant in chosen if not mutant.equivalent]
    for mutant in chosen:
        if mutant.equivalent:
            print(f"equivalent  {mutant}: {mutant.equivalent}")
    verdicts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="hsgd-mutants-") as scratch:
        for mutant, verdict in campaign(tested, Path(scratch), options.workers):
            verdicts[verdict.partition(":")[0]] += 1
            print(f"{verdict}  {mutant}  [{mutant.test}]", flush=True)
    print(f"{len(chosen)} mutants: {len(chosen) - len(tested)} equivalent, {dict(verdicts)}")
    return int(verdicts["killed"] < len(tested))


if __name__ == "__main__":
    raise SystemExit(main())
