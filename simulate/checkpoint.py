"""Checkpoints: a folder from which a run that was stopped goes on, to the bit.

    configuration.json        what is run, and its hash, which every other file carries
    finished-<replicate>.npz  results of one or more finished replicates, the first one's number;
                              written once, never changed
    running-<replicate>.npz   the latest state of a replicate that is not finished; replaced

Every file is written under another name and then renamed, so it is whole or not there; a process
may be killed at any moment. Random streams keep no state: the parameters and the number of the
iteration are all that a replicate is. Several processes may share a folder if they run
different replicates.

A write that fails (disk full, folder gone) does not stop the run: the results are in memory, a
warning says so, and the next write tries again.
"""

from __future__ import annotations

import io
import os
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hsgd import checks, dataset
from hsgd.checks import Array
from hsgd.dataset import claims
from hsgd.dataset.atomic import contents
from simulate.recording import Recorder

_PARTS = (
    "a run of another problem, algorithm, grid of times, statistics, seed, engine, precision or "
    "version"
)
_PARSING = threading.Lock()
"""NumPy parses the header of each array as Python, whose parser before 3.12 may lose count, and
raise SystemError, where two threads do so at once."""


@dataclass(frozen=True)
class Checkpoint:
    """Where a long run saves its progress, and how often.

    Parameters
    ----------
    folder
        Made if it does not exist. It belongs to one configuration: problem, algorithm, times,
        statistics, seed, engine and precision.
    seconds
        Least time between two saves of the same replicate.

    Raises
    ------
    TypeError, ValueError
        For a negative interval.
    """

    folder: str | os.PathLike[str]
    seconds: float = 60.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "folder", checks.path("folder", self.folder))
        object.__setattr__(self, "seconds", checks.number("seconds", self.seconds))


@dataclass
class State:
    """Where a replicate is: all that it takes to go on."""

    done: int = 0
    """Iterations done."""
    slot: int = 0
    """First slot of the block of records that is being filled."""
    filled: int = 0
    """Points of it that are there."""
    points: Array = field(default_factory=lambda: np.empty((0, 0)))
    arrays: Mapping[str, Any] = field(default_factory=dict)
    """The replicate's own arrays: parameters, velocities."""


class Store:
    """No checkpoint: nothing is kept, every replicate starts at the beginning."""

    def state(self, index: int) -> State | None:
        """Where an earlier run left a replicate; None for the start."""
        del index
        return None

    def finished(self, index: int) -> bool:
        """Whether an earlier run finished a replicate."""
        del index
        return False

    def offer(self, index: int, state: Callable[[], State], *, now: bool = False) -> None:
        """A moment at which a replicate could be saved; `now`: it is about to be stopped."""

    def complete(self, index: int) -> None:
        """A replicate is finished."""

    def close(self) -> None:
        """Write what has not been written."""


