"""What the packages give today, to the bit: for a change that is to change nothing.

    python -m tests.tools.recorded [NAME...]         hashes of all calls, or of those that start so
    python -m tests.tools.recorded --out FILE        the same, kept
    python -m tests.tools.recorded --against FILE    what differs from what was kept; exit code 1

The calls are the public functions of the modules in `CALLS`. They use public names only, so they
still run when modules have moved. The hash of a call stands for its answer and its warnings; beside
them stand the public names with their signatures. Bits are those of one machine with one set of
library versions: keep them before the change and compare after it, in the same place.

A process that compiles a kernel may round otherwise, in the last digit, than one that finds it in
Numba's cache. So what was recorded on the way to a full cache is recorded again.
"""

from __future__ import annotations

import argparse
import contextlib
import inspect
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from numba.core import event
from threadpoolctl import threadpool_limits

import hsgd
from tests.tools import (
    fingerprints,
    formula_calls,
    public_names,
    rim_calls,
    simulation_calls,
    solver_calls,
    theory_calls,
)

CALLS = (theory_calls, formula_calls, solver_calls, simulation_calls, rim_calls)
_HERE = "tests.tools.recorded"
SHOWN = 12
"""Parts of a call that are named where more differ."""


def calls() -> dict[str, Callable[[], Any]]:
    """Name → call, for all."""
    return {
        f"{_short(module)}.{name}": function
        for module in CALLS
        for name, function in vars(module).items()
        if _is_call(module, name, function)
    }


def _is_call(module: ModuleType, name: str, value: Any) -> bool:
    own = inspect.isfunction(value) and value.__module__ == module.__name__
    return own and not name.startswith("_")


def _short(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2].removesuffix("_calls")


def record(call: Callable[[], Any]) -> dict[str, str]:
    """Part → SHA-256 of an answer and of its warnings, got in an empty folder on one thread."""
    with (
        tempfile.TemporaryDirectory(prefix="recorded-") as folder,
        contextlib.chdir(folder),
        # Sums are split among the threads of BLAS, so their number changes the bits.
        threadpool_limits(1),
        warnings.catch_warnings(record=True) as given,
    ):
        warnings.simplefilter("always")
        answer = call()
        return fingerprints.fingerprint({"answer": answer, "warnings": _told(given)})


def _told(given: Sequence[warnings.WarningMessage]) -> list[tuple[str, bool]]:
    """The packages' own warnings, and whether they point to the line of the caller."""
    here = Path(__file__).parent
    return [
        (str(one.message), Path(one.filename).parent == here)
        for one in given
        if issubclass(one.category, UserWarning | RuntimeWarning)
    ]


# ------------------------------------------------------------------ what differs


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What differs between two records, a line for each call and name."""
    lines = [*_of_names(old["names"], new["names"])]
    for name in dict.fromkeys([*old["calls"], *new["calls"]]):
        before, after = (kept["calls"].get(name) for kept in (old, new))
        if before is None or after is None:
            lines.append(f"{name}: only {'after' if before is None else 'before'}")
        elif before["hash"] != after["hash"]:
            lines.append(f"{name}: {_of_parts(before['parts'], after['parts'])}")
    return lines


def _of_names(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: was {old.get(name, 'not there')}, is {new.get(name, 'not there')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]


def _of_parts(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    changed = [name for name in dict.fromkeys([*old, *new]) if old.get(name) != new.get(name)]
    if not changed:
        return "the order of its parts"
    more = f" and {len(changed) - SHOWN} more" if len(changed) > SHOWN else ""
    return f"{', '.join(changed[:SHOWN])}{more} (of {len(new)} parts)"


# ------------------------------------------------------------------ the command


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.recorded")
    parser.add_argument("names", nargs="*", metavar="NAME", help="how the names of calls start")
    parser.add_argument("--out", type=Path, metavar="FILE", help="keep the record there, as JSON")
    parser.add_argument("--against", type=Path, metavar="FILE", help="compare with such a file")
    parser.add_argument("--again", action="store_true", help="accept that something is compiled")
    return parser


def _made(starts: Sequence[str]) -> dict[str, Any]:
    """The record, told while it is made."""
    kept: dict[str, Any] = {"calls": {}, "names": {}}
    for name, call in calls().items():
        if starts and not name.startswith(tuple(starts)):
            continue
        began = time.perf_counter()
        parts = record(call)
        kept["calls"][name] = {"hash": fingerprints.digest(parts), "parts": parts}
        seconds = time.perf_counter() - began
        print(f"{name:45s} {kept['calls'][name]['hash']}  ({seconds:.1f} s)", flush=True)
    if not starts:
        kept["names"] = public_names.public_names()
        print(f"{'public names':45s} {fingerprints.digest(kept['names'])}")
    return kept


def _only(kept: Mapping[str, Any], starts: Sequence[str]) -> Mapping[str, Any]:
    """The part of a record that a run of some calls can be compared with."""
    if not starts:
        return kept
    chosen = {n: call for n, call in kept["calls"].items() if n.startswith(tuple(starts))}
    return {"calls": chosen, "names": {}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Record, keep, compare; the result is the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    options = _parser().parse_args(words)
    print(f"packages of {Path(hsgd.__file__).parents[1]}")
    with event.install_recorder("numba:compile") as compiled:
        kept = _made(options.names)
    if compiled.buffer and not options.again:
        print("something was compiled: once more, with what is in the cache now", flush=True)
        return subprocess.run(
            [sys.executable, "-m", _HERE, *words, "--again"], check=False
        ).returncode
    if options.out:
        options.out.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    return _compared(options.against, options.names, kept) if options.against else 0


def _compared(path: Path, starts: Sequence[str], kept: Mapping[str, Any]) -> int:
    """Say what differs; 1 if anything does."""
    old = json.loads(path.read_text(encoding="utf-8"))
    found = differences(_only(old, starts), kept)
    print(*(found or ["nothing differs"]), sep="\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
