"""Files that are complete and new, or as they were before; and plain files, or none."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hsgd import checks

STALE = 3600.0
"""Seconds after which another process's unfinished file is taken for a dead one's."""


def check_folder(target: Path) -> None:
    """Refuse a target whose folder is not there or takes no files.

    Raises
    ------
    OSError
        With what to do.
    """
    folder = target.parent
    if not folder.is_dir():
        raise FileNotFoundError(
            f"the folder {folder} of the path {target} does not exist: make it first."
        )
    try:
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise type(error)(
            f"{target} cannot be written, because its folder refuses new files ({error}): choose "
            "another place."
        ) from error


def write_atomically(path: str | os.PathLike[str], content: bytes | memoryview) -> None:
    """Write a file so that it is complete and new, or as it was before.

    Raises
    ------
    OSError
        If the disk is full or the place cannot be written; the message names it.
    """
    target = checks.path("path", path)
    if not isinstance(content, bytes | memoryview):
        raise TypeError(f"content is {checks.shown(content)}: pass bytes.")
    with unharmed(target):
        temporary = beside(target)
        try:
            with open(temporary, "xb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(temporary, target)
        finally:
            with suppress(FileNotFoundError):
                os.unlink(temporary)


@contextmanager
def unharmed(target: Path) -> Iterator[None]:
    """What to do if writing beside the target, then renaming, has failed."""
    try:
        yield
    except OSError as error:
        raise OSError(
            f"the path {target} could not be written ({error}): free some space or choose another "
            "place; what was there before is unchanged."
        ) from error


def sweep_up(folder: Path, pattern: str) -> None:
    """Remove unfinished files and folders that a process which is gone has left."""
    for path in folder.glob(pattern):
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > STALE:
                if path.is_dir():
                    shutil.rmtree(path)
                else:
                    path.unlink()


def contents(path: Path) -> bytes:
    """The bytes of a file; anything else, such as a pipe or a device, might never end.

    Raises
    ------
    ValueError
        If it is something else.
    """
    if not path.is_file():
        raise ValueError(f"{path} is not a file: delete it.")
    return path.read_bytes()


def beside(target: Path) -> Path:
    """A name for a file or folder that will be renamed to the target; nobody else's.

    Made by `open` or `mkdir`, it has the permissions that the user's umask leaves, which those of
    `tempfile` have not, and which cannot be asked for without disturbing other threads.
    """
    return target.parent / f".{target.name[:200]}.{secrets.token_hex(8)}.part"
