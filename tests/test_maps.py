"""The docstring of every folder is a map: it names each of its files, and nothing else."""

import re
from pathlib import Path

import pytest

import hsgd
import simulate
import validation
import volterra

FOLDERS = {
    ".".join((package.__name__, *path.parent.relative_to(root).parts)): path
    for package in (hsgd, simulate, validation, volterra)
    for root in [Path(package.__file__).parent]
    for path in root.rglob("__init__.py")
}
# Indented where prose follows: else the formatter takes the indentation for the docstring's own.
LIKE_A_FILE = re.compile(r"^(?:    )?([a-z_][a-z_, /]*?)  +\S")
LISTED_ELSEWHERE = {"validation.cases": r'^    "(\w+)",$'}
"""Folders in which a table names files, too."""
FOUND = {"simulate.rules"}
"""Folders whose files are found, so that nothing need name them."""


def drawn(path: Path, folder: str) -> tuple[set[str], set[str]]:
    """What a map lists at the beginning of its lines, and all words that it or a table marks."""
    text = path.read_text(encoding="utf-8")
    doc = text.split('"""')[1]
    lines = [m[1] for line in doc.splitlines() if (m := LIKE_A_FILE.match(line))]
    listed = {name.strip().rstrip("/") for line in lines for name in line.split(",")} - {""}
    marked = set(re.findall(r"`(\w+)/?`", doc))
    if folder in LISTED_ELSEWHERE:
        marked |= set(re.findall(LISTED_ELSEWHERE[folder], text, re.MULTILINE))
    return listed, marked


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_map_names_what_is_there(folder):
    path = FOLDERS[folder]
    there = {
        entry.stem
        for entry in path.parent.iterdir()
        if (entry.suffix == ".py" and not entry.stem.startswith("__"))
        or (entry.is_dir() and (entry / "__init__.py").exists())
    }
    listed, marked = drawn(path, folder)
    if folder not in FOUND:
        assert there - listed - marked == set(), "these are on no map"
    assert listed - there == set(), "these are on the map and not there"


def test_the_test_notices(tmp_path):
    path = tmp_path / "__init__.py"
    path.write_text('"""A map.\n\n    one, two    rooms, `three` a third\n"""\n')
    assert drawn(path, "x") == ({"one", "two"}, {"three"})
