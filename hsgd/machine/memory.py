"""How much memory this machine can still give out, asked before it is taken."""

from __future__ import annotations

import os


def available() -> int | None:
    """Bytes that this machine can still give out; None where that is not known."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    try:
        return int(os.sysconf("SC_PAGE_SIZE")) * int(os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):
        return None


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
