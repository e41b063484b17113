"""Ten thousand ways to spoil a file, and programs that read each in a process of its own.

    python -m tests.mutations [COUNT]       tries COUNT files of each kind and prints the table

A file is flipped, cut, stretched, shuffled, zeroed, or replaced by something foreign. What reads it
may give back exactly the right data, or refuse in one sentence. `RESEALED` files carry the checksum
of their spoiled content, as another program or an attacker would write it: those may also give
back any dataset that follows the schema. Reading happens in worker processes, because the HDF5
library can crash where no Python code can catch it.
"""

from __future__ import annotations

import collections
import hashlib
import io
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

SECONDS, START = 60, 300
"""That reading a file, and the start of a reader, may take before they count as hung."""


class Malice:
    """Unpickling it makes a file called `executed`."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("executed",)


def _positions(generator: np.random.Generator, size: int, count: int) -> Any:
    return generator.integers(0, max(size, 1), count)


def flip(content: bytes, generator: np.random.Generator) -> bytes:
    data = np.frombuffer(content, np.uint8).copy()
    count = int(generator.choice([1, 1, 1, 2, 8, 64]))
    data[_positions(generator, len(data), count)] ^= np.uint8(1 << generator.integers(0, 8))
    return data.tobytes()


def overwrite(content: bytes, generator: np.random.Generator) -> bytes:
    data = np.frombuffer(content, np.uint8).copy()
    at, count = int(_positions(generator, len(data), 1)[0]), int(generator.integers(1, 64))
    part = data[at : at + count]
    part[:] = generator.choice([0, 255, generator.integers(0, 256)])
    return data.tobytes()


def truncate(content: bytes, generator: np.random.Generator) -> bytes:
    return content[: int(generator.integers(0, len(content)))]


def insert(content: bytes, generator: np.random.Generator) -> bytes:
    at = int(generator.integers(0, len(content)))
    return content[:at] + generator.bytes(int(generator.integers(1, 200))) + content[at:]


def delete(content: bytes, generator: np.random.Generator) -> bytes:
    at, count = int(generator.integers(0, len(content))), int(generator.integers(1, 200))
    return content[:at] + content[at + count :]


def swap(content: bytes, generator: np.random.Generator) -> bytes:
    size = int(generator.integers(8, 512))
    a, b = sorted(int(k) for k in generator.integers(0, max(len(content) - size, 1), 2))
    if b < a + size:
        return flip(content, generator)
    one, other = content[a : a + size], content[b : b + size]
    return content[:a] + other + content[a + size : b] + one + content[b + size :]


def append(content: bytes, generator: np.random.Generator) -> bytes:
    return content + generator.bytes(int(generator.integers(1, 200)))


def repeat(content: bytes, generator: np.random.Generator) -> bytes:
    return content + content


def zero_tail(content: bytes, generator: np.random.Generator) -> bytes:
    at = int(generator.integers(0, len(content)))
    return content[:at] + bytes(len(content) - at)


MUTATIONS: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    flip, overwrite, truncate, insert, delete, swap, append, repeat, zero_tail,
)  # fmt: skip


def foreign() -> dict[str, bytes]:
    """Files of other programs."""
    import h5py

    bare = io.BytesIO()
    with h5py.File(bare, "w") as file:
        file["time"] = [1.0, 2.0]
    empty = io.BytesIO()
    with h5py.File(empty, "w"):
        pass
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("A.npy", "no array")
        zipped.writestr("../b.npy", "no array")
    bomb = io.BytesIO()
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': "
    header += b"(1099511627776, 4096), }"
    with zipfile.ZipFile(bomb, "w") as zipped:
        zipped.writestr("A.npy", header.ljust(127) + b"\n")
        zipped.writestr("b.npy", header.ljust(127) + b"\n")
    objects = io.BytesIO()
    np.savez(objects, A=np.array([Malice()], dtype=object), b=np.ones(1), configuration="x")
    return {
        "empty": b"",
        "text": b"time,risk\n0,1\n",
        "a PNG": b"\x89PNG\r\n\x1a\n" + bytes(200),
        "noise": np.random.default_rng(0).bytes(5000),
        "zeros": bytes(5000),
        "HDF5 of others": bare.getvalue(),
        "empty HDF5": empty.getvalue(),
        "a zip of text": archive.getvalue(),
        "a zip of a huge header": bomb.getvalue(),
        "a pickle": pickle.dumps(Malice()),
        "objects in npz": objects.getvalue(),
        "NetCDF-3": b"CDF\x01" + bytes(100),
        "JSON": b'{"sha256": []}',
    }


def seal(content: bytes) -> bytes:
    """The trailer that `hsgd.dataset.save` would write."""
    return content + b"\nhsgd-sha256:" + hashlib.sha256(content).hexdigest().encode()


def variants(content: bytes, count: int, seed: int, *, resealed: bool) -> Iterator[bytes]:
    """`count` spoiled versions of a file."""
    generator = np.random.default_rng(seed)
    body = content[: -(len(seal(b"")))] if resealed else content
    others = [seal(one) if resealed else one for one in foreign().values()]
    for k in range(count):
        if k < len(others):
            yield others[k]
            continue
        mutate = MUTATIONS[k % len(MUTATIONS)]
        spoiled = mutate(body, generator)
        if k % 5 == 0:
            spoiled = MUTATIONS[int(generator.integers(len(MUTATIONS)))](spoiled or b"x", generator)
        yield seal(spoiled) if resealed else spoiled


# --- the readers, by name; each gets a path and gives back something to compare ---


def read_dataset(path: Path) -> Any:
    from hsgd import dataset

    found = dataset.load(path)
    complaint = dataset.check(found)
    assert complaint is None, complaint
    return found


def read_command_line(path: Path) -> Any:
    import argparse

    from hsgd import command_line

    problem = command_line.problem(argparse.Namespace(file=str(path), ridge=None))
    return problem.A.tobytes(), problem.b.tobytes(), problem.ridge


def read_checkpoint(path: Path) -> Any:
    """Go on from a folder in which this file is a part of the checkpoint."""
    import shutil

    import simulate
    from tests.catalogue import TIMES, things

    kept = things()
    name = path.with_suffix(".name").read_text()
    folder = path.parent / "checkpoint"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(path.parent / "original", folder)
    shutil.copyfile(path, folder / name)
    return simulate.sgd(
        kept["problem"], kept["sgd"], TIMES, seed=0, num_replicates=2, engine="reference",
        checkpoint=folder,
    ).drop_attrs()  # fmt: skip


def read_folder(path: Path) -> Any:
    """Compare a result folder in which this is the record with the original."""
    import shutil

    import validation

    folder = path.parent / "spoiled"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(path.parent / "original", folder)
    shutil.copyfile(path, folder / path.with_suffix(".name").read_text())
    return str(validation.diff(path.parent / "original", folder))


READERS = {
    one.__name__: one for one in (read_dataset, read_command_line, read_checkpoint, read_folder)
}


def same(one: Any, other: Any) -> bool:
    """Whether two answers are the same data."""
    if hasattr(one, "data_vars"):
        return bool(one.identical(other))
    return bool(one == other)


def worker() -> None:
    """Read the files named on stdin, one line of outcome each: the child process."""
    import warnings

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
        command = [sys.executable, "-m", "tests.mutations", "--worker", reader, str(resealed)]
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
    reader: str, good: Path, paths: list[Path], *, resealed: bool
) -> collections.Counter[str]:
    """What came of each file; a reader that dies or hangs is replaced for the next one."""
    found: collections.Counter[str] = collections.Counter()
    child = _Reader(reader, good, resealed=resealed)
    for path in paths:
        outcome = child.ask(path)
        found[outcome or f"KILLED by {child.process.wait()}"] += 1
        if outcome in (None, "HANG"):
            child.close()
            child = _Reader(reader, good, resealed=resealed)
    child.close()
    return found


def allowed(outcome: str) -> bool:
    """Whether nothing went wrong."""
    return outcome in ("right", "refused", "valid")


def kinds(place: Path) -> dict[str, tuple[str, Path, bool]]:
    """Name of a kind of file → (reader, a good file, whether there is a checksum to reseal)."""
    import shutil

    import hsgd
    import simulate
    import validation
    from hsgd import dataset
    from tests.catalogue import TIMES, things

    kept = things()
    arrays = {"A": kept["A"], "b": kept["b"], "ridge": 0.1}
    runs, theory = kept["runs"], kept["theory"]
    comparison = validation.compare(theory, runs, false_alarm=0.05, discrepancy=0.5)
    for name, one in {"theory": theory, "runs": runs, "comparison": comparison}.items():
        dataset.save(one, place / f"{name}.nc")
    limits = hsgd.limits(kept["problem"], kept["sgd"])
    dataset.save(limits, place / "limits.nc")
    np.savez(place / "data.npz", **arrays)
    np.savez_compressed(place / "compressed.npz", **arrays)
    with warnings_off():
        import xarray as xr

        table = {"A": (("n", "d"), kept["A"]), "b": ("n", kept["b"]), "ridge": 0.1}
        xr.Dataset(table).to_netcdf(place / "data.nc", engine="h5netcdf")
    found = {
        name: ("read_dataset", place / f"{name}.nc", True)
        for name in ("theory", "runs", "comparison", "limits")
    }
    for name in ("data.npz", "compressed.npz", "data.nc"):
        found[name] = ("read_command_line", place / name, False)
    folder = place / "original"
    saves = simulate.Checkpoint(folder, seconds=0.0)
    simulate.sgd(
        kept["problem"], kept["sgd"], TIMES, seed=0, num_replicates=2, engine="reference",
        checkpoint=saves,
    )  # fmt: skip
    for name in ("finished-000000000000.npz", "configuration.json"):
        shutil.copyfile(folder / name, place / f"checkpoint-{name}")
        (place / f"checkpoint-{name}").with_suffix(".name").write_text(name)
        found[f"checkpoint {name}"] = ("read_checkpoint", place / f"checkpoint-{name}", False)
    return found


def warnings_off() -> Any:
    """A context without warnings."""
    import warnings

    return warnings.catch_warnings(action="ignore")


def campaign(count: int, seed: int = 0) -> dict[str, collections.Counter[str]]:
    """Try `count` files of each kind, and where it has a checksum as many with a new one."""
    table: dict[str, collections.Counter[str]] = {}
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="mutations-") as folder:
        place = Path(folder)
        for name, (reader, good, sealed) in kinds(place).items():
            for resealed in (False, True) if sealed else (False,):
                # NetCDF of other programs has no checksum of its numbers: nobody could notice.
                unprotected = resealed or name == "data.nc"
                label = f"{name}, resealed" if resealed else name
                content, paths = good.read_bytes(), []
                for k, spoiled in enumerate(variants(content, count, seed, resealed=resealed)):
                    path = place / f"spoiled-{k}{good.suffix}"
                    path.write_bytes(spoiled)
                    if reader in ("read_checkpoint", "read_folder"):
                        name_of = good.with_suffix(".name").read_text()
                        path.with_suffix(".name").write_text(name_of)
                    paths.append(path)
                table[label] = read_all(reader, good, paths, resealed=unprotected)
        executed = [str(p) for p in (before, place) if (p / "executed").exists()]
    if executed:
        table["code of a file"] = collections.Counter({"EXECUTED": len(executed)})
    return table


def main() -> int:
    """Print the table; the exit status says whether something went wrong."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    began = time.perf_counter()
    table = campaign(count)
    total: collections.Counter[str] = collections.Counter()
    for name, outcomes in table.items():
        print(f"{name:45s} {sum(outcomes.values()):6d}  {dict(outcomes.most_common(12))}")
        total += outcomes
    bad = sum(n for outcome, n in total.items() if not allowed(outcome))
    print(f"{total.total()} files, {bad} of them bad, in {time.perf_counter() - began:.0f} s")
    return bad


if __name__ == "__main__":
    if "--worker" in sys.argv:
        worker()
    else:
        sys.exit(bool(main()))
