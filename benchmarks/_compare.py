"""Two records side by side: ratios, and a mark where a figure changed beyond its noise."""

from __future__ import annotations

from typing import Any

from benchmarks import _records
from benchmarks._records import Figure

SLACK = 0.02
"""Smaller changes are not worth a mark, even of figures that repeat to the digit."""


def mark(old: Figure, new: Figure, same_machine: bool = True) -> str:
    """What to say of a change.

    Beyond noise is a change for which the ranges of the repetitions do not touch. It is "better" or
    "worse", or "changed" where neither is meant; "" is a change within the noise, "?" one of which
    that cannot be said: measured once, or in seconds of another machine.
    """
    if not (same_machine or new.is_ratio):
        return "?"
    if None in (old.low, old.high, new.low, new.high):
        return "?"
    touching = new.low <= old.high and old.low <= new.high
    if touching or abs(new.value - old.value) <= SLACK * abs(old.value):
        return ""
    if not new.better:
        return "changed"
    return "better" if (new.value < old.value) == (new.better == "lower") else "worse"


def ratio(old: Figure, new: Figure) -> str:
    """New over old."""
    return f"{new.value / old.value:.2f}" if old.value else "-"


def lines(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """The comparison as text: every figure that both records hold, and what only one holds."""
    same = old["machine"] == new["machine"]
    found = [f"{record['date']}, revision {record['revision']}" for record in (old, new)]
    if not same:
        found.append("Other machines: only figures without a dimension can be compared.")
    for name in old["benchmarks"] | new["benchmarks"]:
        if not (name in old["benchmarks"] and name in new["benchmarks"]):
            where = "OLD" if name in old["benchmarks"] else "NEW"
            found += ["", f"{name}: in {where} only"]
            continue
        found += ["", name, *_benchmark(_both(old, new, name), same)]
    return found


def _both(old: dict[str, Any], new: dict[str, Any], name: str) -> tuple[dict[str, Figure], ...]:
    return _records.figures(old, name), _records.figures(new, name)


def _benchmark(both: tuple[dict[str, Figure], ...], same_machine: bool) -> list[str]:
    old, new = both
    found = []
    for name in old | new:
        if name in old and name in new and old[name].unit == new[name].unit:
            a, b = old[name], new[name]
            said = f"{a!s:>12} {b!s:>12} {ratio(a, b):>7}  {mark(a, b, same_machine)}"
        else:
            said = "not in both, or in another unit"
        found.append(f"  {name:<56} {said}".rstrip())
    return found
