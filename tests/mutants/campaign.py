"""Puts bugs into copies of the packages, one at a time, and runs the tests that must notice."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import hsgd
import simulate
import validation
import volterra
from tests.mutants.mutant import Mutant

ROOT = Path(__file__).parents[2]
PACKAGES = {
    package.__name__: Path(package.__file__).parent
    for package in (hsgd, simulate, validation, volterra)
}
FAILED, PASSED = 1, 0  # of pytest; others mean that nothing was tested


def source_of(mutant: Mutant) -> str:
    """The text of the file that it changes."""
    package, _, rest = mutant.file.partition("/")
    return (PACKAGES[package] / rest).read_text(encoding="utf-8")


def campaign(
    mutants: Sequence[Mutant], scratch: Path, workers: int = 2
) -> Iterator[tuple[Mutant, str]]:
    """Each mutant with "killed", "lived", or what kept its test from running.

    Every worker has a copy of its own, in which it first runs all its tests: they must pass as
    long as no bug is there.

    Raises
    ------
    RuntimeError
        If a test fails in the code as it is.
    """
    # Neighbours in the table share tests and compiled code, so each worker takes a stretch.
    size = -(-len(mutants) // workers)
    stretches = [mutants[start : start + size] for start in range(0, len(mutants), size)]
    with ThreadPoolExecutor(workers) as pool:
        copies = list(pool.map(Copy, [scratch / str(i) for i in range(len(stretches))]))
        for healthy in pool.map(Copy.check, copies, stretches):
            if healthy:
                raise RuntimeError(f"tests fail in the code as it is:\n{healthy}")
        found: SimpleQueue[tuple[Mutant, str] | None] = SimpleQueue()
        ends = [
            pool.submit(copy.run, stretch, found.put)
            for copy, stretch in zip(copies, stretches, strict=True)
        ]
        for end in ends:
            end.add_done_callback(lambda _: found.put(None))
        for _ in ends:
            yield from iter(found.get, None)  # as they come, until one worker has ended
        for end in ends:
            end.result()


class Copy:
    """A copy of the packages and of all that tests read."""

    def __init__(self, folder: Path) -> None:
        """Copy what is tested, which need not lie beside the tests."""
        self.folder = folder
        unwanted = shutil.ignore_patterns(".git", ".venv", "venv", "dist", "__pycache__", ".*cache")
        shutil.copytree(ROOT, folder, ignore=unwanted)
        for name, package in PACKAGES.items():
            shutil.copytree(package, folder / name, ignore=unwanted, dirs_exist_ok=True)

    def check(self, mutants: Sequence[Mutant]) -> str:
        """Run all the tests without a bug: nothing, or what failed."""
        names = list(dict.fromkeys(mutant.test for mutant in mutants))
        run = self.pytest(*names)
        return "" if run.returncode == PASSED else run.stdout[-4000:]

    def run(self, mutants: Sequence[Mutant], say: Callable[[tuple[Mutant, str]], None]) -> None:
        """Say of each what became of it."""
        for mutant in mutants:
            say((mutant, self.verdict(mutant)))

    def verdict(self, mutant: Mutant) -> str:
        """Put the bug in, run its test, take the bug out."""
        path = self.folder / mutant.file
        source, stamp = path.read_text(encoding="utf-8"), path.stat()
        path.write_text(mutant.applied(source), encoding="utf-8")
        try:
            run = self.pytest("-x", mutant.test)
        finally:
            path.write_text(source, encoding="utf-8")
            # Numba and Python know a file by its date: they find again what they had compiled.
            os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
        if run.returncode == FAILED:
            return "killed"
        return "lived" if run.returncode == PASSED else f"not tested: {run.stdout[-500:]}"

    def pytest(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run tests in this copy."""
        environment = os.environ | {
            "PYTHONPATH": str(self.folder),
            "PYTHONDONTWRITEBYTECODE": "1",  # else a bug of the same second and size would stay
            "NUMBA_CACHE_DIR": str(self.folder / ".numba"),
            "MPLBACKEND": "Agg",
        }
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, text=True, capture_output=True, check=False
        )
