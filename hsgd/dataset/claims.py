"""A folder that belongs to one configuration: what is in it can be gone on with, or is refused.

configuration.json    what is computed, and its hash, which every other file carries
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hsgd import dataset
from hsgd.dataset.atomic import contents, sweep_up


def claim(folder: Path, configuration: Mapping[str, Any], *, kind: str, parts: str) -> str:
    """Make a folder, or find it with the same configuration in it; gives the hash.

    Parameters
    ----------
    kind
        What the folder is for, for example "checkpoint".
    parts
        What a configuration consists of, for the user whose folder has another one.

    Raises
    ------
    OSError
        If it cannot be made or written.
    ValueError
        If it is another configuration's.
    """
    text = json.dumps(configuration, sort_keys=True)
    own = hashlib.sha256(text.encode()).hexdigest()
    record = folder / "configuration.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise type(error)(
            f"the {kind} folder {folder} cannot be made ({error}): choose another."
        ) from error
    dataset.check_writable(record)
    if not record.exists():
        content = {"sha256": own, "configuration": json.loads(text)}
        dataset.write_atomically(record, json.dumps(content, indent=1).encode())
    check_hash(record, _hash_in(record, kind), own, parts)
    sweep_up(folder, ".*.part")
    return own


def _hash_in(record: Path, kind: str) -> str:
    try:
        return str(json.loads(contents(record))["sha256"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ValueError(
            f"{record} is not a {kind}'s record: delete it if it is damaged, for the other files "
            "carry their own marks, or choose an empty folder."
        ) from None


def check_hash(path: Path, found: str, own: str, parts: str) -> None:
    """Refuse a file that carries another configuration's hash.

    Raises
    ------
    ValueError
        With what differs, and the remedy.
    """
    if found != own:
        raise ValueError(f"{path} is from {parts}: choose another folder for this one.")
