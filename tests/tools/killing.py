"""Processes that are killed, at states told by what they have written, never by the clock.

    python -m tests.tools.killing                  100 kills, a table of what became of them
    python -m tests.tools.killing --kills 12       fewer
    python -m tests.tools.killing --control        kills of a run that loses a step: must be noticed
    python -m tests.tools.killing --thousand 5     a sweep of 1,000 points, killed five times

A child does some work in a folder and is sent SIGKILL at the k-th file that it finishes: while half
of the file's content is there (`torn`), when all is there under its temporary name (`unnamed`), or
once it has its own (`named`). Another child does the same work in the same folder, and must come to
the bits of one that was never disturbed. Children are forked from a process that has everything
imported and compiled, so a kill takes milliseconds.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

import hsgd
import simulate.paths
import simulate.run.planning
from hsgd import dataset
from simulate.checkpoint import Folder
from simulate.engines import reference
from simulate.engines.cpu import engine as cpu

MOMENTS = ("torn", "unnamed", "named")
TIMES = np.linspace(0, 3, 40)


class Killed(BaseException):
    """The process ends here, as far as a test can do that without ending."""


def stop_writing(monkeypatch, count: int) -> None:
    """In this process: every file after the first `count` finds it dead; those stay."""
    rename, written = os.replace, []

    def mortal(source, target):
        if len(written) >= count:
            raise Killed
        written.append(target)
        rename(source, target)

    monkeypatch.setattr(os, "replace", mortal)


def arm(count: int, moment: str) -> None:
    """Kill this process at the file number `count`, counted from 0."""
    rename, sync, finished = os.replace, os.fsync, []

    def die():
        os.kill(os.getpid(), signal.SIGKILL)

    def fsync(handle):
        if moment == "torn" and len(finished) >= count:
            os.ftruncate(handle, os.fstat(handle).st_size // 2)
            die()
        sync(handle)

    def replace(source, target):
        if moment == "unnamed" and len(finished) >= count:
            die()
        rename(source, target)
        finished.append(target)
        if moment == "named" and len(finished) > count:
            die()

    os.fsync, os.replace = fsync, replace


def in_a_child(work: Callable[[], str]) -> str | None:
    """What a forked child makes of the work; None if it was killed.

    Raises
    ------
    RuntimeError
        If it ended in another way.
    """
    read, write = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.write(write, work().encode())
            code = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        finally:
            os._exit(code)
    os.close(write)
    with open(read) as pipe:
        answer = pipe.read()
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    if status:
        raise RuntimeError(f"the child ended with status {status}")
    return answer


def bits(found: xr.Dataset) -> str:
    """A digest of all that a dataset holds but when it was made."""
    running = hashlib.sha256()
    for name in sorted(map(str, found.variables)):
        values = np.ascontiguousarray(found[name].values)
        running.update(f"{name} {found[name].dims} {values.dtype} {values.shape}".encode())
        running.update(values.tobytes())
    kept = {name: v for name, v in found.attrs.items() if name not in ("created_at", "history")}
    running.update(repr(sorted(kept.items())).encode())
    return running.hexdigest()


Work = Callable[[Path], xr.Dataset]
POPULATION = hsgd.GaussianRows(np.linspace(0.01, 0.2, 11), np.ones(11), 0.3)
ROWS = POPULATION.sample(30, 0)
RATES = xr.DataArray(np.linspace(0.1, 0.6, 4), dims="rate")
RIDGES = xr.DataArray([0.0, 0.3], dims="ridge")


def run(verb, problem, algorithm, **options) -> Work:
    """Replicates with a checkpoint."""
    return lambda folder: verb(
        problem, algorithm, TIMES, num_replicates=3, seed=1,
        checkpoint=simulate.Checkpoint(folder, 0.0), **options,
    )  # fmt: skip


def sweep(verb, problem, *arguments, **options) -> Work:
    """A sweep with part files."""
    return lambda folder: hsgd.sweep(verb, problem, *arguments, folder=folder, **options)


def save_over(folder: Path) -> xr.Dataset:
    """Write over a file, which must be the old one or the new one, whole, whenever one looks."""
    rows = hsgd.GaussianRows(0.1, np.ones(5))
    old, new = (hsgd.limits(rows, hsgd.StreamingSGD(rate)) for rate in (0.1, 0.2))
    path = folder / "limits.nc"
    if path.exists():
        assert bits(dataset.load(path)) in (bits(old), bits(new))
    for version in (old, new, old, new):
        dataset.save(version, path)
    return dataset.load(path)


CALLS: dict[str, tuple[Work, int]] = {
    # name: (work, its share of the kills)
    "reference, SGD": (run(simulate.sgd, ROWS, hsgd.SGD(0.4), engine="reference"), 8),
    "reference, heavy ball, batches": (
        run(simulate.sgd, ROWS, hsgd.HeavyBall(0.2, 0.5, 2), engine="reference"),
        8,
    ),
    "reference, streaming": (
        run(simulate.sgd, POPULATION, hsgd.StreamingSGD(0.5, 2), engine="reference"),
        8,
    ),
    "cpu, SGD": (run(simulate.sgd, ROWS, hsgd.SGD(0.4)), 10),
    "cpu, reshuffled batches": (run(simulate.sgd, ROWS, hsgd.SGD(0.4, 3, "reshuffle")), 8),
    "cpu, Nesterov, float32": (
        run(simulate.sgd, ROWS, hsgd.Nesterov(0.2, 0.5), dtype="float32"),
        8,
    ),
    "cpu, streaming": (run(simulate.sgd, POPULATION, hsgd.StreamingSGD(0.5)), 8),
    "cpu, diffusion": (run(simulate.diffusion, ROWS, hsgd.SGD(0.4)), 8),
    "sweep of predict": (
        sweep(hsgd.predict, ROWS.replace(ridge=RIDGES), hsgd.SGD(RATES), [0.0, 1.0], client=False),
        10,
    ),
    "sweep of simulate.sgd": (
        sweep(simulate.sgd, ROWS, hsgd.SGD(RATES), TIMES, num_replicates=4, seed=1, client=False),
        8,
    ),
    "sweep of replicates": (
        sweep(simulate.sgd, ROWS, hsgd.SGD(0.3), TIMES, num_replicates=9, seed=1, client=False),
        4,
    ),
    "sweep on two workers": (
        sweep(hsgd.limits, POPULATION, hsgd.StreamingSGD(RATES)),
        4,
    ),
    "dataset.save": (save_over, 8),
}


@dataclass
class Tally:
    """What became of the kills of one work."""

    kills: int = 0
    equal: int = 0
    states: tuple[int, ...] = ()
    seconds: float = 0.0


def count_files(work: Work) -> tuple[str, int]:
    """The bits of an undisturbed run, and how many files it finishes."""

    def counted() -> str:
        rename, finished = os.replace, []

        def replace(source, target):
            rename(source, target)
            finished.append(target)

        os.replace = replace
        with tempfile.TemporaryDirectory() as folder:
            return f"{bits(work(Path(folder)))} {len(finished)}"

    found, number = str(in_a_child(counted)).split()
    return found, int(number)


def try_kills(work: Work, kills: int, rng: np.random.Generator) -> Tally:
    """Kill and resume, and count how often the bits are right."""
    expected, num_files = count_files(work)
    tally, began = Tally(), time.perf_counter()
    while tally.kills < kills:
        state, moment = int(rng.integers(num_files)), MOMENTS[rng.integers(3)]
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            answer = in_a_child(lambda s=state, m=moment, f=folder: (arm(s, m), bits(work(f)))[1])
            if answer is not None:
                # Two threads wrote their last files at once, so it was done before it was killed.
                assert state >= num_files - 2
                assert answer == expected
                continue
            tally.kills += 1
            tally.states += (state,)
            tally.equal += in_a_child(lambda f=folder: bits(work(f))) == expected
    tally.seconds = time.perf_counter() - began
    return tally


def small_pieces() -> None:
    """Chunks of a few iterations, blocks of a few records: many moments to be killed in."""
    cpu.CHUNK_FLOPS, reference.CHUNK = 3000, 7
    simulate.run.planning.block_size = lambda dimension: 16
    simulate.paths.block_size = lambda dimension: 16


def kill_them(kills: int) -> bool:
    """Print the table; whether all were resumed to the bit."""
    small_pieces()
    rng = np.random.default_rng(kills)
    print(f"{'what is killed':34s} kills  files finished before  resumed to the bit     s")
    numbers = shares(kills)
    equal = 0
    for name, number in numbers.items():
        work = CALLS[name][0]
        if not name.endswith("two workers"):
            with tempfile.TemporaryDirectory() as folder:
                work(Path(folder))  # compiles here what all children then have
        tally = try_kills(work, number, rng)
        span = f"{min(tally.states)} to {max(tally.states)}"
        line = f"{name:34s} {tally.kills:5d}  {span:>21s}  {tally.equal:18d} {tally.seconds:5.0f}"
        print(line, flush=True)
        equal += tally.equal
    print(f"{'in all':34s} {kills:5d}  {'':21s}  {equal:18d}")
    return equal == kills


def shares(kills: int) -> dict[str, int]:
    """The kills divided over the works."""
    ends = np.cumsum([share for _, share in CALLS.values()])
    ends = np.rint(ends * kills / ends[-1]).astype(int)
    numbers = np.diff(ends, prepend=0).tolist()
    return {name: number for name, number in zip(CALLS, numbers, strict=True) if number}


def control() -> bool:
    """Kill runs that forget a step; whether that was noticed at least once."""
    small_pieces()
    state = Folder.state

    def late(self, index):
        found = state(self, index)
        if found is not None:
            found.done += 1
        return found

    Folder.state = late
    tally = try_kills(CALLS["reference, SGD"][0], 6, np.random.default_rng(0))
    print(f"{tally.kills} kills of a run that loses a step, {tally.equal} resumed to the bit")
    return tally.equal < tally.kills


def thousand_points(kills: int) -> bool:
    """Print what happened; whether the sweep ended with the bits of an undisturbed one."""
    ridges = xr.DataArray(np.linspace(0.0, 1.0, 20), dims="ridge")
    rates = xr.DataArray(np.linspace(0.05, 0.6, 50), dims="rate")
    call = (hsgd.predict, ROWS.replace(ridge=ridges), hsgd.SGD(rates), TIMES)
    rng = np.random.default_rng(0)

    def work(folder: Path, armed: tuple[int, str] | None = None) -> str:
        if armed:
            arm(*armed)
        return bits(hsgd.sweep(*call, folder=folder, client=False))

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number in range(kills):
            # Each life finishes some tenth of the parts.
            armed = int(rng.integers(5, 25)), MOMENTS[number % 3]
            assert in_a_child(lambda a=armed: work(folder, a)) is None
            parts = len(list(folder.glob("part-*.nc")))
            print(f"killed ({armed[1]:7s}) with {parts:3d} parts there", flush=True)
        found = in_a_child(lambda: work(folder))
        parts = len(list(folder.glob("part-*.nc")))
    with tempfile.TemporaryDirectory() as name:
        expected = in_a_child(lambda: work(Path(name)))
    equal = found == expected
    print(f"1,000 points in {parts} parts, killed {kills} times: equal to the bit: {equal}")
    return equal


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--thousand", type=int, metavar="KILLS")
    parser.add_argument("--control", action="store_true")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.control:
        good = control()
    elif options.thousand:
        good = thousand_points(options.thousand)
    else:
        good = kill_them(options.kills)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
