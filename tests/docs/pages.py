"""Run the pages of the documentation: what they show is what happens.

Usage: python tests/docs/pages.py PAGE...

The code blocks of a page run in order, in one namespace and one empty folder:

- `python` blocks, and `{code-cell}` blocks, whose output the documentation build fills in. A cell
  with the tag `warns` must warn and no other block may; one with `raises-exception` must raise;
- `bash` blocks, line by line, except for what the checks run as steps of their own (`SKIPPED`).

Where a `text` block follows at once, it must be what was printed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BLOCK = re.compile(
    r"^```(?P<language>python|\{code-cell\}|bash)(?: \w+)?\n"
    r"(?P<options>(?::[^\n]*\n)*)(?P<code>.*?)^```$"
    r"(?:\n+```text\n(?P<shown>.*?)^```$)?",
    re.MULTILINE | re.DOTALL,
)
SKIPPED = re.compile(
    r"(python3? -m )?(pip|venv|pytest|sphinx)\b|source |\. |git |cd |python benchmarks/"
    r"|hsgd (validate (all|gaussian|--list)|diff)\b"
)


@dataclass(frozen=True)
class Block:
    """A piece of code, and what is said about it."""

    language: str
    code: str
    options: str
    shown: str | None
    line: int


def blocks(text: str) -> list[Block]:
    """The blocks of a page that run."""
    found = []
    for m in BLOCK.finditer(text):
        line = text.count("\n", 0, m.start("code"))
        found.append(Block(m["language"], m["code"], m["options"], m["shown"], line))
    return found


def mismatches(text: str, name: str = "page") -> list[tuple[str, str]]:
    """Run all blocks of a page in the current folder; those that print other than is shown."""
    namespace: dict[str, Any] = {"__name__": "page"}
    wrong = []
    for block in blocks(text):
        if block.language == "bash":
            printed = run_shell(block.code)
        else:
            printed = run_python(block, name, namespace)
        if block.shown is not None and printed != block.shown:
            wrong.append((block.code, printed))
    return wrong


def run_python(block: Block, name: str, namespace: dict[str, Any]) -> str:
    """Execute a block; tracebacks give the page's line numbers."""
    if block.code.startswith("%%writefile "):
        path, _, content = block.code.removeprefix("%%writefile ").partition("\n")
        Path(path).write_text(content, encoding="utf-8")
        return ""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), _warning(block, name), _raising(block, name):
        exec(compile("\n" * block.line + block.code, name, "exec"), namespace)
    return printed.getvalue()


@contextlib.contextmanager
def _warning(block: Block, name: str) -> Iterator[None]:
    with warnings.catch_warnings(record="warns" in block.options) as caught:
        warnings.simplefilter("always" if "warns" in block.options else "error")
        yield
    if caught is not None and not caught:
        raise AssertionError(f"{name}:{block.line}: this cell is said to warn, and does not.")


@contextlib.contextmanager
def _raising(block: Block, name: str) -> Iterator[None]:
    if "raises-exception" not in block.options:
        yield
        return
    try:
        yield
    except Exception:
        return
    raise AssertionError(f"{name}:{block.line}: this cell is said to raise, and does not.")


def run_shell(code: str) -> str:
    """Execute a block with this interpreter first on PATH and the tested packages importable."""
    here, home = os.path.dirname(sys.executable), importlib.util.find_spec("hsgd")
    environment = {
        **os.environ,
        "PATH": f"{here}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(Path(str(home and home.origin)).parents[1]),
    }
    printed = ""
    for command in (line for line in code.splitlines() if line.strip()):
        if command.startswith("#") or SKIPPED.match(command):
            continue
        words = ["bash", "-euo", "pipefail", "-c", command]
        done = subprocess.run(words, check=True, env=environment, stdout=subprocess.PIPE, text=True)
        printed += done.stdout
    return printed


def main() -> None:
    """Run the named pages, each in an empty folder; the first error ends the run."""
    for page in map(Path, sys.argv[1:]):
        text = page.read_text(encoding="utf-8")
        began = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            wrong = mismatches(text, page.name)
        if wrong or not blocks(text):
            sys.exit(f"{page} has no blocks, or prints other than it shows: {wrong}")
        print(f"{page}: {len(blocks(text))} blocks, {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
