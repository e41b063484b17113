"""How much memory this process can still get, asked before it is taken."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

_PROC, _CGROUPS = Path("/proc"), Path("/sys/fs/cgroup")


def available() -> int | None:
    """Bytes that this process can still get; None where that is not known.

    The least of what the machine has free, what is left of each control group (a container, a
    batch job) and of the limit on the process's address space.
    """
    known = [*_free(_PROC), *_left_in_groups(_PROC, _CGROUPS), *_left_of_address_space(_PROC)]
    return max(min(known), 0) if known else None


def _free(proc: Path) -> Iterator[int]:
    """What the machine has free."""
    for line in _lines(proc / "meminfo"):
        if line.startswith("MemAvailable:"):
            yield int(line.split()[1]) * 1024
            return
    try:
        yield int(os.sysconf("SC_PAGE_SIZE")) * int(os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return


def _left_in_groups(proc: Path, root: Path) -> Iterator[int]:
    """What is left in this process's control groups, of version 2 or 1, and in those around them.

    Inside a container a group may be mounted as if it were the root, so that is asked, too.
    """
    for line in _lines(proc / "self/cgroup"):
        _, controllers, group = line.split(":", 2)
        if not controllers:
            base, most, used, cache = root, "memory.max", "memory.current", "inactive_file"
        elif "memory" in controllers.split(","):
            base, cache = root / "memory", "total_inactive_file"
            most, used = "memory.limit_in_bytes", "memory.usage_in_bytes"
        else:
            continue
        inner = base / group.strip().lstrip("/")
        for folder in (inner, *inner.parents):
            limit, taken = _integer(folder / most), _integer(folder / used)
            if limit is not None and taken is not None:
                # What files are kept in memory is given up first.
                given_up = [int(entry.split()[1]) for entry in _lines(folder / "memory.stat")
                            if entry.startswith(cache + " ")]  # fmt: skip
                yield limit - taken + sum(given_up)
            if folder == base:
                break


def _left_of_address_space(proc: Path) -> Iterator[int]:
    """What is left of the process's own limit, `ulimit -v`."""
    try:
        import resource  # not on Windows

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        pages = int(next(iter(_lines(proc / "self/statm"))).split()[0])
    except (ImportError, OSError, ValueError, IndexError, StopIteration):
        return
    if limit != resource.RLIM_INFINITY:
        yield limit - pages * resource.getpagesize()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []


def _integer(path: Path) -> int | None:
    """The number in a file; None where there is none, or no limit."""
    text = "".join(_lines(path)).strip()
    return int(text) if text.isdecimal() else None


def check(needed: int, what: str, fewer: str) -> None:
    """Refuse what cannot fit, before it is allocated.

    Parameters
    ----------
    needed
        Bytes.
    what
        What needs them.
    fewer
        What to ask for less of.

    Raises
    ------
    MemoryError
        With both figures.
    """
    left = available()
    if left is not None and needed > left:
        raise MemoryError(
            f"{what} would need about {needed / 1e9:.3g} GB, but {left / 1e9:.3g} GB are free: ask "
            f"for fewer {fewer}."
        )
