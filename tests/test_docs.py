"""What the documentation shows is what happens: every page's code, and examples in docstrings."""

import doctest
import importlib
import re
from pathlib import Path

import pytest

from tests.docs import pages, render, site

DOCS = Path(__file__).parents[1] / "docs"
WRITTEN = [page for page in sorted(DOCS.rglob("*.md")) if render.OUT not in page.parents]
PAGES = [page for page in WRITTEN if pages.blocks(page.read_text("utf-8"))]
RUN = {"python", "bash", "{code-cell}"}
FENCE = re.compile(r"^```+(\S*)", re.MULTILINE)
PACKAGES = ("hsgd", "simulate", "validation", "volterra")


def with_examples():
    """The modules whose docstrings have examples, as they are installed."""
    for package in PACKAGES:
        root = Path(importlib.import_module(package).__file__).parent
        for path in sorted(root.rglob("*.py")):
            if ">>> " in path.read_text("utf-8"):
                parts = path.relative_to(root.parent).with_suffix("").parts
                yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def run_by_the_build(page):
    """Whether all that a page runs are cells, which `sphinx` runs, too: without a warning."""
    return {block.language for block in pages.blocks(page.read_text("utf-8"))} == {"{code-cell}"}


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page,
            id=str(page.relative_to(DOCS)),
            marks=[pytest.mark.slow] if run_by_the_build(page) else [],
        )
        for page in PAGES
    ],
)
def test_pages_print_what_they_show(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    assert pages.mismatches(page.read_text(encoding="utf-8"), page.name) == []


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.name)
def test_no_code_of_a_page_escapes(page):
    text = page.read_text(encoding="utf-8")
    opened = FENCE.findall(text)[::2]
    assert len(pages.blocks(text)) == sum(kind in RUN for kind in opened)
    assert not re.search(r"^```+(sh|shell|console|py|pycon)$", text, re.MULTILINE)


def test_rendered_pages_are_made_from_what_the_pages_say_now():
    expected = {render.target(source): render.mark(source) for source in render.sources()}
    found = {page: page.read_text("utf-8").splitlines()[0] for page in render.OUT.rglob("*.md")}
    assert found == expected, "run python -m tests.docs.render for these pages"
    for page in found:
        for target, _ in render.LINK.findall(page.read_text("utf-8")):
            assert (page.parent / target).exists(), f"{page.name} leads to {target}"


@pytest.mark.parametrize("source", render.sources(), ids=lambda page: page.stem)
def test_rendered_pages_show_the_code_of_their_page(source):
    shown = set(render.target(source).read_text("utf-8").splitlines())
    cells = "".join(found["code"] for found in pages.BLOCK.finditer(source.read_text("utf-8")))
    assert [line for line in cells.splitlines() if line not in shown] == []


@pytest.mark.slow
@pytest.mark.parametrize("source", render.sources(), ids=lambda page: page.stem)
def test_rendered_pages_say_what_comes_out(source, tmp_path, monkeypatch):
    """Digits may differ from machine to machine, words may not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    number = re.compile(r"-?\d[\d.,]*(e[-+]?\d+)?")
    again = render.rendered(source, tmp_path / "pictures")
    shown = render.target(source).read_text("utf-8")
    assert number.sub("#", again).split() == number.sub("#", shown).split()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", None),
        ("```bash\necho 1\n```\n```text\n2\n```\n", None),
        ("```python\nimport warnings\nwarnings.warn('x')\n```\n", UserWarning),
        ("```{code-cell}\n:tags: [warns]\n1\n```\n", AssertionError),
        ("```{code-cell}\n:tags: [raises-exception]\n1\n```\n", AssertionError),
        ("```bash\nfalse\n```\n", Exception),
    ],
    ids=["printed", "shell", "warning", "no-warning", "no-exception", "failure"],
)
def test_a_wrong_page_would_be_seen(text, complaint):
    if complaint is None:
        assert [printed for _, printed in pages.mismatches(text)] == ["1\n"]
    else:
        with pytest.raises(complaint):
            pages.mismatches(text)


def test_a_right_page_passes():
    good = "```{code-cell} ipython3\n:tags: [raises-exception]\n1 / 0\n```\n"
    assert pages.mismatches(good + "```python\nprint(1)\n```\n```text\n1\n```\n") == []


def test_the_typeset_equation_is_the_printed_one():
    text = (DOCS / "symbolic.md").read_text(encoding="utf-8")
    typeset = re.search(r"^\$\$\n(.*?)^\$\$$", text, re.MULTILINE | re.DOTALL)[1]
    assert typeset == pages.blocks(text)[0].shown


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ('<a href="other.html#there">', None),
        ('<a href="https://example.org/">', None),
        ('<a href="missing.html">', "missing.html"),
        ('<a href="other.html#nowhere">', "nowhere"),
        ('<img src="missing.png">', "missing.png"),
        ('<script src="https://example.org/x.js">', "https://example.org/x.js"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "//example.org/x.css"),
        ('<div class="cell x"><span class="n">plot</span><span class="p">(', "no figure"),
        ('<style>@import url("https://example.org/x.css")</style>', "https://example.org/x.css"),
    ],
)
def test_the_check_of_the_site_sees_what_is_wrong(body, word, tmp_path):
    (tmp_path / "index.html").write_text(body)
    (tmp_path / "other.html").write_text('<p id="there">')
    found = site.complaints(tmp_path)
    assert [word in each for each in found] == ([] if word is None else [True])


@pytest.mark.parametrize("module", list(with_examples()))
def test_examples_in_docstrings(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0