class Folder(Store):
    """A checkpoint in a folder, for the replicates `numbers` whose results are in `recorder`."""

    def __init__(
        self,
        checkpoint: Checkpoint,
        configuration: Mapping[str, Any],
        recorder: Recorder,
        numbers: range,
    ) -> None:
        self._folder = Path(checkpoint.folder)
        self._seconds = checkpoint.seconds
        self._recorder = recorder
        self._numbers = numbers
        self._hash = claims.claim(self._folder, configuration, kind="checkpoint", parts=_PARTS)
        self._lock = threading.Lock()
        self._saved: dict[int, float] = {}
        self._unwritten: list[int] = []
        self._flushed = time.monotonic()
        self._untold = threading.Lock()  # whoever gets it tells, once, whatever the threads do
        self._done = self._load_finished()

    def _read(self, path: Path) -> dict[str, Any]:
        try:
            with _PARSING, np.load(io.BytesIO(contents(path)), allow_pickle=False) as file:
                content = {name: file[name] for name in file.files}
            found, name = str(content.pop("configuration")), str(content.pop("written_as"))
            # What is stored has check sums in this format, what it is called has none.
            if sorted(content.pop("names").tolist()) != sorted(content):
                raise KeyError("names")
        except Exception as error:  # damage shows in zip, zlib, header, or as a huge array
            raise _damaged(path, type(error).__name__) from error
        claims.check_hash(path, found, self._hash, _PARTS)
        if name != path.name:  # else a replicate would go on from the state of another one
            raise ValueError(
                f"{path} was written as {name}: rename it to that, or delete it, and its "
                "replicates are run again."
            )
        return content

    def _write(self, name: str, content: Mapping[str, Any]) -> bool:
        buffer = io.BytesIO()
        names, own = np.array(sorted(content)), np.array(self._hash)
        np.savez(buffer, configuration=own, written_as=name, names=names, **content)
        try:
            dataset.write_atomically(self._folder / name, buffer.getvalue())
        except OSError as error:
            if self._untold.acquire(blocking=False):
                warnings.warn(
                    f"the checkpoint could not be written, and the run goes on without it: {error}",
                    UserWarning,
                    stacklevel=2,
                )
            return False
        return True

    def _load_finished(self) -> set[int]:
        done = set()
        for path in sorted(self._folder.glob("finished-*.npz")):
            part = self._read(path)
            numbers = _fitting(path, part, self._recorder.values.shape[:2])
            for column, number in enumerate(numbers):
                if number in self._numbers:
                    index = self._numbers.index(number)
                    self._recorder.values[:, :, index] = part["values"][:, :, column]
                    self._recorder.diverged[index] = part["diverged"][column]
                    done.add(index)
        return done

    def _running(self, index: int) -> Path:
        return self._folder / f"running-{self._numbers[index]:012d}.npz"

    def finished(self, index: int) -> bool:
        return index in self._done

    def state(self, index: int) -> State | None:
        if not self._running(index).exists():
            return None
        content = self._read(self._running(index))
        try:
            slot = int(content.pop("slot"))
            self._recorder.values[:, :slot, index] = content.pop("values")
            numbers = {name: int(content.pop(name)) for name in ("done", "filled")}
            return State(slot=slot, points=content.pop("points"), arrays=content, **numbers)
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise _damaged(self._running(index), type(error).__name__) from error

    def offer(self, index: int, state: Callable[[], State], *, now: bool = False) -> None:
        clock = time.monotonic()
        if not now and clock - self._saved.setdefault(index, clock) < self._seconds:
            return
        self._saved[index] = clock
        current = state()
        self._write(
            self._running(index).name,
            {
                "done": current.done,
                "slot": current.slot,
                "filled": current.filled,
                "points": current.points[: current.filled],
                "values": self._recorder.values[:, : current.slot, index],
                **current.arrays,
            },
        )

    def complete(self, index: int) -> None:
        with self._lock:
            self._unwritten.append(index)
            if time.monotonic() - self._flushed >= self._seconds:
                self._flush()

    def _flush(self) -> None:
        self._flushed = time.monotonic()
        if not self._unwritten:
            return
        indices = sorted(self._unwritten)
        content = {
            "replicates": np.array([self._numbers[index] for index in indices]),
            "values": self._recorder.values[:, :, indices],
            "diverged": self._recorder.diverged[indices],
        }
        if self._write(f"finished-{self._numbers[indices[0]]:012d}.npz", content):
            self._unwritten.clear()
            for index in indices:
                with suppress(OSError):
                    self._running(index).unlink(missing_ok=True)

    def close(self) -> None:
        with self._lock:
            self._flush()


def as_checkpoint(value: Any) -> Checkpoint | None:
    """The checkpoint of a folder's path, or itself.

    Raises
    ------
    TypeError
        For anything else.
    """
    if value is None or isinstance(value, Checkpoint):
        return value
    if isinstance(value, str | os.PathLike):
        return Checkpoint(value)
    raise TypeError(
        f"checkpoint is a {type(value).__name__}: pass the path of a folder, or a "
        "simulate.Checkpoint(folder, seconds)."
    )


def _fitting(path: Path, part: dict[str, Any], shape: tuple[int, ...]) -> list[int]:
    """The numbers of the replicates in a file, if what it holds is as much as they are."""
    try:
        numbers = [int(number) for number in part["replicates"].tolist()]
        fits = part["values"].shape == (*shape, len(numbers))
        fits = fits and part["diverged"].shape == (len(numbers),)
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise _damaged(path, type(error).__name__) from error
    if not fits:
        raise _damaged(path, "its arrays do not fit each other")
    return numbers


def _damaged(path: Path, how: str) -> ValueError:
    return ValueError(f"{path} is damaged ({how}): delete it, and its replicates are run again.")
