"""Files that are complete and new, or as they were before."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def check_folder(target: Path) -> None:
    """Refuse a target whose folder is not there or takes no files.

    Raises
    ------
    OSError
        With what to do.
    """
    folder = target.parent
    if not folder.is_dir():
        raise FileNotFoundError(f"the folder {folder} does not exist: make it first.")
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
    target = Path(path)
    with unharmed(target):
        handle, temporary = tempfile.mkstemp(
            prefix=f".{target.name}.", suffix=".part", dir=target.parent
        )
        try:
            with open(handle, "wb") as stream:
                stream.write(content)
                stream.flush()
                os.fsync(handle)
            os.chmod(temporary, creation_mode(0o666))
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
            f"{target} could not be written ({error}): free some space or choose another place; "
            "what was there before is unchanged."
        ) from error


def creation_mode(most: int) -> int:
    """The permissions that the user's umask leaves of `most`; temporary files have fewer."""
    mask = os.umask(0)
    os.umask(mask)
    return most & ~mask
