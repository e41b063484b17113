"""The page of the documentation: `page.md` beside this file, with figures from the records.

In the template stand, in double braces,

- `table BENCHMARK PATTERN`: a table of the figures whose names match (all, without a pattern);
- `BENCHMARK: NAME`: one figure;
- `measured BENCHMARK`: when that was;
- `machines`: a list of the records.

Of a figure that several records hold the newest counts. One that is older than the newest record of
its benchmark is marked with a dagger, which `measured` explains: it could not be measured again.
"""

from __future__ import annotations

import fnmatch
import re
from pathlib import Path
from typing import Any

from benchmarks import _records
from benchmarks._records import Figure

HERE = Path(__file__).parent
RECORDS, TEMPLATE = HERE / "records", HERE / "page.md"
PAGE = HERE.parent / "docs" / "benchmarks.md"
NOTE = (
    "<!-- Made by `python -m benchmarks page` from benchmarks/page.md and benchmarks/records: "
    "edit those. -->\n\n"
)
PLACE = re.compile(r"\{\{(.+?)\}\}")


def records(folder: Path = RECORDS) -> list[dict[str, Any]]:
    """All of them, the oldest first."""
    found = [_records.read(path) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda record: str(record["date"]))


def page(template: str, known: list[dict[str, Any]]) -> str:
    """The template with its figures.

    Raises
    ------
    KeyError
        If a figure that it asks for is in no record.
    """
    return NOTE + PLACE.sub(lambda m: _filled(m[1], known), template)


def write() -> None:
    """The committed page, from the committed records."""
    text = page(TEMPLATE.read_text(encoding="utf-8"), records())
    PAGE.write_text(text, encoding="utf-8")


def _filled(asked: str, known: list[dict[str, Any]]) -> str:
    if asked == "machines":
        return "\n".join(f"- {_circumstances(record)}" for record in known)
    verb, _, rest = asked.partition(" ")
    if verb == "measured":
        return _measured(rest, known)
    if verb == "table":
        benchmark, _, pattern = rest.partition(" ")
        return _table(_cells(benchmark, known), pattern or "*")
    benchmark, _, name = asked.partition(": ")
    return _cells(benchmark, known)[name]


def _circumstances(record: dict[str, Any]) -> str:
    machine, packages = record["machine"], record["packages"]
    versions = ", ".join(f"{name} {version}" for name, version in packages.items())
    said = f"{record['date']}, revision {record['revision']}: {machine['cpu']}, "
    note = f" {record['note']}" if "note" in record else ""
    return f"{said}{machine['cores']} cores, {machine['system']}; {versions}.{note}"


def _with(benchmark: str, known: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [record for record in known if benchmark in record["benchmarks"]]
    if not found:
        raise KeyError(f"no record of {benchmark}: run it, or take it off the page.")
    return found


def _latest(benchmark: str, known: list[dict[str, Any]]) -> dict[str, tuple[Figure, str]]:
    """Name → the newest figure, and its date."""
    found: dict[str, tuple[Figure, str]] = {}
    for record in reversed(_with(benchmark, known)):  # the order of names is that of the newest
        for name, figure in _records.figures(record, benchmark).items():
            found.setdefault(name, (figure, record["date"]))
    return found


def _cells(benchmark: str, known: list[dict[str, Any]]) -> dict[str, str]:
    newest = _with(benchmark, known)[-1]["date"]
    latest = _latest(benchmark, known).items()
    return {name: f"{figure}{' †' * (date < newest)}" for name, (figure, date) in latest}


def _measured(benchmark: str, known: list[dict[str, Any]]) -> str:
    newest = _with(benchmark, known)[-1]["date"]
    older = sorted({date for _, date in _latest(benchmark, known).values()} - {newest})
    return f"Measured on {newest}{'; † on ' * bool(older)}{', '.join(older)}."


def _table(cells: dict[str, str], pattern: str) -> str:
    """Rows and columns in the order of their first figures; a cell without a figure is empty."""
    chosen = {name.partition(" / ")[::2]: cell for name, cell in cells.items()}
    chosen = {key: c for key, c in chosen.items() if fnmatch.fnmatchcase(" / ".join(key), pattern)}
    if not chosen:
        raise KeyError(f"no figure matches {pattern!r}.")
    rows, columns = ({key[part]: None for key in chosen} for part in (0, 1))
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    lines += [[row, *(chosen.get((row, column), "") for column in columns)] for row in rows]
    return "\n".join(
        "|".join(["", *(f" {cell} ".replace("  ", " ") for cell in line), ""]) for line in lines
    )
