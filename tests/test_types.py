"""What type checkers say of a user's file: nothing of the pages and of what is promised to work."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import hsgd
from tests.docs import pages

ROOT = Path(__file__).parents[1]
HERE = Path(__file__).parent / "types"

USERS = """\
[mypy]
strict = True
show_error_end = False
untyped_calls_exclude = distributed

[mypy-hsgd.*,simulate.*,validation.*,volterra.*]
follow_imports = silent

[mypy-sklearn.*,sympy.*]
ignore_missing_imports = True
"""
"""A user's configuration. The packages are taken as installed ones are, of which mypy reports
nothing; the rest is what other packages on the pages lack."""


def cells(text):
    """The Python of a page at its own lines, and the scripts that it writes."""
    lines, scripts = [], []
    for block in pages.blocks(text):
        if block.language == "bash" or re.search("remove-input|raises-exception", block.options):
            continue
        if block.code.startswith("%%writefile "):
            scripts.append(block.code.partition("\n")[2])
        else:
            lines += [""] * (block.line - len(lines)) + block.code.splitlines()
    return ["\n".join(lines) + "\n"] * bool(lines) + scripts


def write_pages(folder):
    """The pages as modules."""
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))):
        name = "_".join(page.relative_to(ROOT).with_suffix("").parts)
        for number, code in enumerate(cells(page.read_text(encoding="utf-8"))):
            (folder / f"{name}_{number}.py").write_text(code, encoding="utf-8")


def reported(folder, cache):
    """Of which lines of the modules in a folder mypy says something: {(file, line): words}."""
    (folder / "mypy.ini").write_text(USERS)
    home = Path(hsgd.__file__).parents[1]
    found = {} if home.name == "site-packages" else {"MYPYPATH": str(home)}
    files = sorted(path.name for path in folder.glob("*.py"))
    command = [sys.executable, "-m", "mypy", "--config-file", "mypy.ini", "--cache-dir", str(cache)]
    done = subprocess.run(
        [*command, "--no-error-summary", "--hide-error-context", *files],
        cwd=folder, env={**os.environ, **found}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    said = re.findall(r"^(.+?):(\d+): error: (.*)$", done.stdout, re.MULTILINE)
    return {(file, int(line)): words for file, line, words in said}


@pytest.mark.skipif(
    importlib.util.find_spec("mypy") is None, reason="mypy is not installed: pip install '.[dev]'"
)
@pytest.mark.timeout(900)
def test_a_users_file_is_free_of_errors_and_a_wrong_one_is_not(tmp_path, pytestconfig):
    """One process of mypy for all: a minute, and seconds where it is remembered."""
    write_pages(tmp_path)
    assert len(list(tmp_path.glob("*.py"))) > 15
    for name in ("right.py", "wrong.py"):
        (tmp_path / name).write_text((HERE / name).read_text(encoding="utf-8"), encoding="utf-8")
    remembered = getattr(pytestconfig, "cache", None)
    cache = remembered.mkdir("mypy") if remembered else tmp_path / "cache"
    wrong = (HERE / "wrong.py").read_text(encoding="utf-8").splitlines()
    must_be = {("wrong.py", n) for n, line in enumerate(wrong, 1) if line.endswith("# wrong")}
    said = reported(tmp_path, cache)
    assert {place: words for place, words in said.items() if place not in must_be} == {}
    assert must_be - said.keys() == set()


def test_what_is_promised_works(tmp_path):
    """The file that type checkers accept, run as a user would."""
    environment = {**os.environ, "PYTHONPATH": str(Path(hsgd.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(HERE / "right.py")],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
