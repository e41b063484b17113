"""Ten thousand ways to spoil a file, and programs that read each in a process of its own.

    python -m tests.tools.mutations [COUNT [KIND...]]    tries COUNT of each kind, prints the table

What reads a spoiled file, or a spoiled folder, may give back exactly the right data, or refuse in
one sentence. Those that are `resealed` carry the checksum of their spoiled content, as another
program or an attacker would write it: they may also give back any dataset that follows the schema.
Reading happens in worker processes, because the HDF5 library can crash where no Python code can
catch it.
"""

from __future__ import annotations

import collections
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.tools import spoiling

SECONDS, START = 5, 300
"""That reading a file, and the start of a reader, may take before they count as hung."""
BYTES, READERS_AT_A_TIME = 2**32, 2
"""What a reader may take of memory; and how many there are at a time."""


# --- the readers, by name; each gets a path and gives back something to compare ---


def read_dataset(path: Path) -> Any:
    from hsgd import dataset

    found = dataset.load(path)
    complaint = dataset.check(found)
    assert complaint is None, complaint
    return found


def read_tree(path: Path) -> Any:
    from hsgd import dataset

    found = dataset.load_tree(path)
    complaint = dataset.check(found)
    assert complaint is None, complaint
    return found


def read_command_line(path: Path) -> Any:
    from hsgd.command_line import reading

    problem = reading.problem(str(path))
    return problem.A.tobytes(), problem.b.tobytes(), problem.ridge


def go_on(path: Path, **options: Any) -> Any:
    """Simulate from the checkpoint in a folder."""
    import simulate
    from tests.tools.catalogue import TIMES, things

    kept = things()
    asked = {"num_replicates": 3, "seed": 0, "engine": "reference", **options}
    checkpoint = simulate.Checkpoint(path, seconds=0.0)
    runs = simulate.sgd(kept["problem"], kept["sgd"], TIMES, checkpoint=checkpoint, **asked)
    return runs.drop_attrs()


def go_on_sweeping(path: Path) -> Any:
    """Sweep with the finished parts in a folder."""
    import xarray as xr

    import hsgd
    from tests.tools.catalogue import things

    rates = xr.DataArray([0.1, 0.2], dims="rate")
    rows, streaming = things()["rows"], hsgd.StreamingSGD(rates)
    return hsgd.sweep(hsgd.limits, rows, streaming, folder=path, client=False).drop_attrs()


def settings() -> Any:
    """A case of validation that takes no time."""
    import hsgd
    import validation
    from tests.tools.catalogue import things
    from validation import folders
    from validation.cases.base import Case, Check, Number, Outcome

    def run(size: Any, *, seed: int, say: Any) -> Any:
        problem, theory, runs = (things()[name] for name in ("problem", "theory", "runs"))
        found = validation.compare(theory, runs, statistics="distance", discrepancy=0.5)
        datasets = {"limits": hsgd.limits(problem, hsgd.SGD(0.1)), "comparison": found}
        return Outcome((Check.of("half", found),), datasets, (Number("slope", 2.0, 0.1),))

    case = Case("made-up", "Is it?", "so", "not so", {"small": {"replicates": 8}}, run, None)
    return folders.Settings(case, "small", {"replicates": 8}, 0)


def read_result(path: Path) -> Any:
    """What differs between a result folder and the original."""
    import validation

    return str(validation.diff(path.parent.parent / path.name, path))


def go_on_validating(path: Path) -> Any:
    """Read the result in a folder, or run the case again."""
    import xarray as xr

    from hsgd import dataset
    from validation import folders

    dataset.check_writable(path / folders.RECORD)
    outcome = folders.complete(settings(), path, lambda line: None).outcome
    found = {name: data.drop_attrs() for name, data in outcome.datasets.items()}
    found["/"] = xr.Dataset(attrs={"outcome": repr((outcome.checks, outcome.numbers))})
    return xr.DataTree.from_dict(found)


READERS: dict[str, Callable[[Path], Any]] = {
    one.__name__: one
    for one in (
        read_dataset, read_tree, read_command_line, go_on, go_on_sweeping, read_result,
        go_on_validating,
    )
}  # fmt: skip


