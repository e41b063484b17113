"""`python -m validation CASE --out DIR`: run a named case, and say in words what it found."""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from hsgd import checks, command_line, dataset
from validation.cases import CASES
from validation.cases.base import Case, Outcome


def build_parser() -> argparse.ArgumentParser:
    """The parser of `python -m validation`."""
    parser = argparse.ArgumentParser(
        prog="python -m validation",
        description="Hold theory against simulation in a named case. Exit code 0: every verdict "
        "is the expected one; 1: one is not; 2: bad input.",
        epilog="Example: python -m validation quickstart --out results",
    )
    parser.add_argument("case", nargs="?", metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--list", action="store_true", help="say what the cases are, and stop")
    parser.add_argument(
        "--out", dest="folder", metavar="DIR", help="folder for datasets and figure"
    )
    parser.add_argument("--size", default="full", help="small or full (default: full)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the runs (default: 0)")
    parser.add_argument("--replicates", type=int, metavar="R", help="runs per setting")
    return parser


class _Action:
    """What the command does; remembers whether the verdicts were the expected ones."""

    passed = True

    def __call__(self, options: argparse.Namespace) -> None:
        if options.list:
            _list()
            return
        case, size, seed = _checked(options)
        out = None if options.folder is None else _folder(options.folder, case)
        outcome = _run(case, size, seed, out)
        self.passed = outcome.passed


def _checked(options: argparse.Namespace) -> tuple[Case, dict[str, int], int]:
    names = ", ".join(CASES)
    if options.case is None:
        raise ValueError(f"name a case ({names}), or pass --list to read what they are.")
    if options.case not in CASES:
        raise ValueError(f"there is no case {options.case!r}: choose one of {names}.")
    case = CASES[options.case]
    missing = [name for name in case.needs if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"the case {case.name} needs {' and '.join(missing)}: pip install 'hsgd[validation]'."
        )
    size = dict(case.sizes[checks.one_of("--size", options.size, case.sizes)])
    if options.replicates is not None:
        size["replicates"] = checks.integer("--replicates", options.replicates, minimum=8)
    return case, size, checks.integer("--seed", options.seed, minimum=0)


def _folder(name: str, case: Case) -> Path:
    """The output folder, made if need be; every file in it can be written."""
    folder = Path(name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(
            f"the folder {folder} cannot be made ({error.strerror}): choose another --out."
        ) from error
    for file in case.files:
        dataset.check_writable(folder / file)
    return folder


def _run(case: Case, size: dict[str, int], seed: int, out: Path | None) -> Outcome:
    began = time.perf_counter()

    def say(line: str) -> None:
        print(f"[{time.perf_counter() - began:5.1f} s] {line}", flush=True)

    print(f"{case.name}: {case.question}\n", flush=True)
    outcome = case.run(size, seed=seed, out=out, say=say)
    print("\nverdicts")
    for check in (check for check in outcome.checks if check.expected):
        print(f"- {check.label}: {check.verdict}")
    controls = [check for check in outcome.checks if not check.expected]
    if controls:
        print("\nnegative controls: the same runs against theories that are wrong on purpose")
    for check in controls:
        print(f"- {check.label}: {'rejected, as it must be' if check.passed else 'NOT REJECTED'}")
    print(f"\n{_conclusion(case, outcome)} ({time.perf_counter() - began:.0f} s)")
    return outcome


def _conclusion(case: Case, outcome: Outcome) -> str:
    wrong = [check.label for check in outcome.checks if not check.passed]
    if wrong:
        return f"{case.name} FAILS: not as expected: {'; '.join(wrong)}."
    return f"{case.name} passes: every verdict is the expected one."


def _list() -> None:
    for case in CASES.values():
        print(f"{case.name}: {case.question}")
        print(f"  right: {case.right}")
        print(f"  wrong: {case.wrong}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; the result is the exit code."""
    action = _Action()
    code = command_line.execute(build_parser(), arguments, action)
    return code if code else int(not action.passed)


if __name__ == "__main__":
    sys.exit(main())
