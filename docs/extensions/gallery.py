"""The directive `{cases}`: every validation case, with its figure if one was made.

If the environment variable HSGD_CASES names a folder that `hsgd validate all --out` filled,
its figures and verdicts are shown; else the cases are described in words alone.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from hsgd import dataset
from validation import CASES
from validation.cases.base import Case
from validation.folders import RECORD, checks_of


class Cases(SphinxDirective):
    """All cases in their order."""

    def run(self) -> list[nodes.Node]:
        """The cases as sections of text, parsed as the page is."""
        given = os.environ.get("HSGD_CASES")
        folder = None if not given else Path(given).resolve()
        self.env.note_reread()
        text = "\n".join(_described(case, folder, Path(self.env.srcdir)) for case in CASES.values())
        if folder is None:
            text = f"{_WITHOUT_FIGURES}\n\n{text}"
        return self.parse_text_to_nodes(text, allow_section_headings=True)


_WITHOUT_FIGURES = """\
This copy of the page was built without figures. To have them, run
`hsgd validate all --size small --out cases`, a minute or two, and build the pages with the
environment variable `HSGD_CASES=cases`."""


def _described(case: Case, folder: Path | None, home: Path) -> str:
    parts = [f"## {case.name}", case.question]
    if folder is not None and (folder / case.name / RECORD).is_file():
        figure = os.path.relpath(folder / case.name / f"{case.name}.png", home)
        parts += [f"![{case.question}]({figure})", _tally(folder / case.name)]
    parts += [f"**Right:** {case.right}.", f"**Wrong:** {case.wrong}."]
    return "\n\n".join(parts) + "\n"


def _tally(folder: Path) -> str:
    checks = checks_of(dataset.load(folder / RECORD))
    statements = [check for check in checks if not check.control]
    controls = [check for check in checks if check.control]
    return (
        f"{sum(c.passed for c in statements)} of {len(statements)} verdicts are as expected, "
        f"{sum(c.passed for c in controls)} of {len(controls)} negative controls are rejected."
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("cases", Cases)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
