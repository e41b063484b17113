"""Pages with what their cells print and draw, for readers of the repository: `docs/rendered/`.

    python -m tests.docs.render [PAGE ...]      all, unless some are named (docs/tutorial.md)

The site runs the cells when it is built; a repository's browser runs nothing. A rendered page says
which text it was made from, by its SHA-256, and a test holds it to that.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import io
import os
import re
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from tests.docs.pages import BLOCK, run_shell

DOCS = Path(__file__).parents[2] / "docs"
OUT = DOCS / "rendered"
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[^)]*)?\)")
LONGEST = 40
"""Lines of output that are shown."""


def sources() -> list[Path]:
    """The pages that a reader of the README is sent to, as far as they have cells."""
    pages = [DOCS / "tutorial.md", *sorted((DOCS / "howto").glob("*.md"))]
    return [page for page in pages if "```{code-cell}" in page.read_text("utf-8")]


def mark(source: Path) -> str:
    """The first line of a rendered page."""
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    name = source.relative_to(DOCS).as_posix()
    return f"<!-- Made from docs/{name} ({digest}) by python -m tests.docs.render. Edit that. -->"


def target(source: Path) -> Path:
    """Where a page's rendered form lies."""
    return OUT / source.relative_to(DOCS)


def rendered(source: Path, pictures: Path) -> str:
    """The page with its outputs; figures become files in `pictures`."""
    text = re.sub(r"\A---\n.*?\n---\n", "", source.read_text("utf-8"), flags=re.DOTALL)
    text = re.sub(r"```\{toctree\}.*?```\n?", "", text, flags=re.DOTALL)
    namespace: dict[str, Any] = {"__name__": "page"}
    figures = iter(range(1, 1000))

    def with_output(found: re.Match[str]) -> str:
        code, options = found["code"], found["options"]
        if found["language"] == "bash" or code.startswith("%%writefile"):
            if code.startswith("%%writefile "):
                path, _, content = code.removeprefix("%%writefile ").partition("\n")
                Path(path).write_text(content, encoding="utf-8")
            else:
                run_shell(code)
            return found[0].replace("```{code-cell} ipython3", "```python")
        printed = _run(code, namespace)
        images = [_keep(number, pictures, source) for number in _open_figures(figures)]
        shown = f"\n\n```text\n{printed}```" if printed and not found["shown"] else ""
        cell = "" if "remove-input" in options else f"```python\n{code}```"
        if found["shown"]:
            cell += f"\n\n```text\n{found['shown']}```"
        return "\n\n".join([cell + shown, *images]).strip()

    text = BLOCK.sub(with_output, text)
    return f"{mark(source)}\n{_relinked(text, source)}"


def _run(code: str, namespace: dict[str, Any]) -> str:
    """What a cell prints, and shows as a notebook does: the value of its last line."""
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    out = io.StringIO()
    with contextlib.redirect_stdout(out), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            exec(compile(tree, "page", "exec"), namespace)
            if last is not None:
                value = eval(compile(ast.Expression(last.value), "page", "eval"), namespace)
                quiet = value is None or hasattr(value, "_ipython_display_")
                if not quiet and not code.rstrip().endswith(";"):
                    print(repr(value))
        except Exception as error:  # pages show a few
            print(f"{type(error).__name__}: {error}")
    told = "".join(f"{one.category.__name__}: {one.message}\n" for one in caught)
    lines = (told + out.getvalue()).splitlines()
    if len(lines) > LONGEST:
        lines = [*lines[:LONGEST], "..."]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _open_figures(numbers: Any) -> list[int]:
    if "matplotlib.pyplot" not in sys.modules:
        return []
    from matplotlib import pyplot

    found = []
    for number in pyplot.get_fignums():
        new = next(numbers)
        pyplot.figure(number).savefig(f"figure-{new}.png", dpi=80)
        found.append(new)
    pyplot.close("all")
    return found


def _keep(number: int, pictures: Path, source: Path) -> str:
    name = f"{source.stem}-{number}.png"
    pictures.mkdir(parents=True, exist_ok=True)
    (pictures / name).write_bytes(Path(f"figure-{number}.png").read_bytes())
    return f"![What the lines above draw]({name})"


def _relinked(text: str, source: Path) -> str:
    """Links to pages that are rendered, too, stay; others lead out of the folder."""
    known = set(sources())

    def moved(found: re.Match[str]) -> str:
        path = (source.parent / found[1]).resolve()
        if path in known or not path.exists():
            return found[0]
        return f"]({os.path.relpath(path, target(source).parent)}{found[2] or ''})"

    return LINK.sub(moved, text)


def main() -> None:
    """Render the named pages, or all."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    chosen = [Path(word).resolve() for word in sys.argv[1:]] or sources()
    for source in chosen:
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            page = rendered(source, target(source).parent)
        target(source).parent.mkdir(parents=True, exist_ok=True)
        target(source).write_text(page, encoding="utf-8")
        print(target(source).relative_to(DOCS.parent))


if __name__ == "__main__":
    main()