def same(one: Any, other: Any) -> bool:
    """Whether two answers are the same data."""
    if hasattr(one, "data_vars"):
        return bool(one.identical(other))
    return bool(one == other)


def worker() -> None:
    """Read the files named on stdin, one line of outcome each: the child process."""
    import resource
    import warnings

    from hsgd.dataset import foreign

    foreign.SECONDS = SECONDS / 2
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    reader, resealed = READERS[sys.argv[2]], sys.argv[3] == "True"
    warnings.simplefilter("ignore")
    good = reader(Path(sys.stdin.readline().rstrip("\n")))
    print("right", flush=True)
    for line in sys.stdin:
        path = Path(line.rstrip("\n"))
        try:
            answer = reader(path)
            outcome = "right" if same(good, answer) else "valid" if resealed else "OTHER DATA"
        except (ValueError, TypeError, OSError, MemoryError) as error:
            text = str(error)
            clear = text.endswith(".") and len(text) < 700 and "\n" not in text
            outcome = "refused" if clear else f"UNCLEAR {type(error).__name__}: {text[:200]!r}"
        except BaseException as error:
            outcome = f"CRASH {type(error).__name__}: {str(error)[:200]!r}"
        print(outcome, flush=True)


class _Reader:
    """A process that reads files one by one, and is watched."""

    def __init__(self, reader: str, good: Path, *, resealed: bool) -> None:
        command = [sys.executable, "-m", "tests.tools.mutations", "--worker", reader, str(resealed)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()
        if self.ask(good, START) != "right":
            raise RuntimeError(f"{good} itself is not read")

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put("")  # the end: the process is gone

    def ask(self, path: Path, seconds: float = SECONDS) -> str | None:
        """What came of a file; None if the process did not live to say."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{path}\n")
        try:
            return self._lines.get(timeout=seconds) or None
        except queue.Empty:
            return "HANG"

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()


def read_all(
    reader: str, good: Path, paths: Iterable[Path], *, resealed: bool
) -> collections.Counter[str]:
    """What came of each file; a reader that dies or hangs is replaced for the next one."""
    found: collections.Counter[str] = collections.Counter()
    child = _Reader(reader, good, resealed=resealed)
    try:
        for path in paths:
            outcome = child.ask(path)
            found[outcome or f"KILLED by {child.process.wait()}"] += 1
            if outcome in (None, "HANG"):
                child.close()
                child = _Reader(reader, good, resealed=resealed)
    finally:
        child.close()
    return found


def allowed(outcome: str) -> bool:
    """Whether nothing went wrong."""
    return outcome in ("right", "refused", "valid")


@dataclass(frozen=True)
class Kind:
    """What is spoiled."""

    reader: str
    good: Path
    """A file or a folder."""
    only: str | None = None
    """The one file of the folder that is spoiled."""
    sealed: bool = False
    """It ends in a checksum, which can be made for the spoiled content, too."""
    protected: bool = True
    """It has a checksum, or the format has: other data are noticed."""


def kinds(place: Path) -> dict[str, Kind]:
    """All kinds by name, made in a folder."""
    import hsgd
    import validation
    from hsgd import dataset
    from tests.tools.catalogue import things

    kept = things()
    theory, runs = kept["theory"], kept["runs"]
    comparison = validation.compare(theory, runs, false_alarm=0.05, discrepancy=0.5)
    limits = hsgd.limits(kept["problem"], kept["sgd"])
    datasets = {"theory": theory, "runs": runs, "comparison": comparison, "limits": limits}
    found = {}
    for name, one in datasets.items():
        path = dataset.save(one, place / f"{name}.nc")
        found[name] = Kind("read_dataset", path, sealed=True)
    tree = dataset.tree({"theory": theory, "runs": runs})
    path = dataset.save(tree, place / "tree.nc")
    found["tree"] = Kind("read_tree", path, sealed=True)
    path = dataset.save(theory, place / "theory.zarr")
    found["Zarr"] = Kind("read_dataset", path, sealed=True)
    path = dataset.save(tree, place / "tree.zarr")
    found["Zarr tree"] = Kind("read_tree", path)
    return found | _inputs(place) | _checkpoints(place) | _results(place)


def _inputs(place: Path) -> dict[str, Kind]:
    import xarray as xr

    from tests.tools.catalogue import things

    A, b = things()["A"], things()["b"]
    np.savez(place / "data.npz", A=A, b=b, ridge=0.1)
    np.savez_compressed(place / "compressed.npz", A=A, b=b, ridge=0.1)
    table = xr.Dataset({"A": (("n", "d"), A), "b": ("n", b), "ridge": 0.1})
    table.to_netcdf(place / "data.nc", engine="h5netcdf")
    return {
        name: Kind("read_command_line", place / name, protected=name.endswith(".npz"))
        for name in ("data.npz", "compressed.npz", "data.nc")
    }


def _checkpoints(place: Path) -> dict[str, Kind]:
    """A checkpoint with one finished and two unfinished replicates, and the parts of a sweep."""
    import pytest

    from tests.tools.killing import Killed, stop_writing

    folder, sweep = place / "checkpoint", place / "sweep"
    go_on(folder, num_replicates=1)
    for replicate in (1, 2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("simulate.engines.reference.CHUNK", 7)
            stop_writing(patch, 3 + replicate)
            try:
                go_on(folder, num_replicates=1, first_replicate=replicate)
            except Killed:
                continue
            raise AssertionError("the run should have been stopped")
    go_on_sweeping(sweep)
    names = sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    found = {
        f"checkpoint {name}": Kind("go_on", folder, only=name)
        for name in names
        if name != "running-000000000002.npz"
    }
    return found | {
        "checkpoint folder": Kind("go_on", folder),
        "sweep folder": Kind("go_on_sweeping", sweep),
    }


def _results(place: Path) -> dict[str, Kind]:
    folder = place / "result"
    folder.mkdir()
    go_on_validating(folder)
    return {
        "result folder, read": Kind("read_result", folder),
        "result folder, gone on with": Kind("go_on_validating", folder),
    }


def try_kind(kind: Kind, count: int, seed: int, *, resealed: bool) -> collections.Counter[str]:
    """What came of `count` spoiled versions."""
    home = kind.good.parent
    with (
        tempfile.TemporaryDirectory(dir=home, prefix="good-") as own,
        tempfile.TemporaryDirectory(dir=home, prefix="spoiled-") as other,
    ):
        good = spoiling.copy(kind.good, Path(own) / kind.good.name)
        paths = spoiling.spoiled(
            kind.good, Path(other), count, seed, only=kind.only, resealed=resealed
        )
        unprotected = resealed or not kind.protected
        return read_all(kind.reader, good, paths, resealed=unprotected)


def campaign(
    count: int, only: Collection[str] = (), seed: int = 0
) -> Iterator[tuple[str, collections.Counter[str]]]:
    """Try `count` of each kind, or of some, and where it has a checksum as many with a new one."""
    before = Path.cwd()
    with (
        tempfile.TemporaryDirectory(prefix="mutations-") as folder,
        ThreadPoolExecutor(READERS_AT_A_TIME) as pool,
    ):
        place = Path(folder)
        labels = {name: (kind, False) for name, kind in kinds(place).items()}
        labels |= {f"{n}, resealed": (kind, True) for n, (kind, _) in labels.items() if kind.sealed}
        tried = {
            label: pool.submit(try_kind, kind, count, seed, resealed=resealed)
            for label, (kind, resealed) in labels.items()
            if not only or label in only
        }
        for label, outcomes in tried.items():
            yield label, outcomes.result()
        executed = [str(p) for p in (before, place) if (p / "executed").exists()]
    if executed:
        yield "code of a file", collections.Counter({"EXECUTED": len(executed)})


def main() -> int:
    """Print the table; the exit status says whether something went wrong."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    began = time.perf_counter()
    total: collections.Counter[str] = collections.Counter()
    for name, outcomes in campaign(count, sys.argv[2:]):
        numbers = dict(outcomes.most_common(12))
        print(f"{name:45s} {outcomes.total():6d}  {numbers}", flush=True)
        total += outcomes
    bad = sum(n for outcome, n in total.items() if not allowed(outcome))
    print(f"{total.total()} files, {bad} of them bad, in {time.perf_counter() - began:.0f} s")
    return bad


if __name__ == "__main__":
    if "--worker" in sys.argv:
        worker()
    else:
        sys.exit(bool(main()))
