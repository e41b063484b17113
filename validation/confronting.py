"""`hsgd validate`: named cases are run, and what they found is said in words."""

from __future__ import annotations

import argparse
import importlib.util
import time
import traceback
from pathlib import Path

from hsgd import checks, dataset
from validation.cases import CASES
from validation.cases.base import Case
from validation.folders import RECORD, Result, Settings, complete

SIZES = ("small", "full")


def add(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("case", nargs="?", metavar="CASE", help="all, or: " + ", ".join(CASES))
    parser.add_argument("--list", action="store_true", help="say what the cases are, and stop")
    parser.add_argument(
        "--out", dest="folder", metavar="DIR", help="folder for datasets, figures and report.html"
    )
    parser.add_argument("--size", default="full", help="small or full (default: full)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the runs (default: 0)")
    parser.add_argument("--replicates", type=int, metavar="R", help="runs per setting")


def act(options: argparse.Namespace) -> int:
    """Run what was asked for; 1 if a verdict is not the expected one."""
    if options.list:
        _list()
        return 0
    chosen = _checked(options)
    folders = _folders(options.folder, chosen)
    found = [_run(one, folder) for one, folder in zip(chosen, folders, strict=True)]
    results = [result for result in found if result is not None]
    crashed = [one.case.name for one, result in zip(chosen, found, strict=True) if not result]
    if len(chosen) > 1:
        _summarise(results, crashed)
    if options.folder is not None and results:
        _write_report(results, Path(options.folder))
    return int(bool(crashed) or not all(result.outcome.passed for result in results))


def _checked(options: argparse.Namespace) -> list[Settings]:
    names = ", ".join(CASES)
    if options.case is None:
        raise ValueError(f"name a case ({names}, or all), or pass --list to read what they are.")
    if options.case != "all" and options.case not in CASES:
        raise ValueError(f"there is no case {options.case!r}: choose all, or one of {names}.")
    size_name = checks.one_of("--size", options.size, SIZES)
    seed = checks.integer("--seed", options.seed, minimum=0)
    changes = {}
    if options.replicates is not None:
        changes["replicates"] = checks.integer("--replicates", options.replicates, minimum=8)
    cases = list(CASES.values()) if options.case == "all" else [CASES[options.case]]
    for case in cases:
        _check_needs(case, figure=options.folder is not None)
    return [Settings(case, size_name, {**case.sizes[size_name], **changes}, seed) for case in cases]


def _check_needs(case: Case, *, figure: bool) -> None:
    needs = (*case.needs, *(["matplotlib"] if figure else []))
    missing = [name for name in needs if importlib.util.find_spec(name) is None]
    if missing:
        raise ValueError(
            f"the case {case.name} needs {' and '.join(missing)}: pip install 'hsgd[validation]'."
        )


def _folders(name: str | None, chosen: list[Settings]) -> list[Path | None]:
    """Where each case goes, made if need be: a single case into the folder, several below it."""
    if name is None:
        return [None] * len(chosen)
    home = Path(name)
    folders = [home] if len(chosen) == 1 else [home / one.case.name for one in chosen]
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise type(error)(
                f"the folder {folder} cannot be made ({error.strerror}): choose another --out."
            ) from error
        dataset.check_writable(folder / RECORD)
    return list(folders)


def _run(settings: Settings, folder: Path | None) -> Result | None:
    """The result, told in words; None if the case crashed, which must not keep others from it."""
    began = time.perf_counter()

    def say(line: str) -> None:
        print(f"[{time.perf_counter() - began:5.1f} s] {line}", flush=True)

    case = settings.case
    print(f"{case.name}: {case.question}\n", flush=True)
    try:
        result = complete(settings, folder, say)
    except Exception:
        # The input was good: whatever goes wrong now is a fault, and wants its traceback.
        traceback.print_exc()
        print(f"\n{case.name} FAILS: it crashed.\n", flush=True)
        return None
    _tell(result, time.perf_counter() - began)
    return result


def _tell(result: Result, seconds: float) -> None:
    outcome = result.outcome
    print("\nverdicts")
    for check in (check for check in outcome.checks if not check.control):
        as_expected = "" if check.expected else f" ({'as' if check.passed else 'NOT as'} expected)"
        print(f"- {check.label}: {check.verdict}{as_expected}")
    for number in outcome.numbers:
        print(f"- {number}")
    controls = [check for check in outcome.checks if check.control]
    if controls:
        print("\nnegative controls: what is wrong on purpose")
    for check in controls:
        print(f"- {check.label}: {'rejected, as it must be' if check.passed else 'NOT REJECTED'}")
    print(f"\n{_conclusion(result)} ({seconds:.0f} s)\n", flush=True)


def _conclusion(result: Result) -> str:
    wrong = [check.label for check in result.outcome.checks if not check.passed]
    if wrong:
        return f"{result.case.name} FAILS: not as expected: {'; '.join(wrong)}."
    return f"{result.case.name} passes: every verdict is the expected one."


def _summarise(results: list[Result], crashed: list[str]) -> None:
    print("summary")
    for name in crashed:
        print(f"- {name} FAILS: it crashed")
    for result in results:
        print(f"- {_conclusion(result)} ({result.seconds:.0f} s)")


def _write_report(results: list[Result], home: Path) -> None:
    from validation.report import write

    print(f"report: {write(results, home)}")


def _list() -> None:
    for case in CASES.values():
        print(f"{case.name}: {case.question}")
        print(f"  right: {case.right}")
        print(f"  wrong: {case.wrong}")
