"""What the documentation shows is what happens: pages with code, and the examples in docstrings."""

import contextlib
import doctest
import importlib
import io
import re
from pathlib import Path

import pytest

PAGES = [Path(__file__).parents[1] / "docs" / "symbolic.md"]
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)
MODULES = (
    "hsgd.algorithms",
    "hsgd.asymptotics",
    "hsgd.batches",
    "hsgd.bootstrap",
    "hsgd.feature_moments",
    "hsgd.feature_rows",
    "hsgd.gaussian_rows",
    "hsgd.prediction",
    "hsgd.random_features",
    "hsgd.activations",
    "hsgd.hermite",
    "hsgd.isotropic.curves",
    "hsgd.symbolic",
    "hsgd.symbolic.equations",
    "hsgd.symbolic.gaussian",
    "hsgd.symbolic.polynomials",
    "hsgd.symbolic.spectra",
)


def mismatches(text):
    """Run all python blocks in one namespace; those that print something else than is shown."""
    namespace, wrong = {"__name__": "page"}, []
    for match in BLOCK.finditer(text):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(match[1], "page", "exec"), namespace)
        if printed.getvalue() != (match[2] or ""):
            wrong.append((match[1], printed.getvalue()))
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_print_what_they_show(page):
    text = page.read_text(encoding="utf-8")
    assert len(BLOCK.findall(text)) == text.count("```python") > 5
    assert mismatches(text) == []


def test_a_wrong_page_would_be_seen():
    assert mismatches("```python\nprint(1)\n```\n\n```text\n2\n```\n") == [("print(1)\n", "1\n")]


def test_the_typeset_equation_is_the_printed_one():
    text = PAGES[0].read_text(encoding="utf-8")
    typeset = re.search(r"^\$\$\n(.*?)^\$\$$", text, re.MULTILINE | re.DOTALL)[1]
    assert typeset == BLOCK.search(text)[2]


@pytest.mark.parametrize("module", MODULES)
def test_examples_in_docstrings(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted > 0
    assert result.failed == 0
